import { Fault } from '../../base/errors.ts';
import { hash32 } from '../../base/hash.ts';
import type { Database, Run } from './connect.ts';

/** Raised with every change of the tables below, together with the statements that bring an older store here. */
const VERSION = 1;
const PARTITIONS_DEFAULT = 16;

/** First half of our advisory locks' keys: "HOLD". Whoever else uses such locks in this database is unlikely to meet it. */
export const LOCK_CLASS = 0x484f4c44;

/** Tables of the engine itself: a view cannot have one of these names. */
export const RESERVED_TABLES: ReadonlySet<string> = new Set([
  'store', 'logs', 'gate', 'commits', 'states', 'checkpoints', 'form', 'queues', 'messages', 'leases', 'settings',
]);

/** States and how far they have come; the views' own tables are made by whoever consumes. */
export const PROJECTION_TABLES = `
  create table states (key text collate "C" primary key, log int not null, body text collate "C" not null, due_ms bigint);
  create index states_due on states (due_ms, key) where due_ms is not null;
  create table checkpoints (consumer text collate "C", log int, position bigint not null, primary key (consumer, log))`;

/**
 * - `gate` stays empty. An append locks it lightly before it takes its snapshot, and a trim locks it against appends
 *   for an instant: see log.ts.
 * - Bodies of commits are compressed where the server can do so cheaply: see compress below.
 * - Text compares by code point ("C"), as in the other engines, whatever the database's language is.
 * - Finished messages are in none of the indexes that handing out work reads.
 */
const TABLES = `
  create table store (version int not null, partitions int not null);
  create table logs (log int primary key, trimmed_to bigint not null);
  create table gate (nothing int);
  create table commits (
    log int, position bigint, token text collate "C" not null, body text collate "C" not null,
    primary key (log, position));
  ${PROJECTION_TABLES};
  create table queues (name text collate "C" primary key);
  create table messages (
    id text collate "C" primary key, seq bigint generated always as identity,
    queue text collate "C" not null, lane text collate "C" not null, body text collate "C" not null,
    batch text collate "C", line bigint,
    status text collate "C" not null, open boolean not null, attempts int not null, from_ms bigint not null,
    refused boolean, result text collate "C", error text collate "C", enqueued_ms bigint not null, finished_ms bigint);
  create index messages_open on messages (queue, seq) where open;
  create index messages_from on messages (queue, from_ms) where open;
  create index messages_dead on messages (queue, id) where status = 'dead';
  create index messages_done on messages (finished_ms) where status = 'done';
  create index messages_batch on messages (batch, line) where batch is not null;
  create table leases (name text collate "C" primary key, holder text collate "C", epoch bigint not null, until_ms bigint not null);
  create table settings (name text collate "C" primary key, value text collate "C" not null)`;

/** Makes the schema where it is not there yet, and says how many logs it has. Two processes may come at once. */
export async function install(db: Database, wanted: number | undefined): Promise<number> {
  const task = { what: `opening the store in schema ${db.schema}`, kind: 'write' } as const;
  const present = await db.transaction(task, async (run) => {
    await run('select pg_advisory_xact_lock($1, $2)', [LOCK_CLASS, hash32(db.schema) | 0]);
    return (await find(run, db.schema)) ?? (await create(run, db.schema, wanted ?? PARTITIONS_DEFAULT));
  });
  if (present.version > VERSION) {
    throw settled(`${task.what}: it was made by a newer release (its version is ${present.version}, this release knows ${VERSION}); run that release or a later one`);
  }
  if (wanted !== undefined && wanted !== present.partitions) {
    throw settled(`${task.what}: it has ${present.partitions} partitions for ever and ${wanted} were asked for; ask for ${present.partitions}, or name another schema for a new store`);
  }
  return present.partitions;
}

interface Present {
  readonly version: number;
  readonly partitions: number;
}

async function find(run: Run, schema: string): Promise<Present | undefined> {
  const { rows } = await run<{ there: string | null }>('select to_regclass($1)::text as there', [`"${schema}".store`]);
  if (rows[0]?.there == null) return undefined;
  return (await run<Present>('select version, partitions from store')).rows[0];
}

async function create(run: Run, schema: string, partitions: number): Promise<Present> {
  // Asked first, because CREATE SCHEMA needs a right that a role with a schema of its own may lack.
  const { rows } = await run<{ there: string | null }>('select to_regnamespace($1)::text as there', [`"${schema}"`]);
  if (rows[0]?.there == null) await run(`create schema "${schema}"`);
  for (const statement of TABLES.split(';')) await run(statement);
  await compress(run);
  await run('insert into store (version, partitions) values ($1, $2)', [VERSION, partitions]);
  await run('insert into logs (log, trimmed_to) select log, 0 from generate_series(0, $1::int - 1) as log', [partitions]);
  return { version: VERSION, partitions };
}

/**
 * LZ4 where the server was built with it, else nothing. Commits of 64 and of 1,000 facts by 16 writers, per second:
 * LZ4 10,700 and 1,250; not compressed 9,500 and 610; the built-in method 8,400 and 670.
 */
async function compress(run: Run): Promise<void> {
  const { rows } = await run("select from pg_settings where name = 'default_toast_compression' and 'lz4' = any (enumvals)");
  await run(`alter table commits alter column body set ${rows.length > 0 ? 'compression lz4' : 'storage external'}`);
}

/** What no retry mends: somebody has to decide. */
function settled(message: string): Fault {
  return new Fault('unavailable', message, { retry: 'never' });
}
