import { chance, type Random } from '../../base/random.ts';
import type { Clock } from '../../base/clock.ts';
import { Fault } from '../../base/errors.ts';

/** What a store is asked to do, as far as faults tell calls apart. */
export type Operation = 'append' | 'trim' | 'read' | 'apply' | 'load' | 'query' | 'queue-write' | 'queue-read' | 'lease' | 'settings' | 'ping';

/**
 * What becomes of one call. `beforeMs` passes before it takes effect, `afterMs` between its effect and its answer.
 * - `ok`: it is done.
 * - `fail`: nothing happens and the caller is told why, or, with `unavailable`, that nobody knows.
 * - `lost-answer`: it is done, and the caller hears `unavailable`.
 * - `late`: the caller hears `unavailable`, and it is done `afterMs` later, should it then still be possible.
 */
export type Verdict =
  | { readonly type: 'ok' | 'lost-answer'; readonly beforeMs?: number; readonly afterMs?: number }
  | { readonly type: 'late'; readonly beforeMs?: number; readonly afterMs: number }
  | { readonly type: 'fail'; readonly code: 'storage-full' | 'storage-failed' | 'unavailable'; readonly beforeMs?: number };

/** Decides about every call before it is made: the simulation's bad luck. */
export interface Faults {
  before(operation: Operation): Verdict;
}

/** What is refused once a write has failed: everything that must be fsynced. Projections may be rolled back anyway. */
const DURABLE_WRITES: ReadonlySet<Operation> = new Set<Operation>(['append', 'trim', 'queue-write', 'lease', 'settings', 'ping']);

/** What stood still when somebody pulled the plug. */
interface Waiting {
  readonly effect: (() => unknown) | undefined;
  readonly giveUp: (fault: Fault) => void;
}

/**
 * One handle's calls on the database, as one process makes them: each takes effect at one instant, at least a
 * microtask after it was made, so that nobody can rely on an effect that was not awaited.
 */
export class Session {
  readonly #faults: Faults | undefined;
  readonly #clock: Clock | undefined;
  readonly #waiting = new Set<Waiting>();
  #paused: PromiseWithResolvers<void> | undefined;
  #state: 'open' | 'write-failed' | 'closed' | 'killed' = 'open';

  constructor(options: { faults?: Faults | undefined; clock?: Clock | undefined }) {
    this.#faults = options.faults;
    this.#clock = options.clock;
  }

  async run<T>(operation: Operation, effect: () => T): Promise<T> {
    try {
      return await this.#make(operation, effect);
    } finally {
      while (this.#paused) await this.#paused.promise;
      if (this.#state === 'killed') await new Promise<never>(() => {});
    }
  }

  async #make<T>(operation: Operation, effect: () => T): Promise<T> {
    const verdict: Verdict = this.#faults?.before(operation) ?? { type: 'ok' };
    const fails = verdict.type === 'fail';
    await this.#pass(verdict.beforeMs, fails || !isWrite(operation) ? undefined : effect);
    this.#refuseAfterFailure(operation);
    if (fails) throw this.#failed(operation, verdict.code);
    if (verdict.type === 'late') {
      this.#arriveIn(verdict.afterMs, effect);
      throw unavailable(operation);
    }
    const value = effect();
    if (verdict.afterMs !== undefined) await this.#pass(verdict.afterMs, undefined);
    if (verdict.type === 'lost-answer') throw unavailable(operation);
    return value;
  }

  close(): void {
    if (this.#state !== 'killed') this.#state = 'closed';
    for (const { giveUp } of this.#waiting) giveUp(closed());
    this.#waiting.clear();
  }

  /** Stands still, as SIGSTOP makes a process: calls under way take effect, and nobody hears of it before `resume`. */
  pause(): void {
    this.#paused ??= Promise.withResolvers();
  }

  resume(): void {
    this.#paused?.resolve();
    this.#paused = undefined;
  }

  /** Ends as `kill -9` does: no call is ever answered again, and of the writes under way chance says which arrived. */
  kill(random: Random): void {
    this.#state = 'killed';
    for (const { effect } of this.#waiting) {
      if (effect && chance(random, 0.5)) arriveLate(effect);
    }
    this.#waiting.clear();
  }

  async #pass(delayMs: number | undefined, effect: (() => unknown) | undefined): Promise<void> {
    await (delayMs === undefined || this.#clock === undefined ? undefined : this.#delay(this.#clock, delayMs, effect));
    if (this.#state === 'closed') throw closed();
    if (this.#state === 'killed') await new Promise<never>(() => {});
  }

  #delay(clock: Clock, delayMs: number, effect: (() => unknown) | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { effect, giveUp: reject };
      this.#waiting.add(waiting);
      clock.after(delayMs, () => {
        if (this.#waiting.delete(waiting)) resolve();
      });
    });
  }

  #arriveIn(delayMs: number, effect: () => unknown): void {
    const waiting: Waiting = { effect, giveUp: () => undefined };
    this.#waiting.add(waiting);
    this.#clock?.after(delayMs, () => {
      if (this.#waiting.delete(waiting)) arriveLate(effect);
    });
  }

  #refuseAfterFailure(operation: Operation): void {
    if (this.#state !== 'write-failed' || !DURABLE_WRITES.has(operation)) return;
    throw new Fault('storage-failed', `${operation} refused: an earlier write failed; open the store again`, { retry: 'never' });
  }

  #failed(operation: Operation, code: 'storage-full' | 'storage-failed' | 'unavailable'): Fault {
    if (code === 'unavailable') return unavailable(operation);
    if (code === 'storage-full') return new Fault(code, `${operation}: there is no room; nothing was stored, make room and try again`, { retry: 'later' });
    this.#state = 'write-failed';
    return new Fault(code, `${operation}: the write failed and nothing was stored; open the store again`, { retry: 'never' });
  }
}

function isWrite(operation: Operation): boolean {
  return operation !== 'ping' && (operation === 'apply' || DURABLE_WRITES.has(operation));
}

function arriveLate(effect: () => unknown): void {
  try {
    effect();
  } catch {
    // Whoever asked is gone: a write that lost its race changed nothing and there is nobody to tell.
  }
}

function unavailable(operation: Operation): Fault {
  return new Fault('unavailable', `${operation}: no answer came back; read the log to learn whether it arrived`, { retry: 'soon' });
}

function closed(): Fault {
  return new Fault('closed', 'the store was closed before it could answer; open it again', { retry: 'never' });
}
