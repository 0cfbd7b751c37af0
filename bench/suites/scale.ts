import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rebuildPlace, type StorePlace } from '../../src/app/app.ts';
import { FLAGS } from '../child.ts';
import { fill, residentMb, runOut, skuOf, type RanOut } from '../million.ts';
import { atLeast, atMost, type Line } from '../report.ts';
import type { Suite } from './suite.ts';

/** A million items, and a million holds that run out at one instant. HOLDFAST_SCALE_ITEMS makes it fewer, for a look. */
export const scale: Suite = { name: 'scale', about: 'a million items: restart, memory, a rebuild, a million holds running out at once', run };

const ITEMS = Number(process.env['HOLDFAST_SCALE_ITEMS'] ?? 1_000_000);
const ADMIN_KEY = 'benchmark-admin-key';
const main = join(fileURLToPath(new URL('../..', import.meta.url)), 'src', 'main.ts');

async function run(): Promise<Line[]> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-scale-'));
  const place: StorePlace = { engine: 'sqlite', directory };
  try {
    const filled = await fill(place, ITEMS);
    const lines: Line[] = [
      { name: `items described and stocked, of ${ITEMS.toLocaleString('en')}`, figure: filled.perSecond, unit: '/s' },
      { name: 'resident memory meanwhile', figure: filled.residentMb, unit: 'MB' },
    ];
    lines.push(...(await restart(directory)), ...(await rebuild(place)));
    // A hold takes about twice what an item does that is described and stocked.
    return [...lines, ...linesOf(await runOut(place, ITEMS, filled.perSecond / 2))];
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** A server of its own on the directory, from its start to its line; then every item is looked at once. */
async function restart(directory: string): Promise<Line[]> {
  const began = performance.now();
  const { child, url } = await startServer(directory);
  try {
    const readyMs = performance.now() - began;
    const fresh = residentMb(child.pid ?? 0);
    await lookAtAll(url);
    const busy = residentMb(child.pid ?? 0);
    return [
      { name: 'ready after a restart', figure: readyMs, unit: 'ms', ...atMost(readyMs, 5_000, '≤ 5 s') },
      { name: 'resident memory after the restart', figure: fresh, unit: 'MB', ...withinMemory(fresh) },
      { name: 'resident memory after every item was asked for', figure: busy, unit: 'MB', ...withinMemory(busy) },
    ];
  } finally {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }
}

const withinMemory = (mb: number): { goal: string; met: boolean } => atMost(mb, 1_024, '≤ 1 GB');

async function startServer(directory: string): Promise<{ child: ChildProcess; url: string }> {
  const env = { ...process.env, HOLDFAST_ADMIN_KEY: ADMIN_KEY, HOLDFAST_RATE_LIMIT: 'off', HOLDFAST_LOG_LEVEL: 'warn' };
  const child = spawn(process.execPath, [...FLAGS, main, 'serve', '--port', '0', '--data', directory], { stdio: ['ignore', 'pipe', 'inherit'], env });
  let said = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    said += String(chunk);
    const url = /listening on (http:\S+)/.exec(said)?.[1];
    if (url !== undefined) return { child, url };
  }
  throw new Error(`the server ended before it listened: ${said}`);
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

function linesOf({ heldPerSecond, heldResidentMb, expiredPerSecond, residentMb: mb, alone, meanwhile }: RanOut): Line[] {
  return [
    { name: 'holds made', figure: heldPerSecond, unit: '/s' },
    { name: 'resident memory meanwhile', figure: heldResidentMb, unit: 'MB' },
    { name: 'holds run out at once, written down', figure: expiredPerSecond, unit: '/s' },
    { name: 'resident memory meanwhile', figure: mb, unit: 'MB', ...withinMemory(mb) },
    { name: 'a reserve meanwhile, p50', figure: meanwhile.p50, unit: 'ms', beside: { name: 'before it', figure: alone.p50 } },
    { name: 'a reserve meanwhile, p99', figure: meanwhile.p99, unit: 'ms', beside: { name: 'before it', figure: alone.p99 } },
    { name: 'a reserve meanwhile, p99.9', figure: meanwhile.p999, unit: 'ms', beside: { name: 'before it', figure: alone.p999 } },
    { name: 'a reserve meanwhile, at most', figure: meanwhile.max, unit: 'ms', beside: { name: 'before it', figure: alone.max }, ...atMost(meanwhile.max, 50, '≤ 50 ms') },
    { name: 'the deciding thread at work while one waited, at most', figure: meanwhile.busyMax, unit: 'ms', beside: { name: 'before it', figure: alone.busyMax } },
  ];
}
