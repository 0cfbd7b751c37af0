/** The log as its readers ask for it: a page of one log, single commits of one log, or a page of several side by side. */
import { Fault } from '../../base/errors.ts';
import type { LogId, Position } from '../../store/envelope.ts';
import type { Database } from './database.ts';
import type { EncodedCommit } from './log.ts';
import { AppendRows, type Row } from './rows.ts';

/** Commits of the first page of a reading, and of those after it: many want but the next commit. */
export const PAGE_COMMITS_FIRST = 16;
export const PAGE_COMMITS_MAX = 256;
const PAGE_CHARACTERS_MAX = 4 * 1024 * 1024;

/** Of a page of several logs: about four thousand facts, so that who reads them can stop near where he wants to. */
const TOGETHER_CHARACTERS_MAX = 1024 * 1024;

/** A stored commit of any log, its events still encoded. */
export type EncodedAny = readonly [log: LogId, ...EncodedCommit];

/** `next`: the append to go on from; undefined where the page ends with the newest. */
export interface PageTogether {
  readonly commits: readonly EncodedAny[];
  readonly next: number | undefined;
}

export function logReads(database: Database, partitions: number) {
  const { connection } = database;
  const trimmed = connection.prepare('SELECT up_to FROM trims WHERE log = ?');
  const rows = new AppendRows(database, partitions);
  /** Where each log was read last: most reads go on from there. */
  const hints = new Map<LogId, number>();
  const trimmedTo = (log: LogId): Position => Number(trimmed.get(log)?.['up_to'] ?? 0);
  const mustReach = (log: LogId, after: Position): void => {
    const lost = trimmedTo(log);
    if (lost > after) throw historyLost(log, after, lost);
  };

  const commitAt = (log: LogId, position: Position, { seq, heads, token, logs, lines }: Row): EncodedCommit => {
    const line = lines[logs.indexOf(log)];
    if (heads[log] !== position || line === undefined) throw rows.damaged(seq, `has no commit ${position} of log ${log}`);
    return [position, token, line];
  };

  /** The commits at the first of some positions that ascend: as many as make a page. */
  const load = (log: LogId, positions: Iterable<Position>): EncodedCommit[] => {
    const newest = rows.newest();
    const page: EncodedCommit[] = [];
    let seq = hints.get(log) ?? newest.seq;
    let characters = 0;
    for (const position of positions) {
      if (position > (newest.heads[log] ?? 0) || characters >= PAGE_CHARACTERS_MAX) break;
      seq = rows.find(log, position, seq);
      const commit = commitAt(log, position, rows.load(seq));
      characters += commit[2].length;
      page.push(commit);
    }
    hints.set(log, seq);
    return page;
  };

  /** The first append with a commit that is wanted; undefined where there is none. */
  const begin = (wanted: ReadonlyMap<LogId, Position>): number | undefined => {
    const { seq: newest, heads } = rows.newest();
    let first: number | undefined;
    for (const [log, after] of wanted) {
      if ((heads[log] ?? 0) <= after) continue;
      const seq = rows.find(log, after + 1, hints.get(log) ?? newest);
      hints.set(log, seq);
      first = Math.min(first ?? seq, seq);
    }
    return first;
  };

  /** Adds the commits of a row that are wanted and moves what was reached. */
  const take = (row: Row, reached: Map<LogId, Position>, commits: EncodedAny[]): void => {
    for (const [index, log] of row.logs.entries()) {
      const before = reached.get(log);
      const position = row.heads[log] ?? 0;
      if (before === undefined || position <= before) continue;
      const line = row.lines[index];
      if (position !== before + 1 || line === undefined) throw rows.damaged(row.seq, `has commit ${position} of log ${log}, and ${before + 1} is the next`);
      reached.set(log, position);
      commits.push([log, position, row.token, line]);
    }
  };

  return {
    head: (log: LogId): Position => rows.newest().heads[log] ?? 0,
    heads: (): Position[] => [...rows.newest().heads],
    trimmedTo,
    readPage: (log: LogId, after: Position, most: number): EncodedCommit[] =>
      database.snapshot(() => {
        mustReach(log, after);
        return load(log, countingFrom(after + 1, most));
      }),
    readAt: (log: LogId, positions: readonly Position[]): EncodedCommit[] =>
      database.snapshot(() => {
        mustReach(log, (positions[0] ?? 1) - 1);
        return load(log, positions);
      }),
    /** `from`: where the page before said to go on, with `after` what was reached by then. */
    readTogether: (after: ReadonlyMap<LogId, Position>, from: number | undefined): PageTogether =>
      database.snapshot(() => {
        for (const [log, position] of after) mustReach(log, position);
        const commits: EncodedAny[] = [];
        const reached = new Map(after);
        const newest = rows.newest().seq;
        // Appends in which others had something may have gone meanwhile.
        let seq = Math.max(from ?? begin(after) ?? newest + 1, rows.first() ?? 1);
        for (let characters = 0; seq <= newest && characters < TOGETHER_CHARACTERS_MAX; seq++) {
          const row = rows.loadOnce(seq);
          characters += row.characters;
          take(row, reached, commits);
        }
        if (seq <= newest) return { commits, next: seq };
        for (const [log, position] of reached) if (position < (rows.newest().heads[log] ?? 0)) throw rows.damaged(newest, `has a head of log ${log} after ${position}, and no commit leads there`);
        return { commits, next: undefined };
      }),
  };
}

function* countingFrom(first: Position, most: number): Generator<Position> {
  for (let count = 0; count < most; count++) yield first + count;
}

function historyLost(log: LogId, after: Position, trimmedTo: Position): Fault {
  const message = `log ${log} was trimmed up to position ${trimmedTo}, so it cannot be read after ${after}; start from a snapshot or from the archive`;
  return new Fault('history-lost', message, { retry: 'never' });
}
