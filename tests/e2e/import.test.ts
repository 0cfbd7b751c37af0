import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, runHoldfast, startServer } from './running-server.ts';

const ROUNDS_MS = 240_000;

interface Scratch extends AsyncDisposable {
  readonly data: string;
  file(name: string, content: string | Buffer): Promise<string>;
}

async function scratch(): Promise<Scratch> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-import-'));
  return {
    data: join(directory, 'data'),
    async file(name, content) {
      await writeFile(join(directory, name), content);
      return join(directory, name);
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** Units on hand by SKU, as a service on that data tells of them. */
async function onHand(data: string, skus: readonly string[]): Promise<number[]> {
  await using server = await startServer({ args: ['--data', data] });
  const { items } = await server.client.availability(skus);
  return items.map((item) => item.onHand);
}

test('a table from a spreadsheet comes in: BOM, CRLF, semicolons, quoted line breaks, headings with spaces', { timeout: ROUNDS_MS }, async () => {
  await using place = await scratch();
  const file = await place.file('stock.csv', '\uFEFFSKU;Name;Price;Currency;Safety stock;attribute.colour;Count\r\nlamp;"Desk lamp;\r\nwith a shade";19.99;EUR;2;red;7\r\nvase;"The ""best"" vase";5;EUR;;;\r\n');
  const { code, out } = await runHoldfast(['import', file, '--data', place.data]);
  expect([code, out]).toEqual([0, expect.stringMatching(/2 lines in .*\n {2}lines in all: described 2, stock changed 0, as it was 0, refused 0/)]);
  await using server = await startServer({ args: ['--data', place.data] });
  expect(await server.client.items.get('lamp')).toMatchObject({ name: 'Desk lamp;\r\nwith a shade', price: { amount: 1999, currency: 'EUR' }, safetyStock: 2, attributes: { colour: 'red' } });
  expect((await server.client.items.get('vase')).name).toBe('The "best" vase');
  expect((await server.client.items.availability('lamp')).onHand).toBe(7);
});

test('each line that cannot be used is named with its line, field and reason, and the others are done', { timeout: ROUNDS_MS }, async () => {
  await using place = await scratch();
  const file = await place.file('broken.csv', 'sku,price,currency,count,reason\na,1.999,EUR,1,\nb,1.99,EUR,one,\nc/d,1.99,EUR,1,counted\n"e"x,1\nf,1.99,EUR,4,guessed\ng,1.99,EUR,4,\n');
  const [errors, rejects] = await Promise.all([place.file('errors', ''), place.file('rejects', '')]);
  const { code, err } = await runHoldfast(['import', file, '--data', place.data, '--errors', errors, '--rejects', rejects]);
  expect(code).toBe(1);
  const told = (await readFile(errors, 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as { line: number; field: string });
  expect(told.map(({ line, field }) => [line, field])).toEqual([[2, 'price'], [3, 'count'], [4, 'sku'], [5, ''], [6, 'reason']]);
  expect(err).toContain(`${file}:2: price: "1.999" has more decimals than EUR has (2)`);
  expect((await readFile(rejects, 'utf8')).split('\n')).toHaveLength(7);
  expect(await onHand(place.data, ['g'])).toEqual([4]);
});

test('a dry run checks everything and leaves nothing behind', { timeout: ROUNDS_MS }, async () => {
  await using place = await scratch();
  await runHoldfast(['import', await place.file('a.ndjson', '{"sku":"lamp","count":2}\n'), '--data', place.data, '--create-items']);
  const file = await place.file('b.ndjson', '{"sku":"vase","name":"Vase"}\n{"sku":"vase","count":3}\n{"sku":"lamp","change":-5,"reason":"lost"}\n');
  const { code, out } = await runHoldfast(['import', file, '--data', place.data, '--dry-run']);
  expect([code, out]).toEqual([1, expect.stringContaining('refused 1')]);
  await using server = await startServer({ args: ['--data', place.data] });
  expect((await server.client.items.list()).items.map(({ sku }) => sku)).toEqual(['lamp']);
});

test('killed again and again, the same command goes on and does nothing twice', { timeout: ROUNDS_MS }, async () => {
  await using place = await scratch();
  const count = 12_000;
  // Changes, not counts: whatever was done twice would be seen.
  const lines = Array.from({ length: count }, (_, index) => `item-${index % 100},1,received\n`).join('');
  const file = await place.file('changes.csv', `sku,change,reason\n${lines}`);
  const args = ['import', file, '--data', place.data, '--create-items'];
  let kills = 0;
  for (let wait = 1_200; kills < 3; wait += 400) {
    const child = spawn(process.execPath, [join(ROOT, 'src/main.ts'), ...args], { stdio: 'ignore' });
    const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
    const timer = setTimeout(() => child.kill('SIGKILL'), wait);
    const code = await ended;
    clearTimeout(timer);
    if (code !== null) break;
    kills++;
  }
  const { code, out } = await runHoldfast(args);
  expect([code, out]).toEqual([0, expect.stringMatching(/imported|nothing to do/)]);
  expect((await runHoldfast(args)).out).toContain('nothing to do');
  const skus = Array.from({ length: 100 }, (_, index) => `item-${index}`);
  expect(new Set(await onHand(place.data, skus))).toEqual(new Set([count / 100]));
});

test('a running service takes the same, with the same answers', { timeout: ROUNDS_MS }, async () => {
  await using place = await scratch();
  await using server = await startServer();
  const file = await place.file('a.csv', 'sku,count,bucket\nlamp,5,sellable\nlamp,2,damaged\nlamp,-1,sellable\nlamp,1,attic\n');
  const args = ['import', file, '--url', server.url, '--key', server.key, '--create-items'];
  const { code, err } = await runHoldfast(args);
  expect([code, err.split('\n').filter((line) => line.includes('.csv:')).length]).toEqual([1, 2]);
  expect((await server.client.items.availability('lamp')).onHand).toBe(5);
  expect((await runHoldfast(args)).out).toContain('nothing to do');
});

test('what an import says is told by alerts and prices when a service next works on the directory', { timeout: ROUNDS_MS }, async () => {
  await using place = await scratch();
  {
    await using server = await startServer({ args: ['--data', place.data] });
    await server.client.items.put('lamp', { price: { amount: 1_000, currency: 'EUR' } });
    await server.client.pricing.putPolicy('scarce', { priority: 1, match: {}, strategy: { kind: 'rules', rules: [{ name: 'few', when: { available: [{ numeric: ['<', 5] }] }, change: { percent: 10 } }] } });
    await server.client.items.adjust('lamp', { count: 20, reason: 'counted' }, { waitSeconds: 10 });
    await expect.poll(async () => (await server.client.prices.get('lamp')).price?.amount).toBe(1_000);
  }
  const lines = ['sku,price,currency,count,thresholds', 'lamp,30.00,EUR,3,5', ...Array.from({ length: 2_000 }, (_, i) => `desk-${i},20.00,EUR,${i % 10},5`)];
  const { code } = await runHoldfast(['import', await place.file('stock.csv', `${lines.join('\n')}\n`), '--data', place.data]);
  expect(code).toBe(0);
  await using server = await startServer({ args: ['--data', place.data] });
  const skus = ['lamp', 'desk-4', 'desk-5', 'desk-1999'];
  await expect.poll(async () => (await server.client.prices.many(skus)).items.map(({ price }) => price?.amount), { timeout: 20_000 }).toEqual([3_300, 2_200, 2_000, 2_000]);
  const low = async (): Promise<string[]> => (await server.client.request<{ items: { sku: string }[] }>('GET', '/v1/low-stock')).items.map(({ sku }) => sku);
  await expect.poll(low, { timeout: 20_000 }).toEqual(['lamp']);
});
