import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { invoices, kindOf } from './invoices.ts';
import { instantOf, salesLines, SalesFileError, type LineFault, type SalesLine } from './sales-file.ts';
import { survey } from './survey.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-sales-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function fileOf(content: string | Buffer): Promise<string> {
  const file = join(directory, 'sales.csv');
  await writeFile(file, content);
  return file;
}

async function read(content: string | Buffer): Promise<(SalesLine | LineFault)[]> {
  return gather(salesLines(await fileOf(content)));
}

async function gather<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of source) all.push(one);
  return all;
}

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice';

describe('a sales file', () => {
  test('is read with quotes, commas inside them and blank lines, and knows its line numbers', async () => {
    const lines = await read(`${HEADER}\n1,A,"Tray, small",2,2024-05-01 10:00:00,1.25\n\n1,B,"7"" frame",3,2024-05-01 10:00:00,0\n`);
    expect(lines).toEqual([
      { line: 2, invoice: '1', sku: 'A', name: 'Tray, small', quantity: 2, atMs: Date.UTC(2024, 4, 1, 10), price: 125 },
      { line: 4, invoice: '1', sku: 'B', name: '7" frame', quantity: 3, atMs: Date.UTC(2024, 4, 1, 10), price: undefined },
    ]);
  });

  test('may be gzipped, whatever it is called', async () => {
    const plain = `${HEADER}\n1,A,Tray,2,2024-05-01,1.25\n`;
    expect(await read(gzipSync(plain))).toEqual(await read(plain));
  });

  test('may name its columns otherwise, in another order, separated by something else, after a byte order mark', async () => {
    const lines = await read('\uFEFFQty;Order ID;sku;date\n4;77;A;5/1/2024 8:05\n');
    expect(lines).toEqual([{ line: 2, invoice: '77', sku: 'A', name: '', quantity: 4, atMs: Date.UTC(2024, 4, 1, 8, 5), price: undefined }]);
  });

  test('says of each line that cannot be used what is wrong with it, and goes on', async () => {
    const lines = await read(`${HEADER}\n1,A,x,two,2024-05-01,1\n1,A,x,1.5,2024-05-01,1\n1,a/b,x,1,2024-05-01,1\n,A,x,1,2024-05-01,1\n1,A,x,1,2024-02-31,1\n1,A\n1,A,x,1,2024-05-01,1\n`);
    expect(lines.map((line) => ('fault' in line ? `${line.line} ${line.fault}` : line.line))).toEqual([
      '2 "two" is not a whole number of units',
      '3 "1.5" is not a whole number of units',
      '4 "a/b" cannot be a stock code',
      '5 "" cannot be an invoice number',
      '6 "2024-02-31" is not a date',
      '7 "" is not a whole number of units',
      8,
    ]);
  });

  test('without a column that is needed is refused with the columns that it has', async () => {
    await expect(read('InvoiceNo,Description,Quantity\n1,x,2\n')).rejects.toThrow(/no column for stockcode, invoicedate; its columns are InvoiceNo, Description, Quantity/);
  });

  test('that is empty, missing or broken is refused', async () => {
    await expect(read('')).rejects.toThrow(SalesFileError);
    await expect(gather(salesLines(join(directory, 'none.csv')))).rejects.toThrow(SalesFileError);
    await expect(read(gzipSync(`${HEADER}\n${'1,A,x,1,2024-05-01,1\n'.repeat(50_000)}`).subarray(0, 1_000))).rejects.toThrow(SalesFileError);
  });
});

describe('dates', () => {
  test.each([
    ['2010-12-01 08:26:00', Date.UTC(2010, 11, 1, 8, 26)],
    ['2010-12-01T08:26:00Z', Date.UTC(2010, 11, 1, 8, 26)],
    ['2010-12-01', Date.UTC(2010, 11, 1)],
    ['12/1/2010 8:26', Date.UTC(2010, 11, 1, 8, 26)],
    ['13/1/2010', undefined],
    ['yesterday', undefined],
  ])('%s', (text, expected) => {
    expect(instantOf(text)).toBe(expected);
  });
});

describe('invoices', () => {
  const at = 0;
  const line = (number: number, invoice: string, quantity: number): SalesLine => ({ line: number, invoice, sku: 'A', name: '', quantity, atMs: at, price: undefined });

  test('are the lines that follow each other under one number', async () => {
    async function* source(): AsyncGenerator<SalesLine | LineFault> {
      yield line(2, '1', 3);
      yield { line: 3, fault: 'spoiled' };
      yield line(4, '1', -1);
      yield line(5, '2', 1);
      yield line(6, '1', 2);
    }
    const gathered = await gather(invoices(source()));
    expect(gathered.map(({ number, line: first, sold, writtenOff }) => [number, first, sold.length, writtenOff.length])).toEqual([['1', 2, 1, 1], ['2', 5, 1, 0], ['1', 6, 1, 0]]);
  });

  test('that begin with C bring goods back; other negative lines are losses; nothing is nothing', () => {
    expect([line(1, 'C17', -2), line(1, '17', -2), line(1, '17', 2), line(1, '17', 0)].map(kindOf)).toEqual(['returned', 'written-off', 'sold', 'nothing']);
  });
});

describe('the survey of a file', () => {
  test('counts what leaves and does not count on what comes back', async () => {
    const file = await fileOf(`${HEADER}\nC1,A,x,-5,2024-05-02,2\n2,A,First name,3,2024-05-01,2\n3,A,Second,-2,2024-05-01,2\n4,A,x,bad,2024-05-01,2\n`);
    const { items, lines, faults, firstMs, fingerprint } = await survey(file);
    expect([...items]).toEqual([['A', { name: 'x', price: 200, demand: 5 }]]);
    expect([lines, faults, firstMs]).toEqual([3, 1, Date.UTC(2024, 4, 1)]);
    expect(fingerprint).toMatch(/^[0-9a-f]{24}$/);
  });
});
