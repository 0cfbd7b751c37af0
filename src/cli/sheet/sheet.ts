/**
 * Items, stock and places as a table that people edit: CSV with one header, or NDJSON. Reading gives the values that
 * the interface takes, and says of every line that cannot be used where and why; writing is its exact opposite.
 */
import type { Readable } from 'node:stream';
import { columnsOf, SheetError, type ColumnRules, type ReadLine } from './columns.ts';
import { sheetRecords, type SheetForm, type SheetRecord } from './records.ts';

export { SheetError, type ColumnRules } from './columns.ts';
export type { SheetForm } from './records.ts';
export { csv, ITEM_MEMBERS, itemColumns, levelColumns, locationColumns, ndjson, type SheetValue, type SheetWriter } from './writing.ts';

/** One line of a sheet: what it says, and what is wrong with it. `text` is how it stands there. */
export interface SheetLine {
  readonly line: number;
  readonly lastLine: number;
  readonly text: string;
  readonly value: unknown;
  readonly faults: ReadLine['faults'];
}

export interface SheetPart {
  /** The header as it stands in the file; undefined for NDJSON. */
  readonly header: string | undefined;
  readonly lines: readonly SheetLine[];
}

export interface SheetOptions extends ColumnRules {
  readonly form: SheetForm | 'guess';
  readonly onBytes?: (bytes: number) => void;
}

/** Reads a sheet part by part in bounded memory. Throws a {@link SheetError} where its header cannot be understood. */
export async function* readSheet(stream: Readable, options: SheetOptions): AsyncGenerator<SheetPart> {
  let header: string | undefined;
  let read: ((cells: readonly string[]) => ReadLine) | undefined;
  for await (const { form, records } of sheetRecords(stream, options.form, options.onBytes)) {
    let lines = records;
    if (form.delimiter === undefined) read = undefined;
    else if (read === undefined) {
      const [first, ...rest] = records;
      if (!first) continue;
      if (first.fault !== undefined) throw new SheetError(`the header ${first.fault}`);
      read = columnsOf(first.fields, options);
      header = first.text;
      lines = rest;
    }
    yield { header, lines: lines.map((record) => lineOf(record, read)) };
  }
}

function lineOf(record: SheetRecord, read: ((cells: readonly string[]) => ReadLine) | undefined): SheetLine {
  const { line, lastLine, text, fields, fault } = record;
  if (fault !== undefined) return { line, lastLine, text, value: undefined, faults: [{ field: '', reason: fault }] };
  if (read) return { line, lastLine, text, ...read(fields) };
  try {
    return { line, lastLine, text, value: JSON.parse(text), faults: [] };
  } catch (error) {
    return { line, lastLine, text, value: undefined, faults: [{ field: '', reason: `is not JSON: ${error instanceof Error ? error.message : String(error)}` }] };
  }
}
