import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { Decision } from '../base/decision.ts';
import { Fault, isFault } from '../base/errors.ts';
import { hash32 } from '../base/hash.ts';
import type { Ids } from '../base/ids.ts';
import type { Json } from '../base/json.ts';
import { below, type Random } from '../base/random.ts';
import { encodeEvents, formatCursor, type Append, type Commit, type EventRecord, type Store } from '../store/store.ts';
import { ANSWERED, answered, isAnswerKey, recall, remember, type Once, type Outcome, type Remembered } from './answers.ts';
import { Births } from './births.ts';
import { CLOSE_PATIENCE_MS, CONFLICT_ATTEMPTS_MAX, FLUSH_AT, INBOX_MAX, RESIDENT_STATES_MAX, START_ATTEMPTS_MAX, STORE_RETRY_MAX_MS, STORE_RETRY_MS, TAIL_FACTS_MAX, TAIL_WAIT_MS } from './limits.ts';
import { Folding, Residents, type Entry } from './residents.ts';
import type { Context, Room, World } from './room.ts';
import { Tally, type Tallied } from './tally.ts';

/** An outcome once everything that it rests on is durable. `cursor` covers all of that. */
export type Settled = Outcome & { readonly replayed: boolean; readonly cursor: string };

export interface EngineOptions<Command> {
  readonly store: Store;
  readonly room: Room<Command>;
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: Ids;
  readonly residentStatesMax?: number;
  /** Facts of one log that a start takes in at once. */
  readonly tailFactsMax?: number;
  /** True where nobody else can write to the store. Otherwise nothing is refused before it is known that nobody did. */
  readonly alone?: boolean;
  /** Runs a task after the input that is at hand has been taken in. */
  readonly defer?: (task: () => void) => void;
  /** What the caller at hand is followed as, where somebody follows: kept beside the command and told with its append. */
  readonly follow?: () => unknown;
}

/** Whether the engine takes commands, and if not, why. */
export type Health = { readonly state: 'ready' } | { readonly state: 'recovering' | 'failed' | 'closed'; readonly reason: string };

export interface EngineFigures {
  readonly inbox: number;
  readonly residents: number;
  readonly conflicts: number;
}

/** One append that has become durable, said before those who waited for it are answered. */
export interface Appended {
  readonly token: string;
  readonly commits: readonly Commit[];
  /** By `performance.now()`: when it was handed to the store, and when the store said yes. */
  readonly beganMs: number;
  readonly endedMs: number;
  readonly waiting: readonly { readonly followed: unknown }[];
}

/** What somebody wants: a decision, or an answer to a question from durable states. */
interface Asked {
  readonly kind: 'command' | 'question';
  readonly run: (world: World, context: Context) => Decision<EventRecord, unknown>;
  readonly once: Once | undefined;
  readonly lane: string | undefined;
  readonly settle: (outcome: Outcome, replayed: boolean, cursor: string) => void;
  readonly fail: (error: unknown) => void;
}

/** Somebody waiting for it. */
interface Pending extends Asked {
  readonly followed: unknown;
  /** Grows with every arrival: whatever had to wait is decided in this order again. */
  order: number;
  attempts: number;
  /** At which reading of the store it was known, since it came, that the states are the newest. */
  verified: number;
  outcome: Outcome | undefined;
  replayed: boolean;
}

/** Waiting for states to be loaded, for those before it in its lane, or to know that nobody else has written. */
interface Parked {
  readonly pending: Pending;
  readonly keys: readonly string[];
  readonly why: 'load' | 'verify';
}

/** What is decided together and made durable together. */
interface Batch {
  /** Facts by log. */
  readonly events: Map<number, EventRecord[]>;
  readonly touched: Entry[];
  readonly waiting: Pending[];
}

const emptyBatch = (): Batch => ({ events: new Map(), touched: [], waiting: [] });

/**
 * Decides commands in memory and makes what follows durable, one append at a time with everything that has arrived
 * meanwhile. While an append is under way the next batch is decided on the states as they will be; should the append
 * fail, those states are forgotten and made again from the store, and the commands are decided again. The store's
 * expected positions are the safety; this object is only speed.
 */
export class Engine<Command> {
  readonly partitions: number;
  readonly #store: Store;
  /** Without what it would ask for by itself: an engine that takes more commands can stand in for one that takes fewer. */
  readonly #room: Omit<Room<Command>, 'wake'>;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #ids: Ids;
  readonly #defer: (task: () => void) => void;
  readonly #residentStatesMax: number;
  readonly #tailFactsMax: number;
  readonly #alone: boolean;
  readonly #residents = new Residents();
  readonly #births: Births;
  readonly #folding: Folding;
  readonly #world: World;
  readonly #onCommitted = new Set<(commits: readonly Commit[]) => void>();
  readonly #onAppended = new Set<(appended: Appended) => void>();
  readonly #onDue = new Set<(key: string, dueMs: number, nowMs: number) => void>();
  /** Heads as they are durable, and as they will be once the append under way has succeeded. */
  #durable: number[] = [];
  /** How often each log was read again: what was asked of the store before that is out of date. */
  #generations: number[] = [];
  /** How often any log was. */
  #readings = 0;
  /** A decision could not be folded: what was decided since the last append has to be decided again. */
  #unsound = false;
  #assigned: number[] = [];
  #checkpoints: number[] = [];
  /** How far states were ever seen to be saved. */
  #savedUpTo: number[] = [];
  /** Logs in which others were seen to have written. */
  readonly #behind = new Set<number>();
  #arrivals = 0;
  /** Set while memory is made to agree with the store. */
  #mending = false;
  #closing = false;
  /** Lanes of which a command failed in this round. */
  readonly #failedLanes = new Set<string>();
  #cursor: string | undefined;
  #inbox: Pending[] = [];
  #parked: Parked[] = [];
  /** Whose states are being loaded. */
  #loading: readonly Pending[] = [];
  readonly #parkedLanes = new Map<string, number>();
  #batch: Batch = emptyBatch();
  #inFlight: { batch: Batch; commits: Commit[] } | undefined;
  #drainPlanned = false;
  #misses: string[] = [];
  #readUndurable = false;
  #lastNow = 0;
  #tokens = 0;
  readonly #tokenPrefix: string;
  #health: Health = { state: 'recovering', reason: 'starting' };
  #conflicts = 0;
  readonly #follow: (() => unknown) | undefined;
  readonly #tally = new Tally();
  #idle: (() => void)[] = [];

  constructor(options: EngineOptions<Command>) {
    this.#store = options.store;
    this.#room = options.room;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#ids = options.ids;
    this.#defer = options.defer ?? ((task) => void setImmediate(task));
    this.#residentStatesMax = options.residentStatesMax ?? RESIDENT_STATES_MAX;
    this.#tailFactsMax = options.tailFactsMax ?? TAIL_FACTS_MAX;
    this.#alone = options.alone ?? false;
    this.#follow = options.follow;
    this.partitions = options.store.partitions;
    this.#births = new Births(options.room.births, this.partitions);
    this.#folding = new Folding(this.#residents, (key) => this.logOf(key));
    this.#world = { partitions: this.partitions, get: (key) => this.#look(key) };
    this.#tokenPrefix = `${options.random.u32().toString(36)}${options.random.u32().toString(36)}-`;
  }

  /**
   * Reads the facts after the saved states and is ready. The cost is that of these facts, not of the whole log. A store
   * that is away for a moment is asked again; one that stays away fails the start.
   */
  async start(): Promise<void> {
    this.#generations = new Array<number>(this.partitions).fill(0);
    const checkpoints = await this.#insist(() => this.#store.projections.checkpoints(STATES));
    this.#durable = new Array<number>(this.partitions).fill(0);
    for (let log = 0; log < this.partitions; log++) {
      for (let saved = checkpoints[log] ?? 0; !(await this.#startLog(log, saved)); saved = (await this.#insist(() => this.#store.projections.checkpoints(STATES)))[log] ?? 0) {
        // The projector saves them meanwhile, with little in memory at a time.
        await this.#pause(TAIL_WAIT_MS);
        if (this.#closed()) return;
      }
    }
    this.#health = { state: 'ready' };
    this.#planDrain();
  }

  /** Takes in what follows the saved states of a log; false where that is too much to hold at once. */
  async #startLog(log: number, saved: number): Promise<boolean> {
    // One commit more than the states need: the instant of the newest decision, behind which time must not fall.
    this.#durable[log] = saved === 0 ? 0 : Math.min(saved, Math.max(saved - 1, await this.#insist(() => this.#store.log.trimmedTo(log))));
    return (await this.#insist(() => this.#sync(log, this.#tailFactsMax))) !== undefined;
  }

  /** Asks the store again where nobody knows why it did not answer. */
  async #insist<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await ask();
      } catch (error) {
        if (!isFault(error, 'unavailable') || attempt === START_ATTEMPTS_MAX || this.#closed()) throw error;
        await this.#pause(attempt * STORE_RETRY_MS);
      }
    }
  }

  /** Nobody else can write to the store. */
  get alone(): boolean {
    return this.#alone;
  }

  get health(): Health {
    return this.#health;
  }

  get figures(): EngineFigures {
    const { size } = this.#residents;
    return { inbox: this.#waiting, residents: size, conflicts: this.#conflicts };
  }

  /** What it has counted since it was made. */
  get tally(): Tallied {
    return this.#tally;
  }

  /** The durable heads of all logs as this engine knows them; index = log. */
  get heads(): readonly number[] {
    return this.#durable;
  }

  /** The durable heads as a cursor. */
  get cursor(): string {
    return (this.#cursor ??= formatCursor(this.#durable));
  }

  /** The instant that decisions are made at. */
  now(): number {
    return (this.#lastNow = Math.max(this.#lastNow, this.#clock.now()));
  }

  logOf(key: string): number {
    return isAnswerKey(key) ? hash32(key) % this.partitions : this.#room.logOf(key, this.partitions);
  }

  /**
   * Decides a command and answers once what it decided, and everything it was decided on, is durable. Rejects with a
   * fault where that could not be: `overloaded`, `storage-full`, `storage-failed`, `unavailable`, `closed`.
   * Commands of one `lane` are decided in the order they are given.
   */
  execute(command: Command, options: { once?: Once | undefined; lane?: string | undefined } = {}): Promise<Settled> {
    return new Promise((resolve, reject) => {
      this.submit(command, options, (outcome, replayed, cursor) => resolve({ ...outcome, replayed, cursor }), reject);
    });
  }

  /** {@link execute} with callbacks, for callers with many commands at once. */
  submit(command: Command, options: { once?: Once | undefined; lane?: string | undefined }, settle: Pending['settle'], fail: (error: unknown) => void): void {
    this.#take({
      kind: 'command',
      run: (world, context) => this.#room.decide(command, world, context),
      once: options.once,
      lane: options.lane,
      settle,
      fail,
    });
  }

  /** Answers a question from the states, as of everything acknowledged so far and nothing that is not durable. */
  read<Answer>(question: (world: World, now: number) => Answer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      let answer: { value: Answer } | undefined;
      this.#take({
        kind: 'question',
        run: (world, { now }) => {
          answer = { value: question(world, now) };
          return NO_FACTS;
        },
        once: undefined,
        lane: undefined,
        settle: () => {
          assert(answer, 'a question was settled without an answer');
          resolve(answer.value);
        },
        fail: reject,
      });
    });
  }

  /**
   * Answers a question with a decision that leaves no facts of the room, and remembers the answer under `once` like
   * that of a command: for what is checked here and done elsewhere.
   */
  ask<Answer extends Json>(question: (world: World, now: number) => Decision<never, Answer>, once?: Once): Promise<Settled> {
    return new Promise((resolve, reject) => {
      this.#take({
        kind: 'question',
        run: (world, { now }) => question(world, now),
        once,
        lane: undefined,
        settle: (outcome, replayed, cursor) => resolve({ ...outcome, replayed, cursor }),
        fail: reject,
      });
    });
  }

  /** Calls back with every commit of this engine once it is durable, and with those of others when it learns of them. */
  onCommitted(listener: (commits: readonly Commit[]) => void): () => void {
    this.#onCommitted.add(listener);
    return () => void this.#onCommitted.delete(listener);
  }

  /** Calls back with every append of this engine, once it is durable and before anybody is told. */
  onAppended(listener: (appended: Appended) => void): () => void {
    this.#onAppended.add(listener);
    return () => void this.#onAppended.delete(listener);
  }

  /** Calls back with every state that came to want waking, and the instant at which it did. */
  onDue(listener: (key: string, dueMs: number, nowMs: number) => void): () => void {
    this.#onDue.add(listener);
    return () => void this.#onDue.delete(listener);
  }

  /** Says how far states are saved: what is saved may leave memory. */
  saved(checkpoints: readonly number[]): void {
    this.#checkpoints = [...checkpoints];
    for (const [log, position] of checkpoints.entries()) {
      this.#noteSaved(log, position);
      this.#births.saved(log, position);
    }
    if (this.#residents.size > this.#residentStatesMax) this.#residents.evict(this.#residentStatesMax, this.#checkpoints);
  }

  /** Takes in what other writers of the same store have appended: now, or when the append under way has been answered. */
  async follow(): Promise<void> {
    if (this.#health.state !== 'ready') return;
    await this.#lookForOthers();
    await this.#takeIn();
  }

  /** Gives the reading of the store that has everything that anybody wrote before this call; NEVER where others have written more. */
  async #lookForOthers(): Promise<number> {
    const heads = await this.#store.log.heads();
    for (const [log, head] of heads.entries()) if (head > (this.#assigned[log] ?? 0)) this.#behind.add(log);
    return this.#behind.size > 0 ? NEVER : this.#readings;
  }

  async #takeIn(): Promise<void> {
    if (this.#behind.size > 0 && !this.#inFlight && this.#health.state === 'ready') await this.#recover([], undefined, []);
  }

  /** Lets everything under way finish, takes nothing new. What a store that is away holds up is given up after a while. */
  async close(): Promise<void> {
    if (this.#health.state === 'closed') return;
    this.#closing = true;
    const patience = Promise.withResolvers<'late'>();
    const callOff = this.#clock.after(CLOSE_PATIENCE_MS, () => patience.resolve('late'));
    while (this.#health.state !== 'failed' && this.#busy()) {
      if ((await Promise.race([this.#settled(), patience.promise])) === 'late') break;
    }
    callOff();
    this.#health = { state: 'closed', reason: 'the engine was closed' };
    this.#refuseAll(this.#stoppedBy() ?? new Fault('closed', this.#health.reason, { retry: 'soon' }));
  }

  #busy(): boolean {
    return this.#mending || this.#inFlight !== undefined || this.#waiting > 0 || this.#batch.waiting.length > 0;
  }

  /** Commands that are not decided yet. */
  get #waiting(): number {
    return this.#inbox.length + this.#parked.length + this.#loading.length;
  }

  #settled(): Promise<void> {
    if (!this.#busy()) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #take({ kind, run, once, lane, settle, fail }: Asked): void {
    const pending: Pending = { kind, run, once, lane, settle, fail, followed: this.#follow?.(), order: 0, attempts: 0, verified: NEVER, outcome: undefined, replayed: false };
    const stopped = this.#stoppedBy();
    if (stopped) return pending.fail(stopped);
    if (this.#waiting >= INBOX_MAX) {
      pending.fail(new Fault('overloaded', `${INBOX_MAX} commands are waiting already`, { retry: 'soon' }));
      return;
    }
    pending.order = ++this.#arrivals;
    this.#inbox.push(pending);
    this.#planDrain();
  }

  /** Why nothing is taken, if nothing is. */
  #stoppedBy(): Fault | undefined {
    if (this.#health.state === 'failed') return new Fault('storage-failed', this.#health.reason, { retry: 'later' });
    return this.#closing ? new Fault('closed', 'the engine was closed', { retry: 'soon' }) : undefined;
  }

  #planDrain(): void {
    if (this.#drainPlanned || this.#health.state !== 'ready') return;
    this.#drainPlanned = true;
    this.#defer(this.#drain);
  }

  readonly #drain = (): void => {
    this.#drainPlanned = false;
    if (this.#health.state !== 'ready') return;
    if (this.#behind.size > 0) return void this.#takeIn();
    const inbox = this.#inbox;
    this.#inbox = [];
    const context: Context = { now: this.now(), ids: this.#ids };
    for (let index = 0; index < inbox.length; index++) {
      this.#attempt(inbox[index] as Pending, context); // within bounds
      // A long queue is not waited for: while its first part is made durable the next is decided.
      if (!this.#inFlight && this.#batch.waiting.length >= FLUSH_AT) this.#flush();
      if (this.#health.state === 'ready') continue;
      this.#inbox = [...inbox.slice(index + 1), ...this.#inbox];
      return;
    }
    this.#failedLanes.clear();
    this.#loadParked();
    this.#flush();
  };

  #attempt(pending: Pending, context: Context): void {
    if (pending.lane !== undefined && this.#failedLanes.has(pending.lane)) return pending.fail(behindFailed());
    if (pending.lane !== undefined && this.#parkedLanes.has(pending.lane)) return this.#park(pending, this.#answerKeyOf(pending));
    try {
      this.#decide(pending, context);
    } catch (error) {
      // Logs that were read at different moments may contradict each other; that passes once all are at their newest.
      if (!this.#isVerified(pending) && ++pending.attempts <= CONFLICT_ATTEMPTS_MAX) this.#park(pending, [], 'verify');
      else {
        // A bug of ours in one command must not take the others with it.
        if (pending.lane !== undefined) this.#failedLanes.add(pending.lane);
        pending.fail(error);
      }
      if (this.#unsound) this.#startOver();
    }
  }

  /** The key of the remembered answer where that is not at hand: known without deciding, so that a lane loads all of them at once. */
  #answerKeyOf({ once }: Pending): string[] {
    return once && !this.#residents.find(once.key) ? [once.key] : [];
  }

  /** Forgets what was decided since the last append and decides it again, without the command that could not be folded. */
  #startOver(): void {
    this.#health = { state: 'recovering', reason: 'a decision could not be folded into the states' };
    if (!this.#inFlight) void this.#recover([], undefined, []);
  }

  #decide(pending: Pending, context: Context): void {
    this.#misses.length = 0;
    this.#readUndurable = false;
    const { once } = pending;
    const remembered = once && this.#remembered(once);
    const known = this.#misses.length > 0 || !once ? undefined : recall(once, remembered, context.now);
    // What an answer speaks of may be in logs that are not as far as the one with the answer.
    if (known && !this.#isVerified(pending)) return this.#park(pending, [], 'verify');
    if (known) return this.#await(pending, known.outcome, known.replayed);
    const decision = pending.run(this.#world, context);
    if (this.#misses.length > 0) return this.#park(pending, [...this.#misses]);
    if (!decision.ok && !this.#isVerified(pending)) return this.#park(pending, [], 'verify');
    const outcome: Outcome = decision.ok ? { ok: true, answer: decision.answer as Json } : decision; // a question's answer stays with its asker
    const fact = once && answered(once, outcome, context.now);
    this.#unsound = true;
    if (decision.ok) for (const event of decision.events) this.#record(event);
    if (fact) this.#record(fact);
    this.#unsound = false;
    const durable = !fact && !this.#readUndurable && (!decision.ok || decision.events.length === 0);
    if (durable) this.#settle(pending, outcome, false, this.cursor);
    else this.#await(pending, outcome, false);
  }

  /** Whether what was decided rests on everything that anybody had written when the command came. */
  #isVerified(pending: Pending): boolean {
    return this.#alone || pending.verified === this.#readings;
  }

  #remembered(once: Once): Remembered | undefined {
    return this.#look(once.key) as Remembered | undefined; // under `k/` keys there are answers only
  }

  /** Answers the caller when the batch being put together is durable, and with it all that went before. */
  #await(pending: Pending, outcome: Outcome, replayed: boolean): void {
    pending.outcome = outcome;
    pending.replayed = replayed;
    this.#batch.waiting.push(pending);
  }

  #record(event: EventRecord): void {
    const log = this.logOf(event.key);
    let events = this.#batch.events.get(log);
    if (!events) this.#batch.events.set(log, (events = []));
    events.push(event);
    this.#fold(event, (this.#assigned[log] ?? 0) + 1, this.#batch.touched, 'apart');
    // The state that it made is made when somebody asks for it.
    const due = this.#room.births.dueOf(event);
    if (due !== null) this.#wants(this.#room.births.keyOf(event) ?? '', due);
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
      if (due !== null) this.#wants(key, due);
    }
  }

  #wants(key: string, dueMs: number): void {
    for (const listener of this.#onDue) listener(key, dueMs, this.#lastNow);
  }

  #look(key: string): unknown {
    const entry = this.#residents.find(key) ?? this.#born(key);
    if (!entry) {
      this.#misses.push(key);
      return undefined;
    }
    if (entry.position > (this.#durable[entry.log] ?? 0)) this.#readUndurable = true;
    return entry.state;
  }

  /** Makes a state that one fact made: of the batch being put together, or of a commit that is not known to be saved. */
  #born(key: string): Entry | undefined {
    const { births } = this.#room;
    const instant = births.instantOf(key);
    if (instant === undefined) return undefined;
    const log = this.logOf(key);
    const events = this.#batch.events.get(log);
    if (events && instant >= (events[0]?.time ?? 0)) {
      const birth = events.find((event) => births.keyOf(event) === key);
      if (birth) return this.#bear(key, log, birth, (this.#assigned[log] ?? 0) + 1, this.#batch.touched);
    }
    const commit = this.#births.take(log, key);
    if (!commit) return undefined;
    // What is not durable has to go again should the append fail.
    const touched = commit.position > (this.#durable[log] ?? 0) ? (this.#inFlight?.batch.touched ?? []) : [];
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

  #park(pending: Pending, keys: string[], why: 'load' | 'verify' = 'load'): void {
    this.#parked.push({ pending, keys, why });
    if (pending.lane !== undefined) this.#parkedLanes.set(pending.lane, (this.#parkedLanes.get(pending.lane) ?? 0) + 1);
  }

  #loadParked(): void {
    if (this.#loading.length > 0 || this.#parked.length === 0) return;
    const keys = new Set(this.#parked.flatMap((entry) => entry.keys));
    const loading = this.#parked.map((entry) => entry.pending);
    const verify = this.#parked.some((entry) => entry.why === 'verify');
    this.#loading = loading;
    this.#parked = [];
    Promise.all([this.#load([...keys]), verify ? this.#lookForOthers() : NEVER]).then(
      ([, reading]) => {
        for (const pending of loading) pending.verified = reading;
        this.#unpark(loading);
      },
      (error: unknown) => {
        this.#fail(loading, error);
        this.#unpark([]);
      },
    );
  }

  /** What was loaded for, and what parked behind it meanwhile, takes its place in the inbox again. */
  #unpark(again: readonly Pending[]): void {
    this.#putBack([...again, ...this.#parked.map((entry) => entry.pending)]);
    this.#loading = [];
    this.#parked = [];
    this.#parkedLanes.clear();
    const stopped = this.#closed() || this.#health.state === 'failed' ? this.#stoppedBy() : undefined;
    if (stopped && !this.#mending) return this.#refuseAll(stopped);
    this.#planDrain();
    this.#wakeIdle();
  }

  #putBack(pendings: readonly Pending[]): void {
    this.#inbox = [...pendings, ...this.#inbox].sort((a, b) => a.order - b.order);
  }

  /** Fails commands, and with them those that wait behind them in their lanes: they were to come after what did not happen. */
  #fail(failing: readonly Pending[], error: unknown): void {
    const lanes = new Set(failing.flatMap(({ lane }) => lane ?? []));
    const follows = ({ lane }: Pending): boolean => lane !== undefined && lanes.has(lane);
    const behind = lanes.size === 0 ? [] : [...this.#inbox, ...this.#parked.map(({ pending }) => pending)].filter(follows);
    if (behind.length > 0) {
      this.#inbox = this.#inbox.filter((pending) => !follows(pending));
      this.#parked = this.#parked.filter(({ pending }) => !follows(pending));
    }
    for (const pending of failing) pending.fail(error);
    for (const pending of behind) pending.fail(behindFailed());
  }

  /** Brings saved states into memory, those that are there already excepted. */
  async #load(keys: readonly string[]): Promise<void> {
    const byLog = Map.groupBy(keys, (key) => this.logOf(key));
    await Promise.all([...byLog].map(([log, group]) => this.#loadFrom(log, group)));
  }

  async #loadFrom(log: number, keys: readonly string[]): Promise<void> {
    for (;;) {
      const generation = this.#generations[log];
      const loaded = await this.#store.projections.loadStates(log, keys);
      if (loaded.upTo < (this.#savedUpTo[log] ?? 0)) {
        // The database was restarted and lost its last steps; what left memory comes back once they are made again.
        if (this.#closed()) throw new Fault('closed', 'the engine was closed', { retry: 'soon' });
        await this.#pause(STORE_RETRY_MS);
      } else if (generation === this.#generations[log]) {
        this.#noteSaved(log, loaded.upTo);
        if (loaded.upTo > (this.#assigned[log] ?? 0)) this.#behind.add(log);
        return this.#admit(log, keys, loaded);
      }
    }
  }

  #noteSaved(log: number, upTo: number): void {
    this.#savedUpTo[log] = Math.max(this.#savedUpTo[log] ?? 0, upTo);
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

  #flush(): void {
    if (this.#inFlight || this.#health.state !== 'ready') return;
    const batch = this.#batch;
    if (batch.waiting.length === 0 && batch.events.size === 0) return this.#wakeIdle();
    this.#batch = emptyBatch();
    const token = `${this.#tokenPrefix}${++this.#tokens}`;
    const appends: Append[] = [];
    const commits: Commit[] = [];
    for (const [log, events] of batch.events) {
      const expected = this.#assigned[log] ?? 0;
      const commit = { log, position: expected + 1, token, events };
      const body = encodeEvents(events);
      this.#births.add(commit, body);
      appends.push({ log, expected, events, body });
      commits.push(commit);
      this.#assigned[log] = expected + 1;
    }
    this.#inFlight = { batch, commits };
    if (appends.length === 0) return this.#acknowledge();
    this.#append(appends, token, 1);
  }

  /**
   * Appends until the store says what became of it. Where an answer went missing the same is asked for again: only
   * that tells a write that never arrived from one that is still on its way and would arrive after another decision.
   */
  #append(appends: readonly Append[], token: string, attempt: number): void {
    const began = performance.now();
    this.#store.log.append(appends, token).then(
      () => {
        this.#noteAppended(token, began);
        if (attempt > 1 && this.#health.state === 'recovering') this.#health = { state: 'ready' };
        this.#acknowledge();
        if (attempt > 1) this.#planDrain();
      },
      (error: unknown) => {
        // After a doubtful attempt not even "nothing was stored" settles it: that is said of the last attempt alone.
        const doubtful = isFault(error, 'unavailable') || (attempt > 1 && verdictOn(error) === 'refused');
        if (!doubtful) return void this.#recover([token], error, appends.map(({ log }) => log));
        if (this.#closed()) return this.#abandon(error);
        this.#health = { state: 'recovering', reason: error instanceof Error ? error.message : String(error) };
        void this.#pause(Math.min(attempt * STORE_RETRY_MS, STORE_RETRY_MAX_MS)).then(() => (this.#closed() ? this.#abandon(error) : this.#append(appends, token, attempt + 1)));
      },
    );
  }

  /** Tells those whose append was under way when the engine was closed that nobody knows what became of it. */
  #abandon(error: unknown): void {
    const waiting = this.#inFlight?.batch.waiting ?? [];
    this.#inFlight = undefined;
    for (const pending of waiting) pending.fail(error);
  }

  #acknowledge(): void {
    const done = this.#inFlight;
    assert(done, 'nothing was under way to be acknowledged');
    this.#inFlight = undefined;
    for (const commit of done.commits) this.#durable[commit.log] = commit.position;
    this.#cursor = undefined;
    this.#answer(done.batch.waiting);
    if (done.commits.length > 0) for (const listener of this.#onCommitted) listener(done.commits);
    if (this.#unsound || this.#behind.size > 0) void this.#recover([], undefined, []);
    else this.#flush();
  }

  #noteAppended(token: string, beganMs: number): void {
    const { commits = [], batch } = this.#inFlight ?? {};
    const endedMs = performance.now();
    this.#tally.appended(commits, (endedMs - beganMs) / 1000);
    for (const listener of this.#onAppended) listener({ token, commits, beganMs, endedMs, waiting: batch?.waiting ?? [] });
  }

  #settle(pending: Pending, outcome: Outcome, replayed: boolean, cursor: string): void {
    if (pending.kind === 'command') this.#tally.answered(outcome, replayed);
    pending.settle(outcome, replayed, cursor);
  }

  #answer(waiting: readonly Pending[]): void {
    const { cursor } = this;
    for (const pending of waiting) {
      assert(pending.outcome, 'a caller was to be answered without an outcome');
      try {
        this.#settle(pending, pending.outcome, pending.replayed, cursor);
      } catch (error) {
        pending.fail(error); // a caller that cannot take its answer must not keep the others from theirs
      }
    }
  }

  /**
   * After an append that did not succeed, or facts of another writer: forgets what was decided on states that never
   * became durable, reads the logs concerned again, and decides again what was not answered.
   */
  async #recover(tokens: readonly string[], error: unknown, logs: readonly number[]): Promise<void> {
    this.#health = { state: 'recovering', reason: error instanceof Error ? error.message : 'another writer was active' };
    if (isFault(error, 'conflict')) this.#conflicts++;
    const failed = this.#inFlight;
    const batch = this.#batch;
    this.#mending = true;
    this.#inFlight = undefined;
    this.#unsound = false;
    this.#batch = emptyBatch();
    const concerned = new Set([...logs, ...batch.events.keys(), ...this.#behind]);
    this.#behind.clear();
    for (const entry of [...(failed?.batch.touched ?? []), ...batch.touched]) this.#residents.drop(entry.key);
    const again = [...(failed?.batch.waiting ?? []), ...batch.waiting];
    const verdict = verdictOn(error);
    if (verdict === 'failed') return this.#giveUp(error, again);
    // Kept over all rounds: a log that was read in a round that failed later is not read again.
    const foreign: Commit[] = [];
    for (let attempt = 1; ; attempt++) {
      try {
        if (!this.#alone) for (const [log, head] of (await this.#store.log.heads()).entries()) if (head > (this.#durable[log] ?? 0)) concerned.add(log);
        for (const log of concerned) {
          foreign.push(...((await this.#sync(log)) ?? []));
          concerned.delete(log);
        }
        return this.#resume(foreign, tokens, failed?.batch, batch, verdict, error);
      } catch (cause) {
        if (verdictOn(cause) === 'failed' || this.#closed()) return this.#giveUp(cause, again);
        await this.#pause(Math.min(attempt * STORE_RETRY_MS, STORE_RETRY_MAX_MS));
      }
    }
  }

  #closed(): boolean {
    return this.#health.state === 'closed';
  }

  #resume(foreign: readonly Commit[], tokens: readonly string[], failed: Batch | undefined, batch: Batch, verdict: Verdict, error: unknown): void {
    this.#cursor = undefined;
    const arrived = foreign.some((commit) => tokens.includes(commit.token));
    if (foreign.length > 0) for (const listener of this.#onCommitted) listener(foreign);
    const lost = failed?.waiting ?? [];
    const again = [...batch.waiting];
    if (arrived) this.#answer(lost);
    else if (verdict !== 'refused') again.push(...lost);
    if (error !== undefined) for (const pending of again) pending.attempts++;
    this.#putBack(again.filter((pending) => pending.attempts <= CONFLICT_ATTEMPTS_MAX));
    if (!arrived && verdict === 'refused') this.#fail(lost, error);
    this.#fail(again.filter((pending) => pending.attempts > CONFLICT_ATTEMPTS_MAX), new Fault('overloaded', 'other writers were always first', { retry: 'soon', cause: error }));
    const mostAttempts = again.reduce((most, pending) => Math.max(most, pending.attempts), 0);
    const goOn = (): void => {
      this.#mending = false;
      const stopped = this.#closed() ? this.#stoppedBy() : undefined;
      if (stopped) return this.#refuseAll(stopped);
      if (this.#behind.size > 0) return void this.#recover([], undefined, []);
      this.#health = { state: 'ready' };
      this.#planDrain();
      this.#wakeIdle();
    };
    // Two writers that lost to each other once may do so for ever unless chance parts them.
    if (mostAttempts > 1) void this.#pause(below(this.#random, 2 ** Math.min(mostAttempts, 6))).then(goOn);
    else goOn();
  }

  #giveUp(error: unknown, waiting: readonly Pending[]): void {
    this.#mending = false;
    if (!this.#closed()) this.#health = { state: 'failed', reason: `${error instanceof Error ? error.message : String(error)}; restart to recover` };
    for (const pending of waiting) pending.fail(error);
    this.#refuseAll(error);
  }

  #refuseAll(error: unknown): void {
    const waiting = [...this.#inbox, ...this.#parked.map((entry) => entry.pending), ...this.#batch.waiting];
    this.#inbox = [];
    this.#parked = [];
    this.#batch = emptyBatch();
    for (const pending of waiting) pending.fail(error);
    this.#wakeIdle();
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.after(ms, resolve));
  }

  #wakeIdle(): void {
    if (this.#busy() && this.#health.state === 'ready') return;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }

  /**
   * Makes memory agree with one log: states touched since the checkpoint are made again from their saved form and the
   * facts after it. Gives the commits that were not known to be durable before; undefined, having changed nothing, where
   * there are more facts than `factsMax`.
   */
  async #sync(log: number, factsMax = Number.POSITIVE_INFINITY): Promise<Commit[] | undefined> {
    const known = this.#durable[log] ?? 0;
    const checkpoint = (await this.#store.projections.checkpoints(STATES))[log] ?? 0;
    const after = Math.min(known, checkpoint);
    const tail: Commit[] = [];
    let facts = 0;
    for await (const commit of this.#store.log.read(log, after)) {
      facts += commit.events.length;
      if (facts > factsMax && tail.length > 0) return undefined;
      tail.push(commit);
    }
    const keys = new Set<string>();
    for (const commit of tail) for (const event of commit.events) for (const key of this.#keysOf(event)) keys.add(key);
    const loaded = await this.#store.projections.loadStates(log, [...keys]);
    if (loaded.upTo < after) throw new Fault('unavailable', `the saved states of log ${log} are older than they were`, { retry: 'soon' });
    this.#noteSaved(log, loaded.upTo);
    this.#generations[log] = (this.#generations[log] ?? 0) + 1;
    this.#readings++;
    for (const key of keys) this.#residents.drop(key);
    this.#births.clear(log);
    this.#admit(log, [...keys], loaded);
    this.now();
    for (const commit of tail) {
      for (const event of commit.events) {
        this.#lastNow = Math.max(this.#lastNow, event.time);
        if (commit.position > loaded.upTo) this.#fold(event, commit.position, [], 'made');
      }
    }
    this.#durable[log] = Math.max(known, tail.at(-1)?.position ?? 0);
    this.#assigned[log] = this.#durable[log];
    if (loaded.upTo > this.#durable[log]) this.#behind.add(log);
    return tail.filter((commit) => commit.position > known);
  }

  #keysOf(event: EventRecord): string[] {
    return event.type === ANSWERED ? [event.key] : this.#room.keysOf(event);
  }
}

/** The consumer whose checkpoints say how far states are saved. */
export const STATES = 'states';

const NEVER = -1;

const behindFailed = (): Fault => new Fault('overloaded', 'an earlier command of the same lane failed; give both again', { retry: 'soon' });

const NO_FACTS: Decision<EventRecord, unknown> = { ok: true, events: [], answer: null };

/** What a failed append means for those who wait: decide again, tell them, or stop. */
type Verdict = 'again' | 'refused' | 'failed';

function verdictOn(error: unknown): Verdict {
  if (error === undefined) return 'again';
  if (!(error instanceof Fault)) return 'failed';
  switch (error.code) {
    case 'conflict':
    case 'unavailable':
      return 'again';
    case 'storage-full':
    case 'overloaded':
      return 'refused';
    default:
      return 'failed';
  }
}
