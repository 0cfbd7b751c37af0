import { fileURLToPath } from 'node:url';
import { onlyStatus, sampleOf } from '../hold-load.ts';
import { load } from '../load.ts';
import { probe, type ProbeResult } from '../price-probe.ts';
import { atLeast, atMost, type Line } from '../report.ts';
import { inRounds, median, type Sample } from '../rounds.ts';
import { Listening, Product } from '../server.ts';
import { CONNECTIONS, holdOf, type Settings, type Suite } from './suite.ts';

const noop = fileURLToPath(new URL('../peers/fastify-noop.ts', import.meta.url));

/** How soon a price follows its stock while stock moves everywhere, what that costs those who hold, and how fast prices are read. */
export const prices: Suite = { name: 'prices', about: 'prices that follow 2,000 stock changes a second, and their readers', run };

const ITEMS: readonly string[] = Array.from({ length: 10_000 }, (_, i) => `ITEM-${i}`);
/** Their stock is moved by the probe alone, so that each new price has one cause. */
const PROBED: readonly string[] = Array.from({ length: 500 }, (_, i) => `PROBE-${i}`);
const CHANGES_PER_SECOND = 2_000;
/** Lines of one request: a scanner's upload. */
const LINES = 50;
const HOLDS_PER_SECOND = 300;
const HOLD_CONNECTIONS = 16;
/** Three processes begin at once in each round, and for that long the machine is theirs. */
const LEAD_IN_SECONDS = 1;
/** Enough that ten minutes of one-unit holds find some; few enough that a unit moves the price. */
const UNITS = 400;

/** The price at which the stock lasts: every unit moves it. No hysteresis, so that none is too small. */
const POLICY = { priority: 1, match: {}, mode: 'live', strategy: { kind: 'run-out', elasticity: 1.5, referencePerDay: UNITS, horizonDays: 1 }, guardrails: { ceiling: { factor: 3 }, maxStepPercent: 100 } };

async function run(settings: Settings): Promise<Line[]> {
  await using product = await Product.start();
  await furnish(product);
  // A day's work of describing and receiving is not what prices compete with.
  await product.viewsCaughtUp();
  const follow = await following(product, settings);
  return [...follow, ...(await reading(product, settings))];
}

async function furnish(product: Product): Promise<void> {
  const all = [...ITEMS, ...PROBED];
  await product.call('PUT', '/v1/pricing/policies/bench', POLICY);
  for (let from = 0; from < all.length; from += 100) {
    await Promise.all(all.slice(from, from + 100).map((sku) => product.call('PUT', `/v1/items/${sku}`, { name: sku, price: { amount: 10_000, currency: 'EUR' }, reservationTtlSeconds: 7_200 })));
  }
  for (let from = 0; from < all.length; from += 1_000) {
    const { batchId } = (await product.call('POST', '/v1/adjustments', all.slice(from, from + 1_000).map((sku) => ({ sku, change: UNITS, reason: 'received' })))) as { batchId: string }; // as the contract says
    await product.batchDone(batchId);
  }
}

async function following(product: Product, { seconds, rounds, warmUpSeconds }: Settings): Promise<Line[]> {
  await Promise.all([holdsBeside(product, warmUpSeconds), changes(product, warmUpSeconds)]);
  const all = seconds + LEAD_IN_SECONDS;
  const [byGet, byStream, holds] = [[] as ProbeResult['get'][], [] as ProbeResult['stream'][], [] as number[]];
  for (let round = 0; round < rounds; round++) {
    const [probed, held] = await Promise.all([probe({ port: product.port, key: product.key, skus: PROBED, seconds: all, leadInSeconds: LEAD_IN_SECONDS, perSecond: 40 }), holdsBeside(product, all), changes(product, all)]);
    byGet.push(probed.get);
    byStream.push(probed.stream);
    holds.push(held.p99 ?? Number.NaN);
    console.error(`  a price by GET p50 ${probed.get.p50.toFixed(1)} p99 ${probed.get.p99.toFixed(1)} ms, on the stream p50 ${probed.stream.p50.toFixed(1)} p99 ${probed.stream.p99.toFixed(1)} ms, of ${probed.count}; holds p99 ${held.p99?.toFixed(1)} ms`);
    await product.viewsCaughtUp();
  }
  await product.checkBooks();
  const line = (name: string, of: readonly { p50: number; p99: number }[], part: 'p50' | 'p99', goal: number): Line => {
    const figure = median(of.map((waits) => waits[part]));
    return { name: `${name}, ${part}`, figure, unit: 'ms', ...atMost(figure, goal, `≤ ${goal} ms`) };
  };
  return [
    line('adjustment acknowledged → new price by GET', byGet, 'p50', 10),
    line('adjustment acknowledged → new price by GET', byGet, 'p99', 50),
    line('adjustment acknowledged → new price on the stream', byStream, 'p50', 10),
    line('adjustment acknowledged → new price on the stream', byStream, 'p99', 50),
    { name: `holds beside ${CHANGES_PER_SECOND.toLocaleString('en')} repriced changes/s, p99`, figure: median(holds), unit: 'ms', ...atMost(median(holds), 20, '≤ 20 ms') },
  ];
}

/** One unit comes and one goes, over all items in turn: the stock stays, and every line is a change. */
async function changes(product: Product, seconds: number): Promise<void> {
  const bodies = Array.from({ length: (ITEMS.length * 2) / LINES }, (_, i) => {
    const from = (i * LINES) % ITEMS.length;
    return JSON.stringify(ITEMS.slice(from, from + LINES).map((sku) => ({ sku, change: i * LINES < ITEMS.length ? 1 : -1, reason: 'correction' })));
  });
  const result = await load({ port: product.port, key: product.key, path: '/v1/adjustments', bodies, connections: 4, seconds, perSecondMax: CHANGES_PER_SECOND / LINES });
  const rate = (onlyStatus(result, 202) * LINES) / result.seconds;
  if (rate < CHANGES_PER_SECOND * 0.9) console.error(`  only ${Math.round(rate)} stock changes a second were taken`);
}

async function holdsBeside(product: Product, seconds: number): Promise<Sample> {
  const skus = ITEMS.slice(0, 2_000);
  const result = await load({ port: product.port, key: product.key, path: '/v1/reservations', bodies: skus.map(holdOf), connections: HOLD_CONNECTIONS, seconds, leadInSeconds: LEAD_IN_SECONDS, perSecondMax: HOLDS_PER_SECOND });
  product.acknowledge(skus, onlyStatus(result, 201));
  return sampleOf(result);
}

/** One price a request, beside the web framework that answers the same bytes with nothing behind them. */
async function reading(product: Product, { seconds, rounds, warmUpSeconds }: Settings): Promise<Line[]> {
  const answer = await product.call('GET', `/v1/prices/${ITEMS[0]}`);
  await using peer = await Listening.start([noop, JSON.stringify(answer)]);
  const paths = ITEMS.slice(0, 1_000).map((sku) => `/v1/prices/${sku}`);
  const many = Array.from({ length: 100 }, (_, i) => `/v1/prices?${ITEMS.slice(i * 20, i * 20 + 20).map((sku) => `sku=${sku}`).join('&')}`);
  const reads = async (port: number, key: string, gets: readonly string[], forSeconds: number): Promise<Sample> => {
    const result = await load({ port, key, path: '', bodies: [], gets, connections: CONNECTIONS, seconds: forSeconds });
    onlyStatus(result, 200);
    return sampleOf(result);
  };
  for (const [port, key] of [[product.port, product.key], [peer.port, 'any']] as const) await reads(port, key, paths, warmUpSeconds);
  const measured = await inRounds<'one' | 'twenty' | 'no-op'>(rounds, {
    'no-op': () => reads(peer.port, 'any', paths, seconds),
    one: () => reads(product.port, product.key, paths, seconds),
    twenty: () => reads(product.port, product.key, many, seconds),
  });
  const ratio = measured.ratio('one', 'no-op');
  return [
    { name: 'GET /v1/prices/{sku}, 64 connections', figure: measured.perSecond('one'), unit: '/s', beside: { name: 'Fastify no-op GET', figure: measured.perSecond('no-op') }, ratio, ...atLeast(ratio, 0.7) },
    { name: 'GET /v1/prices/{sku}, p99', figure: measured.p99('one'), unit: 'ms', beside: { name: 'Fastify no-op GET, p99', figure: measured.p99('no-op') } },
    { name: 'GET /v1/prices of 20 items', figure: measured.perSecond('twenty'), unit: '/s' },
  ];
}
