import { createClient } from 'redis';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { ids } from '../../base/ids.ts';
import { below, seededRandom } from '../../base/random.ts';
import { openMemory, type MemoryStore } from '../../engines/memory/memory.ts';
import { openRedis } from '../../engines/redis/redis.ts';
import { forget, freshPrefix, hasRedisServer, OwnRedis, testRedisUrl } from '../../engines/redis/testing.ts';
import { findPrice, pricing, type Price, type PricingCommand } from '../../rooms/pricing/pricing.ts';
import { Engine, Projector, type Room } from '../../runtime/runtime.ts';
import { SharedPrices } from './shared-prices.ts';

const url = await testRedisUrl();
const PARTITIONS = 4;
const skuOf = (n: number): string => `ITEM-${n}`;

/** Prices in a store of their own, decided by an engine; copies are the test's. */
class Shop implements AsyncDisposable {
  readonly store: MemoryStore;
  readonly engine: Engine<PricingCommand>;
  readonly troubles: string[] = [];
  readonly #clock = systemClock();
  #stockVersion = 0;

  constructor(store: MemoryStore = openMemory({ partitions: PARTITIONS })) {
    this.store = store;
    const random = seededRandom(1);
    this.engine = new Engine({ store, room: pricing, clock: this.#clock, random, ids: ids(random), alone: true });
  }

  static async open(store?: MemoryStore): Promise<Shop> {
    const shop = new Shop(store);
    await shop.project();
    await shop.engine.start();
    return shop;
  }

  /** Sets base prices. */
  async price(amounts: Readonly<Record<string, number>>): Promise<void> {
    const items = Object.entries(amounts).map(([sku, amount]) => ({ sku, basePrice: { amount, currency: 'EUR' }, cost: null, stockVersion: ++this.#stockVersion, signalsAt: this.#clock.now(), policy: null, priced: null, frozen: false }));
    for (const item of items) {
      const settled = await this.engine.execute({ type: 'PublishPrices', revision: 0, items: [item] });
      expect(settled).toMatchObject({ ok: true });
    }
  }

  /** Folds the log into states and views, as the projector of the server does. */
  async project(): Promise<void> {
    const projector = new Projector({ store: this.store, room: pricing as unknown as Room<never> }); // it folds and never decides
    await projector.start();
    while (await projector.step()) continue;
  }

  async priceOf(sku: string): Promise<Price | undefined> {
    return this.engine.read((world) => findPrice(world, sku));
  }

  copy(redis: string, prefix: string, source = 'store-a'): SharedPrices & AsyncDisposable {
    const copies = openRedis({ url: redis, prefix, source, partitions: PARTITIONS, patienceMs: 1_000 });
    const shared = new SharedPrices({ copies, store: this.store, engine: this.engine, clock: this.#clock, onTrouble: (message) => this.troubles.push(message) });
    return Object.assign(shared, { [Symbol.asyncDispose]: async () => {
      await SharedPrices.prototype[Symbol.asyncDispose].call(shared);
      await copies[Symbol.asyncDispose]();
    } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine.close();
    await this.store[Symbol.asyncDispose]();
  }
}

/** Asks again until the answer is right, for some seconds. */
async function eventually(check: () => Promise<void>): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await check();
    } catch (error) {
      if (attempt >= 600) throw error;
      await new Promise((resolve) => void setTimeout(resolve, 20));
    }
  }
}

/** A shop that reads Redis directly. */
async function reader(at: string): Promise<{ hash(key: string): Promise<Record<string, string>>; flush(): Promise<unknown>; close(): void }> {
  const client = createClient({ url: at });
  client.on('error', () => undefined);
  await client.connect();
  return { hash: async (key) => ({ ...(await client.hGetAll(key)) }), flush: () => client.flushAll(), close: () => client.destroy() };
}

/** Every price is copied as it is decided. */
async function expectCopied(shop: Shop, at: string, prefix: string, count: number): Promise<void> {
  const redis = await reader(at);
  try {
    for (let n = 0; n < count; n++) {
      const price = await shop.priceOf(skuOf(n));
      const { version, amount, body = '{}' } = await redis.hash(`${prefix}price:${skuOf(n)}`);
      expect([skuOf(n), version, amount]).toEqual([skuOf(n), String(price?.version), String(price?.price?.amount)]);
      expect(JSON.parse(body)).toMatchObject({ sku: skuOf(n), price: price?.price, version: price?.version });
    }
  } finally {
    redis.close();
  }
}

const prices = (count: number, amount: number): Record<string, number> => Object.fromEntries(Array.from({ length: count }, (_, n) => [skuOf(n), amount + n]));

describe.skipIf(url === undefined)('copies of prices', () => {
  const at = url ?? '';

  test('follow every change, and stand where any shop finds them', async () => {
    const prefix = freshPrefix();
    await using shop = await Shop.open();
    await using shared = shop.copy(at, prefix);
    await eventually(async () => expect(shared.state).toBe('live'));
    await shop.price({ LAMP: 1999 });
    await shop.price({ LAMP: 2099 });
    const redis = await reader(at);
    await eventually(async () => expect(await redis.hash(`${prefix}price:LAMP`)).toMatchObject({ version: '2', amount: '2099', currency: 'EUR', baseAmount: '2099' }));
    await eventually(async () => {
      const { store, ...positions } = await redis.hash(`${prefix}prices`);
      expect([store, Object.values(positions).map(Number)]).toEqual(['store-a', [...shop.engine.heads]]);
    });
    redis.close();
    await forget(at, prefix);
  });

  test('are made of all prices at the first start, from the views and from facts that are not in them', async () => {
    const prefix = freshPrefix();
    await using shop = await Shop.open();
    await shop.price(prices(30, 1000));
    await shop.project();
    await shop.price(prices(10, 5000));
    await shop.price({ [skuOf(30)]: 700 });
    await using shared = shop.copy(at, prefix);
    await eventually(() => expectCopied(shop, at, prefix, 31));
    expect(shared.state).not.toBe('away');
    await forget(at, prefix);
  });

  test('go on after a restart from where they were, not from the beginning', async () => {
    const prefix = freshPrefix();
    await using shop = await Shop.open();
    await shop.price(prices(20, 1000));
    {
      await using shared = shop.copy(at, prefix);
      await eventually(async () => expect(shared.state).toBe('live'));
    }
    await shop.price({ [skuOf(3)]: 1 });
    await using shared = shop.copy(at, prefix);
    await eventually(() => expectCopied(shop, at, prefix, 20));
    await eventually(async () => expect(shared.state).toBe('live'));
    expect(shared.written).toBe(1);
    await forget(at, prefix);
  });

  test('of another store, or of a history that was undone, are cleared', async () => {
    const prefix = freshPrefix();
    await using first = await Shop.open();
    await first.price(prices(5, 1000));
    const backup = first.store.image();
    for (let again = 1; again <= 3; again++) await first.price(prices(6, 1000 + 100 * again));
    {
      await using shared = first.copy(at, prefix);
      await eventually(() => expectCopied(first, at, prefix, 6));
      expect(shared.written).toBeGreaterThan(0);
    }
    await using restored = await Shop.open(openMemory({ from: backup }));
    {
      await using shared = restored.copy(at, prefix);
      await eventually(async () => expect(shared.state).toBe('live'));
      await expectCopied(restored, at, prefix, 5);
    }
    await using other = await Shop.open();
    await other.price({ [skuOf(0)]: 42 });
    await using shared = other.copy(at, prefix, 'store-b');
    await eventually(() => expectCopied(other, at, prefix, 1));
    await eventually(async () => expect(shared.state).toBe('live'));
    const redis = await reader(at);
    for (const gone of [1, 5]) expect(await redis.hash(`${prefix}price:${skuOf(gone)}`)).toEqual({});
    redis.close();
    await forget(at, prefix);
  });
});

describe.skipIf(!hasRedisServer())('copies of prices on a Redis that is killed, started empty and flushed', () => {
  test('heal by themselves, while prices are decided and read as ever', async () => {
    await using server = await OwnRedis.start();
    await using shop = await Shop.open();
    const [count, seed] = [40, 20_261];
    const random = seededRandom(seed);
    await shop.price(prices(count, 1000));
    await using shared = shop.copy(server.url, 'p:');
    await eventually(() => expectCopied(shop, server.url, 'p:', count));
    for (let round = 0; round < 4; round++) {
      const changes = (async () => {
        for (let n = 0; n < 60; n++) {
          const [sku, amount] = [skuOf(below(random, count)), 1 + below(random, 100_000)];
          await shop.price({ [sku]: amount });
          expect((await shop.priceOf(sku))?.price?.amount).toBe(amount);
          if (n % 20 === 0) await new Promise((resolve) => void setTimeout(resolve, 30));
        }
      })();
      await new Promise((resolve) => void setTimeout(resolve, below(random, 40)));
      await server.kill();
      if (round % 2 === 1) await changes;
      await server.start();
      await changes;
      await eventually(() => expectCopied(shop, server.url, 'p:', count));
    }
    expect(shop.troubles.length, `seed ${seed}`).toBeGreaterThan(0);
    // Nothing happens any more: the loss is noticed all the same.
    await eventually(async () => expect(shared.state).toBe('live'));
    const redis = await reader(server.url);
    await redis.flush();
    redis.close();
    await eventually(() => expectCopied(shop, server.url, 'p:', count));
  });

  test('that hangs hold nobody up', async () => {
    await using server = await OwnRedis.start();
    await using shop = await Shop.open();
    await using shared = shop.copy(server.url, 'p:');
    await eventually(async () => expect(shared.state).toBe('live'));
    server.signal('SIGSTOP');
    await shop.price(prices(20, 1000));
    expect((await shop.priceOf(skuOf(19)))?.price?.amount).toBe(1019);
    await eventually(async () => expect(shared.state).toBe('away'));
    server.signal('SIGCONT');
    await eventually(() => expectCopied(shop, server.url, 'p:', 20));
  });
});
