/** How values are spread, as counts between bounds: what a histogram shows. Only grows. */
export interface Spread {
  /** Upper bounds, ascending, each belonging to its own count. */
  readonly bounds: readonly number[];
  /** One more than there are bounds: the last is of what exceeded all of them. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** Seconds of what is hoped to take a millisecond: from one fsync of a fast disk to a store that hangs. */
export const SECONDS_OF_WRITES = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10] as const;
/** Seconds of what may wait for others: from a turn of the event loop to a minute. */
export const SECONDS_OF_WAITS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60] as const;
/** Facts of one append: from a lone hold to a batch of carts. */
export const FACTS_OF_APPENDS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000] as const;
/** Bytes of one append, in steps of four from a lone hold on. */
export const BYTES_OF_APPENDS = [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304] as const;

/** Counts values. Observing one is a short search and two additions: cheap enough for once an append, not for once a fact. */
export class Distribution implements Spread {
  readonly bounds: readonly number[];
  readonly counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  get sum(): number {
    return this.#sum;
  }

  /** How many values there were. */
  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  observe(value: number): void {
    const { bounds, counts } = this;
    let slot = 0;
    while (slot < bounds.length && value > (bounds[slot] as number)) slot++; // within bounds
    counts[slot] = (counts[slot] ?? 0) + 1;
    this.#sum += value;
  }
}
