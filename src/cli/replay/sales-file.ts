import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';

/** One line of somebody's sales, checked. Negative quantities come back or are written off. */
export interface SalesLine {
  /** Counted from 1, the header included. */
  readonly line: number;
  readonly invoice: string;
  readonly sku: string;
  readonly name: string;
  readonly quantity: number;
  readonly atMs: number;
  /** Integer of minor units, or undefined where the file has no usable price. */
  readonly price: number | undefined;
}

/** A line that cannot be used, and why. */
export interface LineFault {
  readonly line: number;
  readonly fault: string;
}

/** The file as a whole cannot be used; the message says what is wrong with it. */
export class SalesFileError extends Error {
  override readonly name = 'SalesFileError';
}

/** What a column may be called, compared without case, spaces and punctuation. */
const COLUMNS = {
  invoice: ['invoiceno', 'invoice', 'invoicenumber', 'orderid', 'orderno', 'ordernumber', 'order'],
  sku: ['stockcode', 'sku', 'itemcode', 'productcode', 'productid', 'article'],
  name: ['description', 'name', 'productname', 'title'],
  quantity: ['quantity', 'qty', 'units'],
  at: ['invoicedate', 'date', 'datetime', 'time', 'timestamp', 'orderdate'],
  price: ['unitprice', 'price'],
} as const;
type Column = keyof typeof COLUMNS;
const REQUIRED: readonly Column[] = ['invoice', 'sku', 'quantity', 'at'];

const QUANTITY_MAX = 1_000_000_000;
/** The service takes 1–128 printable characters without a slash. */
const ID = /^(?!\.{1,2}$)[^\p{C}\p{Zl}\p{Zp}/]{1,128}$/u;

/** Reads a CSV file, gzipped or not, line by line in bounded memory. Every record comes out as a line or as a fault. */
export async function* salesLines(file: string): AsyncGenerator<SalesLine | LineFault> {
  const { text, delimiter } = await openText(file);
  const skipped: LineFault[] = [];
  const parser = text.pipe(
    parse({
      bom: true,
      delimiter,
      info: true,
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      skip_records_with_error: true,
      onSkip: (error) => void (error && skipped.push({ line: Number(error.lines), fault: error.message })),
    }),
  );
  text.once('error', (error) => parser.destroy(new SalesFileError(`${file} cannot be read: ${error.message}`)));
  let columns: Map<Column, number> | undefined;
  for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) { // the shape that `info` asks for
    yield* skipped.splice(0);
    if (columns === undefined) columns = columnsOf(record, file);
    else yield lineOf(record, columns, info.lines);
  }
  yield* skipped;
  if (columns === undefined) throw new SalesFileError(`${file} is empty`);
}

/** The file's text, and what separates its fields, judged by its first line. */
async function openText(file: string): Promise<{ text: Readable; delimiter: string }> {
  const raw = await firstBytes(file);
  const isGzip = raw[0] === 0x1f && raw[1] === 0x8b;
  const stream = createReadStream(file);
  if (!isGzip) return { text: stream, delimiter: delimiterOf(raw.toString('utf8')) };
  const text = stream.pipe(createGunzip());
  stream.once('error', (error) => text.destroy(error));
  // Gunzips the beginning a second time rather than peeking into a stream that is being piped.
  const peek = createReadStream(file).pipe(createGunzip());
  peek.on('error', () => undefined); // the other stream meets the same fault and reports it
  let head = '';
  for await (const chunk of peek as AsyncIterable<Buffer>) {
    head += chunk.toString('utf8');
    if (head.includes('\n')) break;
  }
  return { text, delimiter: delimiterOf(head) };
}

async function firstBytes(file: string): Promise<Buffer> {
  try {
    await using handle = await open(file);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4_096), 0, 4_096, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    throw new SalesFileError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function delimiterOf(head: string): string {
  const [first = ''] = head.split('\n', 1);
  const count = (delimiter: string): number => first.split(delimiter).length;
  return [',', ';', '\t', '|'].reduce((best, delimiter) => (count(delimiter) > count(best) ? delimiter : best));
}

function columnsOf(header: readonly string[], file: string): Map<Column, number> {
  const plain = header.map((name) => name.toLowerCase().replaceAll(/[^a-z]/g, ''));
  const columns = new Map<Column, number>();
  for (const [column, names] of Object.entries(COLUMNS) as [Column, readonly string[]][]) { // the keys of COLUMNS
    const index = names.map((name) => plain.indexOf(name)).find((at) => at >= 0);
    if (index !== undefined) columns.set(column, index);
  }
  const missing = REQUIRED.filter((column) => !columns.has(column));
  if (missing.length === 0) return columns;
  const wanted = missing.map((column) => COLUMNS[column][0]).join(', ');
  throw new SalesFileError(`${file} has no column for ${wanted}; its columns are ${header.join(', ')}`);
}

function lineOf(record: readonly string[], columns: ReadonlyMap<Column, number>, line: number): SalesLine | LineFault {
  const field = (column: Column): string => (record[columns.get(column) ?? -1] ?? '').trim().normalize('NFC');
  const invoice = field('invoice');
  const sku = field('sku');
  const quantity = field('quantity');
  const atMs = instantOf(field('at'));
  if (!ID.test(invoice)) return { line, fault: `"${invoice}" cannot be an invoice number` };
  if (!ID.test(sku)) return { line, fault: `"${sku}" cannot be a stock code` };
  if (!/^[+-]?\d{1,10}$/.test(quantity) || Math.abs(Number(quantity)) > QUANTITY_MAX) return { line, fault: `"${quantity}" is not a whole number of units` };
  if (atMs === undefined) return { line, fault: `"${field('at')}" is not a date` };
  return { line, invoice, sku, name: field('name'), quantity: Number(quantity), atMs, price: priceOf(field('price')) };
}

/** ISO dates with or without a time, and month/day/year as spreadsheets write it; all taken as UTC, for only differences count. */
export function instantOf(text: string): number | undefined {
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?(?:Z|[+-]\d{2}:?\d{2})?$/.exec(text);
  const american = iso ? null : /^(\d{1,2})\/(\d{1,2})\/(\d{4})(?: (\d{1,2}):(\d{2})(?::(\d{2}))?)?$/.exec(text);
  const parts = iso ?? american;
  if (!parts) return undefined;
  const [, a, b, c, hour = '0', minute = '0', second = '0'] = parts;
  const [year, month, day] = iso ? [a, b, c] : [c, a, b];
  const ms = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  const back = new Date(ms);
  // Date.UTC turns the 31st of February into the 3rd of March.
  return back.getUTCMonth() === Number(month) - 1 && back.getUTCDate() === Number(day) ? ms : undefined;
}

function priceOf(text: string): number | undefined {
  const minor = /^\d+(\.\d+)?$/.test(text) ? Math.round(Number(text) * 100) : 0;
  return minor > 0 && minor <= QUANTITY_MAX ? minor : undefined;
}
