import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LOWS_MAX } from './limits.ts';
import { announced, shownFrom, type Shown } from './lowest.ts';
import type { Money } from './money.ts';

const DAY = 86_400_000;
const eur = (amount: number): Money => ({ amount, currency: 'EUR' });

/** What is announced on a day, after prices that began on days. */
function after(prices: readonly (readonly [day: number, price: Money | null])[], day = prices.at(-1)?.[0] ?? 0): [lowest30d: number, reductionPercent: number | null] {
  let shown: Shown = { lows: [] };
  let last: Money | null = null;
  for (const [from, price] of prices) {
    shown = shownFrom(shown, last, price, from * DAY);
    last = price;
  }
  const { lowest30d, reductionPercent } = announced(shown, last as Money, day * DAY); // the stories end with a price
  return [lowest30d, reductionPercent];
}

describe('the reduction that is announced', () => {
  test('A: 100 for 40 days, then 80: from 100, 20 %', () => {
    expect(after([[-40, eur(10000)], [0, eur(8000)]])).toEqual([10000, 20]);
  });
  test('B: 80, then 100 ten days ago, and 90 today is no reduction', () => {
    expect(after([[-60, eur(8000)], [-10, eur(10000)], [0, eur(9000)]])).toEqual([8000, null]);
  });
  test('C: 70 for two days 40 days ago does not count for 80 today', () => {
    expect(after([[-90, eur(10000)], [-40, eur(7000)], [-38, eur(10000)], [0, eur(8000)]])).toEqual([10000, 20]);
  });
  test('D: 80, and on day 5 60: both from 100, 20 % and 40 %', () => {
    const campaign = [[-50, eur(10000)], [0, eur(8000)], [5, eur(6000)]] as const;
    expect(after(campaign.slice(0, 2), 4)).toEqual([10000, 20]);
    expect(after(campaign)).toEqual([10000, 40]);
  });
  test('the price in force 30 days before counts, one that ended in that moment does not', () => {
    expect(after([[-60, eur(7000)], [-29.99, eur(10000)], [0, eur(8000)]])).toEqual([7000, null]);
    expect(after([[-60, eur(7000)], [-30, eur(10000)], [0, eur(8000)]])).toEqual([10000, 20]);
  });
  test('a price that rises ends it, and the next is announced from the lowest', () => {
    expect(after([[-50, eur(10000)], [0, eur(8000)], [1, eur(9000)]])).toEqual([8000, null]);
    expect(after([[-50, eur(10000)], [0, eur(8000)], [1, eur(9000)], [2, eur(7600)]])).toEqual([8000, 5]);
  });
  test('it stays as long as it lasts', () => {
    expect(after([[-50, eur(10000)], [0, eur(8000)]], 100)).toEqual([10000, 20]);
  });
  test('the first price is no reduction, nor one after a time without any', () => {
    expect(after([[0, eur(8000)]])).toEqual([8000, null]);
    expect(after([[-9, eur(10000)], [-5, null], [0, eur(8000)]])).toEqual([8000, null]);
  });
  test('another currency is another price', () => {
    const usd = (amount: number): Money => ({ amount, currency: 'USD' });
    expect(after([[-9, eur(5000)], [-5, usd(9000)]])).toEqual([9000, null]);
    expect(after([[-9, eur(5000)], [-5, usd(9000)], [0, usd(8000)]])).toEqual([9000, 11.11]);
    expect(after([[-9, eur(5000)], [-5, usd(9000)], [-2, eur(8000)], [0, eur(6000)]])).toEqual([5000, null]);
  });
  test('no more is announced than is true', () => {
    expect(after([[-9, eur(300)], [0, eur(200)]])).toEqual([300, 33.33]);
  });
});

/** The definition, on the whole history. */
function byDefinition(prices: readonly (readonly [at: number, amount: number])[]): number | null {
  let start = prices.length - 1;
  let prior = Number.POSITIVE_INFINITY;
  let found: number | null = null;
  for (let i = 1; i < prices.length; i++) {
    const [at, amount] = prices[i] as readonly [number, number]; // within bounds
    if (amount > (prices[i - 1]?.[1] ?? 0)) found = null;
    else if (found === null) {
      start = i;
      prior = Math.min(...prices.slice(0, start).flatMap(([, earlier], j) => ((prices[j + 1]?.[0] ?? at) > at - 30 * DAY ? [earlier] : [])));
      if (amount < prior) found = prior;
    }
  }
  return found;
}

const history = (gap: fc.Arbitrary<number>, maxLength: number): fc.Arbitrary<[number, number][]> =>
  fc.array(fc.tuple(gap, fc.integer({ min: 1, max: 30 })), { minLength: 2, maxLength }).map((steps) => {
    let at = 0;
    return steps.map(([wait, amount], i): [number, number] => [(at += wait), amount * 2 + (i % 2)]); // no two in a row are equal
  });

test('what is kept gives what the whole history gives', () => {
  fc.assert(
    fc.property(history(fc.integer({ min: 1, max: 12 * DAY }), 60), (prices) => {
      let shown: Shown = { lows: [] };
      for (const [i, [at, amount]] of prices.entries()) shown = shownFrom(shown, i === 0 ? null : eur(prices[i - 1]?.[1] ?? 0), eur(amount), at);
      expect(shown.reduction?.prior ?? null).toBe(byDefinition(prices));
    }),
  );
});

test('what is kept is bounded, and never makes a prior price higher than it was', () => {
  let shown: Shown = { lows: [] };
  for (let i = 0; i < 5_000; i++) shown = shownFrom(shown, i === 0 ? null : eur(100 + i - 1), eur(100 + i), i * 60_000);
  expect(shown.lows.length).toBeLessThanOrEqual(LOWS_MAX);
  const cut = shownFrom(shown, eur(5_099), eur(99), 5_000 * 60_000);
  expect(cut.reduction).toEqual({ since: 5_000 * 60_000, prior: 100 });
  const late = shownFrom(shown, eur(5_099), eur(99), 2_500 * 60_000 + 30 * DAY);
  expect(late.reduction?.prior).toBeLessThanOrEqual(2_601);
  expect(late.reduction?.prior).toBeGreaterThan(2_400);
});
