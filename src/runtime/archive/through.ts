import { isFault } from '../../base/errors.ts';
import type { Commit, LogId, LogStore, Position, Store, StoredCommit } from '../../store/store.ts';
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
    ...readers(live, archive),
  };
}

/** Commits of the archive that make a page. */
const PAGE_COMMITS = 256;

function readers(live: LogStore, archive: Archive): Pick<LogStore, 'read' | 'readAt' | 'readTogether' | 'readTogetherStored'> {
  // How far each log was seen to be trimmed: what is before that is not looked for among the live again.
  const trimmed = new Map<LogId, Position>();
  const trimmedTo = (log: LogId): Position => trimmed.get(log) ?? 0;

  /** First what is archived, then what is live; and again, where more was trimmed since it was seen last or while it was read. */
  async function* inTurn<T>(logs: () => Iterable<LogId>, archived: () => AsyncIterable<T>, kept: () => AsyncIterable<T>): AsyncGenerator<T> {
    for (;;) {
      yield* archived();
      try {
        return yield* kept();
      } catch (error) {
        if (!isFault(error, 'history-lost') || !(await archive.isUsed())) throw error;
        for (const log of logs()) trimmed.set(log, await live.trimmedTo(log));
      }
    }
  }

  async function* archivedPages(reached: Map<LogId, Position>): AsyncGenerator<readonly Commit[]> {
    for (const [log, after] of reached) {
      let page: Commit[] = [];
      for await (const commit of archive.read(log, after, trimmedTo(log))) {
        page.push(commit);
        if (page.length < PAGE_COMMITS && commit.position < trimmedTo(log)) continue;
        yield noted(page, reached);
        page = [];
      }
    }
  }

  async function* livePages<C extends { log: LogId; position: Position }>(reached: Map<LogId, Position>, pages: (after: ReadonlyMap<LogId, Position>) => AsyncIterable<readonly C[]>): AsyncGenerator<readonly C[]> {
    for await (const page of pages(reached)) yield noted(page, reached);
  }

  /** What is in the archive comes one log after another. */
  function together<C extends { log: LogId; position: Position }>(after: ReadonlyMap<LogId, Position>, pages: (after: ReadonlyMap<LogId, Position>) => AsyncIterable<readonly C[]>): AsyncGenerator<readonly (C | Commit)[]> {
    const reached = new Map(after);
    return inTurn<readonly (C | Commit)[]>(() => reached.keys(), () => archivedPages(reached), () => livePages(reached, pages));
  }

  const stored = live.readTogetherStored?.bind(live);

  return {
    read(log, after) {
      const reached = { position: after };
      return inTurn(() => [log], () => noting(archive.read(log, reached.position, trimmedTo(log)), reached), () => noting(live.read(log, reached.position), reached));
    },
    readAt(log, positions) {
      const reached = { position: 0 };
      const left = (isArchived: boolean): Position[] => positions.filter((position) => position > reached.position && position <= trimmedTo(log) === isArchived);
      return inTurn(() => [log], () => noting(archive.readAt(log, left(true)), reached), () => noting(live.readAt(log, left(false)), reached));
    },
    readTogether: (after) => together<Commit>(after, (reached) => live.readTogether(reached)),
    ...(stored ? { readTogetherStored: (after: ReadonlyMap<LogId, Position>) => together<StoredCommit | Commit>(after, stored) } : undefined),
  };
}

async function* noting(commits: AsyncIterable<Commit>, reached: { position: Position }): AsyncGenerator<Commit> {
  for await (const commit of commits) {
    yield commit;
    reached.position = commit.position;
  }
}

function noted<C extends { log: LogId; position: Position }>(page: readonly C[], reached: Map<LogId, Position>): readonly C[] {
  for (const { log, position } of page) reached.set(log, position);
  return page;
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
