/**
 * The log: one row an append, or some where it is large. A row has commits of the logs that the append concerned, and
 * the heads of all logs after it, so that heads are in the newest row and the row of a position is found by bisection.
 */
import { passing } from '../../base/crash-points.ts';
import { conflict } from '../../base/errors.ts';
import type { LogId, Position } from '../../store/envelope.ts';
import { checksum, verify } from './checksums.ts';
import type { Database } from './database.ts';
import { AppendRows, bodyOf, checksumOf } from './rows.ts';

/**
 * A row that holds this much takes no further commit: who wants one of them reads them all. Smaller rows cost more
 * pages, since each ends within one.
 */
export const ROW_CHARACTERS = 32 * 1024;

/** How many rows one transaction of a trim deletes: a few milliseconds during which no append can pass. */
const TRIM_ROWS_MAX = 512;

/** A commit to be written, its events encoded already by the thread that asks. */
export type EncodedAppend = readonly [log: LogId, expected: Position, body: string];
/** A stored commit, its events still encoded. */
export type EncodedCommit = readonly [position: Position, token: string, body: string];

export function logWrites(database: Database, partitions: number) {
  const { connection } = database;
  const insert = connection.prepare('INSERT INTO appends (seq, before, crc, token, logs, heads, body) VALUES (?, ?, ?, ?, ?, ?, ?)');
  const erase = connection.prepare('DELETE FROM appends WHERE seq <= ?');
  const blank = connection.prepare(`UPDATE appends SET logs = '[]', body = '', crc = ? WHERE seq = ?`);
  const saveTrim = connection.prepare('INSERT INTO trims VALUES (?, ?, ?) ON CONFLICT (log) DO UPDATE SET up_to = excluded.up_to, crc = excluded.crc');
  const trims = trimReads(database);
  const rows = new AppendRows(database, partitions);
  rows.verifyNewest();

  const mark = (log: LogId, upTo: Position): void => {
    const furthest = Math.max(upTo, trims.trimmedTo(log));
    saveTrim.run(log, furthest, checksum('trim', log, furthest));
  };

  /** The newest row of which nothing may be read any more, or undefined. Heads only grow, so it is found by bisection. */
  const lastForgotten = (first: number, newest: number): number | undefined => {
    const upTo = Array.from({ length: partitions }, (_, log) => trims.trimmedTo(log));
    const isForgotten = (seq: number): boolean => rows.headsAt(seq).every((head, log) => head <= (upTo[log] ?? 0));
    let low = first - 1;
    let high = newest;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (isForgotten(middle)) low = middle;
      else high = middle - 1;
    }
    return low < first ? undefined : low;
  };

  const append = (commits: readonly EncodedAppend[], token: string): void => {
    const newest = rows.newest();
    const heads = [...newest.heads];
    for (const [log, expected] of commits) if (heads[log] !== expected) throw conflict(`append to log ${log} after position ${expected}`);
    let [seq, before] = [newest.seq, newest.crc];
    for (const some of inRows(commits)) {
      for (const [log, expected] of some) heads[log] = expected + 1;
      const row = { seq: ++seq, before, token, logs: JSON.stringify(some.map(([log]) => log)), heads: JSON.stringify(heads) };
      const body = bodyOf(some);
      before = checksumOf(row, body);
      insert.run(seq, row.before, before, token, row.logs, row.heads, body);
    }
    passing('log.append');
  };

  return {
    append,
    /** Commits of one log that follow each other and its head, each an append of its own; all or none. */
    addCommits(log: LogId, commits: readonly EncodedCommit[]): void {
      const first = (rows.newest().heads[log] ?? 0) + 1;
      // Looked at before anything is written: a refusal undoes nothing.
      if (commits.some(([position], index) => position !== first + index)) throw conflict(`adding ${commits.length} commits to log ${log} after position ${first - 1}`);
      for (const [position, token, body] of commits) append([[log, position - 1, body]], token);
    },
    /** For a log without commits: a row that holds nothing but heads says where it begins. */
    beginAfter(log: LogId, position: Position): void {
      const newest = rows.newest();
      if (newest.heads[log] === position) return;
      if (newest.heads[log] !== 0) throw conflict(`beginning log ${log} after position ${position}`);
      const heads = [...newest.heads];
      heads[log] = position;
      const row = { seq: newest.seq + 1, before: newest.crc, token: '', logs: '[]', heads: JSON.stringify(heads) };
      insert.run(row.seq, row.before, checksumOf(row, ''), '', row.logs, row.heads, '');
      mark(log, position);
    },
    /** Marks commits as forgotten and deletes some rows of which nothing is left; false while there is more to delete. */
    trim(log: LogId, upTo: Position): boolean {
      const newest = rows.newest();
      mark(log, Math.min(upTo, newest.heads[log] ?? 0));
      const first = rows.first();
      const last = first === undefined ? undefined : lastForgotten(first, newest.seq);
      if (first === undefined || last === undefined) return true;
      // Nothing is erased on the word of heads that were not held against their checksum.
      rows.loadOnce(last);
      // The newest row stays for its heads, without what it said.
      if (last === newest.seq) blank.run(checksumOf({ ...rows.stored(last), logs: '[]' }, ''), last);
      const end = Math.min(first + TRIM_ROWS_MAX - 1, last, newest.seq - 1);
      if (end >= first) erase.run(end);
      passing('log.trim');
      return end >= Math.min(last, newest.seq - 1);
    },
  };
}

/** How far logs were forgotten. */
export function trimReads({ connection, file }: Database) {
  const trimmed = connection.prepare('SELECT up_to, crc FROM trims WHERE log = ?');
  return {
    trimmedTo(log: LogId): Position {
      const row = trimmed.get(log);
      if (row === undefined) return 0;
      const upTo = Number(row['up_to']);
      verify(file, `how far log ${log} was trimmed`, row['crc'], 'trim', log, upTo);
      return upTo;
    },
  };
}

/** The commits of each row. */
function inRows(commits: readonly EncodedAppend[]): (readonly EncodedAppend[])[] {
  const rows: EncodedAppend[][] = [];
  let room = 0;
  for (const commit of commits) {
    if (room <= 0) {
      rows.push([]);
      room = ROW_CHARACTERS;
    }
    rows.at(-1)?.push(commit);
    room -= commit[2].length;
  }
  return rows;
}
