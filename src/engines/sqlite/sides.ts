/**
 * The three sides of a store, each of which is one thread, or all of them the caller's: `log` writes log.db and is the
 * only one whose time matters to a shopper; `views` writes the views' file; `reader` reads both. A fourth, `soundness`,
 * looks at them after a start and ends; a fifth, `beside`, has the views that are being made again, and a thread always.
 */
import { passing } from '../../base/crash-points.ts';
import { channelName } from './channels.ts';
import { openDatabase, type Database } from './database.ts';
import { leaseReads, leaseWrites } from './leases.ts';
import { logReads } from './log-reads.ts';
import { logWrites } from './log.ts';
import { viewReads, viewWrites } from './projections.ts';
import { queueReads, queueWrites } from './queue.ts';
import { dropOtherViews, liveViews, logFile, partitionsOf, viewsFile } from './schema.ts';
import { settingReads, settingWrites } from './settings.ts';
import { soundnessChecks } from './soundness.ts';
import { transferReads, transferWrites } from './transfer.ts';
import { done, readWorker, writeWorker, type Call, type Worker } from './batches.ts';
import { Witness } from './witness.ts';

export type Side = 'log' | 'views' | 'reader' | 'soundness' | 'beside';

export function openSide(side: Side, directory: string): Worker {
  switch (side) {
    case 'log': return openLogSide(directory);
    case 'views': return reopening(() => openViewsSide(directory));
    case 'reader': return reopening(() => openReaderSide(directory));
    case 'soundness': return readWorker(soundnessChecks(directory), { fileOf: () => directory, close: () => undefined });
    case 'beside': return openBesideSide(directory);
    default: return side satisfies never;
  }
}

function openLogSide(directory: string): Worker {
  const database = openDatabase(logFile(directory), 'full');
  const witness = openWitness(directory, database);
  const operations = logOperations(database);
  const advanced = new BroadcastChannel(channelName(directory));
  advanced.unref();
  return writeWorker(operations, database, {
    committed(calls) {
      const appended = calls.some(([, operation]) => operation === 'append');
      if (appended) passing('log.committed');
      if (appended) advanced.postMessage(0);
      if (calls.some(([, operation]) => PROMISES.has(operation))) witness.note();
    },
    close() {
      advanced.close();
      witness[Symbol.dispose]();
      database[Symbol.dispose]();
    },
  });
}

/** A side whose views may be switched under it: `reopen` opens those that are live by then, and closes the old. */
function reopening(open: () => Worker): Worker {
  let worker = open();
  return {
    run(calls) {
      if (!calls.some(isReopen)) return worker.run(calls);
      const next = open();
      worker.close();
      worker = next;
      return [...calls.filter(isReopen).map((call) => done(call, undefined)), ...worker.run(calls.filter((call) => !isReopen(call)))];
    },
    tidy: () => worker.tidy?.(),
    close: () => worker.close(),
  };
}

const isReopen = ([, operation]: Call): boolean => operation === 'reopen';

/** Said here for its type; `reopening` does it. */
const reopenable = { reopen: (): void => undefined };

/** The operations whose callers are told something by it that must not vanish. */
const PROMISES: ReadonlySet<string> = new Set(['append', 'put', 'finish', 'revive', 'swap'] satisfies (keyof LogOperations)[]);

function openWitness(directory: string, database: Database): Witness {
  try {
    return new Witness(directory, database);
  } catch (error) {
    database[Symbol.dispose]();
    throw error;
  }
}

function openViewsSide(directory: string): Worker {
  const live = liveViewsOf(directory);
  dropOtherViews(directory, live);
  const database = openDatabase(viewsFile(directory, live), 'normal');
  const worker = writeWorker(viewWrites(database), database, { committed: () => passing('views.committed'), close: () => database[Symbol.dispose]() });
  return {
    run: (calls) => (calls.some(([, operation]) => operation === 'sync') ? durably(database, () => worker.run(calls)) : worker.run(calls)),
    tidy: () => worker.tidy?.(),
    close: worker.close,
  };
}

/** Memory for pages of views in the making: rows come in the order of facts, and the tables are sorted by key. */
const BESIDE_CACHE_KIB = 128 * 1024;

/** One connection that writes and reads, because it has its file to itself. */
function openBesideSide(directory: string): Worker {
  const database = openDatabase(viewsFile(directory, liveViewsOf(directory) + 1), 'off');
  try {
    // Nobody else has the file, and after a crash it is thrown away: pages need not be written twice, and what is undone is in memory.
    database.connection.exec(`PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -${BESIDE_CACHE_KIB}`);
    const questions = besideQuestions(database);
    const reader = readWorker(questions, { fileOf: () => database.file, close: () => database[Symbol.dispose]() });
    const writer = writeWorker(viewWrites(database), database, { close: () => undefined });
    return {
      run: (calls) => calls.flatMap((call) => (call[1] in questions ? reader : writer).run([call])),
      tidy: () => writer.tidy?.(),
      close: () => reader.close(),
    };
  } catch (error) {
    database[Symbol.dispose]();
    throw error;
  }
}

function besideQuestions(database: Database) {
  return {
    ...viewReads(database),
    /** Leaves the file as whoever opens it next will have it. It is not synced yet. */
    seal(): void {
      database.connection.exec('PRAGMA locking_mode = NORMAL; PRAGMA journal_mode = WAL');
      database.checkpoint('now');
    },
  };
}

/** The level can be changed only between transactions, so it is raised for the whole batch that asks for it. */
function durably<T>(database: Database, body: () => T): T {
  database.connection.exec('PRAGMA synchronous = FULL');
  try {
    return body();
  } finally {
    database.connection.exec('PRAGMA synchronous = NORMAL');
  }
}

function openReaderSide(directory: string): Worker {
  const log = openDatabase(logFile(directory), 'read');
  const views = openDatabase(viewsFile(directory, liveViews(log)), 'read');
  const ofViews = viewReads(views);
  return readWorker({ ...logQuestions(log), ...ofViews }, {
    fileOf: (operation) => (operation in ofViews ? views.file : log.file),
    close() {
      log[Symbol.dispose]();
      views[Symbol.dispose]();
    },
  });
}

function liveViewsOf(directory: string): number {
  using log = openDatabase(logFile(directory), 'read');
  return liveViews(log);
}

function logOperations(database: Database) {
  const counted = database.connection.prepare(`UPDATE meta SET value = value + 1 WHERE name = 'changes'`);
  /** Appends are numbered anyway; what else is promised is counted, for the witness. */
  const counting = <A extends readonly unknown[], R>(operation: (...args: A) => R) => (...args: A): R => {
    counted.run();
    return operation(...args);
  };
  const queue = queueWrites(database);
  const settings = settingWrites(database);
  const pinged = database.connection.prepare(`UPDATE meta SET value = value + 1 WHERE name = 'pings'`);
  const setViews = database.connection.prepare(`INSERT INTO meta VALUES ('views', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`);
  return {
    ...logWrites(database, partitionsOf(database)),
    ...queue,
    put: counting(queue.put),
    finish: counting(queue.finish),
    revive: counting(queue.revive),
    ...leaseWrites(database),
    swap: counting(settings.swap),
    ...transferWrites(database),
    ping(): void {
      pinged.run();
    },
    setLiveViews(generation: number): void {
      setViews.run(generation);
    },
  };
}

function logQuestions(database: Database) {
  return { ...logReads(database, partitionsOf(database)), ...queueReads(database), ...leaseReads(database), ...settingReads(database), ...transferReads(database), liveViews: (): number => liveViews(database) };
}

export type LogOperations = ReturnType<typeof logOperations>;
export type BesideOperations = ReturnType<typeof viewWrites> & ReturnType<typeof besideQuestions>;
export type Checks = ReturnType<typeof soundnessChecks>;
export type ViewOperations = ReturnType<typeof viewWrites> & typeof reopenable;
export type Questions = ReturnType<typeof logQuestions> & ReturnType<typeof viewReads> & typeof reopenable;
