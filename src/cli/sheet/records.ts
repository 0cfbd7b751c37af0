import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

/** One record of a text file: what one line says, or several where a quoted field has line breaks in it. */
export interface SheetRecord {
  /** Its first line, counted from 1. */
  readonly line: number;
  /** Its last line. */
  readonly lastLine: number;
  /** As it stands in the file, without the line break at its end. */
  readonly text: string;
  /** Of a CSV file; empty in NDJSON. */
  readonly fields: readonly string[];
  /** Why it cannot be read. */
  readonly fault?: string;
}

/** A record is bounded, so that a quote that is never closed does not swallow the file. */
export const RECORD_CHARACTERS_MAX = 1_048_576;

const QUOTE = '"';
/** What a decoder puts where the bytes are no UTF-8. */
const BROKEN = '\uFFFD';

/**
 * Cuts text into records as it comes, whatever the pieces. CSV is RFC 4180 with LF or CRLF, any one-character
 * delimiter, and quotes inside fields that do not begin with one; NDJSON is a record a line. Blank lines say nothing.
 */
export class RecordCutter {
  readonly #delimiter: string | undefined;
  #rest = '';
  #line = 1;

  /** Without a delimiter the lines are NDJSON. */
  constructor(delimiter: string | undefined) {
    this.#delimiter = delimiter;
  }

  push(text: string): SheetRecord[] {
    return this.#cut(this.#rest === '' ? text : this.#rest + text, 'more');
  }

  end(): SheetRecord[] {
    return this.#rest === '' ? [] : this.#cut(this.#rest, 'end');
  }

  #cut(text: string, coming: 'more' | 'end'): SheetRecord[] {
    const records: SheetRecord[] = [];
    let from = 0;
    let quote = this.#delimiter === undefined ? -1 : text.indexOf(QUOTE);
    while (from < text.length) {
      const newline = text.indexOf('\n', from);
      if (newline < 0 && coming === 'more' && text.length - from <= RECORD_CHARACTERS_MAX) break;
      const end = newline < 0 ? text.length : newline;
      if (quote >= 0 && quote < from) quote = text.indexOf(QUOTE, from);
      if (quote < 0 || quote >= end) {
        this.#plain(text.slice(from, end), records);
        from = end + 1;
        continue;
      }
      const found = quoted(text, from, this.#delimiter ?? ',');
      // A quote at the end of what has come may be half of two.
      const isCut = found === 'open' || found.end >= text.length;
      if (isCut && coming === 'more' && text.length - from <= RECORD_CHARACTERS_MAX) break;
      if (found === 'open') {
        this.#add(records, text.slice(from, end), [], 'a quoted field begins here and does not end');
        from = end + 1;
      } else {
        this.#add(records, text.slice(from, found.end), found.fields, found.fault);
        from = found.end + 1;
      }
    }
    this.#rest = from >= text.length ? '' : text.slice(from);
    return records;
  }

  #plain(text: string, records: SheetRecord[]): void {
    const line = text.endsWith('\r') ? text.slice(0, -1) : text;
    this.#add(records, line, this.#delimiter === undefined ? [] : line.split(this.#delimiter));
  }

  #add(records: SheetRecord[], text: string, fields: readonly string[], fault?: string): void {
    const line = this.#line;
    let lastLine = line;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lastLine++;
    this.#line = lastLine + 1;
    const whole = text.endsWith('\r') ? text.slice(0, -1) : text;
    if (fault === undefined && whole.trim() === '') return;
    const why = fault ?? (whole.length > RECORD_CHARACTERS_MAX ? `is longer than ${RECORD_CHARACTERS_MAX} characters` : whole.includes(BROKEN) ? 'is not UTF-8' : undefined);
    records.push(why === undefined ? { line, lastLine, text: whole, fields } : { line, lastLine, text: whole, fields, fault: why });
  }
}

/** The fields of a record with quotes and where it ends, or `open` where the text ends before it does. */
function quoted(text: string, from: number, delimiter: string): { fields: string[]; end: number; fault?: string } | 'open' {
  const fields: string[] = [];
  for (let at = from; ; ) {
    if (text[at] !== QUOTE) {
      const [field, end] = bare(text, at, delimiter);
      fields.push(field);
      if (text[end] !== delimiter) return { fields, end };
      at = end + 1;
      continue;
    }
    const close = closing(text, at + 1);
    if (close < 0) return 'open';
    fields.push(text.slice(at + 1, close).replaceAll('""', QUOTE));
    at = close + 1;
    if (text[at] === delimiter) {
      at++;
      continue;
    }
    if (text[at] === '\r' && text[at + 1] === '\n') at++;
    if (at >= text.length || text[at] === '\n') return { fields, end: Math.min(at, text.length) };
    const newline = text.indexOf('\n', at);
    return { fields, end: newline < 0 ? text.length : newline, fault: `after the quote that ends field ${fields.length} comes something else than a delimiter` };
  }
}

/** An unquoted field and the place of the delimiter or line break after it. */
function bare(text: string, from: number, delimiter: string): [field: string, end: number] {
  let end = text.length;
  for (const stop of [delimiter, '\n']) {
    const at = text.indexOf(stop, from);
    if (at >= 0 && at < end) end = at;
  }
  const isLast = text[end] !== delimiter;
  return [text.slice(from, isLast && text[end - 1] === '\r' && end > from ? end - 1 : end), end];
}

/** The quote that ends a field; two of them in a row are one in the text. */
function closing(text: string, from: number): number {
  for (let at = text.indexOf(QUOTE, from); at >= 0; at = text.indexOf(QUOTE, at + 2)) {
    if (text[at + 1] !== QUOTE) return at;
  }
  return -1;
}

/** What a file turned out to be. */
export interface SheetForm {
  /** undefined: NDJSON. */
  readonly delimiter: string | undefined;
}

/**
 * The records of a stream, as many at a time as have arrived; what the file is says its first line unless it is known.
 * Gzip is noticed by its first bytes, and a byte order mark is no part of the text. `onBytes` hears how much was read.
 */
export async function* sheetRecords(stream: Readable, form: SheetForm | 'guess', onBytes: (bytes: number) => void = () => undefined): AsyncGenerator<{ form: SheetForm; records: SheetRecord[] }> {
  let cutter: RecordCutter | undefined;
  let known: SheetForm | undefined;
  let head = '';
  const begin = (text: string): SheetRecord[] => {
    known = form === 'guess' ? guess(text) : form;
    cutter = new RecordCutter(known.delimiter);
    return cutter.push(text);
  };
  for await (const piece of decoded(stream, onBytes)) {
    if (cutter === undefined && !(head + piece).trimStart().includes('\n') && head.length < RECORD_CHARACTERS_MAX) {
      head += piece;
      continue;
    }
    const records = cutter === undefined ? begin(head + piece) : cutter.push(piece);
    if (records.length > 0 && known) yield { form: known, records };
  }
  const last = cutter === undefined ? begin(head) : [];
  if (cutter && known) yield { form: known, records: [...last, ...cutter.end()] };
}

async function* decoded(stream: Readable, onBytes: (bytes: number) => void): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8');
  for await (const bytes of unzipped(stream, onBytes)) {
    const text = decoder.decode(bytes, { stream: true });
    if (text !== '') yield text;
  }
  const last = decoder.decode();
  if (last !== '') yield last;
}

async function* unzipped(stream: Readable, onBytes: (bytes: number) => void): AsyncGenerator<Buffer> {
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      onBytes(chunk.length);
      yield chunk;
    }
  };
  const source = counted();
  const first = await source.next();
  if (first.done === true) return;
  const rest = async function* (): AsyncGenerator<Buffer> {
    yield first.value;
    yield* source;
  };
  if (first.value[0] === 0x1f && first.value[1] === 0x8b) yield* Readable.from(rest()).pipe(createGunzip()) as AsyncIterable<Buffer>;
  else yield* rest();
}

/** JSON begins with a brace; else the likeliest of the usual delimiters in the first line. */
function guess(text: string): SheetForm {
  const first = text.trimStart();
  if (first.startsWith('{')) return { delimiter: undefined };
  const [header = ''] = first.split('\n', 1);
  const count = (delimiter: string): number => header.split(delimiter).length;
  return { delimiter: [',', ';', '\t', '|'].reduce((best, delimiter) => (count(delimiter) > count(best) ? delimiter : best)) };
}
