/**
 * `holdfast verify`: checks every invariant of a whole store and changes nothing: that positions have no gap and commits
 * are what was written, that facts add up to levels, that saved states and views are what the facts fold to, that
 * records agree with items, and that no promise was beyond its limit. Exit code 1 where something is wrong.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { ConfigError, verify, type StorePlace, type VerifyReport } from '../../app/app.ts';
import type { Violation } from '../../processes/processes.ts';
import { between } from '../numbers.ts';
import { addPlace, storePlace, type PlaceFlags } from '../place.ts';
import { progressBar } from '../progress-bar.ts';

interface Flags extends PlaceFlags {
  readonly json?: boolean;
  readonly limit: number;
  readonly threads?: number;
}

/** Puts `verify` among the commands. */
export function addVerify(program: Command): void {
  addPlace(program.command('verify'))
    .description('check every invariant of a store: exit code 1 where one is broken')
    .option('--json', 'one JSON object a line: each violation, and at the end what was checked')
    .option('--limit <n>', 'violations told in full; the others are counted', between(0, 1_000_000, 'whole'), 100)
    .option('--threads <n>', 'logs checked side by side; one for each processor unless given', between(1, 64, 'whole'))
    .action(async ({ json = false, limit, threads, ...flags }: Flags) => {
      process.exitCode = await verifyCommand(storePlace(flags), { json, limit, threads }, { out: (text) => void process.stdout.write(text), err: process.stderr });
    });
}

async function verifyCommand(place: StorePlace, { json, limit, threads }: { json: boolean; limit: number; threads: number | undefined }, { out, err }: { out: (text: string) => void; err: NodeJS.WritableStream }): Promise<number> {
  if (place.engine === 'sqlite' && !existsSync(join(place.directory, 'log.db'))) throw new ConfigError(`there is no store in ${place.directory}; name another directory with --data`);
  using bar = progressBar(err);
  let told = 0;
  const report = await verify({
    place,
    ...(threads === undefined ? undefined : { threads }),
    onViolation: (violation) => {
      if (told++ < limit) out(json ? `${JSON.stringify({ violation })}\n` : sentence(violation));
    },
    // How many facts there are is known at the end only.
    onProgress: (facts) => bar.update(`verified ${facts.toLocaleString('en')} facts`, 0, 1),
  });
  bar[Symbol.dispose]();
  out(json ? `${JSON.stringify({ report })}\n` : summary(report, limit));
  return report.violations > 0 ? 1 : 0;
}

function sentence({ check, log, position, key, expected, found, message }: Violation): string {
  const at = [...(log < 0 ? [] : [`log ${log}`]), ...(position === undefined ? [] : [`position ${position}`]), ...(key === undefined ? [] : [key])].join(', ');
  const values = expected === undefined && found === undefined ? '' : ` (expected ${expected ?? '-'}, found ${found ?? '-'})`;
  return `${check}: ${at}: ${message}${values}\n`;
}

function summary({ facts, logs, violations, seconds, deadLetters }: VerifyReport, limit: number): string {
  const n = (value: number): string => value.toLocaleString('en');
  const more = violations > limit ? `and ${n(violations - limit)} more violations; --limit tells more of them\n` : '';
  const dead = deadLetters === 0 ? '' : `${n(deadLetters)} messages were set aside: see /v1/queues/commands/dead-letters\n`;
  return `${more}${dead}verified ${n(facts)} facts in ${logs} logs in ${seconds.toFixed(1)} s, ${n(Math.round(facts / Math.max(seconds, 0.001)))} facts/s: ${violations === 0 ? 'nothing is wrong' : `${n(violations)} violations`}\n`;
}
