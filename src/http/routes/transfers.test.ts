import { beforeEach, describe, expect, test } from 'vitest';
import { openHoldfast, type TestHoldfast } from '../testing.ts';

let shop: TestHoldfast;

beforeEach(async () => {
  shop = await openHoldfast();
  await shop.put('/v1/locations/north', { name: 'North', rank: 1 });
  await shop.put('/v1/locations/south', { name: 'South', rank: 2 });
  return async () => shop[Symbol.asyncDispose]();
});

/** A draft of some of `sku` from main to the north. */
async function draft(sku: string, quantity: number, more: object = {}): Promise<string> {
  const made = await shop.post('/v1/transfers', { from: 'main', to: 'north', lines: [{ sku, quantity }], ...more });
  expect(made.status).toBe(201);
  return made.body.id;
}
const step = (id: string, name: string, body?: object, headers?: Record<string, string>): ReturnType<TestHoldfast['post']> => shop.post(`/v1/transfers/${id}/${name}`, body, headers);
const byText = (a: string | undefined, b: string | undefined): number => ((a ?? '') < (b ?? '') ? -1 : 1);
const available = async (sku: string): Promise<object> => (await shop.get(`/v1/items/${sku}/availability`)).body;

describe('a transfer', () => {
  test('is drafted, shipped, received in two deliveries; its books and its history are right', async () => {
    await shop.stock('tea', 10);
    const made = await shop.post('/v1/transfers', { from: 'main', to: 'north', lines: [{ sku: 'tea', quantity: 6 }], reference: 'TO-7', note: 'for the weekend' });
    const { id } = made.body;
    expect([made.status, made.headers['location'], made.headers['etag']]).toEqual([201, `/v1/transfers/${id}`, '"1"']);
    expect(made.body).toMatchObject({ status: 'draft', from: 'main', to: 'north', reference: 'TO-7', note: 'for the weekend', version: 1 });
    const sent = await step(id, 'ship');
    expect([sent.status, sent.headers['etag'], sent.body.status, typeof sent.body.shippedAt]).toEqual([200, '"2"', 'in-transit', 'string']);
    expect(await available('tea')).toMatchObject({ onHand: 4, available: 4, buckets: { inTransit: 6 } });
    expect((await step(id, 'receive', { lines: [{ sku: 'tea', received: 2 }] })).body.status).toBe('partially-received');
    expect((await step(id, 'receive', { lines: [{ sku: 'tea', received: 6 }] })).body).toMatchObject({ status: 'received', lines: [{ sku: 'tea', quantity: 6, shipped: 6, received: 6 }], version: 4 });
    expect(await available('tea')).toMatchObject({ onHand: 10, available: 10, buckets: { inTransit: 0 }, locations: [{ location: 'main', onHand: 4 }, { location: 'north', onHand: 6 }] });
    await shop.settled();
    const { items } = (await shop.get('/v1/items/tea/history')).body;
    expect(items.slice(0, 4).map(({ data }: { data: object }) => data)).toMatchObject([
      { location: 'north', bucket: 'sellable', change: 4, onHand: 6, reason: 'transfer', reference: id },
      { location: 'north', bucket: 'inTransit', change: -4, reason: 'transfer', reference: id },
      { location: 'north', bucket: 'sellable', change: 2, onHand: 2 },
      { location: 'north', bucket: 'inTransit', change: -2 },
    ]);
    const { body: check } = await shop.get('/v1/items/tea/check');
    expect(check).toMatchObject({ ok: true });
    expect(check.levels).toContainEqual({ location: 'north', bucket: 'inTransit', level: 0, facts: 0, difference: 0 });
    expect((await shop.get(`/v1/transfers/${id}`)).headers['etag']).toBe('"4"');
  });

  test('over items of several logs is shipped as a whole or not at all', async () => {
    const skus = ['a', 'b', 'c', 'd', 'e'];
    for (const sku of skus) await shop.stock(sku, 3);
    const { id } = (await shop.post('/v1/transfers', { from: 'main', to: 'south', lines: skus.map((sku) => ({ sku, quantity: 3 })) })).body;
    const { body: hold } = await shop.post('/v1/reservations', { lines: [{ sku: 'd', quantity: 1 }] });
    const refused = await step(id, 'ship');
    expect([refused.status, refused.body.code, refused.body.lines]).toEqual([409, 'insufficient-stock', [{ sku: 'd', requested: 3, available: 2 }]]);
    for (const sku of skus) expect(await available(sku)).toMatchObject({ onHand: 3, buckets: { inTransit: 0 } });
    await shop.post(`/v1/reservations/${hold.id}/release`);
    expect((await step(id, 'ship')).status).toBe(200);
    for (const sku of skus) {
      expect(await available(sku)).toMatchObject({ onHand: 0, buckets: { inTransit: 3 } });
      expect((await shop.get(`/v1/items/${sku}/check`)).body.ok).toBe(true);
    }
  });

  test('takes only the step that fits', async () => {
    await shop.stock('tea', 5);
    const id = await draft('tea', 5);
    const codes = async (): Promise<string[]> => {
      const answers = [await step(id, 'ship'), await step(id, 'receive', { lines: [{ sku: 'tea', received: 5 }] }), await step(id, 'cancel', { disposition: 'restock' })];
      return answers.map(({ status, body }) => `${status} ${body.code ?? body.status}`);
    };
    expect((await step(id, 'receive', { lines: [{ sku: 'tea', received: 5 }] })).body.code).toBe('transfer-draft');
    expect(await codes()).toEqual(['200 in-transit', '200 received', '409 transfer-received']);
    expect(await codes()).toEqual(['409 transfer-received', '409 transfer-received', '409 transfer-received']);
    const other = await draft('tea', 5);
    await shop.post('/v1/items/tea/adjustments', { change: 5, reason: 'received' }, { prefer: 'wait=5' });
    await step(other, 'ship');
    expect([(await step(other, 'ship')).body.code, (await step(other, 'cancel')).body.errors]).toEqual(['transfer-in-transit', [{ pointer: '/disposition', detail: 'is required once the transfer was shipped: restock or write-off' }]]);
    expect((await step(other, 'cancel', { disposition: 'write-off' })).body).toMatchObject({ status: 'cancelled', lines: [{ writtenOff: 5 }] });
    expect([(await step(other, 'ship')).body.code, (await step('trf_none', 'ship')).status, (await shop.get('/v1/transfers/none')).body.code]).toEqual(['transfer-cancelled', 404, 'unknown-transfer']);
    expect((await shop.get('/v1/items/tea/check')).body.ok).toBe(true);
  });

  test('counts receipts together: never less than before, nor more than was shipped', async () => {
    await shop.stock('tea', 5);
    const id = await draft('tea', 4);
    await step(id, 'ship');
    const receive = async (units: number): Promise<string> => {
      const { status, body } = await step(id, 'receive', { lines: [{ sku: 'tea', received: units }] });
      return `${status} ${body.code ?? body.status}`;
    };
    expect([await receive(5), await receive(0), await receive(3), await receive(2), await receive(3), await receive(5), await receive(4)]).toEqual([
      '409 exceeds-shipped', '200 in-transit', '200 partially-received', '409 receipt-decreased', '200 partially-received', '409 exceeds-shipped', '200 received',
    ]);
  });

  test('happens once for one key, is conditional on its version, and may be done later', async () => {
    await shop.stock('tea', 5);
    const body = { from: 'main', to: 'north', lines: [{ sku: 'tea', quantity: 2 }] };
    const [first, again] = [await shop.post('/v1/transfers', body, { 'idempotency-key': 't' }), await shop.post('/v1/transfers', body, { 'idempotency-key': 't' })];
    expect([again.body, again.headers['idempotent-replayed']]).toEqual([first.body, 'true']);
    const { id } = first.body;
    expect((await step(id, 'ship', undefined, { 'if-match': '"2"' })).status).toBe(412);
    expect((await step(id, 'ship', undefined, { 'if-match': '"1"', 'idempotency-key': 's' })).body.status).toBe('in-transit');
    expect((await step(id, 'ship', undefined, { 'if-match': '"1"', 'idempotency-key': 's' })).headers['idempotent-replayed']).toBe('true');
    const later = await step(id, 'receive', { lines: [{ sku: 'tea', received: 2 }] }, { prefer: 'respond-async, wait=5' });
    expect([later.status, later.body.status, later.body.result.status]).toEqual([200, 'applied', 'received']);
  });

  test('is refused with every fault of its form', async () => {
    await shop.stock('tea', 5);
    const faults = async (body: object): Promise<string[]> => (await shop.post('/v1/transfers', body)).body.errors.map(({ pointer }: { pointer: string }) => pointer);
    expect(await faults({ from: 'main', lines: [{ sku: 'tea', quantity: 0 }], because: 1 })).toEqual(['/to', '/because', '/lines/0/quantity']);
    expect(await faults({ from: 'main', to: 'north', lines: [] })).toEqual(['/lines']);
    expect(await faults({ from: 'main', to: 'main', lines: [{ sku: 'tea', quantity: 1 }] })).toEqual(['/to']);
    expect(await faults({ from: 'x', to: 'y', lines: [{ sku: 'tea', quantity: 1 }] })).toEqual(['/from', '/to']);
    expect(await faults({ from: 'main', to: 'north', lines: [{ sku: 'no', quantity: 1 }] })).toEqual(['/lines/0/sku']);
    const id = await draft('tea', 1);
    const twice = await step(id, 'receive', { lines: [{ sku: 'tea', received: 1 }, { sku: 'tea', received: 1 }] });
    expect([twice.status, twice.body.errors[0].pointer]).toEqual([422, '/lines/1/sku']);
    expect((await step(id, 'cancel', { disposition: 'burn' })).body.errors[0].pointer).toBe('/disposition');
  });
});

describe('the list of transfers', () => {
  test('is found by status, item and place, page by page', async () => {
    await shop.stock('tea', 50);
    await shop.stock('jam', 50);
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) ids.push(await draft('tea', 1));
    ids.push(await draft('jam', 1, { to: 'south' }), await draft('jam', 1, { from: 'north', to: 'south' }));
    await step(ids[1] ?? '', 'ship');
    await shop.settled();
    const list = async (query: string): Promise<string[]> => (await shop.get(`/v1/transfers?${query}`)).body.items.map(({ id }: { id: string }) => id);
    const sorted = ids.toSorted(byText);
    expect(await list('')).toEqual(sorted);
    expect(await list('status=in-transit')).toEqual([ids[1]]);
    expect(await list('sku=jam')).toEqual(ids.slice(3).toSorted(byText));
    expect(await list('location=south')).toEqual(ids.slice(3).toSorted(byText));
    expect(await list('location=north&sku=jam')).toEqual([ids[4]]);
    expect(await list('location=north&status=draft')).toEqual([ids[0], ids[2], ids[4]].toSorted(byText));
    const first = (await shop.get('/v1/transfers?limit=2')).body;
    const second = (await shop.get(`/v1/transfers?limit=2&cursor=${first.nextCursor}`)).body;
    const third = (await shop.get(`/v1/transfers?limit=2&cursor=${second.nextCursor}`)).body;
    expect([...first.items, ...second.items, ...third.items].map(({ id }) => id)).toEqual(sorted);
    expect(third.nextCursor).toBeNull();
  });
});

describe('what a transfer that is not over depends on', () => {
  test('an item is not removed, be it on its way or only planned', async () => {
    await shop.stock('tea', 2);
    const id = await draft('tea', 2);
    await shop.settled();
    const remove = (): ReturnType<TestHoldfast['ask']> => shop.ask('DELETE', '/v1/items/tea');
    expect((await remove()).body).toMatchObject({ code: 'in-use', blockers: [{ kind: 'stock', quantity: 2 }, { kind: 'transfer', id, quantity: 2 }] });
    await step(id, 'ship');
    expect((await remove()).body.blockers).toEqual([{ kind: 'transfer', id, quantity: 2 }]);
    await step(id, 'cancel', { disposition: 'write-off' });
    await shop.settled();
    expect((await remove()).status).toBe(204);
  });

  test('nor are the places it goes from and to', async () => {
    await shop.stock('tea', 2);
    const id = await draft('tea', 1);
    const back = (await shop.post('/v1/transfers', { from: 'south', to: 'main', lines: [{ sku: 'tea', quantity: 1 }] })).body.id;
    await shop.settled();
    const close = (place: string): ReturnType<TestHoldfast['ask']> => shop.ask('DELETE', `/v1/locations/${place}?moveStockTo=main`);
    expect((await close('north')).body).toMatchObject({ status: 409, code: 'in-use', blockers: [{ kind: 'transfer', id, quantity: 1 }] });
    expect((await close('south')).body.blockers).toEqual([{ kind: 'transfer', id: back, quantity: 1 }]);
    await step(id, 'ship');
    await shop.settled();
    expect((await close('north')).body.blockers).toEqual([{ kind: 'transfer', id, quantity: 1 }]);
    await step(id, 'receive', { lines: [{ sku: 'tea', received: 1 }] });
    await step(back, 'cancel');
    await shop.settled();
    expect([(await close('north')).status, (await close('south')).status]).toEqual([204, 204]);
    expect(await available('tea')).toMatchObject({ onHand: 2 });
  });
});
