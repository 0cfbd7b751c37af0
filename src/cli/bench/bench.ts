/**
 * `holdfast bench`: how many holds a second this machine makes durable, and how long they take. It fills a scratch
 * service of its own with stock, or asks the one at `--url`, lets connections hold units without a pause, and at the
 * end compares what was acknowledged with the books.
 */
import type { Command } from 'commander';
import { between } from '../numbers.ts';
import { benchCommand } from './run.ts';

interface Flags {
  readonly url?: string;
  readonly key?: string;
  readonly connections: number;
  readonly seconds: number;
  readonly items: number;
  readonly batch: number;
}

/** Puts `bench` among the commands. */
export function addBench(program: Command): void {
  program
    .command('bench')
    .description('measure durable holds a second and their latencies, and check the books afterwards')
    .option('--url <url>', 'a running service; without it one is started on a scratch store')
    .option('--key <key>', 'an API key of it that may write; HOLDFAST_KEY says the same out of sight')
    .option('--connections <n>', 'callers at a time', between(1, 1_000, 'whole'), 64)
    .option('--seconds <n>', 'how long', between(1, 600, 'any'), 5)
    .option('--items <n>', 'how many items the holds are spread over; 1 is one hot item', between(1, 10_000, 'whole'), 1)
    .option('--batch <n>', 'holds in one request', between(1, 1_000, 'whole'), 1)
    .action(async ({ key = process.env['HOLDFAST_KEY'], ...flags }: Flags) => {
      process.exitCode = await benchCommand({ ...flags, key }, { out: (text) => void process.stdout.write(text), err: process.stderr });
    });
}
