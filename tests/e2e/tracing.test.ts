import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startCollector, type Collector, type ReceivedSpan } from './collector.ts';
import { startServer, type RunningServer } from './running-server.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const UNSAMPLED_TRACE = '1af7651916cd43dd8448eb211c80319c';

let collector: Collector;
let server: RunningServer;

beforeAll(async () => {
  collector = await startCollector();
  server = await startServer({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '100', OTEL_TRACES_SAMPLER: 'parentbased_always_off' } });
  await server.client.items.put('lamp', {});
  await ask('/v1/items/lamp/adjustments', { change: 10, reason: 'received' }, { prefer: 'wait=10' });
}, 120_000);
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await collector?.[Symbol.asyncDispose]();
});

function ask(path: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(`${server.url}${path}`, { method: 'POST', headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
}

const named = (name: string, { spanId }: Pick<ReceivedSpan, 'spanId'>): ReceivedSpan | undefined => collector.spans.find((span) => span.name === name && span.parentSpanId === spanId);
const linksOf = (span: ReceivedSpan | undefined): string[] => span?.links.map(({ traceId, spanId }) => `${traceId}-${spanId}`) ?? [];
const idOf = ({ traceId, spanId }: Pick<ReceivedSpan, 'traceId' | 'spanId'>): string => `${traceId}-${spanId}`;

describe('a trace that the caller began', () => {
  test('goes on to the request, over links to the commit, and from there to the feed and the views', async () => {
    const listening = new AbortController();
    const stream = await fetch(`${server.url}/v1/events/stream`, { headers: { authorization: `Bearer ${server.key}` }, signal: listening.signal });
    const answer = await ask('/v1/reservations', { lines: [{ sku: 'lamp', quantity: 1 }] }, { traceparent: `00-${TRACE}-${SPAN}-01`, 'x-request-id': 'the-one' });
    expect(answer.status).toBe(201);
    const request = await vi.waitFor(() => collector.spans.find(({ traceId }) => traceId === TRACE) ?? Promise.reject(new Error('no span yet')), { timeout: 20_000 });
    expect(request).toMatchObject({ name: 'POST /v1/reservations', parentSpanId: SPAN, kind: 2, service: 'holdfast' });
    expect(request.attributes).toMatchObject({ 'http.route': '/v1/reservations', 'http.response.status_code': 201, 'holdfast.request.id': 'the-one' });
    const commit = await vi.waitFor(() => collector.spans.find((span) => linksOf(span).includes(idOf(request))) ?? Promise.reject(new Error('no commit yet')), { timeout: 20_000 });
    expect(commit).toMatchObject({ name: 'commit', parentSpanId: '', attributes: { 'holdfast.commit.facts': 1, 'holdfast.commit.commands': 1 } });
    expect(linksOf(request)).toEqual([idOf(commit)]);
    expect([commit.startNs >= request.startNs, commit.endNs <= request.endNs]).toEqual([true, true]);
    for (const name of ['feed hand-out', 'views step']) {
      const consumer = await vi.waitFor(() => named(name, commit) ?? Promise.reject(new Error(`no ${name} yet`)), { timeout: 20_000 });
      expect([consumer.traceId, linksOf(consumer)]).toEqual([commit.traceId, [idOf(commit)]]);
      expect(consumer.endNs >= commit.endNs).toBe(true);
    }
    listening.abort();
    await stream.body?.cancel().catch(() => undefined);
  });

  test('goes on to accepted work, which is done after the answer', async () => {
    const trace = 'cf7651916cd43dd8448eb211c80319cc';
    const answer = await ask('/v1/items/lamp/adjustments', { change: 1, reason: 'received' }, { traceparent: `00-${trace}-${SPAN}-01` });
    expect(answer.status).toBe(202);
    const { commandId } = (await answer.json()) as { commandId: string }; // as the contract says
    const command = await vi.waitFor(() => collector.spans.find(({ traceId, name }) => traceId === trace && name === 'command') ?? Promise.reject(new Error('no command yet')), { timeout: 20_000 });
    const request = await vi.waitFor(() => collector.spans.find(({ spanId }) => spanId === command.parentSpanId) ?? Promise.reject(new Error('no request yet')), { timeout: 20_000 });
    expect([request.name, request.parentSpanId, command.attributes['holdfast.command.id']]).toEqual(['POST /v1/items/{sku}/adjustments', SPAN, commandId]);
    const commit = await vi.waitFor(() => collector.spans.find((span) => linksOf(span).includes(idOf(command))) ?? Promise.reject(new Error('no commit yet')), { timeout: 20_000 });
    expect(linksOf(command)).toEqual([idOf(commit)]);
  });

  test('shares the commit with others that arrived at once, each linked with it', async () => {
    const traces = Array.from({ length: 8 }, (_, i) => `${i}`.repeat(32).replace(/^0{32}$/, 'a'.repeat(32)));
    await Promise.all(traces.map((trace) => ask('/v1/reservations', { lines: [{ sku: 'lamp', quantity: 1 }] }, { traceparent: `00-${trace}-${SPAN}-01` })));
    const requests = await vi.waitFor(() => {
      const found = collector.spans.filter(({ traceId, name }) => traces.includes(traceId) && name === 'POST /v1/reservations');
      return found.length === traces.length ? found : Promise.reject(new Error(`${found.length} spans yet`));
    }, { timeout: 20_000 });
    for (const request of requests) {
      const commit = await vi.waitFor(() => collector.spans.find((span) => idOf(span) === linksOf(request)[0]) ?? Promise.reject(new Error('no commit yet')), { timeout: 20_000 });
      expect(linksOf(commit)).toContain(idOf(request));
    }
  });
});

describe('what nobody asked to keep', () => {
  test('is not sent: neither the request nor its commit nor what follows', async () => {
    await ask('/v1/reservations', { lines: [{ sku: 'lamp', quantity: 1 }] }, { traceparent: `00-${UNSAMPLED_TRACE}-${SPAN}-00` });
    const kept = 'bf7651916cd43dd8448eb211c80319cc';
    await ask('/v1/reservations', { lines: [{ sku: 'nothing', quantity: 1 }] }, { traceparent: `00-${kept}-${SPAN}-01` });
    await vi.waitFor(() => expect(collector.spans.some(({ traceId }) => traceId === kept)).toBe(true), { timeout: 20_000 });
    expect(collector.spans.filter(({ traceId }) => traceId === UNSAMPLED_TRACE)).toEqual([]);
    const commits = collector.spans.filter(({ name }) => name === 'commit');
    expect(commits.filter(({ links }) => links.length === 0)).toEqual([]);
    // The item and its stock came without a trace, and the sampler keeps no such thing.
    expect(collector.spans.filter(({ name, parentSpanId }) => name.startsWith('PUT') || (name.includes('adjustments') && parentSpanId === ''))).toEqual([]);
  });
});
