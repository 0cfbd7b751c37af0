/** How often callers may ask. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** One caller's allowance: it fills with time up to a burst, and each request takes one. */
export class Bucket {
  #tokens: number;
  #at: number;

  constructor(rate: Rate, nowMs: number) {
    this.#tokens = rate.burst;
    this.#at = nowMs;
  }

  /** 0 where the request may go on; otherwise the whole seconds after which it may be made again. */
  take(rate: Rate, nowMs: number): number {
    this.#tokens = Math.min(rate.burst, this.#tokens + ((nowMs - this.#at) * rate.perSecond) / 1000);
    this.#at = nowMs;
    if (this.#tokens >= 1) {
      this.#tokens -= 1;
      return 0;
    }
    return Math.ceil((1 - this.#tokens) / rate.perSecond);
  }
}

/** The allowances of callers who did not say who they are, by address; the one that was made first is forgotten first. */
export class Buckets {
  readonly #buckets = new Map<string, Bucket>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  of(address: string, rate: Rate, nowMs: number): Bucket {
    const known = this.#buckets.get(address);
    if (known) return known;
    if (this.#buckets.size >= this.#max) {
      const first = this.#buckets.keys().next();
      if (first.done !== true) this.#buckets.delete(first.value);
    }
    const bucket = new Bucket(rate, nowMs);
    this.#buckets.set(address, bucket);
    return bucket;
  }
}
