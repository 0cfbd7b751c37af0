import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openHoldfast, type TestHoldfast } from './testing.ts';

let shop: TestHoldfast;
beforeAll(async () => {
  shop = await openHoldfast();
  await shop.stock('tea', 10);
});
afterAll(() => shop[Symbol.asyncDispose]());

const line = { sku: 'tea', quantity: 1 };
const pointers = (body: { errors: { pointer: string }[] }): string[] => body.errors.map(({ pointer }) => pointer).sort();

describe('a body', () => {
  test('that is wrong in many ways gets every fault named, and holds nothing', async () => {
    const raw = '{"lines":[{"sku":"tea","quantity":1.5,"__proto__":{"x":1}},{"quantity":"1"},{"sku":"a/b","quantity":0,"x~/y":1}],"constructor":1,"strategy":"best","ttlSeconds":2678401}';
    const answer = await shop.ask('POST', '/v1/reservations', { raw: { type: 'application/json', content: raw } });
    expect(answer.status).toBe(422);
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(answer.body).toMatchObject({ code: 'invalid-request', status: 422, requestId: answer.headers['x-request-id'] });
    expect(pointers(answer.body)).toEqual(
      ['/constructor', '/lines/0/__proto__', '/lines/0/quantity', '/lines/1/quantity', '/lines/1/sku', '/lines/2/quantity', '/lines/2/sku', '/lines/2/x~0~1y', '/strategy', '/ttlSeconds'].sort(),
    );
    expect((await shop.get('/v1/items/tea/availability')).body.reserved).toBe(0);
  });

  test.each([
    ['a number with a fraction', '{"lines":[{"sku":"tea","quantity":1.5}]}'],
    ['a number beyond all numbers', '{"lines":[{"sku":"tea","quantity":1e999}]}'],
    ['a number as text', '{"lines":[{"sku":"tea","quantity":"1"}]}'],
    ['a number above the bound', '{"lines":[{"sku":"tea","quantity":1000000001}]}'],
    ['a negative number', '{"lines":[{"sku":"tea","quantity":-1}]}'],
    ['null', '{"lines":[{"sku":"tea","quantity":null}]}'],
  ])('with %s as a quantity is refused at that quantity', async (_, content) => {
    const answer = await shop.ask('POST', '/v1/reservations', { raw: { type: 'application/json', content } });
    expect([answer.status, pointers(answer.body)]).toEqual([422, ['/lines/0/quantity']]);
  });

  test.each(['.', '..', '', 'a/b', 'a\u0000b', 'a\nb', 'e\u0301', 'x'.repeat(129), '\ud800', '\u200b'])('with %j as a SKU is refused', async (sku) => {
    const answer = await shop.post('/v1/reservations', { lines: [{ sku, quantity: 1 }] });
    expect([answer.status, pointers(answer.body)]).toEqual([422, ['/lines/0/sku']]);
  });

  test.each(['BANK CHARGES', 'ü-1', 'a.b', '…', 'x'.repeat(128), '%2F', '?#&', '日本'])('with %j as a SKU is understood, also in a path', async (sku) => {
    await shop.stock(sku, 1);
    expect((await shop.get(`/v1/items/${encodeURIComponent(sku)}`)).body.sku).toBe(sku);
    expect((await shop.post('/v1/reservations', { lines: [{ sku, quantity: 1 }] })).status).toBe(201);
  });

  test.each([['{'], [''], ['{"lines":[}'], ['\u{feff}{}'], ['{"lines":[{"sku":"tea","quantity":01}]}'], ["{'lines':[]}"]])('that reads %j is no JSON, or nothing', async (content) => {
    const answer = await shop.ask('POST', '/v1/reservations', { raw: { type: 'application/json', content } });
    expect(content === '' ? [422, 'invalid-request'] : [400, 'malformed-json']).toEqual([answer.status, answer.body.code]);
  });

  test('that is not UTF-8 is refused', async () => {
    const answer = await shop.ask('POST', '/v1/reservations', { raw: { type: 'application/json', content: Buffer.from([0x22, 0xff, 0x22]) } });
    expect([answer.status, answer.body.code]).toEqual([400, 'malformed-json']);
  });

  test('may nest 64 levels and no more, and a hundred thousand do no harm', async () => {
    const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const ask = (content: string) => shop.ask('POST', '/v1/reservations', { raw: { type: 'application/json', content } });
    expect((await ask(nested(64))).body.errors[0].detail).toBe('must be object');
    expect((await ask(nested(65))).body.errors[0].detail).toMatch(/deeper than 64/);
    expect((await ask(nested(100_000))).body.errors[0].detail).toMatch(/deeper than 64/);
    expect((await ask(`["${'['.repeat(100)}"]`)).body.errors[0].detail).toBe('must be object');
  });

  test('above a mebibyte is refused before it is read', async () => {
    const answer = await shop.post('/v1/reservations', { lines: [line], x: 'y'.repeat(1_048_576) });
    expect([answer.status, answer.body.code]).toEqual([413, 'payload-too-large']);
  });

  test('of another type is refused', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/x-ndjson', 'nonsense']) {
      const answer = await shop.ask('POST', '/v1/reservations', { raw: { type, content: '{}' } });
      expect([type, answer.status, answer.body.code]).toEqual([type, 415, 'unsupported-media-type']);
    }
  });

  test('may be left out where everything in it may', async () => {
    const made = await shop.post('/v1/reservations', { lines: [line] });
    expect((await shop.ask('POST', `/v1/reservations/${made.body.id}/release`)).body.status).toBe('released');
  });
});

describe('a path', () => {
  test('that is nowhere is 404, and one that takes other methods says which', async () => {
    expect((await shop.get('/v1/nothing')).body).toMatchObject({ status: 404, code: 'not-found' });
    const answer = await shop.ask('DELETE', '/v1/reservations');
    expect([answer.status, answer.body.code, answer.headers['allow']]).toEqual([405, 'method-not-allowed', 'GET, HEAD, POST']);
  });

  test.each(['/v1/items/%zz', '/v1/items/%ff', '/v1/items/%2e%2e', '/v1/items/a%2Fb', '/v1/items/a%00b', `/v1/items/${'x'.repeat(129)}`, `/v1/items/${'x'.repeat(9_000)}`])('%s is answered with a problem', async (path) => {
    const answer = await shop.get(path);
    expect([404, 422]).toContain(answer.status);
    expect(answer.headers['content-type']).toContain('application/problem+json');
  });

  test('answers HEAD where it answers GET', async () => {
    const answer = await shop.ask('HEAD', '/v1/items/tea');
    expect([answer.status, answer.text]).toEqual([200, '']);
  });
});

describe('a query', () => {
  test.each([
    ['/v1/items?limit=0', '/limit'],
    ['/v1/items?limit=501', '/limit'],
    ['/v1/items?limit=1e2', '/limit'],
    ['/v1/items?limit=1&limit=2', '/limit'],
    ['/v1/items?available=yes', '/available'],
    ['/v1/items?availble=true', '/availble'],
    ['/v1/reservations?status=gone', '/status'],
    ['/v1/availability', '/sku'],
    ['/v1/items/tea/availability?at=yesterday', '/at'],
    ['/v1/items/tea/availability?at=2999-01-01T00:00:00Z', '/at'],
    ['/v1/items/nothing/availability?at=2999-01-01T00:00:00Z', '/at'],
  ])('%s is refused at %s', async (url, pointer) => {
    const answer = await shop.get(url);
    expect([answer.status, answer.body.errors[0]]).toMatchObject([422, { pointer, in: 'query' }]);
  });
});

describe('every answer', () => {
  test('is neither sniffed nor framed, and carries a request id: the caller’s where it is a sane one', async () => {
    for (const url of ['/v1/items/tea', '/v1/nothing', '/v1/items/nothing', '/healthz', '/docs', '/']) {
      const answer = await shop.get(url, { headers: { 'x-request-id': 'mine-1' } });
      expect([url, answer.headers['x-content-type-options']]).toEqual([url, 'nosniff']);
      expect(answer.headers['content-security-policy']).toContain("frame-ancestors 'none'");
      expect(answer.headers['referrer-policy']).toBe('no-referrer');
    }
    expect((await shop.get('/v1/items/tea', { headers: { 'x-request-id': 'mine-1' } })).headers['x-request-id']).toBe('mine-1');
    expect((await shop.get('/v1/nothing', { headers: { 'x-request-id': 'mine-1' } })).body.requestId).toBe('mine-1');
    for (const odd of ['a b', 'x'.repeat(200), '{"json":1}', '']) {
      const { headers } = await shop.get('/v1/items/tea', { headers: { 'x-request-id': odd } });
      expect(headers['x-request-id']).toMatch(/^[a-z0-9]+-[a-z0-9]+$/);
    }
  });

  test('leaves one log line that names the route and never the address', async () => {
    await shop.get('/v1/items/tea/availability?channel=secret-looking', { headers: { 'x-request-id': 'look-for-me' } });
    const lines = (): string[] => shop.logs.filter((line) => line.includes('"look-for-me"'));
    await expect.poll(lines).toHaveLength(1);
    const last = JSON.parse(lines()[0] ?? '') as object;
    expect(last).toMatchObject({ method: 'GET', route: '/v1/items/{sku}/availability', status: 200, key: 'admin' });
    expect(shop.logs.join('')).not.toMatch(/secret-looking|admin-key-of-the-tests/);
  });
});

describe('pages of other origins', () => {
  test('may read only where they are listed', async () => {
    await using open = await openHoldfast({ corsOrigins: ['https://shop.example'] });
    const from = (origin: string) => open.get('/healthz', { headers: { origin } });
    expect((await from('https://shop.example')).headers['access-control-allow-origin']).toBe('https://shop.example');
    expect((await from('https://other.example')).headers['access-control-allow-origin']).toBeUndefined();
    const preflight = await open.ask('OPTIONS', '/v1/reservations', { key: null, headers: { origin: 'https://shop.example', 'access-control-request-method': 'POST' } });
    expect([preflight.status, preflight.headers['access-control-allow-headers']]).toEqual([204, expect.stringContaining('idempotency-key')]);
    expect((await shop.get('/healthz', { headers: { origin: 'https://shop.example' } })).headers['access-control-allow-origin']).toBeUndefined();
  });
});
