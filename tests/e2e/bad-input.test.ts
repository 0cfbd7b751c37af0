import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { HoldfastClient } from '../../src/client/client.ts';
import { sqlitePlace, type Place } from '../proof/places.ts';
import { ServerProcess } from '../proof/server-process.ts';

const SKU = 'STEADY';
const ON_HAND = 20;

let place: Place;
let server: ServerProcess;
let client: HoldfastClient;
let reservationId: string;
let factsBefore: readonly string[];

beforeAll(async () => {
  place = await sqlitePlace();
  server = await ServerProcess.start(place);
  client = server.client();
  await client.items.put(SKU, { name: 'Steady' });
  await client.items.adjust(SKU, { change: ON_HAND, reason: 'received' }, { waitSeconds: 20 });
  reservationId = (await client.reservations.create({ cartId: 'steady', lines: [{ sku: SKU, quantity: 2 }], ttlSeconds: 86_400 })).id;
  factsBefore = await facts();
}, 60_000);

afterAll(async () => {
  await server?.stop();
  await place?.[Symbol.asyncDispose]();
});

/** Whatever was sent: the server is alive, and nothing at all was stored. */
afterEach(async () => {
  expect(server.alive).toBe(true);
  await client.operation.ready();
  expect(await facts()).toEqual(factsBefore);
  expect(await client.items.availability(SKU)).toMatchObject({ onHand: ON_HAND, reserved: 2, allocated: 0, available: ON_HAND - 2 });
  expect(await client.items.list()).toMatchObject({ items: [{ sku: SKU, name: 'Steady', version: 1 }] });
  expect(await client.items.check(SKU)).toMatchObject({ ok: true });
});

async function facts(): Promise<string[]> {
  return (await client.eventsPage({ limit: 500 })).events.map(({ id }) => id);
}

interface Sent {
  readonly method?: string;
  readonly path: string;
  readonly text?: string | Uint8Array<ArrayBuffer>;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends it as it is, and expects a problem document, whole. */
async function expectProblem({ method = 'POST', path, text, type = 'application/json', headers }: Sent, status: number, code: string): Promise<Record<string, unknown>> {
  const body = text === undefined ? {} : { body: text, headers: { 'content-type': type } };
  const answer = await fetch(server.url + path, { method, ...body, headers: { authorization: `Bearer ${server.key}`, ...(text === undefined ? undefined : { 'content-type': type }), ...headers } });
  const document = (await answer.json()) as Record<string, unknown>; // a problem document is an object
  expect({ status: answer.status, code: document['code'] }, JSON.stringify(document)).toEqual({ status, code });
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(document).toMatchObject({ status, type: expect.any(String), title: expect.any(String), detail: expect.any(String), requestId: expect.any(String) });
  return document;
}

/** Invalid, with a fault at each of these places and nowhere else. */
async function expectFaults(sent: Sent, ...pointers: string[]): Promise<void> {
  const { errors } = await expectProblem(sent, 422, 'invalid-request');
  expect((errors as { pointer: string }[]).map(({ pointer }) => pointer).sort()).toEqual(pointers.sort());
}

const reserve = (body: unknown): Sent => ({ path: '/v1/reservations', text: JSON.stringify(body) });
const line = { sku: SKU, quantity: 1 };

describe('a reservation', () => {
  test.each<[string, unknown, string[]]>([
    ['no body members', {}, ['/lines']],
    ['a list', [], ['']],
    ['nothing', null, ['']],
    ['a number', 7, ['']],
    ['no lines', { lines: [] }, ['/lines']],
    ['lines that are one', { lines: line }, ['/lines']],
    ['a line that is text', { lines: ['STEADY'] }, ['/lines/0']],
    ['missing fields', { lines: [{}, line, { sku: SKU }] }, ['/lines/0/sku', '/lines/0/quantity', '/lines/2/quantity']],
    ['quantity as text', { lines: [{ sku: SKU, quantity: '1' }] }, ['/lines/0/quantity']],
    ['no quantity', { lines: [{ sku: SKU, quantity: null }] }, ['/lines/0/quantity']],
    ['quantity true', { lines: [{ sku: SKU, quantity: true }] }, ['/lines/0/quantity']],
    ['quantity zero', { lines: [{ sku: SKU, quantity: 0 }] }, ['/lines/0/quantity']],
    ['a negative quantity', { lines: [{ sku: SKU, quantity: -1 }] }, ['/lines/0/quantity']],
    ['a fraction', { lines: [{ sku: SKU, quantity: 1.5 }] }, ['/lines/0/quantity']],
    ['one too many', { lines: [{ sku: SKU, quantity: 1_000_000_001 }] }, ['/lines/0/quantity']],
    ['far too many', { lines: [{ sku: SKU, quantity: 1e300 }] }, ['/lines/0/quantity']],
    ['a SKU that is a number', { lines: [{ sku: 7, quantity: 1 }] }, ['/lines/0/sku']],
    ['an empty SKU', { lines: [{ sku: '', quantity: 1 }] }, ['/lines/0/sku']],
    ['a SKU with a slash', { lines: [{ sku: 'a/b', quantity: 1 }] }, ['/lines/0/sku']],
    ['a SKU that is a step up', { lines: [{ sku: '..', quantity: 1 }] }, ['/lines/0/sku']],
    ['a SKU with a control character', { lines: [{ sku: 'a\u0000b', quantity: 1 }] }, ['/lines/0/sku']],
    ['a SKU not in NFC', { lines: [{ sku: 'cafe\u0301', quantity: 1 }] }, ['/lines/0/sku']],
    ['a SKU of 129 characters', { lines: [{ sku: 'x'.repeat(129), quantity: 1 }] }, ['/lines/0/sku']],
    ['half a surrogate pair', { lines: [{ sku: 'a\ud800', quantity: 1 }] }, ['/lines/0/sku']],
    ['501 lines', { lines: Array.from({ length: 501 }, () => line) }, ['/lines']],
    ['no time at all', { lines: [line], ttlSeconds: 0 }, ['/ttlSeconds']],
    ['more than 31 days', { lines: [line], ttlSeconds: 2_678_401 }, ['/ttlSeconds']],
    ['an unknown field', { lines: [line], color: 'red' }, ['/color']],
    ['an unknown field in a line', { lines: [{ ...line, price: 1 }] }, ['/lines/0/price']],
    ['an unknown strategy', { lines: [line], strategy: 'cheapest' }, ['/strategy']],
    ['the nearest to nowhere', { lines: [line], strategy: 'nearest' }, ['/near']],
    ['a place off the globe', { lines: [line], strategy: 'nearest', near: { lat: 91, lon: 181 } }, ['/near/lat', '/near/lon']],
    ['everything at once', { lines: [{ sku: 7 }], ttlSeconds: 'x', foo: 1 }, ['/lines/0/sku', '/lines/0/quantity', '/ttlSeconds', '/foo']],
  ])('with %s', async (_name, body, pointers) => {
    await expectFaults(reserve(body), ...pointers);
  });

  test('with names that JavaScript would understand otherwise', async () => {
    await expectFaults({ path: '/v1/reservations', text: `{"lines":[{"sku":"${SKU}","quantity":1}],"__proto__":{"partial":true}}` }, '/__proto__');
    await expectFaults({ path: '/v1/reservations', text: `{"lines":[{"sku":"${SKU}","quantity":1,"__proto__":1}]}` }, '/lines/0/__proto__');
    await expectFaults({ path: '/v1/reservations', text: `{"lines":[{"sku":"${SKU}","quantity":1}],"constructor":{"prototype":{"x":1}}}` }, '/constructor');
    await expectFaults({ path: '/v1/reservations', text: `{"__proto__":{"lines":[{"sku":"${SKU}","quantity":1}]}}` }, '/__proto__', '/lines');
    await expectProblem(reserve({ lines: [{ sku: '__proto__', quantity: 1 }, { sku: 'constructor', quantity: 1 }, line] }), 422, 'unknown-item');
  });

  test('of unknown items names their lines, also beside known ones', async () => {
    const problem = await expectProblem(reserve({ lines: [line, { sku: 'nobody', quantity: 1 }] }), 422, 'unknown-item');
    expect(JSON.stringify(problem)).toContain('/lines/1');
    await expectProblem(reserve({ lines: [{ ...line, location: 'the moon' }] }), 422, 'unknown-location');
  });
});

describe('the body', () => {
  test.each(['', '{', '{"lines":[', 'nonsense', '{"a":1,}', "{'a':1}", '{"lines":NaN}', '\u0000', '[1,2', '"\\ud8"', '{}{}'])('is not JSON: %j', async (text) => {
    const answer = text === '' ? expectProblem({ path: '/v1/reservations', text }, 422, 'invalid-request') : expectProblem({ path: '/v1/reservations', text }, 400, 'malformed-json');
    await answer;
  });

  test('is not UTF-8', async () => {
    await expectProblem({ path: '/v1/reservations', text: Uint8Array.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]) }, 400, 'malformed-json');
  });

  test.each([65, 10_000, 100_000])('nests %i deep', async (depth) => {
    await expectFaults({ path: '/v1/reservations', text: `{"lines":${'['.repeat(depth)}${']'.repeat(depth)}}` }, '');
    await expectFaults({ path: '/v1/reservations', text: `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}` }, '');
  });

  test('has 10 MB', async () => {
    const text = JSON.stringify({ lines: [line], cartId: 'x'.repeat(10_000_000) });
    await expectProblem({ path: '/v1/reservations', text }, 413, 'payload-too-large');
    await expectProblem({ method: 'PUT', path: '/v1/items/BIG', text }, 413, 'payload-too-large');
  });

  test('is of another type, or of none', async () => {
    const text = JSON.stringify({ lines: [line] });
    for (const type of ['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'nonsense']) {
      await expectProblem({ path: '/v1/reservations', text, type }, 415, 'unsupported-media-type');
    }
  });
});

describe('an item', () => {
  const put = (body: unknown, sku = 'NEW'): Sent => ({ method: 'PUT', path: `/v1/items/${sku}`, text: JSON.stringify(body) });

  test.each<[string, unknown, string[]]>([
    ['a negative safety stock', { safetyStock: -1 }, ['/safetyStock']],
    ['a fraction of a cent', { price: { amount: 9.99, currency: 'EUR' } }, ['/price/amount']],
    ['money of no country', { price: { amount: 999, currency: 'euros' } }, ['/price/currency']],
    ['money without a currency', { price: { amount: 999 } }, ['/price/currency']],
    ['an attribute that is an object', { attributes: { size: { width: 1 } } }, ['/attributes/size']],
    ['a buffer as text', { channelBuffers: { web: '5' } }, ['/channelBuffers/web']],
    ['a limit of a hold of nothing', { maxPerReservation: 0 }, ['/maxPerReservation']],
    ['what is not known', { stock: 5, onHand: 5 }, ['/stock', '/onHand']],
  ])('with %s', async (_name, body, pointers) => {
    await expectFaults(put(body), ...pointers);
    await expectFaults({ ...put(body, SKU), method: 'PATCH' }, ...pointers);
  });

  test('whose name is no SKU', async () => {
    for (const sku of ['a%2Fb', '%00', 'x'.repeat(129), 'cafe%CC%81', '%E2%80%A8']) await expectFaults(put({}, sku), '/sku');
  });

  test('at an address that is not properly percent-encoded', async () => {
    for (const sku of ['%', '%zz', '%E0%A4%A', '%ff', 'a%2']) await expectProblem({ method: 'GET', path: `/v1/items/${sku}` }, 404, 'not-found');
  });

  test('that nobody knows', async () => {
    for (const path of ['', '/availability', '/check', '/history']) await expectProblem({ method: 'GET', path: `/v1/items/constructor${path}` }, 404, 'unknown-item');
    await expectProblem({ path: '/v1/items/nobody/adjustments', text: JSON.stringify({ change: 1, reason: 'received' }) }, 404, 'unknown-item');
  });
});

describe('an adjustment', () => {
  test.each<[string, unknown, string[]]>([
    ['no change', { change: 0, reason: 'received' }, ['/change']],
    ['no reason', { change: 1 }, ['/reason']],
    ['a reason of one’s own', { change: 1, reason: 'magic' }, ['/reason']],
    ['a change as text', { change: '+5', reason: 'received' }, ['/change']],
    ['half a unit', { change: 0.5, reason: 'received' }, ['/change']],
    ['more than there may be', { change: 1_000_000_001, reason: 'received' }, ['/change']],
    ['an unknown bucket', { change: 1, reason: 'received', bucket: 'cellar' }, ['/bucket']],
    ['a negative count', { count: -1, reason: 'counted' }, ['/count']],
  ])('with %s', async (_name, body, pointers) => {
    await expectFaults({ path: `/v1/items/${SKU}/adjustments`, text: JSON.stringify(body) }, ...pointers);
  });

  test('that is a change and a count at once, or neither', async () => {
    await expectProblem({ path: `/v1/items/${SKU}/adjustments`, text: JSON.stringify({ change: 1, count: 5, reason: 'counted' }) }, 422, 'invalid-request');
    await expectProblem({ path: `/v1/items/${SKU}/adjustments`, text: JSON.stringify({ reason: 'counted' }) }, 422, 'invalid-request');
  });

  test('in bulk of what is no list, and of lines that cannot be', async () => {
    await expectProblem({ path: '/v1/adjustments', text: '{}' }, 422, 'invalid-request');
    const text = [{ sku: 'nobody', change: 1, reason: 'received' }, { sku: SKU, change: 0, reason: 'received' }, 7].map((one) => JSON.stringify(one)).join('\n');
    const answer = await fetch(`${server.url}/v1/adjustments`, { method: 'POST', body: `${text}\nnonsense\n`, headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/x-ndjson' } });
    expect(answer.status).toBe(202);
    const { accepted, rejected } = (await answer.json()) as { accepted: number; rejected: { line: number; problem: { code: string } }[] }; // as the contract says
    expect(accepted).toBe(0);
    expect(rejected.map(({ line, problem }) => [line, problem.code])).toEqual([[1, 'unknown-item'], [2, 'invalid-request'], [3, 'invalid-request'], [4, 'malformed-json']]);
  });
});

describe('a step on a hold', () => {
  test('that is none, or of another item', async () => {
    for (const step of ['confirm', 'release']) {
      await expectProblem({ path: `/v1/reservations/res_nobody/${step}`, text: '{}' }, 404, 'unknown-reservation');
      await expectFaults({ path: `/v1/reservations/${reservationId}/${step}`, text: JSON.stringify({ lines: [{ sku: SKU, quantity: -1 }] }) }, '/lines/0/quantity');
      await expectProblem({ path: `/v1/reservations/${reservationId}/${step}`, text: JSON.stringify({ lines: [{ sku: SKU, quantity: 3 }] }) }, 409, 'exceeds-reserved');
    }
    await expectFaults({ path: `/v1/reservations/${reservationId}/extend`, text: '{}' }, '/ttlSeconds');
  });
});

describe('a question', () => {
  test('with a cursor that was never given', async () => {
    for (const path of ['/v1/items', '/v1/reservations', '/v1/locations', `/v1/items/${SKU}/history`]) {
      for (const cursor of ['nonsense', '%00', 'eyJhIjoxfQ', encodeURIComponent('../../etc'), 'W10']) await expectProblem({ method: 'GET', path: `${path}?cursor=${cursor}` }, 422, 'invalid-cursor');
    }
    for (const after of ['nonsense', 'c1-zz', 'c1-0.99999999999999999999', 'c9-1.1']) await expectProblem({ method: 'GET', path: `/v1/events?after=${after}` }, 422, 'invalid-cursor');
  });

  test('with a page of no size', async () => {
    for (const limit of ['0', '501', '-1', '1.5', 'ten', '', '1e2']) await expectFaults({ method: 'GET', path: `/v1/items?limit=${limit}` }, '/limit');
    await expectFaults({ method: 'GET', path: '/v1/items?limit=1&limit=2' }, '/limit');
    await expectFaults({ method: 'GET', path: '/v1/items?__proto__=1&nobody=2' }, '/nobody', '/__proto__');
  });

  test('of somebody without a key, or with a bad one', async () => {
    for (const authorization of ['', 'Bearer', 'Bearer ', 'Bearer x', `Basic ${server.key}`, `Bearer ${server.key}x`, `Bearer ${'k'.repeat(5_000)}`]) {
      await expectProblem({ ...reserve({ lines: [line] }), headers: { authorization } }, 401, 'unauthenticated');
    }
  });

  test('with an Idempotency-Key that is none', async () => {
    for (const key of ['', 'k'.repeat(256)]) await expectProblem({ ...reserve({ lines: [line] }), headers: { 'idempotency-key': key } }, 422, 'invalid-request');
  });

  test('by a method that is not taken', async () => {
    for (const method of ['DELETE', 'PUT', 'PATCH']) await expectProblem({ method, path: '/v1/reservations' }, 405, 'method-not-allowed');
    await expectProblem({ method: 'GET', path: '/v1/nowhere' }, 404, 'not-found');
  });
});

describe('what is hardly HTTP', () => {
  /** Writes bytes to a connection and gives what came back until it was closed. */
  function raw(bytes: string | Buffer, idle?: { every: number; send: string }): Promise<string> {
    const { hostname, port } = new URL(server.url);
    return new Promise((resolve) => {
      const socket = connect(Number(port), hostname);
      let answer = '';
      const dripping = idle && setInterval(() => socket.write(idle.send), idle.every);
      socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
      // Being cut off is an answer as well.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        clearInterval(dripping);
        resolve(answer);
      });
      socket.write(bytes);
    });
  }

  const authorization = (): string => `Authorization: Bearer ${server.key}`;

  test('is refused, and the connection closed', async () => {
    const garbage = ['GARBAGE\r\n\r\n', '\0\0\0\0\0\0\0\0\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'POST /v1/reservations HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n'];
    for (const bytes of garbage) expect(await raw(Buffer.from(bytes, 'latin1'))).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('cannot smuggle a second request', async () => {
    const hidden = 'POST /v1/reservations HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n';
    const answer = await raw(`POST /v1/reservations HTTP/1.1\r\nHost: a\r\n${authorization()}\r\nContent-Type: application/json\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });

  test('with 100 kB of headers is told so', async () => {
    expect(await raw(`GET /v1/items HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(100_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
  });

  test('that stops in the middle of a body holds nothing', async () => {
    const body = JSON.stringify({ lines: [line] });
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.write(`POST /v1/reservations HTTP/1.1\r\nHost: a\r\n${authorization()}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, -3)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
    socket.destroy();
    expect((await client.reservations.list()).items.map(({ id }) => id)).toEqual([reservationId]);
  });

  test('and drips its headers is cut off, while others are served', { timeout: 30_000 }, async () => {
    const slow = Array.from({ length: 20 }, () => raw('GET /v1/items HTTP/1.1\r\nHost: a\r\n', { every: 500, send: 'X-A: b\r\n' }));
    let over = false;
    const cutOff = Promise.all(slow).finally(() => (over = true));
    while (!over) {
      expect(await client.items.availability(SKU)).toMatchObject({ available: ON_HAND - 2 });
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    for (const answer of await cutOff) expect(answer).toMatch(/^(HTTP\/1\.1 408 |$)/);
  });
});

test('after all of it the server has failed at nothing', async () => {
  await client.operation.alive();
  expect(server.output).not.toMatch(/internal-error|unhandled|"level":50/i);
});
