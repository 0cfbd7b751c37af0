/**
 * A store that lives in memory and keeps every promise but survival: for tests, and for the simulation, which
 * injects faults, pulls the plug and opens a new store from the image of what was durable. It is deterministic:
 * calls resolve on microtasks, delays pass on the injected clock alone, and chance is whoever's was handed in.
 */
import { Kysely } from 'kysely';
import { assert } from '../../base/assert.ts';
import type { Clock } from '../../base/clock.ts';
import { canonicalJson } from '../../base/json.ts';
import { below, chance, type Random } from '../../base/random.ts';
import { sqliteDialect } from '../../store/sqlite-dialect.ts';
import type { Commit, LogId, LogStore, Position, ProjectionStore, Queue, Store } from '../../store/store.ts';
import { MemoryLeases, type LeasesImage } from './leases.ts';
import { MemoryLogs, type LogImage } from './log.ts';
import { MemoryProjections, type ProjectionChange } from './projections.ts';
import { EMPTY_QUEUE, encodeMessage, MemoryQueue, type QueueImage } from './queue.ts';
import { Session, type Faults } from './session.ts';
import { encodeSetting, MemorySettings, type SettingsImage } from './settings.ts';

export { openMemoryColdStore, type ColdCall, type MemoryColdStore } from './cold-store.ts';
export type { Faults, Operation, Verdict } from './session.ts';

/** A database at rest: plain data that shares nothing with the store it came from. */
export interface Image {
  readonly logs: readonly LogImage[];
  readonly projections: readonly ProjectionChange[];
  readonly queue: QueueImage;
  readonly leases: LeasesImage;
  readonly settings: SettingsImage;
}

export interface HandleOptions {
  readonly faults?: Faults;
  /** Lets the delays of `faults` pass; without a clock they are left out. */
  readonly clock?: Clock;
}

export interface MemoryStore extends Store {
  /** Another handle on the same database, as another process has one. */
  share(options?: HandleOptions): MemoryStore;
  /** What is stored at this moment. */
  image(): Image;
  /** Stops this handle as SIGSTOP stops a process, until `resume`: writes under way arrive, and no call is answered. */
  pause(): void;
  resume(): void;
  /** Ends this handle as `kill -9` ends a process: it never answers again, and chance says which writes under way arrived. */
  kill(random: Random): void;
  /** Pulls the plug: kills every handle, and rolls the projections back to a step that chance picks. Gives what is left. */
  crash(random: Random): Image;
}

/** How many logs there are where the caller does not say. */
const PARTITIONS = 16;

export function openMemory(options: HandleOptions & { readonly partitions?: number; readonly from?: Image } = {}): MemoryStore {
  const image = options.from ?? emptyImage(options.partitions ?? PARTITIONS);
  assert(options.partitions === undefined || options.partitions === image.logs.length, `the image has ${image.logs.length} logs, not ${options.partitions}`);
  return new Handle(new Database(image), options);
}

function emptyImage(partitions: number): Image {
  assert(Number.isSafeInteger(partitions) && partitions > 0, `${partitions} is not a number of partitions`);
  const logs = Array.from({ length: partitions }, (): LogImage => ({ trimmedTo: 0, commits: [] }));
  return { logs, projections: [], queue: EMPTY_QUEUE, leases: [], settings: [] };
}

/** What all handles share. */
class Database {
  readonly logs: MemoryLogs;
  projections: MemoryProjections;
  readonly queue: MemoryQueue;
  readonly leases: MemoryLeases;
  readonly settings: MemorySettings;
  readonly sessions = new Set<Session>();

  constructor(image: Image) {
    this.logs = new MemoryLogs(image.logs);
    this.projections = new MemoryProjections(image.logs.length, image.projections);
    this.queue = new MemoryQueue(image.queue);
    this.leases = new MemoryLeases(image.leases);
    this.settings = new MemorySettings(image.settings);
  }

  image(): Image {
    return {
      logs: this.logs.image(),
      projections: this.projections.image(),
      queue: this.queue.image(),
      leases: this.leases.image(),
      settings: this.settings.image(),
    };
  }
}

class Handle implements MemoryStore {
  readonly engine = 'memory';
  readonly durability = 'kept in memory only';
  readonly partitions: number;
  readonly log: LogStore;
  readonly projections: ProjectionStore;
  readonly queue: Queue;
  readonly leases: Store['leases'];
  readonly settings: Store['settings'];
  readonly transfer: Store['transfer'];
  readonly #database: Database;
  readonly #session: Session;
  readonly #unwatch = new Set<() => void>();

  constructor(database: Database, options: HandleOptions) {
    this.#database = database;
    this.#session = new Session(options);
    database.sessions.add(this.#session);
    this.partitions = database.logs.heads().length;
    this.log = logPort(database.logs, this.#session, this.#unwatch);
    this.projections = livePort(database, this.#session);
    this.queue = queuePort(database.queue, this.#session);
    this.leases = leasesPort(database.leases, this.#session);
    this.settings = settingsPort(database.settings, this.#session);
    this.transfer = transferPort(database, this.#session);
  }

  ping(): Promise<void> {
    return this.#session.run('ping', () => undefined);
  }

  share(options: HandleOptions = {}): MemoryStore {
    return new Handle(this.#database, options);
  }

  image(): Image {
    return this.#database.image();
  }

  pause(): void {
    this.#session.pause();
  }

  resume(): void {
    this.#session.resume();
  }

  kill(random: Random): void {
    this.#leave();
    this.#session.kill(random);
  }

  crash(random: Random): Image {
    for (const session of this.#database.sessions) session.kill(random);
    this.#database.sessions.clear();
    const image = this.#database.image();
    // Often nothing is lost: a projection that is always behind would hide faults of resuming from its checkpoint.
    const kept = chance(random, 0.5) ? image.projections.length : below(random, image.projections.length + 1);
    return { ...image, projections: image.projections.slice(0, kept) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave();
    this.#session.close();
  }

  #leave(): void {
    this.#database.sessions.delete(this.#session);
    for (const unwatch of this.#unwatch) unwatch();
    this.#unwatch.clear();
  }
}

function logPort(logs: MemoryLogs, session: Session, unwatch: Set<() => void>): LogStore {
  return {
    async append(commits, token) {
      const encoded = logs.encode(commits);
      await session.run('append', () => logs.append(encoded, token));
    },
    read: (log, after) => pages(logs, session, log, after),
    async *readAt(log, positions) {
      yield* await session.run('read', () => logs.at(log, positions));
    },
    readTogether: (after) => pagesOfSome(logs, session, after),
    head: (log) => session.run('read', () => logs.head(log)),
    heads: () => session.run('read', () => logs.heads()),
    trimmedTo: (log) => session.run('read', () => logs.trimmedTo(log)),
    trim: (log, upTo) => session.run('trim', () => logs.trim(log, upTo)),
    watch(onAdvance) {
      const stop = logs.watch(onAdvance);
      unwatch.add(stop);
      return () => {
        unwatch.delete(stop);
        stop();
      };
    },
  };
}

async function* pages(logs: MemoryLogs, session: Session, log: LogId, after: Position): AsyncGenerator<Commit> {
  let position = after;
  for (;;) {
    const page = await session.run('read', () => logs.page(log, position));
    if (page.length === 0) return;
    yield* page;
    position += page.length;
  }
}

/** A page of each log in turn, as long as there is one. */
async function* pagesOfSome(logs: MemoryLogs, session: Session, after: ReadonlyMap<LogId, Position>): AsyncGenerator<readonly Commit[]> {
  const reached = new Map(after);
  while (reached.size > 0) {
    for (const [log, position] of reached) {
      const page = await session.run('read', () => logs.page(log, position));
      if (page.length > 0) yield page;
      if (page.length > 0) reached.set(log, position + page.length);
      else reached.delete(log);
    }
  }
}

function livePort(database: Database, session: Session): ProjectionStore {
  return {
    ...projectionsPort(() => database.projections, session),
    async beside() {
      const fresh = new MemoryProjections(database.logs.heads().length, []);
      return {
        projections: projectionsPort(() => fresh, session),
        adopt: () => session.run('apply', () => void (database.projections = fresh)),
        [Symbol.asyncDispose]: async () => undefined,
      };
    },
    reopen: async () => undefined,
  };
}

function projectionsPort(live: () => MemoryProjections, session: Session): Omit<ProjectionStore, 'beside' | 'reopen'> {
  return {
    async prepare(tables, form) {
      const copy = structuredClone(tables);
      await session.run('apply', () => live().prepare(copy, form));
    },
    form: () => session.run('load', () => live().form),
    async apply(step) {
      const copy = structuredClone(step);
      await session.run('apply', () => live().apply(copy));
    },
    checkpoints: (consumer) => session.run('load', () => live().checkpoints(consumer)),
    loadStates: (log, keys) => session.run('load', () => live().loadStates(log, keys)),
    dueStates: (after, untilMs, limit) => session.run('load', () => live().dueStates(after, untilMs, limit)),
    dropDueStates: (prefix, beforeMs, limit) => session.run('apply', () => live().dropDueStates(prefix, beforeMs, limit)),
    sql: new Kysely({ dialect: sqliteDialect((sql, parameters) => session.run('query', () => live().query(sql, parameters))) }),
  };
}

function transferPort({ logs, queue }: Database, session: Session): Store['transfer'] {
  return {
    beginAfter: (log, position) => session.run('append', () => logs.beginAfter(log, position)),
    async addCommits(log, commits) {
      const copy = structuredClone(commits);
      await session.run('append', () => logs.add(log, copy));
    },
    messages: (after, limit) => session.run('queue-read', () => queue.stored(after, limit)),
    async addMessages(messages) {
      const copy = structuredClone(messages);
      await session.run('queue-write', () => queue.add(copy));
    },
  };
}

function queuePort(queue: MemoryQueue, session: Session): Queue {
  return {
    async put(messages, nowMs, claim) {
      const encoded = messages.map(encodeMessage);
      return await session.run('queue-write', () => queue.put(encoded, nowMs, claim));
    },
    claim: (name, options) => session.run('queue-write', () => queue.claim(name, options)),
    async finish(results, nowMs) {
      const encoded = results.map(({ id, attempt, result }) => ({ id, attempt, result: canonicalJson(result) }));
      return await session.run('queue-write', () => queue.finish(encoded, nowMs));
    },
    retry: (id, attempt, notBeforeMs, error) => session.run('queue-write', () => queue.retry(id, attempt, notBeforeMs, error)),
    bury: (id, attempt, error) => session.run('queue-write', () => queue.bury(id, attempt, error)),
    revive: (id, nowMs) => session.run('queue-write', () => queue.revive(id, nowMs)),
    find: (id) => session.run('queue-read', () => queue.find(id)),
    deadLetters: (name, after, limit) => session.run('queue-read', () => queue.deadLetters(name, after, limit)),
    batch: (batch, limit) => session.run('queue-read', () => queue.batch(batch, limit)),
    depth: (name, nowMs) => session.run('queue-read', () => queue.depth(name, nowMs)),
    queues: () => session.run('queue-read', () => queue.queues()),
    purge: (beforeMs, limit) => session.run('queue-write', () => queue.purge(beforeMs, limit)),
  };
}

function leasesPort(leases: MemoryLeases, session: Session): Store['leases'] {
  return {
    acquire: (name, holder, options) => session.run('lease', () => leases.acquire(name, holder, options)),
    release: (lease) => session.run('lease', () => leases.release(lease)),
    find: (name) => session.run('queue-read', () => leases.find(name)),
  };
}

function settingsPort(settings: MemorySettings, session: Session): Store['settings'] {
  return {
    get: (name) => session.run('queue-read', () => settings.get(name)),
    async swap(name, expected, value) {
      const encoded = { expected: encodeSetting(expected), value: encodeSetting(value) };
      return await session.run('settings', () => settings.swap(name, encoded.expected, encoded.value));
    },
    list: (prefix) => session.run('queue-read', () => settings.list(prefix)),
  };
}
