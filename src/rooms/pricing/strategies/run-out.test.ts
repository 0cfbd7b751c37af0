import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exponentialRunOutPrice, monopolyPrice, runOutPrice } from './run-out.ts';

describe('the run-out price', () => {
  it('of sixty units in ten days, of which twelve a day sell at 20, is 28.2843', () => {
    expect(Math.abs(runOutPrice({ elasticity: 2, referencePerDay: 12, referencePrice: 20 }, 60, 10) - 28.2843)).toBeLessThan(1e-4);
  });

  it('under exponential demand of ten units in a day is 23.0259', () => {
    expect(Math.abs(exponentialRunOutPrice({ demandPerDay: 100, alpha: 0.1 }, 10, 1) - 23.0259)).toBeLessThan(1e-4);
  });

  it('is 0 where the stock lasts at any price', () => {
    expect(exponentialRunOutPrice({ demandPerDay: 100, alpha: 0.1 }, 101, 1)).toBe(0);
    expect(exponentialRunOutPrice({ demandPerDay: 100, alpha: 0.1 }, 10, 0)).toBe(0);
    expect(runOutPrice({ elasticity: 2, referencePerDay: 12, referencePrice: 20 }, 60, 0)).toBe(0);
  });

  it('sells the stock in the time: demand at that price is what there is', () => {
    fc.assert(
      fc.property(fc.double({ min: 1.01, max: 8, noNaN: true }), fc.double({ min: 0.1, max: 1e4, noNaN: true }), fc.integer({ min: 1, max: 1e6 }), fc.double({ min: 0.1, max: 400, noNaN: true }), (elasticity, referencePerDay, units, days) => {
        const price = runOutPrice({ elasticity, referencePerDay, referencePrice: 20 }, units, days);
        expect(referencePerDay * (price / 20) ** -elasticity * days).toBeCloseTo(units, -Math.log10(units * 1e-6));
      }),
    );
  });
});

describe('the price that earns most from each unit', () => {
  it.each([
    [1.5, 3],
    [2, 2],
    [3, 1.5],
    [5, 1.25],
  ])('at elasticity %d is %d times its cost', (elasticity, factor) => {
    expect(monopolyPrice(7, elasticity)).toBeCloseTo(7 * factor, 9);
  });
});
