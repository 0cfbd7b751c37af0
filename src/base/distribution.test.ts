import { expect, test } from 'vitest';
import { Distribution } from './distribution.ts';

test('a value is counted below the first bound that it does not exceed', () => {
  const spread = new Distribution([1, 2, 5]);
  for (const value of [0, 1, 1.01, 2, 5, 5.01, 1_000]) spread.observe(value);
  expect(spread.counts).toEqual([2, 2, 1, 2]);
  expect(spread.count).toBe(7);
  expect(spread.sum).toBeCloseTo(1_014.02, 9);
});

test('nothing observed is no value and no sum', () => {
  const spread = new Distribution([1]);
  expect([spread.counts, spread.count, spread.sum]).toEqual([[0, 0], 0, 0]);
});
