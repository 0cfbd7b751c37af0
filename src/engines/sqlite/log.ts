/**
 * Commits: one row each. Its id is `log × 2^43 + position`, so that a log is a range of ids and its head the last id
 * of the range. Heads are looked up and never kept: another connection may have moved them.
 */
import { conflict, Fault } from '../../base/errors.ts';
import type { LogId, Position } from '../../store/envelope.ts';
import type { Database } from './database.ts';

/** 2^43 positions for each of 2^10 logs: together the integers that a JavaScript number holds exactly. */
const LOG_SPAN = 2 ** 43;

const PAGE_COMMITS_MAX = 256;
const PAGE_CHARACTERS_MAX = 4 * 1024 * 1024;

/** How many commits one transaction of a trim deletes: a few milliseconds during which no append can pass. */
const TRIM_COMMITS_MAX = 512;

/** A commit to be written, its events encoded already by the thread that asks. */
export type EncodedAppend = readonly [log: LogId, expected: Position, body: string];
/** A stored commit, its events still encoded. */
export type EncodedCommit = readonly [position: Position, token: string, body: string];

export function logWrites({ connection }: Database) {
  const insert = connection.prepare('INSERT INTO commits VALUES (?, ?, ?)');
  const oldest = connection.prepare('SELECT id FROM commits WHERE id > ? AND id < ? ORDER BY id LIMIT 1');
  const erase = connection.prepare('DELETE FROM commits WHERE id >= ? AND id <= ?');
  const mark = connection.prepare('INSERT INTO trims VALUES (?, ?) ON CONFLICT (log) DO UPDATE SET up_to = max(up_to, excluded.up_to)');
  const { headOf } = lookups(connection);
  return {
    append(commits: readonly EncodedAppend[], token: string): void {
      for (const [log, expected] of commits) {
        if (headOf(log) !== expected) throw conflict(`append to log ${log} after position ${expected}`);
      }
      for (const [log, expected, body] of commits) insert.run(log * LOG_SPAN + expected + 1, token, body);
    },
    /** Deletes some commits up to a position; false while there is more to delete. */
    trim(log: LogId, upTo: Position): boolean {
      const base = log * LOG_SPAN;
      const last = Math.min(upTo, headOf(log));
      mark.run(log, last);
      const first = oldest.get(base, base + last + 1);
      if (first === undefined) return true;
      const end = Math.min(Number(first['id']) + TRIM_COMMITS_MAX - 1, base + last);
      erase.run(Number(first['id']), end);
      return end === base + last;
    },
  };
}

export function logReads(database: Database) {
  const { connection } = database;
  const page = connection.prepare('SELECT id, token, body FROM commits WHERE id > ? AND id < ? ORDER BY id LIMIT ?');
  const allHeads = connection.prepare(`
    WITH RECURSIVE logs (log) AS (SELECT 0 UNION ALL SELECT log + 1 FROM logs WHERE log + 1 < ?)
    SELECT coalesce(
      (SELECT id - log * ${LOG_SPAN} FROM commits WHERE id > log * ${LOG_SPAN} AND id < (log + 1) * ${LOG_SPAN} ORDER BY id DESC LIMIT 1),
      (SELECT up_to FROM trims WHERE trims.log = logs.log), 0) AS head
    FROM logs ORDER BY log`);
  const { headOf, trimmedTo } = lookups(connection);
  return {
    head: (log: LogId): Position => database.snapshot(() => headOf(log)),
    heads: (partitions: number): Position[] => allHeads.all(partitions).map((row) => Number(row['head'])),
    trimmedTo,
    readPage(log: LogId, after: Position): EncodedCommit[] {
      return database.snapshot(() => {
        if (trimmedTo(log) > after) throw historyLost(log, after, trimmedTo(log));
        const rows: EncodedCommit[] = [];
        let characters = 0;
        for (const row of page.iterate(log * LOG_SPAN + after, (log + 1) * LOG_SPAN, PAGE_COMMITS_MAX)) {
          const body = String(row['body']);
          rows.push([Number(row['id']) - log * LOG_SPAN, String(row['token']), body]);
          characters += body.length;
          if (characters >= PAGE_CHARACTERS_MAX) break;
        }
        return rows;
      });
    },
  };
}

function lookups(connection: Database['connection']) {
  const newest = connection.prepare('SELECT id FROM commits WHERE id > ? AND id < ? ORDER BY id DESC LIMIT 1');
  const trimmed = connection.prepare('SELECT up_to FROM trims WHERE log = ?');
  const trimmedTo = (log: LogId): Position => Number(trimmed.get(log)?.['up_to'] ?? 0);
  return {
    trimmedTo,
    headOf(log: LogId): Position {
      const row = newest.get(log * LOG_SPAN, (log + 1) * LOG_SPAN);
      return row === undefined ? trimmedTo(log) : Number(row['id']) - log * LOG_SPAN;
    },
  };
}

function historyLost(log: LogId, after: Position, trimmedTo: Position): Fault {
  const message = `log ${log} was trimmed up to position ${trimmedTo}, so it cannot be read after ${after}; start from a snapshot or from the archive`;
  return new Fault('history-lost', message, { retry: 'never' });
}
