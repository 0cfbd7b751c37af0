import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fault, type FaultCode } from '../base/errors.ts';
import { ADMIN, openHoldfast, type TestHoldfast } from './testing.ts';

/** Sends raw bytes and gives all that comes back until the connection ends. */
async function speak(shop: TestHoldfast, bytes: string): Promise<string> {
  await shop.server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = shop.server.server.address() as AddressInfo; // it listens on a port
  return new Promise((resolve, reject) => {
    let heard = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.setEncoding('utf8').on('data', (text) => (heard += text));
    socket.on('close', () => resolve(heard)).on('error', reject);
  });
}

describe('what is no HTTP', () => {
  test.each([
    ['no request at all', 'hello\r\n\r\n', 400, 'malformed-request'],
    ['headers beyond measure', `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431, 'headers-too-large'],
    ['two lengths', 'POST /v1/reservations HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}', 400, 'malformed-request'],
    ['a length and chunks', 'POST /v1/reservations HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', 400, 'malformed-request'],
  ])('%s gets a problem and the end of the connection', async (_, bytes, status, code) => {
    await using shop = await openHoldfast();
    const heard = await speak(shop, bytes);
    expect(heard).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    const [, body = ''] = heard.split('\r\n\r\n');
    expect(JSON.parse(body)).toMatchObject({ status, code, requestId: expect.any(String) });
    expect(heard).toContain('application/problem+json');
  });

  test('does not reach what stands behind it: the bounds on slow senders are set', async () => {
    await using shop = await openHoldfast();
    const { headersTimeout, requestTimeout, timeout, maxConnections, keepAliveTimeout } = shop.server.server;
    expect([headersTimeout, requestTimeout, timeout].every((ms) => ms > 0 && ms <= 13_000)).toBe(true);
    expect(maxConnections).toBeGreaterThan(0);
    expect(keepAliveTimeout).toBeGreaterThan(0);
  });
});

describe('requests that are sent ahead', () => {
  const head = `host: x\r\nauthorization: Bearer ${ADMIN}\r\n`;
  const read = (more = ''): string => `GET /v1/locations HTTP/1.1\r\n${head}${more}\r\n`;
  const statuses = (heard: string): string[] => [...heard.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status ?? '');

  test.each([1, 5])('of a connection are answered up to the bound, those beyond it at once with 503 and when to come again (%i too many)', async (more) => {
    await using shop = await openHoldfast({ pipelinedMax: 4 });
    // Nobody is answered before the first, which waits for facts.
    const hearing = speak(shop, `GET /v1/events?after=now&wait=5 HTTP/1.1\r\n${head}\r\n${read().repeat(3)}${read().repeat(more - 1)}${read('connection: close\r\n')}`);
    while (shop.services.feed.listeners === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await shop.stock('tea', 1);
    const heard = await hearing;
    expect(statuses(heard)).toEqual([...new Array<string>(4).fill('200'), ...new Array<string>(more).fill('503')]);
    expect(heard).toMatch(/retry-after: 1\r\n/);
    expect(heard).toContain('"code":"overloaded"');
    // Why is told once and not for each of them.
    expect(shop.logs.filter((line) => line.includes('request failed'))).toHaveLength(1);
  });

  test('do not count once they are answered', async () => {
    await using shop = await openHoldfast({ pipelinedMax: 1 });
    await shop.server.listen({ port: 0, host: '127.0.0.1' });
    const { port } = shop.server.server.address() as AddressInfo; // it listens on a port
    const socket = connect(port, '127.0.0.1');
    for (let n = 0; n < 20; n++) {
      socket.write(read());
      const [heard] = (await once(socket, 'data')) as [Buffer];
      expect(statuses(heard.toString())).toEqual(['200']);
    }
    socket.destroy();
  });
});

describe('a store that fails', () => {
  test.each<[FaultCode, number, string]>([
    ['storage-full', 507, 'storage-full'],
    ['overloaded', 503, 'overloaded'],
    ['storage-failed', 503, 'unavailable'],
  ])('with %s is answered with %i, and nothing of its inside is told', async (fault, status, code) => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 5);
    Object.assign(shop.store.log, { append: () => Promise.reject(new Fault(fault, 'the secret inside', { retry: 'later' })) });
    const answer = await shop.post('/v1/reservations', { lines: [{ sku: 'tea', quantity: 1 }] });
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(answer.text).not.toContain('secret');
    expect(shop.logs.join('')).toContain(answer.body.requestId);
  });

  test('makes the node say that it is not ready, and alive all the same', async () => {
    await using shop = await openHoldfast();
    expect((await shop.get('/readyz', { key: null })).status).toBe(200);
    Object.assign(shop.store, { ping: () => Promise.reject(new Fault('unavailable', 'gone', { retry: 'soon' })) });
    expect((await shop.get('/readyz', { key: null })).body).toMatchObject({ status: 503, code: 'not-ready', failed: ['store'], faults: ['the store does not take writes'] });
    Object.assign(shop.store, { ping: () => new Promise(() => undefined) });
    const hanging = shop.get('/readyz', { key: null });
    await new Promise((resolve) => setImmediate(resolve));
    shop.clock.advance(2_000);
    expect((await hanging).body.faults).toEqual(['the store did not answer within 2 s']);
    Object.assign(shop.store, { ping: () => Promise.reject(new Fault('storage-full', 'no space', { retry: 'later' })) });
    Object.assign(shop.services.views, { failure: 'a table is missing' });
    expect((await shop.get('/readyz', { key: null })).body).toMatchObject({ failed: ['store', 'views'], faults: ['the store is full', 'the views have stopped'] });
    expect((await shop.get('/healthz', { key: null })).body).toEqual({ status: 'ok' });
  });
});

describe('an answer that does not come', () => {
  test('is told in time to who waits, and is no harm when it comes after all', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 5);
    const log = shop.store.log;
    const append = log.append.bind(log);
    const arrived = Promise.withResolvers<void>();
    const hanging = Promise.withResolvers<void>();
    Object.assign(log, { append: (...given: Parameters<typeof append>) => (arrived.resolve(), hanging.promise.then(() => append(...given))) });
    const connected = new Promise<Socket>((resolve) => shop.server.server.once('connection', resolve));
    const body = '{"lines":[{"sku":"tea","quantity":1}]}';
    const heard = speak(shop, `POST /v1/reservations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ADMIN}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    const socket = await connected;
    await arrived.promise;
    shop.server.server.emit('timeout', socket);
    expect(JSON.parse((await heard).split('\r\n\r\n')[1] ?? '')).toMatchObject({ status: 503, code: 'unavailable' });
    hanging.resolve();
    await expect.poll(async () => (await shop.get('/v1/items/tea/availability')).body.reserved).toBe(1);
  });

  test('is not waited for where the request itself is not whole', async () => {
    await using shop = await openHoldfast();
    const connected = new Promise<Socket>((resolve) => shop.server.server.once('connection', resolve));
    const heard = speak(shop, `POST /v1/reservations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ADMIN}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"lines"`);
    shop.server.server.emit('timeout', await connected);
    expect(await heard).toBe('');
  });
});

/** Names and values near to what routes take, and far from it. */
const member = fc.constantFrom('lines', 'sku', 'quantity', 'ttlSeconds', 'change', 'count', 'reason', 'name', 'rank', 'scopes', 'attributes', 'channelBuffers', 'near', 'strategy', 'reservations', 'orderId', 'location', '__proto__', 'constructor', 'prototype', 'toString', '', 'a/b~c');
const leaf = fc.oneof(
  fc.constantFrom<unknown>('tea', '..', '', null, true, 0, -1, 1, 1e9, 1e9 + 1, 1.5, 1e308, 'received', 'x'.repeat(200), '\u0000', '\ud800', [], {}),
  fc.string(),
  fc.double({ noNaN: true }),
);
const { tree: anything } = fc.letrec((tie) => ({
  tree: fc.oneof({ depthSize: 'small' }, leaf, fc.array(tie('tree'), { maxLength: 4 }), fc.array(fc.tuple(member, tie('tree')), { maxLength: 5 }).map((members) => ({ pairs: members }))),
}));

/** JSON text in which `__proto__` is a member like any other, as it comes over the wire. */
function text(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'pairs' in value) return `{${(value.pairs as [string, unknown][]).map(([name, part]) => `${JSON.stringify(name)}:${text(part)}`).join(',')}}`; // made above
  return Array.isArray(value) ? `[${value.map(text).join(',')}]` : JSON.stringify(value);
}

describe('whatever is sent', () => {
  test('is answered without a failure, described, and without a trace where it was refused', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 5);
    const api = JSON.parse((await shop.server.inject('/openapi.json')).body) as { paths: Record<string, Record<string, object>> };
    const targets = Object.entries(api.paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => [method.toUpperCase(), path.replaceAll(/\{\w+\}/g, 'tea')] as const));
    const writes = targets.filter(([method, path]) => method !== 'GET' && !path.startsWith('/v1/keys') && !path.startsWith('/v1/tokens'));
    expect(writes.length).toBeGreaterThan(15);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...writes), anything, async ([method, url], value) => {
        const before = shop.services.engine.cursor;
        const answer = await shop.ask(method, url, method === 'DELETE' ? {} : { raw: { type: 'application/json', content: text(value) } });
        expect(answer.status).toBeLessThan(500);
        if (answer.status === 400 || answer.status === 413 || answer.status === 415 || answer.status === 422) expect(shop.services.engine.cursor).toBe(before);
        expect(({} as { x?: unknown }).x).toBeUndefined();
      }),
      { numRuns: 1_500 },
    );
    expect((await shop.get('/healthz')).status).toBe(200);
    expect((await shop.get('/v1/items/tea/availability')).status).toBeLessThan(500);
  });

  test('as bytes is answered without a failure', async () => {
    await using shop = await openHoldfast();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.constantFrom('/v1/reservations', '/v1/adjustments', '/v1/reservations/batch'), fc.constantFrom('application/json', 'application/x-ndjson'), async (bytes, url, type) => {
        const answer = await shop.ask('POST', url, { raw: { type, content: Buffer.from(bytes) } });
        expect(answer.status).toBeLessThan(500);
      }),
      { numRuns: 300 },
    );
  });

  test('as a query is answered without a failure', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 5);
    const name = fc.constantFrom('limit', 'cursor', 'q', 'available', 'attribute.a', 'attribute.__proto__', 'sku', 'status', 'cartId', 'at', 'channel', 'location', 'after', 'type', 'key', '__proto__');
    const paths = fc.constantFrom('/v1/items', '/v1/reservations', '/v1/locations', '/v1/items/tea/availability', '/v1/items/tea/history', '/v1/availability', '/v1/events', '/v1/keys', '/v1/queues/commands/dead-letters');
    await fc.assert(
      fc.asyncProperty(paths, fc.array(fc.tuple(name, fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('1', '-1', '500', 'true', 'tea', '2020-01-01T00:00:00Z', '%', 'c1-0.1'))), { maxLength: 4 }), async (path, pairs) => {
        const query = pairs.map(([key, value]) => `${key}=${value.isWellFormed() ? encodeURIComponent(value) : '%ff'}`).join('&');
        expect((await shop.get(`${path}?${query}`)).status).toBeLessThan(500);
      }),
      { numRuns: 400 },
    );
  });
});
