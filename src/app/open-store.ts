import { openPostgres } from '../engines/postgres/postgres.ts';
import { lockDirectory, openSqlite } from '../engines/sqlite/sqlite.ts';
import type { Store } from '../store/store.ts';

/** Where a store is; plain data, so that it can be handed to a thread. */
export type StorePlace = { readonly engine: 'sqlite'; readonly directory: string } | { readonly engine: 'postgres'; readonly url: string };

export interface OpenOptions {
  readonly partitions?: number | undefined;
  /** `inline` for a caller that has a thread to itself. */
  readonly threads?: 'workers' | 'inline';
}

/** The one place that names engines. */
export async function openStore(place: StorePlace, options: OpenOptions = {}): Promise<Store> {
  const partitions = options.partitions === undefined ? {} : { partitions: options.partitions };
  switch (place.engine) {
    case 'sqlite':
      return openSqlite({ directory: place.directory, threads: options.threads ?? 'workers', ...partitions });
    case 'postgres':
      return openPostgres({ url: place.url, ...partitions });
    default:
      return place satisfies never;
  }
}

/** Makes sure that no other process works in the same place where that would not be safe or not be fast. */
export async function claimPlace(place: StorePlace): Promise<AsyncDisposable> {
  return place.engine === 'sqlite' ? lockDirectory(place.directory) : { [Symbol.asyncDispose]: async () => undefined };
}
