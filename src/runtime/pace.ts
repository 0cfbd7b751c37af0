/** How many may be done in one go: as many as take so many milliseconds, within bounds, learned from how long they took. */
export class Pace {
  readonly #ms: number;
  readonly #min: number;
  readonly #max: number;
  #size: number;

  constructor(bounds: { readonly ms: number; readonly min: number; readonly max: number }) {
    this.#ms = bounds.ms;
    this.#min = bounds.min;
    this.#max = bounds.max;
    this.#size = bounds.min;
  }

  get size(): number {
    return Math.round(this.#size);
  }

  /** So many were done, and it took so long. What was less than a whole go says nothing unless it took too long. */
  took(ms: number, count: number): void {
    if (ms > this.#ms) this.#size = Math.max(this.#min, this.#size * 0.8);
    else if (count >= this.size) this.#size = Math.min(this.#max, this.#size * 1.25);
  }
}
