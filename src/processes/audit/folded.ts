import { hash32 } from '../../base/hash.ts';
import type { Item } from '../../rooms/inventory/inventory.ts';
import { ANSWERED, isAnswerKey, remember, ANSWER_RETENTION_MS, type Remembered } from '../../runtime/runtime.ts';
import type { Commit, EventRecord, LogStore, Position } from '../../store/store.ts';
import { rooms } from '../rooms.ts';
import { Balance } from './balance.ts';
import { Books } from './books.ts';
import type { Tell } from './violation.ts';

/** One log, folded from its first fact on. Whatever cannot be right is told on the way. */
export class FoldedLog {
  readonly log: number;
  readonly states = new Map<string, unknown>();
  /** How far it is folded. */
  reached: Position = 0;
  facts = 0;
  /** Rows of the view that says which commits are about which item. */
  itemFacts = 0;
  readonly #source: LogStore;
  readonly #partitions: number;
  readonly #tell: Tell;
  readonly #books: Books;
  readonly #onFacts: (count: number) => void;
  #time = Number.NEGATIVE_INFINITY;
  #broken = false;
  readonly #around: { get(key: string): unknown; set(key: string, state: unknown): void };

  constructor(options: { log: number; source: LogStore; partitions: number; tell: Tell; onFacts: (count: number) => void }) {
    this.log = options.log;
    this.#source = options.source;
    this.#partitions = options.partitions;
    this.#tell = options.tell;
    this.#onFacts = options.onFacts;
    this.#books = new Books(options.log, options.tell);
    this.#around = { get: (key) => this.states.get(key), set: (key, state) => void (state === undefined ? this.states.delete(key) : this.states.set(key, state)) };
  }

  /** Folds up to a position. False where the log cannot be read so far: what it was folded to says nothing then. */
  async advance(upTo: Position): Promise<boolean> {
    if (this.#broken) return false;
    if (this.reached >= upTo) return true;
    try {
      for await (const commit of this.#source.read(this.log, this.reached)) {
        this.take(commit);
        if (this.reached >= upTo) return true;
      }
      this.#tell({ check: 'positions', log: this.log, position: this.reached, expected: String(upTo), found: String(this.reached), message: `the log ends at ${this.reached} and is said to go to ${upTo}` });
    } catch (error) {
      this.#tell({ check: 'readable', log: this.log, position: this.reached + 1, message: error instanceof Error ? error.message : String(error) });
    }
    this.#broken = true;
    return false;
  }

  /** Folds the next commit. */
  take(commit: Commit): void {
    if (commit.position !== this.reached + 1) this.#tell({ check: 'positions', log: this.log, position: commit.position, expected: String(this.reached + 1), found: String(commit.position), message: `commits ${this.reached + 1} to ${commit.position - 1} are missing` });
    this.#fold(commit);
    this.reached = commit.position;
  }

  /** Compares the sums of every item with its books, and gives what is promised beside what has it. */
  balance(): Balance {
    const balance = new Balance();
    for (const [key, state] of this.states) {
      if (key[0] === 'i') this.#books.compare(key, state as Item); // under `i/` keys there are items only
      balance.enter(key, state);
    }
    return balance;
  }

  #fold({ position, events }: Commit): void {
    this.facts += events.length;
    this.#onFacts(events.length);
    const seen = events.length === 1 ? undefined : new Set<string>();
    for (const event of events) {
      this.#place(event, position);
      if ((event.key[0] === 'i' || event.key[0] === 'l') && seen?.has(event.key) !== true) {
        seen?.add(event.key);
        this.itemFacts++;
      }
      if (event.type === ANSWERED) this.#answer(event, position);
      else this.#evolve(event, position);
    }
  }

  #place({ key, type, time }: EventRecord, position: Position): void {
    const log = isAnswerKey(key) ? hash32(key) % this.#partitions : rooms.logOf(key, this.#partitions);
    if (log !== this.log) this.#tell({ check: 'placement', log: this.log, position, key, expected: `log ${log}`, found: `log ${this.log}`, message: `${type} is in a log that its key does not belong to` });
    if (time < this.#time) this.#tell({ check: 'time', log: this.log, position, key, expected: `${this.#time} or later`, found: String(time), message: `${type} is earlier than a fact before it` });
    else this.#time = time;
  }

  #answer(event: EventRecord, position: Position): void {
    const before = this.states.get(event.key) as Remembered | undefined; // under `k/` keys there are answers only
    if (before && event.time < before.at + ANSWER_RETENTION_MS) {
      this.#tell({ check: 'answers', log: this.log, position, key: event.key, expected: `the answer of ${new Date(before.at).toISOString()}`, found: 'another one', message: 'a request was answered a second time while its first answer was to be given again' });
    }
    this.states.set(event.key, remember(event));
  }

  #evolve(event: EventRecord, position: Position): void {
    try {
      if (event.key[0] === 'i') this.#books.add(event, position);
      rooms.evolve(event, this.#around);
    } catch (error) {
      this.#tell({ check: 'folding', log: this.log, position, key: event.key, message: `${event.type} does not fit what came before it: ${error instanceof Error ? error.message : String(error)}` });
    }
  }
}

/** Answers that are remembered no longer may have been forgotten. */
export function mayBeForgotten(key: string, state: unknown, nowMs: number): boolean {
  return isAnswerKey(key) && (state as Remembered).at + ANSWER_RETENTION_MS <= nowMs; // under `k/` keys there are answers only
}

