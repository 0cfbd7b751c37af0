/**
 * A start is to be quick: what a server loads is loaded while its threads load what they need, and nothing is loaded that
 * it may never need. The command line comes in by this file and not by the front door, which loads all of the house.
 */
import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { buildHttp as BuildHttp, Rebuilding } from '../http/http.ts';
import type { Config } from './config.ts';
import type { Holdfast } from './holdfast.ts';
import type { StorePlace } from './open-store.ts';
import { loadProjection } from './projection.ts';
import { startTracing } from './tracing/tracing.ts';
import { VERSION } from './version.ts';

export { ConfigError } from './config-error.ts';
export { readConfig } from './config.ts';

/** A server that listens. Disposing of it stops accepting, lets requests under way finish, and closes everything. */
export interface Server extends AsyncDisposable {
  readonly url: string;
  readonly holdfast: Holdfast;
}

/** Log lines are gathered up to this many bytes, or for this long, before they are written: one write a line would cost more than a hold. */
const LOG_BUFFER_BYTES = 8_192;
const LOG_FLUSH_MS = 500;
const REBUILD_SAY_MS = 2_000;

/** Opens the store, catches up, and listens; resolves once it answers. */
export async function serve(config: Config): Promise<Server> {
  await using starting = new AsyncDisposableStack();
  const projection = starting.use(loadProjection());
  const [{ pino }, { openHoldfast }] = await Promise.all([import('pino'), import('./holdfast.ts')]);
  const destination = pino.destination({ dest: config.logFile ?? 2, sync: false, minLength: LOG_BUFFER_BYTES, mkdir: true });
  const logger = pino({ level: config.logLevel, base: null, timestamp: pino.stdTimeFunctions.epochTime }, destination);
  const flushing = setInterval(() => destination.flush(), LOG_FLUSH_MS).unref();
  starting.defer(() => {
    clearInterval(flushing);
    destination.flushSync();
  });
  const tracer = await startTracing({ env: process.env, version: VERSION, warn: (message) => logger.warn(message) });
  if (tracer) starting.use(tracer);
  const opening = openHoldfast({ projection, place: placeOf(config), holdCaps: config.holdCaps, waitingCommandsMax: config.waitingCommandsMax, redis: config.redis, modules: config.modules, tracer, archive: config.archive, onRebuilding: tellOf(logger), onTrouble: (message) => logger.warn(message) });
  const [holdfast, buildHttp] = await Promise.all([opening, loadHttp()]);
  starting.use(holdfast);
  const demoKey = config.demo ? `hf_demo_${randomBytes(32).toString('base64url')}` : undefined;
  const http = await buildHttp(holdfast, {
    logger,
    requestLog: logger.isLevelEnabled('info') ? destination : undefined,
    publicReads: config.publicReads,
    rateLimit: config.rateLimit,
    pipelinedMax: config.pipelinedMax,
    corsOrigins: config.corsOrigins,
    ...(demoKey === undefined ? undefined : { demo: { key: demoKey } }),
    ...(config.adminKey === undefined ? undefined : { adminKey: config.adminKey }),
  });
  starting.defer(() => http.close());
  const url = await http.listen({ port: config.port, host: config.host });
  if (demoKey !== undefined) starting.use(startDemo(url, demoKey));
  const running = starting.move();
  return { url, holdfast, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** Its files are loaded once the store's threads have been started, which takes them as long. */
async function loadHttp(): Promise<typeof BuildHttp> {
  await turn();
  return (await import('../http/http.ts')).buildHttp;
}

/** Says how far making the views again is, every so often: a start on views of another form may take a while. */
function tellOf(logger: Logger): (status: Rebuilding) => void {
  let saidAt = 0;
  return ({ state, done, total, reason }) => {
    const now = performance.now();
    if (state === 'running' && now - saidAt < REBUILD_SAY_MS) return;
    saidAt = now;
    if (state === 'running') logger.info({ done, total }, `making the views again from the log: ${done} of ${total} commits`);
    else if (state === 'idle') logger.info('the views were made again');
    else logger.error({ reason }, 'the views could not be made again; those from before go on answering');
  };
}

/** Lets the shoppers in. Disposing sends them home before the doors are closed. */
function startDemo(baseUrl: string, key: string): AsyncDisposable {
  const closing = new AbortController();
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const run = async (): Promise<void> => (await import('./demo/demo.ts')).runDemo({ baseUrl, key, signal: closing.signal, say });
  const demo = run().catch((error: unknown) => say(`demo: ${error instanceof Error ? error.message : String(error)}`));
  return {
    async [Symbol.asyncDispose]() {
      closing.abort();
      await demo;
    },
  };
}

export function placeOf(config: Config): StorePlace {
  const archive = config.archiveDir;
  return config.engine === 'postgres' ? { engine: 'postgres', url: config.databaseUrl ?? '', archive } : { engine: 'sqlite', directory: config.data, archive };
}
