import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RECORD_CHARACTERS_MAX, RecordCutter, sheetRecords, type SheetRecord } from './records.ts';

function cut(text: string, delimiter: string | undefined = ',', pieces = [text]): SheetRecord[] {
  const cutter = new RecordCutter(delimiter);
  return [...pieces.flatMap((piece) => cutter.push(piece)), ...cutter.end()];
}
const fields = (text: string): (readonly string[])[] => cut(text).map((record) => record.fields);

describe('records of CSV', () => {
  test('end with LF, CRLF or the text, and blank lines say nothing', () => {
    expect(cut('a,b\r\n\r\nc,d\n\n \ne,f').map(({ line, fields: of }) => [line, ...of])).toEqual([[1, 'a', 'b'], [3, 'c', 'd'], [6, 'e', 'f']]);
  });

  test('have quoted fields with delimiters, quotes and line breaks in them; lines are counted on', () => {
    const [first, second] = cut('"a,1","say ""hi""","two\r\nlines"\r\nnext,"",x\n');
    expect(first).toMatchObject({ line: 1, lastLine: 2, fields: ['a,1', 'say "hi"', 'two\r\nlines'] });
    expect(second).toMatchObject({ line: 3, lastLine: 3, fields: ['next', '', 'x'] });
  });

  test('may have quotes inside a field that does not begin with one', () => {
    expect(fields('nail 5",b\nc,d"e"\n')).toEqual([['nail 5"', 'b'], ['c', 'd"e"']]);
  });

  test('with something after a closing quote are told, and the next ones are read', () => {
    const [bad, good] = cut('"a"b,c\nd,e\n');
    expect(bad?.fault).toMatch(/after the quote that ends field 1/);
    expect(good?.fields).toEqual(['d', 'e']);
  });

  test('whose quote is never closed are told, and the lines below are read', () => {
    const records = cut(`a,"b\nc,d\ne,f\n`);
    expect(records.map(({ line, fault, fields: of }) => [line, fault === undefined ? of : 'open'])).toEqual([[1, 'open'], [2, ['c', 'd']], [3, ['e', 'f']]]);
  });

  test('are bounded, so that an open quote does not swallow a large file', () => {
    const cutter = new RecordCutter(',');
    const line = `x,${'y'.repeat(65_536)}\n`;
    let records = cutter.push('a,"b\n').length;
    let pushed = 0;
    while (records === 0) {
      records += cutter.push(line).length;
      expect((pushed += line.length)).toBeLessThan(RECORD_CHARACTERS_MAX + 200_000);
    }
  });

  test('of a file that is not UTF-8 are told line by line', async () => {
    const seen: SheetRecord[] = [];
    for await (const { records } of sheetRecords(Readable.from([Buffer.from([0x61, 0x2c, 0xe9, 0x0a, 0x62, 0x2c, 0x63, 0x0a])]), { delimiter: ',' })) seen.push(...records);
    expect(seen.map(({ fault }) => fault)).toEqual(['is not UTF-8', undefined]);
  });
});

describe('a file says what it is', () => {
  const read = async (bytes: Buffer, size = 7): Promise<[string | undefined, string[][]]> => {
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
    const all: string[][] = [];
    let delimiter: string | undefined = 'none';
    for await (const part of sheetRecords(Readable.from(pieces), 'guess')) {
      delimiter = part.form.delimiter;
      all.push(...part.records.map(({ fields: of, text }) => (of.length === 0 ? [text] : [...of])));
    }
    return [delimiter, all];
  };

  test('by its first line: commas, semicolons, tabs, pipes or braces', async () => {
    expect((await read(Buffer.from('sku;name\na;b,c\n')))[0]).toBe(';');
    expect((await read(Buffer.from('sku\tname\n')))[0]).toBe('\t');
    expect(await read(Buffer.from('{"sku":"a"}\n{"sku":"b"}'))).toEqual([undefined, [['{"sku":"a"}'], ['{"sku":"b"}']]]);
    expect((await read(Buffer.from('sku')))[1]).toEqual([['sku']]);
    expect((await read(Buffer.alloc(0)))[1]).toEqual([]);
  });

  test('a byte order mark is no part of it, gzip is opened, and characters may be cut in two', async () => {
    const text = '\uFEFFsku,name\nå,ü€😀\n';
    const wanted = [',', [['sku', 'name'], ['å', 'ü€😀']]];
    expect(await read(Buffer.from(text), 1)).toEqual(wanted);
    expect(await read(gzipSync(text), 3)).toEqual(wanted);
  });
});

test('whatever fields are written come back, in whatever pieces the text arrives', () => {
  const field = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r\n', ' ', 'é') });
  const quote = (value: string): string => `"${value.replaceAll('"', '""')}"`;
  fc.assert(
    fc.property(fc.array(fc.array(field, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 }), fc.array(fc.nat({ max: 60 }), { maxLength: 6 }), (rows, cuts) => {
      const text = rows.map((row) => `${row.map(quote).join(',')}\r\n`).join('');
      const at = [0, ...cuts.map((place) => Math.min(place, text.length)).toSorted((a, b) => a - b), text.length];
      const pieces = at.slice(1).map((end, index) => text.slice(at[index], end));
      expect(cut(text, ',', pieces).map((record) => record.fields)).toEqual(rows);
    }),
  );
});
