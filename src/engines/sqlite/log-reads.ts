/** The log as its readers ask for it: a page of one log, single commits of one log, or a page of several side by side. */
import { Fault } from '../../base/errors.ts';
import type { LogId, Position } from '../../store/envelope.ts';
import type { Database } from './database.ts';
import { trimReads, type EncodedCommit } from './log.ts';
import { AppendRows, type Row } from './rows.ts';

/** Commits of the first page of a reading, and of those after it: many want but the next commit. */
export const PAGE_COMMITS_FIRST = 16;
export const PAGE_COMMITS_MAX = 256;
const PAGE_CHARACTERS_MAX = 4 * 1024 * 1024;

/** Of a page of several logs: about four thousand facts, so that who reads them can stop near where he wants to. */
const TOGETHER_CHARACTERS_MAX = 1024 * 1024;

/** What it costs to go past a row that has nothing of what is asked for. */
const SKIPPED_CHARACTERS = 256;

/** A stored commit of any log, its events still encoded. */
export type EncodedAny = readonly [log: LogId, ...EncodedCommit];

/** `next`: the append to go on from; undefined where the page ends with the newest. */
export interface PageTogether {
  readonly commits: readonly EncodedAny[];
  readonly next: number | undefined;
}

export function logReads(database: Database, partitions: number) {
  const log = new LogReader(database, partitions);
  return {
    head: (id: LogId): Position => log.heads[id] ?? 0,
    heads: (): Position[] => [...log.heads],
    trimmedTo: (id: LogId): Position => log.trimmedTo(id),
    readPage: (id: LogId, after: Position, most: number): EncodedCommit[] => database.snapshot(() => log.load(id, countingFrom(after + 1, most))),
    readAt: (id: LogId, positions: readonly Position[]): EncodedCommit[] => database.snapshot(() => log.load(id, positions)),
    /** `from`: where the page before said to go on, with `after` what was reached by then. */
    readTogether: (after: ReadonlyMap<LogId, Position>, from: number | undefined): PageTogether => database.snapshot(() => log.loadTogether(after, from)),
  };
}

/** Each call is to be made within one instant of the database. */
class LogReader {
  readonly #rows: AppendRows;
  readonly #trims;
  /** Where each log was read last: most reads go on from there. */
  readonly #hints = new Map<LogId, number>();

  constructor(database: Database, partitions: number) {
    this.#rows = new AppendRows(database, partitions);
    this.#trims = trimReads(database);
  }

  get heads(): readonly Position[] {
    return this.#rows.newest().heads;
  }

  trimmedTo(log: LogId): Position {
    return this.#trims.trimmedTo(log);
  }

  /** The commits at the first of some positions that ascend: as many as make a page. */
  load(log: LogId, positions: Iterable<Position>): EncodedCommit[] {
    const newest = this.#rows.newest();
    const page: EncodedCommit[] = [];
    let seq = this.#hints.get(log) ?? newest.seq;
    let characters = 0;
    for (const position of positions) {
      if (page.length === 0) this.#mustReach(log, position - 1);
      if (position > (newest.heads[log] ?? 0) || characters >= PAGE_CHARACTERS_MAX) break;
      seq = this.#rows.find(log, position, seq);
      const commit = this.#commitAt(log, position, this.#rows.load(seq));
      characters += commit[2].length;
      page.push(commit);
    }
    this.#hints.set(log, seq);
    return page;
  }

  /** The commits of several logs after what was reached of each, row by row, as many as make a page. */
  loadTogether(after: ReadonlyMap<LogId, Position>, from: number | undefined): PageTogether {
    for (const [log, position] of after) this.#mustReach(log, position);
    const commits: EncodedAny[] = [];
    const reached = new Map(after);
    const newest = this.#rows.newest().seq;
    // Appends in which others had something may have gone meanwhile.
    let seq = Math.max(from ?? this.#begin(after) ?? newest + 1, this.#rows.first() ?? 1);
    for (let characters = 0; seq <= newest && characters < TOGETHER_CHARACTERS_MAX; seq++) {
      const row = this.#rows.loadOf(seq, reached);
      characters += row === undefined ? SKIPPED_CHARACTERS : row.characters;
      if (row !== undefined) this.#take(row, reached, commits);
    }
    if (seq > newest) this.#mustBeAtHeads(reached);
    return { commits, next: seq > newest ? undefined : seq };
  }

  /** The first append with a commit that is wanted; undefined where there is none. */
  #begin(wanted: ReadonlyMap<LogId, Position>): number | undefined {
    const { seq: newest, heads } = this.#rows.newest();
    let first: number | undefined;
    for (const [log, after] of wanted) {
      if ((heads[log] ?? 0) <= after) continue;
      const seq = this.#rows.find(log, after + 1, this.#hints.get(log) ?? newest);
      this.#hints.set(log, seq);
      first = Math.min(first ?? seq, seq);
    }
    return first;
  }

  /** Adds the commits of a row that are wanted and moves what was reached. */
  #take({ seq, token, heads, logs, lines }: Row, reached: Map<LogId, Position>, commits: EncodedAny[]): void {
    for (const [index, log] of logs.entries()) {
      const before = reached.get(log);
      const position = heads[log] ?? 0;
      if (before === undefined || position <= before) continue;
      const line = lines[index];
      if (position !== before + 1 || line === undefined) throw this.#rows.damaged(seq, `has commit ${position} of log ${log}, and ${before + 1} is the next`);
      reached.set(log, position);
      commits.push([log, position, token, line]);
    }
  }

  #commitAt(log: LogId, position: Position, { seq, heads, token, logs, lines }: Row): EncodedCommit {
    const line = lines[logs.indexOf(log)];
    if (heads[log] !== position || line === undefined) throw this.#rows.damaged(seq, `has no commit ${position} of log ${log}`);
    return [position, token, line];
  }

  #mustReach(log: LogId, after: Position): void {
    const lost = this.trimmedTo(log);
    if (lost > after) throw historyLost(log, after, lost);
  }

  #mustBeAtHeads(reached: ReadonlyMap<LogId, Position>): void {
    const { seq, heads } = this.#rows.newest();
    for (const [log, position] of reached) if (position < (heads[log] ?? 0)) throw this.#rows.damaged(seq, `has a head of log ${log} after ${position}, and no commit leads there`);
  }
}

function* countingFrom(first: Position, most: number): Generator<Position> {
  for (let count = 0; count < most; count++) yield first + count;
}

function historyLost(log: LogId, after: Position, trimmedTo: Position): Fault {
  const message = `log ${log} was trimmed up to position ${trimmedTo}, so it cannot be read after ${after}; start from a snapshot or from the archive`;
  return new Fault('history-lost', message, { retry: 'never' });
}
