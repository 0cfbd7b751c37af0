import { Type } from 'typebox';
import { rfc3339 } from '../../base/clock.ts';
import type { Floor } from '../floor.ts';
import { PING_TIMEOUT_MS, VIEW_LAG_READY_MAX } from '../limits.ts';
import { viewLag } from '../metrics.ts';
import { problem } from '../problem.ts';
import { route, type Route } from '../route.ts';
import { closed } from '../schemas.ts';

export function operationRoutes(floor: Floor): Route[] {
  return [healthz(), readyz(floor), metrics(floor), system(floor)];
}

const OPERATION = { method: 'GET', tag: 'Operation' } as const;

function healthz(): Route {
  return route({
    ...OPERATION,
    path: '/healthz',
    operation: 'isAlive',
    summary: 'The process is alive',
    access: 'public',
    answers: { 200: { description: 'Alive.', schema: closed({ status: Type.Literal('ok') }) } },
    handle: () => ({ status: 200, headers: { 'cache-control': 'no-store' }, body: { status: 'ok' } }),
  });
}

function readyz({ services }: Floor): Route {
  return route({
    ...OPERATION,
    path: '/readyz',
    operation: 'isReady',
    summary: 'The engine decides, the store takes writes, and the views are caught up',
    access: 'public',
    answers: { 200: { description: 'Ready.', schema: closed({ status: Type.Literal('ready') }) } },
    problems: ['not-ready'],
    async handle() {
      const faults = [...engineFaults(services.engine.health), ...(await storeFaults(services)), ...viewFaults(services)];
      if (faults.length > 0) throw problem('not-ready', faults.join('; '), { members: { faults }, headers: { 'retry-after': '2' } });
      return { status: 200, headers: { 'cache-control': 'no-store' }, body: { status: 'ready' } };
    },
  });
}

function engineFaults(health: Floor['services']['engine']['health']): string[] {
  return health.state === 'ready' ? [] : [`the engine is ${health.state}`];
}

/** Waits a bounded time, because a database that hangs is not ready either. */
async function storeFaults({ store, clock }: Floor['services']): Promise<string[]> {
  const late = Promise.withResolvers<string[]>();
  const callOff = clock.after(PING_TIMEOUT_MS, () => late.resolve([`the store did not answer within ${PING_TIMEOUT_MS / 1000} s`]));
  const answered = store.ping().then(
    () => [],
    () => ['the store does not take writes'],
  );
  try {
    return await Promise.race([answered, late.promise]);
  } finally {
    callOff();
  }
}

function viewFaults(services: Floor['services']): string[] {
  if (services.views.failure !== undefined) return ['the views have stopped'];
  const lag = viewLag(services);
  return lag > VIEW_LAG_READY_MAX ? [`the views are ${lag} commits behind`] : [];
}

function metrics({ metrics }: Floor): Route {
  return route({
    ...OPERATION,
    path: '/metrics',
    operation: 'getMetrics',
    summary: 'Figures in the text format of Prometheus',
    access: 'public',
    answers: { 200: { description: 'Figures.', type: 'text/plain' } },
    handle: async () => ({ status: 200, headers: { 'cache-control': 'no-store' }, text: await metrics.text(), type: metrics.type }),
  });
}

function system({ services }: Floor): Route {
  const { version, store, engine, feed, views, clock } = services;
  const startedAt = rfc3339(clock.now());
  return route({
    ...OPERATION,
    path: '/v1/system',
    operation: 'getSystem',
    summary: 'What runs here, and how far it has come',
    access: 'read',
    answers: {
      200: {
        description: 'The system.',
        schema: closed({
          version: Type.String(),
          engine: Type.String(),
          partitions: Type.Integer(),
          health: Type.String(),
          startedAt: Type.String({ format: 'date-time' }),
          cursor: Type.String(),
          owners: Type.Array(closed({ partition: Type.Integer(), owner: Type.String(), head: Type.Integer() })),
          consumers: Type.Array(closed({ name: Type.String(), lag: Type.Integer({ description: 'Commits behind.' }), checkpoints: Type.Array(Type.Integer()) })),
          figures: closed({ inbox: Type.Integer(), residents: Type.Integer(), conflicts: Type.Integer(), commits: Type.Integer(), events: Type.Integer(), appendSeconds: Type.Number(), feedListeners: Type.Integer() }),
        }),
      },
    },
    handle: () => ({
      status: 200,
      body: {
        version,
        engine: store.engine,
        partitions: engine.partitions,
        health: engine.health.state,
        startedAt,
        cursor: engine.cursor,
        // Every node decides every partition and the store's expected positions keep them apart.
        owners: engine.heads.map((head, partition) => ({ partition, owner: 'any', head })),
        consumers: [{ name: 'views', lag: viewLag(services), checkpoints: views.checkpoints }],
        figures: { ...engine.figures, feedListeners: feed.listeners },
      },
    }),
  });
}
