import { createClient } from 'redis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { below, seededRandom } from '../../base/random.ts';
import type { SharedCopies, SharedCopy } from '../../store/store.ts';
import { openRedis } from './redis.ts';
import { forget, freshPrefix, hasRedisServer, OwnRedis, testRedisUrl } from './testing.ts';

const url = await testRedisUrl();

const copy = (name: string, version: number): SharedCopy => ({ name, version, fields: { amount: String(version * 100), body: `{"version":${version}}` } });

/** Waits until the server is reached. */
async function reached(copies: SharedCopies): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt++) {
    if (await copies.noted().then(() => true, () => false)) return;
    await new Promise((resolve) => void setTimeout(resolve, 10));
  }
  throw new Error('the server was not reached');
}

describe.skipIf(url === undefined)('copies in Redis', () => {
  const at = url ?? '';
  let prefix: string;
  let copies: SharedCopies;
  const client = createClient({ url: at });
  beforeEach(async () => {
    if (!client.isOpen) await client.connect();
    prefix = freshPrefix();
    copies = openRedis({ url: at, prefix, source: 'store-a', partitions: 2 });
    await reached(copies);
  });
  afterEach(async () => {
    await copies[Symbol.asyncDispose]();
    await forget(at, prefix);
  });

  test('are hashes under the keys that are documented', async () => {
    await copies.put([copy('LAMP', 3), copy('LAMP ✨/:*', 1)]);
    expect({ ...(await client.hGetAll(`${prefix}price:LAMP`)) }).toEqual({ version: '3', amount: '300', body: '{"version":3}' });
    expect(await client.hGet(`${prefix}price:LAMP ✨/:*`, 'amount')).toBe('100');
  });

  test('never go back to an earlier version, in whatever order writers come', async () => {
    const random = seededRandom(11);
    const other = openRedis({ url: at, prefix, source: 'store-a', partitions: 2 });
    await reached(other);
    const seen: number[] = [];
    for (let round = 0; round < 40; round++) {
      const versions = Array.from({ length: 20 }, () => 1 + below(random, 500));
      await Promise.all(versions.map((version, i) => (i % 2 ? copies : other).put([copy('LAMP', version)])));
      seen.push(Number(await client.hGet(`${prefix}price:LAMP`, 'version')));
      expect(await client.hGet(`${prefix}price:LAMP`, 'amount')).toBe(String((seen.at(-1) ?? 0) * 100));
    }
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    await other[Symbol.asyncDispose]();
  });

  test('note how far they are, which only grows, and only for their own store', async () => {
    expect([await copies.progress(), await copies.noted()]).toEqual([undefined, 'none']);
    expect(await copies.note([1, 1])).toBe(false);
    await copies.begin([5, 0]);
    expect(await copies.note([3, 7])).toBe(true);
    expect([await copies.progress(), await copies.noted()]).toEqual([[5, 7], 'ours']);
    const other = openRedis({ url: at, prefix, source: 'store-b', partitions: 2 });
    await reached(other);
    expect([await other.progress(), await other.noted(), await other.note([9, 9])]).toEqual([undefined, 'foreign', false]);
    await other[Symbol.asyncDispose]();
  });

  test('are cleared with their note, and nobody else\'s with them', async () => {
    const wild = openRedis({ url: at, prefix: `${prefix}[*`, source: 'store-a', partitions: 2 });
    await reached(wild);
    await copies.put(Array.from({ length: 2_500 }, (_, i) => copy(`ITEM-${i}`, 1)));
    await wild.put([copy('LAMP', 1)]);
    await copies.begin([1, 1]);
    await wild.clear();
    expect(await client.exists(`${prefix}price:ITEM-2499`)).toBe(1);
    await wild.put([copy('LAMP', 1)]);
    await copies.clear();
    expect([await client.exists([`${prefix}price:ITEM-0`, `${prefix}price:ITEM-2499`, `${prefix}prices`]), await copies.noted()]).toEqual([0, 'none']);
    expect(await client.exists(`${prefix}[*price:LAMP`)).toBe(1);
    await wild[Symbol.asyncDispose]();
  });
});

describe.skipIf(!hasRedisServer())('a Redis server that goes away', () => {
  test('is told as unavailable, at once where it is down and after a while where it hangs, and reached again by itself', async () => {
    await using server = await OwnRedis.start();
    await using copies = openRedis({ url: server.url, prefix: 'p:', source: 'store-a', partitions: 1, patienceMs: 300 });
    let backs = 0;
    copies.onBack(() => backs++);
    await reached(copies);
    server.signal('SIGSTOP');
    await expect(copies.put([copy('LAMP', 1)])).rejects.toMatchObject({ code: 'unavailable' });
    server.signal('SIGCONT');
    await reached(copies);
    await server.kill();
    await expect(copies.put([copy('LAMP', 2)])).rejects.toMatchObject({ code: 'unavailable' });
    await server.start();
    await reached(copies);
    await copies.put([copy('LAMP', 3)]);
    expect(backs).toBe(2);
  });
});
