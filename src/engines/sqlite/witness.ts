/**
 * A note beside the database of what was committed last. SQLite takes a damaged end of its WAL for one that was never
 * written, and says nothing: opened against this note, what is missing is missed. The note is not synced. It outlives
 * the process, and after a power cut it may be behind the database, never ahead of it.
 */
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { Fault } from '../../base/errors.ts';
import type { Database } from './database.ts';

/** How far a database has come: the newest row of the log, and how often the queue or a setting was changed. */
interface Mark {
  readonly appends: number;
  readonly changes: number;
}

const NOTE = 'acknowledged';
/** One sector has it whole: it is never half of one note and half of another. */
const NOTE_BYTES = 128;

export class Witness implements Disposable {
  readonly #file: string;
  readonly #handle: number;
  readonly #mark;

  /** Throws where the database lacks what was noted before. */
  constructor(directory: string, { connection, file }: Database) {
    this.#file = join(directory, NOTE);
    this.#handle = openSync(this.#file, constants.O_RDWR | constants.O_CREAT, 0o644);
    this.#mark = connection.prepare(`SELECT (SELECT max(seq) FROM appends) AS appends, (SELECT value FROM meta WHERE name = 'changes') AS changes`);
    try {
      // The note first: the database may go on meanwhile, the other way round it would seem to be behind.
      const noted = this.#noted();
      const found = this.#found();
      if (found.appends < noted.appends || found.changes < noted.changes) throw this.#lacking(file, found, noted);
    } catch (error) {
      closeSync(this.#handle);
      throw error;
    }
  }

  /** Where the disk is full or fails, the note stays as it is: an older one is as true, and what it guards is durable already. */
  note(): void {
    try {
      const { appends, changes } = this.#found();
      const text = `appends ${appends} changes ${changes} `;
      writeSync(this.#handle, `${text}${crc32(text)}`.padEnd(NOTE_BYTES - 1) + '\n', 0);
    } catch {
      return;
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#handle);
  }

  #found(): Mark {
    const row = this.#mark.get();
    return { appends: Number(row?.['appends'] ?? 0), changes: Number(row?.['changes'] ?? 0) };
  }

  #noted(): Mark {
    const bytes = Buffer.alloc(NOTE_BYTES + 1);
    const length = readSync(this.#handle, bytes, 0, bytes.length, 0);
    if (length === 0) return { appends: 0, changes: 0 };
    const [, text = '', appends, changes, crc] = /^(appends (\d+) changes (\d+) )(\d+) *\n$/.exec(bytes.toString('latin1', 0, length)) ?? [];
    if (Number(crc) !== crc32(text)) throw new Fault('corrupt', `${this.#file} is damaged; delete it, and it is made again`, { retry: 'never' });
    return { appends: Number(appends), changes: Number(changes) };
  }

  #lacking(file: string, found: Mark, noted: Mark): Fault {
    const message =
      `${file} ends at row ${found.appends} of the log and change ${found.changes}, and row ${noted.appends} and change ${noted.changes} were acknowledged: ` +
      `it or its -wal is damaged, or an older copy. Restore a backup into an empty directory, or delete ${this.#file} to go on without what is missing`;
    return new Fault('corrupt', message, { retry: 'never' });
  }
}
