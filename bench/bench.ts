/**
 * Every goal of speed next to its peer or its ceiling, measured in the same run:
 *
 *     npm run bench                         all of it, about fifteen minutes
 *     npm run bench -- http --rounds 5      one suite, with more rounds
 *     npm run bench -- --help
 *
 * What the suites compare, and what was measured when, is told in docs/performance.md. It ends with 0 whether the goals
 * are met or not; books that do not add up end it with 1.
 */
import { parseArgs } from 'node:util';
import { printTable, writeResults, type Line } from './report.ts';
import { adjustments } from './suites/adjustments.ts';
import { archive } from './suites/archive.ts';
import { batch } from './suites/batch.ts';
import { engine } from './suites/engine.ts';
import { feed } from './suites/feed.ts';
import { http } from './suites/http.ts';
import { overload } from './suites/overload.ts';
import { patterns } from './suites/patterns.ts';
import { postgres } from './suites/postgres.ts';
import { prices } from './suites/prices.ts';
import { pricing } from './suites/pricing.ts';
import { scale } from './suites/scale.ts';
import type { Settings, Suite } from './suites/suite.ts';
import { sweep } from './suites/sweep.ts';
import { tools } from './suites/tools.ts';

const suites: readonly Suite[] = [http, batch, engine, postgres, adjustments, feed, patterns, pricing, prices, archive, overload, scale, sweep, tools];

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { seconds: { type: 'string', default: '5' }, rounds: { type: 'string', default: '5' }, 'warm-up': { type: 'string', default: '2' }, help: { type: 'boolean', short: 'h', default: false } },
  });
  if (values.help) return usage();
  const settings: Settings = { seconds: positive(values.seconds), rounds: positive(values.rounds), warmUpSeconds: positive(values['warm-up']) };
  const lines: Line[] = [];
  for (const suite of chosen(positionals)) {
    console.error(`${suite.name}: ${suite.about}`);
    lines.push(...(await suite.run(settings)));
  }
  printTable(lines);
  console.log(`\n${writeResults(lines, settings)}`);
}

function usage(): void {
  console.log('npm run bench -- [suite …] [--seconds 5] [--rounds 5] [--warm-up 2]\n');
  for (const { name, about } of suites) console.log(`  ${name.padEnd(12)} ${about}`);
}

function chosen(names: readonly string[]): readonly Suite[] {
  for (const name of names) if (!suites.some((suite) => suite.name === name)) throw new RangeError(`there is no suite ${name}; there are ${suites.map((suite) => suite.name).join(', ')}`);
  return names.length === 0 ? suites : suites.filter((suite) => names.includes(suite.name));
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 600)) throw new RangeError(`${text} is not a number from above 0 to 600`);
  return value;
}

await main();
