import { cellOf, CellFault, readBoolean, readInteger, readJson, readList, readLimit, readNumber, readText, type Value } from './cells.ts';
import { minorUnits } from './money.ts';

/** A line's value as the interface takes it, or everything that is wrong with its cells. */
export interface ReadLine {
  readonly value: Readonly<Record<string, Value>>;
  readonly faults: readonly { readonly field: string; readonly reason: string }[];
}

/** The sheet as a whole cannot be read; the message says what is wrong with it. */
export class SheetError extends Error {
  override readonly name = 'SheetError';
}

type Read = (cell: string) => Value;

/** Columns that are one member each. Those of money are more than a member, and of maps less. */
const MEMBERS: Readonly<Record<string, Read>> = {
  sku: readText,
  name: readText,
  tracked: readBoolean,
  safetyStock: readInteger,
  backorderLimit: readLimit,
  thresholds: readList,
  reservationTtlSeconds: readInteger,
  maxPerReservation: readInteger,
  maxPerCustomer: readInteger,
  components: readJson,
  preorder: readJson,
  location: readText,
  bucket: readText,
  change: readInteger,
  count: readInteger,
  expected: readInteger,
  move: readInteger,
  from: readText,
  to: readText,
  reason: readText,
  reference: readText,
  note: readText,
  rank: readInteger,
  lat: readNumber,
  lon: readNumber,
  active: readBoolean,
};
const MONEY = ['price', 'currency', 'cost', 'costCurrency'] as const;
/** Columns named `<prefix><key>`, and the member that their values are gathered in. */
const MAPS: readonly { readonly prefix: string; readonly member: string; readonly read: Read }[] = [
  { prefix: 'attribute.', member: 'attributes', read: cellOf },
  { prefix: 'channelBuffer.', member: 'channelBuffers', read: readInteger },
];

export interface ColumnRules {
  /** What the file calls a column, and what we call it. */
  readonly renamed: ReadonlyMap<string, string>;
  readonly unknown: 'refuse' | 'ignore';
  /** Of prices and costs that name none. */
  readonly currency: string | undefined;
}

/** One column of the file: where it puts a cell. */
interface Column {
  readonly name: string;
  put(cell: string, line: Line): void;
}

/** A line while its cells are read. */
interface Line {
  readonly value: Record<string, Value>;
  readonly money: Partial<Record<(typeof MONEY)[number], string>>;
  hasMoney: boolean;
}

/** Reads the lines below a header. Throws a {@link SheetError} where the header cannot be understood. */
export function columnsOf(header: readonly string[], rules: ColumnRules): (cells: readonly string[]) => ReadLine {
  const columns = header.map((name) => columnOf(name.trim(), rules));
  const known = columns.filter((column) => column !== undefined);
  const unknown = header.filter((name, index) => columns[index] === undefined && name.trim() !== '');
  if (unknown.length > 0 && rules.unknown === 'refuse') throw new SheetError(`the header has columns that are not known: ${unknown.join(', ')}. Known are ${[...Object.keys(MEMBERS), ...MONEY, 'attribute.<name>', 'channelBuffer.<channel>'].join(', ')}. Rename them with --rename, or leave them out with --ignore-unknown`);
  const twice = known.find((column, index) => known.findIndex(({ name }) => name === column.name) !== index);
  if (twice) throw new SheetError(`the header has the column ${twice.name} twice`);
  if (!known.some(({ name }) => name === 'sku' || name === 'location')) throw new SheetError('the header has neither a column sku nor a column location, so that nobody knows what its lines are about');
  return (cells) => readLine(cells, columns, rules.currency);
}

function columnOf(heading: string, { renamed }: ColumnRules): Column | undefined {
  const name = renamed.get(heading) ?? heading;
  for (const { prefix, member, read } of MAPS) {
    if (!name.toLowerCase().startsWith(prefix.toLowerCase())) continue;
    const key = name.slice(prefix.length);
    return { name: `${prefix}${key}`, put: (cell, { value }) => put((value[member] ??= {}) as Record<string, Value>, key, read(cell)) }; // made here
  }
  const plain = plainName(name);
  const money = MONEY.find((column) => plainName(column) === plain);
  if (money) {
    return {
      name: money,
      put(cell, line) {
        line.money[money] = cell.trim();
        line.hasMoney = true;
      },
    };
  }
  const member = Object.keys(MEMBERS).find((column) => plainName(column) === plain);
  const read = member === undefined ? undefined : MEMBERS[member];
  return member === undefined || !read ? undefined : { name: member, put: (cell, { value }) => void (value[member] = read(cell)) };
}

/** Objects without a prototype would be safe for any key and are written as JSON in twice the time. */
function put(map: Record<string, Value>, key: string, value: Value): void {
  if (key === '__proto__') Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
  else map[key] = value;
}

/** Headings are compared without case, spaces and punctuation: `Safety stock` is `safetyStock`. */
const plainName = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

function readLine(cells: readonly string[], columns: readonly (Column | undefined)[], currency: string | undefined): ReadLine {
  const line: Line = { value: {}, money: {}, hasMoney: false };
  let faults: { field: string; reason: string }[] | undefined;
  if (cells.length > columns.length && cells.slice(columns.length).some((cell) => cell !== '')) {
    faults = [{ field: '', reason: `has ${cells.length} fields and the header ${columns.length}: is a delimiter in a field that is not quoted?` }];
  }
  for (let index = 0; index < columns.length; index++) {
    const cell = cells[index];
    const column = columns[index];
    // An empty cell says nothing.
    if (!column || cell === undefined || cell === '') continue;
    try {
      column.put(cell, line);
    } catch (error) {
      if (!(error instanceof CellFault)) throw error;
      (faults ??= []).push({ field: column.name, reason: error.message });
    }
  }
  if (line.hasMoney) readMoney(line, currency, (field, reason) => (faults ??= []).push({ field, reason }));
  return { value: line.value, faults: faults ?? NO_FAULTS };
}

const NO_FAULTS: ReadLine['faults'] = [];

function readMoney({ value, money }: Line, otherwise: string | undefined, fault: (field: string, reason: string) => void): void {
  const currency = money.currency ?? otherwise;
  for (const [name, code] of [['price', currency], ['cost', money.costCurrency ?? currency]] as const) {
    const text = money[name];
    if (text === undefined) continue;
    if (code === undefined) fault(name, 'needs a currency: a column currency, or --currency');
    else {
      const amount = minorUnits(text, code);
      if (typeof amount === 'string') fault(name, amount);
      else value[name] = { amount, currency: code };
    }
  }
}
