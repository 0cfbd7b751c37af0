import { holdLoad, onlyStatus } from '../hold-load.ts';
import { load } from '../load.ts';
import { atLeast, atMost, type Line } from '../report.ts';
import { inRounds, type Sample } from '../rounds.ts';
import { Product, STOCK } from '../server.ts';
import { HOT, THOUSAND, type Settings, type Suite } from './suite.ts';

/** Shoppers at full speed while the warehouse sends its own: does the queue keep the one from slowing the other? */
export const adjustments: Suite = { name: 'adjustments', about: 'holds while 5,000 adjustments a second stream in', run };

const PER_SECOND = 5_000;
/** Lines of one request: a scanner's upload, and one of them is for the item that everybody wants. */
const LINES = 50;
const CONNECTIONS = 4;

async function run({ seconds, warmUpSeconds, rounds }: Settings): Promise<Line[]> {
  await using product = await Product.start();
  await product.stockUp([HOT, ...THOUSAND]);
  await holdLoad(product, [HOT], warmUpSeconds);
  const rates: number[] = [];
  let requests = 0;
  const measured = await inRounds<'alone' | 'beside'>(rounds, {
    alone: async () => {
      const sample = await holdLoad(product, [HOT], seconds);
      await product.viewsCaughtUp();
      return sample;
    },
    beside: async () => {
      const [holds, stream] = await Promise.all([holdLoad(product, [HOT], seconds), streamAdjustments(product, seconds, requests)]);
      requests += stream.requests;
      rates.push(stream.perSecond);
      await product.viewsCaughtUp();
      return holds;
    },
  });
  await checkReceived(product, requests);
  await product.checkBooks();
  const rate = Math.min(...rates);
  return [
    { name: 'holds beside adjustments, p99', figure: measured.p99('beside'), unit: 'ms', beside: { name: 'holds alone, p99', figure: measured.p99('alone') }, ...atMost(measured.p99('beside'), 20, '≤ 20 ms') },
    { name: 'adjustments applied beside holds', figure: rate, unit: '/s', ...atLeast(rate, PER_SECOND * 0.98, '≥ 5,000, less 2 % for the ends') },
    { name: 'holds beside adjustments', figure: measured.perSecond('beside'), unit: '/s', beside: { name: 'holds alone', figure: measured.perSecond('alone') }, ratio: measured.ratio('beside', 'alone') },
  ];
}

interface Stream extends Sample {
  readonly requests: number;
}

/** Sends one unit received per line, and waits until the last is applied: the rate is that of work done, not of promises. */
async function streamAdjustments(product: Product, seconds: number, sentBefore: number): Promise<Stream> {
  const bodies = Array.from({ length: THOUSAND.length / (LINES - 1) | 0 }, (_, i) => bodyOf(i));
  const start = performance.now();
  const result = await load({ port: product.port, key: product.key, path: '/v1/adjustments', bodies, connections: CONNECTIONS, seconds, perSecondMax: PER_SECOND / LINES });
  const requests = onlyStatus(result, 202);
  await onHandReaches(product, STOCK + sentBefore + requests);
  return { requests, perSecond: (requests * LINES * 1000) / (performance.now() - start) };
}

function bodyOf(i: number): string {
  const skus = [HOT, ...THOUSAND.slice(i * (LINES - 1), (i + 1) * (LINES - 1))];
  return JSON.stringify(skus.map((sku) => ({ sku, change: 1, reason: 'received' })));
}

/** Every request has one line for the hot item, and lines of one item are applied in order. */
async function onHandReaches(product: Product, units: number): Promise<void> {
  for (const end = performance.now() + 60_000; performance.now() < end; ) {
    const { onHand } = (await product.call('GET', `/v1/items/${HOT}/availability`)) as { onHand: number }; // as the contract says
    if (onHand > units) throw new Error(`${onHand} units of ${HOT} are on hand, ${units} were received`);
    if (onHand === units) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('the adjustments were not applied within a minute');
}

/** The other lines: as many units as were accepted, over all items together. */
async function checkReceived(product: Product, requests: number): Promise<void> {
  for (const end = performance.now() + 60_000; performance.now() < end; ) {
    let units = 0;
    for (let from = 0; from < THOUSAND.length; from += 200) {
      const query = THOUSAND.slice(from, from + 200).map((sku) => `sku=${sku}`).join('&');
      const { items } = (await product.call('GET', `/v1/availability?${query}`)) as { items: { onHand: number }[] }; // as the contract says
      for (const item of items) units += item.onHand - STOCK;
    }
    if (units === requests * (LINES - 1)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('not every accepted adjustment was applied within a minute');
}
