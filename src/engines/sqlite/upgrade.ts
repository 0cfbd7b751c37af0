/** Brings files of an older layout to the one of `schema.ts`: each in one transaction, so that it is of one or the other. */
import { checksum, verify } from './checksums.ts';
import type { Database } from './database.ts';
import { addRowChecksums } from './view-rows.ts';
import { checksumOfPut, checksumOfStanding, DONE, MESSAGE_COLUMNS, type MessageRow } from './message-rows.ts';

/** The oldest layout that can be brought up to date. */
export const UPGRADED_FROM = 3;

/** To 4: checksums of everything that was accepted, and of what becomes of it. */
export function upgradeLog({ connection, file }: Database, from: number): void {
  if (from >= 4) return;
  connection.exec(`
    ALTER TABLE messages RENAME COLUMN result_crc TO standing_crc;
    ALTER TABLE trims ADD COLUMN crc INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE queues ADD COLUMN crc INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE leases ADD COLUMN crc INTEGER NOT NULL DEFAULT 0;`);
  const saveMessage = connection.prepare('UPDATE messages SET crc = ?, standing_crc = ? WHERE seq = ?');
  for (const message of pagesOf(connection)) {
    const { seq, id, queue, lane, body, batch, line, result } = message;
    verify(file, `the message ${id}`, message.crc, id, queue, lane, body, batch, line);
    if (message.status === DONE) verify(file, `the result of ${id}`, message.standing_crc, id, result);
    saveMessage.run(checksumOfPut(message), checksumOfStanding(message), seq);
  }
  for (const { log, up_to: upTo } of connection.prepare('SELECT log, up_to FROM trims').all()) {
    connection.prepare('UPDATE trims SET crc = ? WHERE log = ?').run(checksum('trim', Number(log), Number(upTo)), Number(log));
  }
  for (const { name } of connection.prepare('SELECT name FROM queues').all()) {
    connection.prepare('UPDATE queues SET crc = ? WHERE name = ?').run(checksum('queue', String(name)), String(name));
  }
  // Whoever held one has ended.
  connection.exec('UPDATE leases SET holder = NULL, until_ms = 0');
  for (const { name, epoch } of connection.prepare('SELECT name, epoch FROM leases').all()) {
    connection.prepare('UPDATE leases SET crc = ? WHERE name = ?').run(checksum('lease', String(name), null, Number(epoch), 0), String(name));
  }
}

/** To 4: checksums of how far consumers have come. To 5: of rows of views. */
export function upgradeViews({ connection }: Database, from: number): void {
  addRowChecksums(connection);
  if (from >= 4) return;
  connection.exec('ALTER TABLE checkpoints ADD COLUMN crc INTEGER NOT NULL DEFAULT 0');
  const save = connection.prepare('UPDATE checkpoints SET crc = ? WHERE consumer = ? AND log = ?');
  for (const { consumer, log, position } of connection.prepare('SELECT consumer, log, position FROM checkpoints').all()) {
    save.run(checksum(String(consumer), Number(log), Number(position)), String(consumer), Number(log));
  }
}

/** Messages in pages: there may be millions, and their rows change while they are gone through. */
function* pagesOf(connection: Database['connection']): Generator<MessageRow & { readonly seq: number }> {
  const page = connection.prepare(`SELECT seq, ${MESSAGE_COLUMNS} FROM messages WHERE seq > ? ORDER BY seq LIMIT 1000`);
  for (let after = 0; ; ) {
    const rows = page.all(after) as unknown as (MessageRow & { readonly seq: number })[]; // the columns are those of the interface
    if (rows.length === 0) return;
    yield* rows;
    after = rows.at(-1)?.seq ?? after;
  }
}
