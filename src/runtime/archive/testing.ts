/** What tests of the archive stand on: a log with facts of known instants, and an archiver whose thread is the test's own. */
import { handClock, type HandClock } from '../../base/clock.ts';
import { openMemory, openMemoryColdStore, type ColdCall, type MemoryColdStore, type MemoryStore } from '../../engines/memory/memory.ts';
import type { Commit, LogStore, Store } from '../../store/store.ts';
import { Archive, Archiver, packSome, readThrough } from './archive.ts';

export const DAY = 86_400_000;
export const START = Date.UTC(2026, 0, 1);

export interface Yard extends AsyncDisposable {
  readonly live: MemoryStore;
  readonly cold: MemoryColdStore;
  readonly archive: Archive;
  /** Reads through the archive. */
  readonly log: LogStore;
  readonly archiver: Archiver;
  readonly clock: HandClock;
  /** Appends commits of two facts each, a minute apart from the one before, and lets the views pass them. */
  grow(log: number, count: number): Promise<void>;
}

export interface YardOptions {
  readonly live?: MemoryStore;
  readonly objects?: Map<string, Uint8Array>;
  readonly clock?: HandClock;
  readonly afterMs?: number;
  readonly keepMs?: number;
  readonly holder?: string;
  readonly alone?: boolean;
  readonly interfere?: (call: ColdCall) => void | Promise<void>;
  /** Text of a full segment. */
  readonly charactersMax?: number;
  /** Stands before every trim. */
  readonly beforeTrim?: (log: number, upTo: number) => void;
}

export function openYard(options: YardOptions = {}): Yard {
  const clock = options.clock ?? handClock(START);
  const live = options.live ?? openMemory({ partitions: 3 });
  const cold = openMemoryColdStore({ ...(options.objects === undefined ? undefined : { objects: options.objects }), ...(options.interfere === undefined ? undefined : { interfere: options.interfere }) });
  const archive = new Archive(cold, live.settings);
  const through = readThrough(live.log, archive);
  const log: LogStore = {
    ...through,
    async trim(id, upTo) {
      options.beforeTrim?.(id, upTo);
      await through.trim(id, upTo);
    },
  };
  const store: Pick<Store, 'log' | 'projections' | 'leases' | 'partitions'> = { log, projections: live.projections, leases: live.leases, partitions: live.partitions };
  const archiver = new Archiver({ store, archive, clock, holder: options.holder ?? 'node-1', alone: options.alone ?? false, afterMs: options.afterMs ?? DAY, keepMs: options.keepMs, consumers: ['states'], pack: (request) => packSome(live.log, archive, { ...request, ...(options.charactersMax === undefined ? undefined : { charactersMax: options.charactersMax }) }) });
  return {
    live,
    cold,
    archive,
    log,
    archiver,
    clock,
    grow: (id, count) => grow(live, clock, id, count),
    async [Symbol.asyncDispose]() {
      if (options.live === undefined) await live[Symbol.asyncDispose]();
    },
  };
}

async function grow(live: MemoryStore, clock: HandClock, log: number, count: number): Promise<void> {
  const head = await live.log.head(log);
  for (let position = head + 1; position <= head + count; position++) {
    const events = [0, 1].map((n) => ({ type: 'Counted', key: `i/${log}`, time: clock.now(), data: { position, n, note: 'quotes " and lines \n and ünïcode 茶' } }));
    await live.log.append([{ log, expected: position - 1, events }], `token ${log} ${position} %`);
    clock.advance(60_000);
  }
  await live.projections.apply({ consumer: 'states', checkpoints: [{ log, expected: head, upTo: head + count }], states: [], deletes: [], upserts: [] });
}

export const readAll = (log: Pick<LogStore, 'read'>, id: number, after = 0): Promise<Commit[]> => collect(log.read(id, after));

export const readAt = (log: Pick<LogStore, 'readAt'>, id: number, positions: readonly number[]): Promise<Commit[]> => collect(log.readAt(id, positions));

export const readTogether = async (log: Pick<LogStore, 'readTogether'>, after: ReadonlyMap<number, number>): Promise<Commit[]> => (await collect(log.readTogether(after))).flat();

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of source) all.push(one);
  return all;
}
