/** Waits in steps of 10 µs up to two seconds: adding one costs nothing beside what is measured. */
export class Histogram {
  readonly #counts = new Uint32Array(200_001);
  #total = 0;
  #maxMs = 0;

  add(ms: number): void {
    const step = (ms * 100) | 0;
    this.#counts[step < 200_000 ? step : 200_000]!++; // the index was just bounded
    this.#total++;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#total = 0;
    this.#maxMs = 0;
  }

  /** Milliseconds that this part of all waits did not exceed. */
  quantile(part: number): number {
    let left = Math.ceil(this.#total * part);
    for (let step = 0; step < this.#counts.length; step++) {
      left -= this.#counts[step] ?? 0;
      if (left <= 0) return Math.min((step + 1) / 100, this.#maxMs);
    }
    return this.#maxMs;
  }

  get waits(): Waits {
    return { p50: this.quantile(0.5), p99: this.quantile(0.99), max: this.#maxMs };
  }
}

/** In milliseconds. */
export interface Waits {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}
