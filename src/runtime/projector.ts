import type { Beside, Commit, EventRecord, RowDelete, RowUpsert, StateRow, Store, Table, Cell } from '../store/store.ts';
import { must } from '../base/assert.ts';
import { conflict } from '../base/errors.ts';
import { ANSWERED, isAnswerKey, remember, type Remembered } from './answers.ts';
import { KeyFilter } from './key-filter.ts';
import { STATES } from './memory.ts';
import { ANSWER_RETENTION_MS, PROJECTION_EVENTS_PER_STEP, PROJECTION_STATES_MAX } from './limits.ts';
import type { Room, Rows, States } from './room.ts';

/** What a projector works on: a log, and the projections that it brings up to date. */
export interface ProjectorStore {
  readonly log: Store['log'];
  readonly projections: Beside['projections'];
}

export interface ProjectorOptions {
  readonly store: ProjectorStore;
  readonly room: Room<never>;
  /** Remembered answers from before this instant are left out: nobody may ask for them any more. */
  readonly answersFromMs?: number;
  /** Facts folded in one step. */
  readonly factsPerStep?: number;
  /** Whether the next facts may be folded while a step is saved: for who waits for the last of them only. */
  readonly saving?: 'before the next' | 'beside the next';
}

/**
 * Folds the log into saved states and the rows of the views, step by step, each step one transaction with its
 * checkpoints. It knows nothing but the log, so it may run in a thread or a process of its own, and be begun anew.
 */
export class Projector {
  readonly #store: ProjectorStore;
  readonly #answersFromMs: number;
  readonly #factsPerStep: number;
  readonly #room: Room<never>;
  readonly #tables: ReadonlyMap<string, Table>;
  readonly #savesBeside: boolean;
  readonly #states = new Map<string, unknown>();
  #checkpoints: number[] = [];
  /** How far it is folded, saved or not; index = log. */
  #reached: number[] = [];
  /** The step that is being saved, or was while the next facts are folded: their states begin where it ends. */
  #last: { readonly changes: Changes; readonly saved: Promise<void> } | undefined;
  /** What was saved, where that began with nothing: a state that never was is not looked for, nor waited for. */
  #saved: KeyFilter | undefined;
  #heads: readonly number[] = [];
  #behind = 0;
  #folded = 0;

  constructor(options: ProjectorOptions) {
    this.#store = options.store;
    this.#answersFromMs = options.answersFromMs ?? 0;
    this.#factsPerStep = options.factsPerStep ?? PROJECTION_EVENTS_PER_STEP;
    this.#savesBeside = options.saving === 'beside the next';
    this.#room = options.room;
    this.#tables = new Map(options.room.views.tables.map((table) => [table.name, table]));
  }

  async start(): Promise<void> {
    await this.#store.projections.prepare(this.#room.views.tables, this.#room.form);
    await this.#beginAnew();
  }

  /** About how many facts are not folded yet, as of the last step. */
  get behind(): number {
    return this.#behind;
  }

  /** Facts that were folded and saved since it was made. */
  get folded(): number {
    return this.#folded;
  }

  /** How far everything is saved; index = log. */
  get checkpoints(): readonly number[] {
    return this.#checkpoints;
  }

  /** How far everything is folded; index = log. */
  get reached(): readonly number[] {
    return this.#reached;
  }

  /**
   * Folds some of what is new; says whether there was anything. When nothing was, everything is saved. Rejects with
   * `conflict` where another process runs this too.
   */
  async step(): Promise<boolean> {
    if (this.#states.size > PROJECTION_STATES_MAX) this.#states.clear();
    try {
      const step = await this.#fold(await this.#unfolded());
      await this.#lastSaved();
      if (!step) return false;
      this.#save(step);
      if (!this.#savesBeside) await this.#lastSaved();
      return true;
    } catch (error) {
      // Whatever was folded was not saved: begin again from what is.
      await this.#last?.saved.catch(() => undefined); // this is what failed, or is of no use without what did
      await this.#beginAnew();
      throw error;
    }
  }

  async #beginAnew(): Promise<void> {
    this.#last = undefined;
    this.#states.clear();
    // At once: should the store not say how far it is, nothing is folded from where nothing was saved.
    this.#reached = [...this.#checkpoints];
    this.#checkpoints = await this.#store.projections.checkpoints(STATES);
    this.#reached = [...this.#checkpoints];
    this.#saved = this.#savesBeside && this.#checkpoints.every((position) => position === 0) ? new KeyFilter() : undefined;
  }

  /** Waits until the last step is saved, and lets go of it. */
  async #lastSaved(): Promise<void> {
    if (!this.#last) return;
    await this.#last.saved;
    this.#last.changes.keep();
    this.#last = undefined;
  }

  /** Folds until nothing is new. */
  async catchUp(): Promise<void> {
    while (await this.step());
  }

  /** The logs that have something new, and after which position. */
  async #unfolded(): Promise<Map<number, number>> {
    this.#heads = await this.#store.log.heads();
    return new Map(this.#heads.entries().filter(([log, head]) => head > (this.#reached[log] ?? 0)).map(([log]) => [log, this.#reached[log] ?? 0]));
  }

  async #fold(after: ReadonlyMap<number, number>): Promise<Step | undefined> {
    if (after.size === 0) return undefined;
    const step = new Step(this.#room, this.#states, this.#last?.changes, this.#tables);
    // Logs side by side, since that is how they were written: an append with commits of them all is read once. Page by
    // page, so that facts are garbage before the next are made.
    for await (const page of this.#store.log.readTogether(after)) {
      await this.#loadStatesOf(page, step.changes);
      for (const commit of page) step.take(commit, (event) => this.#isForgotten(event));
      if (step.facts >= this.#factsPerStep) break;
    }
    return step.commits === 0 ? undefined : step;
  }

  /** Begins to save a step. All that is to be saved is text when this returns, so that its states may be folded on. */
  #save({ changes, rows, upTo, facts, commits }: Step): void {
    changes.end();
    const states: StateRow[] = [];
    for (const change of changes) {
      states.push(this.#stateRow(change));
      const { key, log, state, before } = change;
      this.#saved?.add(key);
      if (!isAnswerKey(key)) this.#room.views.rows(key, state, before, rows, must(upTo.get(log), `a state of log ${log} was changed by no commit of it`));
    }
    const checkpoints = [...upTo.values()].map(({ log, position }) => ({ log, expected: this.#checkpoints[log] ?? 0, upTo: position }));
    for (const { log, position } of upTo.values()) this.#reached[log] = position;
    const apply = async (): Promise<void> => {
      await this.#store.projections.apply({ consumer: STATES, checkpoints, states, deletes: rows.deletes, upserts: rows.upserts });
      for (const { log, position } of upTo.values()) this.#checkpoints[log] = position;
      this.#folded += facts;
      const left = this.#heads.reduce((sum, head, log) => sum + head - (this.#checkpoints[log] ?? 0), 0);
      this.#behind = Math.ceil((left * facts) / commits);
    };
    const saved = apply();
    saved.catch(() => undefined); // the next step hears of it
    this.#last = { changes, saved };
  }

  #isForgotten({ type, time }: EventRecord): boolean {
    return type === ANSWERED && time < this.#answersFromMs;
  }

  async #loadStatesOf(commits: readonly Commit[], changes: Changes): Promise<void> {
    const missing = new Map<number, Set<string>>();
    for (const { log, events } of commits) {
      for (const event of events) {
        if (event.type === ANSWERED) continue;
        const created = this.#room.births.keyOf(event);
        for (const key of this.#room.keysOf(event)) {
          if (key === created || changes.knows(key) || this.#saved?.mayHave(key) === false) continue;
          let keys = missing.get(log);
          if (!keys) missing.set(log, (keys = new Set()));
          keys.add(key);
        }
      }
    }
    if (missing.size > 0) await this.#last?.saved;
    for (const [log, keys] of missing) {
      const { upTo, bodies } = await this.#store.projections.loadStates(log, [...keys]);
      // Saved further than the facts at hand begin: folding them again would count them twice.
      if (upTo !== (this.#checkpoints[log] ?? 0)) throw conflict(`folding log ${log} after position ${this.#checkpoints[log] ?? 0}`);
      for (const key of keys) {
        const body = bodies.get(key);
        this.#states.set(key, body === undefined ? undefined : this.#room.read(key, body));
      }
    }
  }

  #stateRow({ key, log, state }: Change): StateRow {
    if (state === undefined) return { key, log, body: null, dueMs: null };
    if (!isAnswerKey(key)) return { key, log, body: this.#room.write(key, state), dueMs: this.#room.dueOf(key, state) };
    const remembered = state as Remembered; // under `k/` keys there are answers only
    return { key, log, body: JSON.stringify(remembered), dueMs: remembered.at + ANSWER_RETENTION_MS };
  }
}

/** A state that a step changes, with what its rows must remember from before. */
interface Change {
  readonly key: string;
  readonly log: number;
  readonly before: unknown;
  /** It was there before the step, or changed again within it. */
  known: boolean;
  state: unknown;
}

/** Facts that are folded and saved together, while they are read. */
class Step {
  readonly changes: Changes;
  readonly rows: CollectedRows;
  /** The newest commit of each log. */
  readonly upTo = new Map<number, { readonly log: number; readonly position: number; readonly time: number }>();
  facts = 0;
  commits = 0;
  readonly #room: Room<never>;

  constructor(room: Room<never>, states: Map<string, unknown>, before: Changes | undefined, tables: ReadonlyMap<string, Table>) {
    this.#room = room;
    this.changes = new Changes(room, states, before);
    this.rows = new CollectedRows(tables);
  }

  take(commit: Commit, isForgotten: (event: EventRecord) => boolean): void {
    const { log, position, events } = commit;
    for (const event of events) if (!isForgotten(event)) this.changes.fold(event, log);
    this.#room.views.facts(commit, events, this.rows);
    this.upTo.set(log, { log, position, time: events.at(-1)?.time ?? 0 });
    this.facts += events.length;
    this.commits++;
  }
}

/** What a step changes, while its facts are folded. */
class Changes implements States {
  readonly #room: Room<never>;
  readonly #states: Map<string, unknown>;
  /** Those of the step before, where that is not let go of yet. */
  #before: Changes | undefined;
  readonly #changes = new Map<string, Change>();
  #log = 0;

  constructor(room: Room<never>, states: Map<string, unknown>, before: Changes | undefined) {
    this.#room = room;
    this.#states = states;
    this.#before = before;
  }

  fold(event: EventRecord, log: number): void {
    this.#log = log;
    if (event.type === ANSWERED) return this.set(event.key, remember(event));
    const { births } = this.#room;
    const key = births.keyOf(event);
    if (key === undefined) return this.#room.evolve(event, this);
    births.evolveApart(event, this);
    this.#changes.set(key, { key, log, before: undefined, known: false, state: births.stateOf(event) });
  }

  has(key: string): boolean {
    return this.#changes.has(key);
  }

  /** What a key was changed to, which is no change of it. */
  stateOf(key: string): unknown {
    return this.#changes.get(key)?.state;
  }

  /** Whether the state of a key is at hand, or that there is none. */
  knows(key: string): boolean {
    return this.#changes.has(key) || this.#before?.has(key) === true || this.#states.has(key);
  }

  get(key: string): unknown {
    return this.#touch(key).state;
  }

  set(key: string, state: unknown): void {
    this.#touch(key).state = state;
  }

  /** No more facts are folded into them. */
  end(): void {
    this.#before = undefined;
  }

  /** Keeps the states that are likely to change again: what was only made is mostly left alone for a while. */
  keep(): void {
    for (const { key, known, state } of this.#changes.values()) if (known && !isAnswerKey(key)) this.#states.set(key, state);
  }

  [Symbol.iterator](): Iterator<Change> {
    return this.#changes.values();
  }

  #touch(key: string): Change {
    let change = this.#changes.get(key);
    if (change) change.known = true;
    else {
      const state = this.#before?.has(key) === true ? this.#before.stateOf(key) : this.#states.get(key);
      const before = state === undefined || isAnswerKey(key) ? undefined : this.#room.views.before(key, state);
      change = { key, log: this.#log, before, known: true, state };
      this.#changes.set(key, change);
    }
    return change;
  }
}

/** Rows by table. */
class CollectedRows implements Rows {
  readonly #tables: ReadonlyMap<string, Table>;
  readonly #upserts = new Map<string, { readonly columns: readonly string[]; readonly rows: (readonly Cell[])[] }>();
  readonly #deletes = new Map<string, RowDelete & { values: Cell[] }>();

  constructor(tables: ReadonlyMap<string, Table>) {
    this.#tables = tables;
  }

  upsert(table: string, row: readonly Cell[]): void {
    let collected = this.#upserts.get(table);
    if (!collected) {
      const { columns } = must(this.#tables.get(table), `there is no view table ${table}`);
      this.#upserts.set(table, (collected = { columns: columns.map((column) => column.name), rows: [] }));
    }
    if (row.length !== collected.columns.length) throw new RangeError(`a row of ${table} has ${row.length} cells, not ${collected.columns.length}`);
    collected.rows.push(row);
  }

  delete(table: string, column: string, value: Cell): void {
    const name = `${table}.${column}`;
    const known = this.#deletes.get(name);
    if (known) known.values.push(value);
    else this.#deletes.set(name, { table, column, values: [value] });
  }

  get deletes(): RowDelete[] {
    return [...this.#deletes.values()];
  }

  get upserts(): RowUpsert[] {
    return [...this.#upserts].map(([table, { columns, rows }]) => ({ table, columns, rows }));
  }
}
