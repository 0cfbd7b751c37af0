import { assert } from '../../base/assert.ts';
import type { Distribution } from '../../base/distribution.ts';
import { conflict } from '../../base/errors.ts';
import { encodeEvents, type Append, type LogId, type LogStore, type Position } from '../../store/store.ts';
import type { Bell } from './bell.ts';
import type { Database, Parameter, Run } from './connect.ts';
import { headOf, logReads } from './log-reads.ts';

/** Rows deleted in one transaction: short enough not to hold up vacuum. */
const TRIM_COMMITS_MAX = 5_000;
/** How long a trim waits for appends under way, and new appends wait behind it, before it lets them pass. */
const TRIM_WAIT_MS = 500;

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
    ...logReads(db, known),
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
