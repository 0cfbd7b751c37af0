/** One process of the simulation: the real engine, projector, timers, queue worker and prices on a handle of the shared store. */
import { systemClock, type Clock, type HandClock } from '../../src/base/clock.ts';
import { isFault } from '../../src/base/errors.ts';
import { ids } from '../../src/base/ids.ts';
import type { Random } from '../../src/base/random.ts';
import type { MemoryStore } from '../../src/engines/memory/memory.ts';
import { BundleThresholds, Pricing, rooms, type Command } from '../../src/processes/processes.ts';
import { Consumer, Engine, Projector, QueueWorker, Timers } from '../../src/runtime/runtime.ts';
import type { Luck, Weather } from './weather.ts';

const VIEWS_LOOK_MS = 20;

export class Node {
  readonly name: string;
  readonly store: MemoryStore;
  readonly luck: Luck;
  readonly engine: Engine<Command>;
  readonly worker: QueueWorker<Command>;
  readonly pricing: Pricing;
  readonly #bundles: Consumer;
  alive = true;
  /** Set once it takes commands. */
  started = false;
  readonly #clock: Clock;
  readonly #projector: Projector;
  readonly #timers: Timers<Command>;
  #projecting = false;
  /** By how much its machine's clock was set wrong since it runs. */
  #steppedMs = 0;
  #paused = false;
  #pile: (() => void)[] = [];

  constructor(options: { name: string; store: MemoryStore; luck: Luck; clock: HandClock; random: Random; weather: Weather; skewMs: number; alone: boolean }) {
    const { name, store, luck, clock, random, weather, skewMs } = options;
    this.name = name;
    this.store = store;
    this.luck = luck;
    const bootedMs = clock.now();
    const time = systemClock({ wall: () => clock.now() + skewMs + this.#steppedMs, monotonic: () => clock.now() - bootedMs });
    // What a killed process had planned never happens.
    this.#clock = { now: () => time.now(), after: (delayMs, task) => clock.after(delayMs, () => this.whenAwake(task)) };
    const common = { store, clock: this.#clock, random };
    const defer = (task: () => void): void => void this.#clock.after(0, task);
    this.engine = new Engine({ ...common, room: rooms, ids: ids(random), alone: options.alone, residentStatesMax: weather.residentStatesMax, defer });
    this.#timers = new Timers({ ...common, engine: this.engine, room: rooms });
    this.worker = new QueueWorker<Command>({ ...common, engine: this.engine, queue: 'commands', toCommand: (body) => body as unknown as Command }); // what the simulation puts there
    this.#projector = new Projector({ store, room: rooms as never }); // it folds and never decides
    this.pricing = new Pricing({ ...common, engine: this.engine, holder: name, views: { covers: (positions) => this.#viewsCover(positions) }, defer });
    this.#bundles = new Consumer({ ...common, engine: this.engine, holder: name, listener: new BundleThresholds({ engine: this.engine, clock: this.#clock }), defer });
  }

  /** Looks a moment later: views follow when somebody lets them. */
  #viewsCover(positions: readonly number[]): Promise<boolean> {
    return new Promise((resolve) => void this.#clock.after(VIEWS_LOOK_MS, () => resolve(positions.every((position, log) => (this.#projector.checkpoints[log] ?? 0) >= position))));
  }

  /** What reaches a process that is stopped waits until it goes on: timers that came due, requests in its sockets. */
  whenAwake(task: () => void): void {
    if (!this.alive) return;
    if (this.#paused) this.#pile.push(task);
    else task();
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** As SIGSTOP and SIGCONT do. */
  pause(): void {
    this.#paused = true;
    this.store.pause();
  }

  resume(): void {
    this.#paused = false;
    this.store.resume();
    for (const task of this.#pile.splice(0)) this.whenAwake(task);
  }

  /** Somebody sets the clock of its machine. */
  stepClock(ms: number): void {
    this.#steppedMs += ms;
  }

  /** Gives up where the store is away: whoever boots it tries again with a new one. */
  async start(): Promise<void> {
    try {
      await this.engine.start();
      await this.#timers.start();
      await this.#projector.start();
    } catch (error) {
      if (!isFault(error)) throw error;
      return this.end();
    }
    this.worker.start();
    this.pricing.start();
    this.#bundles.start();
    this.started = true;
  }

  /** One step of saving states, unless one is under way. */
  async project(): Promise<void> {
    if (this.#projecting || !this.started) return;
    this.#projecting = true;
    try {
      await this.#projector.step();
      this.engine.saved(this.#projector.checkpoints);
    } catch (error) {
      if (!isFault(error)) throw error; // the next step begins again from what is saved
    } finally {
      this.#projecting = false;
    }
  }

  async follow(): Promise<void> {
    try {
      await this.engine.follow();
    } catch (error) {
      if (!isFault(error)) throw error;
    }
  }

  /** As `kill -9` does. */
  kill(random: Random): void {
    this.end();
    this.store.kill(random);
  }

  end(): void {
    this.alive = false;
    this.#timers.close();
  }
}
