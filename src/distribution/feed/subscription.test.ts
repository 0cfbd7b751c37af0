import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../base/random.ts';
import { Feed } from './feed.ts';
import { adjustment, cursorOf, feedOfShop, idsByLog, idsOn, Notebook, now, publicFacts, reservation, settle, SKUS, stockedShop, trade } from './testing.ts';

const HELD = 'inventory.reservation.held';

describe('a subscription', () => {
  test('goes on live from now, and hears nothing from before', async () => {
    const { shop, feed } = await feedOfShop();
    const notebook = new Notebook();
    const subscription = feed.subscribe({ after: 'now' }, notebook);
    await shop.engine.execute(reservation('sku-1'));
    await settle();
    expect(notebook.facts.map(({ type, subject }) => [type, subject])).toEqual([[HELD, 'sku-1']]);
    expect([notebook.entries[0]?.cursor, subscription.cursor]).toEqual([shop.engine.cursor, shop.engine.cursor]);
    subscription.close();
    await shop.engine.execute(reservation('sku-1'));
    await settle();
    expect([notebook.entries.length, notebook.ended, feed.listeners]).toEqual([1, undefined, 0]);
  });

  test('stands, while an entry is pushed, behind that entry', async () => {
    const { shop, feed } = await feedOfShop();
    const notebook = new Notebook();
    const cursors: string[] = [];
    notebook.onPush = () => cursors.push(subscription.cursor);
    const subscription = feed.subscribe({ after: 'earliest' }, notebook);
    await settle();
    await Promise.all([shop.engine.execute(reservation('sku-1')), shop.engine.execute(reservation('sku-1'))]);
    await settle();
    expect(cursors.length).toBeGreaterThan(SKUS.length);
    expect(cursors).toEqual(notebook.entries.map(({ cursor }) => cursor));
  });

  test('reads the store when more is committed than can be handed out', async () => {
    const shop = await stockedShop();
    const feed = new Feed({ ...shop, bounds: { undeliveredEventsMax: 5 }, defer: () => undefined }); // an event loop that never gets round to it
    const notebook = new Notebook();
    feed.subscribe({ after: 'now' }, notebook);
    const sold: number[] = [];
    for (let i = 0; i < 6; i++) {
      await shop.engine.execute(adjustment('sku-1', 1));
      await settle();
      sold.push(notebook.entries.length);
    }
    expect(sold).toEqual([0, 0, 0, 0, 0, 6]);
  });

  test('shares one text of a fact with all others', async () => {
    const { shop, feed } = await feedOfShop();
    const notebooks = [new Notebook(), new Notebook(), new Notebook()] as const;
    feed.subscribe({ after: 'now' }, notebooks[0]);
    feed.subscribe({ after: 'now', types: [HELD] }, notebooks[1]);
    feed.subscribe({ after: 'now', key: 'sku-1' }, notebooks[2]);
    await shop.engine.execute(reservation('sku-1'));
    await settle();
    expect(notebooks[0].entries[0]).toBeDefined();
    expect(notebooks[1].entries[0]).toBe(notebooks[0].entries[0]);
    expect(notebooks[2].entries[0]).toBe(notebooks[0].entries[0]);
  });

  test('moves its cursor past what does not match while it is live', async () => {
    const { shop, feed } = await feedOfShop();
    const subscription = feed.subscribe({ after: 'now', key: 'sku-1' }, new Notebook());
    await trade(shop, seededRandom(7), 50);
    await settle();
    expect(subscription.cursor).toBe(shop.engine.cursor);
  });

  test('ends as closed when the feed does', async () => {
    const { feed } = await feedOfShop();
    const notebooks = [new Notebook(), new Notebook()] as const;
    feed.subscribe({ after: 'now' }, notebooks[0]);
    feed.subscribe({ after: 'earliest' }, notebooks[1]);
    feed.close();
    await settle();
    expect(notebooks.map(({ ended, entries }) => [ended, entries.length])).toEqual([['closed', 0], ['closed', 0]]);
  });

  test('is refused beyond the bound of listeners, and not below it', async () => {
    const { feed } = await feedOfShop({ listenersMax: 2 });
    const first = feed.subscribe({ after: 'now' }, new Notebook());
    feed.subscribe({ after: 'now' }, new Notebook());
    expect(() => feed.subscribe({ after: 'now' }, new Notebook())).toThrow(expect.objectContaining({ code: 'overloaded' }));
    await expect(feed.page(now())).rejects.toMatchObject({ code: 'overloaded' });
    first.close();
    expect(await feed.page(now())).toMatchObject({ entries: [] });
  });
});

describe('a listener who is full', () => {
  test('is cut off when too much has been waiting, and nobody else is', async () => {
    const { shop, feed } = await feedOfShop({ bufferedEntriesMax: 5 });
    const [slow, quick] = [new Notebook(1), new Notebook()];
    feed.subscribe({ after: 'now' }, slow);
    feed.subscribe({ after: 'now' }, quick);
    const sell = async (): Promise<void> => {
      await shop.engine.execute(reservation('sku-1'));
      await settle(3);
    };
    for (let sold = 0; sold < 6; sold++) await sell();
    expect([slow.entries.length, slow.ended]).toEqual([1, undefined]); // five wait: the bound
    await sell();
    expect([slow.entries.length, slow.ended, feed.listeners]).toEqual([1, 'slow', 1]);
    await sell();
    expect([quick.entries.length, quick.ended]).toEqual([8, undefined]);
  });

  test('gets what waited in order once it drains, and stays', async () => {
    const { shop, feed } = await feedOfShop({ bufferedEntriesMax: 20 });
    const notebook = new Notebook(1);
    const subscription = feed.subscribe({ after: 'now' }, notebook);
    for (let sold = 1; sold <= 40; sold++) {
      await shop.engine.execute(reservation('sku-1'));
      await settle(3);
      expect(subscription.cursor).toBe(notebook.entries.length === sold ? shop.engine.cursor : notebook.entries.at(-1)?.cursor);
      if (sold % 5 === 0) notebook.drain(subscription, sold % 2 === 0 ? 6 : 4);
    }
    notebook.drain(subscription);
    const facts = (await publicFacts(shop.store)).filter(({ type }) => type === HELD);
    expect([notebook.ended, notebook.facts.map(({ id }) => id)]).toEqual([undefined, facts.map(({ id }) => id)]);
  });

  test('goes on from the cursor it was cut off at, and loses nothing', async () => {
    const { shop, feed } = await feedOfShop({ bufferedEntriesMax: 3 });
    const notebook = new Notebook(2);
    const subscription = feed.subscribe({ after: 'now' }, notebook);
    const end = shop.engine.cursor;
    for (let sold = 0; sold < 10; sold++) {
      await shop.engine.execute(reservation('sku-1'));
      await settle(3);
    }
    expect([notebook.ended, notebook.entries.length]).toEqual(['slow', 2]);
    const rest = await feed.page(now({ after: cursorOf(subscription.cursor) }));
    expect([...notebook.facts.map(({ id }) => id), ...idsOn(rest)]).toEqual(idsOn(await feed.page(now({ after: cursorOf(end) }))));
    expect(rest.entries).toHaveLength(8);
  });

  test('is not cut off for what came all at once', async () => {
    const { shop, feed } = await feedOfShop({ bufferedEntriesMax: 5, pushesPerSlice: 3 });
    const notebook = new Notebook(1);
    const subscription = feed.subscribe({ after: 'now' }, notebook);
    await Promise.all(Array.from({ length: 30 }, () => shop.engine.execute(adjustment('sku-1', 1))));
    await settle(40);
    expect(notebook.ended).toBeUndefined();
    notebook.drain(subscription);
    expect(notebook.entries).toHaveLength(30);
  });

  test('reads the store at its own pace, however far it is behind', async () => {
    const { shop, feed } = await feedOfShop({ bufferedEntriesMax: 5 });
    await trade(shop, seededRandom(8), 200);
    const notebook = new Notebook(3);
    const subscription = feed.subscribe({ after: 'earliest' }, notebook);
    const facts = await publicFacts(shop.store);
    for (let rounds = 0; notebook.entries.length < facts.length; rounds++) {
      expect(rounds).toBeLessThan(facts.length);
      const before = notebook.entries.length;
      await settle(10);
      notebook.drain(subscription, 3);
      expect(notebook.entries.length - before).toBeLessThanOrEqual(6);
    }
    expect(notebook.ended).toBeUndefined();
    expect(idsByLog(notebook.facts)).toEqual(idsByLog(facts));
  });
});
