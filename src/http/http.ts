/**
 * The HTTP floor: requests become commands and questions, and what they come to becomes answers. Each route is one
 * value (`route.ts`) from which requests are checked, calls are let in and the OpenAPI document is made; `server.ts`
 * stands around them. What the paths, fields and codes mean is the contract's to say, and what may be sold the room's.
 */
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { AcceptedWork } from './accepted.ts';
import { Cors } from './cors.ts';
import { EventStreams } from './event-streams.ts';
import type { Floor } from './floor.ts';
import { Gate } from './gate.ts';
import { Keys } from './keys.ts';
import { PIPELINED_MAX } from './limits.ts';
import { Metrics } from './metrics.ts';
import { pageRoutes } from './page/page.ts';
import type { Rate } from './rate.ts';
import { RequestLog, type LogSink } from './request-log.ts';
import type { Route } from './route.ts';
import { adjustmentRoutes } from './routes/adjustments.ts';
import { allocationRoutes } from './routes/allocations.ts';
import { availabilityRoutes } from './routes/availability.ts';
import { bookRoutes } from './routes/books.ts';
import { bulkRoutes } from './routes/bulk.ts';
import { cartRoutes } from './routes/carts.ts';
import { docsRoutes } from './routes/docs.ts';
import { eventRoutes } from './routes/events.ts';
import { importRoutes } from './routes/imports.ts';
import { itemRoutes } from './routes/items.ts';
import { keyRoutes } from './routes/keys.ts';
import { locationRoutes } from './routes/locations.ts';
import { lowStockRoutes } from './routes/low-stock.ts';
import { operationRoutes } from './routes/operation.ts';
import { patternRoutes } from './routes/patterns.ts';
import { pricePolicyRoutes } from './routes/price-policies.ts';
import { priceSimulationRoutes } from './routes/price-simulations.ts';
import { priceRoutes } from './routes/prices.ts';
import { queueRoutes } from './routes/queues.ts';
import { quoteRoutes } from './routes/quotes.ts';
import { reservationBatchRoutes } from './routes/reservation-batch.ts';
import { reservationRoutes } from './routes/reservations.ts';
import { transferRoutes } from './routes/transfers.ts';
import { makeServer, serveRoutes } from './server.ts';
import type { Services } from './services.ts';

export type { Disk, Rebuilding, Services, Views } from './services.ts';
export type { FollowedRequest, Tracing } from './tracing.ts';
export { readImportLine, type ImportRules } from './import-line.ts';
export type { InputFault } from './problem.ts';

export interface HttpOptions {
  /** Hears of what went wrong here. */
  readonly logger: Logger;
  /** Takes the lines about requests, some at a time; without it there are none. */
  readonly requestLog?: LogSink | undefined;
  /** The admin key; without it the first start makes one. */
  readonly adminKey?: string;
  /** Hears the admin key that was made, once; it is printed where nobody wants to hear it. */
  readonly announceAdminKey?: (key: string) => void;
  /** Availability may be read without a key. */
  readonly publicReads: boolean;
  readonly rateLimit: 'off' | Rate;
  /** Requests of one connection that may be under way at a time. */
  readonly pipelinedMax?: number | undefined;
  readonly corsOrigins: readonly string[];
  /** Whoever opens the page may read, without a key; the shoppers of the demo write with this one. */
  readonly demo?: { readonly key: string };
}

export async function buildHttp(services: Services, options: HttpOptions): Promise<FastifyInstance> {
  const rate = options.rateLimit === 'off' ? undefined : options.rateLimit;
  const keys = await Keys.open({ store: services.store, clock: services.clock, rate, adminKey: options.adminKey, demoKey: options.demo?.key, announce: options.announceAdminKey ?? printAdminKey });
  const metrics = new Metrics(services);
  const cors = new Cors(options.corsOrigins);
  const gate = new Gate({ keys, clock: services.clock, rate, publicReads: options.publicReads, pipelinedMax: options.pipelinedMax ?? PIPELINED_MAX, tracing: services.tracing });
  const streams = new EventStreams(services, keys);
  metrics.streams = streams;
  const floor: Floor = { services, keys, metrics, streams, accepted: new AcceptedWork(services), publicReads: options.publicReads, variesByOrigin: cors.isOn };
  const fastify = makeServer({ random: services.random, cors });
  fastify.addHook('preClose', async () => streams.close());
  serveRoutes(fastify, allRoutes(floor), { logger: options.logger, log: new RequestLog(options.requestLog), random: services.random, gate, metrics, cors });
  pageRoutes(fastify, options.demo ? { demoToken: () => keys.token('demo') } : {});
  return fastify;
}

function allRoutes(floor: Floor): Route[] {
  const routes = [
    ...locationRoutes(floor),
    ...itemRoutes(floor),
    ...adjustmentRoutes(floor),
    ...bulkRoutes(floor),
    ...importRoutes(floor),
    ...availabilityRoutes(floor),
    ...reservationRoutes(floor),
    ...reservationBatchRoutes(floor),
    ...cartRoutes(floor),
    ...allocationRoutes(floor),
    ...transferRoutes(floor),
    ...bookRoutes(floor),
    ...lowStockRoutes(floor),
    ...priceRoutes(floor),
    ...pricePolicyRoutes(floor),
    ...priceSimulationRoutes(floor),
    ...quoteRoutes(floor),
    ...eventRoutes(floor),
    ...keyRoutes(floor),
    ...patternRoutes(),
    ...queueRoutes(floor),
    ...operationRoutes(floor),
  ];
  return [...routes, ...docsRoutes(routes, { version: floor.services.version, publicReads: floor.publicReads })];
}

function printAdminKey(key: string): void {
  process.stdout.write(`admin key, shown only this once: ${key}\n`);
}
