/**
 * The queue as SQL.
 *
 *            put                claim              finish
 *   (nothing) ──► 0 ready ──────────────► 1 claimed ──────► 2 done ──► purged
 *                  ▲  ▲        retry        │   bury
 *                  │  └──────────────────── ┤ ────────────► 3 dead
 *                  └────────────────────────────── revive ────┘
 *
 * Every lane with unfinished messages has a row that says which of them is first and from when on it may be handed
 * out. Claiming walks the lanes that are awake, so its cost follows what it hands out: not what was done, nor what
 * waits behind a retry.
 */
import type { SQLOutputValue } from 'node:sqlite';
import type { Claimed, MessageReport, MessageStatus, QueueDepth } from '../../store/store.ts';
import type { Json } from '../../base/json.ts';
import { passing } from '../../base/crash-points.ts';
import { checksum, verify } from './checksums.ts';
import type { Bindable, Database } from './database.ts';
import { oldestClaimable } from './lanes.ts';

const STATUSES = ['ready', 'claimed', 'done', 'dead'] as const satisfies readonly MessageStatus[];

/** A message on its way in, its body already text. */
export type EncodedMessage = readonly [id: string, queue: string, lane: string, body: string, batch: string | null, line: number | null];
/** A message on its way out. */
export type EncodedClaim = readonly [...EncodedMessage, attempt: number];

/** A report whose result is still text. */
export type EncodedReport = Omit<MessageReport, 'result'> & { readonly result: string | null };

type Row = Readonly<Record<string, SQLOutputValue>>;

export function queueWrites({ connection, file }: Database) {
  const insert = connection.prepare(`
    INSERT INTO messages (id, queue, lane, body, batch, line, crc, status, attempts, from_ms, enqueued_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0, ?) ON CONFLICT (id) DO NOTHING`);
  const openLane = connection.prepare('INSERT INTO lanes VALUES (?, ?, ?, 0) ON CONFLICT DO NOTHING');
  const nameQueue = connection.prepare('INSERT INTO queues VALUES (?) ON CONFLICT DO NOTHING');
  const wake = connection.prepare('UPDATE lanes SET wake_ms = 0 WHERE queue = ? AND wake_ms > 0 AND wake_ms <= ?');
  const take = connection.prepare('UPDATE messages SET status = 1, attempts = attempts + 1, from_ms = ? WHERE seq = ?');
  const settle = (change: string) =>
    connection.prepare(`UPDATE messages SET ${change} WHERE id = ?1 AND attempts = ?2 AND status = 1 RETURNING queue, lane`);
  const finish = settle('status = 2, finished_ms = ?3, result = ?4, result_crc = ?5');
  const retry = settle('status = 0, from_ms = ?3, error = ?4');
  const bury = settle('status = 3, error = ?3');
  const revive = connection.prepare('UPDATE messages SET status = 0, attempts = 0, from_ms = ? WHERE id = ? AND status = 3 RETURNING queue, lane');
  const purge = connection.prepare(`
    DELETE FROM messages WHERE seq IN (SELECT seq FROM messages WHERE status = 2 AND finished_ms < ? ORDER BY finished_ms LIMIT ?)`);
  const claimable = oldestClaimable(connection);
  const touched = touchedLanes(connection);
  return {
    put(messages: readonly EncodedMessage[], nowMs: number): void {
      const names = new Set<string>();
      for (const [id, queue, lane, body, batch, line] of messages) {
        const { changes, lastInsertRowid } = insert.run(id, queue, lane, body, batch, line, checksum(id, queue, lane, body, batch, line), nowMs);
        if (changes === 0) continue;
        openLane.run(queue, lane, lastInsertRowid);
        names.add(queue);
      }
      for (const name of names) nameQueue.run(name);
      passing('queue.put');
    },
    claim(queue: string, { limit, leaseMs, nowMs }: { limit: number; leaseMs: number; nowMs: number }): EncodedClaim[] {
      wake.run(queue, nowMs);
      const messages = claimable(queue, limit, nowMs);
      for (const { id, lane, body, batch, line, crc } of messages) verify(file, `the message ${id}`, crc, id, queue, lane, body, batch, line);
      for (const { seq, lane } of messages) {
        take.run(nowMs + leaseMs, seq);
        touched.add(queue, lane);
      }
      touched.refresh();
      if (messages.length > 0) passing('queue.claim');
      return messages.map(({ id, lane, body, batch, line, attempts }) => [id, queue, lane, body, batch, line, attempts + 1]);
    },
    finish(results: readonly (readonly [id: string, attempt: number, result: string])[], nowMs: number): string[] {
      const recorded = results.filter(([id, attempt, result]) => touched.addRow(finish.get(id, attempt, nowMs, result, checksum(id, result))));
      touched.refresh();
      passing('queue.finish');
      return recorded.map(([id]) => id);
    },
    retry(id: string, attempt: number, notBeforeMs: number, error: string): void {
      touched.addRow(retry.get(id, attempt, notBeforeMs, error));
      touched.refresh();
    },
    bury(id: string, attempt: number, error: string): void {
      touched.addRow(bury.get(id, attempt, error));
      touched.refresh();
    },
    revive(id: string, nowMs: number): boolean {
      const found = touched.addRow(revive.get(nowMs, id));
      touched.refresh();
      return found;
    },
    purge: (beforeMs: number, limit: number): number => Number(purge.run(beforeMs, limit).changes),
  };
}

/** Collects the lanes that a call changed, and then brings the row of each up to date once. */
export function touchedLanes(connection: Database['connection']) {
  // The index is named because SQLite would take the one of the queue's standing, and read and sort all that waits.
  const first = connection.prepare('SELECT seq, from_ms FROM messages INDEXED BY messages_unfinished WHERE queue = ? AND lane = ? AND status < 2 ORDER BY seq LIMIT 1');
  const save = connection.prepare(`
    INSERT INTO lanes VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET head = excluded.head, wake_ms = excluded.wake_ms`);
  const close = connection.prepare('DELETE FROM lanes WHERE queue = ? AND lane = ?');
  const lanes = new Map<string, Set<string>>();
  const add = (queue: string, lane: string): void => {
    const known = lanes.get(queue);
    if (known) known.add(lane);
    else lanes.set(queue, new Set([lane]));
  };
  const refreshLane = (queue: string, lane: string): void => {
    const head = first.get(queue, lane);
    if (head === undefined) close.run(queue, lane);
    else save.run(queue, lane, Number(head['seq']), Number(head['from_ms']));
  };
  return {
    add,
    /** Takes the row that a settling statement returned; false where it found nothing to settle. */
    addRow(row: Row | undefined): boolean {
      if (row !== undefined) add(String(row['queue']), String(row['lane']));
      return row !== undefined;
    },
    refresh(): void {
      // Emptied first: a call that fails halfway must not leave its lanes to the next one.
      const all = [...lanes];
      lanes.clear();
      for (const [queue, names] of all) for (const lane of names) refreshLane(queue, lane);
    },
  };
}

const REPORT = 'id, queue, lane, body, crc, status, attempts, batch, line, result, result_crc, error, enqueued_ms';
const REFUSED = `batch = ? AND status = 2 AND json_type(result, '$.ok') = 'false'`;

export function queueReads(database: Database) {
  const { connection, file } = database;
  const report = reportsOf(file);
  const find = connection.prepare(`SELECT ${REPORT} FROM messages WHERE id = ?`);
  const dead = connection.prepare(`SELECT ${REPORT} FROM messages WHERE queue = ? AND status = 3 AND id > ? ORDER BY id LIMIT ?`);
  const standing = connection.prepare('SELECT status, count(*) AS count FROM messages WHERE batch = ? GROUP BY status');
  const refused = connection.prepare(`SELECT count(*) AS count FROM messages WHERE ${REFUSED}`);
  const refusals = connection.prepare(`SELECT ${REPORT} FROM messages WHERE ${REFUSED} ORDER BY line, seq LIMIT ?`);
  const names = connection.prepare('SELECT name FROM queues ORDER BY name');
  const depth = depthQuery(database);
  return {
    findMessage(id: string): EncodedReport | undefined {
      const row = find.get(id);
      return row && report(row);
    },
    deadLetters: (queue: string, after: string, limit: number): EncodedReport[] => dead.all(queue, after, limit).map(report),
    batch: (name: string, limit: number) =>
      database.snapshot(() => {
        const counts = [0, 0, 0, 0];
        for (const row of standing.all(name)) counts[Number(row['status'])] = Number(row['count']);
        const [ready = 0, claimed = 0, done = 0, deadCount = 0] = counts;
        const refusedCount = Number(refused.get(name)?.['count']);
        return { done, refused: refusedCount, pending: ready + claimed, dead: deadCount, refusals: refusals.all(name, limit).map(report) };
      }),
    depth,
    queues: (): string[] => names.all().map((row) => String(row['name'])),
  };
}

function depthQuery(database: Database) {
  const { connection } = database;
  const due = connection.prepare('SELECT count(*) AS count FROM messages WHERE queue = ? AND status = ? AND status < 2 AND from_ms <= ?');
  const later = connection.prepare('SELECT count(*) AS count FROM messages WHERE queue = ? AND status = ? AND status < 2 AND from_ms > ?');
  const dead = connection.prepare('SELECT count(*) AS count FROM messages WHERE queue = ? AND status = 3');
  const oldest = connection.prepare('SELECT enqueued_ms FROM messages WHERE seq = (SELECT min(head) FROM lanes WHERE queue = ?)');
  const count = (statement: typeof due, ...values: Bindable[]): number => Number(statement.get(...values)?.['count']);
  return (queue: string, nowMs: number): QueueDepth =>
    database.snapshot(() => ({
      ready: count(due, queue, 0, nowMs) + count(due, queue, 1, nowMs),
      scheduled: count(later, queue, 0, nowMs),
      inFlight: count(later, queue, 1, nowMs),
      deadLettered: count(dead, queue),
      oldestMs: (oldest.get(queue)?.['enqueued_ms'] ?? null) as number | null, // the column is an INTEGER that is never null
    }));
}

/** Reads reports, and finds out whether what they say is what was put and finished. */
function reportsOf(file: string): (row: Row) => EncodedReport {
  return (row) => {
    const text = (name: string): string | null => {
      const value = row[name];
      return typeof value === 'string' ? value : null;
    };
    const status = STATUSES[Number(row['status'])] ?? 'dead';
    const [id, queue, lane, batch, result] = [String(row['id']), String(row['queue']), String(row['lane']), text('batch'), text('result')];
    const line = row['line'] === null ? null : Number(row['line']);
    verify(file, `the message ${id}`, row['crc'], id, queue, lane, text('body'), batch, line);
    if (status === 'done') verify(file, `the result of ${id}`, row['result_crc'], id, result);
    return { id, queue, status, attempts: Number(row['attempts']), batch, line, result, error: text('error'), enqueuedMs: Number(row['enqueued_ms']) };
  };
}

export function decodeReport(row: EncodedReport): MessageReport {
  return { ...row, result: row.result === null ? null : (JSON.parse(row.result) as Json) }; // `finish` made the text
}

export function decodeClaim([id, queue, lane, body, batch, line, attempt]: EncodedClaim): Claimed {
  const message = { id, queue, lane, body: JSON.parse(body) as Json, attempt }; // `put` made the text
  return { ...message, ...(batch === null ? {} : { batch }), ...(line === null ? {} : { line }) };
}
