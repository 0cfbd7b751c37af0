/** One process of the simulation: the real engine, projector, timers and queue worker on a handle of the shared store. */
import type { Clock, HandClock } from '../../src/base/clock.ts';
import { isFault } from '../../src/base/errors.ts';
import { ids } from '../../src/base/ids.ts';
import { below, chance, type Random } from '../../src/base/random.ts';
import type { Faults, MemoryStore, Operation, Verdict } from '../../src/engines/memory/memory.ts';
import { inventory, type InventoryCommand } from '../../src/rooms/inventory/inventory.ts';
import { Engine, Projector, QueueWorker, Timers } from '../../src/runtime/runtime.ts';

/** How bad the luck of one run is: probabilities, and milliseconds. */
export interface Weather {
  readonly lost: number;
  readonly late: number;
  readonly away: number;
  readonly full: number;
  readonly broken: number;
  readonly slowMs: number;
  readonly residentStatesMax: number;
  readonly skewMs: number;
}

/** Decides about every call of one handle; `calm` makes the sky clear. */
export class Luck implements Faults {
  calm = true;
  readonly #random: Random;
  readonly #weather: Weather;

  constructor(random: Random, weather: Weather) {
    this.#random = random;
    this.#weather = weather;
  }

  before(operation: Operation): Verdict {
    if (this.calm) return { type: 'ok' };
    const { lost, late, away, full, broken, slowMs } = this.#weather;
    const beforeMs = chance(this.#random, 0.7) ? below(this.#random, slowMs) : 0;
    const afterMs = chance(this.#random, 0.3) ? below(this.#random, slowMs) : 0;
    const writes = operation === 'append' || operation === 'queue-write' || operation === 'apply';
    const drawn = this.#random.u32() / 0x1_0000_0000;
    if (writes && drawn < lost) return { type: 'lost-answer', beforeMs, afterMs };
    if (writes && drawn < lost + late) return { type: 'late', beforeMs, afterMs: below(this.#random, 40 * slowMs) };
    if (drawn < lost + late + away) return { type: 'fail', code: 'unavailable', beforeMs };
    if (operation === 'append' && drawn < lost + late + away + full) return { type: 'fail', code: 'storage-full', beforeMs };
    if (operation === 'append' && drawn < lost + late + away + full + broken) return { type: 'fail', code: 'storage-failed', beforeMs };
    return { type: 'ok', beforeMs, afterMs };
  }
}

export class Node {
  readonly name: string;
  readonly store: MemoryStore;
  readonly luck: Luck;
  readonly engine: Engine<InventoryCommand>;
  readonly worker: QueueWorker<InventoryCommand>;
  alive = true;
  /** Set once it takes commands. */
  started = false;
  readonly #clock: Clock;
  readonly #projector: Projector;
  readonly #timers: Timers<InventoryCommand>;
  #projecting = false;

  constructor(options: { name: string; store: MemoryStore; luck: Luck; clock: HandClock; random: Random; weather: Weather; skewMs: number; alone: boolean }) {
    const { name, store, luck, clock, random, weather, skewMs } = options;
    this.name = name;
    this.store = store;
    this.luck = luck;
    // What a killed process had planned never happens.
    this.#clock = {
      now: () => clock.now() + skewMs,
      after: (delayMs, task) => clock.after(delayMs, () => (this.alive ? task() : undefined)),
    };
    const common = { store, clock: this.#clock, random };
    const defer = (task: () => void): void => void this.#clock.after(0, task);
    this.engine = new Engine({ ...common, room: inventory, ids: ids(random), alone: options.alone, residentStatesMax: weather.residentStatesMax, defer });
    this.#timers = new Timers({ ...common, engine: this.engine, room: inventory });
    this.worker = new QueueWorker<InventoryCommand>({ ...common, engine: this.engine, queue: 'commands', toCommand: (body) => body as unknown as InventoryCommand }); // what the simulation puts there
    this.#projector = new Projector({ store, room: inventory as never }); // it folds and never decides
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
