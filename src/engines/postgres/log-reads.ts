/** The log as its readers ask for it: one log page by page, single commits of one log, or several side by side. */
import { Fault } from '../../base/errors.ts';
import { decodeEvents, type Commit, type LogId, type LogStore, type Position } from '../../store/store.ts';
import { plainArray } from './arrays.ts';
import type { Database } from './connect.ts';

/** A page of commits holds about this much text, so that a reader's memory does not depend on the size of commits. */
const PAGE_BYTES = 4 * 1024 * 1024;
const PAGE_COMMITS_FIRST = 32;
const PAGE_COMMITS_MAX = 1024;
/**
 * The head of a log. A trim may leave no commit behind, but never moves the head; only then the second look is made.
 */
export const headOf = (log: string): string =>
  `coalesce((select c.position from commits c where c.log = ${log} order by c.position desc limit 1), (select l.trimmed_to from logs l where l.log = ${log}))`;

export function logReads(db: Database, known: (log: LogId) => void): Pick<LogStore, 'read' | 'readAt' | 'readTogether'> {
  async function* read(log: LogId, after: Position): AsyncGenerator<Commit> {
    known(log);
    let last = after;
    let limit = PAGE_COMMITS_FIRST;
    for (;;) {
      const rows = await readPage(db, log, last, limit);
      let bytes = 0;
      for (const { position, token, body } of rows) {
        if (position !== last + 1) throw gap(log, last);
        yield { log, position, token, events: decodeEvents(body, { log, position }) };
        last = position;
        bytes += body.length;
      }
      if (rows.length < limit) return;
      limit = Math.max(1, Math.min(PAGE_COMMITS_MAX, Math.floor((PAGE_BYTES * rows.length) / bytes)));
    }
  }

  async function* readAt(log: LogId, positions: readonly Position[]): AsyncGenerator<Commit> {
    known(log);
    for (let first = 0; first < positions.length; first += PAGE_COMMITS_FIRST) {
      const some = positions.slice(first, first + PAGE_COMMITS_FIRST);
      const found = await readSome(db, log, some);
      for (const [index, { position, token, body }] of found.entries()) {
        if (position !== some[index]) throw gap(log, (some[index] ?? 1) - 1);
        yield { log, position, token, events: decodeEvents(body, { log, position }) };
      }
      if (found.length < some.length) return;
    }
  }

  async function* readTogether(after: ReadonlyMap<LogId, Position>): AsyncGenerator<readonly Commit[]> {
    for (const log of after.keys()) known(log);
    const reached = new Map(after);
    let limit = PAGE_COMMITS_FIRST;
    while (reached.size > 0) {
      const rows = await readPages(db, reached, limit);
      const counts = new Map<LogId, number>();
      let bytes = 0;
      for (const { log, position, body } of rows) {
        if (position !== (reached.get(log) ?? 0) + 1) throw gap(log, reached.get(log) ?? 0);
        reached.set(log, position);
        counts.set(log, (counts.get(log) ?? 0) + 1);
        bytes += body.length;
      }
      if (rows.length > 0) yield rows.map(({ log, position, token, body }) => ({ log, position, token, events: decodeEvents(body, { log, position }) }));
      for (const log of [...reached.keys()]) if ((counts.get(log) ?? 0) < limit) reached.delete(log);
      limit = Math.max(1, Math.min(PAGE_COMMITS_MAX, Math.floor((PAGE_BYTES * rows.length) / Math.max(1, bytes * reached.size))));
    }
  }

  return { read, readAt, readTogether };
}

interface StoredCommit {
  readonly position: Position;
  readonly token: string;
  readonly body: string;
}

/** One page and the position trimmed to, as of one instant. */
async function readPage(db: Database, log: LogId, after: Position, limit: number): Promise<StoredCommit[]> {
  const { rows } = await db.run<{ trimmedTo: Position } & { [K in keyof StoredCommit]: StoredCommit[K] | null }>(
    { what: `reading log ${log} after position ${after}`, kind: 'read' },
    `select l.trimmed_to as "trimmedTo", c.position, c.token, c.body
     from logs l left join lateral (
       select position, token, body from commits where log = $1 and position > $2 order by position limit $3) c on true
     where l.log = $1 order by c.position`,
    [log, after, limit],
  );
  const trimmedTo = rows[0]?.trimmedTo ?? 0;
  if (after < trimmedTo) throw historyLost(log, after, trimmedTo);
  return rows.flatMap(({ position, token, body }) => (position === null || token === null || body === null ? [] : [{ position, token, body }]));
}

/** The commits at some positions up to the head, and the position trimmed to, as of one instant. Throws where one is missing that is not past the head. */
async function readSome(db: Database, log: LogId, positions: readonly Position[]): Promise<StoredCommit[]> {
  const { rows } = await db.run<{ trimmedTo: Position; head: Position } & { [K in keyof StoredCommit]: StoredCommit[K] | null }>(
    { what: `reading ${positions.length} commits of log ${log}`, kind: 'read' },
    `select o.trimmed_to as "trimmedTo", ${headOf('o.log')} as head, c.position, c.token, c.body
     from logs o left join commits c on c.log = o.log and c.position = any ($2::bigint[])
     where o.log = $1 order by c.position`,
    [log, plainArray(positions)],
  );
  const { trimmedTo = 0, head = 0 } = rows[0] ?? {};
  const [first] = positions;
  if (first !== undefined && first <= trimmedTo) throw historyLost(log, first - 1, trimmedTo);
  const found = rows.flatMap(({ position, token, body }) => (position === null || token === null || body === null ? [] : [{ position, token, body }]));
  const there = positions.filter((position) => position <= head);
  if (found.length < there.length) throw gap(log, (there.find((position, index) => found[index]?.position !== position) ?? 1) - 1);
  return found;
}

/** A page of each of several logs, as of one instant. */
async function readPages(db: Database, after: ReadonlyMap<LogId, Position>, limit: number): Promise<(StoredCommit & { readonly log: LogId })[]> {
  const { rows } = await db.run<{ log: LogId; trimmedTo: Position } & { [K in keyof StoredCommit]: StoredCommit[K] | null }>(
    { what: `reading ${after.size} logs side by side`, kind: 'read' },
    `select l.log, l.trimmed_to as "trimmedTo", c.position, c.token, c.body
     from unnest($1::bigint[], $2::bigint[]) as w (log, after) join logs l on l.log = w.log left join lateral (
       select position, token, body from commits where log = w.log and position > w.after order by position limit $3) c on true
     order by c.position, l.log`,
    [plainArray([...after.keys()]), plainArray([...after.values()]), limit],
  );
  for (const { log, trimmedTo } of rows) if ((after.get(log) ?? 0) < trimmedTo) throw historyLost(log, after.get(log) ?? 0, trimmedTo);
  return rows.flatMap(({ log, position, token, body }) => (position === null || token === null || body === null ? [] : [{ log, position, token, body }]));
}

function historyLost(log: LogId, after: Position, trimmedTo: Position): Fault {
  return new Fault('history-lost', `log ${log} was trimmed up to ${trimmedTo}, so it cannot be read after ${after}; start from a snapshot or from the archive`, { retry: 'never' });
}

function gap(log: LogId, position: Position): Fault {
  return new Fault('corrupt', `log ${log} lacks the commit after position ${position}; restore it from a backup`, { retry: 'never' });
}
