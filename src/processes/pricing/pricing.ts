/**
 * The pricing process: a consumer of the log that prices items as facts about them come in, the functions and modules
 * that it asks, and the prices at hand for readers.
 */
import type { Clock } from '../../base/clock.ts';
import { Consumer, type Engine } from '../../runtime/runtime.ts';
import type { Position, Store } from '../../store/store.ts';
import type { Command } from '../rooms.ts';
import type { Money, Strategy } from '../../rooms/pricing/pricing.ts';
import type { Answer, Asked } from './outside.ts';
import { Pipeline, type Views } from './pipeline.ts';
import { PriceCache } from './price-cache.ts';
import type { SweepStatus } from './sweep.ts';

export interface PricingOptions {
  readonly store: Store;
  readonly engine: Engine<Command>;
  readonly views: Views;
  readonly clock: Clock;
  readonly holder: string;
  readonly modules?: string | undefined;
  readonly onTrouble?: ((message: string) => void) | undefined;
  /** Runs a task after the input that is at hand has been taken in. */
  readonly defer?: (task: () => void) => void;
}

/** Between looks at a price that another process makes. */
const LOOK_MS = 20;

export class Pricing implements AsyncDisposable {
  readonly consumer: Consumer;
  readonly cache: PriceCache;
  readonly #pipeline: Pipeline;
  readonly #clock: Clock;

  constructor(options: PricingOptions) {
    this.#clock = options.clock;
    this.#pipeline = new Pipeline(options);
    this.consumer = new Consumer({ ...options, listener: this.#pipeline });
    this.cache = new PriceCache(options);
  }

  start(): void {
    this.consumer.start();
  }

  /** How looking at all items after a change of policies stands. */
  get sweep(): SweepStatus {
    return this.#pipeline.sweep;
  }

  /** Items that policies price, and items that are due to be priced. */
  get figures(): { readonly priced: number; readonly due: number } {
    return this.#pipeline.figures;
  }

  /** Asks a function or a module what an item could cost. Never rejects. */
  ask(strategy: Strategy, asked: Asked, base: Money): Promise<Answer> {
    return this.#pipeline.ask(strategy, asked, base);
  }

  /** Whether facts up to these positions have had their effect on the prices of some items: waits for it, `waitMs` at most. */
  async covers(skus: readonly string[], positions: readonly Position[], waitMs: number): Promise<boolean> {
    const covered = (): boolean => positions.every((position, log) => (this.consumer.heard[log] ?? 0) >= position) && skus.filter((sku) => !this.#pipeline.hasPriced(sku)).length === 0;
    // Another process makes the prices: what it has heard it has published, or is about to.
    const elsewhere = !this.consumer.isHearing && (await this.consumer.covers(positions, waitMs));
    return elsewhere || this.#until(covered, waitMs);
  }

  /** Resolves when everything heard is published and no item is looked at. */
  async idle(): Promise<void> {
    await this.consumer.settled();
    while (!this.#pipeline.isIdle) await this.#pipeline.news();
  }

  async #until(isSo: () => boolean, waitMs: number): Promise<boolean> {
    let late = false;
    const end = Promise.withResolvers<void>();
    const callOff = this.#clock.after(waitMs, () => {
      late = true;
      end.resolve();
    });
    try {
      while (!isSo()) {
        if (late) return false;
        await Promise.race([this.#pipeline.news(), end.promise, new Promise<void>((resolve) => void this.#clock.after(LOOK_MS, resolve))]);
      }
      return true;
    } finally {
      callOff();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.consumer[Symbol.asyncDispose]();
    await this.#pipeline.close();
    this.cache.close();
  }
}
