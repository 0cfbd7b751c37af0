/** Items and holds in numbers that do not fit into memory, made and let run out in a process that does nothing else. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openHoldfast, type Holdfast, type StorePlace } from '../src/app/app.ts';
import { answer, ask } from './child.ts';
import { Histogram } from './histogram.ts';

/** Items whose commands are sent at a time: the inbox takes two of each, with room. */
const WINDOW = 5_000;
/** A shopper comes this long after the one before was served. */
const BETWEEN_MS = 5;
/** How long shoppers are watched before the holds run out: what they wait then is the machine's own. */
const ALONE_MS = 5_000;

interface Question {
  readonly part: 'fill' | 'run out';
  readonly place: StorePlace;
  readonly items: number;
  /** Of the holds: how many a second may be expected. */
  readonly perSecond?: number;
}

export interface Filled {
  readonly perSecond: number;
  readonly residentMb: number;
}

/** Milliseconds. `busy`: what the deciding thread worked while one of them waited. */
export interface Waits {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  readonly busyMax: number;
}

export interface RanOut {
  readonly heldPerSecond: number;
  readonly heldResidentMb: number;
  readonly expiredPerSecond: number;
  readonly residentMb: number;
  readonly alone: Waits;
  readonly meanwhile: Waits;
}

export const fill = (place: StorePlace, items: number): Promise<Filled> => ask(new URL(import.meta.url), { part: 'fill', place, items } satisfies Question);
export const runOut = (place: StorePlace, items: number, perSecond: number): Promise<RanOut> => ask(new URL(import.meta.url), { part: 'run out', place, items, perSecond } satisfies Question);

export const skuOf = (i: number): string => `SKU-${i.toString().padStart(7, '0')}`;

async function run({ part, place, items, perSecond = 10_000 }: Question): Promise<Filled | RanOut> {
  await using holdfast = await openHoldfast({ place });
  return await (part === 'fill' ? fillWith(holdfast, items) : runOutIn(holdfast, items, perSecond));
}

type Command = Parameters<Holdfast['engine']['execute']>[0];

/** Sends commands for one item after another, so many at a time. */
async function send({ engine }: Holdfast, items: number, memory: HighWater, commandsOf: (i: number) => Command[]): Promise<number> {
  const began = performance.now();
  for (let from = 0; from < items; from += WINDOW) {
    const commands = Array.from({ length: Math.min(WINDOW, items - from) }, (_, i) => commandsOf(from + i));
    const answers = await Promise.all(commands.flat().map((command) => engine.execute(command)));
    if (answers.some(({ ok }) => !ok)) throw new Error('a command was refused');
    memory.look();
  }
  return (items * 1000) / (performance.now() - began);
}

async function fillWith(holdfast: Holdfast, items: number): Promise<Filled> {
  const memory = highWater();
  const perSecond = await send(holdfast, items, memory, (i) => [
    { type: 'DefineItem', sku: skuOf(i), mode: 'create', definition: { name: `Item ${i}`, attributes: { shelf: String(i % 1_000) } } },
    { type: 'AdjustStock', sku: skuOf(i), location: 'main', bucket: 'sellable', change: 100, reason: 'received' },
  ]);
  while (!(await holdfast.views.covers([...holdfast.engine.heads], 10_000)));
  return { perSecond, residentMb: memory.mostMb() };
}

/** One unit of every item is held, all up to the same second; when it comes somebody else goes on reserving. */
async function runOutIn(holdfast: Holdfast, items: number, perSecond: number): Promise<RanOut> {
  const { clock } = holdfast;
  const expired = expiryCounter(holdfast); // on a slow machine the first run out before the last are made
  const making = highWater();
  const expiresAt = clock.now() + ALONE_MS + 5_000 + (items * 1_300) / perSecond;
  const heldPerSecond = await send(holdfast, items, making, (i) => [{ type: 'ReserveStock', lines: [{ sku: skuOf(i), quantity: 1 }], ttlSeconds: Math.max(1, Math.round((expiresAt - clock.now()) / 1000)) }]);
  const heldResidentMb = making.mostMb();
  while (clock.now() < expiresAt - ALONE_MS - 1_000) await sleep(100);
  const alone = await shop(holdfast, () => clock.now() > expiresAt - 1_000);
  const memory = highWater();
  const began = performance.now();
  const meanwhile = await shop(holdfast, () => {
    memory.look();
    return expired.seen >= items || performance.now() - began > 600_000;
  });
  if (expired.seen < items) throw new Error(`${items - expired.seen} holds have not run out`);
  return { heldPerSecond, heldResidentMb, expiredPerSecond: (expired.seen * 1000) / expired.tookMs(), residentMb: memory.mostMb(), alone, meanwhile };
}

/** One shopper after another reserves a unit, until it is enough. */
async function shop({ engine }: Holdfast, isEnough: () => boolean): Promise<Waits> {
  const waits = new Histogram();
  let busyMax = 0;
  for (let n = 0; !isEnough(); n++) {
    const [asked, worked] = [performance.now(), process.threadCpuUsage()];
    const { ok } = await engine.execute({ type: 'ReserveStock', lines: [{ sku: skuOf(n % 1_000), quantity: 1 }], ttlSeconds: 3_600 });
    waits.add(performance.now() - asked);
    const { user, system } = process.threadCpuUsage(worked);
    busyMax = Math.max(busyMax, (user + system) / 1000);
    if (!ok) throw new Error('a reserve was refused');
    await sleep(BETWEEN_MS);
  }
  return { ...waits.waits, p999: waits.quantile(0.999), busyMax };
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

/** The most that was resident, whenever it was looked. */
interface HighWater {
  look(): void;
  mostMb(): number;
}

function highWater(): HighWater {
  let most = 0;
  const look = (): void => void (most = Math.max(most, residentMb('self')));
  return {
    look,
    mostMb() {
      look();
      return most;
    },
  };
}

/** Linux's own figure. */
export function residentMb(pid: number | 'self'): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) / 1024;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) answer(run);
