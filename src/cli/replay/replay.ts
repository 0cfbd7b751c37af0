/**
 * `holdfast replay`: lets a sales file happen again. What was sold is received first, then every invoice holds and
 * confirms its lines in the order of time, credit notes come back and losses are written off. At the end the books of
 * every item are checked. Stopped half way it can be run again: each step has a name made of the file and the line.
 */
import type { Command } from 'commander';
import { between } from '../numbers.ts';
import { replayCommand } from './reenactment.ts';

interface Flags {
  readonly url: string;
  readonly key?: string;
  readonly speed: number | 'max';
  readonly concurrency: number;
  readonly scarcity: number;
  readonly currency: string;
}

/** Puts `replay` among the commands. */
export function addReplay(program: Command): void {
  program
    .command('replay')
    .description('let a sales file (CSV, gzipped or not) happen again: receipts, holds, confirmations, returns')
    .argument('<file>', 'columns InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, or names like these')
    .option('--url <url>', 'the service', process.env['HOLDFAST_URL'] ?? 'http://127.0.0.1:7070')
    .option('--key <key>', 'an API key that may write; HOLDFAST_KEY says the same out of sight')
    .option('--speed <times>', 'how many times as fast as it happened, or max', speed, 600)
    .option('--concurrency <n>', 'invoices under way at a time', between(1, 1_000, 'whole'), 64)
    .option('--scarcity <share>', 'opening stock as a share of what will be asked for', between(0, 10, 'any'), 1)
    .option('--currency <code>', 'of the prices in the file', 'GBP')
    .action(async (file: string, flags: Flags) => {
      const stopping = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
      const { key = process.env['HOLDFAST_KEY'], ...rest } = flags;
      process.exitCode = await replayCommand({ file, key, ...rest }, { out: (text) => void process.stdout.write(text), err: process.stderr, signal: stopping.signal });
    });
}

function speed(text: string): number | 'max' {
  return text === 'max' ? text : between(0.001, 1_000_000_000, 'any')(text);
}
