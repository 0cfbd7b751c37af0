/** What tests of the feed stand on: a shop on the memory engine, and a listener that writes down what it is pushed. */
import { must } from '../../base/assert.ts';
import { handClock, type HandClock } from '../../base/clock.ts';
import { ids } from '../../base/ids.ts';
import { below, pick, seededRandom, type Random } from '../../base/random.ts';
import { openMemory, type MemoryStore } from '../../engines/memory/memory.ts';
import { inventory, type InventoryCommand } from '../../rooms/inventory/inventory.ts';
import { Engine } from '../../runtime/runtime.ts';
import { parseCursor, type Cursor, type Store } from '../../store/store.ts';
import { leavesTheHouse, toCloudEvent, type CloudEvent } from './cloud-events.ts';
import { Feed, type EndReason, type FeedEntry, type FeedListener, type FeedSubscription, type Page, type PageQuestion } from './feed.ts';
import type { FeedBounds } from './limits.ts';

export const PARTITIONS = 4;
export const SKUS: readonly string[] = Array.from({ length: 12 }, (_, index) => `sku-${index}`);

export interface Shop {
  readonly store: MemoryStore;
  readonly engine: Engine<InventoryCommand>;
  readonly clock: HandClock;
}

/** A started engine on a store of its own, or on one that others use too. */
export async function openShop(options: { store?: MemoryStore; clock?: HandClock; seed?: number } = {}): Promise<Shop> {
  const { store = openMemory({ partitions: PARTITIONS }), clock = handClock(), seed = 1 } = options;
  const random = seededRandom(seed);
  const engine = new Engine({ store, room: inventory, clock, random, ids: ids(random) });
  await engine.start();
  return { store, engine, clock };
}

/** Describes every item and puts plenty of it on the shelf. */
export async function stockUp({ engine }: Shop, skus: readonly string[] = SKUS): Promise<void> {
  await Promise.all(skus.map((sku) => engine.execute({ type: 'DefineItem', sku, mode: 'replace', definition: {} })));
  await Promise.all(skus.map((sku) => engine.execute(adjustment(sku, 1_000_000))));
}

export function adjustment(sku: string, change: number): InventoryCommand {
  return { type: 'AdjustStock', sku, location: 'main', bucket: 'sellable', change, reason: 'received' };
}

export function reservation(...skus: string[]): InventoryCommand {
  return { type: 'ReserveStock', lines: skus.map((sku) => ({ sku, quantity: 1 })) };
}

/** Customers who hold, extend, give back and buy, several at once so that commits hold several facts; `between` says when they go on. */
export async function trade({ engine }: Shop, random: Random, commands: number, between: () => Promise<void> = async () => undefined): Promise<void> {
  const held: string[] = [];
  const next = (): InventoryCommand => {
    const id = held.length > 0 && below(random, 2) === 0 ? held.splice(below(random, held.length), 1)[0] : undefined;
    if (id === undefined) return below(random, 4) === 0 ? adjustment(pick(random, SKUS), 1) : reservation(...new Set([pick(random, SKUS), pick(random, SKUS)]));
    if (below(random, 3) === 0) return { type: 'ExtendReservation', id, ttlSeconds: 60 };
    return below(random, 2) === 0 ? { type: 'ReleaseReservation', id } : { type: 'ConfirmReservation', id };
  };
  for (let done = 0; done < commands; ) {
    const together = Math.min(1 + below(random, 20), commands - done);
    const settled = await Promise.all(Array.from({ length: together }, () => engine.execute(next())));
    for (const { ok, ...rest } of settled) {
      if (!ok || !('answer' in rest)) continue;
      const { id, status } = rest.answer as { id?: string; status?: string }; // of a reservation, or of something without either
      if (id !== undefined && status === 'held') held.push(id);
    }
    done += together;
    await between();
  }
}

/** Every public fact of a store, by log. */
export async function publicFacts(store: Pick<Store, 'log' | 'partitions'>): Promise<CloudEvent[]> {
  const facts: CloudEvent[] = [];
  for (let log = 0; log < store.partitions; log++) {
    for await (const { position, events } of store.log.read(log, await store.log.trimmedTo(log))) {
      for (const [index, record] of events.entries()) if (leavesTheHouse(record)) facts.push(toCloudEvent(record, { log, position, index }));
    }
  }
  return facts;
}

/** The ids of facts by the log they are in, in the order given: what must be equal for two readers of the same facts. */
export function idsByLog(facts: readonly { readonly id: string }[]): Record<string, string[]> {
  const logs: Record<string, string[]> = {};
  for (const { id } of facts) (logs[id.slice(0, id.indexOf('-'))] ??= []).push(id);
  return logs;
}

export function factOf(entry: FeedEntry): CloudEvent {
  return JSON.parse(entry.json) as CloudEvent; // the feed wrote it
}

export function cursorOf(text: string, partitions = PARTITIONS): Cursor {
  return must(parseCursor(text, partitions), `${text} is no cursor`);
}

/** Writes down what it is pushed, and is full after `room` entries until it is resumed. */
export class Notebook implements FeedListener {
  readonly entries: FeedEntry[] = [];
  ended: EndReason | undefined;
  cause: unknown;
  room: number;
  onPush: (entry: FeedEntry) => void = () => undefined;

  constructor(room = Infinity) {
    this.room = room;
  }

  push(entry: FeedEntry): boolean {
    if (this.ended !== undefined) throw new Error('an entry was pushed after the end');
    this.entries.push(entry);
    this.room--;
    this.onPush(entry);
    return this.room > 0;
  }

  end(reason: EndReason, cause?: unknown): void {
    this.ended = reason;
    this.cause = cause;
  }

  get facts(): CloudEvent[] {
    return this.entries.map(factOf);
  }

  drain(subscription: FeedSubscription, room = Infinity): void {
    this.room = room;
    subscription.resume();
  }
}

/** Lets everything that is at hand happen. */
export async function settle(turns = 20): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise<void>((resolve) => void setImmediate(resolve));
}

export async function stockedShop(seed = 1): Promise<Shop> {
  const shop = await openShop({ seed });
  await stockUp(shop);
  return shop;
}

export async function feedOfShop(bounds: Partial<FeedBounds> = {}): Promise<{ shop: Shop; feed: Feed }> {
  const shop = await stockedShop();
  return { shop, feed: new Feed({ ...shop, bounds }) };
}

export const now = (more: Partial<PageQuestion> = {}): PageQuestion => ({ after: 'now', limit: 100, waitMs: 0, ...more });
export const everything = (more: Partial<PageQuestion> = {}): PageQuestion => ({ after: 'earliest', limit: 100_000, waitMs: 0, ...more });
export const idsOn = (page: Page): string[] => page.entries.map((entry) => factOf(entry).id);
