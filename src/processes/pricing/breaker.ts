import type { Clock } from '../../base/clock.ts';
import { BREAK_MS, FAILURES_MAX } from './limits.ts';

/**
 * Keeps calls away from somebody who fails (the circuit breaker of Nygard, "Release It!"):
 *
 *     closed ──some failures in a row──► open ──after a while──► one call may try ──it succeeds──► closed
 *                                          ▲────────────────────────── it fails ──┘
 */
export class Breaker {
  readonly #clock: Clock;
  #failures = 0;
  #openUntil = 0;
  #trying = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether somebody may call now. Who was told yes says what came of it. */
  allows(): boolean {
    if (this.#failures < FAILURES_MAX) return true;
    if (this.#trying || this.#clock.now() < this.#openUntil) return false;
    this.#trying = true;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#trying = false;
  }

  failed(): void {
    this.#trying = false;
    if (++this.#failures >= FAILURES_MAX) this.#openUntil = this.#clock.now() + BREAK_MS;
  }
}
