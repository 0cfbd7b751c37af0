/** The store's ports, said in calls to the three sides. What is costly to encode is encoded here, once. */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { assert, must } from '../../base/assert.ts';
import type { Distribution } from '../../base/distribution.ts';
import { canonicalJson, type Json } from '../../base/json.ts';
import { ownFile } from '../../base/own-file.ts';
import { decodeEvents, encodeEvents, type Append, type Commit, type LogId, type LogStore, type Position, type ProjectionStore, type Queue, type Leases, type Settings, type StoredCommit, type Transfer } from '../../store/store.ts';
import type { Desk } from './desk.ts';
import type { EncodedAppend } from './log.ts';
import { PAGE_COMMITS_FIRST, PAGE_COMMITS_MAX, type EncodedAny } from './log-reads.ts';
import { decodeClaim, decodeReport, type EncodedMessage } from './queue.ts';
import { decodeStored, encodeStored } from './transfer.ts';
import type * as AskingFile from './questions.ts';
import type { LogOperations, Questions, ViewOperations } from './sides.ts';

export interface Desks {
  readonly log: Desk<LogOperations>;
  readonly views: Desk<ViewOperations>;
  readonly reader: Desk<Questions>;
}

export function logPort({ log, views, reader }: Desks, partitions: number, watch: LogStore['watch'], appendBytes: Distribution): LogStore {
  const known = (id: LogId): LogId => {
    assert(Number.isSafeInteger(id) && id >= 0 && id < partitions, `there is no log ${id}: the store has ${partitions}`);
    return id;
  };
  async function* pages(after: ReadonlyMap<LogId, Position>): AsyncGenerator<readonly EncodedAny[]> {
    const reached = new Map([...after].map(([id, position]) => [known(id), position]));
    let from: number | undefined;
    do {
      const { commits, next } = await reader.call('readTogether', reached, from);
      for (const [id, position] of commits) reached.set(id, position);
      if (commits.length > 0) yield commits;
      from = next;
    } while (from !== undefined);
  }
  return {
    async append(commits, token) {
      const encoded = encodeAppends(commits, known);
      await log.call('append', encoded, token);
      appendBytes.observe(bytesOf(encoded));
    },
    async *read(id, after): AsyncGenerator<Commit> {
      let position = after;
      for (let most = PAGE_COMMITS_FIRST; ; most = PAGE_COMMITS_MAX) {
        const page = await reader.call('readPage', known(id), position, most);
        if (page.length === 0) return;
        for (const [at, token, body] of page) {
          yield { log: id, position: at, token, events: decodeEvents(body, { log: id, position: at }) };
          position = at;
        }
      }
    },
    async *readAt(id, positions): AsyncGenerator<Commit> {
      for (let done = 0; done < positions.length; ) {
        const page = await reader.call('readAt', known(id), positions.slice(done, done + PAGE_COMMITS_MAX));
        if (page.length === 0) return;
        for (const [at, token, body] of page) yield { log: id, position: at, token, events: decodeEvents(body, { log: id, position: at }) };
        done += page.length;
      }
    },
    async *readTogether(after): AsyncGenerator<readonly Commit[]> {
      for await (const page of pages(after)) yield page.map(([log, position, token, body]) => ({ log, position, token, events: decodeEvents(body, { log, position }) }));
    },
    async *readTogetherStored(after): AsyncGenerator<readonly StoredCommit[]> {
      for await (const page of pages(after)) yield page.map(([log, position, , body]) => ({ log, position, body }));
    },
    head: async (id) => reader.call('head', known(id)),
    heads: () => reader.call('heads'),
    trimmedTo: async (id) => reader.call('trimmedTo', known(id)),
    async trim(id, upTo: Position) {
      // After a power loss the views may be behind what their readers were told. The commits that they need to catch
      // up must not be gone by then, so the views are made durable before anything is forgotten.
      await views.call('sync');
      while (!(await log.call('trim', known(id), upTo)));
    },
    watch,
  };
}

function encodeAppends(commits: readonly Append[], known: (log: LogId) => LogId): EncodedAppend[] {
  assert(commits.length > 0, 'an append names at least one log');
  assert(commits.length === 1 || new Set(commits.map(({ log }) => log)).size === commits.length, 'an append names each log at most once');
  return commits.map(({ log, expected, events, body = encodeEvents(events) }) => {
    assert(events.length > 0, `the commit for log ${log} holds at least one fact`);
    return [known(log), expected, body];
  });
}

function bytesOf(commits: readonly EncodedAppend[]): number {
  let bytes = 0;
  for (const [, , body] of commits) bytes += Buffer.byteLength(body);
  return bytes;
}

const require = createRequire(import.meta.url);

/** `look`: throws where saved states or rows were found damaged. */
export function projectionPort({ views, reader }: Omit<Desks, 'log'>, partitions: number, beside: ProjectionStore['beside'], look: () => void = () => undefined): ProjectionStore {
  let sql: ProjectionStore['sql'] | undefined;
  const ask = async (text: string, parameters: readonly unknown[]): Promise<{ rows: unknown[]; changes: number }> => {
    look();
    return reader.call('query', text, parameters);
  };
  return {
    prepare: (tables, form) => views.call('prepare', tables, form),
    form: async () => (await reader.call('form')) ?? undefined,
    beside,
    async reopen() {
      await reader.call('reopen');
      await views.call('reopen');
    },
    async apply(step) {
      for (const { log } of step.checkpoints) assert(log >= 0 && log < partitions, `there is no log ${log}: the store has ${partitions}`);
      await views.call('apply', step);
    },
    checkpoints: (consumer) => reader.call('checkpoints', consumer, partitions),
    async loadStates(log, keys) {
      look();
      return reader.call('loadStates', log, keys);
    },
    dueStates: (after, untilMs, limit) => reader.call('dueStates', after, untilMs, limit),
    dropDueStates: (prefix, beforeMs, limit) => views.call('dropDueStates', prefix, beforeMs, limit),
    unlike: (table, columns, rows) => reader.call('unlike', table, columns, rows),
    count: (table) => reader.call('count', table),
    // A quarter of all files that a thread loads, so only where somebody asks: the projector never does.
    get sql() {
      return (sql ??= (require(fileURLToPath(ownFile(import.meta.url, 'questions'))) as typeof AskingFile).questionsBy(ask)); // that very file
    },
  };
}

/** Whether the queue may be asked, because an index that is wrong would hide some of it. */
export interface QueueChecks {
  /** Resolves once it may. */
  looked(): Promise<void>;
  /** It may, now. */
  readonly isSound: boolean;
}

export function queuePort({ log, reader }: Desks, checks: QueueChecks): Queue {
  const looked = (): Promise<void> => checks.looked();
  return {
    async put(messages, nowMs, claim) {
      const rows = messages.map(({ id, queue, lane, body, batch, line }): EncodedMessage => [id, queue, lane, JSON.stringify(body), batch ?? null, line ?? null]);
      const claimed = await log.call('put', rows, nowMs, checks.isSound ? claim : undefined);
      return claimed.map((place) => decodeClaim([...must(rows[place], 'what is claimed was put'), 1]));
    },
    async claim(queue, options) {
      await looked();
      return (await log.call('claim', queue, options)).map(decodeClaim);
    },
    finish: (results, nowMs) => log.call('finish', results.map(({ id, attempt, result }) => [id, attempt, JSON.stringify(result)] as const), nowMs),
    retry: (id, attempt, notBeforeMs, error) => log.call('retry', id, attempt, notBeforeMs, error),
    bury: (id, attempt, error) => log.call('bury', id, attempt, error),
    revive: (id, nowMs) => log.call('revive', id, nowMs),
    async find(id) {
      await looked();
      const row = await reader.call('findMessage', id);
      return row && decodeReport(row);
    },
    async deadLetters(queue, after, limit) {
      await looked();
      return (await reader.call('deadLetters', queue, after, limit)).map(decodeReport);
    },
    async batch(batch, limit) {
      await looked();
      const { refusals, ...counts } = await reader.call('batch', batch, limit);
      return { ...counts, refusals: refusals.map(decodeReport) };
    },
    depth: (queue, nowMs) => reader.call('depth', queue, nowMs),
    queues: () => reader.call('queues'),
    purge: (beforeMs, limit) => log.call('purge', beforeMs, limit),
  };
}

export function transferPort({ log, reader }: Desks): Transfer {
  return {
    beginAfter: (id, position) => log.call('beginAfter', id, position),
    addCommits: (id, commits) => log.call('addCommits', id, commits.map(({ position, token, events }) => [position, token, encodeEvents(events)] as const)),
    messages: async (after, limit) => (await reader.call('storedMessages', after, limit)).map(decodeStored),
    addMessages: (messages) => log.call('addMessages', messages.map(encodeStored)),
  };
}

export function leasePort({ log, reader }: Desks): Leases {
  return {
    acquire: (name, holder, options) => log.call('acquire', name, holder, options),
    release: ({ name, holder, epoch }) => log.call('release', name, holder, epoch),
    find: (name) => reader.call('findLease', name),
  };
}

export function settingPort({ log, reader }: Desks): Settings {
  const encoded = (value: Json | undefined): string | null => (value === undefined ? null : canonicalJson(value));
  const decoded = (text: string): Json => JSON.parse(text) as Json; // `swap` stores nothing but JSON
  return {
    async get(name) {
      const text = await reader.call('getSetting', name);
      return text === null ? undefined : decoded(text);
    },
    swap: (name, expected, value) => log.call('swap', name, encoded(expected), encoded(value)),
    list: async (prefix) => (await reader.call('listSettings', prefix)).map(([name, text]) => ({ name, value: decoded(text) })),
  };
}
