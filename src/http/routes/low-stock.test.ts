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
