import { hash32 } from '../../base/hash.ts';
import type { Item } from '../../rooms/inventory/inventory.ts';
import { ANSWERED, isAnswerKey, remember, ANSWER_RETENTION_MS, type Remembered } from '../../runtime/runtime.ts';
import type { Commit, EventRecord, LogStore, Position, StoredCommit } from '../../store/store.ts';
import { rooms } from '../rooms.ts';
import { Balance } from './balance.ts';
import { Books } from './books.ts';
import { parsed, readFacts, type Fact } from './facts.ts';
import { copied, mayCount } from './records.ts';
import type { Tell } from './violation.ts';

/** One log, folded from its first fact on. Whatever cannot be right is told on the way. */
export class FoldedLog {
  readonly log: number;
  /** By key: a state, or the text that it is saved as. */
  readonly #states = new Map<string, unknown>();
  /** How far it is folded. */
  reached: Position = 0;
  facts = 0;
  /** Rows of the view that says which commits are about which item. */
  itemFacts = 0;
  readonly #source: LogStore;
  readonly #partitions: number;
  readonly #tell: Tell;
  readonly #books: Books;
  /** Items in a log that they do not belong to. */
  readonly #misplaced = new Set<string>();
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
    this.#around = { get: (key) => this.stateOf(key), set: (key, state) => void (state === undefined ? this.#states.delete(key) : this.#states.set(key, state)) };
  }

  get keys(): string[] {
    return [...this.#states.keys()];
  }

  has(key: string): boolean {
    return this.#states.has(key);
  }

  stateOf(key: string): unknown {
    const state = this.#states.get(key);
    return typeof state === 'string' ? rooms.read(key, state) : state;
  }

  /** A state as it is to be saved. */
  textOf(key: string): string {
    const state = this.#states.get(key);
    if (typeof state === 'string') return state;
    return isAnswerKey(key) ? JSON.stringify(state) : rooms.write(key, state);
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
  take(commit: StoredCommit | Commit): void {
    const facts = 'body' in commit ? readFacts(commit.body, commit) : commit.events.map(parsed);
    if (commit.position !== this.reached + 1) this.#tell({ check: 'positions', log: this.log, position: commit.position, expected: String(this.reached + 1), found: String(commit.position), message: `commits ${this.reached + 1} to ${commit.position - 1} are missing` });
    this.#fold(facts, commit.position);
    this.reached = commit.position;
  }

  /** Compares the sums of every item with its books, and gives what is promised beside what has it. */
  balance(): Balance {
    const balance = new Balance();
    for (const [key, state] of this.#states) {
      if (key[0] === 'i') this.#books.compare(key, state as Item); // under `i/` keys there are items only
      if (typeof state !== 'string') balance.enter(key, state);
      else if (mayCount(key, state)) balance.enter(key, rooms.read(key, state));
    }
    return balance;
  }

  #fold(facts: readonly Fact[], position: Position): void {
    this.facts += facts.length;
    this.#onFacts(facts.length);
    const places = new Set<string>();
    for (const fact of facts) {
      this.#pass(fact, position);
      if (fact.key[0] === 'i') this.#ofItem(fact, position);
      else {
        this.#place(fact, position);
        if (fact.record !== undefined) this.#record(fact.key, fact.record);
        else if (fact.type === ANSWERED) this.#answer(fact, position);
        else this.#evolve(fact, position);
        if (fact.key[0] === 'l') places.add(fact.key);
      }
    }
    this.itemFacts += places.size;
  }

  /** Most facts are about items. Where an item belongs follows from its key, and is looked at once. */
  #ofItem(fact: Fact, position: Position): void {
    const known = this.#books.accountOf(fact.key);
    const account = known ?? this.#books.open(copied(fact.key));
    if (!known || this.#misplaced.has(fact.key)) this.#place(fact, position);
    if (account.position !== position) this.itemFacts++;
    account.position = position;
    try {
      this.#books.add(fact, account, position);
    } catch (error) {
      return this.#tellUnfit(fact, position, error);
    }
    this.#evolve({ type: fact.type, key: account.key, time: fact.time, data: fact.data }, position);
  }

  #pass({ key, type, time }: EventRecord, position: Position): void {
    if (time < this.#time) this.#tell({ check: 'time', log: this.log, position, key, expected: `${this.#time} or later`, found: String(time), message: `${type} is earlier than a fact before it` });
    else this.#time = time;
  }

  #place({ key, type }: EventRecord, position: Position): void {
    const log = isAnswerKey(key) ? hash32(key) % this.#partitions : rooms.logOf(key, this.#partitions);
    if (log === this.log) return;
    this.#misplaced.add(key);
    this.#tell({ check: 'placement', log: this.log, position, key, expected: `log ${log}`, found: `log ${this.log}`, message: `${type} is in a log that its key does not belong to` });
  }

  #record(key: string, text: string): void {
    this.#states.set(this.#states.has(key) ? key : copied(key), copied(text));
  }

  #answer(event: EventRecord, position: Position): void {
    const before = this.#states.get(event.key) as Remembered | undefined; // under `k/` keys there are answers only
    if (before && event.time < before.at + ANSWER_RETENTION_MS) {
      this.#tell({ check: 'answers', log: this.log, position, key: event.key, expected: `the answer of ${new Date(before.at).toISOString()}`, found: 'another one', message: 'a request was answered a second time while its first answer was to be given again' });
    }
    this.#states.set(event.key, remember(event));
  }

  #evolve(event: EventRecord, position: Position): void {
    try {
      rooms.evolve(event, this.#around);
    } catch (error) {
      this.#tellUnfit(event, position, error);
    }
  }

  #tellUnfit({ type, key }: EventRecord, position: Position, error: unknown): void {
    this.#tell({ check: 'folding', log: this.log, position, key, message: `${type} does not fit what came before it: ${error instanceof Error ? error.message : String(error)}` });
  }
}

/** Answers that are remembered no longer may have been forgotten. */
export function mayBeForgotten(key: string, state: unknown, nowMs: number): boolean {
  return isAnswerKey(key) && (state as Remembered).at + ANSWER_RETENTION_MS <= nowMs; // under `k/` keys there are answers only
}

