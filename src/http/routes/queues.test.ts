import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openHoldfast, type TestHoldfast } from '../testing.ts';

let holdfast: TestHoldfast;
beforeEach(async () => {
  holdfast = await openHoldfast();
});
afterEach(() => holdfast[Symbol.asyncDispose]());

/** Work in a queue that nobody works off, set aside after its only attempt. */
async function bury(queue: string, ...ids: string[]): Promise<void> {
  const { store, clock } = holdfast;
  await store.queue.put(ids.map((id, i) => ({ id, queue, lane: id, body: {}, batch: 'batch-1', line: i + 1 })), clock.now());
  const claimed = await store.queue.claim(queue, { limit: 100, leaseMs: 1_000, nowMs: clock.now() });
  for (const { id, attempt } of claimed) await store.queue.bury(id, attempt, `${id} cannot be done`);
}

describe('queues', () => {
  test('say how much work waits and for how long', async () => {
    const { store, clock } = holdfast;
    await bury('parcels', 'dead');
    await store.queue.put(['a', 'b', 'c', 'd'].map((id) => ({ id, queue: 'parcels', lane: id, body: {} })), clock.now());
    const [claimed] = await store.queue.claim('parcels', { limit: 1, leaseMs: 60_000, nowMs: clock.now() });
    await store.queue.claim('parcels', { limit: 1, leaseMs: 60_000, nowMs: clock.now() });
    await store.queue.retry(claimed?.id ?? '', 1, clock.now() + 60_000, 'later');
    clock.advance(2_500);
    const { status, body } = await holdfast.get('/v1/queues');
    expect(status).toBe(200);
    expect(body).toContainEqual({ name: 'parcels', ready: 2, scheduled: 1, inFlight: 1, deadLettered: 1, oldestAgeSeconds: 2.5 });
  });

  test('have no oldest message when all is done', async () => {
    await holdfast.stock('A', 1);
    await holdfast.settled();
    expect((await holdfast.get('/v1/queues')).body).toContainEqual({ name: 'commands', ready: 0, scheduled: 0, inFlight: 0, deadLettered: 0, oldestAgeSeconds: null });
  });
});

describe('dead letters', () => {
  test('are listed page by page with why they failed', async () => {
    await bury('parcels', 'a', 'b', 'c');
    const first = await holdfast.get('/v1/queues/parcels/dead-letters?limit=2');
    expect(first.body.items.map(({ id }: { id: string }) => id)).toEqual(['a', 'b']);
    expect(first.body.items[0]).toMatchObject({ queue: 'parcels', attempts: 1, error: 'a cannot be done', line: 1, enqueuedAt: '2026-01-01T00:00:00.000Z' });
    const second = await holdfast.get(`/v1/queues/parcels/dead-letters?limit=2&cursor=${first.body.nextCursor}`);
    expect([second.body.items.map(({ id }: { id: string }) => id), second.body.nextCursor]).toEqual([['c'], null]);
  });

  test('of a queue without any are an empty list, and of no queue a 404', async () => {
    await holdfast.store.queue.put([{ id: 'a', queue: 'parcels', lane: 'a', body: {} }], holdfast.clock.now());
    expect((await holdfast.get('/v1/queues/parcels/dead-letters')).body).toEqual({ items: [], nextCursor: null });
    const none = await holdfast.get('/v1/queues/nowhere/dead-letters');
    expect([none.status, none.body.code]).toEqual([404, 'unknown-queue']);
    expect((await holdfast.get('/v1/queues/parcels/dead-letters?cursor=x')).body.code).toBe('invalid-cursor');
  });

  test('are ready again after a retry, and the same request again changes nothing', async () => {
    await bury('parcels', 'a');
    const ask = (): Promise<{ status: number; headers: Readonly<Record<string, string | undefined>> }> => holdfast.ask('POST', '/v1/queues/parcels/dead-letters/a/retry', { headers: { 'idempotency-key': 'k' } });
    const [first, again] = [await ask(), await ask()];
    expect([first.status, again.status, again.headers['idempotent-replayed']]).toEqual([first.status, first.status, 'true']);
    expect(first.status).toBeLessThan(300);
    expect(await holdfast.store.queue.find('a')).toMatchObject({ status: 'ready', attempts: 0 });
    const without = await holdfast.ask('POST', '/v1/queues/parcels/dead-letters/a/retry');
    expect([without.status, without.body.code]).toEqual([404, 'unknown-dead-letter']);
  });

  test('are found in their own queue only, and retried by nobody who may only read', async () => {
    await bury('parcels', 'a');
    await bury('letters', 'b');
    expect((await holdfast.ask('POST', '/v1/queues/letters/dead-letters/a/retry')).body.code).toBe('unknown-dead-letter');
    const { key } = (await holdfast.post('/v1/keys', { name: 'reader', scopes: ['read'] })).body as { key: string }; // what the contract says
    expect((await holdfast.ask('POST', '/v1/queues/parcels/dead-letters/a/retry', { key })).status).toBe(403);
    expect(await holdfast.store.queue.find('a')).toMatchObject({ status: 'dead' });
  });
});
