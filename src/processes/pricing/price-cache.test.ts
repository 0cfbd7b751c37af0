import { expect, test } from 'vitest';
import { handClock } from '../../base/clock.ts';
import { ids } from '../../base/ids.ts';
import { seededRandom } from '../../base/random.ts';
import { openMemory } from '../../engines/memory/memory.ts';
import { Engine } from '../../runtime/runtime.ts';
import { rooms } from '../rooms.ts';
import { PriceCache } from './price-cache.ts';

async function caching(skus: readonly string[], bytesMax: number) {
  const clock = handClock();
  const store = openMemory({ partitions: 2, clock });
  const random = seededRandom(1);
  const engine = new Engine({ store, room: rooms, clock, random, ids: ids(random) });
  await engine.start();
  for (const sku of skus) {
    await engine.execute({ type: 'DefineItem', sku, mode: 'replace', definition: { name: sku } });
    const candidate = { sku, basePrice: { amount: 5, currency: 'EUR' }, cost: null, stockVersion: 1, signalsAt: 0, policy: null, priced: null, frozen: false };
    await engine.execute({ type: 'PublishPrices', revision: 0, items: [candidate] });
  }
  return new PriceCache({ engine, clock, bytesMax });
}

async function weightOf(sku: string): Promise<number> {
  const cache = await caching([sku], 10_000);
  await cache.load(sku);
  return cache.figures.bytes;
}

test('a text with characters beyond Latin weighs two bytes for each', async () => {
  const rest = 300;
  expect((await weightOf('茶壺')) - rest).toBe(2 * ((await weightOf('té')) - rest));
});

test('those go first that were not read lately', async () => {
  const skus = ['a', 'b', 'c', 'd'];
  const cache = await caching(skus, 3 * (await weightOf('a')));
  for (const sku of ['a', 'b', 'c']) await cache.load(sku);
  expect(cache.get('a')).toMatchObject({ text: expect.stringContaining('"sku":"a"') });
  await cache.load('d');
  expect(skus.filter((sku) => cache.get(sku) !== undefined)).toEqual(['a', 'c', 'd']);
  expect(cache.figures.prices).toBe(3);
});
