import pg from 'pg';

/** Plenty: a benchmark of holds must not run out of stock. */
export const STOCK = 1_000_000_000;

/** The smallest schema that keeps holds honest, made anew; `HOT` and `SKU-0` to `SKU-999` are in stock. */
export async function makeTables(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`
      drop table if exists holds, stock;
      create table stock (sku text primary key, available bigint not null check (available >= 0)) with (fillfactor = 50);
      create table holds (id uuid primary key, sku text not null, quantity bigint not null, expires_at timestamptz not null);
      insert into stock select 'SKU-' || n, ${STOCK} from generate_series(0, 999) n union all select 'HOT', ${STOCK}`);
  } finally {
    await client.end();
  }
}

/** Fails where the holds are not those acknowledged or do not add up with the stock. */
export async function checkTables(client: pg.Client | pg.Pool, acknowledged: number): Promise<void> {
  const { rows } = await client.query<{ holds: string; units: string; left: string }>(
    `select (select count(*) from holds) holds, (select coalesce(sum(quantity), 0) from holds) units, (select sum(available) from stock) as left`,
  );
  const { holds, units, left } = rows[0] ?? { holds: '', units: '', left: '' };
  if (Number(holds) !== acknowledged || Number(units) + Number(left) !== 1001 * STOCK) {
    throw new Error(`the peer's books: ${acknowledged} acknowledged, ${holds} holds of ${units} units, ${left} left`);
  }
}
