import type { Clock } from '../../base/clock.ts';
import { isWide } from '../../base/strings.ts';
import { findItem } from '../../rooms/inventory/inventory.ts';
import { findPrice, priceView } from '../../rooms/pricing/pricing.ts';
import type { Engine } from '../../runtime/runtime.ts';
import type { Commit } from '../../store/store.ts';
import type { Command } from '../rooms.ts';
import { CACHE_BYTES_MAX, CACHE_MS } from './limits.ts';

/** A price as it is told, ready to be sent. */
export interface EncodedPrice {
  readonly text: string;
  readonly etag: string;
  /** Until then it is told as it stands, unless a fact says otherwise. */
  readonly until: number;
}

interface Entry extends EncodedPrice {
  readonly bytes: number;
  used: boolean;
}

/** What a text costs besides its characters: the strings' heads, the entry with its instant and tag, its place in the map. */
const ENTRY_BYTES = 300;

/**
 * Prices for readers, encoded once and told many times. A fact about a price forgets its text before anybody is answered
 * after it, and the next reader has it made again from the states; so none is ever older than the log as this process
 * knows it. When there are too many, those go that were not read lately.
 */
export class PriceCache {
  readonly #engine: Engine<Command>;
  readonly #clock: Clock;
  readonly #bytesMax: number;
  readonly #entries = new Map<string, Entry>();
  /** SKUs that are being read from the states: what a fact says meanwhile makes that old. */
  readonly #reading = new Map<string, { outdated: boolean }>();
  readonly #forget: () => void;
  #bytes = 0;

  constructor({ engine, clock, bytesMax = CACHE_BYTES_MAX }: { engine: Engine<Command>; clock: Clock; bytesMax?: number }) {
    this.#engine = engine;
    this.#clock = clock;
    this.#bytesMax = bytesMax;
    this.#forget = engine.onCommitted((commits) => this.#take(commits));
  }

  get figures(): { readonly prices: number; readonly bytes: number } {
    return { prices: this.#entries.size, bytes: this.#bytes };
  }

  close(): void {
    this.#forget();
  }

  /** The price of an item, where it is at hand. */
  get(sku: string): EncodedPrice | undefined {
    const entry = this.#entries.get(sku);
    if (!entry || entry.until <= this.#clock.now()) return undefined;
    entry.used = true;
    return entry;
  }

  /** The price of an item from the states: `unpriced` where it has none yet, undefined where there is no such item. */
  async load(sku: string): Promise<EncodedPrice | 'unpriced' | undefined> {
    const reading = { outdated: false };
    this.#reading.set(sku, reading);
    try {
      const read = await this.#engine.read((world, now) => {
        const item = findItem(world, sku);
        const price = item && findPrice(world, sku);
        if (!item) return undefined;
        return price && (price.price !== null || item.definition?.price === undefined) ? encoded(priceView(price, now), now) : 'unpriced';
      });
      if (typeof read === 'object' && !reading.outdated) this.#keep(sku, read);
      return read;
    } finally {
      if (this.#reading.get(sku) === reading) this.#reading.delete(sku);
    }
  }

  #take(commits: readonly Commit[]): void {
    for (const { events } of commits) {
      for (const { key, type } of events) {
        if (key.charCodeAt(0) === LETTER_P || type === 'inventory.item.removed') this.#drop(key.slice(2));
      }
    }
  }

  #drop(sku: string): void {
    const reading = this.#reading.get(sku);
    if (reading) reading.outdated = true;
    const entry = this.#entries.get(sku);
    if (!entry) return;
    this.#bytes -= entry.bytes;
    this.#entries.delete(sku);
  }

  #keep(sku: string, price: EncodedPrice): void {
    this.#drop(sku);
    const entry = { ...price, bytes: bytesOf(sku, price), used: false };
    this.#entries.set(sku, entry);
    this.#bytes += entry.bytes;
    for (const [oldest, { used }] of this.#entries) {
      if (this.#bytes <= this.#bytesMax) return;
      const old = this.#entries.get(oldest) as Entry; // it is being walked
      this.#drop(oldest);
      if (used && oldest !== sku) this.#again(oldest, old);
    }
  }

  /** What was read lately gets another round. */
  #again(sku: string, entry: Entry): void {
    entry.used = false;
    this.#entries.set(sku, entry);
    this.#bytes += entry.bytes;
  }
}

const LETTER_P = 'p'.charCodeAt(0);

function bytesOf(sku: string, { text }: EncodedPrice): number {
  return ENTRY_BYTES + bytesIn(sku) + bytesIn(text);
}

const bytesIn = (text: string): number => (isWide(text) ? 2 : 1) * text.length;

function encoded(view: ReturnType<typeof priceView>, now: number): EncodedPrice {
  const { version, lowest30d, reductionPercent } = view as { version: number; lowest30d: { amount: number } | null; reductionPercent: number | null }; // the view's own members
  return { text: JSON.stringify(view), etag: `"${version}-${lowest30d?.amount ?? ''}-${reductionPercent ?? ''}"`, until: now + CACHE_MS };
}
