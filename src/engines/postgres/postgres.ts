/**
 * The PostgreSQL engine: many nodes on one server, version 14 or later. Everything is in one schema; several stores
 * may live in one database.
 *
 * - log.ts appends a commit to each log in one statement that checks their heads: the primary key picks the winner.
 * - bell.ts tells other processes of new commits, after the fact and many at a time.
 * - projections.ts, views.ts and questions.ts keep states, checkpoints and the consumers' tables.
 * - queue.ts, leases.ts and settings.ts are one table each.
 * - connect.ts owns the connections and errors.ts turns what breaks into faults.
 *
 * Connections are prepared for our session (durability, prepared statements, LISTEN): a pooler between us and the
 * server must give each of them a server connection of its own.
 */
import { randomUUID } from 'node:crypto';
import { BYTES_OF_APPENDS, Distribution } from '../../base/distribution.ts';
import { Fault } from '../../base/errors.ts';
import { PARTITIONS_MAX } from '../../base/ids.ts';
import type { Store } from '../../store/store.ts';
import { besidePostgres } from './beside.ts';
import { openBell } from './bell.ts';
import { connect, type Database } from './connect.ts';
import { leases } from './leases.ts';
import { loadHeads, logStore } from './log.ts';
import { projections } from './projections.ts';
import { queue } from './queue.ts';
import { install } from './schema.ts';
import { settings } from './settings.ts';
import { transfer } from './transfer.ts';

export { inspectPostgres } from './inspect.ts';

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`, with whatever the driver understands after `?`. */
  readonly url: string;
  /** Lower-case letters, digits and underscores, at most 40. */
  readonly schema?: string;
  /** 16 for a new store; an existing one has what it was made with, and rejects anything else. */
  readonly partitions?: number;
  /** Connections for the store's own work; questions to the views get half as many more, and listening one. */
  readonly poolMax?: number;
  /** Accepts a server that does not wait for its disk: for throw-away stores only. */
  readonly allowUnsafe?: boolean;
}

const POOL_MAX_DEFAULT = 10;

/** Opens the store, making it where it does not exist. Rejects with the fault that says why it cannot. */
export async function openPostgres(options: PostgresOptions): Promise<Store> {
  const { url, schema = 'holdfast', partitions, poolMax = POOL_MAX_DEFAULT } = options;
  checkOptions(schema, partitions, poolMax);
  const db = connect({ url, schema, poolMax });
  try {
    const durability = await checkServer(db, options.allowUnsafe === true ? 'unsafe' : 'safe');
    return assemble(db, await install(db, partitions), { durability });
  } catch (error) {
    await db.close();
    throw error;
  }
}

function checkOptions(schema: string, partitions: number | undefined, poolMax: number): void {
  if (!/^[a-z_][a-z0-9_]{0,39}$/.test(schema)) {
    throw new RangeError(`the schema's name "${schema}" must be of a-z, 0-9 and _, begin with a letter and have at most 40 characters`);
  }
  if (partitions !== undefined && !(Number.isInteger(partitions) && partitions >= 1 && partitions <= PARTITIONS_MAX)) {
    throw new RangeError(`a store has 1 to ${PARTITIONS_MAX} partitions, not ${partitions}`);
  }
  if (!(Number.isInteger(poolMax) && poolMax >= 2)) throw new RangeError(`a store needs 2 connections or more, not ${poolMax}`);
}

/** Gives what the server does before it says that a write is done, in words. */
async function checkServer(db: Database, wanted: 'safe' | 'unsafe'): Promise<string> {
  const { rows } = await db.run<{ fsync: string; commit: string; standbys: string }>(
    { what: 'opening PostgreSQL', kind: 'read' },
    `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit, current_setting('synchronous_standby_names') as standbys`,
  );
  if (wanted === 'safe' && rows[0]?.fsync !== 'on') {
    throw new Fault('unavailable', 'opening PostgreSQL: the server runs with fsync = off and loses acknowledged writes when the power fails; set fsync = on in postgresql.conf and restart it', { retry: 'never' });
  }
  const { fsync = '?', commit = '?', standbys = '' } = rows[0] ?? {};
  return `${fsync === 'on' ? 'fsynced' : 'NOT fsynced'} before the answer (PostgreSQL, fsync = ${fsync}, synchronous_commit = ${commit}${standbys === '' ? '' : `, synchronous standbys ${standbys}`})`;
}

function assemble(db: Database, partitions: number, options: { durability: string }): Store {
  const bell = openBell({
    channel: `${db.schema}_commits`,
    self: randomUUID(),
    dedicated: db.dedicated,
    loadMark: async () => (await loadHeads(db)).join(),
  });
  const appendBytes = new Distribution(BYTES_OF_APPENDS);
  return {
    engine: 'postgres',
    durability: options.durability,
    partitions,
    log: logStore(db, partitions, bell, appendBytes),
    projections: projections(db, partitions, () => besidePostgres(db, partitions)),
    queue: queue(db),
    leases: leases(db),
    settings: settings(db),
    transfer: transfer(db),
    writes: { appendBytes },
    ping: () => ping(db),
    async [Symbol.asyncDispose]() {
      await bell.close();
      await db.close();
    },
  };
}

/** Puts an empty record into the write-ahead log and waits for the disk: a write like any other that leaves nothing behind. */
async function ping(db: Database): Promise<void> {
  const task = { what: 'checking PostgreSQL', kind: 'write' } as const;
  const { rows } = await db.run<{ readOnly: boolean }>(task, `select current_setting('transaction_read_only')::boolean as "readOnly"`);
  if (rows[0]?.readOnly === true) {
    throw new Fault('unavailable', `${task.what}: the server takes no writes, it is a standby or set to read only; try again when its successor is up`, { retry: 'later' });
  }
  await db.run(task, `select pg_logical_emit_message(true, 'holdfast', '')`);
}
