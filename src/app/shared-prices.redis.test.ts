import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { expect, test, vi } from 'vitest';
import { forget, freshPrefix, testRedisUrl } from '../engines/redis/testing.ts';
import { openHoldfast, type Holdfast } from './holdfast.ts';

const url = await testRedisUrl();

test.skipIf(url === undefined)('a server copies the prices that stock makes, also after it was started again', { timeout: 120_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-shared-prices-'));
  const redis = { url: url ?? '', prefix: freshPrefix() };
  const client = createClient({ url: redis.url });
  await client.connect();
  const open = (): Promise<Holdfast> => openHoldfast({ place: { engine: 'sqlite', directory }, redis });
  const copy = async (): Promise<Record<string, string>> => ({ ...(await client.hGetAll(`${redis.prefix}price:lamp`)) });
  const adjust = ({ engine }: Holdfast, change: number) => engine.execute({ type: 'AdjustStock', sku: 'lamp', location: 'main', bucket: 'sellable', change, reason: 'correction' });
  try {
    let store: string | null;
    {
      await using holdfast = await open();
      const definition = { priority: 1, match: {}, mode: 'live' as const, strategy: { kind: 'rules' as const, rules: [{ name: 'scarce', when: { available: [{ numeric: ['<', 10] }] }, change: { percent: 10 } }] }, guardrails: {} };
      await holdfast.engine.execute({ type: 'PutPolicy', id: 'scarce', definition });
      await holdfast.engine.execute({ type: 'DefineItem', sku: 'lamp', mode: 'create', definition: { name: 'Lamp', price: { amount: 2000, currency: 'EUR' } } });
      await adjust(holdfast, 30);
      await vi.waitFor(async () => expect(await copy()).toMatchObject({ amount: '2000', currency: 'EUR' }), { timeout: 30_000, interval: 20 });
      await adjust(holdfast, -25);
      await vi.waitFor(async () => expect(await copy()).toMatchObject({ amount: '2200', baseAmount: '2000' }), { timeout: 30_000, interval: 20 });
      expect(JSON.parse((await copy())['body'] ?? '')).toMatchObject({ sku: 'lamp', policy: 'scarce', why: [{ step: 'base' }, { step: 'scarce', reason: 'available 5: +10 %' }] });
      await vi.waitFor(() => expect(holdfast.sharedPrices?.copied).toEqual(holdfast.engine.heads), { timeout: 30_000, interval: 20 });
      store = await client.hGet(`${redis.prefix}prices`, 'store');
    }
    await using holdfast = await open();
    await adjust(holdfast, 20);
    await vi.waitFor(async () => expect(await copy()).toMatchObject({ amount: '2000' }), { timeout: 30_000, interval: 20 });
    expect(await client.hGet(`${redis.prefix}prices`, 'store')).toBe(store);
  } finally {
    client.destroy();
    await forget(redis.url, redis.prefix);
    await rm(directory, { recursive: true });
  }
});
