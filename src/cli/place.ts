import type { Command } from 'commander';
import { placeOf, readConfig, type StorePlace } from '../app/app.ts';

/** Where a command finds a store by itself: the flags that `serve` has, and its variables. */
export interface PlaceFlags {
  readonly data?: string;
  readonly engine?: string;
}

export function addPlace(command: Command): Command {
  return command
    .option('--data <directory>', 'where an embedded store is; HOLDFAST_DATA, or ./data')
    .option('--engine <name>', 'sqlite or postgres; HOLDFAST_ENGINE, or sqlite. PostgreSQL is found by HOLDFAST_DATABASE_URL');
}

export function storePlace({ data, engine }: PlaceFlags): StorePlace {
  const flags = [...(data === undefined ? [] : ['--data', data]), ...(engine === undefined ? [] : ['--engine', engine])];
  return placeOf(readConfig(flags, process.env));
}
