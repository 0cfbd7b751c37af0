import { limits } from '../rooms/inventory/inventory.ts';
import { HEADERS } from './openapi-headers.ts';
import { statusOf } from './problem.ts';
import type { Described, RequestHeader, Route } from './route.ts';
import { problemSchema } from './schemas.ts';
import { templateOf } from './route.ts';

const { ID_LENGTH_MAX } = limits;

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [member: string]: JsonValue | undefined };
export type Document = { readonly [member: string]: JsonValue | undefined };

/** Problems that any route may answer with, and those that come with a body or a write. */
const EVERYWHERE = ['invalid-request', 'rate-limited', 'internal-error', 'unavailable'] as const;
const WITH_KEY = ['unauthenticated', 'forbidden'] as const;
const WITH_BODY = ['malformed-json', 'payload-too-large', 'unsupported-media-type'] as const;
const WITH_WRITE = ['idempotency-key-reused', 'overloaded', 'storage-full'] as const;

/**
 * The interface as OpenAPI 3.1, made from the routes that serve it: the schemas in it are those that requests are
 * checked with. A schema with a title stands once among the components.
 */
export function openApi(routes: readonly Route[], about: { version: string; publicReads: boolean }): Document {
  const components = new Map<string, JsonValue>();
  const paths: Record<string, Record<string, JsonValue>> = {};
  for (const route of routes) {
    const path = (paths[templateOf(route.path)] ??= {});
    path[route.method.toLowerCase()] = operationOf(route, components, about.publicReads);
  }
  hoist(problemSchema, components);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Holdfast',
      version: about.version,
      description: 'Inventory that never oversells: holds with exact expiry, decided once and durable before the answer. Problems are RFC 9457 documents with a stable `code`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    security: [{ key: [] }],
    paths,
    components: {
      schemas: Object.fromEntries([...components].sort(([a], [b]) => (a < b ? -1 : 1))),
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'An API key. Whoever may write may read; an admin may do everything.' },
        token: { type: 'apiKey', in: 'query', name: 'access_token', description: 'A short-lived read token, for event streams alone.' },
      },
    },
  };
}

function operationOf(route: Route, components: Map<string, JsonValue>, publicReads: boolean): JsonValue {
  return {
    operationId: route.operation,
    summary: route.summary,
    tags: [route.tag],
    security: securityOf(route, publicReads),
    parameters: [...pathParameters(route), ...queryParameters(route, components), ...headerParameters(route)],
    requestBody: bodyOf(route, components),
    responses: responsesOf(route, components),
    'x-scope': route.access === 'publicRead' ? 'read' : route.access,
  };
}

function securityOf({ access, tokenInQuery }: Route, publicReads: boolean): JsonValue {
  if (access === 'public') return [];
  if (access === 'publicRead' && publicReads) return [{}, { key: [] }];
  return tokenInQuery === true ? [{ key: [] }, { token: [] }] : [{ key: [] }];
}

const ID_SCHEMA = { type: 'string', format: 'id', minLength: 1, maxLength: ID_LENGTH_MAX };

function pathParameters({ path }: Route): JsonValue[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({ name, in: 'path', required: true, schema: ID_SCHEMA }));
}

function queryParameters({ query, queryPrefix, tokenInQuery }: Route, components: Map<string, JsonValue>): JsonValue[] {
  const required = new Set((query as { required?: readonly string[] } | undefined)?.required); // JSON Schema's member
  const listed = Object.entries(query?.properties ?? {})
    .filter(([name]) => tokenInQuery !== true || name !== 'access_token') // that one is a security scheme
    .map(([name, schema]) => ({ name, in: 'query', required: required.has(name), schema: hoist(schema, components) }));
  if (queryPrefix === undefined) return listed;
  const free = { name: 'attributes', in: 'query', required: false, style: 'form', explode: true, description: `Each parameter that begins with \`${queryPrefix}\` and goes on with a name.`, schema: { type: 'object', patternProperties: { [`^${queryPrefix.replace('.', '\\.')}`]: { type: 'string' } } } };
  return [...listed, free];
}

const takesIdempotencyKey = ({ method }: Route): boolean => method === 'POST' || method === 'PUT' || method === 'PATCH';

function headerParameters(route: Route): JsonValue[] {
  const names: (RequestHeader | 'idempotency-key' | 'x-request-id')[] = [...(route.headers ?? []), ...(takesIdempotencyKey(route) ? (['idempotency-key'] as const) : []), 'x-request-id'];
  return names.map((name) => ({ name: HEADERS[name].name, in: 'header', required: false, description: HEADERS[name].description, schema: { type: 'string' } }));
}

function bodyOf({ body, bodyMode, ndjson }: Route, components: Map<string, JsonValue>): JsonValue | undefined {
  if (!body) return undefined;
  const lines = ndjson === true ? { 'application/x-ndjson': { schema: { type: 'string', description: 'One of the array’s elements a line.' } } } : undefined;
  return { required: bodyMode !== 'optional', content: { 'application/json': { schema: hoist(body, components) }, ...lines } };
}

function responsesOf(route: Route, components: Map<string, JsonValue>): JsonValue {
  const responses: Record<string, JsonValue> = {};
  for (const [status, described] of Object.entries(route.answers)) responses[status] = answerOf(route, described, components);
  const byStatus = Map.groupBy(codesOf(route), (code) => statusIn(route, code));
  for (const [status, codes] of [...byStatus].sort(([a], [b]) => a - b)) {
    responses[status] = {
      description: codes.map((code) => `\`${code}\``).join(', '),
      headers: responseHeaders(['x-request-id', ...(status === 401 ? ['www-authenticate'] : []), ...(status === 429 || status === 503 || status === 507 ? ['retry-after'] : [])]),
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    };
  }
  return responses;
}

/** Where a path that names such a thing begins: elsewhere the query or the body named it, which is a fault of the request. */
const NAMED_BY_PATH: Readonly<Record<string, readonly string[]>> = { 'unknown-item': ['/v1/items/:sku', '/v1/prices/:sku'], 'unknown-location': ['/v1/locations/:id'] };

function statusIn({ path }: Route, code: string): number {
  const places = NAMED_BY_PATH[code];
  return places === undefined || places.some((place) => path.startsWith(place)) ? statusOf(code) : statusOf('invalid-request');
}

function codesOf(route: Route): string[] {
  const writes = route.access === 'write' || route.access === 'admin';
  return [
    ...new Set([
      ...EVERYWHERE,
      ...(route.access === 'public' ? [] : WITH_KEY),
      ...(route.body ? WITH_BODY : []),
      ...(writes && route.method !== 'GET' ? WITH_WRITE : []),
      ...(route.problems ?? []),
    ]),
  ];
}

function answerOf(route: Route, { description, schema, type, headers = [] }: Described, components: Map<string, JsonValue>): JsonValue {
  const always = ['x-request-id', ...(route.access === 'write' ? ['holdfast-cursor'] : []), ...(takesIdempotencyKey(route) ? ['idempotent-replayed'] : [])];
  const content = schema ? { 'application/json': { schema: hoist(schema, components) } } : type === undefined ? undefined : { [type]: { schema: { type: 'string' } } };
  return { description, headers: responseHeaders([...always, ...headers]), content };
}

function responseHeaders(names: readonly string[]): JsonValue {
  return Object.fromEntries(
    names.map((name) => {
      const known = HEADERS[name as keyof typeof HEADERS]; // the names that routes use are those listed there
      return [known.name, { description: known.description, schema: { type: 'string' } }];
    }),
  );
}

/** A copy of a schema in which every part with a title is a reference to its place among the components. */
export function hoist(schema: unknown, components: Map<string, JsonValue>): JsonValue {
  if (Array.isArray(schema)) return schema.map((part) => hoist(part, components));
  if (typeof schema !== 'object' || schema === null) return schema as JsonValue; // a schema is plain JSON
  const members = schema as { readonly [member: string]: unknown };
  const bounds = members['format'] === 'holdfast-id' ? ID_BOUNDS : undefined;
  const copy = (): JsonValue => ({ ...Object.fromEntries(Object.entries(members).filter(([name]) => !name.startsWith('~')).map(([name, part]) => [name, published(name, part, components)])), ...bounds });
  const { title } = members;
  if (typeof title !== 'string' || !('type' in members || 'anyOf' in members)) return copy();
  if (!components.has(title)) {
    components.set(title, true); // so that a schema that contains itself ends
    components.set(title, copy());
  }
  return { $ref: `#/components/schemas/${title}` };
}

/** Formats of our own are said in words: readers of the document do not know them. */
function published(name: string, part: unknown, components: Map<string, JsonValue>): JsonValue {
  return name === 'format' && typeof part === 'string' && part.startsWith('holdfast-') ? part.slice('holdfast-'.length) : hoist(part, components);
}

/** What the format of an id says about its length, for those who do not know the format. */
const ID_BOUNDS = { minLength: 1, maxLength: ID_LENGTH_MAX };
