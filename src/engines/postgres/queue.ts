import { isFault } from '../../base/errors.ts';
import { canonicalJson, type Json } from '../../base/json.ts';
import type { Claimed, Message, MessageReport, MessageStatus, Queue } from '../../store/store.ts';
import { plainArray, textArray } from './arrays.ts';
import type { Database } from './connect.ts';
import { LOCK_CLASS } from './schema.ts';

const REPORT = `id, queue, status, attempts, batch, line, result, error, enqueued_ms as "enqueuedMs"`;

/** How often a put that met another in a deadlock is made again: each time one of the two gets through. */
const PUT_TRIES = 5;

/**
 * The queue is one table. A message is open (ready or claimed) until it is done or dead; `from_ms` is the instant
 * from which it may be handed out: not before its retry, and not before its claim runs out. `open` says the same as
 * the status, in a column of its own so that the planner, which counts an ever-changing table's rows late, uses the
 * indexes on open messages only where a statement asks for them by that name.
 *
 *     put → ready ⇄ claimed → done → purged
 *             ↑         ↓
 *             └─ revive dead
 */
export function queue(db: Database): Queue {
  return {
    // Claims take turns, and who puts does not wait for one: what is put is handed out by `claim`.
    put: (messages, nowMs) => put(db, messages, nowMs).then(() => []),
    claim: (name, options) => claim(db, name, options),
    finish: (results, nowMs) => finish(db, results, nowMs),
    retry: (id, attempt, notBeforeMs, error) => retry(db, { id, attempt, notBeforeMs, error }),
    async bury(id, attempt, error) {
      const sql = `update messages set status = 'dead', open = false, error = $3 where id = $1 and attempts = $2 and status = 'claimed'`;
      await db.run({ what: `setting message ${id} aside`, kind: 'write' }, sql, [id, attempt, error]);
    },
    async revive(id, nowMs) {
      const sql = `update messages set status = 'ready', open = true, attempts = 0, from_ms = $2 where id = $1 and status = 'dead'`;
      return (await db.run({ what: `reviving message ${id}`, kind: 'write' }, sql, [id, nowMs])).changed === 1;
    },
    async find(id) {
      const { rows } = await db.run<StoredReport>({ what: `looking up message ${id}`, kind: 'read' }, `select ${REPORT} from messages where id = $1`, [id]);
      return rows[0] && report(rows[0]);
    },
    async deadLetters(name, after, limit) {
      const { rows } = await db.run<StoredReport>(
        { what: `listing the dead letters of queue ${name}`, kind: 'read' },
        `select ${REPORT} from messages where queue = $1 and status = 'dead' and id > $2 order by id limit $3`,
        [name, after, limit],
      );
      return rows.map(report);
    },
    batch: (batch, limit) => loadBatch(db, batch, limit),
    depth: (name, nowMs) => loadDepth(db, name, nowMs),
    async queues() {
      const { rows } = await db.run<{ name: string }>({ what: 'listing the queues', kind: 'read' }, 'select name from queues order by name');
      return rows.map(({ name }) => name);
    },
    async purge(beforeMs, limit) {
      const sql = `delete from messages where id in (
        select id from messages where status = 'done' and finished_ms < $1 order by finished_ms limit $2 for update skip locked)`;
      return (await db.run({ what: 'forgetting messages that are done', kind: 'write' }, sql, [beforeMs, limit])).changed;
    },
  };
}

/**
 * In the order given: an identity is drawn for each row after the sort. A new message may be handed out from any
 * instant on, also by a node whose clock is behind that of the one that put it.
 */
const PUT = `
  with given as (
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
      with ordinality as m (id, queue, lane, body, batch, line, place)),
  stored as (
    insert into messages (id, queue, lane, body, batch, line, status, open, attempts, from_ms, enqueued_ms)
    select id, queue, lane, body, batch, line, 'ready', true, 0, 0, $7 from given order by place
    on conflict (id) do nothing returning queue)
  insert into queues (name)
  select distinct queue from stored s where not exists (select from queues q where q.name = s.queue)
  order by 1 on conflict do nothing`;

async function put(db: Database, messages: readonly Message[], nowMs: number): Promise<void> {
  if (messages.length === 0) return;
  const parameters = [
    textArray(messages.map(({ id }) => id)),
    textArray(messages.map((message) => message.queue)),
    textArray(messages.map(({ lane }) => lane)),
    textArray(messages.map(({ body }) => canonicalJson(body))),
    textArray(messages.map(({ batch }) => batch ?? null)),
    plainArray(messages.map(({ line }) => line)),
    nowMs,
  ];
  for (let tries = 1; ; tries++) {
    try {
      await db.run({ what: `queueing ${messages.length} messages`, kind: 'write' }, PUT, parameters);
      return;
    } catch (error) {
      // Two that put the same ids in different orders wait for each other; the server lets one go with nothing stored.
      if (!isFault(error, 'conflict') || tries === PUT_TRIES) throw error;
    }
  }
}

/**
 * Claims of one queue take turns, and so does a retry. Left to skip what another claim has locked, a claim would go
 * past a lane's first message to its second. One claim takes some milliseconds for hundreds of messages.
 */
const TAKE_TURN = `select pg_advisory_xact_lock(${LOCK_CLASS}, hashtext(current_schema() || '/' || $1))`;
const TAKE_TURN_OF_MESSAGE = `select pg_advisory_xact_lock(${LOCK_CLASS}, hashtext(current_schema() || '/' || queue)) from messages where id = $1`;

/**
 * Rows are locked in the order of their places, as `FINISH` does, so that the two never deadlock.
 *
 * What waits is in flight or scheduled, little beside what may be ready: it has an index of its own and becomes one
 * value that is looked into by lane. A join with it would lose the order of the other index, in which the messages
 * are read up to the limit; to read all that are ready and sort them costs more with every message of a backlog, so
 * the planner is led away from that.
 */
const BEGIN_CLAIM = 'begin; set local enable_sort = off';
const CLAIM = `
  with waiting as materialized (
    select jsonb_object_agg(lane, seq) as first from (
      select lane, min(seq) as seq from messages where queue = $1 and open and from_ms > $2 group by lane) lanes),
  due as (
    select m.id from messages m
    where m.queue = $1 and m.open and m.from_ms + 0 <= $2
      and coalesce(((select first from waiting) -> m.lane)::bigint, m.seq) >= m.seq
    order by m.seq limit $4 for update of m),
  taken as (
    update messages m set status = 'claimed', attempts = m.attempts + 1, from_ms = $3
    where m.id = any (array (select id from due))
    returning m.seq, m.id, m.queue, m.lane, m.body, m.batch, m.line, m.attempts)
  select id, queue, lane, body, batch, line, attempts from taken order by seq`;

interface StoredClaim {
  readonly id: string;
  readonly queue: string;
  readonly lane: string;
  readonly body: string;
  readonly batch: string | null;
  readonly line: number | null;
  readonly attempts: number;
}

async function claim(db: Database, name: string, { limit, leaseMs, nowMs }: { limit: number; leaseMs: number; nowMs: number }): Promise<Claimed[]> {
  const statements = [{ sql: TAKE_TURN, parameters: [name] }, { sql: CLAIM, parameters: [name, nowMs, nowMs + leaseMs, limit] }];
  const [, rows = []] = await db.together<StoredClaim>({ what: `claiming messages of queue ${name}`, kind: 'write' }, statements, BEGIN_CLAIM);
  return rows.map(({ id, queue: of, lane, body, batch, line, attempts }) => ({
    id, queue: of, lane, body: decode(body), attempt: attempts,
    ...(batch === null ? {} : { batch }), ...(line === null ? {} : { line }),
  }));
}

const FINISH = `
  with locked as (
    select m.id, r.attempt, r.result, r.refused
    from unnest($1::text[], $2::int[], $3::text[], $4::boolean[]) as r (id, attempt, result, refused)
    join messages m on m.id = r.id and m.attempts = r.attempt
    where m.status = 'claimed' order by m.seq for update of m)
  update messages m set status = 'done', open = false, result = l.result, refused = l.refused, finished_ms = $5
  from locked l where m.id = l.id and m.status = 'claimed' and m.attempts = l.attempt
  returning m.id`;

async function finish(db: Database, results: readonly { id: string; attempt: number; result: Json }[], nowMs: number): Promise<string[]> {
  if (results.length === 0) return [];
  const { rows } = await db.run<{ id: string }>({ what: `recording ${results.length} results`, kind: 'write' }, FINISH, [
    textArray(results.map(({ id }) => id)),
    plainArray(results.map(({ attempt }) => attempt)),
    textArray(results.map(({ result }) => canonicalJson(result))),
    plainArray(results.map(({ result }) => isRefusal(result))),
    nowMs,
  ]);
  const recorded = new Set(rows.map(({ id }) => id));
  // In the order given, each id once.
  return results.flatMap(({ id }) => (recorded.delete(id) ? [id] : []));
}

function isRefusal(result: Json): boolean {
  return typeof result === 'object' && result !== null && 'ok' in result && result.ok === false;
}

/** Takes its turn with the claims: one that saw the claim run out must not go past this message to the next of its lane. */
async function retry(db: Database, { id, attempt, notBeforeMs, error }: { id: string; attempt: number; notBeforeMs: number; error: string }): Promise<void> {
  await db.together({ what: `giving message ${id} back`, kind: 'write' }, [
    { sql: TAKE_TURN_OF_MESSAGE, parameters: [id] },
    {
      sql: `update messages set status = 'ready', from_ms = $3, error = $4 where id = $1 and attempts = $2 and status = 'claimed'`,
      parameters: [id, attempt, notBeforeMs, error],
    },
  ]);
}

async function loadBatch(db: Database, batch: string, limit: number): ReturnType<Queue['batch']> {
  const task = { what: `looking up batch ${batch}`, kind: 'read' } as const;
  const { rows } = await db.run<{ done: number; refused: number; pending: number; dead: number }>(
    task,
    `select count(*) filter (where status = 'done') as done, count(*) filter (where status = 'done' and refused) as refused,
       count(*) filter (where open) as pending, count(*) filter (where status = 'dead') as dead
     from messages where batch = $1`,
    [batch],
  );
  const counts = rows[0] ?? { done: 0, refused: 0, pending: 0, dead: 0 };
  if (counts.refused === 0) return { ...counts, refusals: [] };
  const refusals = await db.run<StoredReport>(
    task,
    `select ${REPORT} from messages where batch = $1 and status = 'done' and refused order by line nulls first, seq limit $2`,
    [batch, limit],
  );
  return { ...counts, refusals: refusals.rows.map(report) };
}

async function loadDepth(db: Database, name: string, nowMs: number): ReturnType<Queue['depth']> {
  const { rows } = await db.run<{ ready: number; scheduled: number; inFlight: number; oldestMs: number | null; deadLettered: number }>(
    { what: `measuring queue ${name}`, kind: 'read' },
    `select count(*) filter (where from_ms <= $2) as ready,
       count(*) filter (where from_ms > $2 and status = 'ready') as scheduled,
       count(*) filter (where from_ms > $2 and status = 'claimed') as "inFlight",
       min(enqueued_ms) as "oldestMs",
       (select count(*) from messages where queue = $1 and status = 'dead') as "deadLettered"
     from messages where queue = $1 and open`,
    [name, nowMs],
  );
  return rows[0] ?? { ready: 0, scheduled: 0, inFlight: 0, deadLettered: 0, oldestMs: null };
}

interface StoredReport {
  readonly id: string;
  readonly queue: string;
  readonly status: MessageStatus;
  readonly attempts: number;
  readonly batch: string | null;
  readonly line: number | null;
  readonly result: string | null;
  readonly error: string | null;
  readonly enqueuedMs: number;
}

function report(stored: StoredReport): MessageReport {
  return { ...stored, result: stored.result === null ? null : decode(stored.result) };
}

function decode(text: string): Json {
  return JSON.parse(text) as Json; // the text was made by canonicalJson
}
