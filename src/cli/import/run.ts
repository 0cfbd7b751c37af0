import { stat } from 'node:fs/promises';
import { isFault } from '../../base/errors.ts';
import { HoldfastUnreachable, isProblem } from '../../client/client.ts';
import { ConfigError } from '../../app/app.ts';
import type { ImportRules } from '../../http/http.ts';
import { progressBar } from '../progress-bar.ts';
import { readSheet, SheetError } from '../sheet/sheet.ts';
import { Intake } from './intake.ts';
import { Rejections } from './report.ts';
import { identityOf, inputOf, sheetOptions } from './source.ts';
import { ImportStopped, openTarget, type Taken, type TargetChoice } from './target.ts';

export interface ImportOptions {
  /** `-` is standard input. */
  readonly file: string;
  readonly target: TargetChoice;
  readonly format?: 'csv' | 'ndjson';
  readonly mode: 'merge' | 'replace';
  readonly createItems?: boolean;
  readonly currency?: string;
  /** `theirs=ours`. */
  readonly rename: readonly string[];
  readonly ignoreUnknown?: boolean;
  readonly dryRun?: boolean;
  readonly id?: string;
  readonly errors?: string;
  readonly rejects?: string;
}

export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: NodeJS.WritableStream;
  readonly signal: AbortSignal;
}

/** Imports a file and prints what became of it. Gives the exit code: 0 where every line was taken, 1 where some were refused, 2 where it could not be done. */
export async function importCommand(options: ImportOptions, terminal: Terminal): Promise<number> {
  const name = options.file === '-' ? 'standard input' : options.file;
  try {
    const report = await runImport(options, name, terminal);
    terminal.out(reportText(name, report, options.dryRun === true));
    return report.refused > 0 ? 1 : 0;
  } catch (error) {
    if (!isExpected(error)) throw error;
    terminal.err.write(`holdfast: ${error.message}\n`);
    return 2;
  }
}

function isExpected(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return isFault(error) || isProblem(error) || [SheetError, ImportStopped, ConfigError, HoldfastUnreachable].some((kind) => error instanceof kind) || 'syscall' in error;
}

interface Report extends Omit<Taken, 'faults'> {
  /** Lines that were taken in before this run. */
  readonly before: number;
  /** Lines that this run took in or refused. */
  readonly lines: number;
  readonly seconds: number;
}

async function runImport(options: ImportOptions, name: string, { err, signal }: Terminal): Promise<Report> {
  const rules: ImportRules = { items: options.mode, createItems: options.createItems === true };
  const mode = options.dryRun === true ? 'rehearse' : 'store';
  const importId = await identityOf(options);
  const bytes = options.file === '-' ? 0 : (await stat(options.file)).size;
  await using target = await openTarget(options.target, rules, mode);
  const before = mode === 'store' ? await target.find(importId) : undefined;
  await using rejections = new Rejections({ name, err, errors: options.errors, rejects: options.rejects });
  await rejections.tell(before?.faults ?? []);
  using bar = progressBar(err);
  let read = 0;
  const sheet = readSheet(inputOf(options.file), { ...sheetOptions(options), onBytes: (count) => bar.update(`importing ${name}`, (read += count), Math.max(bytes, read)) });
  const intake = new Intake({ target, importId, mode, rules, rejections, before });
  const began = performance.now();
  try {
    for await (const { header, lines } of sheet) {
      for (const line of lines) {
        const full = intake.line(line, header);
        if (full) await full;
      }
      if (signal.aborted) break;
    }
    await intake.end();
  } catch (error) {
    throw new ImportStopped(`${error instanceof Error ? error.message : String(error)}${mode === 'store' ? `; stopped after line ${intake.reached}` : ''}`, { cause: error });
  } finally {
    await intake.settle();
  }
  if (signal.aborted) throw new ImportStopped(`import stopped after line ${intake.reached}; ${options.file === '-' && options.id === undefined ? 'without --id it cannot be gone on with' : 'the same command goes on where it stopped'}`);
  return { ...intake.total, before: before?.line ?? 0, lines: intake.lines, seconds: (performance.now() - began) / 1000 };
}

function reportText(name: string, { described, adjusted, unchanged, refused, before, lines, seconds }: Report, rehearsed: boolean): string {
  const n = (value: number): string => value.toLocaleString('en');
  if (lines === 0 && before > 0) return `${name} was imported before, up to line ${n(before)}: nothing to do. Another --id imports it once more.\n`;
  const counted = [`described ${n(described)}`, `stock changed ${n(adjusted)}`, `as it was ${n(unchanged)}`, `refused ${n(refused)}`].join(', ');
  const speed = `${n(lines)} lines in ${seconds.toFixed(1)} s, ${n(Math.round(lines / Math.max(seconds, 0.001)))} lines/s`;
  const resumed = before > 0 ? `, after line ${n(before)} where it had stopped` : '';
  return rehearsed ? `tried ${name}, stored nothing: ${speed}\n  would be: ${counted}\n` : `imported ${name}: ${speed}${resumed}\n  lines in all: ${counted}\n`;
}
