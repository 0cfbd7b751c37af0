import { isBundle } from './bundles.ts';
import type { Cell, EventRecord, Table } from '../../store/store.ts';
import { hash32 } from '../../base/hash.ts';
import { SAVED_PAST_BYTES_PER_FACT, SAVED_PAST_FACTS, SAVED_PLACES_BYTES_PER_CHANGE } from './limits.ts';
import { writeState, type Item, type Reservation, type Transfer } from './state.ts';

/** The read models: tables that follow from states, for lists, search and filters. Primary keys come first. */
export const TABLES: readonly Table[] = [
  {
    name: 'items',
    columns: [
      { name: 'sku', type: 'text' },
      { name: 'search', type: 'text' },
      /** Units that could be sold if every hold ran out now: 0 rules an item out, more has to be looked at. */
      { name: 'at_most', type: 'int' },
    ],
    primaryKey: ['sku'],
  },
  {
    name: 'item_attributes',
    columns: [
      { name: 'id', type: 'text' },
      { name: 'sku', type: 'text' },
      { name: 'name', type: 'text' },
      { name: 'value', type: 'text' },
    ],
    primaryKey: ['id'],
    indexes: [{ name: 'item_attributes_by_value', columns: ['name', 'value', 'sku'] }],
  },
  {
    name: 'levels',
    columns: [
      { name: 'id', type: 'text' },
      { name: 'sku', type: 'text' },
      { name: 'location', type: 'text' },
      { name: 'on_hand', type: 'int' },
      { name: 'allocated', type: 'int' },
      { name: 'reserved', type: 'int' },
      { name: 'damaged', type: 'int' },
      { name: 'quality_control', type: 'int' },
    ],
    primaryKey: ['id'],
    indexes: [{ name: 'levels_by_location', columns: ['location', 'sku'] }],
  },
  {
    name: 'reservations',
    columns: [
      { name: 'id', type: 'text' },
      { name: 'status', type: 'text' },
      { name: 'cart_id', type: 'text', nullable: true },
      { name: 'expires_at', type: 'int' },
    ],
    primaryKey: ['id'],
    indexes: [{ name: 'reservations_by_cart', columns: ['cart_id', 'id'], where: 'cart_id is not null' }],
  },
  {
    name: 'reservation_lines',
    columns: [
      { name: 'id', type: 'text' },
      { name: 'reservation_id', type: 'text' },
    ],
    primaryKey: ['id'],
  },
  {
    name: 'transfers',
    columns: [
      { name: 'id', type: 'text' },
      { name: 'status', type: 'text' },
      { name: 'from_location', type: 'text' },
      { name: 'to_location', type: 'text' },
    ],
    primaryKey: ['id'],
    indexes: [{ name: 'transfers_by_status', columns: ['status', 'id'] }],
  },
  {
    /** `s/<sku>/<transfer>` and `l/<location>/<transfer>`: the transfers of one item, or of one place, lie together. */
    name: 'transfer_names',
    columns: [
      { name: 'id', type: 'text' },
      { name: 'transfer_id', type: 'text' },
    ],
    primaryKey: ['id'],
  },
  {
    name: 'item_facts',
    columns: [
      { name: 'sku', type: 'text' },
      { name: 'position', type: 'int' },
      { name: 'log', type: 'int' },
      /** Of the first of its facts there. Within a log time never runs backwards. */
      { name: 'time', type: 'int' },
    ],
    primaryKey: ['sku', 'position'],
  },
  {
    /** What an item was, every so often, and what a log's places were: from there facts tell what they were at an instant, however long their history. */
    name: 'item_pasts',
    columns: [
      { name: 'sku', type: 'text' },
      { name: 'position', type: 'int' },
      { name: 'time', type: 'int' },
      { name: 'body', type: 'text' },
    ],
    primaryKey: ['sku', 'position'],
    indexes: [{ name: 'item_pasts_by_time', columns: ['sku', 'time'] }],
  },
];

/**
 * Raised whenever saved states or rows get another meaning or another shape that the tables above do not show: stores
 * of another form make theirs again from the log.
 */
const FORM = 3;

/** The form of what is saved: the number above, and what the tables look like. */
export const form = `inventory-${FORM}-${hash32(JSON.stringify(TABLES)).toString(36)}`;

interface Rows {
  upsert(table: string, row: readonly Cell[]): void;
  delete(table: string, column: string, value: Cell): void;
}

/** The items that a line is found by: its own, and those that its bundle takes. */
const namesOf = ({ sku, components = [] }: Reservation['lines'][number]): string[] => [sku, ...components.map((part) => part.sku)];

/** Where the rows of a SKU's reservations begin and end among `reservation_lines`: SKUs have no slash. */
export const lineId = (sku: string, reservationId: string): string => `${sku}/${reservationId}`;
const attributeId = (sku: string, name: string): string => `${sku}/${name}`;

/** What a state's rows were named after before it changed. */
interface Before {
  readonly lineIds: readonly string[];
  readonly attributeIds: readonly string[];
  /** Of an item. */
  readonly version?: number;
}

export function before(key: string, state: unknown): Before | undefined {
  switch (key[0]) {
    case 'i': {
      const { sku, definition, version } = state as Item; // under `i/` keys there are items only
      return { version, lineIds: [], attributeIds: Object.keys(definition?.attributes ?? {}).map((name) => attributeId(sku, name)) };
    }
    case 'r': {
      const { id, lines } = state as Reservation; // under `r/` keys there are reservations only
      return { lineIds: lines.flatMap(namesOf).map((sku) => lineId(sku, id)), attributeIds: [] };
    }
    case 't':
      return { lineIds: [], attributeIds: [] };
    default:
      return undefined;
  }
}

/** The rows of a state as it now is. */
export function rowsOf(key: string, state: unknown, was: unknown, rows: Rows, at: { position: number; time: number }): void {
  const old = was as Before | undefined; // what `before` gave
  switch (key[0]) {
    case 'i':
      pastRow(key, state as Item, old?.version ?? 0, rows, at); // by the kind of key, as above
      return itemRows(state as Item, old, rows);
    case 'r':
      return reservationRows(state as Reservation, old, rows);
    case 'l':
      return pastPlacesRow(key, state, rows, at);
    case 't':
      return transferRows(state as Transfer, old !== undefined, rows);
    default:
  }
}

function itemRows(item: Item, old: Before | undefined, rows: Rows): void {
  const { sku, definition } = item;
  const attributes = definition?.attributes ?? {};
  const ids = Object.keys(attributes).map((name) => attributeId(sku, name));
  for (const id of old?.attributeIds ?? []) if (!ids.includes(id)) rows.delete('item_attributes', 'id', id);
  for (const [name, value] of Object.entries(attributes)) rows.upsert('item_attributes', [attributeId(sku, name), sku, name, String(value)]);
  // What a bundle can be sold for follows from other items: it has to be looked at.
  let atMost = isBundle(definition) ? 1 : 0;
  for (const [location, level] of item.levels) {
    atMost += Math.max(0, level.onHand - level.allocated);
    rows.upsert('levels', [`${sku}/${location}`, sku, location, level.onHand, level.allocated, level.reserved, level.damaged, level.qualityControl]);
  }
  if (definition === undefined) rows.delete('items', 'sku', sku);
  else rows.upsert('items', [sku, `${sku} ${definition.name ?? ''}`.toLowerCase(), atMost]);
}

/** Saves what the item is by now, where enough has happened since it was saved before: the longer what is saved, the more has to. */
function pastRow(key: string, item: Item, was: number, rows: Rows, at: { position: number; time: number }): void {
  if (!passes(item.version, was, SAVED_PAST_FACTS)) return;
  const body = writeState(key, item);
  const every = Math.max(1, 2 ** Math.ceil(Math.log2(body.length / (SAVED_PAST_BYTES_PER_FACT * SAVED_PAST_FACTS))));
  if (passes(item.version, was, every * SAVED_PAST_FACTS)) rows.upsert('item_pasts', [item.sku, at.position, at.time, body]);
}

/** The same for the places of a log, which seldom change: always while they are few, and one time in so many where they are many. */
function pastPlacesRow(key: string, state: unknown, rows: Rows, at: { position: number; time: number }): void {
  const body = writeState(key, state);
  if (hash32(String(at.position)) % Math.ceil(body.length / SAVED_PLACES_BYTES_PER_CHANGE) === 0) rows.upsert('item_pasts', [key, at.position, at.time, body]);
}

/** Whether a count went over a multiple of a number. */
const passes = (now: number, was: number, every: number): boolean => Math.floor(now / every) > Math.floor(was / every);

function reservationRows(record: Reservation, old: Before | undefined, rows: Rows): void {
  const { id, status, cartId, expiresAt } = record;
  rows.upsert('reservations', [id, status, cartId ?? null, expiresAt]);
  const lineIds = new Set<string>();
  for (const line of record.lines) for (const sku of namesOf(line)) lineIds.add(lineId(sku, id));
  if (old) for (const gone of old.lineIds) if (!lineIds.has(gone)) rows.delete('reservation_lines', 'id', gone);
  for (const added of lineIds) if (!old?.lineIds.includes(added)) rows.upsert('reservation_lines', [added, id]);
}

/** Items and places of a transfer never change once it is planned. */
function transferRows({ id, status, from, to, lines }: Transfer, isKnown: boolean, rows: Rows): void {
  rows.upsert('transfers', [id, status, from, to]);
  if (isKnown) return;
  for (const { sku } of lines) rows.upsert('transfer_names', [`s/${sku}/${id}`, id]);
  for (const location of [from, to]) rows.upsert('transfer_names', [`l/${location}/${id}`, id]);
}

/** Which commits say something about which item: where its history and its books are found. Those about places are there under the log's own key, which no SKU can be. */
export function factRows(at: { log: number; position: number }, events: readonly EventRecord[], rows: Rows): void {
  let last = '';
  const times = new Map<string, number>();
  for (const { key, time } of events) {
    const about = key[0];
    if (key === last || (about !== 'i' && about !== 'l')) continue;
    last = key;
    const name = about === 'i' ? key.slice(2) : key;
    if (!times.has(name)) times.set(name, time);
  }
  for (const [name, time] of times) rows.upsert('item_facts', [name, at.position, at.log, time]);
}
