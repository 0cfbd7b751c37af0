import type { Lease } from '../../store/store.ts';

/** `holder` is null once the lease was given back; the epoch stays. */
interface Held {
  readonly holder: string | null;
  readonly epoch: number;
  readonly untilMs: number;
}

export type LeasesImage = readonly (readonly [string, Held])[];

export class MemoryLeases {
  readonly #held: Map<string, Held>;

  constructor(image: LeasesImage) {
    this.#held = new Map(image);
  }

  image(): LeasesImage {
    return [...this.#held];
  }

  acquire(name: string, holder: string, { ttlMs, nowMs }: { ttlMs: number; nowMs: number }): Lease | undefined {
    const held = this.#held.get(name);
    const ours = held?.holder === holder;
    if (held && held.holder !== null && !ours && held.untilMs > nowMs) return undefined;
    const epoch = (held?.epoch ?? 0) + (ours ? 0 : 1);
    this.#held.set(name, { holder, epoch, untilMs: nowMs + ttlMs });
    return this.find(name);
  }

  release({ name, holder, epoch }: Lease): void {
    const held = this.#held.get(name);
    if (held?.holder === holder && held.epoch === epoch) this.#held.set(name, { holder: null, epoch, untilMs: 0 });
  }

  find(name: string): Lease | undefined {
    const held = this.#held.get(name);
    return held && held.holder !== null ? { name, holder: held.holder, epoch: held.epoch, untilMs: held.untilMs } : undefined;
  }
}
