/**
 * States, checkpoints and view tables. Rows are written one at a time: in SQLite that is a function call, and a
 * prepared statement for any number of rows is compiled once.
 */
import { assert } from '../../base/assert.ts';
import { passing } from '../../base/crash-points.ts';
import { conflict } from '../../base/errors.ts';
import type { Cell, LogId, Position, ProjectionStep, RowDelete, StateRow, Table } from '../../store/store.ts';
import { checksum, mismatch, verify } from './checksums.ts';
import { statementCache, type Database } from './database.ts';
import { createIndex, createTable, quoted, rowReads, upserts } from './view-rows.ts';

export function viewWrites(database: Database) {
  const { connection } = database;
  const statement = statementCache(connection);
  const move = connection.prepare('INSERT INTO checkpoints VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET position = excluded.position, crc = excluded.crc');
  const checkpoint = checkpointRead(database);
  const states = stateWrites(connection);
  const upsert = upserts(connection, statement);
  const countSync = connection.prepare('UPDATE syncs SET count = count + 1');
  const remove = ({ table, column, values }: RowDelete): void => {
    const one = statement(`DELETE FROM ${quoted(table)} WHERE ${quoted(column)} = ?`);
    for (const value of values) one.run(value);
  };
  return {
    prepare(tables: readonly Table[], form: string | undefined): void {
      connection.exec('CREATE TABLE IF NOT EXISTS form (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT');
      if (form !== undefined) statement('INSERT INTO form VALUES (1, ?) ON CONFLICT DO NOTHING').run(form);
      for (const table of tables) {
        connection.exec(createTable(table));
        for (const index of table.indexes ?? []) connection.exec(createIndex(table.name, index));
      }
    },
    apply({ consumer, checkpoints, deletes, upserts: rows, states: changed }: ProjectionStep): void {
      for (const { log, expected } of checkpoints) {
        if (checkpoint(consumer, log) !== expected) throw conflict(`checkpoint of ${consumer} on log ${log} at ${expected}`);
      }
      for (const { log, upTo } of checkpoints) move.run(consumer, log, upTo, checksum(consumer, log, upTo));
      deletes.forEach(remove);
      rows.forEach(upsert);
      changed.forEach(states.save);
      passing('views.apply');
    },
    dropDueStates: states.dropDue,
    /** A write to be committed with an fsync: the WAL is one file, so every step before it is then durable too. */
    sync(): void {
      countSync.run();
    },
  };
}

/** How far a consumer has come in a log. */
function checkpointRead({ connection, file }: Database): (consumer: string, log: LogId) => Position {
  const select = connection.prepare('SELECT position, crc FROM checkpoints WHERE consumer = ? AND log = ?');
  return (consumer, log) => {
    const row = select.get(consumer, log);
    if (row === undefined) return 0;
    const position = Number(row['position']);
    verify(file, `the checkpoint of ${consumer} on log ${log}`, row['crc'], consumer, log, position);
    return position;
  };
}

function stateWrites(connection: Database['connection']) {
  const upsert = connection.prepare(`
    INSERT INTO states VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET log = excluded.log, body = excluded.body, due_ms = excluded.due_ms, crc = excluded.crc`);
  const remove = connection.prepare('DELETE FROM states WHERE key = ?');
  const dropDue = connection.prepare(`
    DELETE FROM states WHERE key IN (
      SELECT key FROM states WHERE due_ms IS NOT NULL AND due_ms < ?2 AND substr(key, 1, length(?1)) = ?1 ORDER BY due_ms, key LIMIT ?3)`);
  return {
    save({ key, log, body, dueMs }: StateRow): void {
      if (body === null) remove.run(key);
      else upsert.run(key, log, body, dueMs, checksum(key, log, body, dueMs));
    },
    dropDue: (prefix: string, beforeMs: number, limit: number): number => Number(dropDue.run(prefix, beforeMs, limit).changes),
  };
}

export function viewReads(database: Database) {
  const { connection } = database;
  const statement = statementCache(connection);
  const ofRows = rowReads(database, statement);
  const formThere = connection.prepare(`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'form'`);
  const checkpoint = checkpointRead(database);
  const state = connection.prepare('SELECT body, due_ms, crc FROM states WHERE key = ? AND log = ?');
  state.setReturnArrays(true);
  const some = connection.prepare('SELECT key, log, body, due_ms, crc FROM states WHERE key > ? ORDER BY key LIMIT ?');
  const due = connection.prepare(`
    SELECT key, log, due_ms FROM states
    WHERE due_ms IS NOT NULL AND (due_ms, key) > (?, ?) AND due_ms <= ? ORDER BY due_ms, key LIMIT ?`);
  return {
    form(): string | null {
      if (formThere.get() === undefined) return null;
      return (statement('SELECT name FROM form').get()?.['name'] ?? null) as string | null; // the column is TEXT
    },
    checkpoints(consumer: string, partitions: number): Position[] {
      return Array.from({ length: partitions }, (_, log) => checkpoint(consumer, log));
    },
    loadStates: (log: LogId, keys: readonly string[]): { upTo: Position; bodies: Map<string, string> } =>
      database.snapshot(() => {
        const bodies = new Map<string, string>();
        for (const key of keys) {
          const row = state.get(key, log) as unknown as readonly [body: string, dueMs: number | null, crc: number] | undefined; // an array, as said
          if (row === undefined) continue;
          const [body, dueMs, crc] = row;
          if (crc !== checksum(key, log, body, dueMs)) throw mismatch(database.file, `the state ${key}`);
          bodies.set(key, body);
        }
        return { upTo: checkpoint('states', log), bodies };
      }),
    /** Reads some saved states after a key and checks each; says where to go on, or undefined at the end. */
    scrubStates(after: string, limit: number): string | undefined {
      const rows = some.all(after, limit);
      for (const row of rows) verify(database.file, `the state ${String(row['key'])}`, row['crc'], String(row['key']), Number(row['log']), String(row['body']), row['due_ms'] as number | null); // as above
      return rows.length < limit ? undefined : String(rows.at(-1)?.['key']);
    },
    dueStates: (after: { dueMs: number; key: string }, untilMs: number, limit: number) =>
      due.all(after.dueMs, after.key, untilMs, limit).map((row) => ({ key: String(row['key']), log: Number(row['log']), dueMs: Number(row['due_ms']) })),
    unlike: (table: string, columns: readonly string[], rows: readonly (readonly Cell[])[]): number[] => database.snapshot(() => ofRows.unlike(table, columns, rows)),
    count: ofRows.count,
    scrubRows: ofRows.scrubRows,
    query(sql: string, parameters: readonly unknown[]): { rows: unknown[]; changes: number } {
      const question = ofRows.question(sql);
      const names = question.columns().map(({ name }) => name);
      assert(names.length > 0, 'views are for questions; change them through a projection step');
      question.setReturnArrays(true);
      // SQLite refuses by itself what it cannot bind, and this connection whatever would write.
      const rows = question.all(...(parameters as readonly Cell[])) as unknown as (readonly Cell[])[]; // arrays, as said
      return { rows: rows.map((row) => named(names, row)), changes: 0 };
    },
  };
}

/** A row by the names of its columns: so made it takes half as long as copying the object that SQLite's driver would make of it. */
function named(names: readonly string[], row: readonly Cell[]): Record<string, Cell> {
  const cells: Record<string, Cell> = {};
  for (let i = 0; i < names.length; i++) cells[names[i] as string] = row[i] as Cell; // a cell for each column
  return cells;
}
