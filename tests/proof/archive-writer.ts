/**
 * Writes facts and archives them at once, both without end, and dies where it is told to:
 * `node archive-writer.ts <directory> <point> <nth>`. Says `log <log> <position> <token>` for each commit that was
 * acknowledged, `trimmed <log> <position>` after each trim, and `dies <point>` with its last breath.
 */
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { openDirectory } from '../../src/engines/directory/directory.ts';
import { openSqlite } from '../../src/engines/sqlite/sqlite.ts';
import { Archive, Archiver, packSome, readThrough } from '../../src/runtime/runtime.ts';
import type { ColdStore, LogStore, Store } from '../../src/store/store.ts';

export type Point = 'before put' | 'after put' | 'before trim' | 'in trim' | 'after trim' | 'any';

const say = (line: string): void => void writeSync(1, `${line}\n`); // at once, as it would not survive this process otherwise

function dieAt(point: Point, nth: number): (here: Point) => void {
  let left = nth;
  return (here) => {
    if (here !== point || --left > 0) return;
    say(`dies ${here}`);
    process.kill(process.pid, 'SIGKILL');
  };
}

function mortalCold(cold: ColdStore, here: (point: Point) => void): ColdStore {
  return {
    place: cold.place,
    get: (name, range) => cold.get(name, range),
    list: (prefix) => cold.list(prefix),
    delete: (name) => cold.delete(name),
    async put(name, body) {
      here('before put');
      await cold.put(name, body);
      here('after put');
    },
  };
}

function mortalLog(log: LogStore, here: (point: Point) => void): LogStore {
  return {
    ...log,
    async trim(id, upTo) {
      here('before trim');
      const trimming = log.trim(id, upTo);
      // Somewhere in its transactions.
      setTimeout(() => here('in trim'), Math.random() * 3);
      await trimming;
      say(`trimmed ${id} ${upTo}`);
      here('after trim');
    },
  };
}

async function write(store: Store, log: number): Promise<never> {
  for (let position = (await store.log.head(log)) + 1; ; position++) {
    const token = `${process.pid}/${position}`;
    const events = Array.from({ length: 1 + (position % 5) }, (_, n) => ({ type: 'Counted', key: `i/${n}`, time: Date.now(), data: { log, position, n } }));
    await store.log.append([{ log, expected: position - 1, events }], token);
    say(`log ${log} ${position} ${token}`);
  }
}

/** What the projector does, without the states. */
async function pass(store: Store): Promise<never> {
  for (;;) {
    const [heads, reached] = [await store.log.heads(), await store.projections.checkpoints('states')];
    const checkpoints = heads.map((upTo, log) => ({ log, expected: reached[log] ?? 0, upTo }));
    await store.projections.apply({ consumer: 'states', checkpoints, states: [], deletes: [], upserts: [] });
  }
}

const [directory = '', point = 'any', nth = '1'] = process.argv.slice(2);
const here = dieAt(point as Point, Number(nth));
const store = await openSqlite({ directory, partitions: 3 });
const archive = new Archive(mortalCold(openDirectory(join(directory, 'archive')), here), store.settings);
const log = mortalLog(readThrough(store.log, archive), here);
const clock = systemClock();
const archiver = new Archiver({ store: { ...store, log, partitions: 3 }, archive, clock, holder: 'writer', afterMs: 0, consumers: ['states'], pack: (request) => packSome(store.log, archive, request) });
const loops = [write(store, 0), write(store, 1), write(store, 2), pass(store)];
if (point === 'any') setTimeout(() => here('any'), 200 + Math.random() * 800);
for (;;) {
  await Promise.race([archiver.run(), ...loops]);
  await new Promise((resolve) => setTimeout(resolve, 20));
}
