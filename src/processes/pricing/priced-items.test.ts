import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Choice } from '../../rooms/pricing/pricing.ts';
import type { Priced } from './items.ts';
import { PricedItems } from './priced-items.ts';
import { noSales } from './sales.ts';

const CHOICES: Choice[] = [false, true].map((frozen) => ({ live: null, shadows: [], frozen }));
const item = (sku: string, more: Partial<Priced> = {}): Priced => ({ sku, log: 3, firstAt: 1_795_703_761_999, choice: CHOICES[0], sales: undefined, good: undefined, ...more });

test('keeps what a map would keep, whatever comes and goes', () => {
  const sku = fc.oneof(fc.integer({ min: 0, max: 40 }).map(String), fc.constantFrom('', 'ÿ', 'Ā', '茶壺', '🫖', 'ÿĀ', 'x'.repeat(128)));
  const step = fc.record({ sku, does: fc.constantFrom('set', 'set', 'sell', 'delete'), log: fc.integer({ min: 0, max: 1_023 }), choice: fc.constantFrom(undefined, ...CHOICES) });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 200 }), (steps) => {
      const items = new PricedItems();
      const map = new Map<string, Priced>();
      for (const { sku, does, log, choice } of steps) {
        if (does === 'delete') expect(items.delete(sku)).toBe(map.delete(sku));
        const sales = does === 'sell' ? noSales(log) : undefined;
        if (does === 'sell' && items.has(sku)) items.setSales(sku, sales);
        else if (does !== 'delete') items.set(item(sku, { log, choice, sales, good: log > 500 ? { p: log } : undefined }));
        const known = map.get(sku);
        if (does === 'sell' && known) map.set(sku, { ...known, sales });
        else if (does !== 'delete') map.set(sku, item(sku, { log, choice, sales, good: log > 500 ? { p: log } : undefined }));
      }
      expect(items.size).toBe(map.size);
      for (const { sku } of steps) expect(items.find(sku)).toEqual(map.get(sku));
      expect([...items.skus()].toSorted()).toEqual([...map.keys()].toSorted());
      for (const choice of [undefined, ...CHOICES]) expect([...items.pricedBy((one) => one === choice)].toSorted()).toEqual([...map.values()].filter((one) => one.choice === choice).map(({ sku }) => sku).toSorted());
    }),
  );
});

test('many come, go and come again', () => {
  const items = new PricedItems();
  const skus = Array.from({ length: 20_000 }, (_, i) => `SKU-${i}`);
  for (let round = 0; round < 3; round++) {
    for (const [i, sku] of skus.entries()) items.set(item(sku, { log: i % 16 }));
    for (const sku of skus.slice(round, 19_000)) items.delete(sku);
    expect([items.size, [...items.skus(7)].length]).toEqual([1_000 + round, [...skus.slice(0, round), ...skus.slice(19_000)].filter((sku) => items.find(sku)?.log === 7).length]);
  }
  expect(skus.filter((sku) => items.has(sku))).toEqual(['SKU-0', 'SKU-1', ...skus.slice(19_000)]);
});

test('a walk comes to every item in its turn, also where others are removed meanwhile', () => {
  const items = new PricedItems();
  const skus = Array.from({ length: 1_000 }, (_, i) => `SKU-${i}`);
  for (const sku of skus) items.set(item(sku));
  const seen = new Set<string>();
  for (let part = 0; part < 10; part++) {
    for (const sku of items.walk(100, () => true)) seen.add(sku);
    items.delete(`SKU-${part}`);
  }
  expect(skus.slice(10).filter((sku) => !seen.has(sku))).toEqual([]);
  expect([...items.walk(5_000, (choice) => choice === CHOICES[1])]).toEqual([]);
  expect([...items.walk(990, (choice) => choice === CHOICES[0])].toSorted()).toEqual(skus.slice(10).toSorted());
});
