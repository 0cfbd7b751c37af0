import { beforeEach, describe, expect, test } from 'vitest';
import { openHoldfast, type TestHoldfast } from '../testing.ts';

let shop: TestHoldfast;

beforeEach(async () => {
  shop = await openHoldfast();
  await shop.put('/v1/locations/north', { name: 'North', rank: 200 });
  await shop.stock('tea', 10);
  return async () => shop[Symbol.asyncDispose]();
});

const hold = async (more: object = {}): Promise<{ id: string; version: number; expiresAt: string | null }> => {
  const made = await shop.post('/v1/reservations', { lines: [{ sku: 'tea', quantity: 4 }], ...more });
  expect(made.status).toBe(201);
  return made.body;
};
const patch = (id: string, body: object, headers?: Record<string, string>): ReturnType<TestHoldfast['ask']> => shop.ask('PATCH', `/v1/reservations/${id}`, { body, ...(headers === undefined ? undefined : { headers }) });
const writer = async (): Promise<{ id: string; key: string }> => (await shop.post('/v1/keys', { name: 'till', scopes: ['write'] })).body;

describe('an edit', () => {
  test('changes the hold in place, and a refused one leaves it', async () => {
    const { id, expiresAt } = await hold();
    const changed = await patch(id, { lines: [{ sku: 'tea', quantity: 10 }] }, { 'if-match': '"1"' });
    expect([changed.status, changed.headers['etag'], changed.body]).toEqual([200, '"2"', expect.objectContaining({ id, status: 'held', expiresAt, version: 2 })]);
    const refused = await patch(id, { lines: [{ sku: 'tea', quantity: 11 }] });
    expect([refused.status, refused.body.code, refused.body.lines]).toEqual([409, 'insufficient-stock', [{ sku: 'tea', requested: 11, available: 10 }]]);
    expect((await shop.get(`/v1/reservations/${id}`)).body).toEqual(changed.body);
    expect((await patch(id, { ttlSeconds: 5 }, { 'if-match': '"1"' })).body.code).toBe('version-conflict');
    expect((await shop.get('/v1/items/tea/check')).body.ok).toBe(true);
  });

  test('is refused with every fault of its form', async () => {
    const { id } = await hold();
    const faults = async (body: object): Promise<string[]> => (await patch(id, body)).body.errors.map(({ pointer }: { pointer: string }) => pointer);
    expect(await faults({ cartId: 'c', lines: [{ sku: 'tea', quantity: 0 }] })).toEqual(['/cartId', '/lines/0/quantity']);
    expect(await faults({ lines: [] })).toEqual(['/lines']);
    expect(await faults({ strategy: 'rank' })).toEqual(['/lines']);
    expect(await faults({ strategy: 'nearest', lines: [{ sku: 'tea', quantity: 1 }] })).toEqual(['/near']);
    expect(await faults({ lines: [{ sku: 'no', quantity: 1 }] })).toEqual(['/lines/0/sku']);
    expect((await patch('res_none', {})).status).toBe(404);
  });
});

describe('a move', () => {
  test('to another cart takes the hold along', async () => {
    const { id } = await hold({ cartId: 'guest' });
    const moved = await shop.post(`/v1/reservations/${id}/move`, { cartId: 'known', customerId: 'x' });
    expect([moved.status, moved.body]).toEqual([200, expect.objectContaining({ id, cartId: 'known', customerId: 'x', version: 2 })]);
    expect([(await shop.get('/v1/carts/guest/reservation')).status, (await shop.get('/v1/carts/known/reservation')).body.id]).toEqual([404, id]);
    await shop.settled();
    expect((await shop.get('/v1/reservations?cartId=known')).body.items).toHaveLength(1);
    expect((await shop.get('/v1/reservations?cartId=guest')).body.items).toHaveLength(0);
  });

  test('to another place takes what is free there', async () => {
    const { id } = await hold();
    const move = (body: object): ReturnType<TestHoldfast['post']> => shop.post(`/v1/reservations/${id}/move`, body);
    expect((await move({ location: 'north' })).body).toMatchObject({ status: 409, code: 'insufficient-stock', lines: [{ sku: 'tea', requested: 4, available: 0 }] });
    await shop.post('/v1/items/tea/adjustments', { location: 'north', change: 4, reason: 'received' }, { prefer: 'wait=5' });
    expect((await move({ location: 'north' })).body.lines[0].allocations).toEqual([{ sku: 'tea', location: 'north', quantity: 4 }]);
    expect((await move({})).body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(['/cartId', '/location']);
    expect((await move({ location: 'nowhere' })).body.errors[0].pointer).toBe('/location');
    expect((await shop.get('/v1/items/tea/check')).body.ok).toBe(true);
  });
});

describe('a hold without an end', () => {
  test('is an operator\'s to make, and anybody\'s to confirm', async () => {
    const { key } = await writer();
    const body = { lines: [{ sku: 'tea', quantity: 4 }], ttlSeconds: null };
    for (const [method, url] of [['POST', '/v1/reservations'], ['PUT', '/v1/carts/c/reservation']] as const) {
      const refused = await shop.ask(method, url, { body, key });
      expect([refused.status, refused.body.code]).toEqual([403, 'forbidden']);
    }
    const batch = await shop.ask('POST', '/v1/reservations/batch', { body: { reservations: [body, { lines: body.lines }] }, key });
    expect(batch.body.results.map(({ status }: { status: number }) => status)).toEqual([403, 201]);
    const { id, expiresAt } = await hold({ ttlSeconds: null, lines: [{ sku: 'tea', quantity: 1 }] });
    expect(expiresAt).toBeNull();
    expect((await shop.ask('POST', `/v1/reservations/${id}/extend`, { body: { ttlSeconds: null }, key })).status).toBe(403);
    shop.clock.advance(40 * 86_400_000);
    await shop.settled();
    expect((await shop.get(`/v1/reservations/${id}`)).body).toMatchObject({ status: 'held', expiresAt: null });
    expect((await shop.get('/v1/reservations?status=held')).body.items.map((one: { id: string }) => one.id)).toEqual([id]);
    expect((await shop.get('/v1/items/tea/history')).body.items.find(({ type }: { type: string }) => type.endsWith('held')).data.expiresAt).toBeNull();
    expect((await shop.ask('POST', `/v1/reservations/${id}/confirm`, { key })).body.status).toBe('confirmed');
  });
});

describe('who asked', () => {
  test('stands in an item\'s history, by the id of the key', async () => {
    const { id: till, key } = await writer();
    const asTill = (url: string, body?: object, headers: Record<string, string> = {}): ReturnType<TestHoldfast['ask']> => shop.ask('POST', url, { body, key, headers });
    const { body: held } = await asTill('/v1/reservations', { lines: [{ sku: 'tea', quantity: 1 }] });
    await asTill(`/v1/reservations/${held.id}/confirm`, { orderId: 'o', fulfil: true });
    await asTill('/v1/items/tea/adjustments', { change: -1, reason: 'damaged', reference: 'shelf 3' }, { prefer: 'wait=5' });
    await asTill('/v1/adjustments', [{ sku: 'tea', change: -1, reason: 'lost' }]);
    const { body: short } = await shop.post('/v1/reservations', { lines: [{ sku: 'tea', quantity: 1 }], ttlSeconds: 1 });
    shop.clock.advance(1_000);
    while ((await shop.get(`/v1/reservations/${short.id}`)).body.version < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    await shop.settled();
    const actors: string[] = (await shop.get('/v1/items/tea/history')).body.items.map(({ type, data }: { type: string; data: { actor?: string; reason?: string } }) => `${type.slice('inventory.'.length)} ${data.reason ?? '-'} ${data.actor ?? 'nobody'}`);
    expect(actors.toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      'allocation.fulfilled - ' + till, 'reservation.confirmed - ' + till, 'reservation.expired - nobody', 'reservation.held - admin', 'reservation.held - ' + till,
      'stock.adjusted counted admin', 'stock.adjusted damaged ' + till, 'stock.adjusted lost ' + till,
    ].toSorted((a, b) => (a < b ? -1 : 1)));
    expect(JSON.stringify(actors)).not.toContain(key);
  });
});

test('bounds on live holds are exact when many ask at once, and name themselves', async () => {
  await using bounded = await openHoldfast({ holdCaps: { customer: { holds: 5 }, key: { holds: 8 } } });
  for (const sku of ['a', 'b', 'c']) await bounded.stock(sku, 1_000);
  const ask = (sku: string, more: object): ReturnType<TestHoldfast['post']> => bounded.post('/v1/reservations', { lines: [{ sku, quantity: 1 }], ...more });
  const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => ask(['a', 'b', 'c'][index % 3] ?? 'a', { customerId: 'x' })));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(5);
  const refused = answers.find(({ status }) => status === 409);
  expect(refused?.body).toMatchObject({ code: 'limit-exceeded', limit: { of: 'customer', what: 'holds', most: 5 } });
  const more = await Promise.all(Array.from({ length: 20 }, () => ask('a', {})));
  expect(more.filter(({ status }) => status === 201)).toHaveLength(3);
  expect(more.find(({ status }) => status === 409)?.body).toMatchObject({ code: 'limit-exceeded', limit: { of: 'key', what: 'holds', most: 8, has: 8 } });
});
