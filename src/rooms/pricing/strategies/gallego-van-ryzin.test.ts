import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gallegoVanRyzinPrice, gallegoVanRyzinRevenue, type SeasonalDemand } from './gallego-van-ryzin.ts';

const demand: SeasonalDemand = { demandPerDay: 100, alpha: 0.1 };

describe('the price of Gallego and van Ryzin', () => {
  it.each([
    [1, 1, 46.3199],
    [5, 1, 30.2558],
    [10, 1, 23.3724],
    [20, 1, 16.5959],
    [50, 1, 10.0682],
    [10, 0.5, 16.9887],
    [10, 0.1, 10.0317],
    [10, 0.001, 10.0],
  ])('of %d units with %d days left is %d', (units, days, price) => {
    expect(Math.abs(gallegoVanRyzinPrice(demand, units, days) - price)).toBeLessThan(1e-4);
  });

  it('expects to earn 212.5187 from ten units in a day', () => {
    expect(Math.abs(gallegoVanRyzinRevenue(demand, 10, 1) - 212.5187)).toBeLessThan(1e-4);
  });

  it('is what one unit more is expected to earn, above the price that sells a unit best', () => {
    fc.assert(
      fc.property(demands, fc.integer({ min: 1, max: 400 }), fc.double({ min: 0.01, max: 100, noNaN: true }), (given, units, days) => {
        const more = gallegoVanRyzinRevenue(given, units, days) - gallegoVanRyzinRevenue(given, units - 1, days);
        const price = gallegoVanRyzinPrice(given, units, days);
        expect(Math.abs(price - (given.salvage ?? 0) - 1 / given.alpha - more)).toBeLessThan(1e-6 * (1 + price));
      }),
    );
  });

  it('never falls when stock falls, nor rises as time runs out', () => {
    fc.assert(
      fc.property(demands, fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 0, max: 100 }), fc.double({ min: 0, max: 400, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (given, units, more, days, share) => {
        const price = gallegoVanRyzinPrice(given, units, days);
        const slack = 1e-9 * price;
        expect(gallegoVanRyzinPrice(given, units + more, days)).toBeLessThanOrEqual(price + slack);
        expect(gallegoVanRyzinPrice(given, units, days * share)).toBeLessThanOrEqual(price + slack);
        expect(price).toBeGreaterThanOrEqual((given.salvage ?? 0) + 1 / given.alpha - slack);
      }),
    );
  });

  it('overflows for no stock and no demand', () => {
    expect(gallegoVanRyzinPrice({ demandPerDay: 1e6, alpha: 0.1 }, 1, 365)).toBeCloseTo(10 + 10 * Math.log1p((1e6 * 365) / Math.E), 6);
    expect(gallegoVanRyzinPrice({ demandPerDay: 1e4, alpha: 0.1 }, 1_000_000_000, 365)).toBeCloseTo(10, 9);
    expect(gallegoVanRyzinPrice({ demandPerDay: 0, alpha: 0.1 }, 10, 10)).toBe(10);
    const balanced = gallegoVanRyzinPrice({ demandPerDay: 1000 * Math.E, alpha: 0.1 }, 1_000_000, 1000);
    expect(balanced).toBeGreaterThan(10);
    expect(balanced).toBeLessThan(10.02);
  });

  it('counts the margin over the salvage value', () => {
    const worth = { demandPerDay: 100 * Math.exp(0.5), alpha: 0.1, salvage: 5 };
    expect(gallegoVanRyzinPrice(worth, 10, 1)).toBeCloseTo(5 + gallegoVanRyzinPrice(demand, 10, 1), 9);
  });
});

const demands: fc.Arbitrary<SeasonalDemand> = fc.record({
  demandPerDay: fc.double({ min: 0.01, max: 10_000, noNaN: true }),
  alpha: fc.double({ min: 0.001, max: 10, noNaN: true }),
  salvage: fc.double({ min: 0, max: 20, noNaN: true }),
});
