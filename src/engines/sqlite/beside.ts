/**
 * Views made again: a file of the next generation beside the live one, written without waiting for the disk and synced
 * once when it is adopted. Which generation is live is said in log.db, in one durable write.
 */
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { Fault } from '../../base/errors.ts';
import type { Beside, Table } from '../../store/store.ts';
import { openDatabase } from './database.ts';
import { Desk } from './desk.ts';
import { faultOf } from './faults.ts';
import { projectionPort, type Desks } from './ports.ts';
import { readWorker, writeWorker } from './batches.ts';
import { viewReads, viewWrites } from './projections.ts';
import type { Questions, ViewOperations } from './sides.ts';
import { syncNames } from './directory.ts';
import { dropOtherViews, establishViews, viewsFile } from './schema.ts';

/** Memory for pages of the file: rows come in the order of facts, and the tables are sorted by key. */
const CACHE_KIB = 128 * 1024;

function syncFile(file: string): void {
  const handle = openSync(file, 'r');
  try {
    fsyncSync(handle);
  } catch (error) {
    throw new Fault('storage-failed', `syncing ${file} failed; check the disk, then restart`, { retry: 'later', cause: error });
  } finally {
    closeSync(handle);
  }
}

export async function besideSqlite(directory: string, desks: Desks, partitions: number): Promise<Beside> {
  const live = await desks.reader.call('liveViews');
  const file = viewsFile(directory, live + 1);
  dropOtherViews(directory, live);
  establishViews(directory, live + 1);
  const database = openDatabase(file, 'off');
  // Nobody else has the file, and after a crash it is thrown away: pages need not be written twice, and what is undone is in memory.
  database.connection.exec(`PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -${CACHE_KIB}`);
  const open = <O>(make: () => O): O => {
    try {
      return make();
    } catch (error) {
      database[Symbol.dispose]();
      throw faultOf(error, file);
    }
  };
  const views = open(() => Desk.inline<ViewOperations>(writeWorker(viewWrites(database), database, { close: () => undefined })));
  const reader = open(() => Desk.inline<Questions>(readWorker(viewReads(database), { fileOf: () => file, close: () => database[Symbol.dispose]() })));
  const close = async (): Promise<void> => {
    await views.close();
    await reader.close();
  };
  let adopted = false;
  let indexed: readonly Table[] = [];
  const projections = projectionPort({ views, reader }, partitions, () => Promise.reject(new Error('projections in the making have none beside them')));
  return {
    projections: {
      ...projections,
      /** Indexes are made when all rows are there: sorted once, and not looked through for each row. */
      async prepare(tables, form) {
        await projections.prepare(tables.map(({ indexes: _, ...table }) => table), form);
        indexed = tables;
      },
    },
    async adopt() {
      await projections.prepare(indexed);
      try {
        // As whoever opens it next will have it.
        database.connection.exec('PRAGMA locking_mode = NORMAL; PRAGMA journal_mode = WAL');
        database.checkpoint('now');
      } catch (error) {
        throw faultOf(error, file);
      }
      await close();
      // Nothing was synced until now; nobody has the file open any more.
      syncFile(file);
      syncNames(directory);
      await desks.log.call('setLiveViews', live + 1);
      adopted = true;
    },
    async [Symbol.asyncDispose]() {
      await close();
      if (!adopted) dropOtherViews(directory, live);
    },
  };
}
