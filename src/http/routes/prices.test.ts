import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openMemory, type MemoryStore } from '../../engines/memory/memory.ts';
import { openHoldfast, type TestHoldfast } from '../testing.ts';

const EUR = (amount: number) => ({ amount, currency: 'EUR' });

let shop: TestHoldfast;
beforeAll(async () => {
  shop = await openHoldfast();
});
afterAll(() => shop[Symbol.asyncDispose]());

/** The price once everything has had its effect that was written before. */
async function priceOf(sku: string) {
  const head = await shop.get(`/v1/items/${sku}/availability`);
  expect(head.status).toBe(200);
  return shop.get(`/v1/prices/${sku}`, { headers: { 'holdfast-cursor': shop.services.engine.cursor } });
}

const scarce = { priority: 10, match: { attributes: { line: ['scarce'] } }, mode: 'live', strategy: { kind: 'rules', rules: [{ name: 'scarce', when: { available: [{ numeric: ['<', 10] }] }, change: { percent: 5 } }] }, guardrails: {} };

describe('prices', () => {
  test('are those of stock that moved while an item was looked at for the first time', async () => {
    const store = openMemory({ partitions: 4 });
    await using other = await openHoldfast({ store });
    await other.put('/v1/pricing/policies/scarcity', scarce);
    await other.services.consumers?.pricing.idle();
    // The pipeline has seen that there are none, and asks when the item was first described: meanwhile ten come in.
    let received = false;
    interceptQueries(store, 'item_facts', async () => {
      if (received) return;
      received = true;
      await other.services.engine.execute({ type: 'AdjustStock', sku: 'new', location: 'main', bucket: 'sellable', change: 10, reason: 'received' });
      await other.services.consumers?.pricing.consumer.settled();
    });
    await other.services.engine.execute({ type: 'DefineItem', sku: 'new', mode: 'create', definition: { price: EUR(1000), attributes: { line: 'scarce' } } });
    await other.services.consumers?.pricing.idle();
    expect(received).toBe(true);
    expect((await other.get('/v1/prices/new')).body).toMatchObject({ price: EUR(1000), policy: 'scarcity' });
  });

  test('without a policy are the base price, at once and with its reason', async () => {
    await shop.stock('plain', 5, { price: EUR(1999) });
    const answer = await priceOf('plain');
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ sku: 'plain', price: EUR(1999), basePrice: EUR(1999), policy: null, policyVersion: null, degraded: false, lowest30d: EUR(1999), version: 1 });
    expect(answer.body.why.at(-1).after).toEqual(EUR(1999));
    expect(answer.headers['cache-control']).toBe('public, max-age=1');
    const again = await shop.get('/v1/prices/plain', { headers: { 'if-none-match': answer.headers['etag'] ?? '' } });
    expect(again.status).toBe(304);
  });

  test('are null of an item without a base price, and unknown of no item', async () => {
    await shop.stock('free', 5);
    expect((await priceOf('free')).body).toMatchObject({ price: null, basePrice: null, why: [] });
    const none = await shop.get('/v1/prices/none');
    expect([none.status, none.body.code]).toEqual([404, 'unknown-item']);
  });

  test('follow the stock as a policy says, and tell every step', async () => {
    await shop.stock('lamp', 12, { price: EUR(1000), attributes: { line: 'scarce' } });
    const put = await shop.put('/v1/pricing/policies/scarcity', scarce);
    expect([put.status, put.headers['etag'], put.body.version]).toEqual([201, '"1"', 1]);
    expect((await priceOf('lamp')).body).toMatchObject({ price: EUR(1000), policy: 'scarcity', policyVersion: 1 });
    await shop.post('/v1/items/lamp/adjustments', { change: -4, reason: 'sold' }, { prefer: 'wait=5' });
    const up = await priceOf('lamp');
    expect(up.body).toMatchObject({ price: EUR(1050), policy: 'scarcity' });
    expect(up.body.why.map(({ step }: { step: string }) => step)).toContain('scarce');
    await shop.post('/v1/items/lamp/adjustments', { change: 20, reason: 'received' }, { prefer: 'wait=5' });
    expect((await priceOf('lamp')).body).toMatchObject({ price: EUR(1000) });
  });

  test('of many are given in the order asked, with a tag', async () => {
    const many = await shop.get('/v1/prices?sku=lamp&sku=none&sku=plain');
    expect(many.body.items.map(({ sku }: { sku: string }) => sku)).toEqual(['lamp', 'plain']);
    expect(many.body.missing).toEqual(['none']);
    expect((await shop.get('/v1/prices?sku=lamp&sku=none&sku=plain', { headers: { 'if-none-match': many.headers['etag'] ?? '' } })).status).toBe(304);
  });

  test('have a history, newest first, page by page', async () => {
    const first = await shop.get('/v1/prices/lamp/history?limit=2');
    expect(first.body.items.map(({ price }: { price: object }) => price)).toEqual([EUR(1000), EUR(1050)]);
    const rest = await shop.get(`/v1/prices/lamp/history?limit=2&cursor=${first.body.nextCursor}`);
    expect(rest.body).toMatchObject({ items: [{ price: EUR(1000), before: null, shadow: false }], nextCursor: null });
    expect((await shop.get('/v1/prices/none/history')).status).toBe(404);
  });

  test('are set by hand until the override ends', async () => {
    const set = await shop.put('/v1/prices/lamp/override', { price: EUR(500), reason: 'an angry customer' });
    expect([set.status, set.body.price]).toEqual([200, EUR(500)]);
    expect((await shop.get('/v1/prices/lamp')).body).toMatchObject({ price: EUR(500), override: { until: null, reason: 'an angry customer' } });
    expect((await shop.ask('DELETE', '/v1/prices/lamp/override')).status).toBe(204);
    expect((await priceOf('lamp')).body).toMatchObject({ price: EUR(1000), policy: 'scarcity' });
    expect((await shop.ask('DELETE', '/v1/prices/lamp/override')).status).toBe(404);
    const until = new Date(shop.clock.now() + 60_000).toISOString();
    await shop.put('/v1/prices/lamp/override', { price: EUR(700), reason: 'for a minute', until });
    expect((await shop.get('/v1/prices/lamp')).body.price).toEqual(EUR(700));
    shop.clock.advance(61_000);
    await expect.poll(async () => (await shop.get('/v1/prices/lamp')).body.price).toEqual(EUR(1000));
    expect((await shop.put('/v1/prices/none/override', { price: EUR(1), reason: 'x' })).status).toBe(404);
    expect((await shop.put('/v1/prices/lamp/override', { price: { amount: 1, currency: 'USD' }, reason: 'x' })).status).toBe(422);
  });

  test('are compared by a shadow policy and not shown', async () => {
    await shop.put('/v1/pricing/policies/shadow', { ...scarce, mode: 'shadow', strategy: { kind: 'rules', rules: [{ name: 'dearer', when: {}, change: { percent: 50 } }] } });
    expect((await priceOf('lamp')).body.price).toEqual(EUR(1000));
    const history = await shop.get('/v1/prices/lamp/history?shadow=true');
    expect(history.body.items[0]).toMatchObject({ price: EUR(1500), live: EUR(1000), model: 15, policy: 'shadow', shadow: true });
    await shop.ask('DELETE', '/v1/pricing/policies/shadow');
  });

  test('tell the world that they changed', async () => {
    const events = await shop.get('/v1/events?after=earliest&type=pricing.price.changed&key=lamp&limit=500');
    expect(events.body.events[1]).toMatchObject({ source: '/pricing', subject: 'lamp', partitionkey: 'lamp', data: { before: EUR(1000), price: EUR(1050), basePrice: EUR(1000), policy: 'scarcity', policyVersion: 1 } });
    expect(events.body.events[1].data).not.toHaveProperty('by');
    const policies = await shop.get('/v1/events?after=earliest&type=pricing.policy.changed&key=scarcity');
    expect(policies.body.events).toHaveLength(1);
  });
});

describe('policies', () => {
  test('are refused with every fault and its place', async () => {
    const bad = await shop.put('/v1/pricing/policies/bad', { priority: 'high', match: { sku: 'no array' }, mode: 'loud', strategy: { kind: 'magic' }, more: 1 });
    expect(bad.status).toBe(422);
    const pointers = bad.body.errors.map(({ pointer }: { pointer: string }) => pointer);
    for (const pointer of ['/priority', '/match/sku', '/mode', '/strategy/kind', '/more']) expect(pointers).toContain(pointer);
  });

  test('are changed under If-Match, keep every version, and go back', async () => {
    const path = '/v1/pricing/policies/versions';
    await shop.put(path, scarce);
    expect((await shop.put(path, { ...scarce, priority: 11 }, { 'if-match': '"7"' })).status).toBe(412);
    const second = await shop.put(path, { ...scarce, priority: 11 }, { 'if-match': '"1"' });
    expect([second.status, second.headers['etag']]).toEqual([200, '"2"']);
    expect((await shop.put(path, { ...scarce, priority: 11 })).body.version).toBe(2);
    const back = await shop.post(`${path}/rollback`, { version: 1 });
    expect(back.body).toMatchObject({ version: 3, priority: 10 });
    expect((await shop.post(`${path}/rollback`, { version: 9 })).status).toBe(422);
    expect((await shop.get(`${path}/versions`)).body.items.map(({ version, rolledBackTo }: { version: number; rolledBackTo?: number }) => [version, rolledBackTo])).toEqual([[3, 1], [2, undefined], [1, undefined]]);
    expect((await shop.get('/v1/pricing/policies')).body.items.map(({ id }: { id: string }) => id)).toEqual(['scarcity', 'versions']);
    expect((await shop.ask('DELETE', path)).status).toBe(204);
    expect((await shop.get(path)).body.code).toBe('unknown-policy');
    expect((await shop.post(`${path}/rollback`, { version: 2 })).body).toMatchObject({ version: 5, priority: 11 });
    await shop.ask('DELETE', path);
  });

  test('all versions stay, also those that are no longer in memory, and any of them may come back', async () => {
    const path = '/v1/pricing/policies/long-lived';
    for (let priority = 1; priority <= 30; priority++) expect((await shop.put(path, { ...scarce, mode: 'off', priority })).body.version).toBe(priority);
    await shop.settled();
    const newest = (await shop.get(`${path}/versions?limit=20`)).body;
    expect(newest.items.map(({ version }: { version: number }) => version)).toEqual(Array.from({ length: 20 }, (_, i) => 30 - i));
    const oldest = (await shop.get(`${path}/versions?limit=20&cursor=${newest.nextCursor}`)).body;
    expect(oldest.items.map(({ version, priority }: { version: number; priority: number }) => [version, priority])).toEqual(Array.from({ length: 10 }, (_, i) => [10 - i, 10 - i]));
    expect((await shop.post(`${path}/rollback`, { version: 2 })).body).toMatchObject({ version: 31, priority: 2 });
    await shop.ask('DELETE', path);
  });

  test('reprice everything that they concern, with progress', async () => {
    for (let n = 0; n < 30; n++) await shop.stock(`many-${n}`, 5, { price: EUR(1000), attributes: { line: 'many' } });
    await shop.settled();
    await shop.put('/v1/pricing/policies/many', { ...scarce, match: { attributes: { line: ['many'] } } });
    await shop.services.consumers.pricing.idle();
    for (let n = 0; n < 30; n++) expect((await shop.get(`/v1/prices/many-${n}`)).body).toMatchObject({ price: EUR(1050), policy: 'many' });
    expect((await shop.get('/v1/pricing/sweep')).body).toMatchObject({ state: 'idle', dueItems: 0 });
  });

  test('that ask functions need the scope admin', async () => {
    const { body } = await shop.post('/v1/keys', { name: 'w', scopes: ['read', 'write'] });
    const answer = await shop.ask('PUT', '/v1/pricing/policies/f', { key: body.key, body: { ...scarce, strategy: { kind: 'function', url: 'http://127.0.0.1:1/', timeoutMs: 100 } } });
    expect(answer.status).toBe(403);
  });
});

describe('controls', () => {
  test('hold prices where they are', async () => {
    expect((await shop.get('/v1/pricing/controls')).body).toMatchObject({ killSwitch: false, freeze: [] });
    await shop.put('/v1/pricing/controls', { killSwitch: true });
    await shop.post('/v1/items/lamp/adjustments', { count: 3, reason: 'counted' }, { prefer: 'wait=5' });
    expect((await priceOf('lamp')).body).toMatchObject({ price: EUR(1000), held: 'kill-switch' });
    await shop.put('/v1/pricing/controls', { freeze: [{ sku: ['lamp'] }] });
    expect((await priceOf('lamp')).body).toMatchObject({ price: EUR(1000), held: 'freeze' });
    await shop.put('/v1/pricing/controls', {});
    expect((await priceOf('lamp')).body).toMatchObject({ price: EUR(1050) });
    expect((await shop.put('/v1/pricing/controls', { killSwitch: 'yes', freeze: [{ sku: 'x' }] })).body.errors).toHaveLength(2);
  });
});

describe('simulations', () => {
  test('say what a policy would make of an item, each case after the one before, and store nothing', async () => {
    const policy = { ...scarce, guardrails: { maxStepPercent: 10, ceiling: { amount: 13_000, currency: 'EUR' }, ending: 99 }, strategy: { kind: 'rules', rules: [{ name: 'set', when: { available: [{ numeric: ['<', 10] }] }, change: { set: 14_000 } }] } };
    const before = shop.services.engine.cursor;
    const answer = await shop.post('/v1/pricing/simulations', { policy, item: { price: EUR(10_000) }, cases: [{ signals: { available: 5 } }, { signals: { available: 5, price: EUR(10_000) } }, { signals: { available: 5 } }] });
    expect(answer.body.results.map(({ model, price }: { model: number; price: object }) => [model, price])).toEqual([[140, EUR(10_999)], [140, EUR(10_999)], [140, EUR(10_999)]]);
    expect(shop.services.engine.cursor).toBe(before);
    const bad = await shop.post('/v1/pricing/simulations', { policy: { ...policy, priority: 'high' }, item: { price: EUR(1) }, cases: [{ signals: {} }] });
    expect(bad.body.errors[0].pointer).toBe('/policy/priority');
  });

  test('give the numbers of Gallego and van Ryzin', async () => {
    const at = '2026-06-01T00:00:00.000Z';
    const policy = { priority: 1, match: {}, mode: 'live', strategy: { kind: 'gallego-van-ryzin', demandPerDay: 100, alpha: 0.1, seasonEnd: '2026-06-02T00:00:00.000Z' }, guardrails: {} };
    const { body } = await shop.post('/v1/pricing/simulations', { policy, item: { price: EUR(2000) }, cases: [10, 20].map((available) => ({ at, signals: { available } })) });
    expect(body.results[0].model).toBeCloseTo(23.3724, 3);
    expect(body.results[1].model).toBeCloseTo(16.5959, 3);
  });
});

describe('quotes', () => {
  test('honour prices until they expire', async () => {
    const made = await shop.post('/v1/quotes', { lines: [{ sku: 'plain', quantity: 3 }, { sku: 'lamp', quantity: 1 }], ttlSeconds: 60 });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ status: 'open', lines: [{ sku: 'plain', unitPrice: EUR(1999), total: EUR(5997) }, { sku: 'lamp' }], total: EUR(5997 + 1050) });
    expect(made.headers['location']).toBe(`/v1/quotes/${made.body.id}`);
    await shop.put('/v1/prices/plain/override', { price: EUR(2), reason: 'sale' });
    expect((await shop.get(`/v1/quotes/${made.body.id}`)).body.lines[0].unitPrice).toEqual(EUR(1999));
    shop.clock.advance(61_000);
    expect((await shop.get(`/v1/quotes/${made.body.id}`)).body.status).toBe('expired');
    expect((await shop.get('/v1/quotes/quo_none')).body.code).toBe('unknown-quote');
    expect((await shop.post('/v1/quotes', { lines: [{ sku: 'free', quantity: 1 }] })).body.code).toBe('unknown-price');
    expect((await shop.post('/v1/quotes', { lines: [{ sku: 'free', quantity: 1 }, { sku: 'none', quantity: 1 }] })).body).toMatchObject({ status: 422, code: 'unknown-item', errors: [{ pointer: '/lines/1/sku' }] });
  });
});

/** Does something before a question about a table is answered. */
function interceptQueries(store: MemoryStore, table: string, before: () => Promise<unknown>): void {
  const { sql } = store.projections;
  const waiting = <T extends object>(builder: T): T =>
    new Proxy(builder, {
      get(target, name) {
        const member = Reflect.get(target, name, target) as unknown;
        if (typeof member !== 'function') return member;
        if (name === 'execute') return async () => (await before(), await (member as () => Promise<unknown>).call(target));
        return (...args: unknown[]) => waiting((member as (...given: unknown[]) => object).apply(target, args));
      },
    });
  const plain = sql.selectFrom.bind(sql);
  Object.defineProperty(sql, 'selectFrom', { value: (from: never) => ((from as unknown) === table ? waiting(plain(from)) : plain(from)) });
}
