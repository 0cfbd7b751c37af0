import { describe, expect, test } from 'vitest';
import { Fault } from '../../base/errors.ts';
import { chance, seededRandom } from '../../base/random.ts';
import type { Commit } from '../../store/store.ts';
import { Feed, type FeedSubscription } from './feed.ts';
import { adjustment, cursorOf, everything, factOf, idsByLog, Notebook, now, openShop, PARTITIONS, publicFacts, settle, SKUS, stockedShop, trade, type Shop } from './testing.ts';

describe('what is committed while the store is being read', () => {
  const slowStore = ({ store, clock }: Shop): Shop['store'] => store.share({ clock, faults: { before: (operation) => (operation === 'read' ? { type: 'ok', beforeMs: 10 } : { type: 'ok' }) } });

  /** A feed that waits 10 ms for every page of the store, and a listener that has just begun to read. */
  async function reading(options: { room?: number; bounds?: object; key?: string } = {}): Promise<{ shop: Shop; notebook: Notebook; subscription: FeedSubscription; read: () => Promise<void> }> {
    const shop = await stockedShop();
    const feed = new Feed({ ...shop, store: slowStore(shop), bounds: options.bounds ?? {} });
    const notebook = new Notebook(options.room);
    const subscription = feed.subscribe({ after: cursorOf('c1'), ...(options.key === undefined ? {} : { key: options.key }) }, notebook);
    await settle();
    const read = async (): Promise<void> => {
      for (let page = 0; page < 10; page++) {
        shop.clock.advance(10);
        await settle(3);
      }
    };
    return { shop, notebook, subscription, read };
  }

  test('follows at once, without waiting for another commit', async () => {
    const { shop, notebook, subscription, read } = await reading();
    for (let i = 0; i < 5; i++) await trade(shop, seededRandom(i), 20);
    expect(notebook.entries).toEqual([]);
    await read();
    expect(idsByLog(notebook.facts)).toEqual(idsByLog(await publicFacts(shop.store)));
    expect(subscription.cursor).toBe(shop.engine.cursor);
  });

  test('is read from the store where it is too much to keep', async () => {
    for (const cutOverEventsMax of [4, 5, 6]) {
      const { shop, notebook, read } = await reading({ bounds: { cutOverEventsMax } });
      for (let i = 0; i < 5; i++) await shop.engine.execute(adjustment('sku-1', 1));
      shop.clock.advance(10);
      await settle();
      expect(notebook.entries).toHaveLength(SKUS.length + (cutOverEventsMax < 5 ? 0 : 5));
      await read();
      expect(idsByLog(notebook.facts)).toEqual(idsByLog(await publicFacts(shop.store)));
    }
  });

  test('is neither lost nor held against a listener who is full', async () => {
    for (const meanwhile of [1, 6]) {
      const { shop, notebook, subscription, read } = await reading({ room: 1, bounds: { bufferedEntriesMax: 3 }, key: 'sku-1' });
      for (let i = 0; i < meanwhile; i++) await shop.engine.execute(adjustment('sku-1', 1));
      await read();
      for (let i = 0; i < 6; i++) {
        await shop.engine.execute(adjustment('sku-1', 1));
        await settle(3);
      }
      expect([notebook.entries.length, notebook.ended]).toEqual([1, undefined]);
      for (let i = 0; i < 10; i++) {
        notebook.drain(subscription, 2);
        await read();
      }
      const facts = (await publicFacts(shop.store)).filter(({ subject }) => subject === 'sku-1');
      expect([notebook.ended, notebook.facts.map(({ id }) => id)]).toEqual([undefined, facts.map(({ id }) => id)]);
    }
  });

  test('does not let a page end empty because its time was over first', async () => {
    const shop = await stockedShop();
    const feed = new Feed({ ...shop, store: slowStore(shop) });
    const waiting = feed.page(now({ after: cursorOf('c1'), waitMs: 5 }));
    await settle();
    shop.clock.advance(9);
    await settle();
    shop.clock.advance(1);
    expect((await waiting).entries).toHaveLength(SKUS.length);
  });

  test('is not repeated to somebody whose cursor had it already', async () => {
    const shop = await stockedShop();
    const other = await openShop({ store: shop.store.share(), clock: shop.clock, seed: 2 });
    const feed = new Feed({ ...shop, store: slowStore(shop) });
    await trade(other, seededRandom(12), 60);
    const [ahead, heads] = [cursorOf(other.engine.cursor), shop.engine.heads];
    // Of one log it knows nothing, so that there is something to read; of the others more than the feed has heard of.
    const behind = ahead.positions.findIndex((position, log) => position > 0 && (heads[log] ?? 0) > 0);
    const notebook = new Notebook();
    feed.subscribe({ after: { positions: ahead.positions.with(behind, 0), partial: new Map() } }, notebook);
    await settle();
    await shop.engine.follow();
    for (let page = 0; page < 10; page++) {
      shop.clock.advance(10);
      await settle(3);
    }
    const facts = (await publicFacts(shop.store)).filter(({ id }) => id.startsWith(`${behind}-`));
    expect(notebook.facts.map(({ id }) => id)).toEqual(facts.map(({ id }) => id));
  });
});

describe('what can go wrong', () => {
  test('a gap in what is told of commits is filled from the store, and what is told twice is delivered once', async () => {
    const shop = await stockedShop();
    let deaf = false;
    const engine = {
      get heads() {
        return shop.engine.heads;
      },
      onCommitted: (listener: (commits: readonly Commit[]) => void) =>
        shop.engine.onCommitted((commits) => {
          if (deaf) return;
          listener(commits);
          listener(commits.slice(0, 1));
        }),
    };
    const feed = new Feed({ ...shop, engine });
    const notebooks = [new Notebook(), new Notebook(2)] as const;
    feed.subscribe({ after: 'earliest' }, notebooks[0]);
    const narrow = feed.subscribe({ after: 'earliest', key: 'sku-1' }, notebooks[1]);
    await settle();
    const random = seededRandom(9);
    for (let round = 0; round < 30; round++) {
      deaf = chance(random, 0.5);
      await trade(shop, random, 10);
      if (chance(random, 0.5)) notebooks[1].drain(narrow, 4);
      if (chance(random, 0.5)) await settle(5);
    }
    deaf = false;
    await Promise.all(SKUS.map((sku) => shop.engine.execute(adjustment(sku, 1))));
    await settle(50);
    notebooks[1].drain(narrow);
    await settle(50);
    const facts = await publicFacts(shop.store);
    expect(idsByLog(notebooks[0].facts)).toEqual(idsByLog(facts));
    expect(notebooks[1].facts.map(({ id }) => id)).toEqual(facts.filter(({ subject }) => subject === 'sku-1').map(({ id }) => id));
  });

  test('an old commit that is told again moves nothing back', async () => {
    const shop = await stockedShop();
    const told: Commit[] = [];
    let tell: (commits: readonly Commit[]) => void = () => undefined;
    const onCommitted = (listener: typeof tell): (() => void) => {
      tell = listener;
      return shop.engine.onCommitted((commits) => {
        told.push(...commits);
        listener(commits);
      });
    };
    const feed = new Feed({ ...shop, engine: { heads: shop.engine.heads, onCommitted } });
    for (let i = 0; i < 3; i++) await shop.engine.execute(adjustment('sku-1', 1));
    tell(told.slice(0, 1));
    expect(await feed.page(now())).toEqual({ entries: [], cursor: shop.engine.cursor });
  });

  test('a cursor from a process that knows more repeats nothing once this one has heard of it', async () => {
    const shop = await stockedShop();
    const other = await openShop({ store: shop.store.share(), clock: shop.clock, seed: 2 });
    const [here, there] = [new Feed(shop), new Feed(other)];
    await trade(other, seededRandom(10), 30);
    const ahead = await there.page(everything());
    const notebook = new Notebook();
    const subscription = here.subscribe({ after: cursorOf(ahead.cursor) }, notebook);
    expect(await here.page(now({ after: cursorOf(ahead.cursor) }))).toEqual({ entries: [], cursor: ahead.cursor });
    await trade(other, seededRandom(11), 30);
    const rest = await there.page(everything({ after: cursorOf(ahead.cursor) }));
    await settle();
    expect(notebook.entries).toEqual([]);
    await shop.engine.follow();
    await settle();
    expect(idsByLog(notebook.facts)).toEqual(idsByLog(rest.entries.map(factOf)));
    expect(subscription.cursor).toBe(rest.cursor);
    await shop.engine.execute(adjustment('sku-1', 1));
    await settle();
    expect(notebook.entries).toHaveLength(rest.entries.length + 1);
  });

  test('a store that is away is read again by who subscribes, and said to be away to who asks for a page', async () => {
    const { store } = await stockedShop();
    let away = false;
    const handle = store.share({ faults: { before: (operation) => (away && operation === 'read' ? { type: 'fail', code: 'unavailable' } : { type: 'ok' }) } });
    const shop = await openShop({ store: handle });
    const feed = new Feed(shop);
    away = true;
    await expect(feed.page(everything())).rejects.toMatchObject({ code: 'unavailable' });
    const notebook = new Notebook();
    feed.subscribe({ after: 'earliest' }, notebook);
    await settle();
    shop.clock.advance(10_000);
    await settle();
    expect([notebook.entries, notebook.ended]).toEqual([[], undefined]);
    away = false;
    shop.clock.advance(10_000);
    await settle(50);
    expect(idsByLog(notebook.facts)).toEqual(idsByLog(await publicFacts(store)));
  });

  test('a log that cannot be read ends the subscription and says why', async () => {
    const shop = await stockedShop();
    const corrupt = new Fault('corrupt', 'commit 1 of log 0 is not readable', { retry: 'never' });
    const log = { ...shop.store.log, read: () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(corrupt) }) }) };
    const feed = new Feed({ ...shop, store: { partitions: PARTITIONS, log } });
    const notebook = new Notebook();
    feed.subscribe({ after: 'earliest' }, notebook);
    await settle();
    expect([notebook.ended, notebook.cause]).toEqual(['closed', corrupt]);
    await expect(feed.page(everything())).rejects.toBe(corrupt);
  });
});
