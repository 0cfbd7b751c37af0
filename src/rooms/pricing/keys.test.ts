import { expect, test } from 'vitest';
import { logOfKey as logOfStock, itemKey } from '../inventory/inventory.ts';
import { bookOf, findPolicy, findPrice, findQuote, logOfKey, policyKey, priceKey, PUBLIC_TYPES, quoteKey } from './pricing.ts';

test('a price lies in the log of its stock', () => {
  for (const sku of ['lamp', 'LAMP', 'ä', '1-2', 'x'.repeat(128)]) {
    for (const partitions of [1, 4, 16]) expect(logOfKey(priceKey(sku), partitions)).toBe(logOfStock(itemKey(sku), partitions));
  }
});

test('all policies lie in one log', () => {
  expect(new Set(['a', 'b', 'c', 'd', ''].map((id) => logOfKey(policyKey(id), 16))).size).toBe(1);
});

test('where there are no states there is nothing, and no control is set', () => {
  const world = { partitions: 4, get: () => undefined };
  expect([findPrice(world, 'a'), findPolicy(world, 'a'), findQuote(world, 'a')]).toEqual([undefined, undefined, undefined]);
  expect(bookOf(world)).toEqual({ revision: 0, policies: {}, controls: { killSwitch: false, freeze: [] } });
  expect(logOfKey(quoteKey('quo_1'), 4)).toBeLessThan(4);
  expect(PUBLIC_TYPES).toEqual(['pricing.price.changed', 'pricing.policy.changed']);
});
