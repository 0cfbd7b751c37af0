import type { Clock } from '../base/clock.ts';
import { CROWDED_HURRY_MS, CROWDED_PATIENCE_MS } from './limits.ts';

interface Waiter {
  readonly most: number;
  readonly resolve: () => void;
}

/**
 * States that are not saved have to stay in memory, so whoever would make more of them waits while there are too many:
 * wake-ups first, because nobody waits for them, then commands. Those who save are asked to hurry meanwhile.
 */
export class Crowd {
  readonly #clock: Clock;
  readonly #unsaved: () => number;
  readonly #max: number;
  readonly #lookAgain: () => void;
  readonly #onHurry = new Set<() => void>();
  #waiters: Waiter[] = [];
  #since: number | undefined;
  #closed = false;
  #hurriedAt = Number.NEGATIVE_INFINITY;

  constructor(options: { clock: Clock; unsaved: () => number; max: number; lookAgain: () => void }) {
    this.#clock = options.clock;
    this.#unsaved = options.unsaved;
    this.#max = options.max;
    this.#lookAgain = options.lookAgain;
  }

  /** States that have to stay in memory because they are not known to be saved as they are. */
  get unsaved(): number {
    return this.#unsaved();
  }

  /** Calls back when somebody waits, and every so often while somebody does. */
  onHurry(listener: () => void): void {
    this.#onHurry.add(listener);
  }

  /** Whether commands have to wait; `hopeless` where nothing got better for so long that they are better told. */
  look(): 'free' | 'full' | 'hopeless' {
    if (this.#unsaved() < this.#max) {
      this.#since = undefined;
      return 'free';
    }
    const now = this.#clock.now();
    if (this.#since === undefined) this.#clock.after(CROWDED_PATIENCE_MS, this.#lookAgain);
    this.#since ??= now;
    this.#hurry();
    return now - this.#since >= CROWDED_PATIENCE_MS ? 'hopeless' : 'full';
  }

  /** Resolves when no more than so many states are unsaved. */
  atMost(most: number): Promise<void> {
    if (this.#closed || this.#unsaved() <= most) return Promise.resolve();
    this.#hurry();
    return new Promise((resolve) => void this.#waiters.push({ most, resolve }));
  }

  /** Some were saved. */
  eased(): void {
    if (this.#unsaved() < this.#max) this.#since = undefined;
    const waiting = this.#waiters;
    if (waiting.length === 0) return;
    const count = this.#closed ? 0 : this.#unsaved();
    this.#waiters = waiting.filter(({ most }) => count > most);
    for (const { most, resolve } of waiting) if (count <= most) resolve();
    if (this.#waiters.length > 0) this.#hurry();
  }

  close(): void {
    this.#closed = true;
    this.eased();
  }

  #hurry(): void {
    const now = this.#clock.now();
    if (now < this.#hurriedAt + CROWDED_HURRY_MS) return;
    this.#hurriedAt = now;
    for (const listener of this.#onHurry) listener();
  }
}
