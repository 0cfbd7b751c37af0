import { assert, must } from '../../base/assert.ts';
import type { Cell, Column, ProjectionStep, RowDelete, RowUpsert, Table } from '../../store/store.ts';
import { textArray } from './arrays.ts';
import type { Database, Parameter } from './connect.ts';
import { LOCK_CLASS, RESERVED_TABLES } from './schema.ts';

/** One statement for the rows of one table. */
export interface Write {
  readonly sql: string;
  readonly parameters: readonly Parameter[];
}

/** The consumers' tables. */
export interface Views {
  prepare(tables: readonly Table[], form: string | undefined): Promise<void>;
  /** Tables may have been replaced: what they look like is asked again. */
  forget(): void;
  /** What a step does to the tables: its deletes, then its upserts, one statement each. */
  writes(step: ProjectionStep): Promise<Write[]>;
}

interface Shape {
  readonly types: ReadonlyMap<string, Column['type']>;
  readonly primaryKey: readonly string[];
}

/** Second half of the advisory lock under which tables are made. */
const PREPARE_LOCK = 1;

export function views(db: Database): Views {
  const shapes = new Map<string, Promise<Shape>>();

  /** Asked of the server, so that a process may write tables that another one prepared. A failed question is asked again. */
  function shapeOf(table: string): Promise<Shape> {
    let shape = shapes.get(table);
    if (!shape) {
      shape = loadShape(db, table);
      shapes.set(table, shape);
      shape.catch(() => shapes.delete(table));
    }
    return shape;
  }

  return {
    forget: () => shapes.clear(),
    async prepare(tables, form) {
      for (const { name } of tables) assert(!RESERVED_TABLES.has(name), `a view cannot be called ${name}: the engine has a table of that name`);
      await db.transaction({ what: 'preparing the tables of the views', kind: 'write' }, async (run) => {
        // CREATE … IF NOT EXISTS alone fails where two processes come at once.
        await run('select pg_advisory_xact_lock($1, $2)', [LOCK_CLASS, PREPARE_LOCK]);
        for (const table of tables) for (const sql of tableSql(table)) await run(sql);
        await run('create table if not exists form (id int primary key, name text not null)');
        if (form !== undefined) await run('insert into form values (1, $1) on conflict do nothing', [form]);
      });
    },
    async writes({ deletes, upserts }) {
      const writes: Write[] = [];
      for (const rows of deletes) if (rows.values.length > 0) writes.push(deleteWrite(await shapeOf(rows.table), rows));
      for (const rows of upserts) if (rows.rows.length > 0) writes.push(upsertWrite(await shapeOf(rows.table), rows));
      return writes;
    },
  };
}

function tableSql({ name, columns, primaryKey, indexes = [] }: Table): string[] {
  const cells = columns.map(({ name: column, type, nullable }) => `${quoted(column)} ${type === 'int' ? 'bigint' : 'text collate "C"'}${nullable === true ? '' : ' not null'}`);
  return [
    `create table if not exists ${quoted(name)} (${cells.join(', ')}, primary key (${list(primaryKey)}))`,
    ...indexes.map((index) => `create index if not exists ${quoted(index.name)} on ${quoted(name)} (${list(index.columns)})${index.where === undefined ? '' : ` where ${index.where}`}`),
  ];
}

async function loadShape(db: Database, table: string): Promise<Shape> {
  const { rows } = await db.run<{ name: string; type: string; keyPlace: number | null }>(
    { what: `looking up the view table ${table}`, kind: 'read' },
    `select a.attname as name, a.atttypid::regtype::text as type, array_position(i.indkey::int2[], a.attnum) as "keyPlace"
     from pg_attribute a left join pg_index i on i.indrelid = a.attrelid and i.indisprimary
     where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped`,
    [quoted(table)],
  );
  assert(rows.length > 0, `the view table ${table} was not prepared`);
  const key = rows.filter(({ keyPlace }) => keyPlace !== null).sort((a, b) => (a.keyPlace ?? 0) - (b.keyPlace ?? 0));
  return { types: new Map(rows.map(({ name, type }) => [name, type === 'bigint' ? 'int' : 'text'])), primaryKey: key.map(({ name }) => name) };
}

function deleteWrite(shape: Shape, { table, column, values }: RowDelete): Write {
  const type = typeOf(shape, table, column);
  return { sql: `delete from ${quoted(table)} where ${quoted(column)} = any ($1::${sqlType(type)}[])`, parameters: [cells(type, values)] };
}

function upsertWrite(shape: Shape, { table, columns, rows }: RowUpsert): Write {
  const types = columns.map((column) => typeOf(shape, table, column));
  const places = shape.primaryKey.map((key) => columns.indexOf(key));
  // The last row of a key counts: one statement may touch a row only once.
  const latest = rows.length === 1 ? rows : [...new Map(rows.map((row) => [JSON.stringify(places.map((place) => row[place])), row])).values()];
  const changed = columns.filter((column) => !shape.primaryKey.includes(column)).map((column) => `${quoted(column)} = excluded.${quoted(column)}`);
  const sql = `insert into ${quoted(table)} (${list(columns)})
    select * from unnest(${types.map((type, i) => `$${i + 1}::${sqlType(type)}[]`).join(', ')})
    on conflict (${list(shape.primaryKey)}) do ${changed.length === 0 ? 'nothing' : `update set ${changed.join(', ')}`}`;
  return { sql, parameters: types.map((type, i) => cells(type, latest.map((row) => row[i] ?? null))) };
}

function typeOf(shape: Shape, table: string, column: string): Column['type'] {
  return must(shape.types.get(column), `the view table ${table} has no column ${column}`);
}

function sqlType(type: Column['type']): string {
  return type === 'int' ? 'bigint' : 'text';
}

/**
 * PostgreSQL's text cannot hold U+0000, which SQLite's can. A view is for looking at: there it is shown as the
 * replacement character, rather than stopping the consumer at a fact that it can never get past.
 */
function cells(type: Column['type'], values: readonly Cell[]): string {
  return textArray(type === 'int' ? values : values.map((value) => (typeof value === 'string' ? value.replaceAll('\0', '\ufffd') : value)));
}

function list(names: readonly string[]): string {
  return names.map(quoted).join(', ');
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
