import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { must } from '../../base/assert.ts';
import type { EventRecord, Store } from '../../store/store.ts';
import { openPostgres } from './postgres.ts';
import { asOperator, dropSchema, freshSchema, testDatabaseUrl } from './testing.ts';

const found = await testDatabaseUrl();
const url = found ?? '';

const FACT: EventRecord = { type: 'Counted', key: 'k', time: 1, data: { text: 'with "quotes", \\ and {braces}' } };

async function onSchema(body: (schema: string) => Promise<void>): Promise<void> {
  const schema = freshSchema();
  try {
    await body(schema);
  } finally {
    await dropSchema(url, schema);
  }
}

/** Resolves when the store tells its watcher of new commits. */
function told(store: Store): Promise<void> {
  return new Promise((resolve) => {
    const stop = store.log.watch(() => {
      stop();
      resolve();
    });
  });
}

describe.skipIf(found === undefined)('the PostgreSQL engine', () => {
  test('says that nothing listens where the URL leads nowhere, and does not tell the password', async () => {
    const opening = openPostgres({ url: 'postgres://someone:secret@127.0.0.1:1/nothing' });
    await expect(opening).rejects.toMatchObject({ code: 'unavailable', retry: 'soon' });
    await expect(opening).rejects.toThrow(/cannot be reached/);
    await expect(opening).rejects.not.toThrow(/secret/);
  });

  test('says that a database does not exist, which no retry mends', async () => {
    const elsewhere = new URL(url);
    elsewhere.pathname = '/holdfast_no_such_database';
    await expect(openPostgres({ url: elsewhere.href })).rejects.toMatchObject({ code: 'unavailable', retry: 'never' });
  });

  test('refuses a schema name that would need quotes', async () => {
    for (const schema of ['', 'Upper', 'a"b', '1st', 'x'.repeat(41)]) await expect(openPostgres({ url, schema })).rejects.toThrow(RangeError);
  });

  test('is made once where many open it at the same time', () =>
    onSchema(async (schema) => {
      const stores = await Promise.all(Array.from({ length: 8 }, () => openPostgres({ url, schema, partitions: 5, poolMax: 2 })));
      for (const store of stores) expect(store.partitions).toBe(5);
      await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()));
    }));

  test('keeps the number of partitions it was made with', () =>
    onSchema(async (schema) => {
      await using made = await openPostgres({ url, schema, partitions: 5 });
      await using again = await openPostgres({ url, schema });
      expect([made.partitions, again.partitions]).toEqual([5, 5]);
      await expect(openPostgres({ url, schema, partitions: 6 })).rejects.toThrow(/has 5 partitions for ever and 6 were asked for/);
    }));

  test('leaves a store of a newer release alone', () =>
    onSchema(async (schema) => {
      await (await openPostgres({ url, schema }))[Symbol.asyncDispose]();
      await asOperator(url, `update "${schema}".store set version = version + 1`);
      await expect(openPostgres({ url, schema })).rejects.toThrow(/newer release/);
    }));

  test('tells watchers in other processes, also after their connections were cut', () =>
    onSchema(async (schema) => {
      const name = `watch_${schema}`;
      await using writer = await openPostgres({ url, schema });
      await using reader = await openPostgres({ url: `${url}?application_name=${name}`, schema });
      const first = told(reader);
      await writer.log.append([{ log: 0, expected: 0, events: [FACT] }], 'a');
      await first;
      await asOperator(url, 'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [name]);
      const second = told(reader);
      await writer.log.append([{ log: 0, expected: 1, events: [FACT] }], 'b');
      await second;
      expect(await reader.log.head(0)).toBe(2);
    }));

  test('trims only while no append is under way, so that no position can be taken twice', () =>
    onSchema(async (schema) => {
      await using store = await openPostgres({ url, schema });
      await store.log.append([{ log: 0, expected: 0, events: [FACT] }], 'first');
      const rival = new pg.Client({ connectionString: url });
      await rival.connect();
      // A rival that has inserted the next position and not committed keeps the append waiting after its check.
      await rival.query(`begin; insert into "${schema}".commits values (0, 2, 'rival', '[]')`);
      const waiting = store.log.append([{ log: 0, expected: 1, events: [FACT] }], 'waited');
      await waitForLock(schema);
      await expect(store.log.trim(0, 1)).rejects.toMatchObject({ code: 'overloaded', retry: 'later' });
      await rival.query('rollback');
      await rival.end();
      await waiting;
      await store.log.trim(0, 1);
      expect([await store.log.trimmedTo(0), await store.log.head(0)]).toEqual([1, 2]);
    }));

  test('a question cannot write, and a broken one leaves the next unharmed', () =>
    onSchema(async (schema) => {
      await using store = await openPostgres({ url, schema });
      await store.projections.prepare([{ name: 'shelf', columns: [{ name: 'sku', type: 'text' }, { name: 'units', type: 'int' }], primaryKey: ['sku'] }]);
      const { sql } = store.projections;
      await expect(sql.insertInto('shelf').values({ sku: 'a', units: 1 }).execute()).rejects.toMatchObject({ code: 'unavailable' });
      await expect(sql.selectFrom('no_such_table').selectAll().execute()).rejects.toThrow(/42P01/);
      expect(await sql.selectFrom('shelf').selectAll().execute()).toEqual([]);
    }));

  test('answers sums and counts of a view as numbers', () =>
    onSchema(async (schema) => {
      await using store = await openPostgres({ url, schema });
      await store.projections.prepare([{ name: 'shelf', columns: [{ name: 'sku', type: 'text' }, { name: 'units', type: 'int' }], primaryKey: ['sku'] }]);
      const rows = [['a', 2 ** 52], ['b', 5], ['zero \0 inside', 0]] as const;
      await store.projections.apply({ consumer: 'c', checkpoints: [{ log: 0, expected: 0, upTo: 1 }], states: [], deletes: [], upserts: [{ table: 'shelf', columns: ['sku', 'units'], rows }] });
      const { sql } = store.projections;
      const sums = await sql.selectFrom('shelf').select(({ fn }) => [fn.sum('units').as('units'), fn.countAll().as('rows')]).executeTakeFirst();
      expect(sums).toEqual({ units: 2 ** 52 + 5, rows: 3 });
      expect(await sql.selectFrom('shelf').select('sku').where('units', '=', 0).executeTakeFirst()).toEqual({ sku: 'zero \ufffd inside' });
    }));

  test('a view cannot take the name of a table of the engine', () =>
    onSchema(async (schema) => {
      await using store = await openPostgres({ url, schema });
      await expect(store.projections.prepare([{ name: 'commits', columns: [{ name: 'a', type: 'int' }], primaryKey: ['a'] }])).rejects.toThrow(/cannot be called commits/);
    }));
});

/** Waits until a statement on the schema's table of commits waits for another transaction. */
async function waitForLock(schema: string): Promise<void> {
  const sql = `select count(*)::int as waiting from pg_locks l join pg_locks held on held.pid = l.pid
    where not l.granted and l.locktype = 'transactionid' and held.relation = to_regclass($1)`;
  for (;;) {
    const rows = await asOperator<{ waiting: number }>(url, sql, [`"${schema}".commits`]);
    if (must(rows[0], 'a count has one row').waiting > 0) return;
  }
}
