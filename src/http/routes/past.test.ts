import { describe, expect, test } from 'vitest';
import { handClock } from '../../base/clock.ts';
import { openMemory, openMemoryColdStore } from '../../engines/memory/memory.ts';
import { Archive, Archiver, packSome, readThrough, withLog } from '../../runtime/runtime.ts';
import { openHoldfast, type TestHoldfast } from '../testing.ts';

const at = (clock: { now(): number }): string => new Date(clock.now()).toISOString();
const availability = (shop: TestHoldfast, sku: string, query: string) => shop.get(`/v1/items/${sku}/availability?${query}`);

async function adjust(shop: TestHoldfast, sku: string, change: number, location = 'main'): Promise<void> {
  const answer = await shop.post(`/v1/items/${sku}/adjustments`, { change, location, reason: change > 0 ? 'received' : 'sold' }, { prefer: 'wait=10' });
  expect(answer.status, answer.text).toBe(200);
}

async function hold(shop: TestHoldfast, sku: string, quantity: number, rest: object = {}): Promise<string> {
  const answer = await shop.post('/v1/reservations', { lines: [{ sku, quantity }], ...rest });
  expect(answer.status, answer.text).toBe(201);
  return answer.body.id;
}

describe('availability at a past instant', () => {
  test('is what it was then: received, sold, and in between', async () => {
    await using shop = await openHoldfast();
    const before = at(shop.clock);
    shop.clock.advance(1_000);
    await shop.put('/v1/items/tea', {});
    await adjust(shop, 'tea', 5);
    const received = at(shop.clock);
    shop.clock.advance(60_000);
    const between = at(shop.clock);
    shop.clock.advance(60_000);
    await adjust(shop, 'tea', -2);
    const sold = at(shop.clock);
    shop.clock.advance(60_000);
    await adjust(shop, 'tea', 40);
    shop.clock.advance(120_000);
    expect(await availability(shop, 'tea', `at=${before}`)).toMatchObject({ status: 404, body: { code: 'unknown-item' } });
    expect((await availability(shop, 'tea', `at=${received}`)).body).toMatchObject({ onHand: 5, available: 5, asOf: received });
    expect((await availability(shop, 'tea', `at=${between}`)).body).toMatchObject({ onHand: 5, available: 5, asOf: between, version: 2 });
    expect((await availability(shop, 'tea', `at=${sold}`)).body).toMatchObject({ onHand: 3, available: 3 });
    const now = await availability(shop, 'tea', `at=${at(shop.clock)}`);
    expect(now.body).toEqual((await availability(shop, 'tea', '')).body);
  });

  test('in the future it is refused, whether or not there is such an item', async () => {
    await using shop = await openHoldfast();
    shop.clock.advance(1_000);
    const future = new Date(shop.clock.now() + 1).toISOString();
    expect(await availability(shop, 'nothing', `at=${future}`)).toMatchObject({ status: 422, body: { errors: [{ pointer: '/at' }] } });
    expect(await availability(shop, 'nothing', `at=${at(shop.clock)}`)).toMatchObject({ status: 404 });
  });

  test('has holds to the millisecond at which they ran out, whenever that was written down', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 10);
    const held = shop.clock.now();
    await hold(shop, 'tea', 4, { ttlSeconds: 60 });
    shop.clock.advance(3_600_000);
    const reserved = async (ms: number): Promise<number> => (await availability(shop, 'tea', `at=${new Date(ms).toISOString()}`)).body.reserved;
    expect([await reserved(held + 59_999), await reserved(held + 60_000), await reserved(held + 61_000)]).toEqual([4, 0, 0]);
  });

  test('leaves out what the asking cart held then, line by line and part by part', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 10);
    await shop.stock('pot', 10);
    await hold(shop, 'tea', 1, { ttlSeconds: 86_400 });
    const put = (lines: object[]) => shop.put('/v1/carts/cart-1/reservation', { ttlSeconds: 86_400, lines });
    await put([{ sku: 'tea', quantity: 3 }, { sku: 'pot', quantity: 2 }]);
    const first = at(shop.clock);
    shop.clock.advance(60_000);
    await put([{ sku: 'tea', quantity: 5 }]);
    const second = at(shop.clock);
    shop.clock.advance(60_000);
    const cart = await shop.get('/v1/carts/cart-1/reservation');
    await shop.post(`/v1/reservations/${cart.body.id}/release`, { lines: [{ sku: 'tea', quantity: 1 }] });
    const third = at(shop.clock);
    shop.clock.advance(60_000);
    await shop.ask('DELETE', '/v1/carts/cart-1/reservation');
    shop.clock.advance(60_000);
    const seen = async (instant: string, sku: string): Promise<number[]> => {
      const [mine, others] = [await availability(shop, sku, `at=${instant}&cartId=cart-1`), await availability(shop, sku, `at=${instant}`)];
      return [mine.body.available, others.body.available];
    };
    expect([await seen(first, 'tea'), await seen(first, 'pot')]).toEqual([[9, 6], [10, 8]]);
    expect([await seen(second, 'tea'), await seen(second, 'pot')]).toEqual([[9, 4], [10, 10]]);
    expect([await seen(third, 'tea'), await seen(at(shop.clock), 'tea')]).toEqual([[9, 5], [9, 9]]);
  });

  test('has places, buffers and descriptions as they were', async () => {
    await using shop = await openHoldfast();
    await shop.put('/v1/locations/shop', { name: 'Shop', rank: 1 });
    await shop.put('/v1/items/tea', { channelBuffers: { web: 2 }, safetyStock: 1 });
    await adjust(shop, 'tea', 5);
    await adjust(shop, 'tea', 4, 'shop');
    const both = at(shop.clock);
    shop.clock.advance(60_000);
    await shop.put('/v1/locations/shop', { name: 'Shop', rank: 1, active: false });
    await shop.put('/v1/items/tea', {});
    const closed = at(shop.clock);
    shop.clock.advance(60_000);
    await shop.put('/v1/locations/shop', { name: 'Shop', rank: 1 });
    await shop.put('/v1/locations/later', { name: 'Later', rank: 2 });
    shop.clock.advance(60_000);
    expect((await availability(shop, 'tea', `at=${both}`)).body).toMatchObject({ onHand: 9, safetyStock: 1, available: 8 });
    expect((await availability(shop, 'tea', `at=${both}&channel=web`)).body).toMatchObject({ available: 6 });
    expect((await availability(shop, 'tea', `at=${both}&location=shop`)).body).toMatchObject({ onHand: 4, available: 4 });
    expect((await availability(shop, 'tea', `at=${closed}&channel=web`)).body).toMatchObject({ onHand: 5, available: 5 });
    expect(await availability(shop, 'tea', `at=${closed}&location=later`)).toMatchObject({ status: 422, body: { code: 'unknown-location' } });
  });

  test('an item that was removed was there before, and what is there again is not what was', async () => {
    await using shop = await openHoldfast();
    await shop.put('/v1/items/tea', { name: 'first' });
    const there = at(shop.clock);
    shop.clock.advance(60_000);
    await shop.ask('DELETE', '/v1/items/tea');
    const gone = at(shop.clock);
    shop.clock.advance(60_000);
    await shop.put('/v1/items/tea', { name: 'second' });
    shop.clock.advance(60_000);
    expect([(await availability(shop, 'tea', `at=${there}`)).status, (await availability(shop, 'tea', `at=${gone}`)).status]).toEqual([200, 404]);
  });

  test('may be kept by caches for good, once no clock may still be there', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 10);
    shop.clock.advance(1_000);
    const near = at(shop.clock);
    expect((await availability(shop, 'tea', `at=${near}`)).headers).toMatchObject({ 'cache-control': 'no-cache' });
    shop.clock.advance(60_000);
    const { headers } = await availability(shop, 'tea', `at=${near}`);
    expect(headers).toMatchObject({ 'cache-control': 'public, max-age=31536000, immutable' });
    await adjust(shop, 'tea', 5);
    expect(await availability(shop, 'tea', `at=${near}`)).toMatchObject({ headers: { etag: headers['etag'] } });
    expect((await shop.get(`/v1/items/tea/availability?at=${near}`, { headers: { 'if-none-match': headers['etag'] ?? '' } })).status).toBe(304);
  });

  test('is the same for every instant of a long history, from saved pasts or from the first fact', async () => {
    await using shop = await openHoldfast({ partitions: 1 });
    await shop.put('/v1/items/tea', {});
    const known: { instant: string; onHand: number; reserved: number; version: number }[] = [];
    let onHand = 0;
    for (let n = 0; n < 150; n++) {
      await adjust(shop, 'tea', 2);
      onHand += 2;
      if (n % 3 === 0) await hold(shop, 'tea', 1, { ttlSeconds: 86_400 });
      known.push({ instant: at(shop.clock), onHand, reserved: Math.floor(n / 3) + 1, version: 1 + n + 1 + Math.floor(n / 3) + 1 });
      shop.clock.advance(1_000);
    }
    await shop.settled();
    const saved = await shop.store.projections.sql.selectFrom('item_pasts').select('sku').where('sku', '=', 'tea').execute();
    expect(saved.length).toBeGreaterThanOrEqual(2);
    for (const { instant, ...figures } of known.filter((_, n) => n % 7 === 0)) expect((await availability(shop, 'tea', `at=${instant}`)).body).toMatchObject(figures);
  });

  test('and after the log was archived, and after all of it that could be was let go', async () => {
    const clock = handClock();
    const live = openMemory({ partitions: 1 });
    const archive = new Archive(openMemoryColdStore(), live.settings);
    const through = withLog(live, readThrough(live.log, archive));
    await using shop = await openHoldfast({ clock, store: Object.assign(Object.create(live) as typeof live, { log: through.log }) });
    await shop.put('/v1/items/tea', {});
    await adjust(shop, 'tea', 5);
    const received = at(clock);
    clock.advance(86_400_000);
    for (let n = 0; n < 70; n++) await adjust(shop, 'tea', 1);
    const grown = at(clock);
    clock.advance(1_000);
    await adjust(shop, 'tea', -2);
    const sold = at(clock);
    clock.advance(86_400_000);
    await shop.settled();
    const policy = { store: through, archive, clock, holder: 'node-1', afterMs: 0, consumers: ['states'], pack: (request: Parameters<typeof packSome>[2]) => packSome(live.log, archive, request) };
    await new Archiver(policy).run();
    expect(await live.log.trimmedTo(0)).toBe(await live.log.head(0));
    const figures = async (instant: string): Promise<unknown> => (await availability(shop, 'tea', `at=${instant}`)).body;
    expect([await figures(received), await figures(grown), await figures(sold)]).toMatchObject([{ onHand: 5 }, { onHand: 75 }, { onHand: 73 }]);
    expect((await shop.get('/v1/items/tea/history?limit=500')).body.items.length).toBe(72);
    expect((await shop.get('/v1/items/tea/check')).body).toMatchObject({ ok: true });
    expect((await shop.get('/v1/events?after=earliest&limit=500')).body.events.length).toBe(72);
    // The policy lets everything go that was archived.
    await new Archiver({ ...policy, keepMs: 1 }).run();
    expect(await availability(shop, 'tea', `at=${received}`)).toMatchObject({ status: 410, body: { code: 'history-lost' } });
    expect((await shop.get('/v1/items/tea/check')).status).toBe(410);
    expect((await shop.get('/v1/items/tea/history')).body).toMatchObject({ items: [], nextCursor: null });
    expect((await availability(shop, 'tea', '')).body).toMatchObject({ onHand: 73 });
    expect((await shop.get('/v1/events?after=earliest')).body.events).toEqual([]);
    expect((await shop.get('/v1/events?after=c1')).body).toMatchObject({ code: 'history-lost' });
  });
});
