/**
 * `holdfast export`: writes items, stock, places or facts as CSV or NDJSON, in an order that stays the same. What it
 * writes `holdfast import` takes in again as it was. An embedded store is read by itself, so that all of it is of one
 * instant; through `--url` page after page, so that items may change meanwhile.
 */
import { Argument, Option, type Command } from 'commander';
import { addPlace, storePlace, type PlaceFlags } from '../place.ts';
import { exportCommand, KINDS, type Kind } from './run.ts';

interface Flags extends PlaceFlags {
  readonly url?: string;
  readonly key?: string;
  readonly format?: 'csv' | 'ndjson';
  readonly out?: string;
  readonly after?: string;
}

/** Puts `export` among the commands. */
export function addExport(program: Command): void {
  addPlace(program.command('export'))
    .description('write items, levels, locations or facts for other programs, and for import')
    .addArgument(new Argument('<what>', 'facts are CloudEvents in NDJSON').choices(KINDS))
    .option('--url <url>', 'a running service, for items, locations and facts; without it the store is opened here')
    .option('--key <key>', 'an API key of it that may read; HOLDFAST_KEY says the same out of sight')
    .addOption(new Option('--format <format>', 'csv unless given').choices(['csv', 'ndjson']))
    .option('--out <file>', 'standard output unless given')
    .option('--after <cursor>', 'of facts: those after it; the cursor to go on from is written to standard error')
    .action(async (what: Kind, { url, key = process.env['HOLDFAST_KEY'], data, engine, ...rest }: Flags) => {
      const source = url === undefined ? { place: storePlace({ ...(data === undefined ? undefined : { data }), ...(engine === undefined ? undefined : { engine }) }) } : { url, key };
      process.exitCode = await exportCommand({ what, source, ...rest }, process.stderr);
    });
}
