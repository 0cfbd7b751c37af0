import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openHoldfast, rebuildPlace, type Holdfast, type StorePlace } from '../../src/app/app.ts';
import { atLeast, atMost, type Line } from '../report.ts';
import type { Suite } from './suite.ts';

/** A million items, and a million holds that run out at one instant. HOLDFAST_SCALE_ITEMS makes it fewer, for a look. */
export const scale: Suite = { name: 'scale', about: 'a million items: restart, memory, a rebuild, a million holds running out at once', run };

const ITEMS = Number(process.env['HOLDFAST_SCALE_ITEMS'] ?? 1_000_000);
/** Commands at a time: what the inbox takes, with room. */
const WINDOW = 10_000;
const ADMIN_KEY = 'benchmark-admin-key';
const main = join(fileURLToPath(new URL('../..', import.meta.url)), 'src', 'main.ts');

const skuOf = (i: number): string => `SKU-${i.toString().padStart(7, '0')}`;

async function run(): Promise<Line[]> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-scale-'));
  const place: StorePlace = { engine: 'sqlite', directory };
  try {
    const lines = [...(await fill(place)), ...(await restart(directory)), ...(await rebuild(place))];
    return [...lines, ...(await runOut(place))];
  } finally {
    rmSync(directory, { recursive: true });
  }
}

type Command = Parameters<Holdfast['engine']['execute']>[0];

/** Sends commands, so many at a time, and counts those that were refused. */
async function send({ engine }: Holdfast, count: number, commandOf: (i: number) => Command): Promise<{ perSecond: number; refused: number }> {
  const began = performance.now();
  let refused = 0;
  for (let from = 0; from < count; from += WINDOW) {
    const answers = await Promise.all(Array.from({ length: Math.min(WINDOW, count - from) }, (_, i) => engine.execute(commandOf(from + i))));
    for (const answer of answers) if (!answer.ok) refused++;
  }
  return { perSecond: (count * 1000) / (performance.now() - began), refused };
}

async function viewsCaughtUp({ views, engine }: Holdfast): Promise<void> {
  while (!(await views.covers([...engine.heads], 10_000)));
}

async function fill(place: StorePlace): Promise<Line[]> {
  await using holdfast = await openHoldfast({ place });
  const defined = await send(holdfast, ITEMS, (i) => ({ type: 'DefineItem', sku: skuOf(i), mode: 'create', definition: { name: `Item ${i}`, attributes: { shelf: String(i % 1_000) } } }));
  const stocked = await send(holdfast, ITEMS, (i) => ({ type: 'AdjustStock', sku: skuOf(i), location: 'main', bucket: 'sellable', change: 100, reason: 'received' }));
  if (defined.refused + stocked.refused > 0) throw new Error(`${defined.refused + stocked.refused} commands were refused`);
  await viewsCaughtUp(holdfast);
  return [
    { name: `items described, of ${ITEMS.toLocaleString('en')}`, figure: defined.perSecond, unit: '/s' },
    { name: 'items stocked', figure: stocked.perSecond, unit: '/s' },
  ];
}

/** A server of its own on the directory, from its start to its line; then every item is looked at once. */
async function restart(directory: string): Promise<Line[]> {
  const began = performance.now();
  const { child, url } = await startServer(directory);
  try {
    const readyMs = performance.now() - began;
    const fresh = residentMb(child);
    await lookAtAll(url);
    const busy = residentMb(child);
    return [
      { name: 'ready after a restart', figure: readyMs, unit: 'ms', ...atMost(readyMs, 5_000, '≤ 5 s') },
      { name: 'resident memory after the restart', figure: fresh, unit: 'MB' },
      { name: 'resident memory after every item was asked for', figure: busy, unit: 'MB', ...atMost(busy, 1_024, '≤ 1 GB') },
    ];
  } finally {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }
}

async function startServer(directory: string): Promise<{ child: ChildProcess; url: string }> {
  const env = { ...process.env, HOLDFAST_ADMIN_KEY: ADMIN_KEY, HOLDFAST_RATE_LIMIT: 'off', HOLDFAST_LOG_LEVEL: 'warn' };
  const child = spawn(process.execPath, [main, 'serve', '--port', '0', '--data', directory], { stdio: ['ignore', 'pipe', 'inherit'], env });
  let said = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    said += String(chunk);
    const url = /listening on (http:\S+)/.exec(said)?.[1];
    if (url !== undefined) return { child, url };
  }
  throw new Error(`the server ended before it listened: ${said}`);
}

/** Linux's own figure. */
function residentMb({ pid }: ChildProcess): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) / 1024;
}

async function lookAtAll(url: string): Promise<void> {
  const width = 200;
  const ask = async (from: number): Promise<void> => {
    const query = Array.from({ length: Math.min(width, ITEMS - from) }, (_, i) => `sku=${skuOf(from + i)}`).join('&');
    const answer = await fetch(`${url}/v1/availability?${query}`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
    const { items } = (await answer.json()) as { items: { available: number }[] }; // as the contract says
    if (items.some(({ available }) => available !== 100)) throw new Error(`an item of those from ${from} on is not there with its 100 units`);
  };
  for (let from = 0; from < ITEMS; from += 4 * width) await Promise.all([0, 1, 2, 3].map((i) => from + i * width).filter((start) => start < ITEMS).map(ask));
}

async function rebuild(place: StorePlace): Promise<Line[]> {
  const facts = 2 * ITEMS;
  const { seconds } = await rebuildPlace(place);
  return [{ name: 'facts rebuilt', figure: facts / seconds, unit: '/s', ...atLeast(facts / seconds, 100_000) }];
}

/** One unit of every item is held, all up to the same second; when it comes somebody else goes on reserving. */
async function runOut(place: StorePlace): Promise<Line[]> {
  await using holdfast = await openHoldfast({ place });
  const { engine, clock } = holdfast;
  // Long enough to make them all, also on a slow machine; then what is left of it is waited for.
  const expiresAt = clock.now() + Math.max(20_000, ITEMS / 10);
  const facts = expiryCounter(holdfast); // on a slow machine the first run out before the last are made
  const held = await send(holdfast, ITEMS, (i) => ({ type: 'ReserveStock', lines: [{ sku: skuOf(i), quantity: 1 }], ttlSeconds: Math.max(1, Math.round((expiresAt - clock.now()) / 1000)) }));
  if (held.refused > 0) throw new Error(`${held.refused} holds were refused`);
  while (clock.now() < expiresAt - 2_000) await new Promise((resolve) => setTimeout(resolve, 100));
  const waits: number[] = [];
  const began = performance.now();
  while (facts.seen < ITEMS && performance.now() - began < 600_000) {
    const asked = performance.now();
    const answer = await engine.execute({ type: 'ReserveStock', lines: [{ sku: skuOf(waits.length % 1_000), quantity: 1 }], ttlSeconds: 3_600 });
    waits.push(performance.now() - asked);
    if (!answer.ok) throw new Error('a reserve was refused');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  waits.sort((a, b) => a - b);
  const [p99 = 0, most = 0] = [waits[Math.floor(waits.length * 0.99)], waits.at(-1)];
  return [
    { name: 'holds made', figure: held.perSecond, unit: '/s' },
    { name: 'holds run out at once, written down', figure: (facts.seen * 1000) / facts.tookMs(), unit: '/s' },
    { name: 'a reserve meanwhile, p99', figure: p99, unit: 'ms' },
    { name: 'a reserve meanwhile, at most', figure: most, unit: 'ms', ...atMost(most, 50, '≤ 50 ms') },
    { name: 'resident memory of the process meanwhile', figure: process.memoryUsage.rss() / 1024 ** 2, unit: 'MB' },
  ];
}

function expiryCounter({ engine }: Holdfast): { readonly seen: number; tookMs(): number } {
  let [seen, first, last] = [0, 0, 0];
  engine.onCommitted((commits) => {
    for (const { events } of commits) {
      for (const { type } of events) {
        if (!type.endsWith('reservation.expired')) continue;
        seen++;
        last = performance.now();
        first ||= last;
      }
    }
  });
  return {
    get seen() {
      return seen;
    },
    tookMs: () => Math.max(1, last - first),
  };
}
