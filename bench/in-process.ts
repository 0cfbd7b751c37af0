/**
 * Holds of one hot item, or of many items at random, by callers in the same process, without HTTP, on SQLite: what the
 * engine itself can do. All of it runs (`openHoldfast`, the views' thread too), or the engine and its log alone, as in
 * a process that is not asked for lists.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../src/base/clock.ts';
import { ids } from '../src/base/ids.ts';
import { below, systemRandom } from '../src/base/random.ts';
import { openSqlite } from '../src/engines/sqlite/sqlite.ts';
import { rooms } from '../src/processes/processes.ts';
import { figuresOf, findItem, itemKey, locationsBeside, type InventoryCommand } from '../src/rooms/inventory/inventory.ts';
import { Engine } from '../src/runtime/runtime.ts';
import { encodeEvents, type Store } from '../src/store/store.ts';
import { answer, ask } from './child.ts';
import { Histogram, type Waits } from './histogram.ts';

interface Spec {
  readonly parts: 'all' | 'engine';
  readonly callers: number;
  /** How many are held, one as likely as another. */
  readonly items: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

export interface InProcessResult {
  readonly perSecond: number;
  readonly waits: Waits;
  readonly acknowledged: number;
  /** What went to the log: the ceiling writes as much. */
  readonly bytesPerHold: number;
  readonly holdsPerCommit: number;
  /** How long the views took to have all holds after the last was acknowledged; undefined without views. */
  readonly viewsBehindSeconds: number | undefined;
}

export const inProcess = (spec: Spec): Promise<InProcessResult> => ask(new URL(import.meta.url), spec);

type Inventory = Engine<InventoryCommand>;

const STOCK = 1_000_000_000;
/** Commands that stock up are sent so many at a time. */
const WINDOW = 5_000;

const skuOf = (i: number): string => `HOT-${i}`;

async function run(spec: Spec): Promise<InProcessResult> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-in-process-'));
  try {
    return await (spec.parts === 'all' ? withAll(spec, directory) : withEngine(spec, directory));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function withAll(spec: Spec, directory: string): Promise<InProcessResult> {
  // Loaded here only: the engine alone is measured in a process that has nothing else in it, and whoever asks needs none.
  const { openHoldfast } = await import('../src/app/app.ts');
  await using holdfast = await openHoldfast({ place: { engine: 'sqlite', directory } });
  const result = await measure(spec, holdfast.engine, holdfast.store);
  const start = performance.now();
  if (!(await holdfast.views.covers(holdfast.engine.heads, 600_000))) throw new Error('the views did not catch up in ten minutes');
  return { ...result, viewsBehindSeconds: (performance.now() - start) / 1000 };
}

async function withEngine(spec: Spec, directory: string): Promise<InProcessResult> {
  await using store = await openSqlite({ directory });
  const random = systemRandom();
  const engine = new Engine({ store, room: rooms, clock: systemClock(), random, ids: ids(random) });
  await engine.start();
  try {
    return { ...(await measure(spec, engine, store)), viewsBehindSeconds: undefined };
  } finally {
    await engine.close();
  }
}

async function measure(spec: Spec, engine: Inventory, store: Store): Promise<Omit<InProcessResult, 'viewsBehindSeconds'>> {
  await stockUp(engine, spec.items);
  const { commits: commitsBefore, facts: factsBefore } = engine.tally;
  const log = engine.logOf(itemKey(skuOf(0)));
  const head = engine.heads[log] ?? 0;
  const { acknowledged, perSecond, waits } = await hold(engine, spec);
  const { commits, facts } = engine.tally;
  await checkBooks(engine, spec.items, acknowledged);
  const bytesPerHold = await bytesOf(store, log, head);
  return { perSecond, waits, acknowledged, bytesPerHold, holdsPerCommit: (facts - factsBefore) / (commits - commitsBefore) };
}

async function stockUp(engine: Inventory, items: number): Promise<void> {
  for (let from = 0; from < items; from += WINDOW) {
    const commands = Array.from({ length: Math.min(WINDOW, items - from) }, (_, i) => skuOf(from + i)).flatMap((sku) => [
      { type: 'DefineItem', sku, mode: 'replace', definition: { name: 'Hot' } } as const,
      { type: 'AdjustStock', sku, location: 'main', bucket: 'sellable', change: STOCK, reason: 'received' } as const,
    ]);
    const refused = (await Promise.all(commands.map((command) => engine.execute(command)))).find(({ ok }) => !ok);
    if (refused) throw new Error(`refused: ${JSON.stringify(refused)}`);
  }
}

/** Each caller asks again in the callback that answered it: a promise a hold would be a part of what is measured. */
function hold(engine: Inventory, { callers, items, seconds, warmUpSeconds }: Spec): Promise<{ acknowledged: number; perSecond: number; waits: Waits }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ acknowledged: number; perSecond: number; waits: Waits }>();
  const random = systemRandom();
  const commands = Array.from({ length: items }, (_, i) => ({ type: 'ReserveStock', lines: [{ sku: skuOf(i), quantity: 1 }] }) as const);
  const histogram = new Histogram();
  const warm = performance.now() + warmUpSeconds * 1000;
  const end = warm + seconds * 1000;
  let [acknowledged, measured, waiting] = [0, 0, callers];
  const call = (asked: number): void => {
    engine.submit(commands[items === 1 ? 0 : below(random, items)] as (typeof commands)[number], {}, (outcome) => {
      if (!outcome.ok) return reject(new Error(`refused: ${JSON.stringify(outcome)}`));
      const now = performance.now();
      acknowledged++;
      if (now >= warm && now < end) {
        measured++;
        histogram.add(now - asked);
      }
      if (now < end) call(now);
      else if (--waiting === 0) resolve({ acknowledged, perSecond: measured / seconds, waits: histogram.waits });
    }, reject);
  };
  for (let i = 0; i < callers; i++) call(performance.now());
  return promise;
}

async function checkBooks(engine: Inventory, items: number, acknowledged: number): Promise<void> {
  let [reserved, available] = [0, 0];
  for (let from = 0; from < items; from += WINDOW) {
    const part = await engine.read((world, now) =>
      Array.from({ length: Math.min(WINDOW, items - from) }, (_, i) => skuOf(from + i)).map((sku) => {
        const item = findItem(world, sku);
        return item && figuresOf(item, locationsBeside(world, itemKey(sku)), now, {});
      }),
    );
    for (const figures of part) {
      reserved += figures?.reserved ?? 0;
      available += figures?.available ?? 0;
    }
  }
  if (reserved !== acknowledged || available !== items * STOCK - acknowledged) {
    throw new Error(`${acknowledged} holds were acknowledged, but the books say ${reserved} are reserved and ${available} available`);
  }
}

/** Reads back some of what was stored: facts are alike, so a few commits tell. */
async function bytesOf(store: Store, log: number, after: number): Promise<number> {
  let [bytes, facts] = [0, 0];
  for await (const { events } of store.log.read(log, after)) {
    bytes += Buffer.byteLength(encodeEvents(events));
    facts += events.length;
    if (facts > 10_000) break;
  }
  return bytes / facts;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) answer(run);
