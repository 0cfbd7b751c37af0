/**
 * Views made again: a file of the next generation beside the live one, written on a thread of its own without waiting
 * for the disk and synced once when it is adopted. Which generation is live is said in log.db, in one durable write.
 */
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { Fault } from '../../base/errors.ts';
import type { Beside, Table } from '../../store/store.ts';
import { projectionPort, type Desks } from './ports.ts';
import type { BesideOperations } from './sides.ts';
import { syncNames } from './directory.ts';
import { dropOtherViews, establishViews, viewsFile } from './schema.ts';
import { startThread } from './threads.ts';

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
  const views = await startThread<BesideOperations>('beside', directory);
  let adopted = false;
  let indexed: readonly Table[] = [];
  const projections = projectionPort({ views, reader: views }, partitions, () => Promise.reject(new Error('projections in the making have none beside them')));
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
      await views.call('seal');
      await views.close();
      // Nothing was synced until now; nobody has the file open any more.
      syncFile(file);
      syncNames(directory);
      await desks.log.call('setLiveViews', live + 1);
      adopted = true;
    },
    async [Symbol.asyncDispose]() {
      await views.close();
      if (!adopted) dropOtherViews(directory, live);
    },
  };
}
