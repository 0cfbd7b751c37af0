import { expect, test } from 'vitest';
import { openHoldfast } from '../testing.ts';

test('items that came down to a threshold are listed at once, and are gone from the list when they are restocked', async () => {
  await using shop = await openHoldfast();
  await shop.stock('lamp', 12, { thresholds: [10] });
  await shop.stock('vase', 3, { thresholds: [1] });
  await shop.post('/v1/items/lamp/adjustments', { change: -4, reason: 'sold' }, { prefer: 'wait=5' });
  await shop.post('/v1/items/vase/adjustments', { change: -2, reason: 'sold' }, { prefer: 'wait=5' });
  const list = await shop.get('/v1/low-stock');
  expect(list.body.items).toEqual([
    { sku: 'lamp', threshold: 10, available: 8, since: expect.any(String) },
    { sku: 'vase', threshold: 1, available: 1, since: expect.any(String) },
  ]);
  const first = await shop.get('/v1/low-stock?limit=1');
  expect(first.body.items.map(({ sku }: { sku: string }) => sku)).toEqual(['lamp']);
  expect((await shop.get(`/v1/low-stock?limit=1&cursor=${first.body.nextCursor}`)).body).toMatchObject({ items: [{ sku: 'vase' }], nextCursor: null });
  const restocked = await shop.post('/v1/items/lamp/adjustments', { change: 40, reason: 'received' }, { prefer: 'wait=5' });
  const after = await shop.get('/v1/low-stock', { headers: { 'holdfast-cursor': restocked.headers['holdfast-cursor'] ?? '' } });
  expect(after.body.items.map(({ sku }: { sku: string }) => sku)).toEqual(['vase']);
});

test('a bundle is told of in the feed and listed when one of its components runs low', async () => {
  await using shop = await openHoldfast();
  await shop.stock('shade', 5, { thresholds: [] });
  await shop.stock('foot', 9, { thresholds: [] });
  await shop.put('/v1/items/lamp', { components: [{ sku: 'shade', quantity: 1 }, { sku: 'foot', quantity: 2 }], thresholds: [0, 3] });
  const { body: { cursor } } = await shop.get('/v1/events?after=now');
  const sold = (sku: string, units: number) => shop.post(`/v1/items/${sku}/adjustments`, { change: -units, reason: 'sold' }, { prefer: 'wait=5' });
  const crossed = (after: string) => shop.get(`/v1/events?key=lamp&type=inventory.threshold.crossed&wait=10&after=${after}`);
  await sold('foot', 2);
  const { body: { events: [down], cursor: then } } = await crossed(cursor);
  expect(down).toMatchObject({ subject: 'lamp', partitionkey: 'lamp', data: { threshold: 3, direction: 'down', available: 3 } });
  expect((await shop.get('/v1/low-stock')).body.items).toMatchObject([{ sku: 'lamp', threshold: 3, available: 3 }]);
  await sold('shade', 5);
  expect((await crossed(then)).body.events).toMatchObject([{ data: { threshold: 0, direction: 'down', available: 0 } }]);
});
