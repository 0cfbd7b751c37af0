import { describe, expect, test } from 'vitest';
import { openHoldfast, type TestHoldfast } from '../testing.ts';

const hold = (sku: string, quantity: number, more: object = {}): object => ({ lines: [{ sku, quantity }], ...more });
const available = async (shop: TestHoldfast, sku: string): Promise<unknown> => (await shop.get(`/v1/items/${sku}/availability`)).body.available;

describe('items', () => {
  test('are made by PUT with every default, replaced by PUT, changed by PATCH, and guarded by If-Match', async () => {
    await using shop = await openHoldfast();
    const made = await shop.put('/v1/items/tea', { name: 'Green tea', attributes: { hot: true } });
    expect([made.status, made.headers['etag'], made.headers['location']]).toEqual([201, '"1"', '/v1/items/tea']);
    expect(made.body).toMatchObject({ sku: 'tea', name: 'Green tea', tracked: true, safetyStock: 0, backorderLimit: 0, thresholds: [0], reservationTtlSeconds: 900, version: 1 });
    const changed = await shop.ask('PATCH', '/v1/items/tea', { body: { safetyStock: 2, name: null }, headers: { 'if-match': '"1"' } });
    expect([changed.status, changed.body]).toMatchObject([200, { safetyStock: 2, attributes: { hot: true }, version: 2 }]);
    expect(changed.body.name).toBeUndefined();
    expect((await shop.put('/v1/items/tea', {}, { 'if-match': '"1"' })).body).toMatchObject({ status: 412, code: 'version-conflict' });
    expect((await shop.put('/v1/items/tea', {}, { 'if-match': 'W/"2"' })).status).toBe(412);
    expect((await shop.put('/v1/items/tea', {}, { 'if-match': '*' })).body).toMatchObject({ safetyStock: 0, version: 3 });
    expect((await shop.put('/v1/items/new', {}, { 'if-match': '*' })).status).toBe(412);
    expect((await shop.ask('PATCH', '/v1/items/none', { body: {} })).body.code).toBe('unknown-item');
    const read = await shop.get('/v1/items/tea');
    expect((await shop.get('/v1/items/tea', { headers: { 'if-none-match': String(read.headers['etag']) } })).status).toBe(304);
  });

  test('may be bundles: sold, listed and kept from going by what their components have and whom they were promised to', async () => {
    await using shop = await openHoldfast();
    await shop.stock('cup', 5);
    await shop.stock('saucer', 9);
    expect((await shop.put('/v1/items/set', { components: [{ sku: 'cup', quantity: 2 }, { sku: 'saucer', quantity: 1 }] })).status).toBe(201);
    const circle = await shop.put('/v1/items/cup', { components: [{ sku: 'set', quantity: 1 }] });
    expect([circle.status, circle.body.code, circle.body.errors[0].pointer]).toEqual([422, 'invalid-request', '/components/0/sku']);
    expect((await shop.get('/v1/items/set/availability')).body).toMatchObject({ available: 2, sellable: 2, onHand: 0 });
    await shop.settled();
    expect((await shop.get('/v1/items?available=true')).body.items.map(({ sku }: { sku: string }) => sku)).toEqual(['cup', 'saucer', 'set']);
    const adjusted = await shop.post('/v1/items/set/adjustments', { change: 1, reason: 'received' });
    expect([adjusted.status, adjusted.body.code]).toEqual([422, 'invalid-request']);
    const tooMuch = await shop.post('/v1/reservations', { lines: [{ sku: 'set', quantity: 1 }, { sku: 'cup', quantity: 4 }] });
    expect([tooMuch.status, tooMuch.body.lines]).toEqual([409, [{ sku: 'cup', requested: 6, available: 5 }]]);
    const held = await shop.put('/v1/carts/c/reservation', { lines: [{ sku: 'set', quantity: 1 }, { sku: 'cup', quantity: 3 }] });
    expect(held.body.lines[0]).toMatchObject({ sku: 'set', quantity: 1, components: [{ sku: 'cup', quantity: 2 }, { sku: 'saucer', quantity: 1 }] });
    expect((await shop.get('/v1/items/set/availability?cartId=c')).body).toMatchObject({ available: 2 });
    await shop.settled();
    const listed = async (query: string): Promise<string[]> => (await shop.get(`/v1/items?${query}`)).body.items.map(({ sku }: { sku: string }) => sku);
    expect([await listed('available=true'), await listed('available=false')]).toEqual([['saucer'], ['cup', 'set']]);
    const kept = await shop.ask('DELETE', '/v1/items/set');
    expect([kept.status, kept.body.blockers]).toEqual([409, [{ kind: 'reservation', id: held.body.id, quantity: 1 }]]);
    expect((await shop.ask('DELETE', '/v1/items/saucer')).body.blockers).toContainEqual({ kind: 'bundle', id: 'set', quantity: 1 });
    expect((await shop.get('/v1/items/cup/check')).body.ok).toBe(true);
    expect((await shop.get('/v1/items/set/check')).body).toMatchObject({ ok: true, levels: [] });
  });

  test('are found by words, attributes and availability, page by page', async () => {
    await using shop = await openHoldfast();
    for (let i = 0; i < 7; i++) await shop.stock(`sku-${i}`, i % 2, { name: i < 3 ? `Tea 10%_${i}` : `Cup ${i}`, attributes: { shelf: i < 4 ? 'a' : 'b', hot: i === 2 } });
    await shop.settled();
    const skus = async (query: string): Promise<string[]> => (await shop.get(`/v1/items?${query}`)).body.items.map(({ sku }: { sku: string }) => sku);
    expect(await skus('q=tea')).toEqual(['sku-0', 'sku-1', 'sku-2']);
    expect(await skus('q=0%25_2')).toEqual(['sku-2']);
    expect(await skus('q=0%25-2')).toEqual([]);
    expect(await skus('attribute.shelf=b')).toEqual(['sku-4', 'sku-5', 'sku-6']);
    expect(await skus('attribute.hot=true')).toEqual(['sku-2']);
    expect(await skus('available=true')).toEqual(['sku-1', 'sku-3', 'sku-5']);
    expect(await skus('available=true&attribute.shelf=a&q=cup')).toEqual(['sku-3']);
    const first = await shop.get('/v1/items?limit=3');
    expect(first.body.nextCursor).toEqual(expect.any(String));
    const second = await shop.get(`/v1/items?limit=4&cursor=${first.body.nextCursor}`);
    expect([...first.body.items, ...second.body.items].map(({ sku }) => sku)).toEqual(['sku-0', 'sku-1', 'sku-2', 'sku-3', 'sku-4', 'sku-5', 'sku-6']);
    expect(second.body.nextCursor).toBeNull();
    for (const bad of ['x', `${first.body.nextCursor}x`, String(first.body.nextCursor).slice(1)]) expect((await shop.get(`/v1/items?cursor=${bad}`)).body).toMatchObject({ status: 422, code: 'invalid-cursor' });
    expect((await shop.get(`/v1/reservations?cursor=${first.body.nextCursor}`)).body.code).toBe('invalid-cursor');
  });

  test('go only when nothing depends on them, and what does is named', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 5);
    const held = await shop.post('/v1/reservations', hold('tea', 2));
    const other = await shop.post('/v1/reservations', hold('tea', 1));
    await shop.post(`/v1/reservations/${other.body.id}/confirm`, { orderId: 'o-1' });
    await shop.settled();
    const refused = await shop.ask('DELETE', '/v1/items/tea');
    expect(refused.body).toMatchObject({ status: 409, code: 'in-use' });
    expect(refused.body.blockers).toEqual([{ kind: 'stock', location: 'main', quantity: 5 }, { kind: 'reservation', id: held.body.id, quantity: 2 }, { kind: 'allocation', id: 'o-1', quantity: 1 }]);
    await shop.post(`/v1/reservations/${held.body.id}/release`);
    await shop.post('/v1/allocations/o-1/cancel');
    await shop.post('/v1/items/tea/adjustments', { count: 0, reason: 'counted' }, { prefer: 'wait=5' });
    expect((await shop.ask('DELETE', '/v1/items/tea')).status).toBe(204);
    expect((await shop.get('/v1/items/tea')).body.code).toBe('unknown-item');
    await shop.settled();
    expect((await shop.get('/v1/items/tea/history')).body.items.length).toBeGreaterThan(3);
  });
});

describe('availability', () => {
  test('answers per channel, place and cart, with an ETag that changes when a hold runs out', async () => {
    await using shop = await openHoldfast();
    await shop.put('/v1/locations/east', { name: 'East', rank: 5 });
    await shop.stock('tea', 10, { channelBuffers: { web: 3 }, safetyStock: 1 });
    await shop.post('/v1/items/tea/adjustments', { location: 'east', change: 4, reason: 'received' }, { prefer: 'wait=5' });
    await shop.put('/v1/carts/c1/reservation', hold('tea', 2, { ttlSeconds: 60 }));
    const read = (query = '') => shop.get(`/v1/items/tea/availability${query}`);
    const plain = await read();
    expect(plain.body).toMatchObject({ onHand: 14, reserved: 2, net: 11, available: 11, sellable: 11 });
    expect((await read('?channel=web')).body.available).toBe(8);
    expect((await read('?cartId=c1')).body).toMatchObject({ reserved: 0, available: 13 });
    expect((await read('?location=east')).body).toMatchObject({ onHand: 4, reserved: 2, available: 2 });
    expect((await read('?location=nowhere')).body).toMatchObject({ status: 422, code: 'unknown-location' });
    expect((await read('')).headers['cache-control']).toBe('public, max-age=1');
    const etag = String(plain.headers['etag']);
    expect((await shop.get('/v1/items/tea/availability', { headers: { 'if-none-match': etag } })).status).toBe(304);
    shop.clock.advance(59_500);
    expect((await read()).headers['cache-control']).toBe('public, max-age=0');
    shop.clock.advance(500);
    const after = await shop.get('/v1/items/tea/availability', { headers: { 'if-none-match': etag } });
    expect([after.status, after.body.available]).toEqual([200, 13]);
  });

  test('of many comes in the order asked and says what is missing', async () => {
    await using shop = await openHoldfast();
    await shop.stock('a', 1);
    await shop.stock('b', 2);
    const answer = await shop.get('/v1/availability?sku=b&sku=none&sku=a');
    expect(answer.body.items.map(({ sku, available }: { sku: string; available: number }) => [sku, available])).toEqual([['b', 2], ['a', 1]]);
    expect(answer.body.missing).toEqual(['none']);
    const most = Array.from({ length: 201 }, (_, i) => `sku=s${i}`);
    expect((await shop.get(`/v1/availability?${most.slice(1).join('&')}`)).status).toBe(200);
    expect((await shop.get(`/v1/availability?${most.join('&')}`)).status).toBe(422);
  });
});

describe('holds', () => {
  test('are made, read, extended, released in part, confirmed, fulfilled, undone and cancelled', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 10);
    const made = await shop.post('/v1/reservations', hold('tea', 6, { customerId: 'ann' }));
    expect([made.status, made.body.status, made.headers['location']]).toEqual([201, 'held', `/v1/reservations/${made.body.id}`]);
    const path = `/v1/reservations/${made.body.id}`;
    expect((await shop.post(`${path}/extend`, { ttlSeconds: 10 })).body.expiresAt).toBe(new Date(shop.clock.now() + 10_000).toISOString());
    expect((await shop.post(`${path}/release`, { lines: [{ sku: 'tea', quantity: 2 }] })).body.lines[0].quantity).toBe(4);
    expect((await shop.post(`${path}/release`, { lines: [{ sku: 'tea', quantity: 5 }] })).body).toMatchObject({ status: 409, code: 'exceeds-reserved' });
    const confirmed = await shop.post(`${path}/confirm`);
    expect([confirmed.status, confirmed.body.status]).toEqual([200, 'confirmed']);
    const order = `/v1/allocations/${confirmed.body.orderId}`;
    expect((await shop.post(`${path}/confirm`)).body.code).toBe('reservation-confirmed');
    expect((await shop.post(`${order}/fulfil`, { lines: [{ sku: 'tea', quantity: 3 }] })).body).toMatchObject({ status: 'partially-fulfilled', lines: [{ quantity: 1, fulfilled: 3 }] });
    expect((await shop.post(`${order}/unfulfil`, { lines: [{ sku: 'tea', quantity: 1 }] })).body.lines[0]).toMatchObject({ quantity: 2, fulfilled: 2 });
    expect((await shop.post(`${order}/fulfil`, { lines: [{ sku: 'tea', quantity: 3 }] })).body.code).toBe('exceeds-allocated');
    expect((await shop.post(`${order}/cancel`)).body.lines[0]).toMatchObject({ quantity: 0, cancelled: 2 });
    expect((await shop.get(order)).body.status).toBe('fulfilled');
    expect((await shop.get('/v1/items/tea/availability')).body).toMatchObject({ onHand: 8, allocated: 0, reserved: 0, available: 8 });
    expect((await shop.get('/v1/allocations/none')).body.code).toBe('unknown-order');
  });

  test('that cannot be are refused as a whole, naming every item that falls short', async () => {
    await using shop = await openHoldfast();
    await shop.stock('a', 1);
    await shop.stock('b', 1, { maxPerReservation: 1 });
    const short = await shop.post('/v1/reservations', { lines: [{ sku: 'a', quantity: 1 }, { sku: 'a', quantity: 1 }] });
    expect(short.body).toMatchObject({ status: 409, code: 'insufficient-stock', lines: [{ sku: 'a', requested: 2, available: 1 }] });
    expect((await shop.post('/v1/reservations', hold('b', 2))).body).toMatchObject({ status: 409, code: 'limit-exceeded' });
    const unknown = await shop.post('/v1/reservations', { lines: [{ sku: 'a', quantity: 1 }, { sku: 'x', quantity: 1 }] });
    expect(unknown.body).toMatchObject({ status: 422, code: 'unknown-item', errors: [{ pointer: '/lines/1/sku' }] });
    expect((await shop.post('/v1/reservations', hold('a', 1, { strategy: 'nearest' }))).body.errors).toEqual([{ pointer: '/near', detail: expect.any(String) }]);
    expect(await available(shop, 'a')).toBe(1);
  });

  test('run out at their instant, timer or not, and are found by cart, item and status', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 10);
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push((await shop.post('/v1/reservations', hold('tea', 1, { cartId: `c${i % 2}`, ttlSeconds: i < 2 ? 1 : 100 }))).body.id);
    await shop.settled();
    const found = async (query: string): Promise<string[]> => (await shop.get(`/v1/reservations?${query}`)).body.items.map(({ id }: { id: string }) => id).sort();
    expect(await found('cartId=c0')).toEqual([ids[0], ids[2], ids[4]].map(String).sort());
    expect(await found('sku=tea')).toEqual(ids.toSorted());
    expect(await found('sku=te')).toEqual([]);
    shop.clock.advance(1_000);
    expect((await shop.get(`/v1/reservations/${ids[0]}`)).body.status).toBe('expired');
    expect(await found('status=expired')).toEqual(ids.slice(0, 2).sort());
    expect(await found('status=held&cartId=c0&sku=tea')).toEqual([ids[2], ids[4]].map(String).sort());
    expect((await shop.post(`/v1/reservations/${ids[0]}/extend`, { ttlSeconds: 5 })).body.code).toBe('reservation-expired');
    expect((await shop.get('/v1/reservations/res_none')).body.code).toBe('unknown-reservation');
    const page = await shop.get('/v1/reservations?limit=2');
    const next = await shop.get(`/v1/reservations?limit=10&cursor=${page.body.nextCursor}`);
    expect([...page.body.items, ...next.body.items]).toHaveLength(5);
  });

  test('of a cart are set, not added to', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 5);
    const put = (quantity: number, headers = {}) => shop.put('/v1/carts/c/reservation', hold('tea', quantity), headers);
    const first = await put(4);
    const again = await put(5);
    expect([first.status, again.status, again.body.id, again.body.lines[0].quantity]).toEqual([201, 200, first.body.id, 5]);
    expect((await put(6)).body.code).toBe('insufficient-stock');
    expect((await shop.get('/v1/carts/c/reservation')).body.lines[0].quantity).toBe(5);
    expect((await put(1, { 'if-match': first.headers['etag'] })).status).toBe(412);
    expect((await put(1, { 'if-match': again.headers['etag'] })).status).toBe(200);
    expect((await shop.put('/v1/carts/c/reservation', { lines: [] })).body.errors[0].pointer).toBe('/lines');
    expect((await shop.ask('DELETE', '/v1/carts/c/reservation')).status).toBe(204);
    expect((await shop.ask('DELETE', '/v1/carts/c/reservation')).status).toBe(204);
    expect((await shop.get('/v1/carts/c/reservation')).body.code).toBe('unknown-reservation');
    expect(await available(shop, 'tea')).toBe(5);
  });

  test('in a batch stand each on their own', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 3);
    const answer = await shop.post('/v1/reservations/batch', { reservations: [hold('tea', 2), hold('tea', 2), { lines: [] }, hold('none', 1), hold('tea', 1)] });
    expect(answer.body.results.map(({ status }: { status: number }) => status)).toEqual([201, 409, 422, 422, 201]);
    expect(answer.body.results[1].problem).toMatchObject({ code: 'insufficient-stock', lines: [{ sku: 'tea', requested: 2 }] });
    expect(answer.body.results[2].problem.errors[0].pointer).toBe('/lines');
    expect((await shop.post('/v1/reservations/batch', { reservations: Array.from({ length: 1_001 }, () => hold('tea', 1)) })).status).toBe(422);
    expect((await shop.post('/v1/reservations/batch', { reservations: [] })).body.errors[0].pointer).toBe('/reservations');
    expect((await shop.ask('POST', '/v1/reservations/batch')).status).toBe(422);
  });
});

describe('locations', () => {
  test('are listed by rank, and main cannot go', async () => {
    await using shop = await openHoldfast();
    await shop.put('/v1/locations/west', { name: 'West', rank: 7, lat: 1.5, lon: 2 });
    await shop.put('/v1/locations/east', { name: 'East', rank: 7 });
    expect((await shop.get('/v1/locations')).body.items.map(({ id }: { id: string }) => id)).toEqual(['east', 'west', 'main']);
    const first = await shop.get('/v1/locations?limit=1');
    expect((await shop.get(`/v1/locations?cursor=${first.body.nextCursor}`)).body.items[0]).toEqual({ id: 'west', name: 'West', rank: 7, lat: 1.5, lon: 2, active: true, version: 1 });
    expect((await shop.put('/v1/locations/x', { name: 'X', rank: 1, lat: 3 })).body.errors[0].pointer).toBe('/lon');
    expect((await shop.ask('DELETE', '/v1/locations/main')).body.code).toBe('in-use');
    expect((await shop.ask('DELETE', '/v1/locations/none')).body.code).toBe('unknown-location');
  });

  test('close when they are empty, or when their stock may go elsewhere', async () => {
    await using shop = await openHoldfast();
    await shop.put('/v1/locations/east', { name: 'East', rank: 1 });
    await shop.stock('tea', 1);
    await shop.post('/v1/items/tea/adjustments', { location: 'east', change: 4, reason: 'received' }, { prefer: 'wait=5' });
    await shop.post('/v1/items/tea/adjustments', { location: 'east', change: 2, bucket: 'damaged', reason: 'damaged' }, { prefer: 'wait=5' });
    const held = await shop.post('/v1/reservations', hold('tea', 1, {}));
    expect(held.body.lines[0].allocations[0].location).toBe('east');
    const close = (query = '') => shop.ask('DELETE', `/v1/locations/east${query}`);
    expect((await close('?moveStockTo=main')).body).toMatchObject({ code: 'in-use', blockers: [{ kind: 'reservation', sku: 'tea', location: 'east', quantity: 1 }] });
    expect((await shop.get('/v1/locations/east')).body.active).toBe(true);
    await shop.post(`/v1/reservations/${held.body.id}/release`);
    expect((await close()).body.blockers).toEqual([{ kind: 'stock', sku: 'tea', location: 'east', quantity: 6 }]);
    expect((await close('?moveStockTo=nowhere')).body).toMatchObject({ status: 422, code: 'unknown-location' });
    expect((await close('?moveStockTo=main')).status).toBe(204);
    expect((await shop.get('/v1/locations/east')).body.code).toBe('unknown-location');
    expect((await shop.get('/v1/items/tea/availability')).body).toMatchObject({ onHand: 5, buckets: { damaged: 2 } });
    await shop.settled();
    expect((await shop.get('/v1/items/tea/check')).body).toMatchObject({ ok: true, oversold: 0 });
    const moved = (await shop.get('/v1/items/tea/history?limit=4')).body.items.map(({ data }: { data: { location: string; change: number } }) => [data.location, data.change]);
    expect(moved).toEqual([['main', 2], ['east', -2], ['main', 4], ['east', -4]]);
  });
});

describe('books', () => {
  test('show the history newest first, page by page, as CloudEvents', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 100);
    const many = Array.from({ length: 9 }, () => shop.post('/v1/reservations', hold('tea', 1)));
    await Promise.all(many);
    await shop.settled();
    const all = (await shop.get('/v1/items/tea/history')).body.items as { id: string; type: string; sequence: string }[];
    expect(all.map(({ type }) => type)).toEqual([...Array.from({ length: 9 }, () => 'inventory.reservation.held'), 'inventory.stock.adjusted']);
    expect(all.map(({ sequence }) => sequence)).toEqual(all.map(({ sequence }) => sequence).toSorted().toReversed());
    const paged: string[] = [];
    for (let cursor = ''; ; ) {
      const { items, nextCursor } = (await shop.get(`/v1/items/tea/history?limit=3${cursor}`)).body;
      paged.push(...items.map(({ id }: { id: string }) => id));
      if (nextCursor === null) break;
      cursor = `&cursor=${nextCursor}`;
    }
    expect(paged).toEqual(all.map(({ id }) => id));
    expect((await shop.get('/v1/items/none/history')).body.code).toBe('unknown-item');
  });

  test('add up while shoppers go on, whatever happened', async () => {
    await using shop = await openHoldfast({ partitions: 1 });
    await shop.put('/v1/locations/east', { name: 'East', rank: 1 });
    await shop.stock('tea', 20, { backorderLimit: 5 });
    for (let i = 0; i < 12; i++) {
      const cart = await shop.put(`/v1/carts/c${i % 4}/reservation`, hold('tea', 1 + (i % 3), { ttlSeconds: 2 + i, customerId: `p${i % 2}` }));
      const held = await shop.post('/v1/reservations', hold('tea', 2, { partial: true, ttlSeconds: 1 + (i % 3) }));
      const adjusted = shop.post('/v1/items/tea/adjustments', i % 3 === 0 ? { location: 'east', change: 2, reason: 'received' } : { count: 15 - i, reason: 'counted' });
      if (cart.status < 300 && i % 3 === 1) await shop.post(`/v1/reservations/${cart.body.id}/confirm`, { orderId: `o${i}`, lines: [{ sku: 'tea', quantity: 1 }] });
      if (held.status < 300 && i % 2 === 0) await shop.post(`/v1/reservations/${held.body.id}/release`, { lines: [{ sku: 'tea', quantity: 1 }] });
      if (i === 7) await shop.post('/v1/allocations/o7/fulfil', { lines: [{ sku: 'tea', quantity: 1 }] });
      const [checked] = await Promise.all([shop.get('/v1/items/tea/check'), shop.post('/v1/reservations', hold('tea', 1, { ttlSeconds: 3 })), adjusted]);
      expect(checked.body).toMatchObject({ ok: true, oversold: 0, backordered: { difference: 0 } });
      expect(checked.body.levels.every(({ difference }: { difference: number }) => difference === 0)).toBe(true);
      shop.clock.advance(700);
    }
    expect((await shop.get('/v1/items/none/check')).body.code).toBe('unknown-item');
  });
});
