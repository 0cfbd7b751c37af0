import { randomBytes } from 'node:crypto';
import { asOperator, testDatabaseUrl } from '../src/engines/postgres/testing.ts';

/** A database of a run's own, dropped after it. */
export interface Database extends AsyncDisposable {
  readonly url: string;
}

/** Undefined, said aloud, where no PostgreSQL answers. */
export async function freshDatabase(): Promise<Database | undefined> {
  const server = await testDatabaseUrl();
  if (server === undefined) return undefined;
  const name = `holdfast_bench_${randomBytes(6).toString('hex')}`;
  await asOperator(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, [Symbol.asyncDispose]: async () => void (await asOperator(server, `drop database ${name} with (force)`)) };
}
