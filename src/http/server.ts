import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, type RouteHandlerMethod } from 'fastify';
import type { Logger } from 'pino';
import type { Random } from '../base/random.ts';
import type { Call, Answer } from './call.ts';
import type { Cors } from './cors.ts';
import { callOn, type Gate } from './gate.ts';
import { checked, parseJson } from './input.ts';
import * as limits from './limits.ts';
import type { Metrics } from './metrics.ts';
import { invalidRequest, problem, problemDocument, toProblem, type Problem } from './problem.ts';
import { pathFaults, queryReader } from './query.ts';
import { Account, type RequestLog } from './request-log.ts';
import { templateOf, type Route } from './route.ts';
import { cutOffStalled } from './stalled.ts';

export interface ServerOptions {
  readonly logger: Logger;
  readonly random: Random;
  readonly gate: Gate;
  readonly metrics: Metrics;
  readonly log: RequestLog;
  readonly cors: Cors;
}

/** Routes check what they are sent themselves: the framework has no schema to compile, and need not load its compilers. */
const NO_SCHEMAS = { compilersFactory: { buildValidator: noSchema, buildSerializer: noSchema } };

function noSchema(): never {
  throw new Error('no route has a schema that the framework knows of');
}

/** On every answer of the interface: it is data, to be neither sniffed, framed, run nor kept. */
const SECURE = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
} as const;

/** The same as names and values in turn, up to the request's id. */
const SECURE_HEAD: readonly string[] = [...Object.entries(SECURE).flat(), 'x-request-id'];

export const JSON_TYPE = 'application/json; charset=utf-8';
const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';
const SANE_REQUEST_ID = /^[A-Za-z0-9][A-Za-z0-9._:/+=-]{0,127}$/;

/** The web framework, set up so that nothing a client sends, or does not send, can hold it up. */
export function makeServer({ random, cors }: Pick<ServerOptions, 'random' | 'cors'>): FastifyInstance {
  const nextId = requestIds(random);
  const fastify = Fastify({
    logger: false,
    schemaController: NO_SCHEMAS,
    bodyLimit: limits.JSON_BODY_BYTES_MAX,
    requestTimeout: limits.REQUEST_TIMEOUT_MS,
    connectionTimeout: limits.SOCKET_IDLE_MS,
    keepAliveTimeout: limits.KEEP_ALIVE_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    requestIdHeader: false,
    genReqId: (request) => requestIdOf(request, nextId),
    routerOptions: { maxParamLength: limits.PATH_PARAMETER_LENGTH_MAX, ignoreTrailingSlash: false },
    http: {
      maxHeaderSize: limits.HEADER_BYTES_MAX,
      headersTimeout: limits.HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: limits.TIMEOUT_CHECK_INTERVAL_MS,
    },
    clientErrorHandler: (error, socket) => refuseConnection(error, socket, nextId()),
    frameworkErrors: (error, request, reply) => {
      sendProblem(request, reply, toProblem(error));
    },
  });
  fastify.server.maxConnections = limits.CONNECTIONS_MAX;
  fastify.server.on('timeout', endStill);
  cutOffStalled(fastify.server);
  fastify.decorateRequest('call', undefined);
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(['application/json', 'application/merge-patch+json'], { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, body.length === 0 ? undefined : parseJson(body as Buffer)); // `parseAs: 'buffer'` gives one
    } catch (error) {
      done(error as Error); // `parseJson` throws problems
    }
  });
  cors.install(fastify);
  return fastify;
}

function requestIds(random: Random): () => string {
  const prefix = `${random.u32().toString(36)}${random.u32().toString(36)}`;
  let last = 0;
  return () => `${prefix}-${(++last).toString(36)}`;
}

function requestIdOf(request: Pick<IncomingMessage, 'headers'>, nextId: () => string): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && SANE_REQUEST_ID.test(given) ? given : nextId();
}

/** Requests that could not be read as HTTP at all: an answer by hand, and the end of the connection. */
function refuseConnection(error: Error & { code?: string }, socket: Socket, requestId: string): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const refusal =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? problem('headers-too-large', `Headers may have ${limits.HEADER_BYTES_MAX} bytes together.`)
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? problem('request-timeout', 'The request did not arrive in time.')
        : problem('malformed-request', 'This is not HTTP.');
  const body = JSON.stringify(problemDocument(refusal, requestId));
  const head = [`HTTP/1.1 ${refusal.status} ${refusal.code}`, `content-type: ${PROBLEM_TYPE}`, `content-length: ${Buffer.byteLength(body)}`, `x-request-id: ${requestId}`, 'connection: close'];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

/** A connection on which nothing has moved: whoever waits for our answer gets one, and everybody else is cut off. */
function endStill(socket: Socket): void {
  const call = callOn(socket);
  if (!call || call.reply.sent || call.reply.raw.headersSent || !call.request.raw.complete) socket.destroy();
  else failCall(call, problem('unavailable', 'There was no answer in time, so the outcome is not known. Ask again with the same Idempotency-Key.', { headers: { 'retry-after': '5', connection: 'close' } }));
}

/** Puts the routes on the server, with what happens before and after each of them. */
export function serveRoutes(fastify: FastifyInstance, routes: readonly Route[], options: ServerOptions): void {
  for (const route of routes) {
    const account = new Account(options.metrics.route(route.method, templateOf(route.path)), options.log);
    fastify.register(async (scope) => {
      if (route.ndjson === true) {
        scope.addContentTypeParser('application/x-ndjson', { bodyLimit: limits.NDJSON_BODY_BYTES_MAX }, (_request, payload, done) => done(null, payload));
      }
      scope.route({
        method: route.method,
        url: route.path,
        exposeHeadRoute: route.method === 'GET' && route.tokenInQuery !== true,
        ...(route.ndjson === true ? { bodyLimit: limits.NDJSON_BODY_BYTES_MAX } : undefined),
        onRequest: options.gate.hook(route, account),
        // Other answers are entered where they are sent: listening for their end costs a microsecond each.
        ...(route.tokenInQuery === true ? { onResponse: enterStream } : undefined),
        handler: handlerOf(route),
      });
    });
  }
  const unmatched = new Account(options.metrics.route('ANY', 'unmatched'), options.log);
  const isWorthALine = linesWorth();
  fastify.setErrorHandler((error, request, reply) => {
    const refusal = toProblem(error);
    if (refusal.status >= 500 && isWorthALine(refusal)) options.logger.error({ id: request.id, code: refusal.code, err: refusal.cause ?? refusal }, 'request failed');
    sendProblem(request, reply, refusal);
  });
  fastify.addHook('onClose', async () => options.log.flush());
  fastify.setNotFoundHandler(notFound(routes, unmatched));
}

/** Of refusals for want of room one is told every so often: each has its line among the requests, and thousands a second would be more work. */
function linesWorth(): (refusal: Problem) => boolean {
  let toldAt = -Infinity;
  return ({ code }) => {
    if (code !== 'overloaded') return true;
    const now = performance.now();
    if (now - toldAt < limits.OVERLOAD_SAY_MS) return false;
    toldAt = now;
    return true;
  };
}

function enterStream(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
  // Refusals of a stream were entered when they were sent.
  if (request.call && !reply.raw.getHeader('content-type')?.toString().includes('problem')) request.call.enter(reply.statusCode);
  done();
}

/** Checks a call by the route's schemas, lets the route handle it, and sends what it answers. */
function handlerOf(route: Route): RouteHandlerMethod {
  const hasParams = route.path.includes(':');
  const readQuery = queryReader(route);
  const asksForQuery = ((route.query as { required?: readonly string[] } | undefined)?.required?.length ?? 0) > 0; // JSON Schema's member
  const body = route.body && route.bodyMode !== 'own' ? checked(route.body) : undefined;
  return (request) => {
    const call = request.call as Call; // made by the gate
    try {
      if (route.tokenInQuery === true) prepareStream(call);
      const params = hasParams ? pathFaults(request.params) : [];
      if (params.length > 0) throw invalidRequest(params);
      call.query = request.raw.url?.includes('?') === true || asksForQuery ? readQuery(request.query) : EMPTY;
      call.body = request.body === undefined && route.bodyMode === 'optional' ? EMPTY : request.body;
      route.before?.(call.body);
      if (body && !body.accepts(call.body)) throw invalidRequest(request.body === undefined ? [{ pointer: '', detail: 'is required: send a JSON object' }] : body.faults(call.body));
      const answer = call.followed ? call.followed.run(() => route.handle(call)) : route.handle(call);
      if (answer instanceof Promise) answer.then((made) => finish(call, made)).catch((error: unknown) => failCall(call, error));
      else finish(call, answer);
    } catch (error) {
      failCall(call, error);
    }
  };
}

/** A stream goes the framework's way, and is quiet between two heartbeats. */
function prepareStream(call: Call): void {
  call.reply.headers(SECURE);
  call.waitFor(limits.HEARTBEAT_MS);
}

const EMPTY = Object.freeze({});

/** Sends what the route gave, unless it answers by itself. */
function finish(call: Call, answer: Answer | 'later'): void {
  if (answer !== 'later') sendAnswer(call, answer);
}

/** Sends an answer, past the framework: its reply does what is done here, for three times the price. */
export function sendAnswer(call: Call<never, never> | Call, answer: Answer): void {
  // Somebody who could not be answered in time was told so already.
  if (call.reply.sent) return;
  const { status, headers, body, prepared } = answer;
  if (prepared) {
    const head = headOf(call.reply, call.requestId);
    for (const part of prepared) head.push(part);
    call.reply.hijack();
    call.reply.raw.writeHead(status, head);
    call.reply.raw.end(answer.text);
    return call.enter(status);
  }
  const text = answer.text ?? (body === undefined ? undefined : JSON.stringify(body));
  const head = headOf(call.reply, call.requestId);
  if (answer.policy !== undefined) head[head.indexOf(SECURE['content-security-policy'])] = answer.policy;
  if (headers) for (const name in headers) head.push(name, headers[name] ?? '');
  send(call.reply, { status, head, text, type: answer.type ?? JSON_TYPE });
  call.enter(status);
}

/** Headers that every answer has, as names and values in turn, and those that were set before the answer was known. */
function headOf(reply: FastifyReply, requestId: string): string[] {
  const head = [...SECURE_HEAD, requestId];
  const before = reply.getHeaders();
  for (const name in before) head.push(name, String(before[name]));
  return head;
}

function send(reply: FastifyReply, { status, head, text, type }: { status: number; head: string[]; text: string | undefined; type: string }): void {
  reply.hijack();
  const { raw } = reply;
  if (text === undefined) {
    if (status >= 300) head.push('content-length', '0');
    raw.writeHead(status, head);
    raw.end();
    return;
  }
  head.push('content-type', type, 'content-length', String(Buffer.byteLength(text)));
  raw.writeHead(status, head);
  raw.end(text);
}

/** Ends a call with the problem that stands for what was thrown. */
export function failCall(call: Call<never, never> | Call, error: unknown): void {
  if (call.reply.sent) return;
  const refusal = toProblem(error);
  // What is our fault goes the framework's way, to where it is written down.
  if (refusal.status >= 500) call.reply.send(refusal);
  else sendProblem(call.request, call.reply, refusal);
}

function sendProblem(request: FastifyRequest, reply: FastifyReply, refusal: Problem): void {
  // A connection closed on somebody who still sends is reset, and the answer lost with it: what a patient sender would
  // send is read and thrown away instead, within the time that any request has.
  if (refusal.status === 413 && Number(request.headers['content-length'] ?? 0) <= limits.NDJSON_BODY_BYTES_MAX) reply.removeHeader('connection');
  const head = headOf(reply, request.id);
  if (refusal.headers?.['cache-control'] === undefined) head.push('cache-control', 'no-store');
  for (const name in refusal.headers) head.push(name, refusal.headers[name] ?? '');
  send(reply, { status: refusal.status, head, text: JSON.stringify(problemDocument(refusal, request.id)), type: PROBLEM_TYPE });
  request.call?.enter(refusal.status);
}

/** Says of a path that exists which methods it has. */
function notFound(routes: readonly Route[], account: Account): (request: FastifyRequest, reply: FastifyReply) => void {
  const paths = new Map<string, Set<string>>();
  for (const { path, method, tokenInQuery } of routes) {
    const methods = paths.get(path) ?? new Set();
    methods.add(method);
    if (method === 'GET' && tokenInQuery !== true) methods.add('HEAD');
    paths.set(path, methods);
  }
  const patterns = [...paths].map(([path, methods]) => ({ pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+')}$`), methods }));
  return (request, reply) => {
    const [path = ''] = request.url.split('?', 1);
    const known = patterns.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => [...methods]);
    const allow = [...new Set(known)].sort().join(', ');
    const refusal =
      allow === '' ? problem('not-found', 'There is nothing at this path.') : problem('method-not-allowed', `This path takes ${allow}.`, { headers: { allow } });
    account.enter(request.id, refusal.status, 0, undefined);
    sendProblem(request, reply, refusal);
  };
}
