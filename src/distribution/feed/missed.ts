import type { Commit, LogId, LogStore, Position } from '../../store/store.ts';
import type { Place } from './place.ts';

/**
 * The commits between a place and some heads: each log in its order, the logs merged by the time of each commit's
 * first fact and then by log. Whole commits are merged rather than facts, because what was decided together is
 * delivered together live as well, and because a cursor then stands inside one commit at most.
 */
export async function* missed(log: LogStore, after: Place, upTo: readonly Position[], logs: readonly LogId[]): AsyncGenerator<Commit> {
  const readers = logs.filter((id) => (upTo[id] ?? 0) > after.position(id)).map((id) => new Reader(log.read(id, after.position(id)), upTo[id] ?? 0));
  try {
    await Promise.all(readers.map((reader) => reader.turn()));
    for (let next = earliest(readers); next !== undefined; next = earliest(readers)) {
      if (next.commit) yield next.commit;
      await next.turn();
    }
  } finally {
    await Promise.allSettled(readers.map((reader) => reader.close()));
  }
}

/** One log, read one commit at a time up to a position. */
class Reader {
  commit: Commit | undefined;
  readonly #commits: AsyncIterator<Commit>;
  readonly #upTo: Position;

  constructor(commits: AsyncIterable<Commit>, upTo: Position) {
    this.#commits = commits[Symbol.asyncIterator]();
    this.#upTo = upTo;
  }

  async turn(): Promise<void> {
    if (this.commit?.position === this.#upTo) {
      this.commit = undefined;
      return;
    }
    const result = await this.#commits.next();
    this.commit = result.done === true || result.value.position > this.#upTo ? undefined : result.value;
  }

  async close(): Promise<void> {
    await this.#commits.return?.();
  }
}

function earliest(readers: readonly Reader[]): Reader | undefined {
  let first: Reader | undefined;
  for (const reader of readers) {
    if (reader.commit && (!first?.commit || timeOf(reader.commit) < timeOf(first.commit))) first = reader;
  }
  return first;
}

const timeOf = (commit: Commit): number => commit.events[0]?.time ?? 0;
