import { Fault } from '../base/errors.ts';

/** Somebody who waits to be decided on. */
export interface Waiting {
  readonly kind: 'command' | 'question';
  /** What is of one lane is decided in the order it came. */
  readonly lane: string | undefined;
  /** `last`: after everything that came by the time it is decided. */
  readonly turn: 'own' | 'last';
  /** Grows with every arrival: whatever had to wait is decided in this order again. */
  order: number;
  readonly fail: (error: unknown) => void;
}

/** Waiting for states to be loaded, for those before it in its lane, or to know that nobody else has written. */
interface Parked<One> {
  readonly one: One;
  readonly keys: readonly string[];
  readonly why: 'load' | 'verify';
}

/** Those who have to wait for the same questions to the store. */
export interface Loading<One> {
  readonly waiting: readonly One[];
  readonly keys: readonly string[];
  /** Whether somebody has to know that nobody else has written. */
  readonly verify: boolean;
}

/**
 * Who waits to be decided on, in the order of their arrival:
 *
 *     take ──► inbox ──round──► decided
 *                ▲        └────► parked ──load──► being loaded for ──┐
 *                └───────────────────────────────────────────────────┘
 *
 * What is of one lane never overtakes: behind one that is parked all others of its lane are parked, too, and what comes
 * after one that failed fails with it.
 */
export class Inbox<One extends Waiting> {
  #arrivals = 0;
  #inbox: One[] = [];
  #parked: Parked<One>[] = [];
  readonly #parkedLanes = new Set<string>();
  /** Whose states are being loaded. */
  #loading: readonly One[] = [];
  /** Of those, whoever failed meanwhile because one before it in its lane did. */
  readonly #overtaken = new Set<One>();
  /** Lanes of which one failed in this round. */
  readonly #failedLanes = new Set<string>();

  /** Those who are not decided on yet. */
  get size(): number {
    return this.#inbox.length + this.#parked.length + this.#loading.length;
  }

  /** Whether a round would find somebody. */
  get hasTurns(): boolean {
    return this.#inbox.length > 0;
  }

  take(one: One): void {
    one.order = ++this.#arrivals;
    this.#inbox.push(one);
  }

  /** Takes out who is to be decided on now. While memory is `full` only questions are; where that is `hopeless`, commands are told. */
  beginRound(memory: 'free' | 'full' | 'hopeless'): { readonly own: readonly One[]; readonly last: readonly One[] } {
    const inbox = this.#inbox;
    this.#inbox = memory === 'full' ? inbox.filter(({ kind }) => kind === 'command') : [];
    if (memory === 'hopeless') this.fail(inbox.filter(({ kind }) => kind === 'command'), new Fault('overloaded', 'the views are too far behind for memory to take more', { retry: 'later' }));
    const now = memory === 'free' ? inbox : inbox.filter(({ kind }) => kind === 'question');
    return now.some(({ turn }) => turn === 'last') ? { own: now.filter(({ turn }) => turn === 'own'), last: now.filter(({ turn }) => turn === 'last') } : { own: now, last: [] };
  }

  /** Takes back who was not reached: they come first. */
  cutRound(rest: readonly One[]): void {
    this.#inbox = [...rest, ...this.#inbox];
  }

  endRound(): void {
    this.#failedLanes.clear();
  }

  /** How its lane stands in this round: `failed`, and with it whoever comes after; `parked`, and it has to be, too. */
  laneOf({ lane }: One): 'free' | 'failed' | 'parked' {
    if (lane === undefined) return 'free';
    if (this.#failedLanes.has(lane)) return 'failed';
    return this.#parkedLanes.has(lane) ? 'parked' : 'free';
  }

  /** What comes after it in its lane in this round fails. */
  failLane({ lane }: One): void {
    if (lane !== undefined) this.#failedLanes.add(lane);
  }

  park(one: One, keys: readonly string[], why: 'load' | 'verify'): void {
    this.#parked.push({ one, keys, why });
    if (one.lane !== undefined) this.#parkedLanes.add(one.lane);
  }

  /** What is to be asked of the store for those who are parked; undefined where nobody is, or others are being loaded for. */
  beginLoading(): Loading<One> | undefined {
    if (this.#loading.length > 0 || this.#parked.length === 0) return undefined;
    const parked = this.#parked;
    this.#parked = [];
    this.#loading = parked.map(({ one }) => one);
    return { waiting: this.#loading, keys: [...new Set(parked.flatMap(({ keys }) => keys))], verify: parked.some(({ why }) => why === 'verify') };
  }

  /** Who was loaded for, and who parked behind them meanwhile, take their places in the inbox again. */
  loaded(): void {
    this.#unpark(this.#loading.filter((one) => !this.#overtaken.delete(one)));
  }

  notLoaded(error: unknown): void {
    const loading = this.#loading;
    this.#loading = [];
    this.fail(loading.filter((one) => !this.#overtaken.delete(one)), error);
    this.#unpark([]);
  }

  #unpark(again: readonly One[]): void {
    this.putBack([...again, ...this.#parked.map(({ one }) => one)]);
    this.#loading = [];
    this.#parked = [];
    this.#parkedLanes.clear();
  }

  /** They are decided on again, in the order in which they came. */
  putBack(ones: readonly One[]): void {
    this.#inbox = [...ones, ...this.#inbox].sort((a, b) => a.order - b.order);
  }

  /** Fails some, and with them those that wait behind them in their lanes: they were to come after what did not happen. */
  fail(failing: readonly One[], error: unknown): void {
    const lanes = new Set(failing.flatMap(({ lane }) => lane ?? []));
    const behind = lanes.size === 0 ? [] : this.#takeBehind(lanes, failing);
    for (const one of failing) one.fail(error);
    for (const one of behind) one.fail(behindFailed());
  }

  #takeBehind(lanes: ReadonlySet<string>, failing: readonly One[]): One[] {
    const follows = ({ lane }: One): boolean => lane !== undefined && lanes.has(lane);
    const behind = [...this.#inbox, ...this.#parked.map(({ one }) => one)].filter(follows);
    // What is loaded for goes on when that is there, unless one of its lane failed meanwhile.
    for (const one of this.#loading) {
      if (!follows(one) || failing.includes(one) || this.#overtaken.has(one)) continue;
      this.#overtaken.add(one);
      behind.push(one);
    }
    if (behind.length === 0) return behind;
    this.#inbox = this.#inbox.filter((one) => !follows(one));
    this.#parked = this.#parked.filter(({ one }) => !follows(one));
    return behind;
  }

  /** Takes out everybody but those who are being loaded for. */
  clear(): One[] {
    const waiting = [...this.#inbox, ...this.#parked.map(({ one }) => one)];
    this.#inbox = [];
    this.#parked = [];
    return waiting;
  }
}

export const behindFailed = (): Fault => new Fault('overloaded', 'an earlier command of the same lane failed; give both again', { retry: 'soon' });
