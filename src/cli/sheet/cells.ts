/** What a cell can mean. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [name: string]: Value };

/** A cell that does not mean what its column wants. */
export class CellFault extends Error {
  override readonly name = 'CellFault';
}

/** Text as it stands. In JSON's own quotes it is what JSON says, so that every text can be written, the empty one too. */
export function readText(cell: string): string {
  return cell.startsWith('"') ? (quotedText(cell) ?? cell) : cell;
}

export function writeText(text: string): string {
  return text === '' || (text.startsWith('"') && quotedText(text) !== undefined) ? JSON.stringify(text) : text;
}

function quotedText(cell: string): string | undefined {
  if (cell.length < 2 || !cell.endsWith('"')) return undefined;
  try {
    const value: unknown = JSON.parse(cell);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined; // text that only looks like it
  }
}

/** Text, or what JSON has besides: `true`, `null` and numbers as JSON writes them. `007` and `1.50` stay text. */
export function cellOf(cell: string): Value {
  switch (cell) {
    case 'true':
      return true;
    case 'false':
      return false;
    case 'null':
      return null;
    default:
      return isNumber(cell) ? Number(cell) : readText(cell);
  }
}

/** The opposite of {@link cellOf}. */
export function writeCell(value: string | number | boolean | null): string {
  if (typeof value !== 'string') return String(value);
  return cellOf(value) === value ? writeText(value) : JSON.stringify(value);
}

function isNumber(cell: string): boolean {
  const first = cell.charCodeAt(0);
  return (first === 0x2d || (first >= 0x30 && first <= 0x39)) && JSON.stringify(Number(cell)) === cell;
}

export function readInteger(cell: string): number {
  const text = cell.trim();
  if (!/^[+-]?\d{1,16}$/.test(text)) throw new CellFault(`"${shortened(cell)}" is not a whole number`);
  return Number(text);
}

export function readNumber(cell: string): number {
  const value = Number(cell);
  if (cell.trim() === '' || !Number.isFinite(value)) throw new CellFault(`"${shortened(cell)}" is not a number`);
  return value;
}

/** As spreadsheets write it, and as people do. */
export function readBoolean(cell: string): boolean {
  switch (cell.trim().toLowerCase()) {
    case 'true':
    case 'yes':
    case '1':
      return true;
    case 'false':
    case 'no':
    case '0':
      return false;
    default:
      throw new CellFault(`"${shortened(cell)}" is neither true nor false`);
  }
}

/** A number of units, or `none` for no limit. */
export function readLimit(cell: string): number | null {
  return cell.trim().toLowerCase() === 'none' ? null : readInteger(cell);
}

/** Whole numbers with spaces or semicolons between them, or `none` for an empty list. */
export function readList(cell: string): number[] {
  const text = cell.trim();
  return text.toLowerCase() === 'none' ? [] : text.split(/[\s;]+/).filter((part) => part !== '').map(readInteger);
}

export function readJson(cell: string): Value {
  try {
    return JSON.parse(cell) as Value; // that is what JSON can be
  } catch {
    throw new CellFault(`"${shortened(cell)}" is not JSON`);
  }
}

function shortened(cell: string): string {
  return cell.length <= 40 ? cell : `${cell.slice(0, 39)}…`;
}
