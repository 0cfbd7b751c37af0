import { assert } from '../../base/assert.ts';
import type { Distribution } from '../../base/distribution.ts';
import { conflict, Fault } from '../../base/errors.ts';
import { decodeEvents, encodeEvents, type Append, type Commit, type LogId, type LogStore, type Position } from '../../store/store.ts';
import { plainArray } from './arrays.ts';
import type { Bell } from './bell.ts';
import type { Database, Parameter, Run } from './connect.ts';

/** A page of commits holds about this much text, so that a reader's memory does not depend on the size of commits. */
const PAGE_BYTES = 4 * 1024 * 1024;
const PAGE_COMMITS_FIRST = 32;
const PAGE_COMMITS_MAX = 1024;
/** Rows deleted in one transaction: short enough not to hold up vacuum. */
const TRIM_COMMITS_MAX = 5_000;
/** How long a trim waits for appends under way, and new appends wait behind it, before it lets them pass. */
const TRIM_WAIT_MS = 500;

/**
 * The head of a log. A trim may leave no commit behind, but never moves the head; only then the second look is made.
 */
export const headOf = (log: string): string =>
  `coalesce((select c.position from commits c where c.log = ${log} order by c.position desc limit 1), (select l.trimmed_to from logs l where l.log = ${log}))`;

/**
 * One statement, hence one round trip and one fsync.
 * - The check: nothing is inserted unless every head seen is the one expected. Of writers that see the same head
 *   the primary key lets one pass, and the insertion order keeps those that span several logs from deadlock.
 * - No gap: a position is inserted only after its predecessor was seen committed.
 * - The gate: were commits trimmed between this statement's snapshot and its insert, the key of one of them would
 *   be free again. Deleting from an empty table takes a lock before the snapshot, and a trim waits for it. That costs
 *   a twentieth of the rate of small appends.
 */
function appendSql(logs: number): string {
  const rows = Array.from({ length: logs }, (_, i) => `($${i * 3 + 2}::int, $${i * 3 + 3}::bigint, $${i * 3 + 4}::text)`);
  return `
    with wanted (log, expected, body) as (values ${rows.join(', ')}), passed as (delete from gate)
    insert into commits (log, position, token, body)
    select log, expected + 1, $1, body from wanted
    where not exists (select from wanted w where w.expected is distinct from ${headOf('w.log')})
    order by log`;
}

const appendSqls: string[] = [];

export function logStore(db: Database, partitions: number, bell: Bell, appendBytes: Distribution): LogStore {
  const known = (log: LogId): void => assert(Number.isInteger(log) && log >= 0 && log < partitions, `there is no log ${log}: the store has ${partitions}`);

  async function append(commits: readonly Append[], token: string): Promise<void> {
    assert(commits.length > 0, 'an append names at least one log');
    assert(new Set(commits.map(({ log }) => log)).size === commits.length, 'an append names each log at most once');
    const parameters: Parameter[] = [token];
    let bytes = 0;
    for (const { log, expected, events, body = encodeEvents(events) } of commits) {
      known(log);
      assert(events.length > 0, `the commit for log ${log} holds at least one fact`);
      bytes += Buffer.byteLength(body);
      parameters.push(log, expected, body);
    }
    const what = `append to ${commits.map(({ log, expected }) => `log ${log} after position ${expected}`).join(', ')}`;
    const sql = (appendSqls[commits.length] ??= appendSql(commits.length));
    const { changed } = await db.run({ what, kind: 'write' }, sql, parameters);
    if (changed === 0) throw conflict(what);
    assert(changed === commits.length, `${changed} of ${commits.length} commits were stored`);
    appendBytes.observe(bytes);
    bell.ring();
  }

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

  async function head(log: LogId): Promise<Position> {
    known(log);
    const { rows } = await db.run<{ head: Position }>({ what: `the head of log ${log}`, kind: 'read' }, `select ${headOf('$1::int')} as head`, [log]);
    return rows[0]?.head ?? 0;
  }

  async function trimmedTo(log: LogId): Promise<Position> {
    known(log);
    const { rows } = await db.run<{ at: Position }>({ what: `how far log ${log} was trimmed`, kind: 'read' }, 'select trimmed_to as at from logs where log = $1', [log]);
    return rows[0]?.at ?? 0;
  }

  return {
    append,
    read,
    readAt,
    readTogether,
    head,
    heads: () => loadHeads(db),
    trimmedTo,
    trim: async (log, upTo) => {
      known(log);
      await trim(db, log, upTo);
    },
    watch: (onAdvance) => bell.watch(onAdvance),
  };
}

export async function loadHeads(db: Database): Promise<Position[]> {
  const sql = `select ${headOf('o.log')} as head from logs o order by o.log`;
  const { rows } = await db.run<{ head: Position }>({ what: 'the heads of all logs', kind: 'read' }, sql);
  return rows.map(({ head }) => head);
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

/**
 * First the mark, while no append is under way: whoever appends later takes its snapshot later and sees it. Then the
 * commits, which nobody may read any more, in small pieces. What a crash leaves of them goes with the next trim.
 */
async function trim(db: Database, log: LogId, upTo: Position): Promise<void> {
  const task = { what: `trimming log ${log} up to ${upTo}`, kind: 'write' } as const;
  const mark = async (run: Run): Promise<Position> => {
    const sql = `update logs set trimmed_to = greatest(trimmed_to, least($2::bigint, ${headOf('$1::int')})) where log = $1 returning trimmed_to as "trimmedTo"`;
    const { rows } = await run<{ trimmedTo: Position }>(sql, [log, upTo]);
    return rows[0]?.trimmedTo ?? 0;
  };
  const trimmedTo = await db.transaction(task, mark, `begin; set local lock_timeout = ${TRIM_WAIT_MS}; lock table gate in share mode`);
  const sql = `delete from commits where log = $1 and position <= least($2::bigint,
    (select position from commits where log = $1 order by position limit 1) + $3::bigint)`;
  while ((await db.run(task, sql, [log, trimmedTo, TRIM_COMMITS_MAX])).changed > 0);
}
