import { pino } from 'pino';
import { buildHttp } from '../http/http.ts';
import type { Config } from './config.ts';
import { openHoldfast, type Holdfast } from './app.ts';
import type { StorePlace } from './open-store.ts';

/** A server that listens. Disposing of it stops accepting, lets requests under way finish, and closes everything. */
export interface Server extends AsyncDisposable {
  readonly url: string;
  readonly holdfast: Holdfast;
}

/** Log lines are gathered up to this many bytes, or for this long, before they are written: one write a line would cost more than a hold. */
const LOG_BUFFER_BYTES = 8_192;
const LOG_FLUSH_MS = 500;

/** Opens the store, catches up, and listens; resolves once it answers. */
export async function serve(config: Config): Promise<Server> {
  await using starting = new AsyncDisposableStack();
  const destination = pino.destination({ dest: config.logFile ?? 2, sync: false, minLength: LOG_BUFFER_BYTES, mkdir: true });
  const logger = pino({ level: config.logLevel, base: undefined, timestamp: pino.stdTimeFunctions.epochTime }, destination);
  const flushing = setInterval(() => destination.flush(), LOG_FLUSH_MS).unref();
  starting.defer(() => {
    clearInterval(flushing);
    destination.flushSync();
  });
  const holdfast = starting.use(await openHoldfast({ place: placeOf(config) }));
  const http = await buildHttp(holdfast, {
    logger,
    publicReads: config.publicReads,
    rateLimit: config.rateLimit,
    corsOrigins: config.corsOrigins,
    demo: config.demo,
    ...(config.adminKey === undefined ? undefined : { adminKey: config.adminKey }),
  });
  starting.defer(() => http.close());
  const url = await http.listen({ port: config.port, host: config.host });
  const running = starting.move();
  return { url, holdfast, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

function placeOf(config: Config): StorePlace {
  return config.engine === 'postgres' ? { engine: 'postgres', url: config.databaseUrl ?? '' } : { engine: 'sqlite', directory: config.data };
}
