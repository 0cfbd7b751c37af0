import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { assert, must } from '../../base/assert.ts';
import { conflict } from '../../base/errors.ts';
import type { Column, LogId, Position, ProjectionStep, RowDelete, RowUpsert, StateRow, Table } from '../../store/store.ts';

/** One thing that happened to the projections. Played in order, the entries make them again: that is how a crash rolls back. */
export type ProjectionChange =
  | { readonly type: 'prepare'; readonly tables: readonly Table[]; readonly form?: string | undefined }
  | { readonly type: 'apply'; readonly step: ProjectionStep }
  | { readonly type: 'drop'; readonly prefix: string; readonly beforeMs: number; readonly limit: number };

/**
 * States and checkpoints are plain maps; the tables of the views live in an SQLite database in memory, because
 * questions come as SQL. Every change is kept as well: memory grows with history, as it does for the log.
 */
export class MemoryProjections {
  readonly #db = new DatabaseSync(':memory:');
  readonly #partitions: number;
  readonly #states = new Map<string, StateRow>();
  readonly #checkpoints = new Map<string, Position[]>();
  readonly #tables = new Map<string, Table>();
  readonly #changes: ProjectionChange[] = [];
  #form: string | undefined;

  constructor(partitions: number, changes: readonly ProjectionChange[]) {
    this.#partitions = partitions;
    for (const change of changes) this.#replay(change);
  }

  get form(): string | undefined {
    return this.#form;
  }

  image(): ProjectionChange[] {
    return [...this.#changes];
  }

  /** Keeps what it is given, as `apply` does: the caller hands over copies. */
  prepare(tables: readonly Table[], form?: string): void {
    const noted = this.#form === undefined ? form : undefined;
    this.#form ??= form;
    const fresh = tables.filter(({ name }) => !this.#tables.has(name));
    for (const table of fresh) {
      this.#db.exec(createTable(table));
      for (const index of table.indexes ?? []) this.#db.exec(createIndex(table.name, index));
      this.#tables.set(table.name, table);
    }
    if (fresh.length > 0 || noted !== undefined) this.#changes.push({ type: 'prepare', tables: fresh, form: noted });
  }

  apply(step: ProjectionStep): void {
    const moved = this.#moved(step);
    this.#inTransaction(() => {
      for (const rows of step.deletes) this.#delete(rows);
      for (const rows of step.upserts) this.#upsert(rows);
    });
    for (const state of step.states) {
      if (state.body === null) this.#states.delete(state.key);
      else this.#states.set(state.key, { ...state });
    }
    this.#checkpoints.set(step.consumer, moved);
    this.#changes.push({ type: 'apply', step });
  }

  checkpoints(consumer: string): Position[] {
    return [...(this.#checkpoints.get(consumer) ?? new Array<Position>(this.#partitions).fill(0))];
  }

  loadStates(log: LogId, keys: readonly string[]): { upTo: Position; bodies: Map<string, string> } {
    const bodies = new Map<string, string>();
    for (const key of keys) {
      const state = this.#states.get(key);
      if (state?.body != null && state.log === log) bodies.set(key, state.body);
    }
    return { upTo: this.checkpoints('states')[log] ?? 0, bodies };
  }

  dueStates(after: { dueMs: number; key: string }, untilMs: number, limit: number): { key: string; log: LogId; dueMs: number }[] {
    const due: { key: string; log: LogId; dueMs: number }[] = [];
    for (const { key, log, dueMs } of this.#states.values()) {
      if (dueMs !== null && dueMs <= untilMs && byDue({ key, dueMs }, after) > 0) due.push({ key, log, dueMs });
    }
    return due.sort(byDue).slice(0, limit);
  }

  dropDueStates(prefix: string, beforeMs: number, limit: number): number {
    const dropped = this.dueStates({ dueMs: Number.NEGATIVE_INFINITY, key: '' }, beforeMs, Number.POSITIVE_INFINITY)
      .filter(({ key, dueMs }) => key.startsWith(prefix) && dueMs < beforeMs)
      .slice(0, limit);
    for (const { key } of dropped) this.#states.delete(key);
    this.#changes.push({ type: 'drop', prefix, beforeMs, limit });
    return dropped.length;
  }

  /** Answers one question; a statement that would write is refused. */
  query(sql: string, parameters: readonly unknown[]): { rows: unknown[]; changes: number } {
    this.#db.exec('PRAGMA query_only = 1');
    try {
      // SQLite refuses by itself what it cannot bind.
      const rows = this.#db.prepare(sql).all(...(parameters as readonly SQLInputValue[]));
      return { rows: rows.map((row) => ({ ...row })), changes: 0 };
    } finally {
      this.#db.exec('PRAGMA query_only = 0');
    }
  }

  #replay(change: ProjectionChange): void {
    switch (change.type) {
      case 'prepare': return this.prepare(change.tables, change.form);
      case 'apply': return this.apply(change.step);
      case 'drop': return void this.dropDueStates(change.prefix, change.beforeMs, change.limit);
      default: return change satisfies never;
    }
  }

  /** The consumer's checkpoints after the step, provided that they are where it expects them. */
  #moved(step: ProjectionStep): Position[] {
    const positions = this.checkpoints(step.consumer);
    for (const { log, expected, upTo } of step.checkpoints) {
      assert(log >= 0 && log < this.#partitions, `there is no log ${log}: the store has ${this.#partitions}`);
      if (positions[log] !== expected) throw conflict(`checkpoint of ${step.consumer} on log ${log} at ${expected}`);
      positions[log] = upTo;
    }
    return positions;
  }

  #inTransaction(change: () => void): void {
    this.#db.exec('BEGIN');
    try {
      change();
      this.#db.exec('COMMIT');
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  #delete({ table, column, values }: RowDelete): void {
    const statement = this.#db.prepare(`DELETE FROM ${quoted(table)} WHERE ${quoted(column)} = ?`);
    for (const value of values) statement.run(value);
  }

  #upsert({ table, columns, rows }: RowUpsert): void {
    const { primaryKey } = must(this.#tables.get(table), `the view table ${table} was not prepared`);
    const changed = columns.filter((column) => !primaryKey.includes(column)).map((column) => `${quoted(column)} = excluded.${quoted(column)}`);
    const statement = this.#db.prepare(
      `INSERT INTO ${quoted(table)} (${columns.map(quoted).join(', ')}) VALUES (${columns.map(() => '?').join(', ')}) ` +
        `ON CONFLICT (${primaryKey.map(quoted).join(', ')}) DO ${changed.length === 0 ? 'NOTHING' : `UPDATE SET ${changed.join(', ')}`}`,
    );
    for (const row of rows) statement.run(...row);
  }
}

function byDue(a: { dueMs: number; key: string }, b: { dueMs: number; key: string }): number {
  if (a.dueMs !== b.dueMs) return a.dueMs - b.dueMs;
  return a.key === b.key ? 0 : a.key < b.key ? -1 : 1;
}

function createTable({ name, columns, primaryKey }: Table): string {
  return `CREATE TABLE ${quoted(name)} (${columns.map(columnSql).join(', ')}, PRIMARY KEY (${primaryKey.map(quoted).join(', ')})) STRICT, WITHOUT ROWID`;
}

function columnSql({ name, type, nullable }: Column): string {
  return `${quoted(name)} ${type === 'int' ? 'INTEGER' : 'TEXT'}${nullable === true ? '' : ' NOT NULL'}`;
}

function createIndex(table: string, index: { name: string; columns: readonly string[]; where?: string }): string {
  return `CREATE INDEX ${quoted(index.name)} ON ${quoted(table)} (${index.columns.map(quoted).join(', ')})${index.where === undefined ? '' : ` WHERE ${index.where}`}`;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
