import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROBLEM_HELP } from './problem-help.ts';
import { openHoldfast, type TestHoldfast } from './testing.ts';

let shop: TestHoldfast;
let api: Api;
beforeAll(async () => {
  shop = await openHoldfast();
  api = (await shop.get('/openapi.json', { key: null })).body as Api;
});
afterAll(() => shop[Symbol.asyncDispose]());

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required?: boolean; readonly schema: object }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Readonly<Record<string, unknown>> }>>;
}
interface Api {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>>; readonly securitySchemes: object };
}

const operations = (): { path: string; method: string; operation: Operation }[] =>
  Object.entries(api.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, operation })));

/** Every value of a member of this name, however deep. */
function* membersOf(value: unknown, name: string): Generator {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, part] of Object.entries(value)) {
    if (key === name) yield part;
    yield* membersOf(part, name);
  }
}

describe('the OpenAPI document', () => {
  test('is of version 3.1 and whole: every reference leads somewhere, every component is used', () => {
    expect(api.openapi).toBe('3.1.0');
    const references = [...membersOf(api, '$ref')] as string[];
    expect(references.length).toBeGreaterThan(50);
    const names = new Set(references.map((reference) => /^#\/components\/schemas\/([A-Za-z]+)$/.exec(reference)?.[1]));
    expect([...names].map(String).sort()).toEqual(Object.keys(api.components.schemas).sort());
  });

  test('names every operation once, declares each part of its path, and describes every answer', () => {
    const ids = operations().map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { path, operation } of operations()) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(operation.parameters.filter((one) => one.in === 'path').map(({ name, required }) => [name, required])).toEqual(inPath.map((name) => [name, true]));
      expect(api.tags.map(({ name }) => name)).toContain(operation.tags[0]);
      expect(Object.keys(operation.responses).some((status) => status.startsWith('2'))).toBe(true);
      for (const [status, { description }] of Object.entries(operation.responses)) expect([status, description]).toEqual([expect.stringMatching(/^[2-5]\d\d$/), expect.stringMatching(/./)]);
      const unique = operation.parameters.map((one) => `${one.in} ${one.name}`);
      expect(new Set(unique).size).toBe(unique.length);
    }
  });

  test('has every path of the server, and the server every path of it', async () => {
    const printed = shop.server.printRoutes({ commonPrefix: false, includeHooks: false });
    expect(printed).toContain('v1');
    for (const { path, method } of operations()) expect([path, shop.server.hasRoute({ method: method.toUpperCase() as 'GET', url: path.replaceAll(/\{(\w+)\}/g, ':$1') })]).toEqual([path, true]);
    const described = new Set(Object.keys(api.paths));
    const page = ['/', '/assets/', '/demo/session'];
    for (const url of routedPaths(printed)) if (!page.some((one) => url === one || (one.endsWith('/') && one !== '/' && url.startsWith(one)))) expect(described).toContain(url);
  });

  test('serves what the contract lists', () => {
    for (const line of ['PUT /v1/locations/{id}', 'PUT /v1/items/{sku}', 'PATCH /v1/items/{sku}', 'POST /v1/items/{sku}/adjustments', 'POST /v1/adjustments', 'GET /v1/batches/{id}', 'GET /v1/commands/{id}', 'GET /v1/items/{sku}/availability', 'GET /v1/availability', 'POST /v1/reservations', 'POST /v1/reservations/batch', 'PUT /v1/carts/{cartId}/reservation', 'POST /v1/allocations/{orderId}/unfulfil', 'POST /v1/transfers', 'POST /v1/transfers/{id}/receive', 'PATCH /v1/reservations/{id}', 'POST /v1/reservations/{id}/move', 'GET /v1/items/{sku}/history', 'GET /v1/items/{sku}/check', 'GET /v1/events', 'GET /v1/events/stream', 'GET /v1/queues', 'GET /healthz', 'GET /readyz', 'GET /metrics', 'GET /v1/system']) {
      const [method = '', path = ''] = line.split(' ');
      expect([line, api.paths[path]?.[method.toLowerCase()] !== undefined]).toEqual([line, true]);
    }
  });

  test('uses only formats and words that readers of JSON Schema know', () => {
    expect([...new Set(membersOf(api.components, 'format'))].filter((format) => typeof format === 'string').sort()).toEqual(['date-time', 'id', 'text']);
    expect(JSON.stringify(api)).not.toContain('"~');
  });
});

/** The paths in the tree that the framework prints of its routes. */
function routedPaths(printed: string): string[] {
  const stack: string[] = [];
  const paths: string[] = [];
  for (const line of printed.split('\n')) {
    const [, indent = '', name = '', methods = ''] = /^([│ ├└─]*)(\S.*?)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? [];
    if (name === '') continue;
    stack.length = Math.max(0, indent.length / 4 - 1);
    stack.push(name);
    if (/GET|POST|PUT|PATCH|DELETE/.test(methods)) paths.push(stack.join('').replaceAll(/:(\w+)/g, '{$1}'));
  }
  return paths;
}

describe('the page of the interface', () => {
  test('shows every operation, links only to what is there, and needs no script', async () => {
    const { text, headers } = await shop.get('/docs', { key: null });
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['content-security-policy']).not.toContain('script');
    expect(text).not.toMatch(/<script|<style|style=|onclick/);
    const anchors = new Set([...text.matchAll(/ id="([^"]+)"/g)].map(([, name]) => name));
    for (const { operation } of operations()) expect(anchors).toContain(operation.operationId);
    for (const [, name] of text.matchAll(/href="#([^"]+)"/g)) expect(anchors).toContain(name);
    expect((await shop.get('/docs/style.css', { key: null })).headers['content-type']).toBe('text/css; charset=utf-8');
    expect((await shop.get('/docs', { key: null, headers: { 'if-none-match': String(headers['etag']) } })).status).toBe(304);
  });

  test('explains every code that the service answers with', () => {
    const source = ['problem.ts', 'routes/items.ts', 'routes/reservations.ts', 'routes/allocations.ts', 'routes/adjustments.ts', 'routes/carts.ts'].map((file) => readFileSync(join(import.meta.dirname, file), 'utf8')).join('');
    const listed = JSON.stringify(Object.values(api.paths)).matchAll(/`([a-z]+(?:-[a-z]+)+|unauthenticated|forbidden|overloaded|unavailable)`/g);
    expect(source).toContain('insufficient-on-hand');
    for (const [, code] of listed) if (!['respond-async'].includes(String(code))) expect(Object.keys(PROBLEM_HELP)).toContain(code);
  });
});

describe('the figures', () => {
  test('are text that Prometheus reads, with holds, routes by status, and the engine', async () => {
    await shop.stock('tea', 1);
    await shop.post('/v1/reservations', { lines: [{ sku: 'tea', quantity: 1 }] });
    await shop.post('/v1/reservations', { lines: [{ sku: 'tea', quantity: 1 }] });
    const { text, headers } = await shop.get('/metrics', { key: null });
    expect(headers['content-type']).toMatch(/^text\/plain/);
    for (const line of text.split('\n')) expect(line).toMatch(/^$|^# (HELP|TYPE) \w+ .+|^[a-zA-Z_:][\w:]*(\{.*\})? [-+\d.eInfNa]+$/);
    expect(text).toContain('holdfast_holds_granted_total 1');
    expect(text).toContain('holdfast_holds_refused_total 1');
    expect(text).toMatch(/holdfast_http_request_duration_seconds_bucket\{method="POST",route="\/v1\/reservations",status="4xx",le="\+Inf"\} 1/);
    expect(text).toMatch(/holdfast_engine_commits_total \d+/);
    expect(text).toMatch(/holdfast_queue_messages\{queue="commands",state="ready"\} 0/);
    expect(text).toMatch(/process_cpu_seconds_total/);
  });

  test('of the system say what runs and how far it is', async () => {
    expect((await shop.get('/v1/system')).body).toMatchObject({ version: 'test', engine: 'memory', durability: 'kept in memory only', partitions: 4, health: 'ready', owners: [{ owner: 'any' }, {}, {}, {}], consumers: expect.arrayContaining([expect.objectContaining({ name: 'views', lagSeconds: 0 }), expect.objectContaining({ name: 'feed', lag: 0 }), expect.objectContaining({ name: 'low-stock' })]) });
    expect((await shop.get('/v1/system', { key: null })).status).toBe(401);
  });
});
