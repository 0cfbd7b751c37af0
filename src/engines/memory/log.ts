import { assert, must } from '../../base/assert.ts';
import { conflict, Fault } from '../../base/errors.ts';
import { decodeEvents, encodeEvents, type Append, type Commit, type LogId, type Position } from '../../store/store.ts';

/** One log at rest. `commits[0]` is the commit after `trimmedTo`. */
export interface LogImage {
  readonly trimmedTo: Position;
  readonly commits: readonly StoredCommit[];
}

interface StoredCommit {
  readonly token: string;
  readonly body: string;
}

interface Log {
  trimmedTo: Position;
  commits: StoredCommit[];
}

/** Small, so that tests with a hundred commits already turn a page. */
const PAGE_COMMITS_MAX = 64;

/** An append whose facts are text already, so that nothing the caller changes later can reach what is stored. */
export interface EncodedAppend {
  readonly log: LogId;
  readonly expected: Position;
  readonly body: string;
}

export class MemoryLogs {
  readonly #logs: Log[];
  readonly #watchers = new Set<() => void>();
  #announced = false;

  constructor(images: readonly LogImage[]) {
    this.#logs = images.map(({ trimmedTo, commits }) => ({ trimmedTo, commits: [...commits] }));
  }

  image(): LogImage[] {
    return this.#logs.map(({ trimmedTo, commits }) => ({ trimmedTo, commits: [...commits] }));
  }

  encode(commits: readonly Append[]): EncodedAppend[] {
    assert(commits.length > 0, 'an append names at least one log');
    assert(new Set(commits.map(({ log }) => log)).size === commits.length, 'an append names each log at most once');
    return commits.map(({ log, expected, events, body = encodeEvents(events) }) => {
      this.#at(log);
      assert(events.length > 0, `the commit for log ${log} holds at least one fact`);
      return { log, expected, body };
    });
  }

  append(commits: readonly EncodedAppend[], token: string): void {
    for (const { log, expected } of commits) {
      if (this.head(log) !== expected) throw conflict(`append to log ${log} after position ${expected}`);
    }
    for (const { log, body } of commits) this.#at(log).commits.push({ token, body });
    this.#announce();
  }

  beginAfter(log: LogId, position: Position): void {
    const entry = this.#at(log);
    if (this.head(log) !== 0 && this.head(log) !== position) throw conflict(`beginning log ${log} after position ${position}`);
    if (entry.commits.length === 0) entry.trimmedTo = position;
  }

  add(log: LogId, commits: readonly Commit[]): void {
    if ((commits[0]?.position ?? 0) !== this.head(log) + 1) throw conflict(`adding commits to log ${log}`);
    for (const { token, events } of commits) this.#at(log).commits.push({ token, body: encodeEvents(events) });
  }

  page(log: LogId, after: Position): Commit[] {
    const { trimmedTo, commits } = this.#at(log);
    if (after < trimmedTo) throw historyLost(log, after, trimmedTo);
    return commits.slice(after - trimmedTo, after - trimmedTo + PAGE_COMMITS_MAX).map((_, index) => this.#commit(log, after + index + 1));
  }

  at(log: LogId, positions: readonly Position[]): Commit[] {
    const { trimmedTo } = this.#at(log);
    const [first] = positions;
    if (first !== undefined && first <= trimmedTo) throw historyLost(log, first - 1, trimmedTo);
    const head = this.head(log);
    return positions.filter((position) => position <= head).map((position) => this.#commit(log, position));
  }

  #commit(log: LogId, position: Position): Commit {
    const { trimmedTo, commits } = this.#at(log);
    const { token, body } = must(commits[position - trimmedTo - 1], `log ${log} has no commit ${position}`);
    return { log, position, token, events: decodeEvents(body, { log, position }) };
  }

  head(log: LogId): Position {
    const { trimmedTo, commits } = this.#at(log);
    return trimmedTo + commits.length;
  }

  heads(): Position[] {
    return this.#logs.map((_, log) => this.head(log));
  }

  trimmedTo(log: LogId): Position {
    return this.#at(log).trimmedTo;
  }

  trim(log: LogId, upTo: Position): void {
    const entry = this.#at(log);
    const count = Math.max(0, Math.min(upTo, this.head(log)) - entry.trimmedTo);
    entry.commits.splice(0, count);
    entry.trimmedTo += count;
  }

  watch(onAdvance: () => void): () => void {
    const watcher = (): void => onAdvance(); // one of its own, so that the same function may watch twice
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  #announce(): void {
    if (this.#announced) return;
    this.#announced = true;
    queueMicrotask(() => {
      this.#announced = false;
      for (const watcher of this.#watchers) watcher();
    });
  }

  #at(log: LogId): Log {
    return must(this.#logs[log], `there is no log ${log}: the store has ${this.#logs.length}`);
  }
}

function historyLost(log: LogId, after: Position, trimmedTo: Position): Fault {
  return new Fault('history-lost', `log ${log} was trimmed up to ${trimmedTo}, so it cannot be read after ${after}; start from a snapshot or from the archive`, { retry: 'never' });
}
