/**
 * Views made again: a schema of its own beside the store's, with the same tables, in which the log is found by the
 * search path. Adopting moves the tables over in one transaction.
 */
import type { Beside } from '../../store/store.ts';
import type { Database, Run } from './connect.ts';
import { projections } from './projections.ts';
import { PROJECTION_TABLES } from './schema.ts';

/** How long the move waits for questions under way, and new ones wait behind it, before it lets them pass and tries again. */
const MOVE_WAIT_MS = 1_000;
const MOVE_TRIES = 20;

const TASK = { what: 'making the views again', kind: 'write' } as const;

export async function besidePostgres(db: Database, partitions: number): Promise<Beside> {
  const schema = `${db.schema}_rebuild`;
  await db.transaction(TASK, async (run) => {
    await run(`drop schema if exists "${schema}" cascade`);
    await run(`create schema "${schema}"`);
    await run(`set local search_path = "${schema}"`);
    for (const statement of PROJECTION_TABLES.split(';')) await run(statement);
  });
  const fresh = db.besides(schema);
  let adopted = false;
  return {
    projections: projections(fresh, partitions, async () => Promise.reject(new Error('projections in the making have none beside them'))),
    async adopt() {
      await move(db, schema);
      adopted = true;
    },
    async [Symbol.asyncDispose]() {
      await fresh.close();
      if (!adopted) await db.run(TASK, `drop schema if exists "${schema}" cascade`);
    },
  };
}

async function move(db: Database, schema: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await db.transaction(TASK, (run) => moveTables(run, { from: schema, to: db.schema }), `begin; set local lock_timeout = ${MOVE_WAIT_MS}`);
    } catch (error) {
      if (tries === MOVE_TRIES) throw error;
    }
  }
}

async function moveTables(run: Run, { from, to }: { from: string; to: string }): Promise<void> {
  const { rows } = await run<{ name: string }>('select tablename as name from pg_tables where schemaname = $1 order by 1', [from]);
  for (const { name } of rows) {
    await run(`drop table if exists "${to}".${quoted(name)}`);
    await run(`alter table "${from}".${quoted(name)} set schema "${to}"`);
  }
  await run(`drop schema "${from}"`);
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
