import { join } from 'node:path';
import { Fault } from '../base/errors.ts';
import { openDirectory } from '../engines/directory/directory.ts';
import { Archive, readThrough, withLog } from '../runtime/runtime.ts';
import type { LogStore, Store } from '../store/store.ts';

/**
 * Where a store is; plain data, so that it can be handed to a thread. `archive` is the directory of its old commits:
 * beside SQLite's files unless said otherwise; on PostgreSQL, where a directory of one node is none of the others', there
 * is none unless said.
 */
export type StorePlace =
  | { readonly engine: 'sqlite'; readonly directory: string; readonly archive?: string | undefined }
  | { readonly engine: 'postgres'; readonly url: string; readonly archive?: string | undefined };

/** A store whose log goes back as far as its archive does. */
export interface ArchivedStore extends Store {
  /** Without what was archived. */
  readonly live: LogStore;
  readonly archive: Archive | undefined;
}

export interface OpenOptions {
  readonly partitions?: number | undefined;
  /** `inline` for a caller that has a thread to itself. */
  readonly threads?: 'workers' | 'inline';
}

/** Opens the store in a place, and its archive with it. */
export async function openStore(place: StorePlace, options: OpenOptions = {}): Promise<ArchivedStore> {
  const store = await openEngine(place, options);
  const directory = place.archive ?? (place.engine === 'sqlite' ? join(place.directory, 'archive') : undefined);
  if (directory === undefined) return withoutArchive(store);
  const archive = new Archive(openDirectory(directory), store.settings);
  return { ...withLog(store, readThrough(store.log, archive)), live: store.log, archive };
}

async function withoutArchive(store: Store): Promise<ArchivedStore> {
  const known = await store.settings.get('archive');
  if (known === undefined) return { ...withLog(store, store.log), live: store.log, archive: undefined };
  await store[Symbol.asyncDispose]();
  throw new Fault('unavailable', 'old commits of this store are in an archive: say with --archive-dir where it is', { retry: 'never' });
}

/** The one place that names engines. Each is loaded where it is used: the other one's driver is of no use there. */
async function openEngine(place: StorePlace, options: OpenOptions): Promise<Store> {
  const partitions = options.partitions === undefined ? {} : { partitions: options.partitions };
  switch (place.engine) {
    case 'sqlite': {
      const { openSqlite } = await import('../engines/sqlite/sqlite.ts');
      return openSqlite({ directory: place.directory, threads: options.threads ?? 'workers', ...partitions });
    }
    case 'postgres': {
      const { openPostgres } = await import('../engines/postgres/postgres.ts');
      return openPostgres({ url: place.url, ...partitions });
    }
    default:
      return place satisfies never;
  }
}

/** Makes sure that no other process works in the same place where that would not be safe or not be fast. */
export async function claimPlace(place: StorePlace): Promise<AsyncDisposable> {
  if (place.engine !== 'sqlite') return { [Symbol.asyncDispose]: async () => undefined };
  const { lockDirectory } = await import('../engines/sqlite/sqlite.ts');
  return lockDirectory(place.directory);
}
