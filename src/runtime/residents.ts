import { assert } from '../base/assert.ts';
import { EVICTION_STEP, EVICTION_STEP_MAX } from './limits.ts';
import type { States } from './room.ts';

/** One state in memory. `position` is that of the last commit that changed it, durable or not; 0 where it came from a snapshot. */
export interface Entry {
  readonly key: string;
  readonly log: number;
  state: unknown;
  position: number;
  used: number;
}

/**
 * The states in memory. Rule: a key that is not here has no fact after the states consumer's checkpoint, so that its
 * saved state is its state. Hence whatever a later fact has touched stays until the checkpoint has passed that fact.
 */
export class Residents {
  readonly #entries = new Map<string, Entry>();
  #hand = this.#entries.values();
  #epoch = 0;

  get size(): number {
    return this.#entries.size;
  }

  find(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry) entry.used = this.#epoch;
    return entry;
  }

  put(key: string, log: number, state: unknown, position: number): Entry {
    const entry = { key, log, state, position, used: this.#epoch };
    this.#entries.set(key, entry);
    return entry;
  }

  drop(key: string): void {
    this.#entries.delete(key);
  }

  /** Lets go of some states that are saved and were not used lately, until `max` are left or enough were looked at. */
  evict(max: number, checkpoints: readonly number[]): void {
    this.#epoch++;
    // In step with how many came since: a million holds that run out bring as many states.
    const steps = Math.min(EVICTION_STEP_MAX, EVICTION_STEP + 2 * (this.#entries.size - max));
    for (let looked = 0; looked < steps && this.#entries.size > max; looked++) {
      const next = this.#hand.next();
      if (next.done === true) {
        this.#hand = this.#entries.values();
        return;
      }
      const entry = next.value;
      const saved = entry.position <= (checkpoints[entry.log] ?? 0);
      if (saved && entry.used < this.#epoch - 1) this.#entries.delete(entry.key);
    }
  }
}

/** Folds facts into residents, noting what was touched and that it now stands at a position. */
export class Folding implements States {
  readonly #residents: Residents;
  readonly #logOf: (key: string) => number;
  #position = 0;
  #touched: Entry[] = [];

  constructor(residents: Residents, logOf: (key: string) => number) {
    this.#residents = residents;
    this.#logOf = logOf;
  }

  /** The next facts folded belong to the commit at `position`; what they touch is added to `touched`. */
  begin(position: number, touched: Entry[]): void {
    this.#position = position;
    this.#touched = touched;
  }

  get(key: string): unknown {
    const entry = this.#residents.find(key);
    assert(entry, `a fact was folded into ${key}, which is not at hand`);
    this.#touch(entry);
    return entry.state;
  }

  set(key: string, state: unknown): void {
    const entry = this.#residents.find(key) ?? this.#residents.put(key, this.#logOf(key), state, this.#position);
    entry.state = state;
    this.#touch(entry);
  }

  #touch(entry: Entry): void {
    entry.position = this.#position;
    this.#touched.push(entry);
  }
}
