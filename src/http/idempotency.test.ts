import { describe, expect, test } from 'vitest';
import { handClock } from '../base/clock.ts';
import { openMemory } from '../engines/memory/memory.ts';
import { openHoldfast, type TestAnswer } from './testing.ts';

const KEY = { 'idempotency-key': 'once' };
const line = { lines: [{ sku: 'tea', quantity: 2 }] };

/** What a repeat must have in common with the first answer. */
const essence = ({ status, body, headers }: TestAnswer): unknown => [status, body, headers['location'], headers['etag']];

describe('the same request with the same Idempotency-Key', () => {
  test('is done once, however its fields are ordered, and however many come at once', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 10);
    const [first, ...others] = await Promise.all(Array.from({ length: 5 }, () => shop.post('/v1/reservations', line, KEY)));
    expect(first?.status).toBe(201);
    for (const other of others) expect([other.body, other.headers['idempotent-replayed']]).toEqual([first?.body, 'true']);
    const reordered = await shop.ask('POST', '/v1/reservations', { raw: { type: 'application/json', content: '{ "lines": [{"quantity":2,"sku":"tea"}] }' }, headers: KEY });
    expect(reordered.body).toEqual(first?.body);
    expect((await shop.get('/v1/items/tea/availability')).body.reserved).toBe(2);
  });

  test('belongs to the API key that made it', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 10);
    const other = (await shop.post('/v1/keys', { name: 'other', scopes: ['write'] })).body.key as string;
    const mine = await shop.post('/v1/reservations', line, KEY);
    const theirs = await shop.ask('POST', '/v1/reservations', { body: line, headers: KEY, key: other });
    expect(theirs.status).toBe(201);
    expect(theirs.body.id).not.toBe(mine.body.id);
  });

  test('is refused for another request, at another path or with another body', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 10);
    await shop.post('/v1/reservations', line, KEY);
    expect((await shop.post('/v1/reservations', { lines: [{ sku: 'tea', quantity: 3 }] }, KEY)).body).toMatchObject({ status: 422, code: 'idempotency-key-reused' });
    expect((await shop.put('/v1/carts/c/reservation', line, KEY)).body.code).toBe('idempotency-key-reused');
    expect((await shop.post('/v1/items/tea/adjustments', { change: 1, reason: 'found' }, KEY)).body.code).toBe('idempotency-key-reused');
  });

  test('remembers 404, 409 and 412 too, and forgets bad input', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 1);
    const short = await shop.post('/v1/reservations', line, { 'idempotency-key': 'short' });
    const nobody = await shop.post('/v1/items/none/adjustments', { change: 1, reason: 'found' }, { 'idempotency-key': 'none' });
    const stale = await shop.put('/v1/items/tea', {}, { 'idempotency-key': 'stale', 'if-match': '"9"' });
    const bad = await shop.post('/v1/reservations', { lines: [{ sku: 'later', quantity: 1 }] }, { 'idempotency-key': 'bad' });
    expect([short.status, nobody.status, stale.status, bad.status]).toEqual([409, 404, 412, 422]);
    await shop.stock('tea', 9);
    await shop.stock('none', 9);
    await shop.stock('later', 9);
    const again = await shop.post('/v1/reservations', line, { 'idempotency-key': 'short' });
    expect([again.status, again.headers['idempotent-replayed'], again.body.lines]).toEqual([409, 'true', short.body.lines]);
    expect((await shop.post('/v1/items/none/adjustments', { change: 1, reason: 'found' }, { 'idempotency-key': 'none' })).status).toBe(404);
    expect((await shop.put('/v1/items/tea', {}, { 'idempotency-key': 'stale', 'if-match': '"9"' })).status).toBe(412);
    expect((await shop.post('/v1/reservations', { lines: [{ sku: 'later', quantity: 1 }] }, { 'idempotency-key': 'bad' })).status).toBe(201);
  });

  test.each([
    ['PUT', '/v1/items/cup', { name: 'Cup' }],
    ['PATCH', '/v1/items/tea', { name: 'Tea' }],
    ['PUT', '/v1/locations/east', { name: 'East', rank: 1 }],
    ['PUT', '/v1/carts/c/reservation', line],
    ['POST', '/v1/reservations/batch', { reservations: [line, line, { lines: [{ sku: 'tea', quantity: 100 }] }] }],
    ['POST', '/v1/items/tea/adjustments', { change: 5, reason: 'received' }],
    ['POST', '/v1/adjustments', [{ sku: 'tea', change: 5, reason: 'received' }, { sku: 'none', change: 1, reason: 'received' }]],
    ['POST', '/v1/tokens', {}],
  ])('%s %s is answered alike, now and after a restart, for a day', async (method, url, body) => {
    const store = openMemory({ partitions: 4 });
    const clock = handClock();
    let first: TestAnswer;
    {
      await using shop = await openHoldfast({ store, clock });
      await shop.stock('tea', 10);
      first = await shop.ask(method, url, { body, headers: KEY });
      expect(first.status).toBeLessThan(300);
      const again = await shop.ask(method, url, { body, headers: KEY });
      expect([essenceWithoutIds(again), again.headers['idempotent-replayed']]).toEqual([essenceWithoutIds(first), 'true']);
    }
    clock.advance(24 * 3_600_000);
    await using later = await openHoldfast({ store, clock, seed: 2 });
    const again = await later.ask(method, url, { body, headers: KEY });
    expect([essenceWithoutIds(again), again.headers['idempotent-replayed']]).toEqual([essenceWithoutIds(first), 'true']);
  });

  test('of accepted work puts it in the queue once, also when the first was lost before it got there', async () => {
    const store = openMemory({ partitions: 4 });
    await using shop = await openHoldfast({ store });
    await shop.stock('tea', 10);
    const body = { change: 5, reason: 'received' };
    const put = store.queue.put;
    Object.assign(store.queue, { put: () => Promise.reject(new Error('the process ended here')) });
    expect((await shop.post('/v1/items/tea/adjustments', body, KEY)).status).toBe(500);
    Object.assign(store.queue, { put });
    const retried = await shop.post('/v1/items/tea/adjustments', body, { ...KEY, prefer: 'wait=5' });
    expect([retried.status, retried.body.result.onHand]).toEqual([200, 15]);
    const again = await shop.post('/v1/items/tea/adjustments', body, { ...KEY, prefer: 'wait=5' });
    expect([again.status, again.body]).toEqual([200, retried.body]);
    expect((await shop.get('/v1/items/tea/availability')).body.onHand).toBe(15);
  });

  test('may change its mind about waiting: the first answer stands', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 10);
    const { id } = (await shop.post('/v1/reservations', line)).body as { id: string };
    const sync = await shop.post(`/v1/reservations/${id}/confirm`, { orderId: 'o' }, KEY);
    const later = await shop.post(`/v1/reservations/${id}/confirm`, { orderId: 'o' }, { ...KEY, prefer: 'respond-async' });
    expect([later.status, later.body]).toEqual([200, sync.body]);
    const other = (await shop.post('/v1/reservations', line)).body as { id: string };
    const accepted = await shop.post(`/v1/reservations/${other.id}/release`, {}, { 'idempotency-key': 'two', prefer: 'respond-async' });
    const atOnce = await shop.post(`/v1/reservations/${other.id}/release`, {}, { 'idempotency-key': 'two' });
    expect(essence(atOnce)).toEqual(essence(accepted));
  });

  test('needs a key of 1 to 255 characters', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 10);
    expect((await shop.post('/v1/reservations', line, { 'idempotency-key': 'x'.repeat(255) })).status).toBe(201);
    expect((await shop.post('/v1/reservations', line, { 'idempotency-key': 'x'.repeat(256) })).body.errors[0]).toMatchObject({ pointer: '/idempotency-key', in: 'header' });
  });
});

/** Problems inside an answer carry the id of the request that was answered. */
function essenceWithoutIds(answer: TestAnswer): string {
  return JSON.stringify(essence(answer), (name, value: unknown) => (name === 'requestId' ? undefined : value));
}

describe('reading one’s own writes', () => {
  test('a list that is asked with the cursor of a write has it', async () => {
    await using shop = await openHoldfast();
    const made = await shop.put('/v1/items/tea', {});
    const cup = await shop.put('/v1/items/cup', {});
    const headers = { 'holdfast-cursor': `${made.headers['holdfast-cursor']}, ${cup.headers['holdfast-cursor']}` };
    expect((await shop.get('/v1/items', { headers })).body.items.map(({ sku }: { sku: string }) => sku)).toEqual(['cup', 'tea']);
  });

  test('a cursor that is not there yet is waited for, then 503; one that is none is 422', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 1);
    const ahead = { 'holdfast-cursor': 'c1-0.zz' };
    const waiting = shop.get('/v1/items/tea', { headers: ahead });
    for (let i = 0; i < 200; i++) {
      shop.clock.advance(20);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await waiting).body).toMatchObject({ status: 503, code: 'view-behind' });
    for (const cursor of ['x', 'c1-9.1', 'c1-0.1,', `${'c1,'.repeat(30)}c1`]) expect((await shop.get('/v1/items/tea', { headers: { 'holdfast-cursor': cursor } })).body).toMatchObject({ status: 422, code: 'invalid-cursor' });
  });
});
