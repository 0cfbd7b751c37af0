import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Signals } from '../signals.ts';
import { NO_POINTS, scatterOf, withPoint } from './elasticity.ts';
import { compileStrategy, type ComputedStrategy } from './strategies.ts';
import type { Known } from './trace.ts';

const NOW = Date.UTC(2026, 0, 1);
const inDays = (days: number): string => new Date(NOW + days * 86_400_000).toISOString();
const eur = (amount: number) => ({ amount, currency: 'EUR' });

const usual: Signals = {
  available: 40, onHand: 45, reserved: 5, daysOfCover: 20, velocityHour: 2, velocityDay: 2, sellThrough: 0.4, ageDays: 12,
  price: eur(2100), basePrice: eur(2000), cost: eur(900), hour: 10, weekday: 4, attributes: { category: 'lamps' },
};
const known = (signals: Partial<Signals> = {}, rest: Partial<Known> = {}): Known => ({ basePrice: eur(2000), cost: eur(900), signals: { ...usual, ...signals }, now: NOW, ...rest });
const priced = (strategy: ComputedStrategy, given = known()) => compileStrategy(strategy)(given);

describe('rules', () => {
  const strategy: ComputedStrategy = {
    kind: 'rules',
    rules: [
      { name: 'scarce', when: { available: [{ numeric: ['<', 10] }] }, change: { percent: 5 } },
      { name: 'slow', when: { daysOfCover: [{ numeric: ['>', 60] }] }, change: { percent: -10 } },
      { name: 'lamps', when: { attributes: { category: ['lamps'] } }, change: { amount: 150 } },
    ],
  };

  it('apply in their order, each to the result of the one before', () => {
    expect(priced(strategy, known({ available: 7, daysOfCover: 90 }))).toEqual({
      model: 20.4,
      steps: [
        { step: 'scarce', before: eur(2000), after: eur(2100), reason: 'available 7: +5 %' },
        { step: 'slow', before: eur(2100), after: eur(1890), reason: 'daysOfCover 90: −10 %' },
        { step: 'lamps', before: eur(1890), after: eur(2040), reason: 'attributes: +1.50 EUR' },
      ],
    });
  });

  it('that do not apply leave the base price, and say so', () => {
    expect(priced(strategy, known({ attributes: {} }))).toEqual({ model: 20, steps: [{ step: 'rules', before: eur(2000), after: eur(2000), reason: 'no rule applies' }] });
    expect(priced({ kind: 'rules', rules: [] }).model).toBe(20);
  });

  it('without a condition always apply, and set what they set', () => {
    expect(priced({ kind: 'rules', rules: [{ name: 'fair', when: {}, change: { set: 1234 } }] }).steps).toEqual([{ step: 'fair', before: eur(2000), after: eur(1234), reason: 'set to 12.34 EUR' }]);
  });

  it('name what they asked, in choices too', () => {
    const when = { $or: [{ available: [{ numeric: ['<', 5] }] }, { hour: [10], price: { amount: [2100] } }] };
    expect(priced({ kind: 'rules', rules: [{ name: 'morning', when, change: { percent: -1 } }] }).steps[0]?.reason).toBe('available 40, hour 10, price 21.00 EUR: −1 %');
  });

  it('do not round on the way', () => {
    const third = { name: 'a third more', when: {}, change: { percent: 0.025 } };
    const { model, steps } = priced({ kind: 'rules', rules: [third, third] });
    expect(model).toBeCloseTo(20 * 1.00025 ** 2, 12);
    expect(steps.map(({ after }) => after?.amount)).toEqual([2000, 2001]);
  });

  it('of another currency are left out, and nothing goes below 0', () => {
    const yen = { name: 'yen', when: {}, change: { amount: -500, currency: 'JPY' } };
    expect(priced({ kind: 'rules', rules: [yen] }).model).toBe(20);
    expect(priced({ kind: 'rules', rules: [yen] }, { ...known(), basePrice: { amount: 300, currency: 'JPY' }, cost: null }).model).toBe(0);
  });

  it('are the same however often they are asked', () => {
    const model = compileStrategy(strategy);
    const given = known({ available: 3 });
    expect(model(given)).toEqual(model(given));
  });
});

describe('run-out', () => {
  const strategy: ComputedStrategy = { kind: 'run-out', elasticity: 2, referencePerDay: 12, horizonDays: 10 };

  it('is the price at which the stock lasts', () => {
    expect(Math.abs(priced(strategy, known({ available: 60 })).model - 28.2843)).toBeLessThan(1e-4);
  });

  it('is the price that earns most from each unit where there is more stock than that sells', () => {
    const { model, steps } = priced(strategy, known({ available: 600 }));
    expect(model).toBe(18);
    expect(steps.map(({ step, after }) => [step, after?.amount])).toEqual([['run-out', 894], ['best-margin', 1800]]);
  });

  it('counts down to the end of a season, and leaves the price after it', () => {
    const season: ComputedStrategy = { kind: 'run-out', elasticity: 2, referencePerDay: 12, seasonEnd: inDays(10) };
    expect(priced(season, known({ available: 60 })).model).toBeCloseTo(28.2843, 4);
    expect(priced(season, known({ available: 60 }, { now: NOW + 11 * 86_400_000 }))).toMatchObject({ model: 21, steps: [{ reason: 'the season is over: the price stays' }] });
  });

  it('never falls when stock falls, down to nothing and below', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.2, max: 8, noNaN: true }), fc.double({ min: 0.1, max: 1000, noNaN: true }), fc.integer({ min: -10, max: 10_000 }), fc.nat(1000), (elasticity, referencePerDay, available, more) => {
        const model = compileStrategy({ kind: 'run-out', elasticity, referencePerDay, horizonDays: 30 });
        expect(model(known({ available })).model).toBeGreaterThanOrEqual(model(known({ available: available + more })).model);
      }),
    );
  });
});

describe('gallego-van-ryzin', () => {
  const strategy: ComputedStrategy = { kind: 'gallego-van-ryzin', demandPerDay: 100, alpha: 0.1, seasonEnd: inDays(1) };

  it('is the published price, in the currency of the item', () => {
    expect(Math.abs(priced(strategy, known({ available: 10 })).model - 23.3724)).toBeLessThan(1e-4);
    const inYen = priced(strategy, { ...known({ available: 10 }), basePrice: { amount: 30, currency: 'JPY' }, cost: null });
    expect(Math.abs(inYen.model - 23.3724)).toBeLessThan(1e-4);
    expect(inYen.steps[0]?.after).toEqual({ amount: 23, currency: 'JPY' });
  });

  it('of the last unit stays when that is gone, and rests at 1/alpha after the season', () => {
    expect(priced(strategy, known({ available: 0 })).model).toBe(priced(strategy, known({ available: 1 })).model);
    expect(priced(strategy, known({ available: 10 }, { now: NOW + 2 * 86_400_000 })).model).toBe(10);
  });

  it('never falls when stock falls', () => {
    const model = compileStrategy(strategy);
    fc.assert(
      fc.property(fc.integer({ min: -5, max: 500 }), fc.nat(100), (available, more) => {
        expect(model(known({ available })).model).toBeGreaterThanOrEqual(model(known({ available: available + more })).model - 1e-9);
      }),
    );
  });
});

describe('learned', () => {
  const strategy: ComputedStrategy = { kind: 'learned', priorElasticity: 2.5 };
  const points = (count: number) => {
    const sums = Array.from({ length: count }, (_, i) => ({ price: 15 + (i % 10), units: Math.round(1e6 * (15 + (i % 10)) ** -3), days: 1 })).reduce(withPoint, NO_POINTS);
    return scatterOf([sums]);
  };

  it('is the price that earns most under the elasticity that was seen', () => {
    const seen = { item: points(200), category: points(200) };
    const { model, steps } = priced(strategy, known({}, { seen }));
    expect(Math.abs(model - 13.5)).toBeLessThan(0.1); // elasticity 3: half as much again as the cost of 9
    expect(steps[0]?.reason).toMatch(/^elasticity 3?(2\.9\d*|3\.0\d*|3)? from 200 prices of the item and 200 of its category$/);
  });

  it('falls back on cover and velocity below 30 price points, and says why', () => {
    const seen = { item: points(4), category: points(29) };
    const { model, steps } = priced(strategy, known({ daysOfCover: 15, velocityHour: 4 }, { seen }));
    expect(model).toBeCloseTo(20 * 1.15 * 2 ** 0.1, 9);
    expect(steps.map(({ step }) => step)).toEqual(['cover', 'velocity']);
    expect(steps[0]?.reason).toMatch(/^29 prices were seen and 30 are needed; the stock lasts 15 days, 30 days are aimed at$/);
    expect(priced(strategy, known({}, { seen: { item: points(4), category: points(30) } })).steps[0]?.step).toBe('learned');
  });

  it('falls back where the cost is not known', () => {
    const seen = { item: points(200), category: points(200) };
    expect(priced(strategy, known({}, { seen, cost: null })).steps[0]?.reason).toMatch(/^the cost is not known;/);
  });

  it('falling back never falls when cover falls, and stays within bounds', () => {
    fc.assert(
      fc.property(fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }), { nil: null }), fc.double({ min: 0, max: 1e3, noNaN: true }), fc.double({ min: 0, max: 1e3, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (daysOfCover, velocityHour, velocityDay, share) => {
        const { model } = priced(strategy, known({ daysOfCover, velocityHour, velocityDay }));
        expect(model).toBeGreaterThanOrEqual(20 * 0.85 ** 2 - 1e-9);
        expect(model).toBeLessThanOrEqual(20 * 1.2 ** 2 + 1e-9);
        const less = daysOfCover === null ? 1e6 * share : daysOfCover * share;
        expect(priced(strategy, known({ daysOfCover: less, velocityHour, velocityDay })).model).toBeGreaterThanOrEqual(model);
      }),
    );
  });
});
