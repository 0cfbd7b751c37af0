import pg from 'pg';

/** Settings of a server that a store depends on, as text; undefined where the server does not know one. */
export interface InspectedServer {
  readonly version: number;
  readonly settings: Readonly<Record<string, string>>;
  readonly isStandby: boolean;
}

const SETTINGS = ['fsync', 'synchronous_commit', 'full_page_writes', 'max_connections', 'default_transaction_read_only'];
const PATIENCE_MS = 5_000;

/** Asks a server how it runs; rejects with what the driver says where it cannot be reached. */
export async function inspectPostgres(url: string): Promise<InspectedServer> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: PATIENCE_MS, query_timeout: PATIENCE_MS });
  await client.connect();
  try {
    const version = await client.query<{ version: string; standby: boolean }>(`select current_setting('server_version_num') as version, pg_is_in_recovery() as standby`);
    const { rows } = await client.query<{ name: string; setting: string }>('select name, setting from pg_settings where name = any($1)', [SETTINGS]);
    const [about] = version.rows;
    return { version: Math.floor(Number(about?.version ?? 0) / 10_000), isStandby: about?.standby === true, settings: Object.fromEntries(rows.map(({ name, setting }) => [name, setting])) };
  } finally {
    await client.end();
  }
}
