import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHoldfast, type Holdfast } from '../../src/app/app.ts';
import { onlyStatus } from '../hold-load.ts';
import { load } from '../load.ts';
import { atMost, type Line } from '../report.ts';
import { Product } from '../server.ts';
import { POLICY, Shop } from './pricing.ts';
import { holdOf, type Suite } from './suite.ts';

/** A policy for a million items changes while shoppers go on reserving. HOLDFAST_SCALE_ITEMS makes it fewer, for a look. */
export const sweep: Suite = { name: 'sweep', about: 'a policy changes for a million items while shoppers reserve', run };

const ITEMS = Number(process.env['HOLDFAST_SCALE_ITEMS'] ?? 1_000_000);
/** Commands at a time: what the inbox takes, with room. */
const WINDOW = 10_000;
const HOLDS_PER_SECOND = 300;
const LOOK_MS = 250;
const PATIENCE_MS = 600_000;

const skuOf = (i: number): string => `SKU-${i.toString().padStart(7, '0')}`;

interface SweepStatus {
  readonly state: 'idle' | 'running';
  readonly done: number;
  readonly total: number;
  readonly dueItems: number;
}

async function run(): Promise<Line[]> {
  await using product = await Product.start(undefined, fill);
  // Stocked offline: the prices of all items are caught up first.
  const first = await until(product, performance.now(), async () => (await hasHeardAll(product)) && (await settled(product)));
  await product.call('PUT', '/v1/pricing/policies/bench', policy(1));
  const initial = await swept(product);
  const before = product.residentMb;
  const alone = await shop(product);
  await product.call('PUT', '/v1/pricing/policies/bench', policy(2));
  const [swift, holds] = await beside(product);
  await product.checkBooks();
  await checkPrices(product);
  const ceiling = plainFile();
  const perSecond = ITEMS / swift.seconds;
  return [
    { name: `items priced for the first time after an import, ${ITEMS.toLocaleString('en')}`, figure: first, unit: 's' },
    { name: 'the first policy for all of them', figure: initial.seconds, unit: 's' },
    { name: `the policy changed, ${ITEMS.toLocaleString('en')} items priced anew`, figure: swift.seconds, unit: 's', ...atMost(swift.seconds, 30, '≤ 30 s') },
    { name: 'the same, items', figure: perSecond, unit: '/s', beside: { name: 'computed in process, one plain file', figure: ceiling }, ratio: perSecond / ceiling },
    { name: 'stages of progress that were seen', figure: swift.stages, unit: '' },
    { name: 'a reserve meanwhile, p99', figure: holds.p99, unit: 'ms', beside: { name: 'before it, p99', figure: alone.p99 }, ...atMost(holds.p99, 20, '≤ 20 ms') },
    { name: 'a reserve meanwhile, at most', figure: holds.max, unit: 'ms', beside: { name: 'before it, at most', figure: alone.max } },
    { name: 'resident memory before and meanwhile, at most', figure: before, unit: 'MB', beside: { name: 'meanwhile', figure: swift.residentMb } },
  ];
}

/** Twenty rules and all guardrails but those on pace, which would keep most prices where they are. */
const policy = (version: number): object => ({ ...POLICY, strategy: { kind: 'rules', rules: [{ name: 'all', when: { available: [{ exists: true }] }, change: { percent: version * 3 } }, ...POLICY_RULES] }, guardrails: { floor: { margin: 0.05 }, ceiling: { factor: 2 }, hysteresisPercent: 0.1, ending: 99 } });
const POLICY_RULES = POLICY.strategy.kind === 'rules' ? POLICY.strategy.rules.slice(1) : [];

async function fill(directory: string): Promise<void> {
  await using holdfast = await openHoldfast({ place: { engine: 'sqlite', directory }, consumers: 'later' });
  await send(holdfast, (i) => ({ type: 'DefineItem', sku: skuOf(i), mode: 'create', definition: { name: `Item ${i}`, price: { amount: 1_000 + (i % 500) * 37, currency: 'EUR' }, attributes: { shelf: String(i % 1_000) }, reservationTtlSeconds: 7_200 } }));
  await send(holdfast, (i) => ({ type: 'AdjustStock', sku: skuOf(i), location: 'main', bucket: 'sellable', change: 1 + (i % 200), reason: 'received' }));
  while (!(await holdfast.views.covers([...holdfast.engine.heads], 10_000)));
}

type Command = Parameters<Holdfast['engine']['execute']>[0];

async function send({ engine }: Holdfast, commandOf: (i: number) => Command): Promise<void> {
  for (let from = 0; from < ITEMS; from += WINDOW) {
    const answers = await Promise.all(Array.from({ length: Math.min(WINDOW, ITEMS - from) }, (_, i) => engine.execute(commandOf(from + i))));
    for (const answer of answers) if (!answer.ok) throw new Error(answer.refusal.detail);
  }
}

async function until(product: Product, began: number, isSo: () => Promise<boolean>): Promise<number> {
  while (!(await isSo())) {
    if (performance.now() - began > PATIENCE_MS) throw new Error('prices have not settled in ten minutes');
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return (performance.now() - began) / 1000;
}

const status = async (product: Product): Promise<SweepStatus> => (await product.call('GET', '/v1/pricing/sweep')) as SweepStatus; // as the contract says

async function settled(product: Product): Promise<boolean> {
  const { state, dueItems } = await status(product);
  return state === 'idle' && dueItems === 0;
}

async function hasHeardAll(product: Product): Promise<boolean> {
  const text = await product.metrics();
  return /^holdfast_consumer_lag_commits\{consumer="pricing"\} 0$/m.test(text);
}

/** Follows one look at all items from the change of the policy to the last price. */
async function swept(product: Product): Promise<{ seconds: number; stages: number; residentMb: number }> {
  const stages = new Set<number>();
  let residentMb = 0;
  const seconds = await until(product, performance.now(), async () => {
    const { state, done, dueItems } = await status(product);
    if (state === 'running') stages.add(done);
    residentMb = Math.max(residentMb, product.residentMb);
    return state === 'idle' && dueItems === 0;
  });
  console.error(`  all items looked at in ${seconds.toFixed(1)} s, progress seen ${stages.size} times, ${residentMb.toFixed(0)} MB`);
  return { seconds, stages: stages.size, residentMb };
}

/** Shoppers reserve for some seconds. */
async function shop(product: Product): Promise<{ p99: number; max: number }> {
  const skus = Array.from({ length: Math.min(2_000, ITEMS / 200) }, (_, i) => skuOf(199 + 200 * i));
  const result = await load({ port: product.port, key: product.key, path: '/v1/reservations', bodies: skus.map(holdOf), connections: 16, seconds: 3, perSecondMax: HOLDS_PER_SECOND });
  product.acknowledge(skus, onlyStatus(result, 201));
  return result.waits;
}

/** A look at all items while shoppers reserve, up to its end. */
async function beside(product: Product): Promise<[Awaited<ReturnType<typeof swept>>, { p99: number; max: number }]> {
  const waits: { p99: number; max: number }[] = [];
  let over = false;
  const shoppers = async (): Promise<void> => {
    while (!over) waits.push(await shop(product));
  };
  const shopping = shoppers();
  const swift = await swept(product);
  over = true;
  await shopping;
  // The worst three seconds, not what they come to together.
  return [swift, { p99: Math.max(...waits.map(({ p99 }) => p99)), max: Math.max(...waits.map(({ max }) => max)) }];
}

async function checkPrices(product: Product): Promise<void> {
  for (let i = 0; i < ITEMS; i += Math.ceil(ITEMS / 1_000)) {
    const { policyVersion } = (await product.call('GET', `/v1/prices/${skuOf(i)}`)) as { policyVersion: number | null }; // as the contract says
    if (policyVersion !== 2) throw new Error(`${skuOf(i)} has a price of version ${policyVersion}`);
  }
}

/** The least there is to do: prices computed, judged and written as JSON into one file, each thousand made durable. */
function plainFile(): number {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-sweep-'));
  const file = openSync(join(directory, 'prices'), 'w');
  try {
    const shop = new Shop();
    for (const events of shop.facts()) void events;
    const began = performance.now();
    let count = 0;
    while (performance.now() - began < 5_000) {
      for (const events of shop.facts()) {
        writeSync(file, JSON.stringify(events));
        fdatasyncSync(file);
        count += events.length;
      }
    }
    return (count * 1000) / (performance.now() - began);
  } finally {
    closeSync(file);
    rmSync(directory, { recursive: true });
  }
}
