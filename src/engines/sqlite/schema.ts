/**
 * The two files of a store. `log.db` is the truth and is fsynced at every commit; `views.db` can be made again from
 * it, so it is synced lazily and its writers never hold up the log. While a store is open, nothing else in its process
 * may open and close these files, not even to read them: on POSIX that drops the locks that SQLite holds on them.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Fault } from '../../base/errors.ts';
import { PARTITIONS_MAX } from '../../base/ids.ts';
import { assert } from '../../base/assert.ts';
import { openDatabase, type Database } from './database.ts';
import { makeDirectory, syncNames } from './directory.ts';
import { faultOf } from './faults.ts';
import { UPGRADED_FROM, upgradeLog, upgradeViews } from './upgrade.ts';

export const logFile = (directory: string): string => join(directory, 'log.db');
/** Views that were made again have a file of their own: which one is live is said in log.db, so that switching is one write. */
export const viewsFile = (directory: string, generation: number): string => join(directory, generation === 0 ? 'views.db' : `views-${generation}.db`);

/** Lies in a directory while a backup is copied into it: what is there is not a store yet. */
export const RESTORING = 'restore-unfinished';

const PARTITIONS_DEFAULT = 16;

/** Raised whenever a layout changes; a file of another layout is refused, never guessed at. */
export const SCHEMA_VERSION = 5;

/**
 * appends: one row for what was made durable together, whichever logs it concerned, or some (see `log.ts`), so that
 * an append writes to one end of one table however many logs there are. `seq` has no gaps. The body comes last: what
 * stands before it is found without reading it.
 *
 * messages: `crc` is of what was put, `standing_crc` of what became of it.
 * messages.status: 0 ready (from `from_ms` on), 1 claimed (until `from_ms`), 2 done, 3 dead.
 * lanes: one row for every lane that has unfinished messages. `head` is the first of them, and `wake_ms` the instant
 * from which it may be handed out, 0 for at once: so claiming looks at nothing that has to wait.
 */
const LOG_SCHEMA = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE appends (
    seq INTEGER PRIMARY KEY, before INTEGER NOT NULL, crc INTEGER NOT NULL,
    token TEXT NOT NULL, logs TEXT NOT NULL, heads TEXT NOT NULL, body TEXT NOT NULL
  ) STRICT;
  CREATE TABLE trims (log INTEGER PRIMARY KEY, up_to INTEGER NOT NULL, crc INTEGER NOT NULL) STRICT;
  CREATE TABLE messages (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, queue TEXT NOT NULL, lane TEXT NOT NULL,
    status INTEGER NOT NULL, attempts INTEGER NOT NULL, from_ms INTEGER NOT NULL,
    enqueued_ms INTEGER NOT NULL, finished_ms INTEGER, batch TEXT, line INTEGER,
    body TEXT NOT NULL, crc INTEGER NOT NULL, result TEXT, standing_crc INTEGER, error TEXT
  ) STRICT;
  CREATE INDEX messages_unfinished ON messages (queue, lane, seq) WHERE status < 2;
  CREATE INDEX messages_standing ON messages (queue, status, from_ms) WHERE status < 2;
  CREATE INDEX messages_done ON messages (finished_ms) WHERE status = 2;
  CREATE INDEX messages_dead ON messages (queue, id) WHERE status = 3;
  CREATE INDEX messages_batch ON messages (batch, line) WHERE batch IS NOT NULL;
  CREATE TABLE lanes (
    queue TEXT NOT NULL, lane TEXT NOT NULL, head INTEGER NOT NULL, wake_ms INTEGER NOT NULL,
    PRIMARY KEY (queue, lane)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX lanes_awake ON lanes (queue, wake_ms, head);
  CREATE TABLE queues (name TEXT PRIMARY KEY, crc INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE leases (
    name TEXT PRIMARY KEY, holder TEXT, epoch INTEGER NOT NULL, until_ms INTEGER NOT NULL, crc INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL, crc INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;

const VIEWS_SCHEMA = `
  CREATE TABLE syncs (id INTEGER PRIMARY KEY, count INTEGER NOT NULL) STRICT;
  INSERT INTO syncs VALUES (1, 0);
  CREATE TABLE states (
    key TEXT PRIMARY KEY, log INTEGER NOT NULL, body TEXT NOT NULL, due_ms INTEGER, crc INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX states_due ON states (due_ms, key) WHERE due_ms IS NOT NULL;
  CREATE TABLE checkpoints (
    consumer TEXT NOT NULL, log INTEGER NOT NULL, position INTEGER NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY (consumer, log)
  ) STRICT, WITHOUT ROWID;
`;

/** Makes what is missing, checks what is there, and says how many logs the store has. */
export function establish(directory: string, partitions: number | undefined): number {
  const count = partitions ?? PARTITIONS_DEFAULT;
  assert(Number.isSafeInteger(count) && count >= 1 && count <= PARTITIONS_MAX, `a store has 1 to ${PARTITIONS_MAX} partitions, not ${count}`);
  makeDirectory(directory);
  if (existsSync(join(directory, RESTORING))) {
    throw new Fault('unavailable', `a restore into ${directory} was cut off: run it again, or empty the directory`, { retry: 'never' });
  }
  const { stored, live } = establishFile(logFile(directory), { schema: LOG_SCHEMA, upgrade: upgradeLog }, (log) => ({ stored: storedPartitions(log, count), live: liveViews(log) }));
  establishViews(directory, live);
  // SQLite syncs the directory for a journal that it makes, but not for the database itself.
  syncNames(directory);
  if (partitions === undefined || partitions === stored) return stored;
  throw new Fault(
    'unavailable',
    `the store in ${directory} was made with ${stored} partitions and cannot be opened with ${partitions}: ` +
      `set partitions to ${stored}, or make a new store in an empty directory`,
    { retry: 'never' },
  );
}

/** Makes the file of a generation of views where it is missing. */
export function establishViews(directory: string, generation: number): void {
  establishFile(viewsFile(directory, generation), { schema: VIEWS_SCHEMA, upgrade: upgradeViews }, () => undefined);
}

/** Which generation of views answers. */
export function liveViews(log: Database): number {
  return Number(log.connection.prepare(`SELECT value FROM meta WHERE name = 'views'`).get()?.['value'] ?? 0);
}

/** Removes the files of views of all generations but one: of the past, or never finished. */
export function dropOtherViews(directory: string, live: number): void {
  const kept = basename(viewsFile(directory, live));
  for (const name of readdirSync(directory)) {
    const file = /^(views(?:-\d+)?\.db)(?:-wal|-shm)?$/.exec(name)?.[1];
    if (file !== undefined && file !== kept) rmSync(join(directory, name), { force: true });
  }
}

function establishFile<T>(file: string, { schema, upgrade }: { schema: string; upgrade: (database: Database, from: number) => void }, inspect: (database: Database) => T): T {
  try {
    using database = openDatabase(file, 'full');
    const found = database.write(() => {
      const version = versionOf(database);
      if (version > SCHEMA_VERSION) throw newerSchema(file, version);
      if (version !== 0 && version < UPGRADED_FROM) throw olderSchema(file, version);
      if (version === 0) database.connection.exec(schema);
      else if (version < SCHEMA_VERSION) upgrade(database, version);
      if (version !== SCHEMA_VERSION) database.connection.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
      return inspect(database);
    });
    // Closing would do this as well, and say nothing where it fails.
    database.checkpoint('now');
    return found;
  } catch (error) {
    throw faultOf(error, file);
  }
}

function versionOf(database: Database): number {
  return Number(database.connection.prepare('PRAGMA user_version').get()?.['user_version']);
}

function newerSchema(file: string, version: number): Fault {
  const message = `${file} has schema ${version} and this Holdfast knows up to ${SCHEMA_VERSION}: run the newer Holdfast that wrote it, or restore a backup from before`;
  return new Fault('unavailable', message, { retry: 'never' });
}

function olderSchema(file: string, version: number): Fault {
  const message = `${file} has schema ${version}, from before the first release, and this Holdfast knows ${SCHEMA_VERSION}: move the directory away and start anew`;
  return new Fault('unavailable', message, { retry: 'never' });
}

/** How many logs the store of an established file has. */
export function partitionsOf({ connection }: Database): number {
  return Number(connection.prepare(`SELECT value FROM meta WHERE name = 'partitions'`).get()?.['value']);
}

function storedPartitions(log: Database, wanted: number): number {
  log.connection.prepare(`INSERT INTO meta VALUES ('partitions', ?), ('pings', 0), ('changes', 0) ON CONFLICT DO NOTHING`).run(wanted);
  return partitionsOf(log);
}
