import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom, type Random } from '../../../base/random.ts';
import { learnedElasticity, NO_POINTS, scatterOf, withPoint, type PriceSums } from './elasticity.ts';

const NOTHING = scatterOf([]);

describe('learned elasticity', () => {
  it('is the category\'s prior while nothing was seen', () => {
    expect(learnedElasticity({ prior: 2.5, category: NOTHING, item: NOTHING })).toBe(2.5);
  });

  it('learns nothing from a price that never moves', () => {
    const item = sumsOf(points({ elasticity: 4, count: 100, spread: 0, noise: 0.3, seed: 1 }));
    expect(learnedElasticity({ prior: 2.5, category: NOTHING, item: scatterOf([item]) })).toBe(2.5);
  });

  it('comes to what the sales show, the closer, the more of them there are', () => {
    const [few, many] = [30, 3000].map((count) => {
      const item = scatterOf([sumsOf(points({ elasticity: 3.2, count, spread: 0.3, noise: 0.3, seed: 5 }))]);
      return learnedElasticity({ prior: 2, category: NOTHING, item });
    });
    expect(Math.abs((few ?? 0) - 3.2)).toBeLessThan(0.6);
    expect(Math.abs((many ?? 0) - 3.2)).toBeLessThan(0.05);
  });

  it('follows its category while it has shown little itself', () => {
    const items = Array.from({ length: 40 }, (_, seed) => sumsOf(points({ elasticity: 4, count: 20, spread: 0.3, noise: 0.3, seed, level: 1 + seed })));
    const item = scatterOf([sumsOf(points({ elasticity: 4, count: 3, spread: 0.05, noise: 0.3, seed: 99 }))]);
    expect(Math.abs(learnedElasticity({ prior: 2, category: scatterOf(items), item }) - 4)).toBeLessThan(0.3);
  });

  it('lies between the prior and the least-squares line, as the formula says', () => {
    fc.assert(
      fc.property(fc.double({ min: 1.5, max: 7, noNaN: true }), fc.double({ min: 1.2, max: 7.5, noNaN: true }), fc.integer({ min: 5, max: 200 }), fc.nat(), (prior, elasticity, count, seed) => {
        const item = scatterOf([sumsOf(points({ elasticity, count, spread: 0.3, noise: 0.3, seed }))]);
        const line = -item.xy / item.xx;
        const learned = learnedElasticity({ prior, category: NOTHING, item });
        expect(learned).toBeGreaterThanOrEqual(Math.min(8, Math.max(1.1, Math.min(prior, line))) - 1e-9);
        expect(learned).toBeLessThanOrEqual(Math.min(8, Math.max(1.1, Math.max(prior, line))) + 1e-9);
      }),
    );
  });

  it('weighs prior and points as the formula says', () => {
    // Without a category τ² is 0.5 + 0.25; the points lie off their line by far less than the least noise, 0.02, allows.
    const prices = [16, 18, 20, 22, 25];
    const item = scatterOf([sumsOf(prices.map((price) => ({ price, units: 1e13 * price ** -3, days: 10 })))]);
    const logs = prices.map(Math.log);
    const mean = logs.reduce((sum, x) => sum + x) / logs.length;
    const squares = logs.reduce((sum, x) => sum + (x - mean) ** 2, 0);
    const expected = (2 / 0.75 + (3 * squares) / 0.02) / (1 / 0.75 + squares / 0.02);
    expect(learnedElasticity({ prior: 2, category: NOTHING, item })).toBeCloseTo(expected, 6);
  });

  it('is never below 1.1 nor above 8', () => {
    const steep = scatterOf([sumsOf(points({ elasticity: 20, count: 500, spread: 0.3, noise: 0.1, seed: 3 }))]);
    const flat = scatterOf([sumsOf(points({ elasticity: 0.2, count: 500, spread: 0.3, noise: 0.1, seed: 3 }))]);
    expect(learnedElasticity({ prior: 2, category: NOTHING, item: steep })).toBe(8);
    expect(learnedElasticity({ prior: 2, category: NOTHING, item: flat })).toBe(1.1);
  });
});

interface Market {
  readonly elasticity: number;
  readonly count: number;
  /** Of log p and of log q about its line, as standard deviations. */
  readonly spread: number;
  readonly noise: number;
  readonly seed: number;
  readonly level?: number;
}

function points({ elasticity, count, spread, noise, seed, level = 1 }: Market): { price: number; units: number; days: number }[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => {
    const move = spread * normal(random);
    return { price: 20 * Math.exp(move), units: 1000 * level * Math.exp(noise * normal(random) - elasticity * move), days: 10 };
  });
}

function sumsOf(all: readonly { price: number; units: number; days: number }[]): PriceSums {
  return all.reduce(withPoint, NO_POINTS);
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log((random.u32() + 1) / 2 ** 32)) * Math.cos((2 * Math.PI * random.u32()) / 2 ** 32);
}
