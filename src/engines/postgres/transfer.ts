import { canonicalJson, type Json } from '../../base/json.ts';
import { conflict } from '../../base/errors.ts';
import { encodeEvents, type MessageStatus, type StoredMessage, type Transfer } from '../../store/store.ts';
import { plainArray, textArray } from './arrays.ts';
import type { Database } from './connect.ts';
import { headOf } from './log-reads.ts';

/** Commits and messages as they are, from one database to another. */
export function transfer(db: Database): Transfer {
  return {
    async beginAfter(log, position) {
      const what = `beginning log ${log} after position ${position}`;
      const sql = `update logs set trimmed_to = $2::bigint where log = $1::int and ${headOf('$1::int')} in (0, $2::bigint)`;
      if ((await db.run({ what, kind: 'write' }, sql, [log, position])).changed === 0) throw conflict(what);
    },
    async addCommits(log, commits) {
      const [first] = commits;
      if (first === undefined) return;
      const what = `adding ${commits.length} commits to log ${log} after position ${first.position - 1}`;
      const sql = `
        with passed as (delete from gate)
        insert into commits (log, position, token, body)
        select $1::int, c.position, c.token, c.body from unnest($2::bigint[], $3::text[], $4::text[]) as c (position, token, body)
        where ${headOf('$1::int')} = $5::bigint order by c.position`;
      const parameters = [log, plainArray(commits.map(({ position }) => position)), textArray(commits.map(({ token }) => token)), textArray(commits.map(({ events }) => encodeEvents(events))), first.position - 1];
      if ((await db.run({ what, kind: 'write' }, sql, parameters)).changed !== commits.length) throw conflict(what);
    },
    async messages(after, limit) {
      const { rows } = await db.run<StoredRow>({ what: 'reading the messages of all queues', kind: 'read' },
        `select seq, ${COLUMNS} from messages where seq > $1 order by seq limit $2`, [after, limit]);
      return rows.map((row) => ({ place: row.seq, message: messageOf(row) }));
    },
    addMessages: (messages) => addMessages(db, messages),
  };
}

const COLUMNS = 'id, queue, lane, body, batch, line, status, attempts, from_ms, enqueued_ms, finished_ms, result, error';

interface StoredRow {
  readonly seq: number;
  readonly id: string;
  readonly queue: string;
  readonly lane: string;
  readonly body: string;
  readonly batch: string | null;
  readonly line: number | null;
  readonly status: MessageStatus;
  readonly attempts: number;
  readonly from_ms: number;
  readonly enqueued_ms: number;
  readonly finished_ms: number | null;
  readonly result: string | null;
  readonly error: string | null;
}

function messageOf(row: StoredRow): StoredMessage {
  const { id, queue, lane, status, attempts, error } = row;
  return {
    id, queue, lane, body: JSON.parse(row.body) as Json, // written as JSON
    ...(row.batch === null ? {} : { batch: row.batch }),
    ...(row.line === null ? {} : { line: row.line }),
    status, attempts, fromMs: row.from_ms, enqueuedMs: row.enqueued_ms, finishedMs: row.finished_ms,
    result: row.result === null ? null : (JSON.parse(row.result) as Json), error,
  };
}

/** Sorted by place before the identity is drawn, so that their order stays. */
const ADD = `
  with given as (
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::int[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::text[])
      with ordinality as m (${COLUMNS}, place)),
  stored as (
    insert into messages (${COLUMNS}, open, refused)
    select ${COLUMNS}, status in ('ready', 'claimed'), case when status = 'done' then coalesce(result::jsonb @> '{"ok": false}', false) end
    from given order by place on conflict (id) do nothing)
  insert into queues (name) select distinct queue from given order by 1 on conflict do nothing`;

async function addMessages(db: Database, messages: readonly StoredMessage[]): Promise<void> {
  if (messages.length === 0) return;
  const texts = (cell: (message: StoredMessage) => string | null): string => textArray(messages.map(cell));
  const numbers = (cell: (message: StoredMessage) => number | null | undefined): string => plainArray(messages.map(cell));
  await db.run({ what: `adding ${messages.length} messages`, kind: 'write' }, ADD, [
    texts(({ id }) => id), texts(({ queue }) => queue), texts(({ lane }) => lane), texts(({ body }) => canonicalJson(body)),
    texts(({ batch }) => batch ?? null), numbers(({ line }) => line), texts(({ status }) => status), numbers(({ attempts }) => attempts),
    numbers(({ fromMs }) => fromMs), numbers(({ enqueuedMs }) => enqueuedMs), numbers(({ finishedMs }) => finishedMs),
    texts(({ result }) => (result === null ? null : canonicalJson(result))), texts(({ error }) => error),
  ]);
}
