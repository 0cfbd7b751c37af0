import { collectDefaultMetrics, Registry } from 'prom-client';
import { Distribution, type Spread } from '../base/distribution.ts';
import { Exposition, type Labels } from './exposition.ts';
import type { Services } from './services.ts';

/** Upper bounds in seconds: fine where holds are, coarse where long polls are. */
const BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30] as const;
const CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;

/** Gauges of the client library whose names promise a counter; each has its values by type beside it. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'] as const;

const STATES = ['ready', 'recovering', 'failed', 'closed'] as const;

/** How long a route's answers took, by class of status. Two array writes a request, where a labelled histogram costs a microsecond. */
export class RouteTimes {
  readonly method: string;
  readonly route: string;
  readonly #byClass = CLASSES.map(() => new Distribution(BOUNDS));

  constructor(method: string, route: string) {
    this.method = method;
    this.route = route;
  }

  observe(status: number, seconds: number): void {
    const kind = Math.min(CLASSES.length - 1, Math.max(0, Math.floor(status / 100) - 1));
    this.#byClass[kind]?.observe(seconds);
  }

  /** For the classes that occurred. */
  *spreads(): Generator<readonly [Labels, Spread]> {
    for (const [kind, status] of CLASSES.entries()) {
      const spread = this.#byClass[kind];
      if (spread && spread.count > 0) yield [{ method: this.method, route: this.route, status }, spread];
    }
  }
}

/**
 * What the service counts and measures about itself, as Prometheus reads it. Nothing is worked out before somebody
 * asks: whoever does the work keeps plain counts, and an answer here reads them.
 */
export class Metrics {
  readonly #services: Services;
  readonly #process = new Registry();
  readonly #routes: RouteTimes[] = [];
  /** Counted here and read when somebody asks. */
  readonly holds = { granted: 0, refused: 0 };
  /** Who is connected for longer than an answer takes. */
  streams: { readonly count: number; readonly waiting: number } = { count: 0, waiting: 0 };

  constructor(services: Services) {
    this.#services = services;
    collectDefaultMetrics({ register: this.#process });
    for (const name of MISNAMED) this.#process.removeSingleMetric(name);
  }

  route(method: string, route: string): RouteTimes {
    const times = new RouteTimes(method, route);
    this.#routes.push(times);
    return times;
  }

  async text(): Promise<string> {
    const to = new Exposition();
    this.#http(to);
    engineFigures(to, this.#services);
    consumerFigures(to, this.#services);
    priceFigures(to, this.#services);
    this.#feed(to);
    await queueFigures(to, this.#services);
    await diskFigures(to, this.#services);
    archiveFigures(to, this.#services);
    return `${to.text}${await this.#process.metrics()}`;
  }

  get type(): string {
    return this.#process.contentType;
  }

  #http(to: Exposition): void {
    const { version, store } = this.#services;
    to.gauge('holdfast_build_info', 'Always 1; its labels say what runs.', [[{ version, engine: store.engine, node: process.version }, 1]]);
    to.histogram('holdfast_http_request_duration_seconds', 'Time from the arrival of a request to the end of its answer.', this.#routes.flatMap((times) => [...times.spreads()]));
    to.counter('holdfast_holds_granted_total', 'Holds that were made or changed.', this.holds.granted);
    to.counter('holdfast_holds_refused_total', 'Holds that were refused for want of stock or by a limit.', this.holds.refused);
  }

  #feed(to: Exposition): void {
    const { live, reading, waitingFacts, slowestCommits, deliveries, cutOff, handOutSeconds } = this.#services.feed.figures;
    const { count, waiting } = this.streams;
    to.gauge('holdfast_feed_listeners', 'Listeners that are given facts as they are committed (live), and that still read the store (reading).', [
      [{ state: 'live' }, live],
      [{ state: 'reading' }, reading],
    ]);
    to.gauge('holdfast_http_event_streams', 'Open event streams.', count);
    to.gauge('holdfast_http_long_polls', 'Long polls that wait for a fact.', waiting);
    to.gauge('holdfast_feed_waiting_facts', 'Facts that wait for listeners who are full.', waitingFacts);
    to.gauge('holdfast_feed_slowest_listener_lag_commits', 'Commits that the slowest listener has not been given.', slowestCommits);
    to.counter('holdfast_feed_deliveries_total', 'Facts given to live listeners, once for each of them.', deliveries);
    to.counter('holdfast_feed_cut_off_total', 'Listeners that were cut off because too much waited for them.', cutOff);
    to.histogram('holdfast_feed_hand_out_duration_seconds', 'Time from a commit until every live listener was given its facts.', [[{}, handOutSeconds]]);
  }
}

function engineFigures(to: Exposition, { engine, store, timers }: Services): void {
  const { inbox, residents, conflicts } = engine.figures;
  const { decided, refused, replayed, commits, facts, appendSeconds, appendFacts } = engine.tally;
  const { state } = engine.health;
  to.gauge('holdfast_engine_ready', '1 where the engine takes commands.', state === 'ready' ? 1 : 0);
  to.gauge('holdfast_engine_state', '1 for the state that the engine is in.', STATES.map((one) => [{ state: one }, one === state ? 1 : 0]));
  to.gauge('holdfast_engine_inbox_commands', 'Commands that wait to be decided.', inbox);
  to.gauge('holdfast_engine_resident_states', 'States in memory.', residents);
  to.gauge('holdfast_engine_unsaved_states', 'States in memory that have to stay there until the views have saved them.', engine.crowd.unsaved);
  to.counter('holdfast_engine_commands_decided_total', 'Commands that were answered with what they decided.', decided);
  to.counter('holdfast_engine_commands_refused_total', 'Commands that were refused, by the code of the refusal.', Array.from(refused, ([code, count]) => [{ code }, count] as const));
  to.counter('holdfast_engine_commands_replayed_total', 'Commands that were answered with what the same command had come to before.', replayed);
  to.counter('holdfast_engine_commits_total', 'Commits made durable.', commits);
  to.counter('holdfast_engine_facts_total', 'Facts made durable.', facts);
  to.counter('holdfast_engine_conflicts_total', 'Appends lost to another writer.', conflicts);
  to.histogram('holdfast_engine_append_duration_seconds', 'Time from handing an append to the store until it is durable.', [[{}, appendSeconds]]);
  to.histogram('holdfast_engine_append_size_facts', 'Facts of an append.', [[{}, appendFacts]]);
  writeFigures(to, store.writes);
  to.gauge('holdfast_timers_pending', 'Wake-ups in memory: expiries of the next minutes.', timers.size);
  to.histogram('holdfast_timer_lateness_seconds', 'Time from an expiry until its fact is decided, of the first of each group.', [[{}, timers.lateSeconds]]);
}

function writeFigures(to: Exposition, writes: Services['store']['writes']): void {
  if (!writes) return;
  to.histogram('holdfast_store_append_size_bytes', 'Bytes of an append as stored.', [[{}, writes.appendBytes]]);
  if (writes.syncSeconds) to.histogram('holdfast_store_sync_duration_seconds', 'Time that a group of writes took to become durable: the fsync and little else.', [[{}, writes.syncSeconds]]);
}

/** The views, and the feed with those who listen live. */
function consumerFigures(to: Exposition, services: Services): void {
  const consumers = consumersOf(services);
  const each = (read: (consumer: Consumer) => number): [Labels, number][] => consumers.map((consumer) => [{ consumer: consumer.name }, read(consumer)]);
  to.gauge('holdfast_log_commits', 'Commits in all logs: the sum of their heads.', sum(services.engine.heads));
  to.gauge('holdfast_consumer_checkpoint_commits', 'Commits that a consumer has taken in: the sum of its positions.', each(({ checkpoints }) => sum(checkpoints)));
  to.gauge('holdfast_consumer_lag_commits', 'Commits that a consumer has not taken in yet.', each(({ behind }) => behind.commits));
  to.gauge('holdfast_consumer_lag_facts', 'Facts committed since this process began that a consumer has not taken in yet.', each(({ behind }) => behind.facts));
  to.gauge('holdfast_consumer_lag_seconds', 'Age of the oldest commit that a consumer has not taken in yet.', each(({ behind }) => behind.seconds));
  if (services.views.stepSeconds) to.histogram('holdfast_views_step_duration_seconds', 'Time that one step of folding facts into states and views took.', [[{}, services.views.stepSeconds]]);
}

/** Of the process that makes prices; the others leave it out. */
function priceFigures(to: Exposition, { consumers: { pricing } }: Services): void {
  if (!pricing.consumer.isHearing) return;
  const { priced, due } = pricing.figures;
  const { done, total } = pricing.sweep;
  to.gauge('holdfast_pricing_priced_items', 'Items that a policy prices, or compares.', priced);
  to.gauge('holdfast_pricing_due_items', 'Items that wait to be priced because something happened to them.', due);
  to.gauge('holdfast_pricing_sweep_items', 'Of the look at all items after a change of policies or controls: items looked at (done), and about how many there are (total); 0 while there is none.', [
    [{ part: 'done' }, done],
    [{ part: 'total' }, total],
  ]);
}

async function queueFigures(to: Exposition, { store, clock }: Services): Promise<void> {
  const now = clock.now();
  const queues = await Promise.all((await store.queue.queues()).map(async (queue) => ({ queue, ...(await store.queue.depth(queue, now)) })));
  to.gauge('holdfast_queue_messages', 'Messages of a queue by state.', queues.flatMap(({ queue, ready, scheduled, inFlight, deadLettered }) =>
    Object.entries({ ready, scheduled, inFlight, deadLettered }).map(([state, count]) => [{ queue, state }, count] as const)));
  to.gauge('holdfast_queue_oldest_age_seconds', 'Age of the oldest unfinished message of a queue.', queues.map(({ queue, oldestMs }) => [{ queue }, oldestMs === null ? 0 : Math.max(0, now - oldestMs) / 1000]));
}

function archiveFigures(to: Exposition, { archiving, clock }: Services): void {
  const figures = archiving?.figures;
  if (!figures) return;
  const { segments, commits, bytes, failures, lastRunMs, oldestLiveMs } = figures;
  to.gauge('holdfast_archive_segments', 'Segments in the archive.', segments);
  to.gauge('holdfast_archive_commits', 'Commits in the archive.', commits);
  to.gauge('holdfast_archive_size_bytes', 'Bytes of the archive.', bytes);
  to.counter('holdfast_archive_failures_total', 'Runs of the archiver that ended with a fault.', failures);
  to.gauge('holdfast_archive_last_success_timestamp_seconds', 'When a run of the archiver last ended well; 0 before the first.', lastRunMs / 1000);
  to.gauge('holdfast_archive_oldest_live_age_seconds', 'Age of the oldest fact that is not archived.', oldestLiveMs === null ? 0 : Math.max(0, clock.now() - oldestLiveMs) / 1000);
}

async function diskFigures(to: Exposition, { disk }: Services): Promise<void> {
  const figures = await disk?.();
  if (!figures) return;
  to.gauge('holdfast_data_size_bytes', 'Bytes in the data directory, by file.', figures.files.map(({ name, bytes }) => [{ file: name }, bytes]));
  to.gauge('holdfast_data_free_bytes', 'Bytes that may still be written where the data directory is.', figures.freeBytes);
  to.gauge('holdfast_data_capacity_bytes', 'Bytes of the file system where the data directory is.', figures.capacityBytes);
}

export interface Consumer {
  readonly name: string;
  readonly checkpoints: readonly number[];
  readonly behind: { readonly commits: number; readonly facts: number; readonly seconds: number };
}

/** Who follows the log in this process, and how far they are. */
export function consumersOf({ views, feed, lag, consumers, sharedPrices }: Services): Consumer[] {
  const { lowStock, pricing, bundles } = consumers;
  // Those that another process runs are counted there.
  const own = [lowStock, pricing.consumer, bundles].filter((consumer) => consumer.isHearing).map((consumer) => [consumer.name, consumer.heard]);
  const all: Record<string, readonly number[]> = { views: views.checkpoints, feed: feed.handedOut, ...Object.fromEntries(own), ...(sharedPrices && { redis: sharedPrices.copied }) };
  return Object.entries(all).map(([name, checkpoints]) => ({ name, checkpoints, behind: lag.of(checkpoints) }));
}

/** Commits that are durable and not in the views. */
export function viewLag({ engine, views }: Services): number {
  return engine.heads.reduce((lag, head, log) => lag + Math.max(0, head - (views.checkpoints[log] ?? 0)), 0);
}

const sum = (positions: readonly number[]): number => positions.reduce((all, position) => all + position, 0);
