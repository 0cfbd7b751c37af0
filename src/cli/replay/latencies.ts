/** Buckets grow by this factor: a quantile is at most 5 % above the truth. */
const GROWTH = 1.05;
const LOWEST_MS = 0.01;

/** Durations in buckets: as many as are given in the memory of a few hundred numbers. */
export class Latencies {
  readonly #buckets: number[] = [];
  #count = 0;

  add(ms: number): void {
    const bucket = Math.max(0, Math.ceil(Math.log(Math.max(ms, LOWEST_MS) / LOWEST_MS) / Math.log(GROWTH)));
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
    this.#count++;
  }

  get count(): number {
    return this.#count;
  }

  /** The duration that this share (0 to 1) does not exceed, in milliseconds; 0 where nothing was measured. */
  quantile(share: number): number {
    const wanted = Math.ceil(share * this.#count);
    let seen = 0;
    for (let bucket = 0; bucket < this.#buckets.length; bucket++) {
      seen += this.#buckets[bucket] ?? 0;
      if (seen >= wanted && seen > 0) return LOWEST_MS * GROWTH ** bucket;
    }
    return 0;
  }
}
