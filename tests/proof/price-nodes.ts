/** Two nodes on one store, of which the one that prices is killed: what their prices come to. */
import { expect } from 'vitest';
import { must } from '../../src/base/assert.ts';
import { below, seededRandom } from '../../src/base/random.ts';
import type { HoldfastClient } from '../../src/client/client.ts';
import { drained } from './audit.ts';
import type { Place } from './places.ts';
import { describeItems, expectChain, POLL, priceAt, sellOn, SKUS } from './price-crashes.ts';
import { ServerProcess } from './server-process.ts';

/** Whether this node hears what happens and makes prices of it: one of them does at a time. */
async function isPricing(client: HoldfastClient): Promise<boolean> {
  const metrics = await client.operation.metrics();
  return metrics.includes('holdfast_consumer_lag_commits{consumer="pricing"}');
}

async function whichPrices(nodes: readonly ServerProcess[]): Promise<ServerProcess> {
  let found: ServerProcess | undefined;
  await expect.poll(async () => {
    for (const node of nodes) if (await isPricing(node.client())) found = node;
    return found;
  }, POLL).toBeDefined();
  return found as ServerProcess; // as was just waited for
}

/** What all nodes tell of all prices once they rest: the same, those of the stock, each from the one before and of newer stock. */
async function expectPrices(nodes: readonly ServerProcess[]): Promise<void> {
  const clients = nodes.map((node) => node.client());
  for (const client of clients) await drained(client);
  for (const client of clients) {
    for (const sku of SKUS) await expect.poll(async () => (await client.prices.get(sku)).price, POLL).toEqual(priceAt((await client.items.availability(sku)).available));
  }
  const histories = await Promise.all(clients.map((client) => Promise.all(SKUS.map(async (sku) => (await client.prices.history(sku, { limit: 500 })).items))));
  for (const history of histories.flat()) {
    expectChain(history);
    const versions = history.map(({ stockVersion }) => stockVersion);
    expect(versions).toEqual(versions.toSorted((a, b) => b - a));
  }
  for (const history of histories) expect(history).toEqual(histories[0]);
}

/** Stock moves at both nodes; the one that prices is killed in the middle of it, twice, and the other goes on. */
export async function pricesOfTwoNodes(place: Place, seed: number): Promise<{ readonly killed: number }> {
  await using stack = new AsyncDisposableStack();
  const start = async (): Promise<ServerProcess> => stack.use(await ServerProcess.start(place));
  const random = seededRandom(seed);
  let nodes: readonly ServerProcess[] = [await start(), await start()];
  await describeItems(must(nodes[1], 'there are two').client());
  let killed = 0;
  for (let round = 0; round < 2; round++) {
    let isOver = false;
    const selling = nodes.flatMap((node, at) => [1, 2].map((n) => sellOn(node.client(), seed + 100 * round + 10 * at + n, () => isOver).catch(() => undefined)));
    const pricing = await whichPrices(nodes);
    await new Promise((resolve) => setTimeout(resolve, 500 + below(random, 1_000)));
    await pricing.kill();
    killed++;
    const left = nodes.filter((node) => node !== pricing);
    // The other takes over while stock moves on there.
    await whichPrices(left);
    await new Promise((resolve) => setTimeout(resolve, 500));
    isOver = true;
    await Promise.all(selling);
    nodes = [...left, await start()];
    await expectPrices(nodes);
  }
  return { killed };
}
