import type { Clock } from '../base/clock.ts';
import { Distribution, SECONDS_OF_WAITS } from '../base/distribution.ts';
import { isFault } from '../base/errors.ts';
import type { Store } from '../store/store.ts';
import type { Engine } from './engine.ts';
import { isAnswerKey } from './answers.ts';
import { DueHeap, type DueKey } from './due-heap.ts';
import { UNSAVED_FOR_WAKES, WAKE_INTERVAL_MS, WAKE_RELOAD_MS, WAKE_RETRY_MS, WAKE_WINDOW_MS, WAKES_HELD_MAX, WAKES_PER_PAGE, WAKES_PER_STEP, WAKES_PER_STEP_MIN, WAKES_STEP_MS } from './limits.ts';
import { Pace } from './pace.ts';
import type { Room } from './room.ts';

/**
 * Wakes states at their instants. Only those due soon are in memory, and of these the first so many; the others are
 * found in the saved states when their time comes near. Being late costs nothing but the delay of a fact: decisions
 * look at the clock themselves.
 *
 *     saved states, by instant   ──listed up to here──►   in memory ──► woken
 *     ════════════════════════════════╪═══════════════════════════╪═══════════► due
 *                                  #place                  the window's end
 */
export class Timers<Command> {
  readonly #engine: Engine<Command>;
  readonly #store: Store;
  readonly #room: Room<Command>;
  readonly #clock: Clock;
  readonly #heldMax: number;
  readonly #heap = new DueHeap();
  /** Seconds by which the first of each group was woken after its instant. */
  readonly lateSeconds = new Distribution(SECONDS_OF_WAITS);
  /**
   * Wake-ups that failed, and until when they rest. After an append that failed the engine reads states again and says
   * anew what they want: without this a full disk would be asked over and over, without a pause.
   */
  readonly #resting = new Map<string, number>();
  /** By log, the newest commit that made a wake-up for which there was no room: a listing finds it once that is saved. */
  readonly #missed: number[];
  /** Something was saved that an earlier listing went past. */
  #listAgain = false;
  readonly #pace = new Pace({ ms: WAKES_STEP_MS, min: WAKES_PER_STEP_MIN, max: WAKES_PER_STEP });
  readonly #unsavedMax: number;
  readonly #forget: (() => void)[];
  /** How far this round has listed, and up to where it goes; done when nothing more is due in its window. */
  #place = { dueMs: 0, key: '' };
  #until = 0;
  #listed = false;
  #listing: Promise<void> | undefined;
  #callOff: (() => void) | undefined;
  #callOffReload: (() => void) | undefined;
  #plannedFor = Number.POSITIVE_INFINITY;
  #waking = false;
  #closed = false;

  constructor(options: { engine: Engine<Command>; store: Store; room: Room<Command>; clock: Clock; heldMax?: number; unsavedMax?: number }) {
    this.#heldMax = options.heldMax ?? WAKES_HELD_MAX;
    this.#engine = options.engine;
    this.#store = options.store;
    this.#room = options.room;
    this.#clock = options.clock;
    this.#unsavedMax = options.unsavedMax ?? UNSAVED_FOR_WAKES;
    this.#missed = new Array<number>(options.store.partitions).fill(0);
    this.#forget = [
      this.#engine.onDue(({ key, dueMs, position }, nowMs) => {
        if (dueMs > nowMs + WAKE_WINDOW_MS) return;
        if (this.#heap.size < this.#heldMax) this.#add(key, dueMs);
        else this.#missed[this.#engine.logOf(key)] = position;
      }),
      this.#engine.onSaved((checkpoints) => this.#lookForMissed(checkpoints)),
    ];
  }

  /** Wake-ups under way or in memory. */
  get size(): number {
    return this.#heap.size;
  }

  /** Loads what is due soon, now and again from time to time. */
  async start(): Promise<void> {
    await this.#beginRound();
  }

  close(): void {
    this.#closed = true;
    for (const forget of this.#forget) forget();
    this.#callOff?.();
    this.#callOffReload?.();
  }

  /**
   * Lists from the beginning again what is due soon: a state may have been saved only after a round went past its instant,
   * or was lost with the newest saved states and made again, long after it was due.
   */
  async #beginRound(): Promise<void> {
    this.#until = this.#engine.now() + WAKE_WINDOW_MS;
    // A round that is not at its end goes on: there is enough to do before it is.
    if (this.#listed) this.#place = { dueMs: 0, key: '' };
    this.#listed = false;
    await this.#list();
    if (!this.#closed) this.#callOffReload = this.#clock.after(WAKE_RELOAD_MS, () => void this.#beginRound());
  }

  #lookForMissed(checkpoints: readonly number[]): void {
    for (const [log, position] of this.#missed.entries()) {
      if (position === 0 || position > (checkpoints[log] ?? 0)) continue;
      this.#missed[log] = 0;
      this.#listAgain = true;
    }
    this.#refill();
  }

  /** Lists where there is room for many, and where a listing would find some. */
  #refill(): void {
    if (this.#closed || this.#heap.size > this.#heldMax / 2 || this.#listing) return;
    if (this.#listed && this.#listAgain) {
      this.#place = { dueMs: 0, key: '' };
      this.#listed = this.#listAgain = false;
    }
    if (!this.#listed) void this.#list();
  }

  /** Brings wake-ups into memory until there are enough, or no more are due soon. */
  #list(): Promise<void> {
    this.#listing ??= this.#listSome().finally(() => {
      this.#listing = undefined;
      if (this.#listAgain) this.#refill();
    });
    return this.#listing;
  }

  async #listSome(): Promise<void> {
    const size = Math.min(WAKES_PER_PAGE, this.#heldMax);
    try {
      while (!this.#listed && !this.#closed && this.#heap.size < this.#heldMax) {
        const page = await this.#store.projections.dueStates(this.#place, this.#until, size);
        for (const { key, dueMs } of page) if (!isAnswerKey(key)) this.#add(key, dueMs);
        const last = page.at(-1);
        if (last) this.#place = last;
        if (page.length === size) continue;
        this.#listed = true;
      }
    } catch (error) {
      if (!isFault(error)) throw error; // the store is away: the next round finds what this one did not
    }
  }

  #add(key: string, dueMs: number): void {
    this.#heap.push(dueMs, key);
    this.#plan();
  }

  #plan(): void {
    const due = this.#heap.nextDue;
    if (due === undefined || this.#closed || this.#waking || due >= this.#plannedFor) return;
    this.#callOff?.();
    this.#plannedFor = due;
    this.#callOff = this.#clock.after(Math.max(WAKE_INTERVAL_MS, due - this.#engine.now()), () => void this.#wake());
  }

  /** The first of a group waited longest; one look at a group, because a million may be due at once. */
  #noteLateness(due: readonly { dueMs: number }[]): void {
    const first = due[0];
    if (first) this.lateSeconds.observe(Math.max(0, this.#engine.now() - first.dueMs) / 1000);
  }

  #rest(key: string, untilMs: number): void {
    this.#resting.set(key, untilMs);
    this.#heap.push(untilMs, key);
  }

  /** Whether a wake-up failed so lately that it has to wait; then it comes again. */
  #rests(key: string, now: number): boolean {
    const untilMs = this.#resting.get(key) ?? 0;
    if (untilMs <= now) return false;
    this.#heap.push(untilMs, key);
    return true;
  }

  async #wake(): Promise<void> {
    this.#plannedFor = Number.POSITIVE_INFINITY;
    this.#waking = true;
    const now = this.#engine.now();
    while (!this.#closed && (this.#heap.nextDue ?? Number.POSITIVE_INFINITY) <= now) {
      await this.#engine.crowd.atMost(this.#unsavedMax);
      if (this.#closed) break;
      // As many at a time as take some milliseconds: what is asked meanwhile waits for no more than that.
      const taken = this.#heap.take(now, this.#pace.size);
      const due = taken.filter(({ key }) => !this.#rests(key, now) && this.#engine.mayWantWaking(key));
      this.#refill();
      this.#noteLateness(due);
      const began = this.#clock.now();
      await this.#step(due);
      this.#pace.took(this.#clock.now() - began, taken.length);
    }
    this.#waking = false;
    this.#plan();
  }

  async #step(due: readonly DueKey[]): Promise<void> {
    const results = await Promise.allSettled(due.map(({ key }) => this.#engine.execute(this.#room.wake(key), { turn: 'last' })));
    results.forEach((result, index) => {
      const entry = due[index];
      if (!entry) return;
      if (result.status === 'rejected') this.#rest(entry.key, this.#engine.now() + WAKE_RETRY_MS);
      else this.#resting.delete(entry.key);
    });
  }
}
