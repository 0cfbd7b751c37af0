import { expect, test, vi } from 'vitest';
import { openHoldfast } from '../testing.ts';

test('an admin has the views made again, lists answer meanwhile and afterwards, and the system tells how far it is', async () => {
  await using shop = await openHoldfast();
  await shop.stock('lamp', 5);
  await shop.stock('vase', 5);
  const before = (await shop.get('/v1/items')).body;
  const key = (await shop.post('/v1/keys', { name: 'till', scopes: ['write'] })).body.key as string;
  expect((await shop.ask('POST', '/v1/views/rebuild', { key })).status).toBe(403);
  expect((await shop.get('/v1/system')).body.rebuild).toEqual({ state: 'idle', done: 0, total: 0 });
  expect(await shop.ask('POST', '/v1/views/rebuild')).toMatchObject({ status: 202, body: { state: 'running' } });
  expect((await shop.ask('POST', '/v1/views/rebuild')).status).toBe(202);
  expect((await shop.get('/v1/items')).body).toEqual(before);
  await vi.waitFor(async () => expect((await shop.get('/v1/system')).body.rebuild.state).toBe('idle'));
  expect((await shop.get('/v1/items')).body).toEqual(before);
  await shop.stock('bowl', 1);
  await shop.settled();
  expect((await shop.get('/v1/items')).body.items).toHaveLength(3);
});
