/** Where tests find a PostgreSQL server. For tests only. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import pg from 'pg';

const run = promisify(execFile);

const LOCAL_URL = 'postgres://postgres@127.0.0.1:5432/postgres';

let found: Promise<string | undefined> | undefined;

/**
 * The URL of a server on which tests may make schemas and databases: that of HOLDFAST_TEST_DATABASE_URL, else the
 * local one, started or, in CI, installed first where need be. Undefined, said loudly, where there is none; in CI a
 * server that is missing is a failure.
 */
export function testDatabaseUrl(): Promise<string | undefined> {
  return (found ??= search());
}

async function search(): Promise<string | undefined> {
  const given = process.env['HOLDFAST_TEST_DATABASE_URL'];
  if (given !== undefined && given !== '') {
    if (await answers(given)) return given;
    throw new Error('nothing answers at HOLDFAST_TEST_DATABASE_URL; start that server or unset the variable');
  }
  if (await answers(LOCAL_URL)) return LOCAL_URL;
  for (const provide of [startCluster, installServer]) {
    const url = await provide();
    if (url !== undefined) return url;
  }
  if (process.env['CI'] === 'true') throw new Error('no PostgreSQL server for the tests; set HOLDFAST_TEST_DATABASE_URL or start one on 127.0.0.1:5432');
  console.warn('\n*** SKIPPED: the tests that need PostgreSQL. Start a server on 127.0.0.1:5432 (user postgres) or set HOLDFAST_TEST_DATABASE_URL. ***\n');
  return undefined;
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

/** Debian's clusters as `pg_lsclusters` tells: version, name, port, status. Starts the first that is down. */
async function startCluster(): Promise<string | undefined> {
  try {
    const { stdout } = await run('pg_lsclusters', ['--no-header']);
    const [version, name, port, status] = stdout.split('\n')[0]?.trim().split(/\s+/) ?? [];
    if (version === undefined || name === undefined || port === undefined || status === undefined) return undefined;
    if (status.startsWith('down')) await run('pg_ctlcluster', [version, name, 'start']);
    return await roleFor(port);
  } catch {
    return undefined; // not Debian, no cluster, or not ours to start
  }
}

/** Debian's server lets its own user in by the socket only: a role of ours with a password opens the port. */
async function roleFor(port: string): Promise<string | undefined> {
  const password = randomBytes(12).toString('hex');
  const sql = `do $$ begin if not exists (select from pg_roles where rolname = 'holdfast_test') then create role holdfast_test superuser login; end if; end $$;
    alter role holdfast_test password '${password}'`;
  await run('runuser', ['-u', 'postgres', '--', 'psql', '-p', port, '-v', 'ON_ERROR_STOP=1', '-c', sql]);
  const url = `postgres://holdfast_test:${password}@127.0.0.1:${port}/postgres`;
  return (await answers(url)) ? url : undefined;
}

async function installServer(): Promise<string | undefined> {
  if (process.env['CI'] !== 'true' && process.env['HOLDFAST_TEST_INSTALL'] !== '1') return undefined;
  if (process.getuid?.() !== 0) return undefined;
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    await run('apt-get', ['update', '-qq'], { env });
    await run('apt-get', ['install', '-y', '-qq', 'postgresql'], { env });
    return await startCluster();
  } catch (cause) {
    console.warn('PostgreSQL could not be installed:', cause);
    return undefined;
  }
}

/** Runs one statement on a connection of its own, as an operator would. */
export async function asOperator<R extends object>(url: string, sql: string, parameters: readonly unknown[] = []): Promise<R[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<R>(sql, [...parameters])).rows;
  } finally {
    await client.end();
  }
}

/** A schema's name that no other test uses. */
export function freshSchema(): string {
  return `holdfast_test_${randomBytes(8).toString('hex')}`;
}

export async function dropSchema(url: string, schema: string): Promise<void> {
  await asOperator(url, `drop schema if exists "${schema}" cascade`);
}
