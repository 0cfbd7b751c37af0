import { AsyncLocalStorage } from 'node:async_hooks';
import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultTextMapGetter, diag, DiagLogLevel, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags, type Attributes, type Link, type Span, type SpanContext, type Tracer as Spans } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, RandomIdGenerator, SamplingDecision, TracerProvider, type IdGenerator, type Sampler } from '@opentelemetry/sdk-trace';
import type { HandedOut } from '../../distribution/feed/feed.ts';
import type { FollowedRequest, Tracing } from '../../http/http.ts';
import type { Appended } from '../../runtime/runtime.ts';
import type { Commit } from '../../store/store.ts';
import { BoundedMap } from './bounded-map.ts';
import { LinkedSampler, samplerOf } from './sampling.ts';
import type { Tracer, TracingOptions, Watched } from './tracing.ts';

/** Links of one span: OpenTelemetry's own bound. Whoever is past it is still linked from the other side. */
const LINKS_MAX = 128;
/** Commits whose consumers are waited for: some seconds of full load. */
const COMMITS_MAX = 8_192;
/** Accepted work whose request is remembered: some seconds of it. What is past this, or of an earlier process, is followed from its commit only. */
const ACCEPTED_MAX = 20_000;
/** What is not sent by then when the process ends is lost: within the ten seconds that supervisors give it. */
const FLUSH_PATIENCE_MS = 3_000;

/** What `performance.now()` gave as milliseconds since 1970. Every span of ours goes by this clock: the SDK's own knows whole milliseconds only. */
const wall = (ms = performance.now()): number => performance.timeOrigin + ms;

/** Makes the ids of a commit's span from its token, and all others by chance. */
class TokenIds implements IdGenerator {
  readonly #random = new RandomIdGenerator();
  #next: SpanContext | undefined;

  /** The span started by `start` gets these ids. */
  with(ids: SpanContext, start: () => Span): Span {
    this.#next = ids;
    try {
      return start();
    } finally {
      this.#next = undefined;
    }
  }

  generateTraceId = (): string => this.#next?.traceId ?? this.#random.generateTraceId();
  generateSpanId = (): string => this.#next?.spanId ?? this.#random.generateSpanId();
}

export class OpenTelemetry implements Tracer {
  readonly #provider: TracerProvider;
  readonly #spans: Spans;
  readonly #sampler: Sampler;
  readonly #ids = new TokenIds();
  readonly #propagator = new W3CTraceContextPropagator();
  readonly #current = new AsyncLocalStorage<Span>();
  /** Whether a commit of this process is kept, by its token. */
  readonly #kept = new BoundedMap<string, boolean>(COMMITS_MAX);
  /** Whom accepted work is done for, by the message's id. */
  readonly #accepted = new BoundedMap<string, SpanContext>(ACCEPTED_MAX);
  /** Kept commits that the views have not come to yet. */
  #awaited: Commit[] = [];

  constructor({ env, version, warn }: TracingOptions) {
    diag.setLogger({ error: warn, warn, info: () => undefined, debug: () => undefined, verbose: () => undefined }, DiagLogLevel.WARN);
    this.#sampler = samplerOf(env);
    const resource = defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'holdfast', 'service.version': version }))
      .merge(detectResources({ detectors: [envDetector] }));
    const delay = Number(env['OTEL_BSP_SCHEDULE_DELAY']);
    const processor = new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), ...(delay > 0 ? { scheduledDelayMillis: delay } : undefined) });
    this.#provider = new TracerProvider({ resource, sampler: new LinkedSampler(this.#sampler), idGenerator: this.#ids, spanProcessors: [processor] });
    this.#spans = this.#provider.getTracer('holdfast', version);
  }

  begin({ id, method, route, headers }: Parameters<Tracing['begin']>[0]): FollowedRequest {
    const parent = this.#propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
    const span = this.#spans.startSpan(`${method} ${route}`, { kind: SpanKind.SERVER, startTime: wall(), attributes: { 'http.request.method': method, 'http.route': route, 'holdfast.request.id': id } }, parent);
    return {
      run: (work) => this.#current.run(span, work),
      end: (status) => {
        if (!span.isRecording()) return;
        if (status === undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: 'nobody was there to be answered' });
        else span.setAttribute('http.response.status_code', status);
        if (status !== undefined && status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end(wall());
      },
    };
  }

  accepted(messageId: string): void {
    const span = this.follow();
    if (span) this.#accepted.set(messageId, span.spanContext());
  }

  readonly around = async <Result>(messageId: string, work: () => Promise<Result>): Promise<Result> => {
    const request = this.#accepted.get(messageId);
    if (!request) return work();
    const span = this.#spans.startSpan('command', { kind: SpanKind.CONSUMER, startTime: wall(), attributes: { 'holdfast.command.id': messageId } }, trace.setSpanContext(ROOT_CONTEXT, request));
    try {
      return await this.#current.run(span, work);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
      throw error;
    } finally {
      span.end(wall());
    }
  };

  readonly follow = (): Span | undefined => {
    const span = this.#current.getStore();
    return span?.isRecording() === true ? span : undefined;
  };

  watch({ engine, feed, projection }: Watched): void {
    engine.onAppended((appended) => this.#appended(appended));
    engine.onCommitted((commits) => this.#await(commits));
    feed.onHandedOut((handedOut) => this.#handedOut(handedOut));
    projection.onProgress((checkpoints, step) => this.#stepped(checkpoints, step));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const flushed = this.#provider.shutdown().catch((error: unknown) => diag.warn('traces were not sent', error));
    await Promise.race([flushed, sleep(FLUSH_PATIENCE_MS, undefined, { ref: false })]);
  }

  #appended({ token, commits, beganMs, endedMs, waiting }: Appended): void {
    const requests = [...new Set(waiting.flatMap(({ followed }) => (followed as Span | undefined) ?? []))]; // given by `follow`
    this.#kept.set(token, requests.length > 0);
    if (requests.length === 0) return;
    const ids = contextOf(token, TraceFlags.SAMPLED);
    const attributes = { 'holdfast.commit.token': token, 'holdfast.commit.logs': commits.map(({ log }) => log), 'holdfast.commit.facts': commits.reduce((sum, { events }) => sum + events.length, 0), 'holdfast.commit.commands': waiting.length };
    this.#ids.with(ids, () => this.#spans.startSpan('commit', { root: true, links: linksTo(requests.map((span) => span.spanContext())), startTime: wall(beganMs), attributes }, ROOT_CONTEXT)).end(wall(endedMs));
    for (const span of requests) span.addLink({ context: ids });
  }

  #handedOut({ commit, beganMs, endedMs }: HandedOut): void {
    if (this.#isKept(commit.token)) this.#consumed('feed hand-out', [commit.token], { beganMs: wall(beganMs), endedMs: wall(endedMs) }, { 'holdfast.log': commit.log, 'holdfast.position': commit.position, 'holdfast.facts': commit.events.length });
  }

  #await(commits: readonly Commit[]): void {
    for (const commit of commits) if (this.#isKept(commit.token)) this.#awaited.push(commit);
    if (this.#awaited.length > COMMITS_MAX) this.#awaited = this.#awaited.slice(-COMMITS_MAX);
  }

  #stepped(checkpoints: readonly number[], step: { readonly beganMs: number; readonly endedMs: number } | undefined): void {
    if (this.#awaited.length === 0) return;
    const isCovered = ({ log, position }: Commit): boolean => position <= (checkpoints[log] ?? 0);
    const covered = this.#awaited.filter(isCovered);
    this.#awaited = this.#awaited.filter((commit) => !isCovered(commit));
    // Without a step it was another process that brought the views here.
    if (step && covered.length > 0) this.#consumed('views step', [...new Set(covered.map(({ token }) => token))], step, { 'holdfast.commits': covered.length });
  }

  /** What a consumer did for some commits: in the trace of the first, linked to all. */
  #consumed(name: string, tokens: readonly string[], { beganMs, endedMs }: { beganMs: number; endedMs: number }, attributes: Attributes): void {
    const commits = tokens.map((token) => contextOf(token, TraceFlags.SAMPLED));
    const [first] = commits;
    if (first) this.#spans.startSpan(name, { kind: SpanKind.CONSUMER, links: linksTo(commits), startTime: beganMs, attributes }, trace.setSpanContext(ROOT_CONTEXT, first)).end(endedMs);
  }

  /** Commits of this process are kept with their requests; of another's is known what the sampler says of its trace. */
  #isKept(token: string): boolean {
    const { traceId } = contextOf(token, TraceFlags.NONE);
    return this.#kept.get(token) ?? this.#sampler.shouldSample(ROOT_CONTEXT, traceId, 'commit', SpanKind.INTERNAL, {}, []).decision === SamplingDecision.RECORD_AND_SAMPLED;
  }
}

/** The ids of a commit's span: the same for everybody who reads its token. */
function contextOf(token: string, traceFlags: TraceFlags): SpanContext {
  const digest = hash('sha256', token);
  return { traceId: digest.slice(0, 32), spanId: digest.slice(32, 48), traceFlags };
}

const linksTo = (contexts: readonly SpanContext[]): Link[] => contexts.slice(0, LINKS_MAX).map((context) => ({ context }));
