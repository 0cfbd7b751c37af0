/**
 * Following a request through the house, for whoever set up a collector: from the request to the append that made its
 * facts durable, and on to the feed and the views. The code that knows OpenTelemetry is loaded only then, so that an
 * installation without a collector pays for none of it.
 *
 *   request ──────────────link──► commit ──► feed hand-out
 *   request ──► command ──link──►   │   └──► views step
 *
 * Accepted work is a span of its request, for as long as this process remembers which that was. Many requests share one commit, so a commit is a trace of its own that requests link to and that links to them. Its
 * ids are made from the token that every commit has in the log anyway: whoever reads a commit, here or in another
 * process, knows its trace, and nothing is stored for that.
 */
import type { Tracing } from '../../http/http.ts';
import type { Feed } from '../../distribution/feed/feed.ts';
import type { Appended } from '../../runtime/runtime.ts';
import type { Commit } from '../../store/store.ts';
import type { Projection } from '../projection.ts';

/** What is watched besides requests. */
export interface Watched {
  readonly engine: { onAppended(listener: (appended: Appended) => void): () => void; onCommitted(listener: (commits: readonly Commit[]) => void): () => void };
  readonly feed: Pick<Feed, 'onHandedOut'>;
  readonly projection: Pick<Projection, 'onProgress'>;
}

export interface Tracer extends Tracing, AsyncDisposable {
  /** Does a message's work as work of the request that it was accepted for. */
  around<Result>(messageId: string, work: () => Promise<Result>): Promise<Result>;
  /** What the code at hand is done for, in the engine's words. */
  follow(): unknown;
  watch(watched: Watched): void;
}

export interface TracingOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** Hears what went wrong with sending. */
  readonly warn: (message: string) => void;
}

/** Whether the environment names somebody to send traces to, in the variables that OpenTelemetry has for that. */
function isWanted(env: TracingOptions['env']): boolean {
  const endpoint = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  return Boolean(endpoint) && env['OTEL_SDK_DISABLED']?.toLowerCase() !== 'true' && env['OTEL_TRACES_EXPORTER'] !== 'none';
}

/** Undefined where nobody wants traces. */
export async function startTracing(options: TracingOptions): Promise<Tracer | undefined> {
  if (!isWanted(options.env)) return undefined;
  const { OpenTelemetry } = await import('./open-telemetry.ts');
  return new OpenTelemetry(options);
}
