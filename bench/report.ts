import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One goal, or one figure worth knowing that has no goal. */
export interface Line {
  readonly name: string;
  readonly figure: number;
  readonly unit: '/s' | 's' | 'ms' | 'B' | 'MB' | '';
  /** Measured in the same run. */
  readonly beside?: { readonly name: string; readonly figure: number };
  readonly ratio?: number;
  readonly goal?: string;
  readonly met?: boolean;
}

/** Whether a goal is met is decided here and nowhere else. */
export const atLeast = (value: number, goal: number, words = `≥ ${goal.toLocaleString('en')}`): { goal: string; met: boolean } => ({ goal: words, met: value >= goal });
export const atMost = (value: number, goal: number, words = `≤ ${goal.toLocaleString('en')}`): { goal: string; met: boolean } => ({ goal: words, met: value <= goal });

function shown(figure: number, unit: Line['unit']): string {
  if (unit === '/s') return `${Math.round(figure).toLocaleString('en')}/s`;
  return `${figure.toFixed(1)} ${unit}`;
}

export function printTable(lines: readonly Line[]): void {
  const head = ['', 'figure', 'beside it', '', 'ratio', 'goal', ''];
  const rows = lines.map(({ name, figure, unit, beside, ratio, goal, met }) => [
    name,
    shown(figure, unit),
    beside?.name ?? '',
    beside === undefined ? '' : shown(beside.figure, unit),
    ratio === undefined ? '' : ratio.toFixed(2),
    goal ?? '',
    met === undefined ? '' : met ? 'met' : 'NOT MET',
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const numbers = new Set([1, 3, 4]);
  for (const row of [head, ...rows]) {
    console.log(row.map((cell, column) => (numbers.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join('  ').trimEnd());
  }
}

/** Keeps the figures with what they were measured on; says where. */
export function writeResults(lines: readonly Line[], settings: object): string {
  const directory = fileURLToPath(new URL('results/', import.meta.url));
  mkdirSync(directory, { recursive: true });
  const at = new Date().toISOString();
  const machine = { cores: availableParallelism(), processor: cpus()[0]?.model, memoryBytes: totalmem(), load: loadavg(), node: process.version };
  const file = join(directory, `${at.replaceAll(/[:.]/g, '-')}.json`);
  writeFileSync(file, `${JSON.stringify({ at, machine, settings, lines }, null, 2)}\n`);
  return file;
}
