import { describe, expect, test } from 'vitest';
import { handClock } from '../../base/clock.ts';
import { below, chance, pick, seededRandom, type Random } from '../../base/random.ts';
import { Feed, type FeedSubscription, type PageQuestion } from './feed.ts';
import { cursorOf, factOf, idsByLog, Notebook, openShop, publicFacts, settle, stockUp, trade, type Shop } from './testing.ts';

const HELD = 'inventory.reservation.held';
const ADJUSTED = 'inventory.stock.adjusted';

const LIVELY = { bufferedEntriesMax: 12, pushesPerSlice: 200, undeliveredEventsMax: 1_000, cutOverEventsMax: 200, readersMax: 8, eventsPerStep: 50 };
/** Bounds so small that every one of them is met many times; in the first nearly everybody reads the store, in the last nearly everybody is live. */
const TIGHT = [
  { bufferedEntriesMax: 6, pushesPerSlice: 5, undeliveredEventsMax: 60, cutOverEventsMax: 12, readersMax: 2, eventsPerStep: 7 },
  { bufferedEntriesMax: 6, pushesPerSlice: 30, undeliveredEventsMax: 120, cutOverEventsMax: 60, readersMax: 8, eventsPerStep: 20 },
  LIVELY,
];

interface Filter {
  readonly types?: string[];
  readonly key?: string;
}

/** Somebody who listens, breaks off at any moment, and goes on from the cursor of the last entry or of the subscription. */
class Wanderer {
  readonly seen: { id: string; type: string; subject: string }[] = [];
  breaks = 0;
  readonly #feeds: readonly Feed[];
  readonly #random: Random;
  readonly filter: Filter;
  readonly #diligence: number;
  #cursor: string | undefined;
  #notebook = new Notebook();
  #subscription: FeedSubscription | undefined;

  constructor(feeds: readonly Feed[], random: Random, filter: Filter) {
    this.#feeds = feeds;
    this.#random = random;
    this.#diligence = below(random, 10) / 10;
    this.filter = filter;
  }

  /** Listens, is full, drains, is cut off, breaks off: one of these, by chance. */
  act(): void {
    if (!this.#subscription || this.#notebook.ended !== undefined) return this.#listen();
    if (chance(this.#random, this.#diligence)) this.#notebook.drain(this.#subscription, 1 + below(this.#random, 8));
    else if (chance(this.#random, 0.15)) this.#breakOff(this.#subscription);
  }

  async #page(): Promise<void> {
    const page = await pick(this.#random, this.#feeds).page({ after: this.#after(), limit: 1 + below(this.#random, 500), waitMs: 0, ...this.filter });
    this.#write(page.entries.map(factOf));
    this.#cursor = page.cursor;
  }

  /** Everything that is left, so that what was seen can be compared with what there is. */
  async finish(): Promise<void> {
    if (this.#subscription) this.#breakOff(this.#subscription);
    for (let before = -1; before < this.seen.length; ) {
      before = this.seen.length;
      await this.#page();
    }
  }

  #listen(): void {
    this.#notebook = new Notebook(1 + below(this.#random, 8));
    const notebook = this.#notebook;
    notebook.onPush = (entry) => {
      this.#write([factOf(entry)]);
      this.#cursor = entry.cursor;
      if (chance(this.#random, 0.02) && this.#subscription && this.#notebook === notebook) this.#leave(this.#subscription);
    };
    this.#subscription = undefined;
    this.#subscription = pick(this.#random, this.#feeds).subscribe({ after: this.#after(), ...this.filter }, notebook);
  }

  #breakOff(subscription: FeedSubscription): void {
    if (chance(this.#random, 0.5) && this.#notebook.ended === undefined) this.#cursor = subscription.cursor;
    this.#leave(subscription);
  }

  #leave(subscription: FeedSubscription): void {
    subscription.close();
    this.#subscription = undefined;
    this.breaks++;
  }

  #after(): PageQuestion['after'] {
    return this.#cursor === undefined ? 'earliest' : cursorOf(this.#cursor);
  }

  #write(facts: readonly { id: string; type: string; subject: string }[]): void {
    this.seen.push(...facts);
  }
}

describe('thousands of disconnects while customers buy', () => {
  const filters: readonly Filter[] = [{}, {}, { key: 'sku-3' }, { types: [HELD] }, { types: [HELD, ADJUSTED], key: 'sku-7' }];

  async function expectToHaveSeenAll(wanderers: readonly Wanderer[], shop: Shop): Promise<void> {
    await Promise.all(wanderers.map((wanderer) => wanderer.finish()));
    const facts = await publicFacts(shop.store);
    for (const { seen, filter } of wanderers) {
      const { key, types } = filter;
      const wanted = facts.filter((fact) => (key === undefined || fact.subject === key) && (types === undefined || types.includes(fact.type)));
      expect(idsByLog(seen)).toEqual(idsByLog(wanted));
    }
  }

  test.each(TIGHT.flatMap((bounds, index) => [1, 2].map((seed) => ({ seed: 10 * index + seed, bounds }))))('leave no gap and repeat nothing (seed $seed)', async ({ seed, bounds }) => {
    const random = seededRandom(seed);
    const shop = await openShop({ seed });
    await stockUp(shop);
    const feed = new Feed({ ...shop, bounds });
    const wanderers = Array.from({ length: 30 }, () => new Wanderer([feed], random, pick(random, filters)));
    let selling = true;
    const sold = trade(shop, seededRandom(seed + 100), 2_000, () => settle(below(random, 8))).then(() => (selling = false));
    while (selling) {
      for (const wanderer of wanderers) wanderer.act();
      await settle(1);
    }
    await sold;
    await expectToHaveSeenAll(wanderers, shop);
    expect(wanderers.reduce((sum, { breaks }) => sum + breaks, 0)).toBeGreaterThan(1_000);
    expect(feed.listeners).toBe(0);
  });

  test.each([1, 2, 3])('leave no gap and repeat nothing from one process to another (seed %i)', async (seed) => {
    const random = seededRandom(seed);
    const clock = handClock();
    const shop = await openShop({ seed, clock });
    await stockUp(shop);
    const shops = [shop, await openShop({ seed: seed + 50, clock, store: shop.store.share() })];
    const feeds = shops.map((one) => new Feed({ ...one, bounds: LIVELY }));
    const wanderers = Array.from({ length: 20 }, () => new Wanderer(feeds, random, pick(random, filters)));
    let selling = shops.length;
    const sold = shops.map((one, index) => trade(one, seededRandom(seed + index), 500, () => settle(below(random, 8))).then(() => selling--));
    while (selling > 0) {
      for (const wanderer of wanderers) wanderer.act();
      clock.advance(1); // who lost a race twice waits a little before the next
      if (chance(random, 0.2)) await pick(random, shops).engine.follow();
      await settle(1);
    }
    await Promise.all(sold);
    for (const { engine } of shops) await engine.follow();
    expect(shops.reduce((sum, { engine }) => sum + engine.figures.conflicts, 0)).toBeGreaterThan(0);
    await expectToHaveSeenAll(wanderers, shop);
  });
});
