import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { Decision } from '../base/decision.ts';
import { Fault, isFault } from '../base/errors.ts';
import { hash32 } from '../base/hash.ts';
import type { Ids } from '../base/ids.ts';
import type { Json } from '../base/json.ts';
import { below, type Random } from '../base/random.ts';
import { encodeEvents, formatCursor, type Append, type Commit, type EventRecord, type Store } from '../store/store.ts';
import { answered, isAnswerKey, recall, type Once, type Outcome, type Remembered } from './answers.ts';
import { emptyBatch, NEVER, type Appended, type Asked, type Batch, type CommandOptions, type Pending, type Settled } from './asked.ts';
import { Crowd } from './crowd.ts';
import { behindFailed, Inbox } from './inbox.ts';
import { CLOSE_PATIENCE_MS, CONFLICT_ATTEMPTS_MAX, FLUSH_AT, RESIDENT_STATES_MAX, STORE_RETRY_MAX_MS, STORE_RETRY_MS, TAIL_FACTS_MAX, UNSAVED_STATES_MAX, WAITING_MAX } from './limits.ts';
import { Memory, type Due } from './memory.ts';
import type { Context, Room, World } from './room.ts';
import { bringUp } from './starting.ts';
import { Tally, type Tallied } from './tally.ts';
import { verdictOn, type Verdict } from './verdicts.ts';

export interface EngineOptions<Command> {
  readonly store: Store;
  readonly room: Room<Command>;
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: Ids;
  readonly residentStatesMax?: number;
  /** Changed states that are not known to be saved, beyond which commands wait. */
  readonly unsavedStatesMax?: number;
  /** Facts of one log that a start takes in at once. */
  readonly tailFactsMax?: number;
  /** True where nobody else can write to the store. Otherwise nothing is refused before it is known that nobody did. */
  readonly alone?: boolean;
  /** Commands that may be taken and not answered at a time; one more is `overloaded`. */
  readonly waitingMax?: number | undefined;
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
  readonly #tailFactsMax: number;
  readonly #alone: boolean;
  readonly #waitingMax: number;
  /** Made once: who is overloaded has no time to say where. */
  readonly #tooMany: Fault;
  readonly #memory: Memory<Command>;
  readonly #onCommitted = new Set<(commits: readonly Commit[]) => void>();
  readonly #onAppended = new Set<(appended: Appended) => void>();
  readonly #onDue = new Set<(due: Due, nowMs: number) => void>();
  readonly #onSaved = new Set<(checkpoints: readonly number[]) => void>();
  /** Who waits because too many states are unsaved. */
  readonly crowd: Crowd;
  /** A decision could not be folded: what was decided since the last append has to be decided again. */
  #unsound = false;
  /** Set while memory is made to agree with the store. */
  #mending = false;
  #closing = false;
  #cursor: string | undefined;
  readonly #inbox = new Inbox<Pending>();
  #batch: Batch = emptyBatch();
  #inFlight: { batch: Batch; commits: Commit[] } | undefined;
  #drainPlanned = false;
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
    this.#tailFactsMax = options.tailFactsMax ?? TAIL_FACTS_MAX;
    this.#alone = options.alone ?? false;
    this.#waitingMax = options.waitingMax ?? WAITING_MAX;
    this.#tooMany = new Fault('overloaded', `${this.#waitingMax} commands are waiting already`, { retry: 'soon' });
    this.#follow = options.follow;
    this.partitions = options.store.partitions;
    this.#memory = new Memory({
      store: options.store,
      room: options.room,
      logOf: (key) => this.logOf(key),
      statesMax: options.residentStatesMax ?? RESIDENT_STATES_MAX,
      batches: { open: () => this.#batch, underWay: () => this.#inFlight?.batch },
      wants: (due) => this.#wants(due),
      instants: { now: () => this.now(), seen: (time) => void (this.#lastNow = Math.max(this.#lastNow, time)) },
      retry: () => this.#retryReading(),
    });
    this.crowd = new Crowd({ clock: options.clock, unsaved: () => this.#memory.unsaved, max: options.unsavedStatesMax ?? UNSAVED_STATES_MAX, lookAgain: () => this.#planDrain() });
    this.#tokenPrefix = `${options.random.u32().toString(36)}${options.random.u32().toString(36)}-`;
  }

  /**
   * Reads the facts after the saved states and is ready. The cost is that of these facts, not of the whole log. A store
   * that is away for a moment is asked again; one that stays away fails the start.
   */
  async start(): Promise<void> {
    const isUp = await bringUp({ store: this.#store, memory: this.#memory, tailFactsMax: this.#tailFactsMax, isClosed: () => this.#closed(), pause: (ms) => this.#pause(ms) });
    if (!isUp) return;
    this.#health = { state: 'ready' };
    this.#planDrain();
  }

  /** Nobody else can write to the store. */
  get alone(): boolean {
    return this.#alone;
  }

  get health(): Health {
    return this.#health;
  }

  get figures(): EngineFigures {
    return { inbox: this.#inbox.size, residents: this.#memory.size, conflicts: this.#conflicts };
  }

  /** What it has counted since it was made. */
  get tally(): Tallied {
    return this.#tally;
  }

  /** The durable heads of all logs as this engine knows them; index = log. */
  get heads(): readonly number[] {
    return this.#memory.durable;
  }

  /** The durable heads as a cursor. */
  get cursor(): string {
    return (this.#cursor ??= formatCursor(this.#memory.durable));
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
   */
  execute(command: Command, options: CommandOptions = {}): Promise<Settled> {
    return new Promise((resolve, reject) => {
      this.submit(command, options, (outcome, replayed, cursor) => resolve({ ...outcome, replayed, cursor }), reject);
    });
  }

  /** {@link execute} with callbacks, for callers with many commands at once. */
  submit(command: Command, options: CommandOptions, settle: Pending['settle'], fail: (error: unknown) => void): void {
    this.#take({
      kind: 'command',
      run: (world, context) => this.#room.decide(command, world, context),
      once: options.once,
      lane: options.lane,
      turn: options.turn ?? 'own',
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
        turn: 'own',
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
        turn: 'own',
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
  onDue(listener: (due: Due, nowMs: number) => void): () => void {
    this.#onDue.add(listener);
    return () => void this.#onDue.delete(listener);
  }

  /** Says how far states are saved: what is saved may leave memory. */
  saved(checkpoints: readonly number[]): void {
    this.#memory.saved(checkpoints);
    this.crowd.eased();
    if (this.#inbox.hasTurns) this.#planDrain();
    for (const listener of this.#onSaved) listener(checkpoints);
  }

  /** Calls back with how far states are saved, whenever that is said. */
  onSaved(listener: (checkpoints: readonly number[]) => void): () => void {
    this.#onSaved.add(listener);
    return () => void this.#onSaved.delete(listener);
  }

  /** Whether a state may want waking by now, as far as that is known without loading it. */
  mayWantWaking(key: string): boolean {
    return this.#memory.mayWantWaking(key, this.now());
  }

  /**
   * Brings states into memory, so that what is asked or commanded next has them at hand: whoever needs hundreds does not
   * make others wait until they are loaded, nor for one another. What is not there by then is loaded as ever.
   */
  async bring(keys: readonly string[]): Promise<void> {
    const missing = this.#memory.missing(keys);
    if (missing.length > 0 && this.#health.state === 'ready') await this.#memory.load(missing);
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
    for (const [log, head] of heads.entries()) if (head > (this.#memory.assigned[log] ?? 0)) this.#memory.behind.add(log);
    return this.#memory.behind.size > 0 ? NEVER : this.#memory.readings;
  }

  async #takeIn(): Promise<void> {
    if (this.#memory.behind.size > 0 && !this.#inFlight && this.#health.state === 'ready') await this.#recover([], undefined, []);
  }

  /** Lets everything under way finish, takes nothing new. What a store that is away holds up is given up after a while. */
  async close(): Promise<void> {
    if (this.#health.state === 'closed') return;
    this.#closing = true;
    this.crowd.close();
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
    return this.#mending || this.#inFlight !== undefined || this.#inbox.size > 0 || this.#batch.waiting.length > 0;
  }

  /** Commands that were taken and not answered: a store that is slow makes them wait, too. */
  get #underWay(): number {
    return this.#inbox.size + this.#batch.waiting.length + (this.#inFlight?.batch.waiting.length ?? 0);
  }

  #settled(): Promise<void> {
    if (!this.#busy()) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #take({ kind, run, once, lane, turn, settle, fail }: Asked): void {
    const pending: Pending = { kind, run, once, lane, turn, settle, fail, followed: this.#follow?.(), order: 0, attempts: 0, verified: NEVER, outcome: undefined, replayed: false };
    const stopped = this.#stoppedBy();
    if (stopped) return pending.fail(stopped);
    if (this.#underWay >= this.#waitingMax) return pending.fail(this.#tooMany);
    this.#inbox.take(pending);
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
    if (this.#memory.behind.size > 0) return void this.#takeIn();
    const { own, last } = this.#inbox.beginRound(this.crowd.look());
    const context: Context = { now: this.now(), ids: this.#ids };
    if (!this.#attemptAll(own, context, last)) return;
    if (last.length > 0) this.#flush();
    if (!this.#attemptAll(last, context, [])) return;
    this.#inbox.endRound();
    this.#loadParked();
    this.#flush();
  };

  /** False where it had to stop: what is left, and what comes after it, is in the inbox again. */
  #attemptAll(pendings: readonly Pending[], context: Context, after: readonly Pending[]): boolean {
    for (let index = 0; index < pendings.length; index++) {
      this.#attempt(pendings[index] as Pending, context); // within bounds
      // A long queue is not waited for: while its first part is made durable the next is decided.
      if (!this.#inFlight && this.#batch.waiting.length >= FLUSH_AT) this.#flush();
      if (this.#health.state === 'ready') continue;
      this.#inbox.cutRound([...pendings.slice(index + 1), ...after]);
      return false;
    }
    return true;
  }

  #attempt(pending: Pending, context: Context): void {
    const lane = this.#inbox.laneOf(pending);
    if (lane === 'failed') return pending.fail(behindFailed());
    if (lane === 'parked') return this.#inbox.park(pending, this.#answerKeyOf(pending), 'load');
    try {
      this.#decide(pending, context);
    } catch (error) {
      // Logs that were read at different moments may contradict each other; that passes once all are at their newest.
      if (!this.#isVerified(pending) && ++pending.attempts <= CONFLICT_ATTEMPTS_MAX) this.#inbox.park(pending, [], 'verify');
      else {
        // A bug of ours in one command must not take the others with it.
        this.#inbox.failLane(pending);
        pending.fail(error);
      }
      if (this.#unsound) this.#startOver();
    }
  }

  /** The key of the remembered answer where that is not at hand: known without deciding, so that a lane loads all of them at once. */
  #answerKeyOf({ once }: Pending): string[] {
    return once && !this.#memory.has(once.key) ? [once.key] : [];
  }

  /** Forgets what was decided since the last append and decides it again, without the command that could not be folded. */
  #startOver(): void {
    this.#health = { state: 'recovering', reason: 'a decision could not be folded into the states' };
    if (!this.#inFlight) void this.#recover([], undefined, []);
  }

  #decide(pending: Pending, context: Context): void {
    const { once } = pending;
    const memory = this.#memory;
    memory.beginReading();
    const remembered = once && this.#remembered(once);
    const known = memory.misses.length > 0 || !once ? undefined : recall(once, remembered, context.now);
    // What an answer speaks of may be in logs that are not as far as the one with the answer.
    if (known && !this.#isVerified(pending)) return this.#inbox.park(pending, [], 'verify');
    if (known) return this.#await(pending, known.outcome, known.replayed);
    const decision = pending.run(memory.world, context);
    if (memory.misses.length > 0) return this.#inbox.park(pending, [...memory.misses], 'load');
    if (!decision.ok && !this.#isVerified(pending)) return this.#inbox.park(pending, [], 'verify');
    const outcome: Outcome = decision.ok ? { ok: true, answer: decision.answer as Json } : decision; // a question's answer stays with its asker
    const fact = once && answered(once, outcome, context.now);
    this.#unsound = true;
    if (decision.ok) for (const event of decision.events) this.#record(event);
    if (fact) this.#record(fact);
    this.#unsound = false;
    const durable = !fact && !memory.readUndurable && (!decision.ok || decision.events.length === 0);
    if (durable) this.#settle(pending, outcome, false, this.cursor);
    else this.#await(pending, outcome, false);
  }

  /** Whether what was decided rests on everything that anybody had written when the command came. */
  #isVerified(pending: Pending): boolean {
    return this.#alone || pending.verified === this.#memory.readings;
  }

  #remembered(once: Once): Remembered | undefined {
    return this.#memory.world.get(once.key) as Remembered | undefined; // under `k/` keys there are answers only
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
    this.#memory.record(event, log);
  }

  #wants(due: Due): void {
    for (const listener of this.#onDue) listener(due, this.#lastNow);
  }

  #loadParked(): void {
    const loading = this.#inbox.beginLoading();
    if (!loading) return;
    Promise.all([this.#memory.load(loading.keys), loading.verify ? this.#lookForOthers() : NEVER]).then(
      ([, reading]) => {
        for (const pending of loading.waiting) pending.verified = reading;
        this.#inbox.loaded();
        this.#goOn();
      },
      (error: unknown) => {
        this.#inbox.notLoaded(error);
        this.#goOn();
      },
    );
  }

  /** Some wait in the inbox again. */
  #goOn(): void {
    const stopped = this.#closed() || this.#health.state === 'failed' ? this.#stoppedBy() : undefined;
    if (stopped && !this.#mending) return this.#refuseAll(stopped);
    this.#planDrain();
    this.#wakeIdle();
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
      const body = encodeEvents(events);
      const commit = this.#memory.assign(log, token, events, body);
      appends.push({ log, expected: commit.position - 1, events, body });
      commits.push(commit);
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
    for (const commit of done.commits) this.#memory.durable[commit.log] = commit.position;
    this.#cursor = undefined;
    const isSound = !this.#unsound && this.#memory.behind.size === 0;
    // The store has the next facts to write while these callers are told.
    if (isSound && this.#batch.events.size > 0) this.#flush();
    this.#answer(done.batch.waiting);
    if (done.commits.length > 0) for (const listener of this.#onCommitted) listener(done.commits);
    if (!isSound) void this.#recover([], undefined, []);
    else if (!this.#inFlight) this.#flush();
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
    const concerned = new Set([...logs, ...batch.events.keys(), ...this.#memory.behind]);
    this.#memory.behind.clear();
    this.#memory.forget([...(failed?.batch.touched ?? []), ...batch.touched]);
    const again = [...(failed?.batch.waiting ?? []), ...batch.waiting];
    const verdict = verdictOn(error);
    if (verdict === 'failed') return this.#giveUp(error, again);
    // Kept over all rounds: a log that was read in a round that failed later is not read again.
    const foreign: Commit[] = [];
    for (let attempt = 1; ; attempt++) {
      try {
        if (!this.#alone) for (const [log, head] of (await this.#store.log.heads()).entries()) if (head > (this.#memory.durable[log] ?? 0)) concerned.add(log);
        for (const log of concerned) {
          foreign.push(...((await this.#memory.sync(log)) ?? []));
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
    this.#inbox.putBack(again.filter((pending) => pending.attempts <= CONFLICT_ATTEMPTS_MAX));
    if (!arrived && verdict === 'refused') this.#inbox.fail(lost, error);
    this.#inbox.fail(again.filter((pending) => pending.attempts > CONFLICT_ATTEMPTS_MAX), new Fault('overloaded', 'other writers were always first', { retry: 'soon', cause: error }));
    const mostAttempts = again.reduce((most, pending) => Math.max(most, pending.attempts), 0);
    const goOn = (): void => {
      this.#mending = false;
      const stopped = this.#closed() ? this.#stoppedBy() : undefined;
      if (stopped) return this.#refuseAll(stopped);
      if (this.#memory.behind.size > 0) return void this.#recover([], undefined, []);
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
    const waiting = [...this.#inbox.clear(), ...this.#batch.waiting];
    this.#batch = emptyBatch();
    for (const pending of waiting) pending.fail(error);
    this.#wakeIdle();
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.after(ms, resolve));
  }

  async #retryReading(): Promise<void> {
    if (this.#closed()) throw new Fault('closed', 'the engine was closed', { retry: 'soon' });
    await this.#pause(STORE_RETRY_MS);
  }

  #wakeIdle(): void {
    if (this.#busy() && this.#health.state === 'ready') return;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }
}

const NO_FACTS: Decision<EventRecord, unknown> = { ok: true, events: [], answer: null };
