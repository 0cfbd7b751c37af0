import pg from 'pg';
import { assert } from '../../base/assert.ts';
import { Fault, isFault } from '../../base/errors.ts';
import { breaksConnection, translate } from './errors.ts';

/** A value that goes into a statement; arrays go as literals made by arrays.ts. */
export type Parameter = string | number | boolean | null;

/** Runs one prepared statement and gives its rows, or how many rows it changed where it returns none. */
export type Run = <R extends object>(sql: string, parameters?: readonly Parameter[]) => Promise<{ rows: R[]; changed: number }>;

export interface Statement {
  readonly sql: string;
  readonly parameters: readonly Parameter[];
}

/** What a call is doing, for its faults, and whether it stores anything. */
export interface Task {
  readonly what: string;
  readonly kind: 'read' | 'write';
}

/** One schema of one server, behind a pool of connections that mends itself. */
export interface Database {
  /** One statement, one round trip, its own transaction. */
  run<R extends object>(task: Task, sql: string, parameters?: readonly Parameter[]): Promise<{ rows: R[]; changed: number }>;
  /** A transaction. `begin` replaces the BEGIN and may hold several statements without parameters. */
  transaction<T>(task: Task, body: (run: Run) => Promise<T>, begin?: string): Promise<T>;
  /**
   * A transaction sent in one piece: the statements cannot depend on each other's answers. Gives the rows of each.
   */
  together<R extends object>(task: Task, statements: readonly Statement[], begin?: string): Promise<R[][]>;
  /** A connection of its own, outside the pool. */
  dedicated(): pg.Client;
  /** A pool for questions, whose connections refuse to write. */
  readonly readers: pg.Pool;
  readonly schema: string;
  /** The same server with another schema before this one; to be closed on its own. */
  besides(schema: string): Database;
  close(): Promise<void>;
}

/** Longer than any statement of ours takes on a healthy server; afterwards the connection is given up. */
const QUERY_TIMEOUT_MS = 30_000;
/** Shorter than {@link QUERY_TIMEOUT_MS}, so that the server has given a statement up before we do. */
const STATEMENT_TIMEOUT_MS = 25_000;
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Durable answers whatever the server's default is; `remote_apply` promises more and is kept. Every statement of the
 * store looks rows up by an index, yet the planner, which counts a fresh or emptied table's rows late, is tempted to
 * scan, to sort or to hash: the settings take the temptation away.
 */
const STORE_SESSION = `
  select set_config('synchronous_commit', case current_setting('synchronous_commit') when 'remote_apply' then 'remote_apply' else 'on' end, false);
  set enable_seqscan = off; set enable_bitmapscan = off; set enable_hashjoin = off; set enable_mergejoin = off; set jit = off`;
const READER_SESSION = 'set default_transaction_read_only = on';

/** bigint, and the numeric that sum(bigint) gives, come as numbers: positions and amounts are below 2^53. */
const INT8_OID = 20;
const NUMERIC_OID = 1700;
const TYPES = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    // Our statements ask for text only; binary keeps the driver's own parsers.
    (oid === INT8_OID || oid === NUMERIC_OID) && format !== 'binary' ? Number : pg.types.getTypeParser(oid, format ?? 'text'),
};

export function connect(options: { url: string; schema: string; poolMax: number; behind?: string }): Database {
  const config: pg.ClientConfig = {
    connectionString: options.url,
    application_name: 'holdfast',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: TYPES,
  };
  const path = `set search_path = "${options.schema}"${options.behind === undefined ? '' : `, "${options.behind}"`}`;
  const writers = mendingPool(config, { max: options.poolMax, pipeline: true }, `${path};${STORE_SESSION}`);
  const readers = mendingPool(config, { max: Math.ceil(options.poolMax / 2) }, `${path};${READER_SESSION}`);
  const besides = (schema: string): Database => connect({ ...options, schema, behind: options.schema });
  return database(options.schema, writers, readers, { dedicated: () => quiet(new pg.Client(config)), besides });
}

/** `pipeline` sends statements without waiting for the answers before them; it is newer than the driver's types. */
function mendingPool(config: pg.ClientConfig, size: { max: number; pipeline?: true }, session: string): pg.Pool {
  // The driver waits for what onConnect returns before it hands the connection out; its types do not say so yet.
  const onConnect = (client: pg.ClientBase): void => client.query(session) as unknown as void;
  const pool = new pg.Pool({ ...config, ...size, onConnect });
  // A connection may break at any moment, in use or idle; the call on it is told, and nobody else needs to be.
  pool.on('error', () => {});
  pool.on('connect', quiet);
  return pool;
}

function quiet<C extends pg.ClientBase>(client: C): C {
  client.on('error', () => {});
  return client;
}

function database(schema: string, writers: pg.Pool, readers: pg.Pool, more: Pick<Database, 'dedicated' | 'besides'>): Database {
  const lend = lender(writers);
  let closed: Promise<void> | undefined;
  let broken: Fault | undefined;

  async function using<T>(task: Task, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    if (closed) throw new Fault('closed', `${task.what}: the store was closed`, { retry: 'never' });
    if (broken && task.kind === 'write') throw broken;
    try {
      return await lend(work);
    } catch (error) {
      const fault = translate(error, task.what);
      // What a failed write left behind is not known, and a second fsync that succeeds proves nothing about it.
      if (task.kind === 'write' && isFault(fault, 'storage-failed')) broken ??= fault;
      throw fault;
    }
  }

  return {
    schema,
    readers,
    ...more,
    run: (task, sql, parameters = []) => using(task, (client) => runOn(client)(sql, parameters)),
    transaction: (task, body, begin = 'begin') => using(task, (client) => transactionOn(client, begin, body)),
    together: (task, statements, begin = 'begin') => using(task, (client) => togetherOn(client, statements, begin)),
    close: () => (closed ??= Promise.all([writers.end(), readers.end()]).then(() => undefined)),
  };
}

/**
 * Lends connections. After one broke, those made before it are suspected of the same and are replaced when they are
 * lent next: a failover costs the calls that were under way, and none after them.
 */
function lender(pool: pg.Pool): <T>(work: (client: pg.PoolClient) => Promise<T>) => Promise<T> {
  const bornIn = new WeakMap<pg.ClientBase, number>();
  let generation = 0;
  pool.on('connect', (client) => void bornIn.set(client, generation));

  async function borrow(): Promise<pg.PoolClient> {
    for (;;) {
      const client = await pool.connect();
      if (bornIn.get(client) === generation) return client;
      client.release(true);
    }
  }
  return async (work) => {
    const client = await borrow();
    try {
      const result = await work(client);
      client.release();
      return result;
    } catch (error) {
      const breaks = breaksConnection(error);
      if (breaks && bornIn.get(client) === generation) generation++;
      client.release(breaks || client.getTransactionStatus() !== 'I');
      throw error;
    }
  };
}

const statementNames = new Map<string, string>();

/** A name for a statement's text, so that each connection parses and plans it once. */
function statementName(sql: string): string {
  let name = statementNames.get(sql);
  if (name === undefined) {
    name = `holdfast_${statementNames.size}`;
    statementNames.set(sql, name);
  }
  return name;
}

function runOn(client: pg.ClientBase): Run {
  return async <R extends object>(sql: string, parameters: readonly Parameter[] = []) => {
    const result = await client.query<R>({ name: statementName(sql), text: sql, values: [...parameters] });
    return { rows: result.rows, changed: result.rowCount ?? 0 };
  };
}

async function transactionOn<T>(client: pg.ClientBase, begin: string, body: (run: Run) => Promise<T>): Promise<T> {
  await client.query(begin);
  try {
    const result = await body(runOn(client));
    await client.query('commit');
    return result;
  } catch (error) {
    // Where even this fails the connection is beyond use, and the first error is the one to tell.
    if (!breaksConnection(error)) await client.query('rollback').catch(() => {});
    throw error;
  }
}

async function togetherOn<R extends object>(client: pg.ClientBase, statements: readonly Statement[], begin: string): Promise<R[][]> {
  const run = runOn(client);
  const begun = client.query(begin);
  const answers = statements.map(({ sql, parameters }) => run<R>(sql, parameters));
  // After an error the server skips what follows and turns this into a rollback.
  const ended = client.query('commit');
  const settled = await Promise.allSettled([begun, ...answers, ended]);
  for (const each of settled) if (each.status === 'rejected') throw each.reason;
  const results = await Promise.all(answers);
  assert((await ended).command === 'COMMIT', 'a transaction without an error was not committed');
  return results.map((result) => result.rows);
}
