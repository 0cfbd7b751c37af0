import { systemClock, type Clock } from '../base/clock.ts';
import { ids as makeIds } from '../base/ids.ts';
import { systemRandom } from '../base/random.ts';
import type { Json } from '../base/json.ts';
import { Feed } from '../distribution/feed/feed.ts';
import type { Rebuilding, Services } from '../http/http.ts';
import { rooms, roomsWith, startConsumers, type Command } from '../processes/processes.ts';
import type { HoldCaps } from '../rooms/inventory/inventory.ts';
import { DONE_RETENTION_MS, Engine, Lag, QueueWorker, Timers, withLog } from '../runtime/runtime.ts';
import { diskOf } from './disk.ts';
import { boundGarbage } from './heap.ts';
import { claimPlace, openStore, type StorePlace } from './open-store.ts';
import { startArchiving } from './archiving.ts';
import { ARCHIVE_AFTER_MS, type ArchivePolicy } from './config.ts';
import { refuseUnfinished } from './migrate/migrate.ts';
import { isOfAnotherForm } from './projection-loop.ts';
import { loadProjection, type LoadedProjection, type Projection } from './projection.ts';
import { startSharedPrices, type RedisPlace } from './shared-prices.ts';
import type { Tracer } from './tracing/tracing.ts';
import { VERSION } from './version.ts';

export interface HoldfastOptions {
  readonly place: StorePlace;
  /** The views' thread, where it was begun before this. */
  readonly projection?: LoadedProjection;
  /** How many logs a new store gets; 16 unless given. */
  readonly partitions?: number;
  readonly clock?: Clock;
  /** When old commits move to the archive: after 30 days unless said otherwise. */
  readonly archive?: ArchivePolicy;
  /** Hears of what goes wrong in the background and is tried again. */
  readonly onTrouble?: (message: string) => void;
  /** Follows requests to what becomes of them. */
  readonly tracer?: Tracer | undefined;
  /** Told how making states and views again stands: when it was asked for, and at the start on views of another form. */
  readonly onRebuilding?: (status: Rebuilding) => void;
  /** The only folder that modules of pricing policies are loaded from, or `off`; anywhere unless given. */
  readonly modules?: string | undefined;
  /** Whether alerts and prices follow here, or where the store is opened next: a command has other things to do. */
  readonly consumers?: 'now' | 'later';
  /** Bounds on what one customer or API key may hold at a time; none unless given. */
  readonly holdCaps?: HoldCaps | undefined;
  /** Commands that may wait at a time; the runtime's own bound unless given. */
  readonly waitingCommandsMax?: number | undefined;
  /** Where prices are copied for shops to read; nowhere unless given. */
  readonly redis?: RedisPlace | undefined;
}

/** A running Holdfast. Whoever opened it disposes of it: that finishes what was accepted and closes the store. */
export interface Holdfast extends Services, AsyncDisposable {
  readonly projection: Projection;
}

/** Forgetting what need not be remembered any longer: how often, and how much at a time. */
const CLEANING_INTERVAL_MS = 60_000;
const CLEANING_STEP = 5_000;
/** Other nodes' facts are looked for at most this often. */
const FOLLOW_INTERVAL_MS = 50;

/** Opens the store in a place, catches up with its log, and begins to work off what was accepted. */
export async function openHoldfast(options: HoldfastOptions): Promise<Holdfast> {
  const { place, clock = systemClock(), tracer, onRebuilding = () => undefined } = options;
  await using opening = new AsyncDisposableStack();
  opening.use(boundGarbage());
  const loaded = opening.use(options.projection ?? loadProjection());
  opening.use(await claimPlace(place));
  const store = opening.use(await openStore(place, { partitions: options.partitions }));
  await refuseUnfinished(store);
  const random = systemRandom();
  const ids = makeIds(random);
  const node = ids.next('node', clock.now(), 0);
  const projecting = loaded.start(place, node, { rebuilding: onRebuilding, switched: () => void store.projections.reopen(), failed: (reason) => options.onTrouble?.(`the views have stopped: ${reason}`) });
  projecting.catch(() => undefined); // it is waited for below
  opening.defer(() => projecting.then((started) => started[Symbol.asyncDispose](), () => undefined));
  // States of another form are made again before anything is decided on them. Else both start side by side.
  if (await isOfAnotherForm(store)) await projecting;
  // The engine reads the archive only where the views are made again: else it starts also where that cannot be read.
  const log = { ...store.log, trimmedTo: (id: number): Promise<number> => store.live.trimmedTo(id) };
  const engine = new Engine({ store: withLog(store, log), room: options.holdCaps === undefined ? rooms : roomsWith(options.holdCaps), clock, random, ids, alone: place.engine === 'sqlite', waitingMax: options.waitingCommandsMax, ...(tracer ? { follow: tracer.follow } : undefined) });
  opening.defer(() => engine.close());
  const timers = new Timers({ engine, store, room: rooms, clock });
  opening.defer(() => timers.close());
  const [projection] = await Promise.all([projecting, engine.start()]);
  projection.onProgress((checkpoints) => engine.saved(checkpoints));
  engine.onCommitted(() => projection.advance());
  engine.crowd.onHurry(() => projection.hurry());
  await timers.start();
  const commands = new QueueWorker<Command>({ engine, store, clock, random, queue: 'commands', toCommand, around: tracer?.around });
  opening.defer(() => commands.close());
  commands.start();
  const feed = new Feed({ store, engine });
  opening.defer(() => feed.close());
  tracer?.watch({ engine, feed, projection });
  const lag = new Lag(engine, clock);
  opening.defer(() => lag.close());
  opening.defer(followOthers(place, store, engine));
  opening.defer(clean(store, clock));
  const policy = options.archive ?? (store.archive ? { afterMs: ARCHIVE_AFTER_MS } : 'off');
  const archiving = opening.use(startArchiving({ place, store, policy, clock, holder: node, onTrouble: options.onTrouble }));
  const consumers = opening.use(startConsumers({ store, engine, views: projection, clock, node, modules: options.modules, onTrouble: options.onTrouble, hear: options.consumers }));
  projection.advance();
  const sharedPrices = options.redis && opening.use(await startSharedPrices(options.redis, { store, engine, clock, onTrouble: options.onTrouble }));
  const open = opening.move();
  return {
    version: VERSION,
    node,
    store,
    engine,
    commands,
    views: projection,
    projection,
    feed,
    timers,
    lag,
    consumers,
    sharedPrices,
    disk: place.engine === 'sqlite' ? () => diskOf(place.directory) : undefined,
    clock,
    random,
    ids,
    archiving,
    tracing: tracer,
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** Messages of the command queue are commands that were checked before they were put there. */
function toCommand(body: Json): Command {
  return body as unknown as Command;
}

/** Takes in what other nodes append, where there can be others. */
function followOthers(place: StorePlace, store: Services['store'], engine: Services['engine']): () => void {
  if (place.engine === 'sqlite') return () => undefined;
  let planned: NodeJS.Timeout | undefined;
  const stop = store.log.watch(() => {
    planned ??= setTimeout(() => {
      planned = undefined;
      engine.follow().catch(() => undefined); // the store is away: the next append or the next call back finds out
    }, FOLLOW_INTERVAL_MS);
  });
  return () => {
    stop();
    clearTimeout(planned);
  };
}

/** Forgets answers and finished messages that are older than promised. */
function clean(store: Services['store'], clock: Clock): () => void {
  const timer = setInterval(() => {
    const now = clock.now();
    Promise.all([store.projections.dropDueStates('k/', now, CLEANING_STEP), store.queue.purge(now - DONE_RETENTION_MS, CLEANING_STEP)]).catch(() => undefined); // tried again in a minute
  }, CLEANING_INTERVAL_MS);
  timer.unref();
  return () => clearInterval(timer);
}
