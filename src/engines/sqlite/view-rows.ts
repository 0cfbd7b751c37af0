/**
 * Rows of view tables, each with a checksum that those who ask know nothing of: on a connection for questions a SQL
 * view of the table's name stands before the table, which leaves the checksum out and throws where a row that a question
 * comes to is not what was written.
 */
import { assert } from '../../base/assert.ts';
import type { Cell, Column, RowUpsert, Table } from '../../store/store.ts';
import { checksum, mismatch } from './checksums.ts';
import type { Database, statementCache } from './database.ts';

type Connection = Database['connection'];
type Statements = ReturnType<typeof statementCache>;

/** The tables of the views' file that are no views, and have columns and checksums of their own. */
const OWN = ['syncs', 'states', 'checkpoints', 'form'];

interface ViewTable {
  readonly name: string;
  /** But for the checksum. */
  readonly columns: readonly string[];
  readonly key: readonly string[];
}

export function viewTables(connection: Connection): ViewTable[] {
  const names = connection.prepare(`SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT IN (${OWN.map(() => '?').join(', ')}) ORDER BY name`).all(...OWN);
  return names.map(({ name }) => viewTable(connection, String(name)));
}

function viewTable(connection: Connection, name: string): ViewTable {
  const columns = connection.prepare(`SELECT name, pk FROM pragma_table_info(?, 'main') WHERE name <> 'crc' ORDER BY cid`).all(name);
  const key = columns.filter(({ pk }) => Number(pk) > 0).toSorted((a, b) => Number(a['pk']) - Number(b['pk']));
  return { name, columns: columns.map((column) => String(column['name'])), key: key.map((column) => String(column['name'])) };
}

export function createTable({ name, columns, primaryKey }: Table): string {
  assert(columns.every((column) => column.name !== 'crc'), `${name} has a column crc, which is what its checksums are in`);
  return `CREATE TABLE IF NOT EXISTS ${quoted(name)} (${columns.map(columnSql).join(', ')}, crc INTEGER NOT NULL, PRIMARY KEY (${primaryKey.map(quoted).join(', ')})) STRICT, WITHOUT ROWID`;
}

function columnSql({ name, type, nullable }: Column): string {
  return `${quoted(name)} ${type === 'int' ? 'INTEGER' : 'TEXT'}${nullable === true ? '' : ' NOT NULL'}`;
}

export function createIndex(table: string, index: { name: string; columns: readonly string[]; where?: string }): string {
  const where = index.where === undefined ? '' : ` WHERE ${index.where}`;
  return `CREATE INDEX IF NOT EXISTS ${quoted(index.name)} ON ${quoted(table)} (${index.columns.map(quoted).join(', ')})${where}`;
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function literal(name: string): string {
  return `'${name.replaceAll(`'`, `''`)}'`;
}

export function upserts(connection: Connection, statement: Statements): (rows: RowUpsert) => void {
  const tables = new Map<string, ViewTable & { readonly sql: string }>();
  const tableOf = (name: string): ViewTable & { readonly sql: string } => {
    // Asked of the database and not of `prepare`, which may have been called on another connection.
    const table = tables.get(name) ?? withUpsert(viewTable(connection, name));
    tables.set(name, table);
    return table;
  };
  return ({ table, columns, rows }) => {
    const { sql, columns: own } = tableOf(table);
    const places = placesOf(table, own, columns);
    const one = statement(sql);
    for (const given of rows) {
      const row = places ? places.map((place) => given[place] as Cell) : given; // a cell for each column
      one.run(...row, checksum(table, ...row));
    }
  };
}

function withUpsert(table: ViewTable): ViewTable & { readonly sql: string } {
  const { name, columns, key } = table;
  assert(key.length > 0, `the view table ${name} was not prepared`);
  const all = [...columns, 'crc'];
  const changed = all.filter((column) => !key.includes(column)).map((column) => `${quoted(column)} = excluded.${quoted(column)}`);
  return { ...table, sql: `INSERT INTO ${quoted(name)} (${all.map(quoted).join(', ')}) VALUES (${all.map(() => '?').join(', ')}) ON CONFLICT (${key.map(quoted).join(', ')}) DO UPDATE SET ${changed.join(', ')}` };
}

/** Where the cell of each column of a table is in rows whose columns are named in another order; undefined where that is the same. */
function placesOf(table: string, own: readonly string[], given: readonly string[]): number[] | undefined {
  assert(own.length === given.length, `a row of ${table} has ${own.length} cells, not ${given.length}: its checksum is of all of them`);
  if (own.every((column, index) => given[index] === column)) return undefined;
  const places = own.map((column) => given.indexOf(column));
  assert(!places.includes(-1), `${table} has the columns ${own.join(', ')}, not ${given.join(', ')}`);
  return places;
}

/** For a connection that questions are asked on. */
export function rowReads({ connection, file }: Database, statement: Statements) {
  // Large integers as such: what a bit has made of a small one is to be told apart, and not to be found too large.
  connection.function('sound', { varargs: true, useBigIntArguments: true }, (table, crc, ...cells) => {
    if (Number(crc) !== checksum(String(table), ...(cells as Cell[]))) throw mismatch(file, `a row of ${String(table)} (${String(cells[0])})`); // cells of a row
    return 1;
  });
  const version = connection.prepare('PRAGMA main.schema_version');
  const mayWrite = connection.prepare('PRAGMA query_only').get()?.['query_only'] === 0;
  let seen: unknown;
  let tables: ViewTable[] = [];
  /** To be called before a question is prepared: somebody may have made a table. */
  const screen = (): void => {
    const now = version.get()?.['schema_version'];
    if (now === seen) return;
    tables = viewTables(connection);
    connection.exec(`PRAGMA query_only = OFF; PRAGMA temp_store = MEMORY; ${tables.map(screenOf).join(' ')} PRAGMA query_only = ${mayWrite ? 'OFF' : 'ON'}`);
    seen = now;
  };
  return {
    /** A question over views. Keep the statement no longer than until the next is asked for. */
    question(sql: string): ReturnType<Statements> {
      screen();
      return statement(sql);
    },
    /** A row that is there just so is found without making anything of it. */
    unlike(table: string, columns: readonly string[], rows: readonly (readonly Cell[])[]): number[] {
      const found = statement(`SELECT 1 FROM main.${quoted(table)} WHERE ${columns.map((column, index) => `${quoted(column)} ${index === 0 ? '=' : 'IS'} ?`).join(' AND ')} AND crc = ?`);
      found.setReturnArrays(true);
      return rows.flatMap((row, index) => (found.get(...row, checksum(table, ...row)) === undefined ? [index] : []));
    },
    /** Without looking at them. */
    count: (table: string): number => Number(statement(`SELECT count(*) AS count FROM main.${quoted(table)}`).get()?.['count']),
    /** Reads some rows after a place and checks each; says where to go on, or undefined at the end. */
    scrubRows(after: RowPlace | undefined, limit: number): RowPlace | undefined {
      screen();
      const at = after === undefined ? 0 : tables.findIndex(({ name }) => name >= after.table);
      const table = at < 0 ? undefined : tables[at];
      if (!table) return undefined;
      const key = table.key.map(quoted).join(', ');
      const going = after?.table === table.name && after.key !== undefined;
      const rest = going ? `WHERE (${key}) > (${table.key.map(() => '?').join(', ')})` : '';
      const page = statement(`SELECT ${key} FROM ${quoted(table.name)} ${rest} ORDER BY ${key} LIMIT ?`);
      page.setReturnArrays(true);
      const rows = page.all(...(going ? (after.key ?? []) : []), limit) as unknown as (readonly Cell[])[]; // arrays, as said
      const last = rows.at(-1);
      if (last && rows.length === limit) return { table: table.name, key: last };
      const next = tables[at + 1];
      return next && { table: next.name, key: undefined };
    },
  };
}

/** A row of a view table; without a key, what is before its first. */
export interface RowPlace {
  readonly table: string;
  readonly key: readonly Cell[] | undefined;
}

/** In a subquery the checksum is looked at when all else that is asked of a row holds. */
function screenOf({ name, columns }: ViewTable): string {
  const cells = columns.map(quoted).join(', ');
  return `DROP VIEW IF EXISTS temp.${quoted(name)}; CREATE TEMP VIEW ${quoted(name)} AS SELECT ${cells} FROM main.${quoted(name)} WHERE (SELECT sound(${literal(name)}, crc, ${cells}));`;
}

/** What is wrong with rows of views, in a sentence for each table that has such rows. */
export function damagedRows(connection: Connection, but: ReadonlySet<string>): string[] {
  return viewTables(connection).filter(({ name }) => !but.has(name)).flatMap(({ name, columns }) => {
    const all = connection.prepare(`SELECT ${columns.map(quoted).join(', ')}, crc FROM main.${quoted(name)}`);
    all.setReturnArrays(true);
    all.setReadBigInts(true);
    let [damaged, first] = [0, ''];
    for (const row of all.iterate() as Iterable<unknown> as Iterable<(Cell | bigint)[]>) {
      const crc = row.pop();
      if (Number(crc) !== checksum(name, ...row) && damaged++ === 0) first = String(row[0]);
    }
    return damaged === 0 ? [] : [`rows of ${name} that do not match their checksums: ${damaged}, the first of ${first}`];
  });
}

/** Gives the rows of all view tables their checksums, where they have none yet. */
export function addRowChecksums(connection: Connection): void {
  connection.function('row_checksum', { varargs: true, useBigIntArguments: true }, (table, ...cells) => checksum(String(table), ...(cells as Cell[]))); // cells of a row
  for (const { name, columns } of viewTables(connection)) {
    connection.exec(`ALTER TABLE ${quoted(name)} ADD COLUMN crc INTEGER NOT NULL DEFAULT 0; UPDATE ${quoted(name)} SET crc = row_checksum(${literal(name)}, ${columns.map(quoted).join(', ')})`);
  }
}
