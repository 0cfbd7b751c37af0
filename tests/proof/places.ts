/** Where a server under test keeps its data: a directory or a database of its own, gone when the test is over. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asOperator, testDatabaseUrl } from '../../src/engines/postgres/testing.ts';

export interface Place extends AsyncDisposable {
  readonly engine: 'sqlite' | 'postgres';
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export async function sqlitePlace(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-proof-'));
  const forget = (): Promise<void> => rm(directory, { recursive: true, force: true });
  return { engine: 'sqlite', flags: ['--data', directory], env: {}, [Symbol.asyncDispose]: forget };
}

/** Undefined where there is no server and the tests may be skipped. */
export const databaseServer: string | undefined = await testDatabaseUrl();

export async function postgresPlace(): Promise<Place> {
  if (databaseServer === undefined) throw new Error('there is no PostgreSQL server');
  const server = databaseServer;
  const name = `holdfast_proof_${randomBytes(6).toString('hex')}`;
  await asOperator(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-proof-'));
  const forget = async (): Promise<void> => {
    // A server that was killed leaves sessions that the database has not noticed yet.
    await asOperator(server, `drop database if exists ${name} with (force)`);
    await rm(directory, { recursive: true, force: true });
  };
  return { engine: 'postgres', flags: ['--engine', 'postgres', '--data', directory], env: { HOLDFAST_DATABASE_URL: url.href }, [Symbol.asyncDispose]: forget };
}
