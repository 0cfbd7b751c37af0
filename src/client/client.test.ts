import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HoldfastClient, HoldfastUnreachable, isProblem, type Delivered } from './client.ts';
import { messages } from './events.ts';
import { waitAfter } from './transport.ts';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

type Answer = (response: ServerResponse, request: Seen) => void;

/** A server that answers what the test wrote down, one request after another. */
let server: Server;
let script: Answer[];
let seen: Seen[];
let client: HoldfastClient;

beforeEach(async () => {
  script = [];
  seen = [];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() };
      seen.push(one);
      (script.shift() ?? json(500, { code: 'script-ended' }))(response, one);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = new HoldfastClient({ baseUrl: `${urlOf(server)}/`, key: 'secret' });
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const urlOf = (listening: Server): string => `http://127.0.0.1:${(listening.address() as AddressInfo).port}`; // it listens on TCP
const json = (status: number, body: unknown, headers: Record<string, string> = {}): Answer => (response) => {
  response.writeHead(status, { 'content-type': status < 400 ? 'application/json' : 'application/problem+json', ...headers }).end(JSON.stringify(body));
};
const hangUp: Answer = (response) => response.socket?.destroy();

describe('a call', () => {
  test('carries the key, JSON and encoded names', async () => {
    script.push(json(200, { sku: 'a/b ü' }), json(200, { items: [], missing: [] }));
    await client.items.put('a/b ü', { name: 'Ü' });
    await client.availability(['A&B', 'C'], { after: 'cursor-1' });
    expect([seen[0]?.method, seen[0]?.url, seen[0]?.body]).toEqual(['PUT', '/v1/items/a%2Fb%20%C3%BC', '{"name":"Ü"}']);
    expect(seen[0]?.headers).toMatchObject({ authorization: 'Bearer secret', 'content-type': 'application/json' });
    expect(seen[1]?.url).toBe('/v1/availability?sku=A%26B&sku=C');
    expect(seen[1]?.headers['holdfast-cursor']).toBe('cursor-1');
    expect(seen[1]?.headers['idempotency-key']).toBeUndefined();
  });

  test('tells what came besides the body', async () => {
    script.push(json(201, { id: 'res_1' }, { etag: '"7"', 'holdfast-cursor': 'c1', 'idempotent-replayed': 'true', location: '/v1/x' }));
    const heads: unknown[] = [];
    await client.reservations.create({ lines: [{ sku: 'A', quantity: 1 }] }, { onAnswer: (head) => heads.push(head) });
    expect(heads).toEqual([{ status: 201, etag: '"7"', cursor: 'c1', replayed: true, location: '/v1/x', attempts: 1 }]);
  });

  test('that the service refuses throws its problem with all members, once', async () => {
    const problem = { type: 'about:blank', title: 'Conflict', status: 409, detail: 'Not enough.', code: 'insufficient-stock', requestId: 'r1', lines: [{ sku: 'A', requested: 2, available: 1 }] };
    script.push(json(409, problem));
    const error = await client.reservations.create({ lines: [{ sku: 'A', quantity: 2 }] }).catch((thrown: unknown) => thrown);
    expect(isProblem(error, 'insufficient-stock') && error.document).toEqual(problem);
    expect(error).toMatchObject({ status: 409, requestId: 'r1', detail: 'Not enough.', errors: [] });
    expect(seen).toHaveLength(1);
  });

  test.each([400, 401, 404, 409, 412, 422, 500])('that is answered with %i is not made again', async (status) => {
    script.push(json(status, { code: 'x' }), json(200, {}));
    await expect(client.items.get('A')).rejects.toMatchObject({ status, code: 'x' });
    expect(seen).toHaveLength(1);
  });

  test('that something else on the way refuses is a problem too', async () => {
    script.push((response) => response.writeHead(418, { 'content-type': 'text/html' }).end('<p>teapot'));
    await expect(client.items.get('A')).rejects.toMatchObject({ code: 'http-418', detail: '<p>teapot' });
  });
});

describe('a call is made again', () => {
  test.each([429, 502, 503, 504])('after %i, under the same Idempotency-Key', async (status) => {
    script.push(json(status, { code: 'overloaded' }, { 'retry-after': '0' }), json(201, { id: 'res_1' }));
    expect(await client.reservations.create({ lines: [{ sku: 'A', quantity: 1 }] })).toEqual({ id: 'res_1' });
    const keys = seen.map(({ headers }) => headers['idempotency-key']);
    expect(keys).toEqual([expect.stringMatching(/^[0-9a-z]{28}$/), keys[0]]);
    expect(seen[1]?.body).toBe(seen[0]?.body);
  });

  test('after the connection broke before the answer, and in the middle of it', async () => {
    script.push(hangUp, (response) => {
      response.writeHead(201, { 'content-type': 'application/json', 'content-length': '500' }).write('{"id":');
      setImmediate(() => response.destroy());
    }, json(201, { id: 'res_1' }));
    expect(await client.reservations.create({ lines: [{ sku: 'A', quantity: 1 }] })).toEqual({ id: 'res_1' });
    expect(new Set(seen.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
    expect(seen).toHaveLength(3);
  });

  test('not more often than it may, and then says that nobody answered', async () => {
    const few = new HoldfastClient({ baseUrl: urlOf(server), attemptsMax: 2 });
    script.push(hangUp, hangUp, json(200, {}));
    await expect(few.items.get('A')).rejects.toThrow(HoldfastUnreachable);
    expect(seen).toHaveLength(2);
  });

  test('not at all where the service asks for more patience than is reasonable', async () => {
    script.push(json(503, { code: 'overloaded' }, { 'retry-after': '3600' }), json(200, {}));
    await expect(client.items.get('A')).rejects.toMatchObject({ code: 'overloaded' });
    expect(seen).toHaveLength(1);
  });

  test('not after the caller has given up', async () => {
    const stop = new AbortController();
    script.push((response) => {
      stop.abort(new Error('given up'));
      response.socket?.destroy();
    }, json(200, {}));
    await expect(client.items.get('A', { signal: stop.signal })).rejects.toThrow('given up');
    expect(seen).toHaveLength(1);
  });

  test('and a DELETE that then finds nothing has done its work', async () => {
    script.push(hangUp, json(404, { code: 'unknown-item' }), json(404, { code: 'unknown-item' }));
    await client.items.delete('A');
    await expect(client.items.delete('A')).rejects.toMatchObject({ code: 'unknown-item' });
  });

  test.each([
    { attempt: 1, retryAfter: null, chance: 0.5, waits: 50 },
    { attempt: 3, retryAfter: null, chance: 1, waits: 400 },
    { attempt: 20, retryAfter: null, chance: 1, waits: 5_000 },
    { attempt: 1, retryAfter: '2', chance: 0, waits: 2_000 },
    { attempt: 1, retryAfter: '30', chance: 0, waits: 30_000 },
    { attempt: 1, retryAfter: '31', chance: 0, waits: undefined },
    { attempt: 1, retryAfter: 'Thu, 01 Jan 1970 00:00:03 GMT', chance: 0, waits: 3_000 },
    { attempt: 1, retryAfter: 'soon', chance: 0, waits: 0 },
  ])('after a while: attempt $attempt, Retry-After $retryAfter, chance $chance', ({ attempt, retryAfter, chance, waits }) => {
    expect(waitAfter(attempt, retryAfter, 0, chance)).toBe(waits);
  });
});

const fact = (subject: string): string => JSON.stringify({ type: 'inventory.stock.adjusted', subject });
const stream = (...text: string[]): Answer => (response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'holdfast-cursor': 'begin' });
  // Even a stream without a message begins.
  response.write(`:\n\n${text.join('')}`, () => setImmediate(() => response.destroy()));
};

async function take(source: AsyncIterable<Delivered>, count: number): Promise<string[]> {
  const taken: string[] = [];
  for await (const { fact: one, cursor } of source) {
    taken.push(`${one.subject}@${cursor}`);
    if (taken.length === count) break;
  }
  return taken;
}

describe('facts', () => {
  test('go on after the last one when the stream breaks, or after its beginning where there was none', async () => {
    const first = stream(`id: c1\ndata: ${fact('A')}\n\n: heartbeat\n\n`);
    const rest = stream(`id: c2\ndata: ${fact('B')}\n\nid: c3\ndata: ${fact('C')}\n\n`);
    script.push(stream(), first, hangUp, json(503, {}), rest);
    expect(await take(client.events({ types: ['x', 'y'], key: 'K' }), 3)).toEqual(['A@c1', 'B@c2', 'C@c3']);
    expect(seen.map(({ url }) => new URL(url, 'http://x').searchParams.get('after'))).toEqual(['now', 'begin', 'c1', 'c1', 'c1']);
    expect(seen[0]?.url).toBe('/v1/events/stream?after=now&type=x&type=y&key=K');
    expect(seen[0]?.headers.authorization).toBe('Bearer secret');
  });

  test('that are no longer kept end the loop with history-lost', async () => {
    script.push(stream(`event: reset\ndata: {"earliest":"c9"}\n\n`));
    const error = await take(client.events({ after: 'c1' }), 1).catch((thrown: unknown) => thrown);
    expect(isProblem(error, 'history-lost') && error.document).toMatchObject({ status: 410, earliest: 'c9' });
  });

  test('that may not be read end the loop with the problem', async () => {
    script.push(json(403, { code: 'forbidden' }));
    await expect(take(client.events(), 1)).rejects.toMatchObject({ code: 'forbidden' });
    expect(seen).toHaveLength(1);
  });

  test('come by long poll too, and a page that was left in the middle is read again', async () => {
    script.push(json(200, { events: [], cursor: 'p1' }), json(200, { events: [JSON.parse(fact('A')), JSON.parse(fact('B'))], cursor: 'p2' }), json(200, { events: [JSON.parse(fact('C'))], cursor: 'p3' }));
    expect(await take(client.events({ via: 'poll', after: 'p0' }), 3)).toEqual(['A@p1', 'B@p2', 'C@p3']);
    expect(seen.map(({ url }) => url)).toEqual(['p0', 'p1', 'p2'].map((after) => `/v1/events?after=${after}&wait=25`));
  });

  test('stop when the signal says so', async () => {
    const stop = new AbortController();
    script.push((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(':\n\n');
      setImmediate(() => stop.abort());
    });
    expect(await take(client.events({ signal: stop.signal }), 1)).toEqual([]);
  });

  test('are found in the stream wherever it is cut, with any line ends', async () => {
    const text = 'id: 1\r\ndata: é\r\ndata: b\r\n\r\n: beat\n\nevent: reset\ndata:x\n\n';
    const bytes = new TextEncoder().encode(text);
    for (let size = 1; size <= bytes.length; size++) {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          for (let from = 0; from < bytes.length; from += size) controller.enqueue(bytes.slice(from, from + size));
          controller.close();
        },
      });
      const found: unknown[] = [];
      for await (const message of messages(body)) found.push(message);
      expect(found).toEqual([
        { event: 'message', id: '1', data: 'é\nb' },
        { event: 'message', id: '', data: '' },
        { event: 'reset', id: '', data: 'x' },
      ]);
    }
  });
});
