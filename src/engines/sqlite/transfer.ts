/** Messages as they are, from one database to another. */
import type { Json } from '../../base/json.ts';
import type { StoredMessage } from '../../store/store.ts';
import { checksum } from './checksums.ts';
import type { Bindable, Database } from './database.ts';
import { checksumOfPut, checksumOfStanding, STATUSES, verifyPut, verifyStanding, type MessageRow } from './message-rows.ts';
import { touchedLanes } from './queue.ts';

/** The cells of a message in the order of {@link COLUMNS}. */
export type EncodedStored = readonly Bindable[];

const COLUMNS = 'id, queue, lane, body, batch, line, status, attempts, from_ms, enqueued_ms, finished_ms, result, error';

export function transferWrites({ connection }: Database) {
  const insert = connection.prepare(`INSERT INTO messages (${COLUMNS}, crc, standing_crc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`);
  const nameQueue = connection.prepare('INSERT INTO queues VALUES (?, ?) ON CONFLICT DO NOTHING');
  const touched = touchedLanes(connection);
  return {
    addMessages(messages: readonly EncodedStored[]): void {
      const queues = new Set<string>();
      for (const cells of messages) {
        const [, queue, lane] = cells.map(String);
        if (insert.run(...cells, ...checksumsOf(cells)).changes === 0 || queue === undefined || lane === undefined) continue;
        queues.add(queue);
        touched.add(queue, lane);
      }
      touched.refresh();
      for (const queue of queues) nameQueue.run(queue, checksum('queue', queue));
    },
  };
}

function checksumsOf([id = null, queue = null, lane = null, body = null, batch = null, line = null, status = null, attempts = null, from = null, enqueued = null, finished = null, result = null, error = null]: EncodedStored): [number, number] {
  const put = checksumOfPut({ id, queue, lane, body, batch, line, enqueued_ms: enqueued });
  return [put, checksumOfStanding({ id, status, attempts, from_ms: from, finished_ms: finished, result, error })];
}

export function transferReads({ connection, file }: Database) {
  const page = connection.prepare(`SELECT seq, ${COLUMNS}, crc, standing_crc FROM messages WHERE seq > ? ORDER BY seq LIMIT ?`);
  return {
    storedMessages: (after: number, limit: number): EncodedStored[] =>
      page.all(after, limit).map((row) => {
        const whole = row as unknown as MessageRow; // the columns are those of the interface
        verifyPut(file, whole);
        verifyStanding(file, whole);
        const { crc: _, standing_crc: __, ...cells } = whole;
        return Object.values(cells);
      }),
  };
}

export function encodeStored(message: StoredMessage): EncodedStored {
  const { id, queue, lane, body, batch, line, status, attempts, fromMs, enqueuedMs, finishedMs, result, error } = message;
  return [id, queue, lane, JSON.stringify(body), batch ?? null, line ?? null, STATUSES.indexOf(status), attempts, fromMs, enqueuedMs, finishedMs, result === null ? null : JSON.stringify(result), error];
}

export function decodeStored([place, id, queue, lane, body, batch, line, status, attempts, fromMs, enqueuedMs, finishedMs, result, error]: EncodedStored): { place: number; message: StoredMessage } {
  const text = (cell: Bindable | undefined): string | null => (typeof cell === 'string' ? cell : null);
  const number = (cell: Bindable | undefined): number | null => (typeof cell === 'number' ? cell : null);
  const parsed = (cell: Bindable | undefined): Json | null => (typeof cell === 'string' ? (JSON.parse(cell) as Json) : null); // written as JSON
  return {
    place: Number(place),
    message: {
      id: String(id), queue: String(queue), lane: String(lane), body: parsed(body),
      ...(text(batch) === null ? {} : { batch: String(batch) }),
      ...(number(line) === null ? {} : { line: Number(line) }),
      status: STATUSES[Number(status)] ?? 'dead', attempts: Number(attempts), fromMs: Number(fromMs), enqueuedMs: Number(enqueuedMs),
      finishedMs: number(finishedMs), result: parsed(result), error: text(error),
    },
  };
}
