import { must } from '../base/assert.ts';
import type { Cell, RowDelete, RowUpsert, Table } from '../store/store.ts';

/** The rows of a consumer's tables: of one key what was said last counts. */
export interface ConsumerRows {
  /** All cells of a row, in the order of its table's columns. */
  put(table: string, row: readonly [string | number, ...Cell[]]): void;
  /** There is no row with this key any more. */
  remove(table: string, key: string | number): void;
}

type Changes = Map<string, Map<string | number, readonly Cell[] | undefined>>;

/** Rows that are not saved yet, by table and key. */
export class KeptRows implements ConsumerRows {
  readonly #tables: ReadonlyMap<string, Table>;
  #changes: Changes = new Map();

  constructor(tables: readonly Table[]) {
    this.#tables = new Map(tables.map((table) => [table.name, table]));
  }

  put(table: string, row: readonly [string | number, ...Cell[]]): void {
    const { columns } = this.#tableOf(table);
    if (row.length !== columns.length) throw new RangeError(`a row of ${table} has ${row.length} cells, not ${columns.length}`);
    this.#changesOf(table).set(row[0], row);
  }

  remove(table: string, key: string | number): void {
    this.#changesOf(table).set(key, undefined);
  }

  /** Gives the changes and forgets them; `giveBack` undoes that, but for what was said since. */
  taken(): { deletes: RowDelete[]; upserts: RowUpsert[]; giveBack: () => void } {
    const deletes: RowDelete[] = [];
    const upserts: RowUpsert[] = [];
    const taken = this.#changes;
    for (const [table, changes] of taken) {
      const { columns } = this.#tableOf(table);
      const rows = [...changes.values()].filter((row) => row !== undefined);
      const gone = [...changes].flatMap(([key, row]) => (row === undefined ? [key] : []));
      if (rows.length > 0) upserts.push({ table, columns: columns.map(({ name }) => name), rows });
      if (gone.length > 0) deletes.push({ table, column: columns[0]?.name ?? '', values: gone });
    }
    this.#changes = new Map();
    return { deletes, upserts, giveBack: () => this.#takeBack(taken) };
  }

  #takeBack(taken: Changes): void {
    for (const [table, changes] of taken) {
      const since = this.#changesOf(table);
      for (const [key, row] of changes) if (!since.has(key)) since.set(key, row);
    }
  }

  #tableOf(name: string): Table {
    return must(this.#tables.get(name), `the consumer has no table ${name}`);
  }

  #changesOf(table: string): Map<string | number, readonly Cell[] | undefined> {
    let changes = this.#changes.get(table);
    if (!changes) this.#changes.set(table, (changes = new Map()));
    return changes;
  }
}
