import { basename } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { passing } from '../../base/crash-points.ts';

/** How long a connection waits for another one's write to end before it gives up with `unavailable`. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * How much WAL is copied into the database at a time, by the commit that finds so much. Measured with 500 commits/s of
 * 200 events: 1 MB p99 2.3 ms and 4 ms at most, 4 MB (SQLite's own choice) 5 and 15 ms, 32 MB 29 and 56 ms; copying on
 * another thread while the writer goes on gave 4 and 12 ms, because both wait for the same disk.
 */
const CHECKPOINT_PAGES = 256;

/**
 * Where a commit is not synced, nobody waits for the copying, and it is what syncs: 32 MB at a time copy a page once that
 * was written often. So large a cache keeps the pages of a thousand items at hand, whose rows lie far apart.
 */
const LAZY_CHECKPOINT_PAGES = 8_192;
const LAZY_CACHE_KIB = 65_536;

/** When to copy: at so many pages, or after so many commits where pages cannot be counted. */
const PROMPT = { pages: CHECKPOINT_PAGES, commits: 64 };
const LAZY = { pages: LAZY_CHECKPOINT_PAGES, commits: 512 };

/** A statement that is needed rarely is prepared anew once so many others were used since. */
const STATEMENTS_MAX = 256;

/** `full`: a commit is fsynced before it returns. `normal`: at checkpoints only. `off`: by whoever ends the work. `read`: writing is refused. */
export type Durability = 'full' | 'normal' | 'off' | 'read';

const SYNCHRONOUS = { full: 'FULL', normal: 'NORMAL', off: 'OFF', read: 'NORMAL' } as const satisfies Record<Durability, string>;

/** A cell as SQLite takes it. */
export type Bindable = string | number | null;

/** One connection with its transactions. */
export interface Database extends Disposable {
  readonly file: string;
  readonly connection: DatabaseSync;
  /** Milliseconds that the newest write took to commit: its fsync, where it has one. Undefined where it failed. */
  readonly commitMs: number | undefined;
  /** Runs the body holding the write lock and commits; whatever it throws undoes everything. */
  write<T>(body: () => T): T;
  /** Runs several reads on one instant of the database. */
  snapshot<T>(body: () => T): T;
  /** Copies the WAL into the database, now or where it has grown enough. Throws where that was not made durable. */
  checkpoint(when: 'now' | 'if large'): void;
}

export function openDatabase(file: string, durability: Durability): Database {
  const connection = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
  try {
    connection.exec('PRAGMA journal_mode = WAL');
    connection.exec(`PRAGMA synchronous = ${SYNCHRONOUS[durability]}`);
    if (durability === 'normal') connection.exec(`PRAGMA cache_size = -${LAZY_CACHE_KIB}`);
    // SQLite's own checkpoints keep a failed fsync to themselves, and the next one syncs again as if nothing had been.
    connection.exec('PRAGMA wal_autocheckpoint = 0');
    if (durability === 'read') connection.exec('PRAGMA query_only = ON');
    return withTransactions(connection, file, walMeasure(connection, durability === 'normal' || durability === 'off' ? LAZY : PROMPT));
  } catch (error) {
    connection.close();
    throw error;
  }
}

function withTransactions(connection: DatabaseSync, file: string, isLarge: () => boolean): Database {
  // IMMEDIATE, because checks must be made under the lock that the write is made under.
  const beginWrite = connection.prepare('BEGIN IMMEDIATE');
  const beginRead = connection.prepare('BEGIN');
  const commit = connection.prepare('COMMIT');
  let commitMs: number | undefined;
  const within = <T>(begin: { run(): unknown }, body: () => T): T => {
    commitMs = undefined;
    begin.run();
    try {
      const result = body();
      const began = performance.now();
      commit.run();
      commitMs = performance.now() - began;
      return result;
    } catch (error) {
      rollBack(connection);
      throw error;
    }
  };
  const copy = connection.prepare('PRAGMA wal_checkpoint(PASSIVE)');
  return {
    file,
    connection,
    checkpoint(when) {
      if (when === 'if large' && !isLarge()) return;
      passing(basename(file) === 'log.db' ? 'log.checkpoint' : 'views.checkpoint');
      copy.get();
    },
    get commitMs() {
      return commitMs;
    },
    write: (body) => within(beginWrite, body),
    snapshot: (body) => within(beginRead, body),
    [Symbol.dispose]: () => connection.close(),
  };
}

/** Says after each commit whether the WAL has grown enough. SQLite before 3.51 (Node.js 24) cannot count its pages, so there a number of commits stands for them. */
function walMeasure(connection: DatabaseSync, enough: typeof PROMPT): () => boolean {
  const [major = 0, minor = 0] = String(connection.prepare('SELECT sqlite_version() AS version').get()?.['version']).split('.').map(Number);
  if (major > 3 || minor >= 51) {
    const look = connection.prepare('PRAGMA wal_checkpoint(NOOP)');
    return () => Number(look.get()?.['log'] ?? 0) >= enough.pages;
  }
  let commits = 0;
  return () => ++commits % enough.commits === 0;
}

/** SQLite has rolled back by itself after some errors (a full disk is one), and then a ROLLBACK would fail. */
function rollBack(connection: DatabaseSync): void {
  if (connection.isTransaction) connection.exec('ROLLBACK');
}

/** Statements by their text, so that each is compiled once; the one that was used longest ago makes room. */
export function statementCache(connection: DatabaseSync): (sql: string) => ReturnType<DatabaseSync['prepare']> {
  const statements = new Map<string, ReturnType<DatabaseSync['prepare']>>();
  return (sql) => {
    const statement = statements.get(sql) ?? connection.prepare(sql);
    statements.delete(sql);
    statements.set(sql, statement);
    if (statements.size > STATEMENTS_MAX) {
      for (const oldest of statements.keys()) {
        statements.delete(oldest);
        break;
      }
    }
    return statement;
  };
}
