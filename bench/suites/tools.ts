import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openSettled } from '../../src/app/app.ts';
import { atLeast, type Line } from '../report.ts';
import { inRounds, type Sample } from '../rounds.ts';
import type { Settings, Suite } from './suite.ts';

/** The command line on files and stores: how far it is from what merely reading the same takes. */
export const tools: Suite = { name: 'tools', about: 'import and verify, beside reading alone', run };

const LINES = 100_000;
const MAIN = join(fileURLToPath(new URL('../..', import.meta.url)), 'src', 'main.ts');

async function run({ rounds }: Settings): Promise<Line[]> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  try {
    const file = join(directory, 'stock.csv');
    await writeFile(file, table());
    let turn = 0;
    let data = '';
    const measured = await inRounds<'import' | 'tried' | 'verify' | 'read'>(rounds, {
      import: () => told(['import', file, '--data', (data = join(directory, `data-${turn++}`))], /([\d,]+) lines\/s/),
      tried: () => told(['import', file, '--data', data, '--dry-run'], /([\d,]+) lines\/s/),
      verify: () => told(['verify', '--data', data], /([\d,]+) facts\/s/),
      read: () => readAlone(data),
    });
    return [
      { name: 'import, lines with item and count', figure: measured.perSecond('import'), unit: '/s', beside: { name: 'checked, stored nothing', figure: measured.perSecond('tried') }, ratio: measured.ratio('import', 'tried'), ...atLeast(measured.perSecond('import'), 50_000) },
      { name: 'verify, facts', figure: measured.perSecond('verify'), unit: '/s', beside: { name: 'read and parsed only', figure: measured.perSecond('read') }, ratio: measured.ratio('verify', 'read'), ...atLeast(measured.perSecond('verify'), 500_000) },
    ];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function table(): string {
  const lines = Array.from({ length: LINES }, (_, i) => `sku-${i},"Item number ${i}, blue",${i % 500}.${String(i % 100).padStart(2, '0')},EUR,${i % 7},category-${i % 50},main,${i % 1_000}\n`);
  return `sku,name,price,currency,safetyStock,attribute.category,location,count\n${lines.join('')}`;
}

/** What the command says of itself: its start is not in it. */
async function told(args: readonly string[], figure: RegExp): Promise<Sample> {
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...args]);
  return { perSecond: Number(figure.exec(stdout)?.[1]?.replaceAll(',', '')) };
}

async function readAlone(directory: string): Promise<Sample> {
  await using store = await openSettled({ engine: 'sqlite', directory });
  const began = performance.now();
  let facts = 0;
  for (let log = 0; log < store.partitions; log++) for await (const { events } of store.log.read(log, 0)) facts += events.length;
  return { perSecond: (facts * 1000) / (performance.now() - began) };
}
