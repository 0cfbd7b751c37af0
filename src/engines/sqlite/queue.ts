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
import type { Claimed, MessageReport, QueueDepth } from '../../store/store.ts';
import type { Json } from '../../base/json.ts';
import { passing } from '../../base/crash-points.ts';
import { checksum, verify } from './checksums.ts';
import type { Bindable, Database } from './database.ts';
import { oldestClaimable } from './lanes.ts';
import { checksumOfPut, checksumOfStanding, CLAIMED, DEAD, DONE, MESSAGE_COLUMNS, READY, STATUSES, verifyPut, verifyStanding, type MessageRow, type StandingCells } from './message-rows.ts';

/** A message on its way in, its body already text. */
export type EncodedMessage = readonly [id: string, queue: string, lane: string, body: string, batch: string | null, line: number | null];
/** A message on its way out. */
export type EncodedClaim = readonly [...EncodedMessage, attempt: number];

/** A report whose result is still text. */
export type EncodedReport = Omit<MessageReport, 'result'> & { readonly result: string | null };

/** What of a message its changes are made of. */
type Standing = Pick<MessageRow, 'queue' | 'lane' | 'standing_crc' | keyof StandingCells> & { readonly seq: number };

type Row = Readonly<Record<string, SQLOutputValue>>;

export function queueWrites({ connection, file }: Database) {
  const insert = connection.prepare(`
    INSERT INTO messages (id, queue, lane, body, batch, line, crc, standing_crc, status, attempts, from_ms, enqueued_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`);
  const openLane = connection.prepare('INSERT INTO lanes VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING');
  const findLane = connection.prepare('SELECT 1 FROM lanes WHERE queue = ? AND lane = ?');
  const anyAwake = connection.prepare('SELECT 1 FROM lanes WHERE queue = ? AND wake_ms <= ? LIMIT 1');
  const nameQueue = connection.prepare('INSERT INTO queues VALUES (?, ?) ON CONFLICT DO NOTHING');
  const wake = connection.prepare('UPDATE lanes SET wake_ms = 0 WHERE queue = ? AND wake_ms > 0 AND wake_ms <= ?');
  const find = connection.prepare('SELECT seq, id, queue, lane, status, attempts, from_ms, finished_ms, result, error, standing_crc FROM messages WHERE id = ?');
  const save = connection.prepare('UPDATE messages SET status = ?, attempts = ?, from_ms = ?, finished_ms = ?, result = ?, error = ?, standing_crc = ? WHERE seq = ?');
  const purge = connection.prepare(`
    DELETE FROM messages WHERE seq IN (SELECT seq FROM messages WHERE status = 2 AND finished_ms < ? ORDER BY finished_ms LIMIT ?)`);
  const claimable = oldestClaimable(connection);
  const touched = touchedLanes(connection);
  const change = (before: Standing, changes: Partial<StandingCells>): void => {
    verifyStanding(file, before);
    const after = { ...before, ...changes };
    save.run(after.status, after.attempts, after.from_ms, after.finished_ms, after.result, after.error, checksumOfStanding(after), before.seq);
    touched.add(before.queue, before.lane);
  };
  /** Changes the message where it stands as said; false where it does not. */
  const changeWhere = (id: string, stands: { status: number; attempts?: number }, changes: Partial<StandingCells>): boolean => {
    const found = find.get(id) as unknown as Standing | undefined; // the columns are those of the interface
    if (found === undefined || found.status !== stands.status || (stands.attempts ?? found.attempts) !== found.attempts) return false;
    change(found, changes);
    return true;
  };
  const settle = (id: string, attempts: number, changes: Partial<StandingCells>): boolean => changeWhere(id, { status: CLAIMED, attempts }, changes);
  return {
    /** Says by their places which of them are claimed: none where others are ready, which come first. */
    put(messages: readonly EncodedMessage[], nowMs: number, claim?: { queue: string; limit: number; leaseMs: number }): number[] {
      const names = new Set<string>();
      const claimed: number[] = [];
      const claimedLanes = new Set<string>();
      const claimMax = claim && !anyAwake.get(claim.queue, nowMs) ? claim.limit : 0;
      const untilMs = nowMs + (claim?.leaseMs ?? 0);
      const isFree = (queue: string, lane: string): boolean => claimedLanes.has(lane) || findLane.get(queue, lane) === undefined;
      for (const [place, [id, queue, lane, body, batch, line]] of messages.entries()) {
        const goes = claimed.length < claimMax && queue === claim?.queue && isFree(queue, lane);
        const [status, attempts, from] = goes ? [CLAIMED, 1, untilMs] as const : [READY, 0, 0] as const;
        const put = checksumOfPut({ id, queue, lane, body, batch, line, enqueued_ms: nowMs });
        const standing = checksumOfStanding({ id, status, attempts, from_ms: from, finished_ms: null, result: null, error: null });
        const { changes, lastInsertRowid } = insert.run(id, queue, lane, body, batch, line, put, standing, status, attempts, from, nowMs);
        if (changes === 0) continue;
        openLane.run(queue, lane, lastInsertRowid, from);
        names.add(queue);
        if (!goes) continue;
        claimed.push(place);
        claimedLanes.add(lane);
      }
      for (const name of names) nameQueue.run(name, checksum('queue', name));
      passing('queue.put');
      if (claimed.length > 0) passing('queue.claim');
      return claimed;
    },
    claim(queue: string, { limit, leaseMs, nowMs }: { limit: number; leaseMs: number; nowMs: number }): EncodedClaim[] {
      wake.run(queue, nowMs);
      const messages = claimable(queue, limit, nowMs);
      for (const message of messages) verifyPut(file, message);
      for (const message of messages) change(message, { status: CLAIMED, attempts: message.attempts + 1, from_ms: nowMs + leaseMs });
      touched.refresh();
      if (messages.length > 0) passing('queue.claim');
      return messages.map(({ id, lane, body, batch, line, attempts }) => [id, queue, lane, body, batch, line, attempts + 1]);
    },
    finish(results: readonly (readonly [id: string, attempt: number, result: string])[], nowMs: number): string[] {
      const recorded = results.filter(([id, attempt, result]) => settle(id, attempt, { status: DONE, finished_ms: nowMs, result }));
      touched.refresh();
      passing('queue.finish');
      return recorded.map(([id]) => id);
    },
    retry(id: string, attempt: number, notBeforeMs: number, error: string): void {
      settle(id, attempt, { status: READY, from_ms: notBeforeMs, error });
      touched.refresh();
    },
    bury(id: string, attempt: number, error: string): void {
      settle(id, attempt, { status: DEAD, error });
      touched.refresh();
    },
    revive(id: string, nowMs: number): boolean {
      const found = changeWhere(id, { status: DEAD }, { status: READY, attempts: 0, from_ms: nowMs });
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
    refresh(): void {
      // Emptied first: a call that fails halfway must not leave its lanes to the next one.
      const all = [...lanes];
      lanes.clear();
      for (const [queue, names] of all) for (const lane of names) refreshLane(queue, lane);
    },
  };
}

const REFUSED = `batch = ? AND status = 2 AND json_type(result, '$.ok') = 'false'`;

export function queueReads(database: Database) {
  const { connection, file } = database;
  const report = reportsOf(file);
  const find = connection.prepare(`SELECT ${MESSAGE_COLUMNS} FROM messages WHERE id = ?`);
  const dead = connection.prepare(`SELECT ${MESSAGE_COLUMNS} FROM messages WHERE queue = ? AND status = 3 AND id > ? ORDER BY id LIMIT ?`);
  const standing = connection.prepare('SELECT status, count(*) AS count FROM messages WHERE batch = ? GROUP BY status');
  const refused = connection.prepare(`SELECT count(*) AS count FROM messages WHERE ${REFUSED}`);
  const refusals = connection.prepare(`SELECT ${MESSAGE_COLUMNS} FROM messages WHERE ${REFUSED} ORDER BY line, seq LIMIT ?`);
  const names = connection.prepare('SELECT name, crc FROM queues ORDER BY name');
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
    queues: (): string[] => names.all().map((row) => {
      verify(file, `the queue ${String(row['name'])}`, row['crc'], 'queue', String(row['name']));
      return String(row['name']);
    }),
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

/** Reads reports, and finds out whether what they say is what was put and what became of it. */
function reportsOf(file: string): (row: Row) => EncodedReport {
  return (row) => {
    const message = row as unknown as MessageRow; // the columns are those of the interface
    verifyPut(file, message);
    verifyStanding(file, message);
    const { id, queue, status, attempts, batch, line, result, error, enqueued_ms: enqueuedMs } = message;
    return { id, queue, status: STATUSES[status] ?? 'dead', attempts, batch, line, result, error, enqueuedMs };
  };
}

export function decodeReport(row: EncodedReport): MessageReport {
  return { ...row, result: row.result === null ? null : (JSON.parse(row.result) as Json) }; // `finish` made the text
}

export function decodeClaim([id, queue, lane, body, batch, line, attempt]: EncodedClaim): Claimed {
  const message = { id, queue, lane, body: JSON.parse(body) as Json, attempt }; // `put` made the text
  return { ...message, ...(batch === null ? {} : { batch }), ...(line === null ? {} : { line }) };
}
