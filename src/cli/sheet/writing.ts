import { writeCell, writeText } from './cells.ts';
import { amountText } from './money.ts';

/** A line as the interface has it: members of an item, of an adjustment, or of a place. */
export type SheetValue = Readonly<Record<string, unknown>>;

/** Turns values into the lines of a file, so that reading them gives the same values. */
export interface SheetWriter {
  readonly header: string;
  line(value: SheetValue): string;
}

export const ndjson: SheetWriter = { header: '', line: (value) => `${JSON.stringify(value)}\n` };

/** Names of keys that items have in common: every one becomes a column. */
export interface MapKeys {
  readonly attributes: readonly string[];
  readonly channelBuffers: readonly string[];
}

type Scalar = string | number | boolean | null;
type Money = { readonly amount: number; readonly currency: string };
type Cell = (value: SheetValue) => string;

// Members of a description, of a level or of a place: their columns say which of them are scalars.
const text = (name: string): [string, Cell] => [name, (value) => (value[name] === undefined ? '' : writeText(value[name] as string))];
const plain = (name: string): [string, Cell] => [name, (value) => (value[name] === undefined ? '' : scalarText(value[name]))];
const scalarText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
const json = (name: string): [string, Cell] => [name, (value) => (value[name] === undefined ? '' : JSON.stringify(value[name]))];
const money = (name: string): [string, Cell] => [name, (value) => (value[name] === undefined ? '' : amountText(value[name] as Money))]; // a definition's
const currencyOf = (value: SheetValue, name: string): string => (value[name] as Money | undefined)?.currency ?? ''; // a definition's

/** Columns of descriptions. Whatever they have besides is a column of JSON. */
export function itemColumns({ attributes, channelBuffers }: MapKeys, others: readonly string[]): [string, Cell][] {
  return [
    text('sku'),
    text('name'),
    money('price'),
    ['currency', (value) => currencyOf(value, 'price')],
    money('cost'),
    ['costCurrency', (value) => currencyOf(value, 'cost')],
    plain('tracked'),
    plain('safetyStock'),
    ['backorderLimit', ({ backorderLimit }) => (backorderLimit === undefined ? '' : String((backorderLimit as number | null) ?? 'none'))],
    ['thresholds', ({ thresholds }) => (thresholds === undefined ? '' : (thresholds as readonly number[]).join(' ') || 'none')],
    plain('reservationTtlSeconds'),
    plain('maxPerReservation'),
    plain('maxPerCustomer'),
    ...others.map(json),
    ...attributes.map((key): [string, Cell] => [`attribute.${key}`, (value) => keyed(value['attributes'], key, writeCell)]),
    ...channelBuffers.map((key): [string, Cell] => [`channelBuffer.${key}`, (value) => keyed(value['channelBuffers'], key, String)]),
  ];
}

/** Members of a description that have columns of their own. */
export const ITEM_MEMBERS: ReadonlySet<string> = new Set(['sku', 'name', 'price', 'cost', 'tracked', 'safetyStock', 'backorderLimit', 'thresholds', 'reservationTtlSeconds', 'maxPerReservation', 'maxPerCustomer', 'attributes', 'channelBuffers']);

export const levelColumns: readonly [string, Cell][] = [text('sku'), text('location'), text('bucket'), plain('count')];
export const locationColumns: readonly [string, Cell][] = [text('location'), text('name'), plain('rank'), plain('lat'), plain('lon'), plain('active')];

function keyed(map: unknown, key: string, write: (value: Scalar) => string): string {
  if (typeof map !== 'object' || map === null || !Object.hasOwn(map, key)) return '';
  return write((map as Readonly<Record<string, Scalar>>)[key] as Scalar); // attributes are scalars, buffers are numbers
}

export function csv(columns: readonly (readonly [string, Cell])[]): SheetWriter {
  return { header: `${columns.map(([name]) => field(name)).join(',')}\n`, line: (value) => `${columns.map(([, cell]) => field(cell(value))).join(',')}\n` };
}

function field(cell: string): string {
  return /[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
