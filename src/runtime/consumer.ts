import type { Clock } from '../base/clock.ts';
import { passing } from '../base/crash-points.ts';
import { isFault } from '../base/errors.ts';
import type { Commit, Lease, LogId, Position, ProjectionStore, Store, Table } from '../store/store.ts';
import type { ConsumerRows } from './consumer-rows.ts';
import { KeptRows } from './consumer-rows.ts';
import { CONSUMER_LEASE_MS, CONSUMER_LOOK_MS, CONSUMER_RENEW_MS, CONSUMER_RETRY_MS, CONSUMER_SAVE_MS, CONSUMER_UNSAVED_MAX, HEARD_PER_TURN, HEARD_PER_TURN_MIN, HEARD_TURN_MS, UNHEARD_MAX } from './limits.ts';
import { Pace } from './pace.ts';

/**
 * Whoever follows the log for a purpose of its own: an alert, prices, a check against fraud. It is told every commit once,
 * in the order of its log, and what it makes of them is saved together with how far it has heard:
 *
 *     commits ──hear──► rows and memory ──every second──► one step: rows + checkpoint, all or nothing
 *                                              crash ──► open: memory is made from the saved rows, and
 *                                                        the log is heard on from the checkpoint
 *
 * So in what it folds nothing is lost and nothing counted twice. What it does besides (a command, a message) may have
 * been done already when it hears a fact again after a crash: that must be of a kind that may be done twice.
 */
export interface Listener {
  /** The name of its checkpoint: another name begins at the oldest fact. */
  readonly name: string;
  /** Tables of its own, each with a primary key of one column, which comes first. */
  readonly tables: readonly Table[];
  /** Forgets what it has in memory and takes up what is saved. Called at the start and whenever hearing begins again. */
  open?(saved: ProjectionStore['sql']): Promise<void>;
  /** Hears a commit. Rows that it puts are saved together with the checkpoint. */
  hear(commit: Commit, rows: ConsumerRows): void;
  /** It has heard all there was at the moment. */
  caughtUp?(): void;
  /** Puts what it has not put yet: the checkpoint is about to be saved. */
  save?(rows: ConsumerRows): void;
  /** It hears nothing until `open`: another process has taken over, or something went wrong. */
  standBy?(): void;
}

export interface ConsumerOptions {
  readonly store: Store;
  readonly engine: { readonly alone: boolean; readonly heads: readonly Position[]; onCommitted(listener: (commits: readonly Commit[]) => void): () => void };
  readonly clock: Clock;
  readonly listener: Listener;
  /** Whose lease it is, where several processes share a store. */
  readonly holder: string;
  /** Hears of what goes wrong and is tried again. */
  readonly onTrouble?: ((message: string) => void) | undefined;
  /** Runs a task after the input that is at hand has been taken in. */
  readonly defer?: (task: () => void) => void;
  readonly saveMs?: number;
}

/** Runs a {@link Listener}: in one process at a time. */
export class Consumer implements AsyncDisposable {
  readonly #store: Store;
  readonly #engine: ConsumerOptions['engine'];
  readonly #clock: Clock;
  readonly #listener: Listener;
  readonly #options: ConsumerOptions;
  readonly #defer: (task: () => void) => void;
  /** Heard, and saved, up to; index = log. */
  #heard: Position[] = [];
  #saved: Position[] = [];
  #rows: KeptRows;
  #unsaved = 0;
  #queue: Commit[] = [];
  #queued = 0;
  readonly #pace = new Pace({ ms: HEARD_TURN_MS, min: HEARD_PER_TURN_MIN, max: HEARD_PER_TURN });
  /** Logs that have to be read, because not all of them came by word of the engine. */
  readonly #behind = new Set<LogId>();
  #state: 'standing by' | 'hearing' | 'closed' = 'standing by';
  #forget: (() => void) | undefined;
  #callOffs = new Map<string, () => void>();
  #lease: Lease | undefined;
  #busy: Promise<void> = Promise.resolve();
  #planned = false;
  #news = Promise.withResolvers<void>();
  #failure: string | undefined;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#engine = options.engine;
    this.#clock = options.clock;
    this.#listener = options.listener;
    this.#defer = options.defer ?? ((task) => void setImmediate(task));
    this.#rows = new KeptRows(options.listener.tables);
  }

  get name(): string {
    return this.#listener.name;
  }

  /** How far it has heard, in this process; index = log. */
  get heard(): readonly Position[] {
    return this.#heard;
  }

  /** Why what it hears cannot be saved, where that takes a restart. */
  get failure(): string | undefined {
    return this.#failure;
  }

  get isHearing(): boolean {
    return this.#state === 'hearing';
  }

  /** Begins to hear, here or in another process that shares the store. */
  start(): void {
    this.#forget = this.#engine.onCommitted((commits) => this.#take(commits));
    void this.#inTurn(() => this.#begin());
  }

  /** Resolves when it has heard all that is committed by now, where it is heard in this process. */
  async settled(): Promise<void> {
    for (;;) {
      await this.#busy;
      if (this.#state === 'closed' || (this.#state === 'hearing' && this.#engine.heads.every((head, log) => (this.#heard[log] ?? 0) >= head))) return;
      await this.#news.promise;
    }
  }

  /** Whether everything up to these positions is saved, by this process or another: waits for it, and hurries it, for `waitMs` at most. */
  async covers(positions: readonly Position[], waitMs: number): Promise<boolean> {
    const late = Promise.withResolvers<'late'>();
    const callOff = this.#clock.after(waitMs, () => late.resolve('late'));
    try {
      for (;;) {
        if (positions.every((position, log) => (this.#saved[log] ?? 0) >= position)) return true;
        if (this.#state === 'hearing' && positions.every((position, log) => (this.#heard[log] ?? 0) >= position)) await this.save();
        else if (this.#state === 'standing by') this.#saved = await this.#store.projections.checkpoints(this.name);
        if (positions.every((position, log) => (this.#saved[log] ?? 0) >= position)) return true;
        const soon = this.#state === 'hearing' ? this.#news.promise : new Promise((resolve) => void this.#clock.after(CONSUMER_LOOK_MS, () => resolve('now')));
        if ((await Promise.race([soon, late.promise])) === 'late') return false;
      }
    } finally {
      callOff();
    }
  }

  /** Saves at once what was heard. */
  async save(): Promise<void> {
    await this.#inTurn(() => this.#save());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === 'closed') return;
    await this.#inTurn(() => this.#save());
    this.#state = 'closed';
    this.#forget?.();
    for (const callOff of this.#callOffs.values()) callOff();
    this.#spread();
    await this.#busy;
    const lease = this.#lease;
    if (lease) await this.#store.leases.release(lease).catch(() => undefined); // it runs out by itself
  }

  /** One thing after another; what fails begins again from what is saved. */
  #inTurn(task: () => Promise<void>): Promise<void> {
    this.#busy = this.#busy.then(task).catch((error: unknown) => this.#fell(error));
    return this.#busy;
  }

  #fell(error: unknown): void {
    if (this.#state === 'closed') return;
    this.#standBy();
    if (isFault(error, 'storage-failed') || isFault(error, 'corrupt')) this.#failure = error.message;
    // A conflict is another process that has taken over, or views that were made again without the rows of this consumer.
    if (!isFault(error, 'conflict')) this.#options.onTrouble?.(`${this.name} begins again from what is saved: ${error instanceof Error ? error.message : String(error)}`);
    this.#later('begin', CONSUMER_RETRY_MS, () => this.#begin());
  }

  #standBy(): void {
    this.#state = 'standing by';
    this.#listener.standBy?.();
  }

  #later(what: 'begin' | 'save' | 'renew', ms: number, task: () => Promise<void>): void {
    if (this.#state === 'closed' || this.#callOffs.has(what)) return;
    const callOff = this.#clock.after(ms, () => {
      this.#callOffs.delete(what);
      void this.#inTurn(task);
    });
    this.#callOffs.set(what, callOff);
  }

  async #begin(): Promise<void> {
    if (this.#state === 'closed') return;
    if (!(await this.#holds())) return this.#later('begin', CONSUMER_RENEW_MS, () => this.#begin());
    const { projections } = this.#store;
    await projections.prepare(this.#listener.tables);
    this.#rows = new KeptRows(this.#listener.tables);
    this.#dropQueue();
    this.#unsaved = 0;
    this.#saved = await projections.checkpoints(this.name);
    this.#heard = [...this.#saved];
    await this.#listener.open?.(projections.sql);
    this.#state = 'hearing';
    this.#failure = undefined;
    for (const log of this.#heard.keys()) this.#behind.add(log);
    this.#plan();
  }

  /** Whether this process is the one that hears. */
  async #holds(): Promise<boolean> {
    if (this.#engine.alone) return true;
    this.#lease = await this.#store.leases.acquire(`consumer ${this.name}`, this.#options.holder, { ttlMs: CONSUMER_LEASE_MS, nowMs: this.#clock.now() });
    if (this.#lease) this.#later('renew', CONSUMER_RENEW_MS, () => this.#renew());
    return this.#lease !== undefined;
  }

  async #renew(): Promise<void> {
    if (this.#state !== 'hearing' || (await this.#holds())) return;
    this.#standBy();
    this.#later('begin', CONSUMER_RENEW_MS, () => this.#begin());
  }

  #take(commits: readonly Commit[]): void {
    if (this.#state !== 'hearing') return;
    for (const commit of commits) {
      this.#queue.push(commit);
      this.#queued += commit.events.length;
    }
    if (this.#queued > UNHEARD_MAX) {
      for (const { log } of this.#queue) this.#behind.add(log);
      this.#dropQueue();
    }
    this.#plan();
  }

  #dropQueue(): void {
    this.#queue = [];
    this.#queued = 0;
  }

  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    this.#defer(() => {
      this.#planned = false;
      if (this.#behind.size > 0) void this.#inTurn(() => this.#read());
      else this.#hearQueued();
    });
  }

  /** Hears what came by word of the engine: without waiting for anything, so that it is heard at once. */
  #hearQueued(): void {
    if (this.#state !== 'hearing') return this.#dropQueue();
    try {
      const began = this.#clock.now();
      const { size } = this.#pace;
      let facts = 0;
      let index = 0;
      for (; index < this.#queue.length && facts < size; index++) {
        const commit = this.#queue[index] as Commit; // within bounds
        const next = (this.#heard[commit.log] ?? 0) + 1;
        if (commit.position > next) this.#behind.add(commit.log);
        else if (commit.position === next) this.#hear(commit);
        facts += commit.events.length;
      }
      this.#queued -= facts;
      this.#pace.took(this.#clock.now() - began, facts);
      this.#queue.splice(0, index);
      if (this.#queue.length > 0 || this.#behind.size > 0) this.#plan();
      else this.#spread();
    } catch (error) {
      this.#fell(error);
    }
  }

  /** Hears what the log has beyond what was heard. */
  async #read(): Promise<void> {
    if (this.#state !== 'hearing') return;
    let budget = this.#pace.size;
    for (const log of [...this.#behind]) {
      this.#behind.delete(log);
      // What was deleted by policy is heard by nobody any more.
      const from = await this.#store.log.trimmedTo(log);
      if (from > (this.#heard[log] ?? 0)) this.#heard[log] = from;
      for await (const commit of this.#store.log.read(log, this.#heard[log] ?? 0)) {
        if (this.#state !== 'hearing') return;
        // It may have come by word of the engine meanwhile.
        if (commit.position > (this.#heard[log] ?? 0)) this.#hear(commit);
        budget -= commit.events.length;
        if (budget > 0) continue;
        if (this.#unsaved > CONSUMER_UNSAVED_MAX) await this.#save();
        await new Promise<void>((resolve) => this.#defer(resolve));
        budget = this.#pace.size;
      }
    }
    // What came by word meanwhile was read, or follows it.
    this.#hearQueued();
  }

  #hear(commit: Commit): void {
    this.#listener.hear(commit, this.#rows);
    this.#heard[commit.log] = commit.position;
    this.#unsaved += commit.events.length;
    if (this.#unsaved <= CONSUMER_UNSAVED_MAX) this.#later('save', this.#options.saveMs ?? CONSUMER_SAVE_MS, () => this.#save());
    else this.#saveSoon();
  }

  #saveSoon(): void {
    this.#callOffs.get('save')?.();
    this.#callOffs.delete('save');
    this.#later('save', 0, () => this.#save());
  }

  #spread(): void {
    this.#listener.caughtUp?.();
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  async #save(): Promise<void> {
    if (this.#state !== 'hearing') return;
    this.#listener.save?.(this.#rows);
    const checkpoints = this.#heard.flatMap((upTo, log) => (upTo > (this.#saved[log] ?? 0) ? [{ log, expected: this.#saved[log] ?? 0, upTo }] : []));
    const { deletes, upserts, giveBack } = this.#rows.taken();
    if (checkpoints.length === 0 && deletes.length === 0 && upserts.length === 0) return;
    this.#unsaved = 0;
    passing('consumer.save');
    try {
      await this.#store.projections.apply({ consumer: this.name, checkpoints, states: [], deletes, upserts });
    } catch (error) {
      if (!isFault(error, 'unavailable') || (await this.#wasMoved())) throw error;
      // Others write there, or it is away: what was to be saved is saved later, with what comes until then.
      giveBack();
      return this.#later('save', CONSUMER_RETRY_MS, () => this.#save());
    }
    passing('consumer.saved');
    for (const { log, upTo } of checkpoints) this.#saved[log] = upTo;
  }
  /** Whether the checkpoint is another than the one that was seen to be saved last. */
  async #wasMoved(): Promise<boolean> {
    const positions = await this.#store.projections.checkpoints(this.name);
    return positions.some((position, log) => position !== (this.#saved[log] ?? 0));
  }
}
