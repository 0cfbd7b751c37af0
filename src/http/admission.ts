import { ADMITTED_PER_TURN_MS } from './limits.ts';

/**
 * Who may come in while more is asked than can be answered in time. All requests that have arrived are read in one turn
 * of the event loop, decided together and answered after it: so nobody waits much longer than a turn takes, and a turn
 * that has lasted too long lets nobody else in. Whoever is told so at once can come back; the others are answered
 * meanwhile. What a machine can do needs no setting: a slow one has fewer requests in the same time.
 */
export class Admission {
  readonly #atEndOfTurn: (task: () => void) => void;
  #beganMs: number | undefined;

  /** `atEndOfTurn` runs a task once what had arrived is read. */
  constructor(atEndOfTurn: (task: () => void) => void = (task) => void setImmediate(task)) {
    this.#atEndOfTurn = atEndOfTurn;
  }

  admits(nowMs: number): boolean {
    if (this.#beganMs !== undefined) return nowMs - this.#beganMs <= ADMITTED_PER_TURN_MS;
    this.#beganMs = nowMs;
    this.#atEndOfTurn(this.#endTurn);
    return true;
  }

  readonly #endTurn = (): void => {
    this.#beganMs = undefined;
  };
}
