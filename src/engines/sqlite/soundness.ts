/**
 * Whether what indexes say is what tables say. A checksum shows that a row is whole once it was found; a row that an
 * index hides is found by nobody, and SQLite takes a wrong page of an index at its word. So after a start the tables
 * are held against their indexes, on a thread of its own, and what is derived against what it is derived from.
 */
import { Fault } from '../../base/errors.ts';
import { openDatabase, type Database } from './database.ts';
import { faultOf, wayBack } from './faults.ts';
import { leaseReads } from './leases.ts';
import { trimReads } from './log.ts';
import { queueReads } from './queue.ts';
import { liveViews, logFile, partitionsOf, viewsFile } from './schema.ts';
import { settingReads } from './settings.ts';
import { quoted, viewTables } from './view-rows.ts';

/** Small, whatever the store: some thousand rows at the most. Appends are not among them: they are a chain and have no index. */
const SMALL = ['meta', 'trims', 'queues', 'leases', 'settings'] as const;

/**
 * Rows up to which a table is looked at after a start: some seconds, during which the process cannot end in peace. What
 * is larger is left to `holdfast verify` and `holdfast doctor`.
 */
const ROWS_MAX = 2_000_000;

/** How far the check goes: what takes milliseconds, and accepted work (3 s a million). */
export type Part = 'small' | 'queue';

export function soundnessChecks(directory: string) {
  return {
    /** Throws `corrupt` where a part of the store is not what it must be. */
    check(part: Part): void {
      using log = openDatabase(logFile(directory), 'read');
      switch (part) {
        case 'small': return within(log, () => checkSmall(log));
        case 'queue': return within(log, () => checkQueue(log));
        default: return part satisfies never;
      }
    },
    /** The tables of saved states and of views, each to be checked by itself: who stops meanwhile waits for one of them at the most. */
    viewTables(): string[] {
      using views = openViews(directory);
      return within(views, () => ['checkpoints', 'states', ...viewTables(views.connection).map(({ name }) => name)]);
    },
    /** Throws `corrupt` where a table of the views' file is not what its indexes say; 1 s a million rows. */
    checkView(table: string): void {
      using views = openViews(directory);
      within(views, () => {
        const more = views.connection.prepare(`SELECT 1 FROM ${quoted(table)} LIMIT 1 OFFSET ${ROWS_MAX}`).get();
        if (more === undefined) checkTable(views, table);
      });
    },
  };
}

function openViews(directory: string): Database {
  using log = openDatabase(logFile(directory), 'read');
  return openDatabase(viewsFile(directory, liveViews(log)), 'read');
}

/** Of one instant, with the driver's errors in our words. */
function within<T>(database: Database, body: () => T): T {
  try {
    return database.snapshot(body);
  } catch (error) {
    throw faultOf(error, database.file);
  }
}

/** The rows of small tables have to be found, and whole. */
function checkSmall(log: Database): void {
  for (const table of SMALL) checkTable(log, table);
  settingReads(log).listSettings('');
  queueReads(log).queues();
  const trims = trimReads(log);
  for (let id = 0; id < partitionsOf(log); id++) trims.trimmedTo(id);
  const { findLease } = leaseReads(log);
  for (const { name } of log.connection.prepare('SELECT name FROM leases').all()) findLease(String(name));
}

function checkQueue(log: Database): void {
  const range = log.connection.prepare('SELECT max(seq) - min(seq) AS rows FROM messages').get();
  if (Number(range?.['rows'] ?? 0) > ROWS_MAX) return;
  checkTable(log, 'messages');
  checkTable(log, 'lanes');
  const { connection } = log;
  // Lanes follow from the messages.
  const expected = connection.prepare('SELECT queue, lane, min(seq) AS head, from_ms FROM messages NOT INDEXED WHERE status < 2 GROUP BY queue, lane ORDER BY queue, lane').all();
  const found = connection.prepare('SELECT queue, lane, head, wake_ms FROM lanes ORDER BY queue, lane').all();
  if (found.length !== expected.length) throw unsound(log.file, `there are ${found.length} lanes, and messages for ${expected.length}`);
  for (const [index, { queue, lane, head, wake_ms: wakeMs }] of found.entries()) {
    const first = expected[index];
    const follows = first?.['queue'] === queue && first?.['lane'] === lane && first?.['head'] === head && (wakeMs === 0 || wakeMs === first?.['from_ms']);
    if (!follows) throw unsound(log.file, `lane ${String(lane)} of ${String(queue)} does not begin with its first message`);
  }
  const unnamed = connection.prepare('SELECT queue FROM messages NOT INDEXED WHERE queue NOT IN (SELECT name FROM queues) LIMIT 1').get();
  if (unnamed) throw unsound(log.file, `the queue ${String(unnamed['queue'])} has messages and is not among the queues`);
}

function checkTable({ connection, file }: Database, table: string): void {
  const [first] = connection.prepare(`PRAGMA integrity_check(${quoted(table)})`).all();
  const said = String(first?.['integrity_check']);
  if (said !== 'ok') throw unsound(file, said);
}

function unsound(file: string, what: string): Fault {
  return new Fault('corrupt', `${file}: ${what}; ${wayBack(file)}`, { retry: 'never' });
}
