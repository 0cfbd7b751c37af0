/** A writer that archives, killed at named points; then everything that it acknowledged is looked for. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDirectory } from '../../src/engines/directory/directory.ts';
import { openSqlite } from '../../src/engines/sqlite/sqlite.ts';
import { Archive, readThrough } from '../../src/runtime/runtime.ts';
import type { Point } from './archive-writer.ts';

const WRITER = join(import.meta.dirname, 'archive-writer.ts');
const POINTS: readonly Point[] = ['before put', 'after put', 'before trim', 'in trim', 'after trim', 'any'];
/** By then the point was missed, and any moment will do. */
const PATIENCE_MS = 60_000;

export interface ArchiveKills {
  readonly kills: number;
  readonly acknowledged: number;
  /** Commits that were archived and trimmed in the end. */
  readonly archived: number;
  readonly points: Readonly<Record<string, number>>;
  readonly faults: readonly string[];
}

export async function archiveKills(rounds: number): Promise<ArchiveKills> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-archive-kills-'));
  const ledger = [new Map<number, string>(), new Map<number, string>(), new Map<number, string>()];
  const points: Record<string, number> = {};
  const faults: string[] = [];
  let archived = 0;
  try {
    for (let round = 0; round < rounds && faults.length === 0; round++) {
      const point = POINTS[round % POINTS.length] ?? 'any';
      const nth = point === 'any' ? 1 : 1 + (Math.floor(round / POINTS.length) % 4);
      const died = await runOnce(directory, point, nth, ledger);
      points[died] = (points[died] ?? 0) + 1;
      const looked = await lookFor(directory, ledger);
      archived = looked.trimmed;
      faults.push(...looked.faults.map((fault) => `round ${round}, ${point}: ${fault}`));
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  return { kills: Object.values(points).reduce((sum, count) => sum + count, 0), acknowledged: ledger.reduce((sum, log) => sum + log.size, 0), archived, points, faults };
}

/** Runs the writer until it dies, and keeps what it said; gives the point at which it did. */
async function runOnce(directory: string, point: Point, nth: number, ledger: readonly Map<number, string>[]): Promise<string> {
  const child = spawn(process.execPath, [WRITER, directory, point, String(nth)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]; // as Node.js documents it
  clearTimeout(late);
  if (signal !== 'SIGKILL') throw new Error(`the writer was not killed but ended with ${code}`);
  let died = 'late';
  for (const line of said.split('\n').slice(0, -1)) {
    const [what, log, position, token = ''] = line.split(' ');
    if (what === 'log') ledger[Number(log)]?.set(Number(position), token);
    if (what === 'dies') died = line.slice('dies '.length);
  }
  return died;
}

/** What is missing, twice there, out of order or other than it was acknowledged. */
async function lookFor(directory: string, ledger: readonly ReadonlyMap<number, string>[]): Promise<{ trimmed: number; faults: string[] }> {
  await using store = await openSqlite({ directory, threads: 'inline' });
  const log = readThrough(store.log, new Archive(openDirectory(join(directory, 'archive')), store.settings));
  const faults: string[] = [];
  let trimmed = 0;
  for (const [id, acknowledged] of ledger.entries()) {
    trimmed += await store.log.trimmedTo(id);
    let reached = 0;
    for await (const { position, token, events } of log.read(id, 0)) {
      if (position !== ++reached) faults.push(`commit ${reached} of log ${id} reads as ${position}`);
      const known = acknowledged.get(position);
      if (known !== undefined && known !== token) faults.push(`commit ${position} of log ${id} is not the one acknowledged`);
      if (events.length !== 1 + (position % 5) || events.some(({ data }, n) => data['position'] !== position || data['log'] !== id || data['n'] !== n)) faults.push(`commit ${position} of log ${id} has other facts`);
    }
    if (reached !== (await store.log.head(id))) faults.push(`log ${id} reads up to ${reached}`);
    for (const position of acknowledged.keys()) if (position > reached) faults.push(`commit ${position} of log ${id} was acknowledged and is lost`);
  }
  return { trimmed, faults };
}
