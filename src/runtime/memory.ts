import { Fault } from '../base/errors.ts';
import type { Commit, EventRecord, Store } from '../store/store.ts';
import { ANSWERED, isAnswerKey, remember, type Remembered } from './answers.ts';
import { Births } from './births.ts';
import { LOADED_TOGETHER, STATES_OVER } from './limits.ts';
import { Folding, Residents, type Entry } from './residents.ts';
import type { Room, World } from './room.ts';

/** The consumer whose checkpoints say how far states are saved. */
export const STATES = 'states';

/** Facts that were decided together, by log, and the states that they changed. */
export interface Changes {
  readonly events: Map<number, EventRecord[]>;
  readonly touched: Entry[];
}

/** A state wants waking at an instant, by the commit at a position of its log. */
export interface Due {
  readonly key: string;
  readonly dueMs: number;
  readonly position: number;
}

export interface MemoryOptions<Command> {
  readonly store: Pick<Store, 'log' | 'projections' | 'partitions'>;
  readonly room: Omit<Room<Command>, 'wake'>;
  readonly logOf: (key: string) => number;
  /** Saved states kept in memory before those that are unused make room. */
  readonly statesMax: number;
  /** What is being put together, and what is being made durable. */
  readonly batches: { open(): Changes; underWay(): Changes | undefined };
  /** A state came to want waking. */
  readonly wants: (due: Due) => void;
  readonly instants: { now(): number; seen(time: number): void };
  /** Resolves when a reading may be tried again; rejects where nobody waits for it any more. */
  readonly retry: () => Promise<void>;
}

/**
 * The states of a room as decisions read them: folded from facts that are durable and from those that are on their way.
 * It knows how far that is in each log, makes a state that one fact made when somebody asks for it, brings saved ones in,
 * and makes itself agree with the store again after others wrote to it or an append failed.
 */
export class Memory<Command> {
  readonly world: World;
  /** Heads as they are durable, and as they will be once the append under way has succeeded; index = log. */
  readonly durable: number[];
  readonly assigned: number[];
  /** Logs in which others were seen to have written. */
  readonly behind = new Set<number>();
  /** Since {@link beginReading}: keys whose states are not at hand, and whether a state was read that is not durable. */
  readonly misses: string[] = [];
  readUndurable = false;
  readonly #options: MemoryOptions<Command>;
  readonly #room: Omit<Room<Command>, 'wake'>;
  readonly #residents: Residents;
  readonly #births: Births;
  readonly #folding: Folding;
  #checkpoints: readonly number[] = [];
  /** How far states were ever seen to be saved. */
  readonly #savedUpTo: number[];
  /** How often each log was read again: what was asked of the store before that is out of date. */
  readonly #generations: number[];
  #readings = 0;

  constructor(options: MemoryOptions<Command>) {
    const { partitions } = options.store;
    this.#options = options;
    this.#room = options.room;
    this.durable = new Array<number>(partitions).fill(0);
    this.assigned = new Array<number>(partitions).fill(0);
    this.#savedUpTo = new Array<number>(partitions).fill(0);
    this.#generations = new Array<number>(partitions).fill(0);
    this.#residents = new Residents(partitions);
    this.#births = new Births(options.room.births, partitions);
    this.#folding = new Folding(this.#residents, options.logOf);
    this.world = { partitions, get: (key) => this.#look(key) };
  }

  get size(): number {
    return this.#residents.size;
  }

  /** States that have to stay because they are not known to be saved as they are. */
  get unsaved(): number {
    return this.#residents.unsaved;
  }

  /** How often any log was read again. */
  get readings(): number {
    return this.#readings;
  }

  beginReading(): void {
    this.misses.length = 0;
    this.readUndurable = false;
  }

  has(key: string): boolean {
    return this.#residents.find(key) !== undefined;
  }

  /** Those whose states are not at hand, and are to be loaded: what one fact made is made from that when somebody asks for it. */
  missing(keys: readonly string[]): string[] {
    return keys.filter((key) => this.#residents.find(key) === undefined && this.#room.births.instantOf(key) === undefined);
  }

  /** Whether a state may want waking by an instant: no only where it is at hand, is durable, and does not. */
  mayWantWaking(key: string, now: number): boolean {
    const entry = this.#residents.peek(key);
    if (entry?.state === undefined || entry.position > (this.durable[entry.log] ?? 0)) return true;
    const due = this.#room.dueOf(key, entry.state);
    return due !== null && due <= now;
  }

  /** Folds a fact that was decided into the states at once; one that it makes is made when somebody asks for it. */
  record(event: EventRecord, log: number): void {
    const { touched } = this.#options.batches.open();
    this.#fold(event, (this.assigned[log] ?? 0) + 1, touched, 'apart');
    const due = this.#room.births.dueOf(event);
    if (due !== null) this.#options.wants({ key: this.#room.births.keyOf(event) ?? '', dueMs: due, position: (this.assigned[log] ?? 0) + 1 });
  }

  /** The next commit of a log, which is about to be appended with this stored form. */
  assign(log: number, token: string, events: readonly EventRecord[], body: string): Commit {
    const commit = { log, position: (this.assigned[log] ?? 0) + 1, token, events };
    this.#births.add(commit, body);
    this.assigned[log] = commit.position;
    return commit;
  }

  /** Says how far states are saved: what is saved may leave memory. */
  saved(checkpoints: readonly number[]): void {
    this.#checkpoints = [...checkpoints];
    for (const [log, position] of checkpoints.entries()) {
      this.#noteSaved(log, position);
      this.#births.saved(log, position);
    }
    this.#makeRoom();
  }

  #makeRoom(): void {
    const { statesMax } = this.#options;
    if (this.#residents.saved > statesMax) this.#residents.evict(statesMax, this.#checkpoints);
  }

  /** Forgets states that a change that never became durable was folded into. */
  forget(touched: readonly Entry[]): void {
    for (const { key } of touched) this.#residents.drop(key);
  }

  /** Brings saved states into memory, those that are there already excepted. */
  async load(keys: readonly string[]): Promise<void> {
    // Who only asks has nothing saved: without this everything that was ever asked for would stay. Much at a time, because
    // what was not used between two times is taken for unused.
    if (this.#residents.saved > this.#options.statesMax * STATES_OVER) this.#makeRoom();
    for (let from = 0; from < keys.length; from += LOADED_TOGETHER) {
      const byLog = Map.groupBy(keys.slice(from, from + LOADED_TOGETHER), this.#options.logOf);
      await Promise.all([...byLog].map(([log, group]) => this.#loadFrom(log, group)));
    }
  }

  /**
   * Makes memory agree with one log: states touched since the checkpoint are made again from their saved form and the
   * facts after it. Gives the commits that were not known to be durable before; undefined, having changed nothing, where
   * there are more facts than `factsMax`.
   */
  async sync(log: number, factsMax = Number.POSITIVE_INFINITY): Promise<Commit[] | undefined> {
    const { store, instants } = this.#options;
    const known = this.durable[log] ?? 0;
    const checkpoint = (await store.projections.checkpoints(STATES))[log] ?? 0;
    const after = Math.min(known, checkpoint);
    const tail = await this.#readTail(log, after, factsMax);
    if (!tail) return undefined;
    const keys = new Set<string>();
    for (const commit of tail) for (const event of commit.events) for (const key of this.#keysOf(event)) keys.add(key);
    const loaded = await store.projections.loadStates(log, [...keys]);
    if (loaded.upTo < after) throw new Fault('unavailable', `the saved states of log ${log} are older than they were`, { retry: 'soon' });
    this.#noteSaved(log, loaded.upTo);
    this.#generations[log] = (this.#generations[log] ?? 0) + 1;
    this.#readings++;
    for (const key of keys) this.#residents.drop(key);
    this.#births.clear(log);
    this.#admit(log, [...keys], loaded);
    instants.now();
    for (const commit of tail) {
      for (const event of commit.events) {
        instants.seen(event.time);
        if (commit.position > loaded.upTo) this.#fold(event, commit.position, [], 'made');
      }
    }
    this.durable[log] = Math.max(known, tail.at(-1)?.position ?? 0);
    this.assigned[log] = this.durable[log];
    if (loaded.upTo > this.durable[log]) this.behind.add(log);
    return tail.filter((commit) => commit.position > known);
  }

  async #readTail(log: number, after: number, factsMax: number): Promise<Commit[] | undefined> {
    const tail: Commit[] = [];
    let facts = 0;
    for await (const commit of this.#options.store.log.read(log, after)) {
      facts += commit.events.length;
      if (facts > factsMax && tail.length > 0) return undefined;
      tail.push(commit);
    }
    return tail;
  }

  #keysOf(event: EventRecord): string[] {
    return event.type === ANSWERED ? [event.key] : this.#room.keysOf(event);
  }

  #fold(event: EventRecord, position: number, touched: Entry[], births: 'apart' | 'made'): void {
    const first = touched.length;
    this.#folding.begin(position, touched);
    if (event.type === ANSWERED) this.#folding.set(event.key, remember(event));
    else if (births === 'made') this.#room.evolve(event, this.#folding);
    else this.#room.births.evolveApart(event, this.#folding);
    for (let i = first; i < touched.length; i++) {
      const { key, state } = touched[i] as Entry; // within bounds
      if (isAnswerKey(key) || state === undefined) continue;
      const due = this.#room.dueOf(key, state);
      if (due !== null) this.#options.wants({ key, dueMs: due, position });
    }
  }

  #look(key: string): unknown {
    const entry = this.#residents.find(key) ?? this.#born(key);
    if (!entry) {
      this.misses.push(key);
      return undefined;
    }
    if (entry.position > (this.durable[entry.log] ?? 0)) this.readUndurable = true;
    return entry.state;
  }

  /** Makes a state that one fact made: of the batch being put together, or of a commit that is not known to be saved. */
  #born(key: string): Entry | undefined {
    const { births } = this.#room;
    const instant = births.instantOf(key);
    if (instant === undefined) return undefined;
    const { batches, logOf } = this.#options;
    const log = logOf(key);
    const open = batches.open();
    const events = open.events.get(log);
    if (events && instant >= (events[0]?.time ?? 0)) {
      const birth = events.find((event) => births.keyOf(event) === key);
      if (birth) return this.#bear(key, log, birth, (this.assigned[log] ?? 0) + 1, open.touched);
    }
    const commit = this.#births.take(log, key);
    if (!commit) return undefined;
    // What is not durable has to go again should the append fail.
    const touched = commit.position > (this.durable[log] ?? 0) ? (batches.underWay()?.touched ?? []) : [];
    for (const event of commit.events) {
      const name = births.keyOf(event);
      if (name !== undefined && !this.#residents.find(name)) this.#bear(name, log, event, commit.position, touched);
    }
    return this.#residents.find(key);
  }

  #bear(key: string, log: number, event: EventRecord, position: number, touched: Entry[]): Entry {
    const entry = this.#residents.put(key, log, this.#room.births.stateOf(event), position);
    touched.push(entry);
    return entry;
  }

  async #loadFrom(log: number, keys: readonly string[]): Promise<void> {
    for (;;) {
      const generation = this.#generations[log];
      const loaded = await this.#options.store.projections.loadStates(log, keys);
      if (loaded.upTo < (this.#savedUpTo[log] ?? 0)) {
        // The database was restarted and lost its last steps; what left memory comes back once they are made again.
        await this.#options.retry();
      } else if (generation === this.#generations[log]) {
        this.#noteSaved(log, loaded.upTo);
        if (loaded.upTo > (this.assigned[log] ?? 0)) this.behind.add(log);
        return this.#admit(log, keys, loaded);
      }
    }
  }

  #noteSaved(log: number, upTo: number): void {
    this.#savedUpTo[log] = Math.max(this.#savedUpTo[log] ?? 0, upTo);
    this.#residents.noteSaved(log, upTo);
  }

  #admit(log: number, keys: readonly string[], loaded: { bodies: Map<string, string> }): void {
    for (const key of keys) {
      if (this.#residents.find(key)) continue;
      const body = loaded.bodies.get(key);
      this.#residents.put(key, log, body === undefined ? undefined : this.#readState(key, body), 0);
    }
  }

  #readState(key: string, body: string): unknown {
    return isAnswerKey(key) ? (JSON.parse(body) as Remembered) : this.#room.read(key, body); // written by the projector
  }
}
