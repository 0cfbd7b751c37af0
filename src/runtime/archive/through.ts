import { isFault } from '../../base/errors.ts';
import type { Commit, LogId, LogStore, Position, Store } from '../../store/store.ts';
import type { Archive } from './archive.ts';

/**
 * A log that goes back as far as the archive does: archived commits, and then live ones. Whoever reads it need not know
 * where a commit is. Trimming it forgets what is live; `trimmedTo` says how far the policy has deleted.
 */
export function readThrough(live: LogStore, archive: Archive): LogStore {
  return {
    append: (commits, token) => live.append(commits, token),
    head: (log) => live.head(log),
    heads: () => live.heads(),
    trim: (log, upTo) => live.trim(log, upTo),
    watch: (onAdvance) => live.watch(onAdvance),
    trimmedTo: async (log) => ((await archive.isUsed()) ? archive.deletedTo(log) : live.trimmedTo(log)),
    read: reader(live, archive),
  };
}

function reader(live: LogStore, archive: Archive): LogStore['read'] {
  // How far each log was seen to be trimmed: what is before that is not looked for among the live again.
  const trimmed = new Map<LogId, Position>();
  return async function* read(log: LogId, after: Position): AsyncGenerator<Commit> {
    let position = after;
    for (;;) {
      for await (const commit of archive.read(log, position, trimmed.get(log) ?? 0)) {
        yield commit;
        position = commit.position;
      }
      try {
        for await (const commit of live.read(log, position)) {
          yield commit;
          position = commit.position;
        }
        return;
      } catch (error) {
        // Trimmed, since it was seen last or while it was read.
        if (!isFault(error, 'history-lost') || !(await archive.isUsed())) throw error;
        trimmed.set(log, await live.trimmedTo(log));
      }
    }
  };
}

/** The same store with another log. */
export function withLog(store: Store, log: LogStore): Store {
  return {
    engine: store.engine,
    durability: store.durability,
    partitions: store.partitions,
    ...(store.writes ? { writes: store.writes } : undefined),
    log,
    projections: store.projections,
    queue: store.queue,
    leases: store.leases,
    settings: store.settings,
    transfer: store.transfer,
    ping: () => store.ping(),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}
