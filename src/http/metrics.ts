import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { Services } from './services.ts';

/** Upper bounds in seconds: fine where holds are, coarse where long polls are. */
const BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30] as const;
const CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;

/** How long a route's answers took, by class of status. Two array writes a request, where a labelled histogram costs a microsecond. */
export class RouteTimes {
  readonly method: string;
  readonly route: string;
  readonly #counts = CLASSES.map(() => new Float64Array(BOUNDS.length + 1));
  readonly #sums = new Float64Array(CLASSES.length);

  constructor(method: string, route: string) {
    this.method = method;
    this.route = route;
  }

  observe(status: number, seconds: number): void {
    const kind = Math.min(CLASSES.length - 1, Math.max(0, Math.floor(status / 100) - 1));
    let slot = 0;
    while (slot < BOUNDS.length && seconds > (BOUNDS[slot] as number)) slot++; // within bounds
    const counts = this.#counts[kind] as Float64Array; // there is one for each class
    counts[slot] = (counts[slot] ?? 0) + 1;
    this.#sums[kind] = (this.#sums[kind] ?? 0) + seconds;
  }

  /** Lines of Prometheus' text format, for the classes that occurred. */
  *lines(name: string): Generator<string> {
    for (const [kind, label] of CLASSES.entries()) {
      const counts = this.#counts[kind] as Float64Array; // likewise
      const labels = `method="${this.method}",route="${this.route}",status="${label}"`;
      let total = 0;
      for (const count of counts) total += count;
      if (total === 0) continue;
      let upTo = 0;
      for (const [slot, bound] of [...BOUNDS, '+Inf'].entries()) {
        upTo += counts[slot] ?? 0;
        yield `${name}_bucket{${labels},le="${bound}"} ${upTo}`;
      }
      yield `${name}_sum{${labels}} ${this.#sums[kind]}`;
      yield `${name}_count{${labels}} ${total}`;
    }
  }
}

const DURATION = 'holdfast_http_request_duration_seconds';

/** What the service counts and measures about itself, as Prometheus reads it. */
export class Metrics {
  readonly #services: Services;
  readonly #registry = new Registry();
  readonly #routes: RouteTimes[] = [];
  readonly #depth: Gauge<'queue' | 'state'>;
  readonly #age: Gauge<'queue'>;
  /** Counted here and read when somebody asks. */
  readonly holds = { granted: 0, refused: 0 };

  constructor(services: Services) {
    this.#services = services;
    collectDefaultMetrics({ register: this.#registry });
    this.#depth = new Gauge({ name: 'holdfast_queue_messages', help: 'Messages of a queue by state.', labelNames: ['queue', 'state'], registers: [this.#registry] });
    this.#age = new Gauge({ name: 'holdfast_queue_oldest_age_seconds', help: 'Age of the oldest unfinished message of a queue.', labelNames: ['queue'], registers: [this.#registry] });
    this.#counters();
    this.#gauges();
  }

  route(method: string, route: string): RouteTimes {
    const times = new RouteTimes(method, route);
    this.#routes.push(times);
    return times;
  }

  async text(): Promise<string> {
    const routes = [`# HELP ${DURATION} Time from the arrival of a request to the end of its answer.`, `# TYPE ${DURATION} histogram`];
    await this.#lookAtQueues();
    for (const times of this.#routes) routes.push(...times.lines(DURATION));
    return `${routes.join('\n')}\n\n${await this.#registry.metrics()}`;
  }

  get type(): string {
    return this.#registry.contentType;
  }

  #counters(): void {
    const { engine } = this.#services;
    this.#counter('holdfast_holds_granted_total', 'Holds that were made or changed.', () => this.holds.granted);
    this.#counter('holdfast_holds_refused_total', 'Holds that were refused for want of stock or by a limit.', () => this.holds.refused);
    this.#counter('holdfast_engine_commits_total', 'Commits made durable.', () => engine.figures.commits);
    this.#counter('holdfast_engine_events_total', 'Facts made durable.', () => engine.figures.events);
    this.#counter('holdfast_engine_conflicts_total', 'Appends lost to another writer.', () => engine.figures.conflicts);
    this.#counter('holdfast_engine_append_seconds_total', 'Time spent waiting for appends.', () => engine.figures.appendSeconds);
  }

  #gauges(): void {
    const { engine, feed } = this.#services;
    this.#gauge('holdfast_engine_inbox_commands', 'Commands that wait to be decided.', () => engine.figures.inbox);
    this.#gauge('holdfast_engine_resident_states', 'States in memory.', () => engine.figures.residents);
    this.#gauge('holdfast_engine_ready', '1 where the engine takes commands.', () => (engine.health.state === 'ready' ? 1 : 0));
    this.#gauge('holdfast_feed_listeners', 'Event streams and long polls.', () => feed.listeners);
    this.#gauge('holdfast_view_lag_commits', 'Commits that the views have not folded yet.', () => viewLag(this.#services));
  }

  /** Two gauges that one look at the queues gives. */
  async #lookAtQueues(): Promise<void> {
    const { store, clock } = this.#services;
    const now = clock.now();
    for (const queue of await store.queue.queues()) {
      const { ready, scheduled, inFlight, deadLettered, oldestMs } = await store.queue.depth(queue, now);
      for (const [state, count] of Object.entries({ ready, scheduled, inFlight, deadLettered })) this.#depth.set({ queue, state }, count);
      this.#age.set({ queue }, oldestMs === null ? 0 : Math.max(0, now - oldestMs) / 1000);
    }
  }

  #counter(name: string, help: string, read: () => number): void {
    const counter = new Counter({
      name,
      help,
      registers: [this.#registry],
      collect() {
        counter.reset();
        counter.inc(read());
      },
    });
  }

  #gauge(name: string, help: string, read: () => number): void {
    const gauge: Gauge = new Gauge({ name, help, registers: [this.#registry], collect: () => gauge.set(read()) });
  }
}

/** Commits that are durable and not in the views. */
export function viewLag({ engine, views }: Services): number {
  return engine.heads.reduce((lag, head, log) => lag + Math.max(0, head - (views.checkpoints[log] ?? 0)), 0);
}
