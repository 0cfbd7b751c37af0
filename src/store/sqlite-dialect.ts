import {
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
} from 'kysely';

/** Runs one statement. Parameters and cells are what SQLite itself can bind: text, numbers and null. */
export type RunSql = (sql: string, parameters: readonly unknown[]) => Promise<{ rows: unknown[]; changes: number }>;

/**
 * Kysely's SQLite dialect over any function that runs one statement, so that an engine may keep its database on
 * another thread. It lives on this floor because two engines speak SQLite and engines do not import each other.
 * It is for questions: every statement stands alone, and transactions are refused, because behind `run` there may
 * be one connection that all callers share.
 */
export function sqliteDialect(run: RunSql): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new RunDriver(run),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

class RunDriver implements Driver {
  readonly #connection: DatabaseConnection;

  constructor(run: RunSql) {
    this.#connection = new RunConnection(run);
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }

  async beginTransaction(): Promise<void> {
    throw new Error('views are for questions and have no transactions; change them through a projection step');
  }

  async commitTransaction(): Promise<void> {}

  async rollbackTransaction(): Promise<void> {}

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {}
}

class RunConnection implements DatabaseConnection {
  readonly #run: RunSql;

  constructor(run: RunSql) {
    this.#run = run;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { rows, changes } = await this.#run(query.sql, query.parameters);
    return {
      // The caller's query says what its rows look like; Kysely derived R from it.
      rows: rows as R[],
      numAffectedRows: BigInt(changes),
    };
  }

  /** All rows at once: a question over views carries a limit, and one that does not fit in memory is a mistake. */
  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query);
  }
}
