import { rfc3339 } from '../../base/clock.ts';
import { isFault } from '../../base/errors.ts';
import type { Floor } from '../floor.ts';
import { PING_TIMEOUT_MS, VIEW_LAG_READY_MAX } from '../limits.ts';
import { consumersOf, viewLag } from '../metrics.ts';
import { problem } from '../problem.ts';
import { route, type Route } from '../route.ts';
import { closed } from '../schemas.ts';
import { Type } from '../type.ts';

export function operationRoutes(floor: Floor): Route[] {
  return [healthz(), readyz(floor), metrics(floor), system(floor), rebuild(floor)];
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
      const checks = { engine: engineFaults(services.engine.health), store: await storeFaults(services), views: viewFaults(services), consumers: consumerFaults(services) };
      const faults = Object.values(checks).flat();
      const failed = Object.entries(checks).flatMap(([check, faults]) => (faults.length > 0 ? [check] : []));
      if (faults.length > 0) throw problem('not-ready', faults.join('; '), { members: { failed, faults }, headers: { 'retry-after': '2' } });
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
    (error: unknown) => [isFault(error, 'storage-full') ? 'the store is full' : 'the store does not take writes'],
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

function consumerFaults({ consumers: { lowStock, pricing, bundles } }: Floor['services']): string[] {
  return [lowStock, pricing.consumer, bundles].flatMap(({ name, failure }) => (failure === undefined ? [] : [`the consumer ${name} has stopped`]));
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
  const { version, node, store, engine, feed, clock } = services;
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
          node: Type.String({ description: 'The process that answers.' }),
          engine: Type.String(),
          durability: Type.String({ description: 'What has happened to a write before it is answered.' }),
          partitions: Type.Integer(),
          health: Type.String(),
          startedAt: Type.String({ format: 'date-time' }),
          cursor: Type.String(),
          owners: Type.Array(closed({ partition: Type.Integer(), owner: Type.String({ description: 'The only process that decides for it; `any` where all that share the store do.' }), head: Type.Integer() })),
          rebuild: rebuilding,
          consumers: Type.Array(
            closed({
              name: Type.String(),
              lag: Type.Integer({ description: 'Commits behind.' }),
              lagFacts: Type.Integer({ description: 'Facts behind, of those since this process began.' }),
              lagSeconds: Type.Number({ description: 'Age of the oldest commit that is missing; 0 where none is.' }),
              checkpoints: Type.Array(Type.Integer()),
            }),
          ),
          figures: closed({ inbox: Type.Integer(), residents: Type.Integer(), conflicts: Type.Integer(), commits: Type.Integer(), events: Type.Integer(), appendSeconds: Type.Number(), feedListeners: Type.Integer() }),
        }),
      },
    },
    handle: () => ({
      status: 200,
      body: {
        version,
        node,
        engine: store.engine,
        durability: store.durability,
        partitions: engine.partitions,
        health: engine.health.state,
        startedAt,
        cursor: engine.cursor,
        // Where a store is shared every node decides every partition, and the store's expected positions keep them apart.
        owners: engine.heads.map((head, partition) => ({ partition, owner: engine.alone ? node : 'any', head })),
        rebuild: services.views.rebuilding,
        consumers: consumersOf(services).map(({ name, checkpoints, behind }) => ({ name, lag: behind.commits, lagFacts: behind.facts, lagSeconds: behind.seconds, checkpoints })),
        figures: { ...engine.figures, commits: engine.tally.commits, events: engine.tally.facts, appendSeconds: engine.tally.appendSeconds.sum, feedListeners: feed.listeners },
      },
    }),
  });
}

const rebuilding = closed({
  state: Type.Enum(['idle', 'running', 'failed']),
  done: Type.Integer({ description: 'Commits of the log that were read.' }),
  total: Type.Integer({ description: 'Commits that there are.' }),
  reason: Type.Optional(Type.String({ description: 'Why it failed; the views are those from before.' })),
});

function rebuild({ services: { views } }: Floor): Route {
  return route({
    method: 'POST',
    path: '/v1/views/rebuild',
    operation: 'rebuildViews',
    summary: 'Make all saved states and views again from the log; reads are answered from the old ones until they are done',
    tag: 'Operation',
    access: 'admin',
    answers: { 202: { description: 'It runs, or ran already. `/v1/system` tells how far it is.', schema: rebuilding } },
    handle() {
      views.rebuild();
      return { status: 202, body: views.rebuilding };
    },
  });
}
