/**
 * `holdfast import`: takes in a file of items, stock or places, CSV or NDJSON, into a store of its own or through a
 * running service. Each line is done or refused by itself. Stopped half way, also by kill -9, the same command goes on
 * where it was: how far an import has come is stored with what its lines did.
 */
import type { Command } from 'commander';
import { addPlace, storePlace, type PlaceFlags } from '../place.ts';
import { importCommand, type ImportOptions } from './run.ts';

interface Flags extends PlaceFlags, Omit<ImportOptions, 'file' | 'target'> {
  readonly url?: string;
  readonly key?: string;
}

/** Puts `import` among the commands. */
export function addImport(program: Command): void {
  addPlace(program.command('import'))
    .description('take in items, stock and places from CSV or NDJSON; exit code 1 where lines were refused')
    .argument('[file]', 'gzipped or not; - or nothing for standard input', '-')
    .option('--url <url>', 'a running service; without it the store is opened here')
    .option('--key <key>', 'an API key of it that may write; HOLDFAST_KEY says the same out of sight')
    .option('--format <format>', 'csv or ndjson; guessed unless given')
    .option('--mode <mode>', 'of descriptions: merge keeps what a line does not say, replace sets it to its default', 'merge')
    .option('--create-items', 'lines that only change stock make the item that they name')
    .option('--currency <code>', 'of prices and costs that name none, such as EUR')
    .option('--rename <theirs=ours>', 'what the file calls a column; may be given several times', gather, [])
    .option('--ignore-unknown', 'leave out columns that are not known')
    .option('--dry-run', 'check everything, store nothing')
    .option('--id <name>', 'a name for this import: the same file under another name is done once more; standard input needs one to be resumed')
    .option('--errors <file>', 'write every refused line there as NDJSON: line, field, reason, code')
    .option('--rejects <file>', 'write the refused lines there as they stand in the file, to be mended and imported')
    .action(async (file: string, flags: Flags) => {
      const stopping = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
      const { url, key = process.env['HOLDFAST_KEY'], data, engine, ...rest } = flags;
      const target = url === undefined ? { place: storePlace({ ...(data === undefined ? undefined : { data }), ...(engine === undefined ? undefined : { engine }) }) } : { url, key };
      process.exitCode = await importCommand({ file, target, ...rest }, { out: (text) => void process.stdout.write(text), err: process.stderr, signal: stopping.signal });
    });
}

function gather(one: string, all: readonly string[]): string[] {
  return [...all, one];
}
