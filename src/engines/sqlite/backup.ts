/**
 * Copies the files of a store while another process works on it. Each file is copied from one instant: a read
 * transaction is held open until the last page was copied, so a writer goes on and none of what it adds is in the copy.
 * The views are copied before the log, so that they are never ahead of it.
 *
 * Call it from a process that has not opened the store: see schema.ts.
 */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { backup } from 'node:sqlite';
import { Fault } from '../../base/errors.ts';
import type { Position } from '../../store/store.ts';
import { openDatabase } from './database.ts';
import { faultOf } from './faults.ts';
import { logReads } from './log-reads.ts';
import { liveViews, logFile, viewsFile } from './schema.ts';

/** Pages copied between two looks at anything else: 4 MiB. */
const PAGES_PER_STEP = 1_024;

export interface CopyOptions {
  /** Views can be made again from the log: without them a copy is smaller, and its first start longer. */
  readonly views: 'with' | 'without';
  /** Told how many pages of the file being copied are done, and of how many. */
  readonly onProgress?: (file: string, done: number, total: number) => void;
}

/** What is in a copy. */
export interface Copied {
  readonly files: readonly string[];
  readonly partitions: number;
  /** The position of each log's newest commit; index = log. */
  readonly heads: readonly Position[];
}

/** Copies the store in `directory` to files of the same names in `target`, which exists and has none of them. */
export async function copySqlite(directory: string, target: string, { views, onProgress }: CopyOptions): Promise<Copied> {
  if (!existsSync(logFile(directory))) {
    throw new Fault('unavailable', `there is no store in ${directory}: ${logFile(directory)} is missing`, { retry: 'never' });
  }
  const live = viewsFile(directory, generationOf(directory));
  const files = [...(views === 'with' && existsSync(live) ? [live] : []), logFile(directory)];
  for (const file of files) {
    try {
      await copyFile(file, join(target, basename(file)), (done, total) => onProgress?.(basename(file), done, total));
    } catch (error) {
      throw faultOf(error, file);
    }
  }
  return { files: files.map((file) => basename(file)), ...inspect(logFile(target)) };
}

/** Should the server switch views while they are copied, the copy's are of no use to its log, and are made again. */
function generationOf(directory: string): number {
  using log = openDatabase(logFile(directory), 'normal');
  return liveViews(log);
}

async function copyFile(file: string, target: string, onProgress: (done: number, total: number) => void): Promise<void> {
  using source = openDatabase(file, 'normal');
  const { connection } = source;
  connection.exec('BEGIN');
  try {
    connection.prepare('SELECT count(*) FROM sqlite_schema').get(); // the instant of the copy is that of the first read
    await backup(connection, target, {
      rate: PAGES_PER_STEP,
      progress: ({ totalPages, remainingPages }) => onProgress(totalPages - remainingPages, totalPages),
    });
  } finally {
    connection.exec('COMMIT');
  }
  // What the writer added meanwhile could not leave the WAL. Copying it into the database here spares the writer's next commit that work.
  connection.prepare('PRAGMA wal_checkpoint(PASSIVE)').get();
}

/** Checks the copied log from end to end and says how far it goes. Nobody else has it open. */
function inspect(file: string): { partitions: number; heads: Position[] } {
  using log = openDatabase(file, 'normal');
  const verdict = String(Object.values(log.connection.prepare('PRAGMA quick_check(1)').get() ?? {})[0]);
  if (verdict !== 'ok') throw new Fault('corrupt', `the copy of the log is damaged, and so may be the log itself: ${verdict}`, { retry: 'never' });
  const partitions = Number(log.connection.prepare(`SELECT value FROM meta WHERE name = 'partitions'`).get()?.['value']);
  return { partitions, heads: logReads(log, partitions).heads() };
}
