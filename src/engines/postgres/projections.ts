import { Kysely, PostgresDialect } from 'kysely';
import { conflict } from '../../base/errors.ts';
import type { LogId, Position, ProjectionStep, ProjectionStore, StateRow } from '../../store/store.ts';
import { plainArray, textArray } from './arrays.ts';
import type { Database, Run } from './connect.ts';
import { questionPool } from './questions.ts';
import { views, type Views } from './views.ts';

/** The consumer whose checkpoint says how far the states have come. */
const STATES_CONSUMER = 'states';

/**
 * A step may be lost in a crash of the server together with all that follow it, and is made again from the log: so
 * its commit does not wait for the disk. The write-ahead log keeps the order.
 */
const BEGIN_STEP = 'begin; set local synchronous_commit = off';

export function projections(db: Database, partitions: number, beside: ProjectionStore['beside']): ProjectionStore {
  const tables = views(db);
  return {
    prepare: (wanted, form) => tables.prepare(wanted, form),
    form: () => loadForm(db),
    beside,
    // A statement finds its tables by name, each time.
    reopen: async () => tables.forget(),
    apply: (step) => apply(db, tables, step),
    async checkpoints(consumer) {
      const { rows } = await db.run<{ log: LogId; position: Position }>(
        { what: `reading the checkpoints of ${consumer}`, kind: 'read' },
        'select log, position from checkpoints where consumer = $1',
        [consumer],
      );
      const positions = new Array<Position>(partitions).fill(0);
      for (const { log, position } of rows) positions[log] = position;
      return positions;
    },
    loadStates: (log, keys) => loadStates(db, log, keys),
    async dueStates(after, untilMs, limit) {
      const { rows } = await db.run<{ key: string; log: LogId; dueMs: number }>(
        { what: 'looking for states that are due', kind: 'read' },
        `select key, log, due_ms as "dueMs" from states
         where due_ms is not null and (due_ms, key) > ($1::bigint, $2::text) and due_ms <= $3 order by due_ms, key limit $4`,
        [whole(after.dueMs), after.key, whole(untilMs), whole(limit)],
      );
      return rows;
    },
    async dropDueStates(prefix, beforeMs, limit) {
      const { changed } = await db.run(
        { what: `dropping states ${prefix}*`, kind: 'write' },
        `delete from states where key in (
           select key from states where due_ms < $2 and starts_with(key, $1) order by due_ms, key limit $3)`,
        [prefix, whole(beforeMs), whole(limit)],
      );
      return changed;
    },
    sql: new Kysely({ dialect: new PostgresDialect({ pool: questionPool(db) }) }),
  };
}

/** The table is made with the first views: a store of an earlier release has none. */
async function loadForm(db: Database): Promise<string | undefined> {
  const task = { what: 'reading the form of the views', kind: 'read' } as const;
  const { rows } = await db.run<{ there: boolean }>(task, `select to_regclass('form') is not null as there`);
  if (rows[0]?.there !== true) return undefined;
  return (await db.run<{ name: string }>(task, 'select name from form')).rows[0]?.name;
}

/** An instant or a count as a bigint; "for ever" and "all" may come as infinities. */
function whole(value: number): number {
  return Math.trunc(Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value)));
}

async function apply(db: Database, tables: Views, step: ProjectionStep): Promise<void> {
  const writes = await tables.writes(step);
  const task = { what: `moving the checkpoints of ${step.consumer}`, kind: 'write' } as const;
  await db.transaction(
    task,
    async (run) => {
      // First, because it locks: the same consumer in another process waits here, and then finds that it was late.
      if (!(await moveCheckpoints(run, step))) throw conflict(task.what);
      for (const { sql, parameters } of writes) await run(sql, parameters);
      await saveStates(run, step.states);
    },
    BEGIN_STEP,
  );
}

async function moveCheckpoints(run: Run, { consumer, checkpoints }: ProjectionStep): Promise<boolean> {
  if (checkpoints.length === 0) return true;
  const fresh = checkpoints.filter(({ expected }) => expected === 0).map(({ log }) => log);
  if (fresh.length > 0) {
    await run(
      'insert into checkpoints (consumer, log, position) select $1, log, 0 from unnest($2::int[]) as log order by log on conflict do nothing',
      [consumer, plainArray(fresh)],
    );
  }
  const { changed } = await run(
    `update checkpoints c set position = m.up_to from unnest($2::int[], $3::bigint[], $4::bigint[]) as m (log, expected, up_to)
     where c.consumer = $1 and c.log = m.log and c.position = m.expected`,
    [consumer, plainArray(checkpoints.map(({ log }) => log)), plainArray(checkpoints.map(({ expected }) => expected)), plainArray(checkpoints.map(({ upTo }) => upTo))],
  );
  return changed === checkpoints.length;
}

async function saveStates(run: Run, states: readonly StateRow[]): Promise<void> {
  // The last word on a key counts: one statement may touch a row only once.
  const latest = [...new Map(states.map((state) => [state.key, state])).values()];
  const gone = latest.filter(({ body }) => body === null);
  const kept = latest.filter(({ body }) => body !== null);
  if (gone.length > 0) await run('delete from states where key = any ($1::text[])', [textArray(gone.map(({ key }) => key))]);
  if (kept.length === 0) return;
  await run(
    `insert into states (key, log, body, due_ms) select * from unnest($1::text[], $2::int[], $3::text[], $4::bigint[])
     on conflict (key) do update set log = excluded.log, body = excluded.body, due_ms = excluded.due_ms`,
    [textArray(kept.map(({ key }) => key)), plainArray(kept.map(({ log }) => log)), textArray(kept.map(({ body }) => body)), plainArray(kept.map(({ dueMs }) => dueMs))],
  );
}

/** One statement and so one snapshot. The checkpoint comes with every row, and with one of nulls where there is no state. */
async function loadStates(db: Database, log: LogId, keys: readonly string[]): Promise<{ upTo: Position; bodies: Map<string, string> }> {
  const { rows } = await db.run<{ upTo: Position; key: string | null; body: string | null }>(
    { what: `loading ${keys.length} states of log ${log}`, kind: 'read' },
    `select coalesce((select position from checkpoints where consumer = $1 and log = $2), 0) as "upTo", s.key, s.body
     from (select) as one left join states s on s.log = $2 and s.key = any ($3::text[])`,
    [STATES_CONSUMER, log, textArray(keys)],
  );
  const bodies = new Map<string, string>();
  for (const { key, body } of rows) if (key !== null && body !== null) bodies.set(key, body);
  return { upTo: rows[0]?.upTo ?? 0, bodies };
}
