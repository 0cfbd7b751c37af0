import { canonicalJson, type Json } from '../../base/json.ts';
import { isAnswerKey } from '../../runtime/runtime.ts';
import type { Cell, Store, Table } from '../../store/store.ts';
import { rooms } from '../rooms.ts';
import { mayBeForgotten, type FoldedLog } from './folded.ts';
import { hasRows } from './records.ts';
import type { Tell } from './violation.ts';

/** States looked up at a time, and rows asked for at a time. */
const BATCH = 1_000;
const ROWS = 500;

/** Views whose rows follow from states; the others say what was, and follow from how it was saved. */
export const comparedTables: ReadonlySet<string> = new Set(['items', 'item_attributes', 'levels', 'reservations', 'reservation_lines', 'transfers', 'transfer_names', 'price_policies', 'quotes']);
const tables: ReadonlyMap<string, Table> = new Map(rooms.views.tables.map((table) => [table.name, table]));

/** How many rows states call for, by table, and how many states there are. */
export type Counts = Record<string, number>;

/**
 * Compares what is saved of a log with what its facts fold to. What is saved may move on meanwhile, where others work in
 * the store: then the log is folded on as well, so that the two are always of one position.
 */
export async function compareSaved(folded: FoldedLog, store: Store, options: { tell: Tell; nowMs: number }): Promise<Counts> {
  const counts: Counts = { states: 0 };
  // In the order in which they are stored: a page of the table is then read once.
  const keys = folded.keys.sort();
  for (let from = 0; from < keys.length; from += BATCH) {
    const batch = keys.slice(from, from + BATCH);
    const { upTo, bodies } = await store.projections.loadStates(folded.log, batch);
    if (upTo > folded.reached && !(await folded.advance(upTo))) return counts;
    const kept = batch.filter((key) => folded.has(key));
    for (const key of kept) compareState(key, folded, bodies.get(key), counts, options);
    await compareRows(kept.filter((key) => !isAnswerKey(key) && hasRows(key)), folded, store, counts, options.tell);
  }
  return counts;
}

function compareState(key: string, folded: FoldedLog, body: string | undefined, counts: Counts, { tell, nowMs }: { tell: Tell; nowMs: number }): void {
  if (body === undefined && mayBeForgotten(key, folded.stateOf(key), nowMs)) return;
  counts['states'] = (counts['states'] ?? 0) + 1;
  const text = folded.textOf(key);
  if (body === text) return;
  const about = { check: 'states', log: folded.log, key } as const;
  if (body === undefined) return tell({ ...about, expected: shortened(text), found: 'nothing', message: 'the facts fold to a state that is not saved' });
  const [expected, found] = [plain(text), plain(body)];
  // The order of members is nobody's business.
  if (expected === found) return;
  tell({ ...about, ...firstDifference(expected, found), message: 'what is saved is not what the facts fold to' });
}

function plain(text: string): string {
  try {
    return canonicalJson(JSON.parse(text) as Json); // that is what JSON can be
  } catch {
    return text;
  }
}

/** Both from a little before they part. */
function firstDifference(expected: string, found: string): { expected: string; found: string } {
  let at = 0;
  while (at < expected.length && expected[at] === found[at]) at++;
  const from = Math.max(0, at - 40);
  return { expected: shortened(expected.slice(from)), found: shortened(found.slice(from)) };
}

function shortened(text: string): string {
  return text.length <= 120 ? text : `${text.slice(0, 119)}…`;
}

async function compareRows(keys: readonly string[], folded: FoldedLog, store: Store, counts: Counts, tell: Tell): Promise<void> {
  const wanted = new Map<string, Map<string, readonly Cell[]>>();
  const rows = {
    upsert(table: string, row: readonly Cell[]): void {
      if (!comparedTables.has(table)) return;
      let known = wanted.get(table);
      if (!known) wanted.set(table, (known = new Map()));
      known.set(String(row[0]), row);
    },
    delete: () => undefined,
  };
  const at = { log: folded.log, position: folded.reached, time: 0 };
  for (const key of keys) {
    const state = folded.stateOf(key);
    // An item's past is no row that follows from its state, and is not made for one that has not changed.
    rooms.views.rows(key, state, key[0] === 'i' ? rooms.views.before(key, state) : undefined, rows, at);
  }
  for (const [table, expected] of wanted) {
    counts[table] = (counts[table] ?? 0) + expected.size;
    await compareTable(table, expected, folded.log, store, tell);
  }
}

async function compareTable(name: string, expected: ReadonlyMap<string, readonly Cell[]>, log: number, { projections }: Store, tell: Tell): Promise<void> {
  const columns = (tables.get(name)?.columns ?? []).map((column) => column.name);
  const ids = [...expected.keys()];
  const unlike = await projections.unlike?.(name, columns, [...expected.values()]);
  await compareInFull(name, columns, unlike ? [...new Set(unlike)].map((index) => ids[index] as string) : ids, expected, log, projections, tell);
}

async function compareInFull(name: string, columns: readonly string[], ids: readonly string[], expected: ReadonlyMap<string, readonly Cell[]>, log: number, { sql }: Store['projections'], tell: Tell): Promise<void> {
  const key = columns[0] ?? '';
  for (let from = 0; from < ids.length; from += ROWS) {
    const some = ids.slice(from, from + ROWS);
    const rows = (await sql.selectFrom(name).select(columns).where(key, 'in', some).execute()) as Record<string, Cell>[]; // the columns selected
    const found = new Map(rows.map((row) => [String(row[key]), row]));
    for (const id of some) compareRow(name, columns, expected.get(id) ?? [], found.get(id), log, tell);
  }
}

function compareRow(table: string, columns: readonly string[], expected: readonly Cell[], found: Record<string, Cell> | undefined, log: number, tell: Tell): void {
  const about = { check: 'views', log, key: `${table} ${String(expected[0])}` } as const;
  if (!found) return tell({ ...about, expected: shortened(JSON.stringify(expected)), found: 'nothing', message: `${table} lacks a row` });
  for (const [index, column] of columns.entries()) {
    // Some drivers give large integers as text.
    if (String(expected[index]) !== String(found[column])) tell({ ...about, expected: String(expected[index]), found: String(found[column]), message: `${column} of a row of ${table} is not what its state says` });
  }
}
