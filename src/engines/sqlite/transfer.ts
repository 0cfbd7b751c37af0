/** Messages as they are, from one database to another. */
import type { Json } from '../../base/json.ts';
import type { MessageStatus, StoredMessage } from '../../store/store.ts';
import { checksum, verify } from './checksums.ts';
import type { Bindable, Database } from './database.ts';
import { touchedLanes } from './queue.ts';

const STATUSES = ['ready', 'claimed', 'done', 'dead'] as const satisfies readonly MessageStatus[];

/** The cells of a message in the order of {@link COLUMNS}. */
export type EncodedStored = readonly Bindable[];

const COLUMNS = 'id, queue, lane, body, batch, line, status, attempts, from_ms, enqueued_ms, finished_ms, result, error';

export function transferWrites({ connection }: Database) {
  const insert = connection.prepare(`INSERT INTO messages (${COLUMNS}, crc, result_crc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`);
  const nameQueue = connection.prepare('INSERT INTO queues VALUES (?) ON CONFLICT DO NOTHING');
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
      for (const queue of queues) nameQueue.run(queue);
    },
  };
}

/** Of the message, and of its result where it has one. */
function checksumsOf([id = null, queue = null, lane = null, body = null, batch = null, line = null, , , , , , result = null]: EncodedStored): [number, number | null] {
  return [checksum(id, queue, lane, body, batch, line), result === null ? null : checksum(id, result)];
}

export function transferReads({ connection, file }: Database) {
  const page = connection.prepare(`SELECT seq, ${COLUMNS}, crc, result_crc FROM messages WHERE seq > ? ORDER BY seq LIMIT ?`);
  return {
    storedMessages: (after: number, limit: number): EncodedStored[] =>
      page.all(after, limit).map(({ crc, result_crc: resultCrc, ...row }) => {
        const [seq = null, ...cells] = Object.values(row) as Bindable[]; // text and small integers only
        const [id = null, queue = null, lane = null, body = null, batch = null, line = null, , , , , , result = null] = cells;
        verify(file, `the message ${id}`, crc, id, queue, lane, body, batch, line);
        if (result !== null) verify(file, `the result of ${id}`, resultCrc, id, result);
        return [seq, ...cells];
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
