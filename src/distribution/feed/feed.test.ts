import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../base/random.ts';
import { Feed, HistoryLost, type Page } from './feed.ts';
import { adjustment, cursorOf, everything, factOf, feedOfShop, idsByLog, idsOn, Notebook, now, openShop, PARTITIONS, publicFacts, reservation, settle, SKUS, stockedShop, trade, type Shop } from './testing.ts';

const HELD = 'inventory.reservation.held';
const ADJUSTED = 'inventory.stock.adjusted';

describe('a page', () => {
  test('of everything has every public fact once, each log in its order', async () => {
    const { shop, feed } = await feedOfShop();
    await trade(shop, seededRandom(2), 300);
    const page = await feed.page(everything());
    expect(page.entries.length).toBeGreaterThan(300);
    expect(idsByLog(page.entries.map(factOf))).toEqual(idsByLog(await publicFacts(shop.store)));
    expect(page.cursor).toBe(shop.engine.cursor);
  });

  test('puts the logs in the order of time', async () => {
    const shop = await stockedShop();
    for (const sku of [...SKUS, ...SKUS]) {
      shop.clock.advance(10);
      await shop.engine.execute(adjustment(sku, 1));
    }
    const { entries } = await new Feed(shop).page(everything());
    const times = entries.map((entry) => factOf(entry).time);
    expect(times.toSorted()).toEqual(times);
  });

  test('has at most as many as asked for, and its cursor goes on in the middle of a commit', async () => {
    const { shop, feed } = await feedOfShop();
    await Promise.all(Array.from({ length: 10 }, () => shop.engine.execute(adjustment('sku-1', 1))));
    const all = idsOn(await feed.page(everything({ key: 'sku-1' })));
    expect(all).toHaveLength(11);
    for (const limit of [1, 2, 10, 11, 12]) {
      const paged: string[] = [];
      let page = await feed.page(everything({ key: 'sku-1', limit }));
      for (; page.entries.length > 0; page = await feed.page(everything({ key: 'sku-1', limit, after: cursorOf(page.cursor) }))) {
        expect(page.entries.length).toBeLessThanOrEqual(limit);
        paged.push(...idsOn(page));
      }
      expect(paged).toEqual(all);
    }
  });

  test('that is empty is the end for now, and goes on from there', async () => {
    const { shop, feed } = await feedOfShop();
    const end = await feed.page(now());
    expect(end).toEqual({ entries: [], cursor: shop.engine.cursor });
    await shop.engine.execute(adjustment('sku-3', 1));
    const next = await feed.page(now({ after: cursorOf(end.cursor) }));
    expect(next.entries.map(({ subject }) => subject)).toEqual(['sku-3']);
    expect(next.cursor).toBe(shop.engine.cursor);
  });

  test('moves its cursor past what does not match', async () => {
    const { shop, feed } = await feedOfShop();
    const page = await feed.page(everything({ types: ['inventory.reservation.expired'] }));
    expect(page).toEqual({ entries: [], cursor: shop.engine.cursor });
    const byKey = await feed.page(everything({ key: 'no-such-item' }));
    expect(byKey).toEqual({ entries: [], cursor: shop.engine.cursor });
  });

  test('of an empty store is empty', async () => {
    const shop = await openShop();
    expect(await new Feed(shop).page(everything())).toEqual({ entries: [], cursor: 'c1' });
  });
});

describe('a filter', () => {
  test('by types gives exactly these, by key exactly this item, and both give what both allow', async () => {
    const { shop, feed } = await feedOfShop();
    await trade(shop, seededRandom(3), 400);
    const facts = await publicFacts(shop.store);
    const questions = [{ types: [HELD] }, { types: [HELD, ADJUSTED] }, { types: ['inventory.reservation'] }, { types: [] }, { key: 'sku-1' }, { key: 'sku-' }, { key: 'sku-2', types: [HELD, 'inventory.reservation.released'] }];
    const live = questions.map((question) => {
      const notebook = new Notebook();
      feed.subscribe({ after: 'earliest', ...question }, notebook);
      return notebook;
    });
    await settle(100);
    await trade(shop, seededRandom(4), 200);
    await settle(100);
    const later = await publicFacts(shop.store);
    for (const [index, { types, key }] of questions.entries()) {
      const matches = ({ type, subject }: { type: string; subject: string }): boolean => (key === undefined || subject === key) && (types === undefined || types.length === 0 || types.includes(type));
      const paged = await feed.page({ ...everything(), ...questions[index] });
      expect(idsByLog(paged.entries.map(factOf))).toEqual(idsByLog(later.filter(matches)));
      expect(idsByLog(live[index]?.facts ?? [])).toEqual(idsByLog(later.filter(matches)));
    }
    expect(facts.length).toBeLessThan(later.length);
  });
});

describe('a long poll', () => {
  test('is woken by the first fact that matches, and by no other', async () => {
    const { shop, feed } = await feedOfShop();
    let page: Page | undefined;
    void feed.page(now({ waitMs: 25_000, key: 'sku-5', types: [HELD] })).then((answer) => (page = answer));
    await settle();
    await Promise.all([shop.engine.execute(adjustment('sku-5', 1)), shop.engine.execute(reservation('sku-4'))]);
    await settle();
    expect(page).toBeUndefined();
    await shop.engine.execute(reservation('sku-5'));
    await settle(2);
    expect(page?.entries.map(({ type, subject }) => [type, subject])).toEqual([[HELD, 'sku-5']]);
  });

  test('brings along what was committed with it, up to its limit, and goes on after that', async () => {
    const { shop, feed } = await feedOfShop();
    for (const limit of [1, 3, 8, 9]) {
      const waiting = feed.page(now({ waitMs: 25_000, limit }));
      await Promise.all(Array.from({ length: 8 }, () => shop.engine.execute(adjustment('sku-5', 1))));
      const page = await waiting;
      expect(page.entries).toHaveLength(Math.min(limit, 8));
      const rest = await feed.page(now({ after: cursorOf(page.cursor) }));
      expect(rest.entries).toHaveLength(8 - Math.min(limit, 8));
    }
  });

  test('ends empty when its time is over, at a cursor past what did not match', async () => {
    const { shop, feed } = await feedOfShop();
    const waiting = feed.page(now({ waitMs: 1000, types: ['inventory.reservation.expired'] }));
    await shop.engine.execute(adjustment('sku-5', 1));
    await settle();
    shop.clock.advance(1000);
    expect(await waiting).toEqual({ entries: [], cursor: shop.engine.cursor });
    expect([feed.listeners, shop.clock.nextDue()]).toEqual([0, undefined]);
  });

  test('ends with what it has when it is called off or the feed closes', async () => {
    const { shop, feed } = await feedOfShop();
    const abort = new AbortController();
    const calledOff = feed.page(now({ waitMs: 1000, signal: abort.signal }));
    const never = feed.page(now({ waitMs: 1000, signal: AbortSignal.abort() }));
    abort.abort();
    expect([await calledOff, await never].map(({ entries }) => entries)).toEqual([[], []]);
    const closed = feed.page(now({ waitMs: 1000 }));
    feed.close();
    expect(await closed).toEqual({ entries: [], cursor: shop.engine.cursor });
    await expect(feed.page(now())).rejects.toMatchObject({ code: 'closed' });
    expect([feed.listeners, shop.clock.nextDue()]).toEqual([0, undefined]);
  });
});

describe('history', () => {
  async function trimmed(): Promise<{ shop: Shop; feed: Feed; begin: Page; log: number }> {
    const { shop, feed } = await feedOfShop();
    const begin = await feed.page(everything({ limit: 1 }));
    await trade(shop, seededRandom(5), 100);
    const log = Number(idsOn(begin)[0]?.split('-')[0]);
    await shop.store.log.trim(log, (await shop.store.log.head(log)) - 2);
    return { shop, feed, begin, log };
  }

  test('that was trimmed is said to be lost, with the cursor that can be read after', async () => {
    const { shop, feed, begin } = await trimmed();
    const lost = await feed.page(now({ after: cursorOf(begin.cursor) })).catch((error: unknown) => error);
    expect(lost).toBeInstanceOf(HistoryLost);
    const { earliest, code } = lost as HistoryLost;
    expect([code, earliest]).toEqual(['history-lost', await feed.earliest()]);
    const kept = await feed.page(everything({ after: cursorOf(earliest) }));
    expect(idsByLog(kept.entries.map(factOf))).toEqual(idsByLog(await publicFacts(shop.store)));
    expect(idsOn(await feed.page(everything()))).toEqual(idsOn(kept));
  });

  test('that was trimmed ends a subscription with that reason', async () => {
    const { feed, begin } = await trimmed();
    const notebook = new Notebook();
    feed.subscribe({ after: cursorOf(begin.cursor) }, notebook);
    await settle();
    expect([notebook.ended, notebook.entries, feed.listeners]).toEqual(['history-lost', [], 0]);
  });

  test('that was trimmed half-way through a commit is lost too', async () => {
    const { shop, feed } = await feedOfShop();
    await Promise.all([shop.engine.execute(adjustment('sku-1', 1)), shop.engine.execute(adjustment('sku-1', 1))]);
    const before = await feed.page(everything({ key: 'sku-1', limit: 2 }));
    const log = Number(idsOn(before)[0]?.split('-')[0]);
    expect(cursorOf(before.cursor).partial.get(log)).toBeGreaterThan(0);
    await shop.store.log.trim(log, await shop.store.log.head(log));
    await expect(feed.page(now({ after: cursorOf(before.cursor) }))).rejects.toMatchObject({ code: 'history-lost' });
  });

  test('that is trimmed while "the oldest kept" is being looked up only moves the oldest kept', async () => {
    const { shop, feed } = await feedOfShop();
    await trade(shop, seededRandom(6), 100);
    const { log } = shop.store;
    const lookUp = log.trimmedTo.bind(log);
    let lookedUp = 0;
    // What was found is out of date before it is told.
    Object.assign(log, {
      async trimmedTo(id: number): Promise<number> {
        const found = await lookUp(id);
        await log.trim(id, (await log.head(id)) - 1);
        lookedUp++;
        return found;
      },
    });
    const page = await feed.page(everything());
    expect(lookedUp).toBe(2 * PARTITIONS);
    expect(idsByLog(page.entries.map(factOf))).toEqual(idsByLog(await publicFacts(shop.store)));
  });
});
