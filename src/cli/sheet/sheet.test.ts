import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { csv, itemColumns, levelColumns, readSheet, SheetError, type ColumnRules, type SheetLine, type SheetValue } from './sheet.ts';

const RULES: ColumnRules = { renamed: new Map(), unknown: 'refuse', currency: undefined };

async function read(text: string, rules: Partial<ColumnRules> = {}): Promise<SheetLine[]> {
  const lines: SheetLine[] = [];
  for await (const part of readSheet(Readable.from([Buffer.from(text)]), { ...RULES, ...rules, form: 'guess' })) lines.push(...part.lines);
  return lines;
}
const valuesOf = async (text: string, rules?: Partial<ColumnRules>): Promise<unknown[]> => (await read(text, rules)).map(({ value }) => JSON.parse(JSON.stringify(value)));
const faultsOf = async (text: string, rules?: Partial<ColumnRules>): Promise<string[]> => (await read(text, rules)).flatMap(({ line, faults }) => faults.map(({ field, reason }) => `${line} ${field}: ${reason}`));

describe('cells become what their columns mean', () => {
  test('numbers, truths, limits, lists, JSON, and nothing where they are empty', async () => {
    expect(await valuesOf('sku,tracked,safetyStock,backorderLimit,thresholds,components,name\na,TRUE, 3 ,none,0 5;9,"[{""sku"":""b"",""quantity"":2}]",\nb,no,,7,none,,\n')).toEqual([
      { sku: 'a', tracked: true, safetyStock: 3, backorderLimit: null, thresholds: [0, 5, 9], components: [{ sku: 'b', quantity: 2 }] },
      { sku: 'b', tracked: false, backorderLimit: 7, thresholds: [] },
    ]);
  });

  test('money is exact, in the currency that the line, or the command, names', async () => {
    expect(await valuesOf('sku,price,currency,cost,costCurrency\na,19.99,EUR,1.5,KWD\nb,700,JPY,,\nc,0.1,,,\n', { currency: 'USD' })).toEqual([
      { sku: 'a', price: { amount: 1999, currency: 'EUR' }, cost: { amount: 1500, currency: 'KWD' } },
      { sku: 'b', price: { amount: 700, currency: 'JPY' } },
      { sku: 'c', price: { amount: 10, currency: 'USD' } },
    ]);
    expect(await faultsOf('sku,price,currency\na,"1,5",EUR\nb,1.5,JPY\nc,1,\n')).toEqual([
      expect.stringMatching(/^2 price: "1,5" is not an amount/),
      '3 price: "1.5" has more decimals than JPY has (0)',
      '4 price: needs a currency: a column currency, or --currency',
    ]);
  });

  test('attributes keep what JSON has besides text, and 007 stays text', async () => {
    const [value] = await valuesOf('sku,attribute.a,attribute.b,attribute.c,attribute.d,attribute.e\nx,007,7,true,"""7""",null\n');
    expect(value).toEqual({ sku: 'x', attributes: { a: '007', b: 7, c: true, d: '7', e: null } });
  });

  test('every cell that is wrong is named', async () => {
    expect(await faultsOf('sku,count,tracked,lat\na,1.5,maybe,north\nb,2,true,1,left over\n')).toEqual([
      '2 count: "1.5" is not a whole number',
      '2 tracked: "maybe" is neither true nor false',
      '2 lat: "north" is not a number',
      expect.stringMatching(/^3 : has 5 fields and the header 4/),
    ]);
  });
});

describe('a header', () => {
  test('may be written as people do, or renamed', async () => {
    expect(await valuesOf('Article; Safety Stock ;MAX_PER_CUSTOMER\na;1;2\n', { renamed: new Map([['Article', 'sku']]) })).toEqual([{ sku: 'a', safetyStock: 1, maxPerCustomer: 2 }]);
  });

  test('with columns that are not known is refused, unless they are to be left out', async () => {
    await expect(read('sku,colour\na,red\n')).rejects.toThrow(SheetError);
    expect(await valuesOf('sku,colour\na,red\n', { unknown: 'ignore' })).toEqual([{ sku: 'a' }]);
  });

  test('that names nothing, or something twice, is refused', async () => {
    await expect(read('name,count\nx,1\n')).rejects.toThrow(/neither a column sku nor/);
    await expect(read('sku,SKU\nx,1\n')).rejects.toThrow(/sku twice/);
  });
});

test('what is written as CSV is read again as it was', async () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'é', '"', ',', ';', '\n', '\r\n', ' ', '{', '1', '.', '😀'), maxLength: 6 });
  const scalar = fc.oneof(text, fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value)), fc.boolean(), fc.constant(null));
  const amount = fc.record({ amount: fc.nat({ max: Number.MAX_SAFE_INTEGER }), currency: fc.constantFrom('EUR', 'JPY', 'KWD') });
  const definition = fc.record(
    {
      sku: fc.constantFrom('a', 'b c', '"q"', '1'),
      name: text,
      price: amount,
      cost: amount,
      tracked: fc.boolean(),
      backorderLimit: fc.oneof(fc.nat(), fc.constant(null)),
      thresholds: fc.array(fc.nat(), { maxLength: 3 }),
      attributes: fc.dictionary(fc.constantFrom('colour', 'size', 'a,b'), scalar, { minKeys: 1 }),
      channelBuffers: fc.dictionary(fc.constantFrom('web', 'till'), fc.nat(), { minKeys: 1 }),
      components: fc.array(fc.record({ sku: text, quantity: fc.nat() })),
    },
    { requiredKeys: ['sku'] },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(definition, { minLength: 1, maxLength: 5 }), async (items) => {
      const writer = csv(itemColumns({ attributes: ['a,b', 'colour', 'size'], channelBuffers: ['till', 'web'] }, ['components']));
      const lines = await read(`${writer.header}${items.map((item) => writer.line(item as SheetValue)).join('')}`);
      expect(lines.flatMap(({ faults }) => faults)).toEqual([]);
      expect(lines.map(({ value }) => JSON.parse(JSON.stringify(value)))).toEqual(JSON.parse(JSON.stringify(items)));
    }),
  );
  const levels = csv(levelColumns);
  expect(await valuesOf(`${levels.header}${levels.line({ sku: 'a', location: 'main', bucket: 'damaged', count: 0 })}`)).toEqual([{ sku: 'a', location: 'main', bucket: 'damaged', count: 0 }]);
});
