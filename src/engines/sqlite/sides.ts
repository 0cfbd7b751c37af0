/**
 * The three sides of a store, each of which is one thread, or all of them the caller's: `log` writes log.db and is the
 * only one whose time matters to a shopper; `views` writes views.db; `reader` reads both.
 */
import { channelName } from './channels.ts';
import { openDatabase, type Database } from './database.ts';
import { leaseReads, leaseWrites } from './leases.ts';
import { logReads, logWrites } from './log.ts';
import { viewReads, viewWrites } from './projections.ts';
import { queueReads, queueWrites } from './queue.ts';
import { logFile, partitionsOf, viewsFile } from './schema.ts';
import { settingReads, settingWrites } from './settings.ts';
import { readWorker, writeWorker, type Worker } from './batches.ts';

export type Side = 'log' | 'views' | 'reader';

export function openSide(side: Side, directory: string): Worker {
  switch (side) {
    case 'log': return openLogSide(directory);
    case 'views': return openViewsSide(directory);
    case 'reader': return openReaderSide(directory);
    default: return side satisfies never;
  }
}

function openLogSide(directory: string): Worker {
  const database = openDatabase(logFile(directory), 'full');
  const advanced = new BroadcastChannel(channelName(directory));
  advanced.unref();
  return writeWorker(logOperations(database), database, {
    committed(calls) {
      if (calls.some(([, operation]) => operation === 'append')) advanced.postMessage(0);
    },
    close() {
      advanced.close();
      database[Symbol.dispose]();
    },
  });
}

function openViewsSide(directory: string): Worker {
  const database = openDatabase(viewsFile(directory), 'normal');
  const worker = writeWorker(viewWrites(database), database, { close: () => database[Symbol.dispose]() });
  return {
    run: (calls) => (calls.some(([, operation]) => operation === 'sync') ? durably(database, () => worker.run(calls)) : worker.run(calls)),
    close: worker.close,
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
  const views = openDatabase(viewsFile(directory), 'read');
  const ofViews = viewReads(views);
  return readWorker({ ...logQuestions(log), ...ofViews }, {
    fileOf: (operation) => (operation in ofViews ? views.file : log.file),
    close() {
      log[Symbol.dispose]();
      views[Symbol.dispose]();
    },
  });
}

function logOperations(database: Database) {
  const pinged = database.connection.prepare(`UPDATE meta SET value = value + 1 WHERE name = 'pings'`);
  return {
    ...logWrites(database, partitionsOf(database)),
    ...queueWrites(database),
    ...leaseWrites(database),
    ...settingWrites(database),
    ping(): void {
      pinged.run();
    },
  };
}

function logQuestions(database: Database) {
  return { ...logReads(database, partitionsOf(database)), ...queueReads(database), ...leaseReads(database), ...settingReads(database) };
}

export type LogOperations = ReturnType<typeof logOperations>;
export type ViewOperations = ReturnType<typeof viewWrites>;
export type Questions = ReturnType<typeof logQuestions> & ReturnType<typeof viewReads>;
