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
 * Parts of the whole: a map grows, and is tidied after many deletions, by moving all of its entries, which takes 20 ms
 * where it has half a million. A part is moved in less than one.
 */
const PARTS = 512;

/** By the end of a key, where numbers count and ids are random; a hash of all of it would cost more than the look-up. */
function partOf(key: string): number {
  const end = key.length - 1;
  return (key.charCodeAt(end) + 11 * key.charCodeAt(end - 1) + 121 * key.charCodeAt(end - 2)) & (PARTS - 1);
}

/**
 * The states in memory. Rule: a key that is not here has no fact after the states consumer's checkpoint, so that its
 * saved state is its state. Hence whatever a later fact has touched stays until the checkpoint has passed that fact.
 */
export class Residents {
  readonly #parts: Map<string, Entry>[] = Array.from({ length: PARTS }, () => new Map());
  readonly #unsaved: Unsaved;
  #size = 0;
  #hand: IterableIterator<Entry>;
  #handPart = 0;
  #epoch = 0;

  constructor(logs: number) {
    this.#unsaved = new Unsaved(logs);
    this.#hand = this.#part(0).values();
  }

  get size(): number {
    return this.#size;
  }

  /** How many of them were changed by a commit that is not known to be saved: these have to stay. */
  get unsaved(): number {
    return this.#unsaved.count;
  }

  /** How many may leave. */
  get saved(): number {
    return this.#size - this.#unsaved.count;
  }

  find(key: string): Entry | undefined {
    const entry = this.#part(partOf(key)).get(key);
    if (entry) entry.used = this.#epoch;
    return entry;
  }

  /** {@link find} that is no use of it. */
  peek(key: string): Entry | undefined {
    return this.#part(partOf(key)).get(key);
  }

  /** Adds a state that is not there. */
  put(key: string, log: number, state: unknown, position: number): Entry {
    const entry = { key, log, state, position: 0, used: this.#epoch };
    this.#part(partOf(key)).set(key, entry);
    this.#size++;
    this.touch(entry, position);
    return entry;
  }

  /** Notes that the commit at a position changes a state. */
  touch(entry: Entry, position: number): void {
    if (entry.position === position) return;
    this.#unsaved.move(entry.log, entry.position, position);
    entry.position = position;
  }

  drop(key: string): void {
    const part = this.#part(partOf(key));
    const entry = part.get(key);
    if (!entry) return;
    part.delete(key);
    this.#size--;
    this.#unsaved.move(entry.log, entry.position, 0);
  }

  /** What the commits of a log up to a position changed is saved. */
  noteSaved(log: number, upTo: number): void {
    this.#unsaved.saved(log, upTo);
  }

  /**
   * Lets go of some states that are saved and were not used lately, until `max` of these are left or enough were looked
   * at. Those that have to stay take no room from them: where all is in a hurry, what was just saved is asked for again.
   */
  evict(max: number, checkpoints: readonly number[]): void {
    this.#epoch++;
    // In step with how many came since: a million holds that run out bring as many states.
    const steps = Math.min(EVICTION_STEP_MAX, EVICTION_STEP + 2 * (this.saved - max));
    for (let looked = 0; looked < steps && this.saved > max; looked++) {
      const next = this.#hand.next();
      if (next.done === true) {
        this.#handPart = (this.#handPart + 1) % PARTS;
        this.#hand = this.#part(this.#handPart).values();
        if (this.#handPart === 0) return;
        continue;
      }
      const entry = next.value;
      const saved = entry.position <= (checkpoints[entry.log] ?? 0);
      if (saved && entry.used < this.#epoch - 1) this.drop(entry.key);
    }
  }

  #part(index: number): Map<string, Entry> {
    return this.#parts[index] as Map<string, Entry>; // every caller's index is one of a part
  }
}

/** Counts the states that are not saved, by the commit that changed each last. */
class Unsaved {
  readonly #logs: { upTo: number; readonly byPosition: Map<number, number> }[];
  #count = 0;

  constructor(logs: number) {
    this.#logs = Array.from({ length: logs }, () => ({ upTo: 0, byPosition: new Map() }));
  }

  get count(): number {
    return this.#count;
  }

  /** A state that one commit changed last is now changed by another, or (0) is gone. */
  move(log: number, from: number, to: number): void {
    this.#add(log, from, -1);
    this.#add(log, to, 1);
  }

  saved(log: number, upTo: number): void {
    const counts = this.#logs[log];
    if (!counts || upTo <= counts.upTo) return;
    counts.upTo = upTo;
    for (const [position, count] of counts.byPosition) {
      if (position > upTo) continue;
      this.#count -= count;
      counts.byPosition.delete(position);
    }
  }

  #add(log: number, position: number, by: 1 | -1): void {
    const counts = this.#logs[log];
    if (!counts || position <= counts.upTo) return;
    const count = (counts.byPosition.get(position) ?? 0) + by;
    if (count === 0) counts.byPosition.delete(position);
    else counts.byPosition.set(position, count);
    this.#count += by;
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
    this.#residents.touch(entry, this.#position);
    this.#touched.push(entry);
  }
}
