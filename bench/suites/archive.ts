import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openHoldfast, type Holdfast } from '../../src/app/app.ts';
import type { JsonObject } from '../../src/base/json.ts';
import { openDirectory } from '../../src/engines/directory/directory.ts';
import { openSqlite } from '../../src/engines/sqlite/sqlite.ts';
import { askThePast } from '../../src/processes/processes.ts';
import { figuresOf, findItem, itemKey, locationsBeside, type InventoryCommand } from '../../src/rooms/inventory/inventory.ts';
import { Archive, Archiver, packSome, readThrough, withLog } from '../../src/runtime/runtime.ts';
import type { EventRecord, LogStore, Store } from '../../src/store/store.ts';
import type { Line } from '../report.ts';
import { THOUSAND, type Settings, type Suite } from './suite.ts';

/** Bytes of a fact on disk, live and archived; how fast facts move; and what a question about the past costs. */
export const archive: Suite = { name: 'archive', about: 'bytes of a fact live and archived, archiving and reading back, availability at a past instant', run };

const HOLDS = 50_000;
const CALLERS = 512;
/** Facts of one item, each in a commit of its own, with this many commits of others of the same log before the next. */
const OLD_FACTS = 512;
const BETWEEN = 40;
const OLD = 'OLD';
const QUESTIONS = 200;
const PARTITIONS = 16;

async function run(_: Settings): Promise<Line[]> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-archive-'));
  try {
    return [...(await manyFacts(join(directory, 'many'))), ...(await oneItem(join(directory, 'one')))];
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function manyFacts(directory: string): Promise<Line[]> {
  {
    await using stock = await openHoldfast({ place: { engine: 'sqlite', directory }, archive: 'off', partitions: PARTITIONS });
    await holds(stock);
    await stock.views.covers([...stock.engine.heads], 600_000);
  }
  const live = sizeOf(directory);
  await using store = await openSqlite({ directory });
  const facts = await count(store.log, store);
  const cold = new Archive(openDirectory(join(directory, 'archive')), store.settings);
  const archiving = performance.now();
  const archiver = archiverOf(store, cold);
  await archiver.run();
  const archived = performance.now();
  if (archiver.figures.segments === 0) throw new Error('nothing was archived');
  const again = await count(readThrough(store.log, new Archive(openDirectory(join(directory, 'archive')), store.settings)), store);
  const read = performance.now();
  if (again !== facts) throw new Error(`${facts} facts were archived and ${again} read back`);
  return [
    { name: 'a fact, live in log.db', figure: live / facts, unit: 'B' },
    { name: 'a fact, archived', figure: archiver.figures.bytes / facts, unit: 'B', beside: { name: 'live', figure: live / facts }, ratio: archiver.figures.bytes / live },
    { name: 'facts archived, held against the log and trimmed', figure: (facts / (archived - archiving)) * 1000, unit: '/s' },
    { name: 'facts read back from the archive', figure: (facts / (read - archived)) * 1000, unit: '/s' },
  ];
}

/** As a sale is: holds of a thousand items, every third of which is confirmed. */
async function holds(stock: Holdfast): Promise<void> {
  const execute = async (command: InventoryCommand): Promise<unknown> => {
    const outcome = await stock.engine.execute(command);
    if (!outcome.ok) throw new Error(`refused: ${JSON.stringify(outcome)}`);
    return outcome.answer;
  };
  await Promise.all(THOUSAND.map((sku) => execute({ type: 'DefineItem', sku, mode: 'replace', definition: { name: sku } })));
  await Promise.all(THOUSAND.map((sku) => execute({ type: 'AdjustStock', sku, location: 'main', bucket: 'sellable', change: 1_000_000, reason: 'received' })));
  let made = 0;
  const caller = async (): Promise<void> => {
    while (made < HOLDS) {
      const sku = THOUSAND[(made * 7919) % THOUSAND.length] ?? '';
      const third = made++ % 3 === 0;
      const { id } = (await execute({ type: 'ReserveStock', lines: [{ sku, quantity: 1 + (made % 3) }] })) as { id: string };
      if (third) await execute({ type: 'ConfirmReservation', id, orderId: `order-${made}` });
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
}

/** What log.db takes once its journal is folded in. */
function sizeOf(directory: string): number {
  const file = join(directory, 'log.db');
  const database = new DatabaseSync(file);
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
  return readdirSync(directory).filter((name) => name.startsWith('log.db')).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
}

async function count(log: LogStore, store: Store): Promise<number> {
  let facts = 0;
  for (let id = 0; id < store.partitions; id++) for await (const { events } of log.read(id, 0)) facts += events.length;
  return facts;
}

function archiverOf(store: Store, cold: Archive): Archiver {
  const clock = { now: () => Date.now(), after: () => () => undefined };
  return new Archiver({ store: withLog(store, readThrough(store.log, cold)), archive: cold, clock, holder: 'bench', afterMs: 0, consumers: ['states'], pack: (request) => packSome(store.log, cold, request) });
}

async function oneItem(directory: string): Promise<Line[]> {
  const instants = await longHistory(directory);
  await using stock = await openHoldfast({ place: { engine: 'sqlite', directory }, archive: 'off' });
  await stock.views.covers([...stock.engine.heads], 600_000);
  const fromLive = await waits(stock, stock.store, instants);
  const cold = new Archive(openDirectory(join(directory, 'archive')), stock.store.settings);
  await archiverOf(stock.store, cold).run();
  const fromArchive = await waits(stock, withLog(stock.store, readThrough(stock.store.log, cold)), instants);
  return [
    { name: `availability at a past instant, ${OLD_FACTS} facts far apart: half`, figure: fromLive.half, unit: 'ms' },
    { name: 'nine in ten', figure: fromLive.nineInTen, unit: 'ms' },
    { name: 'the same from the archive: half', figure: fromArchive.half, unit: 'ms' },
    { name: 'nine in ten', figure: fromArchive.nineInTen, unit: 'ms' },
  ];
}

/** Writes it down as the engine would have, a second a commit; gives the instants at which the old item got one more. */
async function longHistory(directory: string): Promise<number[]> {
  await using store = await openSqlite({ directory, partitions: 1 });
  const instants: number[] = [];
  let time = Date.now() - (OLD_FACTS + 1) * (BETWEEN + 1) * 1_000;
  const fact = (type: string, sku: string, data: JsonObject): EventRecord => ({ type, key: itemKey(sku), time: (time += 1_000), data });
  const received = (sku: string): EventRecord => fact('inventory.stock.adjusted', sku, { location: 'main', bucket: 'sellable', change: 1, onHand: 1, reason: 'received' });
  const definition = { tracked: true, safetyStock: 0, backorderLimit: 0, channelBuffers: {}, thresholds: [0], attributes: {}, reservationTtlSeconds: 900 };
  let position = 0;
  const appends = [OLD, 'OTHER'].map((sku) => fact('inventory.item.defined', sku, { sku, definition }));
  for (let n = 0; n < OLD_FACTS; n++) {
    appends.push(received(OLD));
    instants.push(time);
    for (let other = 0; other < BETWEEN; other++) appends.push(received('OTHER'));
  }
  await Promise.all(appends.map((event) => store.log.append([{ log: 0, expected: position++, events: [event] }], `bench-${position}`)));
  return instants;
}

async function waits(stock: Holdfast, store: Store, instants: readonly number[]): Promise<{ half: number; nineInTen: number }> {
  const taken: number[] = [];
  for (let n = 0; n < QUESTIONS; n++) {
    const index = (n * 389) % instants.length;
    const at = instants[index] ?? 0;
    const began = performance.now();
    const available = await askThePast({ engine: stock.engine, store, views: stock.views }, at, (world) => {
      const item = findItem(world, OLD);
      return item && figuresOf(item, locationsBeside(world, itemKey(OLD)), at).available;
    });
    taken.push(performance.now() - began);
    if (available === undefined || available < index + 1) throw new Error(`${available} were available where ${index + 1} had come in`);
  }
  taken.sort((a, b) => a - b);
  return { half: taken[QUESTIONS / 2] ?? 0, nineInTen: taken[(QUESTIONS * 9) / 10] ?? 0 };
}
