/** Servers that are killed between a fact and its price: what their prices come to. */
import { expect } from 'vitest';
import { below, seededRandom } from '../../src/base/random.ts';
import type { HoldfastClient, PastPrice } from '../../src/client/client.ts';
import { drained } from './audit.ts';
import type { Place } from './places.ts';
import { ServerProcess } from './server-process.ts';

const EUR = (amount: number) => ({ amount, currency: 'EUR' });
export const SKUS = Array.from({ length: 12 }, (_, n) => `item-${n}`);
export const POLL = { timeout: 20_000, interval: 50 };

/** One cent dearer for each unit that is gone, as far as rules can say it: every stock level has a price of its own. */
const RULES = Array.from({ length: 40 }, (_, left) => ({ name: `${left} left`, when: { available: [left] }, change: { set: 2_000 - left } }));
export const priceAt = (available: number) => EUR(available < 40 ? 2_000 - available : 1_000);

export async function describeItems(client: HoldfastClient): Promise<void> {
  await client.pricing.putPolicy('by-level', { priority: 1, match: {}, strategy: { kind: 'rules', rules: RULES } });
  for (const sku of SKUS) {
    await client.items.put(sku, { price: EUR(1_000) });
    await client.items.adjust(sku, { count: 39, reason: 'counted' }, { waitSeconds: 10 });
  }
}

/** Sells until it is over, or cut off. */
export async function sellOn(client: HoldfastClient, seed: number, isOver = (): boolean => false): Promise<void> {
  const random = seededRandom(seed);
  while (!isOver()) {
    const sku = SKUS[below(random, SKUS.length)] ?? '';
    await client.items.adjust(sku, { change: below(random, 3) === 0 ? 2 : -1, reason: 'correction' }, { waitSeconds: 5 }).catch((error: unknown) => {
      if (!(error instanceof Error && error.message.includes('below zero'))) throw error;
    });
  }
}

/** What is told of all prices, to be compared with what is told later. */
async function told(client: HoldfastClient): Promise<unknown> {
  const prices = await client.prices.many(SKUS);
  const histories = await Promise.all(SKUS.map((sku) => client.prices.history(sku, { limit: 500 })));
  return { prices, histories };
}

/** Each price follows from the one before it: none was lost and none applied twice. */
export function expectChain(items: readonly PastPrice[]): void {
  for (const [index, { before, price }] of items.entries()) {
    expect(before).toEqual(items[index + 1]?.price ?? null);
    expect(price).not.toEqual(before);
  }
}

/**
 * Kills servers while they sell, and looks at the last: every price is that of its stock, each follows from the one before
 * it, and the same log gives the same prices again. Throws where that is not so; says of how many items it is.
 */
export async function pricesSurvive(place: Place, seed: number): Promise<{ readonly items: number }> {
  const random = seededRandom(seed);
  // Chance, and the moments in which a fact is durable and its price is not, or is and its checkpoint is not.
  const crashes: Record<string, string>[] = [{}, { HOLDFAST_CRASH_AT: `log.committed:${100 + below(random, 60)}` }, { HOLDFAST_CRASH_AT: `consumer.save:${3 + below(random, 4)}` }, { HOLDFAST_CRASH_AT: `consumer.saved:${3 + below(random, 4)}` }, {}];
  for (const [round, env] of crashes.entries()) {
    const server = await ServerProcess.start(place, env);
    const client = server.client();
    if (round === 0) await describeItems(client);
    const selling = [1, 2, 3].map((n) => sellOn(server.client(), seed + 10 * round + n).catch(() => undefined));
    if (Object.keys(env).length === 0) await new Promise((resolve) => setTimeout(resolve, 300 + below(random, 1_000)));
    else for (let n = 0; n < 400 && server.alive; n++) await new Promise((resolve) => setTimeout(resolve, 25));
    await server.kill();
    await Promise.all(selling);
  }
  await using server = await ServerProcess.start(place);
  const client = server.client();
  await drained(client);
  for (const sku of SKUS) {
    const { available } = await client.items.availability(sku);
    await expect.poll(async () => (await client.prices.get(sku)).price, POLL).toEqual(priceAt(available));
  }
  for (const sku of SKUS) expectChain((await client.prices.history(sku, { limit: 500 })).items);
  const before = await told(client);
  await client.operation.rebuildViews();
  await expect.poll(async () => ((await client.operation.system())['rebuild'] as { state: string }).state, POLL).toBe('idle');
  await expect.poll(() => told(client), POLL).toEqual(before);
  return { items: SKUS.length };
}
