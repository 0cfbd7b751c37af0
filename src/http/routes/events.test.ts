import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { InventoryCommand } from '../../rooms/inventory/inventory.ts';
import { STREAMS_PER_KEY_MAX } from '../limits.ts';
import { ADMIN, openHoldfast, type TestHoldfast, type TestOptions } from '../testing.ts';

let holdfast: TestHoldfast;
let base: string;
const open: (() => void)[] = [];

async function start(options: TestOptions = {}): Promise<void> {
  holdfast = await openHoldfast(options);
  await holdfast.server.listen({ port: 0, host: '127.0.0.1' });
  base = `http://127.0.0.1:${(holdfast.server.server.address() as AddressInfo).port}`; // it listens on TCP
}

beforeEach(() => start());
afterEach(async () => {
  for (const close of open.splice(0)) close();
  await holdfast[Symbol.asyncDispose]();
});

async function execute(command: InventoryCommand): Promise<void> {
  const settled = await holdfast.services.engine.execute(command);
  if (!settled.ok) throw new Error(settled.refusal.detail);
}

/** Makes an item and receives one unit after another. */
async function receive(sku: string, times: number, note?: string): Promise<void> {
  await execute({ type: 'DefineItem', sku, mode: 'replace', definition: {} });
  for (let i = 0; i < times; i++) await execute({ type: 'AdjustStock', sku, location: 'main', bucket: 'sellable', change: 1, reason: 'received', ...(note === undefined ? {} : { note }) });
}

interface Message {
  id?: string;
  event?: string;
  data?: string;
  comment?: string;
}

/** A reader of an event stream that takes one block at a time. */
class Reader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  readonly response: Response;
  #rest = '';

  constructor(response: Response, stop: AbortController) {
    this.response = response;
    if (!response.body) throw new Error('an answer without a body');
    this.#reader = response.body.getReader();
    open.push(() => stop.abort());
  }

  /** The next block, or undefined where the stream has ended. */
  async next(): Promise<Message | undefined> {
    for (let end = this.#rest.indexOf('\n\n'); ; end = this.#rest.indexOf('\n\n')) {
      if (end >= 0) {
        const block = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 2);
        return messageOf(block);
      }
      const { value, done } = await this.#reader.read();
      if (done) return undefined;
      this.#rest += this.#decoder.decode(value, { stream: true });
    }
  }

  /** The next block that is about a fact: its cursor, and how many units there are. */
  async fact(): Promise<{ id: string; subject: string; onHand: number }> {
    for (let message = await this.next(); message; message = await this.next()) {
      if (message.data === undefined) continue;
      const { subject, data } = JSON.parse(message.data) as { subject: string; data: { onHand: number } }; // what the service wrote
      expect(message.event).toBeUndefined();
      return { id: message.id ?? '', subject, onHand: data.onHand };
    }
    throw new Error('the stream ended');
  }

  async untilEnd(): Promise<Message[]> {
    const messages: Message[] = [];
    for (let message = await this.next(); message; message = await this.next()) messages.push(message);
    return messages;
  }
}

function messageOf(block: string): Message {
  const message: Record<string, string> = {};
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    message[colon === 0 ? 'comment' : line.slice(0, colon)] = line.slice(colon + 1).replace(/^ /, '');
  }
  return message;
}

async function listen(query = '', headers: Record<string, string> = { authorization: `Bearer ${ADMIN}` }): Promise<Reader> {
  const stop = new AbortController();
  const response = await fetch(`${base}/v1/events/stream${query}`, { headers, signal: stop.signal });
  return new Reader(response, stop);
}

async function tokenOf(key: string): Promise<string> {
  const made = await holdfast.ask('POST', '/v1/tokens', { key });
  return (made.body as { token: string }).token; // what the contract says
}

async function newKey(name: string): Promise<{ id: string; key: string }> {
  return (await holdfast.post('/v1/keys', { name, scopes: ['read'] })).body as { id: string; key: string }; // what the contract says
}

/** Lets everything that is under way in this process and on its sockets happen. */
async function until(condition: () => boolean): Promise<void> {
  // Where it never comes true the test ends by its own bound.
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe('GET /v1/events', () => {
  test('gives the oldest kept facts as CloudEvents, and the rest after the cursor', async () => {
    await receive('A', 3);
    const first = await holdfast.get('/v1/events?limit=2');
    expect(first.status).toBe(200);
    expect(first.headers['cache-control']).toBe('no-store');
    expect(first.body.events).toHaveLength(2);
    expect(first.body.events[0]).toMatchObject({ specversion: '1.0', source: '/inventory', type: 'inventory.stock.adjusted', subject: 'A', partitionkey: 'A', data: { change: 1, onHand: 1 } });
    const second = await holdfast.get(`/v1/events?after=${first.body.cursor}`);
    expect(second.body.events.map(({ data }: { data: { onHand: number } }) => data.onHand)).toEqual([3]);
    expect((await holdfast.get(`/v1/events?after=${second.body.cursor}`)).body.events).toEqual([]);
  });

  test('begins with `now` where nothing has happened yet, at once', async () => {
    await receive('A', 1);
    const { body } = await holdfast.get('/v1/events?after=now');
    expect(body.events).toEqual([]);
    await receive('A', 1);
    expect((await holdfast.get(`/v1/events?after=${body.cursor}`)).body.events).toHaveLength(1);
  });

  test('filters by subject and by types', async () => {
    await receive('A', 1);
    await receive('B', 1);
    await execute({ type: 'ReserveStock', lines: [{ sku: 'A', quantity: 1 }] });
    const typesOf = async (query: string): Promise<string[]> => (await holdfast.get(`/v1/events?${query}`)).body.events.map(({ subject, type }: { subject: string; type: string }) => `${subject} ${type}`);
    expect(await typesOf('key=B')).toEqual(['B inventory.stock.adjusted']);
    expect(await typesOf('key=A&type=inventory.reservation.held')).toEqual(['A inventory.reservation.held']);
    expect((await typesOf('type=inventory.reservation.held&type=inventory.stock.adjusted')).toSorted()).toEqual(['A inventory.reservation.held', 'A inventory.stock.adjusted', 'B inventory.stock.adjusted']);
    expect(await typesOf('type=inventory.reservation')).toEqual([]);
  });

  test('waits for what is not there yet, and says what came', async () => {
    const asked = holdfast.get('/v1/events?after=now&wait=25');
    await until(() => holdfast.services.feed.listeners === 1);
    await receive('A', 1);
    expect((await asked).body.events).toHaveLength(1);
    expect(holdfast.services.feed.listeners).toBe(0);
  });

  test('gives an empty page when nothing came in time', async () => {
    const asked = holdfast.get('/v1/events?after=now&wait=25');
    await until(() => holdfast.services.feed.listeners === 1);
    holdfast.clock.advance(25_000);
    expect((await asked).body.events).toEqual([]);
  });

  test('stops waiting for somebody who has gone', async () => {
    const stop = new AbortController();
    const asked = fetch(`${base}/v1/events?after=now&wait=25`, { headers: { authorization: `Bearer ${ADMIN}` }, signal: stop.signal });
    await until(() => holdfast.services.feed.listeners === 1);
    stop.abort();
    await expect(asked).rejects.toThrow();
    await until(() => holdfast.services.feed.listeners === 0);
  });

  test.each([
    ['after=garbage', '/after', 'invalid-cursor'],
    ['after=c1-0.zz', '/after', 'invalid-cursor'],
    ['after=c1-9.1', '/after', 'invalid-cursor'],
    ['after=', '/after', 'invalid-request'],
    ['limit=0', '/limit', 'invalid-request'],
    ['limit=501', '/limit', 'invalid-request'],
    ['wait=31', '/wait', 'invalid-request'],
    ['wait=-1', '/wait', 'invalid-request'],
    ['wait=1.5', '/wait', 'invalid-request'],
    ['key=a%2Fb', '/key', 'invalid-request'],
    ['colour=red', '/colour', 'invalid-request'],
    ['access_token=x', '/access_token', 'invalid-request'],
  ])('refuses %s, pointing at %s', async (query, pointer, code) => {
    const { status, body } = await holdfast.get(`/v1/events?${query}`);
    expect([status, body.code, body.errors[0].pointer]).toEqual([422, code, pointer]);
  });

  test('says where the oldest is when what follows the cursor was trimmed', async () => {
    await receive('A', 5);
    const { engine, store } = holdfast.services;
    const log = engine.heads.findIndex((head) => head > 0);
    await store.log.trim(log, 3);
    const lost = await holdfast.get('/v1/events?after=c1');
    expect([lost.status, lost.body.code]).toEqual([410, 'history-lost']);
    expect((await holdfast.get(`/v1/events?after=${lost.body.earliest}`)).body).toEqual((await holdfast.get('/v1/events?after=earliest')).body);
  });

  test('is not for those without a key, nor for a token in the address', async () => {
    expect((await holdfast.get('/v1/events', { key: null })).status).toBe(401);
    expect((await holdfast.get(`/v1/events?access_token=${await tokenOf(ADMIN)}`, { key: null })).status).toBe(401);
  });
});

describe('GET /v1/events/stream', () => {
  test('begins at the present and gives each fact with the cursor after it', async () => {
    await receive('A', 1);
    const reader = await listen();
    expect(reader.response.status).toBe(200);
    expect(reader.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(reader.response.headers.get('holdfast-cursor')).toBe(holdfast.services.engine.cursor);
    await receive('A', 2);
    const facts = [await reader.fact(), await reader.fact()];
    expect(facts.map(({ onHand }) => onHand)).toEqual([2, 3]);
    const page = await holdfast.get(`/v1/events?after=${facts[0]?.id}`);
    expect(page.body.events.map(({ data }: { data: { onHand: number } }) => data.onHand)).toEqual([3]);
    expect(page.body.cursor).toBe(facts[1]?.id);
  });

  test('resumes after Last-Event-ID, which goes before the address', async () => {
    await receive('A', 4);
    const all = await listen('?after=earliest');
    const second = [await all.fact(), await all.fact()][1]?.id ?? '';
    const rest = await listen('?after=now', { authorization: `Bearer ${ADMIN}`, 'last-event-id': second });
    expect([(await rest.fact()).onHand, (await rest.fact()).onHand]).toEqual([3, 4]);
    const fromAddress = await listen(`?after=${second}`, { authorization: `Bearer ${ADMIN}`, 'last-event-id': '' });
    expect((await fromAddress.fact()).onHand).toBe(3);
  });

  test('gives every fact once over many disconnects while facts are written', async () => {
    await execute({ type: 'DefineItem', sku: 'A', mode: 'replace', definition: {} });
    const writing = receive('A', 200);
    const seen: number[] = [];
    for (let last = ''; seen.length < 200; ) {
      const stop = new AbortController();
      const headers = { authorization: `Bearer ${ADMIN}`, ...(last === '' ? undefined : { 'last-event-id': last }) };
      const reader = new Reader(await fetch(`${base}/v1/events/stream?after=earliest`, { headers, signal: stop.signal }), stop);
      for (let i = 0; i < 1 + (seen.length % 17) && seen.length < 200; i++) {
        const fact = await reader.fact();
        seen.push(fact.onHand);
        last = fact.id;
      }
      stop.abort();
    }
    await writing;
    expect(seen).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
  });

  test('filters by subject and type', async () => {
    const reader = await listen('?key=B&type=inventory.stock.adjusted&type=inventory.reservation.held');
    await receive('A', 1);
    await receive('B', 1);
    expect((await reader.fact()).subject).toBe('B');
  });

  test('says on a quiet line that it is there, and how far it has come', async () => {
    const reader = await listen('?key=B');
    expect(await reader.next()).toEqual({ retry: '1000' });
    holdfast.clock.advance(10_000);
    expect(await reader.next()).toEqual({ comment: '' });
    const page = holdfast.get('/v1/events?after=now&wait=25');
    await until(() => holdfast.services.feed.listeners === 2);
    await receive('A', 1); // of no interest to this listener
    await page; // by now the feed has handed it out
    holdfast.clock.advance(10_000);
    const message = await reader.next();
    expect(message).toEqual({ comment: '', id: holdfast.services.engine.cursor });
    expect((await holdfast.get(`/v1/events?after=${message?.id}`)).body.events).toEqual([]);
  });

  test('says that history was lost, and from where a browser that comes back goes on', async () => {
    await receive('A', 5);
    const log = holdfast.services.engine.heads.findIndex((head) => head > 0);
    await holdfast.services.store.log.trim(log, 3);
    const messages = await (await listen('?after=c1')).untilEnd();
    const reset = messages.find(({ event }) => event === 'reset');
    const earliest = await holdfast.services.feed.earliest();
    expect(reset?.id).toBe(earliest);
    expect(JSON.parse(reset?.data ?? '')).toMatchObject({ code: 'history-lost', earliest });
    expect((await (await listen(`?after=${reset?.id}`)).fact()).onHand).toBeGreaterThan(1);
  });

  test.each([
    ['?after=garbage', {}, '/after'],
    ['?after=c1-0.zz', {}, '/after'],
    ['', { 'last-event-id': 'garbage' }, '/last-event-id'],
  ])('refuses %s %o before it begins', async (query, headers, pointer) => {
    const { status, body } = await holdfast.get(`/v1/events/stream${query}`, { headers });
    expect([status, body.code, body.errors[0].pointer]).toEqual([422, 'invalid-cursor', pointer]);
    expect(holdfast.services.feed.listeners).toBe(0);
  });

  test('takes a read token in the address, and ends within 5 s of the end of the token', async () => {
    const { key } = await newKey('page');
    const reader = await listen(`?access_token=${await tokenOf(key)}`, {});
    expect(reader.response.status).toBe(200);
    await receive('A', 1);
    expect((await reader.fact()).onHand).toBe(1);
    holdfast.clock.advance(899_000);
    await receive('A', 1);
    expect((await reader.fact()).onHand).toBe(2);
    holdfast.clock.advance(5_000);
    await reader.untilEnd();
    expect(holdfast.services.feed.listeners).toBe(0);
  });

  test('takes no token that was made with a token: it would never end', async () => {
    expect((await holdfast.ask('POST', '/v1/tokens', { key: await tokenOf(ADMIN) })).status).toBe(403);
  });

  test('ends with a token that came in a header too', async () => {
    const { key } = await newKey('program');
    const reader = await listen('', { authorization: `Bearer ${await tokenOf(key)}` });
    holdfast.clock.advance(905_000);
    await reader.untilEnd();
    expect(holdfast.services.feed.listeners).toBe(0);
  });

  test('takes no key in the address, no token that is not one, and asks for one', async () => {
    for (const token of [ADMIN, 'hft_zzzzzz_admin.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', '']) {
      expect((await holdfast.get(`/v1/events/stream?access_token=${token}`, { key: null })).status).toBe(401);
    }
    expect((await holdfast.get('/v1/events/stream', { key: null })).status).toBe(401);
  });

  test('ends at once when its key is revoked, and others go on', async () => {
    const { id, key } = await newKey('page');
    const reader = await listen('', { authorization: `Bearer ${key}` });
    const byToken = await listen(`?access_token=${await tokenOf(key)}`, {});
    const other = await listen();
    await holdfast.ask('DELETE', `/v1/keys/${id}`);
    await Promise.all([reader.untilEnd(), byToken.untilEnd()]);
    await receive('A', 1);
    expect((await other.fact()).onHand).toBe(1);
    expect((await holdfast.get('/v1/events/stream', { key })).status).toBe(401);
  });

  test('ends within 5 s when its key is revoked on another node', async () => {
    const { id, key } = await newKey('page');
    const reader = await listen('', { authorization: `Bearer ${key}` });
    const { settings } = holdfast.store;
    const [stored] = await settings.list('http/key/');
    await settings.swap(`http/key/${id}`, stored?.value, { ...(stored?.value as object), revoked: true });
    holdfast.clock.advance(5_000);
    await reader.untilEnd();
    expect(holdfast.services.feed.listeners).toBe(0);
  });

  test('is bounded in number per key, and a place is free again when somebody leaves', async () => {
    const { key } = await newKey('many');
    const stops = Array.from({ length: STREAMS_PER_KEY_MAX }, () => new AbortController());
    open.push(() => stops.forEach((stop) => stop.abort()));
    const ask = (signal?: AbortSignal): Promise<Response> => fetch(`${base}/v1/events/stream`, { headers: { authorization: `Bearer ${key}` }, ...(signal === undefined ? undefined : { signal }) });
    await Promise.all(stops.map(({ signal }) => ask(signal)));
    const refused = await ask();
    expect([refused.status, refused.headers.get('retry-after') !== null]).toEqual([429, true]);
    expect((await holdfast.get('/v1/events?after=now&wait=5', { key })).status).toBe(429);
    expect((await listen()).response.status).toBe(200);
    stops[0]?.abort();
    await until(() => holdfast.services.feed.listeners === STREAMS_PER_KEY_MAX);
    expect((await listen('', { authorization: `Bearer ${key}` })).response.status).toBe(200);
  });

  test('cuts off a reader who takes nothing, without a loss to others', async () => {
    const other = await listen();
    const { socket, closed } = await deafListener();
    const note = 'x'.repeat(8_500); // few and large, so that the reader's connection is not taken for dead meanwhile
    const count = 2_000; // 18 MB: more than the buffers of two sockets and one stream
    const writing = receive('A', count, note);
    let last = 0;
    for (let i = 1; i <= count; i++) last = (await other.fact()).onHand;
    await writing;
    expect(last).toBe(count);
    expect(holdfast.services.feed.listeners).toBe(2);
    holdfast.clock.advance(16_000);
    await until(() => holdfast.services.feed.listeners === 1);
    socket.resume();
    await closed;
    expect((await holdfast.get('/healthz')).status).toBe(200);
  });

  test('ends in order when the service stops, and so does a page that waits', async () => {
    const reader = await listen();
    const page = fetch(`${base}/v1/events?after=now&wait=25`, { headers: { authorization: `Bearer ${ADMIN}` } });
    await until(() => holdfast.services.feed.listeners === 2);
    const closing = holdfast.server.close();
    expect((await reader.untilEnd()).map(({ event }) => event)).toEqual([undefined]);
    expect(await (await page).json()).toMatchObject({ events: [] });
    await closing;
  });
});

/** Asks for a stream and reads nothing of it. */
async function deafListener(): Promise<{ socket: Socket; closed: Promise<unknown> }> {
  const socket = connect((holdfast.server.server.address() as AddressInfo).port, '127.0.0.1'); // it listens on TCP
  open.push(() => socket.destroy());
  socket.pause();
  socket.on('error', () => undefined); // the server may end the connection as it likes
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  const before = holdfast.services.feed.listeners;
  socket.write(`GET /v1/events/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ADMIN}\r\n\r\n`);
  await until(() => holdfast.services.feed.listeners === before + 1);
  return { socket, closed };
}
