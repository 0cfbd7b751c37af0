/** A whole Holdfast in memory behind its HTTP floor, for tests that ask it like anybody else. */
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { must } from '../base/assert.ts';
import { handClock, type HandClock } from '../base/clock.ts';
import { ids as makeIds } from '../base/ids.ts';
import { seededRandom } from '../base/random.ts';
import { Feed } from '../distribution/feed/feed.ts';
import { openMemory, type HandleOptions, type MemoryStore } from '../engines/memory/memory.ts';
import { rooms, roomsWith, startConsumers, type Command } from '../processes/processes.ts';
import type { HoldCaps } from '../rooms/inventory/inventory.ts';
import { Engine, Lag, Projector, QueueWorker, Rebuild, Timers } from '../runtime/runtime.ts';
import { buildHttp, type HttpOptions } from './http.ts';
import type { Rebuilding, Services, Views } from './services.ts';

export const ADMIN = 'admin-key-of-the-tests';

export interface TestAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
  /** The JSON of the answer, to be looked at freely. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests say what they expect of it
  readonly body: any;
}

export interface Asking {
  readonly body?: unknown;
  readonly raw?: { readonly type?: string; readonly content: string | Buffer };
  readonly headers?: Readonly<Record<string, string>>;
  /** Somebody else's key, or nobody's. */
  readonly key?: string | null;
}

export interface TestHoldfast extends AsyncDisposable {
  readonly server: FastifyInstance;
  readonly services: Services;
  readonly store: MemoryStore;
  readonly clock: HandClock;
  /** Lines that were logged. */
  readonly logs: readonly string[];
  ask(method: string, url: string, asking?: Asking): Promise<TestAnswer>;
  get(url: string, asking?: Asking): Promise<TestAnswer>;
  post(url: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<TestAnswer>;
  put(url: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<TestAnswer>;
  /** An item with some units of it at `main`. */
  stock(sku: string, onHand: number, definition?: object): Promise<void>;
  /** Until the views have folded everything. */
  settled(): Promise<void>;
}

export interface TestOptions extends Partial<Omit<HttpOptions, 'logger'>> {
  readonly clock?: HandClock;
  readonly store?: MemoryStore;
  readonly faults?: HandleOptions['faults'];
  readonly seed?: number;
  readonly partitions?: number;
  readonly holdCaps?: HoldCaps;
  readonly waitingMax?: number;
}

export async function openHoldfast(options: TestOptions = {}): Promise<TestHoldfast> {
  const clock = options.clock ?? handClock();
  const store = options.store ?? openMemory({ partitions: options.partitions ?? 4, ...(options.faults === undefined ? undefined : { faults: options.faults }) });
  const random = seededRandom(options.seed ?? 1);
  const ids = makeIds(random);
  const engine = new Engine({ store, room: options.holdCaps === undefined ? rooms : roomsWith(options.holdCaps), clock, random, ids, waitingMax: options.waitingMax });
  const { views, stop } = await projectInline(store, engine);
  const timers = new Timers({ engine, store, room: rooms, clock });
  await engine.start();
  await timers.start();
  const commands = new QueueWorker<Command>({ engine, store, clock, random, queue: 'commands', toCommand: (body) => body as unknown as Command });
  commands.start();
  const feed = new Feed({ store, engine, clock });
  const lag = new Lag(engine, clock);
  const consumers = startConsumers({ store, engine, views, clock, node: 'node_test' });
  const services: Services = { version: 'test', node: 'node_test', store, engine, commands, views, feed, timers, lag, consumers, clock, random, ids };
  const logs: string[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => void logs.push(line) });
  const requestLog = { write: (lines: string) => void logs.push(...lines.split('\n').filter((line) => line !== '')) };
  const server = await buildHttp(services, { adminKey: ADMIN, publicReads: true, rateLimit: 'off', corsOrigins: [], ...options, logger, requestLog });
  await server.ready();
  const settled = async (): Promise<void> => {
    while (!(await views.covers(engine.heads, 0))) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    ...asker(server),
    server,
    services,
    store,
    clock,
    logs,
    settled,
    async [Symbol.asyncDispose]() {
      await server.close();
      await consumers[Symbol.asyncDispose]();
      feed.close();
      lag.close();
      timers.close();
      await commands.close();
      await stop();
      await engine.close();
      if (options.store === undefined) await store[Symbol.asyncDispose]();
    },
  };
}

type Asker = Pick<TestHoldfast, 'ask' | 'get' | 'post' | 'put' | 'stock'>;

function asker(server: FastifyInstance): Asker {
  const described = describedBy(server);
  const ask: Asker['ask'] = async (method, url, { body, raw, headers, key = ADMIN } = {}) => {
    const payload = raw?.content ?? (body === undefined ? undefined : JSON.stringify(body));
    const type = raw ? raw.type : body === undefined ? undefined : 'application/json';
    const answer = await server.inject({
      method: method as never, // also what is no method: that is what some tests are about
      url,
      ...(payload === undefined ? undefined : { payload }),
      headers: { ...(type === undefined ? undefined : { 'content-type': type }), ...(key === null ? undefined : { authorization: `Bearer ${key}` }), ...headers },
    });
    const isJson = String(answer.headers['content-type']).includes('json');
    await described(method, url, answer);
    return { status: answer.statusCode, headers: answer.headers as TestAnswer['headers'], text: answer.body, body: isJson && answer.body !== '' ? JSON.parse(answer.body) : undefined }; // values of headers are text but for set-cookie
  };
  const post: Asker['post'] = (url, body, headers = {}) => ask('POST', url, { body, headers });
  return {
    ask,
    get: (url, asking) => ask('GET', url, asking),
    post,
    put: (url, body, headers = {}) => ask('PUT', url, { body, headers }),
    async stock(sku, onHand, definition = {}) {
      const path = `/v1/items/${encodeURIComponent(sku)}`;
      const made = await ask('PUT', path, { body: definition });
      if (made.status >= 300) throw new Error(made.text);
      if (onHand === 0) return;
      const counted = await post(`${path}/adjustments`, { count: onHand, reason: 'counted' }, { prefer: 'wait=10' });
      if (counted.status !== 200) throw new Error(counted.text);
    },
  };
}

type Schema = { readonly [member: string]: unknown };
interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>> }>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** Holds every answer against the OpenAPI document of the same server: status, content type and shape. */
function describedBy(server: FastifyInstance): (method: string, url: string, answer: { statusCode: number; headers: object; body: string }) => Promise<void> {
  let api: Described | undefined;
  const compiled = new Map<object, ReturnType<typeof Compile>>();
  return async (method, url, answer) => {
    api ??= JSON.parse((await server.inject('/openapi.json')).body) as Described; // made by this very floor
    const { paths, components } = api;
    const [path = ''] = url.split('?', 1);
    const exact = Object.keys(paths).find((template) => template === path);
    const template = exact ?? Object.keys(paths).find((one) => new RegExp(`^${one.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path));
    const operation = template === undefined ? undefined : paths[template]?.[method.toLowerCase()];
    if (!operation) return;
    const response = operation.responses[String(answer.statusCode)];
    if (!response) throw new Error(`${method} ${url} answered ${answer.statusCode}, which is not described: ${answer.body.slice(0, 300)}`);
    const type = String((answer.headers as { 'content-type'?: string })['content-type']).split(';', 1)[0] ?? '';
    const schema = response.content?.[type]?.schema;
    if (answer.body === '' || !type.includes('json')) return;
    if (!schema) throw new Error(`${method} ${url} answered ${answer.statusCode} as ${type}, which is not described`);
    let check = compiled.get(schema);
    if (!check) compiled.set(schema, (check = Compile(Type.Unsafe(resolved(schema, components.schemas) as object))));
    const value: unknown = JSON.parse(answer.body);
    if (!check.Check(value)) throw new Error(`${method} ${url} answered ${answer.statusCode} otherwise than described: ${JSON.stringify(check.Errors(value)).slice(0, 1_000)} in ${answer.body.slice(0, 500)}`);
  };
}

/** The schema with its references written out. */
function resolved(schema: unknown, components: Readonly<Record<string, Schema>>): unknown {
  if (Array.isArray(schema)) return schema.map((part) => resolved(part, components));
  if (typeof schema !== 'object' || schema === null) return schema;
  const { $ref } = schema as { $ref?: string }; // JSON Schema's member
  if ($ref !== undefined) return resolved(components[$ref.slice('#/components/schemas/'.length)], components);
  return Object.fromEntries(Object.entries(schema).map(([name, part]) => [name, name === 'format' ? 'none' : resolved(part, components)]));
}

/** Folds the views right after each commit, on the same thread. */
async function projectInline(store: MemoryStore, engine: Engine<Command>): Promise<{ views: Views; stop: () => Promise<void> }> {
  const room = rooms as never; // it folds and never decides
  let projector = new Projector({ store, room });
  await projector.start();
  const waiting = new Set<() => void>();
  let folding: Promise<void> = Promise.resolve();
  const advance = (): void => {
    folding = folding.then(async () => {
      await projector.catchUp();
      engine.saved(projector.checkpoints);
      for (const look of waiting) look();
    });
  };
  const forget = engine.onCommitted(advance);
  const covered = (positions: readonly number[]): boolean => positions.every((position, log) => (projector.checkpoints[log] ?? 0) >= position);
  const idle: Rebuilding = { state: 'idle', done: 0, total: 0 };
  let rebuilding = idle;
  const makeAgain = async (): Promise<void> => {
    await using rebuild = await Rebuild.begin({ store, room, nowMs: 0 });
    while (await rebuild.step()) rebuilding = { state: 'running', ...rebuild.progress };
    await rebuild.adopt();
    projector = new Projector({ store, room });
    await projector.start();
    rebuilding = idle;
  };
  const views: Views = {
    get rebuilding() {
      return rebuilding;
    },
    rebuild() {
      if (rebuilding.state === 'running') return;
      rebuilding = { ...idle, state: 'running' };
      folding = folding.then(makeAgain);
    },
    get checkpoints() {
      return projector.checkpoints;
    },
    failure: undefined,
    async covers(positions, waitMs) {
      if (covered(positions)) return true;
      if (waitMs === 0) return false;
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const look = (): void => {
        if (covered(positions)) resolve(true);
      };
      waiting.add(look);
      // Real time: a hand-wound clock may stand still while the test waits.
      const timer = setTimeout(() => resolve(false), waitMs);
      const answer = await promise;
      clearTimeout(timer);
      waiting.delete(look);
      return answer;
    },
  };
  return {
    views,
    stop: async () => {
      forget();
      await folding;
    },
  };
}

/** The first line of a list that must have one. */
export function only<T>(items: readonly T[]): T {
  if (items.length !== 1) throw new Error(`${items.length} where one was expected`);
  return must(items[0], 'there is none');
}
