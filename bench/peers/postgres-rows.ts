/**
 * How most shops hold stock: a conditional UPDATE of the item's row and an INSERT of the hold. Both are one prepared
 * statement in one round trip with no explicit transaction, which is the fastest way to say it; the row's lock lasts
 * until the commit is on disk, so holds of one item queue up behind each other's fsync.
 */
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { runCallers, type CallersResult, type CallersSpec } from '../callers.ts';
import { answer, ask } from '../child.ts';
import { checkTables, makeTables } from './postgres-tables.ts';

interface Spec extends CallersSpec {
  readonly url: string;
  /** Asked for in turn. */
  readonly skus: readonly string[];
}

export const postgresRows = (spec: Spec): Promise<CallersResult> => ask(new URL(import.meta.url), spec);

const HOLD = `
  with taken as (update stock set available = available - $2 where sku = $1 and available >= $2 returning sku)
  insert into holds select $3, sku, $2, now() + interval '15 minutes' from taken`;

async function run({ url, skus, ...spec }: Spec): Promise<CallersResult> {
  await makeTables(url);
  const pool = new pg.Pool({ connectionString: url, max: spec.callers });
  try {
    let asked = 0;
    const result = await runCallers(spec, async () => {
      const { rowCount } = await pool.query({ name: 'hold', text: HOLD, values: [skus[asked++ % skus.length], 1, randomUUID()] });
      if (rowCount !== 1) throw new Error('the peer ran out of stock');
    });
    await checkTables(pool, result.acknowledged);
    return result;
  } finally {
    await pool.end();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) answer(run);
