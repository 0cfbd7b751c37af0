import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readImportLine } from '../../src/http/http.ts';
import { FLAGS } from '../child.ts';
import { atLeast, type Line } from '../report.ts';
import { parseAlone } from '../parse.ts';
import { inRounds, type Rounds, type Sample } from '../rounds.ts';
import { Product } from '../server.ts';
import { sellFrom } from '../sold.ts';
import type { Settings, Suite } from './suite.ts';

/** The command line on files and stores: how far it is from what merely reading the same takes. */
export const tools: Suite = { name: 'tools', about: 'import, verify and rebuild, beside reading alone', run };

const LINES = 100_000;
/** Each of three lines: 1.2 million facts, so that starting threads is little of it, as in a store that is worth a night. */
const ORDERS = 100_000;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(ROOT, 'src', 'main.ts');
/** As `npm start` has it: threads need not compile what was compiled before. */
const COMPILED = join(ROOT, 'node_modules', '.cache', 'compile');

async function run({ rounds }: Settings): Promise<Line[]> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  try {
    const file = join(directory, 'stock.csv');
    const lines = join(directory, 'stock.ndjson');
    await writeFile(file, table());
    await writeFile(lines, objects());
    let turn = 0;
    const sold = join(directory, 'sold');
    await sellFrom(sold, ORDERS);
    const measured = await inRounds<'import' | 'ndjson' | 'served' | 'parsed' | 'verify' | 'rebuild' | 'read'>(rounds, {
      import: () => told(['import', file, '--data', join(directory, `data-${turn++}`)], /([\d,]+) lines\/s/),
      ndjson: () => told(['import', lines, '--data', join(directory, `data-${turn++}`)], /([\d,]+) lines\/s/),
      served: () => served(file),
      parsed: () => parsed(lines),
      verify: () => told(['verify', '--data', sold], /([\d,]+) facts\/s/),
      rebuild: () => told(['rebuild', '--data', sold], /([\d,]+) facts\/s/),
      read: () => readAlone(sold),
    });
    return [
      ...(['import', 'ndjson', 'served'] as const).map((how) => importing(NAMES[how], measured.perSecond(how), measured.perSecond('parsed'), measured.ratio(how, 'parsed'))),
      reading('verify, facts', measured, 'verify', 500_000),
      reading('rebuild, facts', measured, 'rebuild', 100_000),
    ];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function reading(name: string, measured: Rounds<'verify' | 'rebuild' | 'read'>, what: 'verify' | 'rebuild', goal: number): Line {
  return { name, figure: measured.perSecond(what), unit: '/s', beside: { name: 'JSON.parse alone, a core', figure: measured.perSecond('read') }, ratio: measured.ratio(what, 'read'), ...atLeast(measured.perSecond(what), goal) };
}

function importing(name: string, figure: number, parsed: number, ratio: number): Line {
  return { name, figure, unit: '/s', beside: { name: 'read and checked alone', figure: parsed }, ratio, ...atLeast(figure, 50_000) };
}

const NAMES = { import: 'import of items with counts, CSV', ndjson: 'the same, NDJSON', served: 'the same through a service, CSV' };

function table(): string {
  const lines = Array.from({ length: LINES }, (_, i) => `sku-${i},"Item number ${i}, blue",${i % 500}.${String(i % 100).padStart(2, '0')},EUR,${i % 7},category-${i % 50},main,${i % 1_000}\n`);
  return `sku,name,price,currency,safetyStock,attribute.category,location,count\n${lines.join('')}`;
}

function objects(): string {
  return Array.from({ length: LINES }, (_, i) => `${JSON.stringify({ sku: `sku-${i}`, name: `Item number ${i}, blue`, price: { amount: (i % 500) * 100 + (i % 100), currency: 'EUR' }, safetyStock: i % 7, attributes: { category: `category-${i % 50}` }, location: 'main', count: i % 1_000 })}\n`).join('');
}

async function served(file: string): Promise<Sample> {
  await using product = await Product.start();
  return await told(['import', file, '--url', `http://127.0.0.1:${product.port}`, '--key', product.key], /([\d,]+) lines\/s/);
}

/** The ceiling: what an import does with a file before anything is decided. */
async function parsed(file: string): Promise<Sample> {
  const began = performance.now();
  let count = 0;
  for await (const line of createInterface({ input: createReadStream(file, { highWaterMark: 262_144 }) })) if (!('faults' in readImportLine(JSON.parse(line), { items: 'merge', createItems: false }))) count++;
  return { perSecond: (count * 1000) / (performance.now() - began) };
}

/** What the command says of itself: its start is not in it. */
async function told(args: readonly string[], figure: RegExp): Promise<Sample> {
  const { stdout } = await promisify(execFile)(process.execPath, [...FLAGS, MAIN, ...args], { env: { NODE_COMPILE_CACHE: COMPILED, ...process.env } });
  return { perSecond: Number(figure.exec(stdout)?.[1]?.replaceAll(',', '')) };
}

/** The ceiling, on one processor: the same text read and parsed, and nothing checked. */
async function readAlone(directory: string): Promise<Sample> {
  const { facts, seconds } = await parseAlone({ directory });
  return { perSecond: facts / seconds };
}
