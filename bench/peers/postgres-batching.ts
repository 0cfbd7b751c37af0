/**
 * The honest peer on PostgreSQL: one writer gathers all holds that wait and makes them with one statement, so that one
 * lock and one fsync serve them all. Stock is granted in the order asked as far as it reaches.
 */
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { runCallers, type CallersResult, type CallersSpec } from '../callers.ts';
import { answer, ask } from '../child.ts';
import { checkTables, makeTables } from './postgres-tables.ts';

interface Spec extends CallersSpec {
  readonly url: string;
}

export const postgresBatching = (spec: Spec): Promise<CallersResult> => ask(new URL(import.meta.url), spec);

const HOLD = `
  with wanted as (select * from unnest($1::uuid[], $2::text[], $3::bigint[]) with ordinality as w (id, sku, quantity, turn)),
    locked as (select sku, available from stock where sku in (select sku from wanted) order by sku for update),
    granted as (select id, sku, quantity from (select w.*, l.available, sum(w.quantity) over (partition by w.sku order by w.turn) as upto from wanted w join locked l using (sku)) s where upto <= available),
    taken as (update stock s set available = s.available - g.units from (select sku, sum(quantity) as units from granted group by sku) g where s.sku = g.sku)
  insert into holds select id, sku, quantity, now() + interval '15 minutes' from granted returning id`;

interface Waiting {
  readonly id: string;
  readonly sku: string;
  readonly quantity: number;
  readonly resolve: (granted: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** One statement is under way at a time: with two, three or four the row's lock made each wait, and none was faster. */
class Batching {
  readonly #client: pg.Client;
  #waiting: Waiting[] = [];
  #writing = false;

  constructor(client: pg.Client) {
    this.#client = client;
  }

  hold(sku: string, quantity: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id: randomUUID(), sku, quantity, resolve, reject });
      // What else asks in this turn of the loop belongs to the same batch.
      if (this.#waiting.length === 1) setImmediate(() => this.#write());
    });
  }

  #write(): void {
    if (this.#writing || this.#waiting.length === 0) return;
    const batch = this.#waiting;
    this.#waiting = [];
    this.#writing = true;
    this.#client
      .query<{ id: string }>({ name: 'hold', text: HOLD, values: [batch.map((one) => one.id), batch.map((one) => one.sku), batch.map((one) => one.quantity)] })
      .then(({ rows }) => {
        const granted = new Set(rows.map((row) => row.id));
        for (const one of batch) one.resolve(granted.has(one.id));
      })
      .catch((error: unknown) => {
        for (const one of batch) one.reject(error);
      })
      .finally(() => {
        this.#writing = false;
        this.#write();
      });
  }
}

async function run({ url, ...spec }: Spec): Promise<CallersResult> {
  await makeTables(url);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const batching = new Batching(client);
    const result = await runCallers(spec, async () => {
      if (!(await batching.hold('HOT', 1))) throw new Error('the peer ran out of stock');
    });
    await checkTables(client, result.acknowledged);
    return result;
  } finally {
    await client.end();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) answer(run);
