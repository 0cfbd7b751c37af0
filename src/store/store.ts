/**
 * What Holdfast asks of a database, as promises in prose. An engine keeps them; `conformance/` checks them, one
 * file a promise; everything above this floor is written against this page alone.
 *
 * The log is the truth. States are what the facts of a log fold to, and views are the same facts laid out for
 * questions: both can be thrown away and made again. The queue holds work that was accepted and not yet done.
 */
import type { Kysely } from 'kysely';
import type { Spread } from '../base/distribution.ts';
import type { Json } from '../base/json.ts';
import type { Commit, EventRecord, LogId, Position, StoredCommit } from './envelope.ts';

export type { Commit, EventRecord, LogId, Position, StoredCommit } from './envelope.ts';
export { decodeEvents, encodeEvents } from './envelope.ts';
export type { SharedCopies, SharedCopy } from './shared-copies.ts';
export { isColdName, type ColdObject, type ColdStore } from './cold-store.ts';
export { CURSOR_HEAD, cursorCovers, cursorPart, formatCursor, parseCursor, type Cursor } from './cursor.ts';

/** One log's share of an append. */
export interface Append {
  readonly log: LogId;
  /** The log's head as the writer knows it: the new commit gets `expected + 1`. */
  readonly expected: Position;
  /** One or more facts. */
  readonly events: readonly EventRecord[];
  /** Their stored form ({@link encodeEvents}), where the caller has it at hand. */
  readonly body?: string;
}

export interface LogStore {
  /**
   * Adds one commit to each log named (each at most once), all or none of them.
   * - Resolves only when every commit is on stable storage (fsynced): it survives `kill -9` and power loss.
   * - Rejects with `conflict`, having stored nothing, unless every `expected` is that log's head. Of any number of
   *   writers with the same `expected` exactly one succeeds, whatever process or machine they are in.
   * - Rejects with `unavailable` where the outcome is not known: read the log and look for `token`.
   * - Rejects with `storage-failed` or `storage-full` where it is known that nothing was stored durably. After
   *   `storage-failed` the engine refuses every further write until it is opened again: an fsync is never retried.
   */
  append(commits: readonly Append[], token: string): Promise<void>;
  /**
   * The commits of a log after a position, in order and without a gap, ending at the head of the moment the last
   * page was read. Pages are bounded, so a slow reader holds no transaction open. Only durable commits are given.
   * Rejects with `history-lost` where commits after the position were trimmed.
   */
  read(log: LogId, after: Position): AsyncIterable<Commit>;
  /**
   * The commits of a log at some positions, which ascend; those past the head are left out. What lies between them is
   * not read. Rejects with `history-lost` where one of them was trimmed.
   */
  readAt(log: LogId, positions: readonly Position[]): AsyncIterable<Commit>;
  /**
   * What `read` gives of each log named, in one reading: the commits of a log come in order and without a gap, and no
   * log waits until another is read to its end, but for what is in an archive. Whatever is stored together is read and
   * checked once. Comes in pages of bounded size, none of them empty; a page is decoded when it is asked for.
   */
  readTogether(after: ReadonlyMap<LogId, Position>): AsyncIterable<readonly Commit[]>;
  /** The same, each commit as it is stored, for who need not have all of it parsed. Absent where commits are not stored as text. */
  readTogetherStored?(after: ReadonlyMap<LogId, Position>): AsyncIterable<readonly (StoredCommit | Commit)[]>;
  /** The position of a log's newest commit, 0 where there is none. */
  head(log: LogId): Promise<Position>;
  /** All heads in one consistent answer; index = log. */
  heads(): Promise<Position[]>;
  /** The oldest position that may be read after: 0 until something was trimmed. */
  trimmedTo(log: LogId): Promise<Position>;
  /** Forgets the commits up to and including a position, for ever; past the head it forgets all. The head stays. */
  trim(log: LogId, upTo: Position): Promise<void>;
  /** Calls back, soon and at least once, after commits were added by anyone, also by other processes where the engine can know. A hint: never the only way to learn. */
  watch(onAdvance: () => void): () => void;
}

/** The folded state of one key, as JSON text. `dueMs`: the instant at which the key wants to be woken. */
export interface StateRow {
  readonly key: string;
  readonly log: LogId;
  /** null: the key has no state any more. */
  readonly body: string | null;
  readonly dueMs: number | null;
}

/** A value of a view's row. */
export type Cell = string | number | null;

/** New and changed rows of one table, by the table's primary key, of which the last counts; `columns` names the cells of every row. */
export interface RowUpsert {
  readonly table: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** Rows to delete: every row whose `column` is one of `values`. */
export interface RowDelete {
  readonly table: string;
  readonly column: string;
  readonly values: readonly Cell[];
}

/** What one step of a consumer changes, together with how far it has read. */
export interface ProjectionStep {
  readonly consumer: string;
  /** Moves the consumer's checkpoint of each log from `expected` to `upTo`. */
  readonly checkpoints: readonly { readonly log: LogId; readonly expected: Position; readonly upTo: Position }[];
  readonly states: readonly StateRow[];
  readonly deletes: readonly RowDelete[];
  readonly upserts: readonly RowUpsert[];
}

/** A column of a view. `text` compares by code unit, `int` holds ±2^53. */
export interface Column {
  readonly name: string;
  readonly type: 'text' | 'int';
  readonly nullable?: boolean;
}

/** A view's table as data, so that every engine can make it and write it in bulk. */
export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly primaryKey: readonly string[];
  readonly indexes?: readonly { readonly name: string; readonly columns: readonly string[]; readonly where?: string }[];
}

export interface ProjectionStore {
  /**
   * Makes the tables that do not exist yet, and notes the form that states and rows are going to have, unless one is
   * noted already. Safe to call again, also from two processes at once.
   */
  prepare(tables: readonly Table[], form?: string): Promise<void>;
  /** The form that was noted; undefined where none was. */
  form(): Promise<string | undefined>;
  /** Begins projections beside these. They are empty: what an earlier, unfinished beginning left is thrown away. One at a time. */
  beside(): Promise<Beside>;
  /** From now on answers from the projections that were adopted last, also by another handle; until then from those it had. */
  reopen(): Promise<void>;
  /**
   * Applies deletes, then upserts and states, and moves the checkpoints, all or nothing. Rejects with `conflict`,
   * having changed nothing, where a checkpoint is not `expected`: another process runs this consumer. Need not be
   * durable when it resolves, but after a crash it is there as a whole or not at all, and never without those before.
   */
  apply(step: ProjectionStep): Promise<void>;
  /** How far a consumer has read each log; index = log. */
  checkpoints(consumer: string): Promise<Position[]>;
  /**
   * The states of some keys of one log and the checkpoint of the consumer `states` for that log, from one instant:
   * a key's state is that of all facts up to `upTo`. A key without a state is not in the map.
   */
  loadStates(log: LogId, keys: readonly string[]): Promise<{ upTo: Position; bodies: Map<string, string> }>;
  /** Keys that want to be woken after `after` (exclusive) and up to `untilMs`, by instant and then key, at most `limit`. */
  dueStates(after: { dueMs: number; key: string }, untilMs: number, limit: number): Promise<{ key: string; log: LogId; dueMs: number }[]>;
  /** Deletes states whose key begins with `prefix` and whose `dueMs` is before `beforeMs`, at most `limit`; says how many. */
  dropDueStates(prefix: string, beforeMs: number, limit: number): Promise<number>;
  /** Which of some rows are not in a table just so, by index; the first column is the primary key. Absent where asking for them by {@link sql} is as fast. */
  unlike?(table: string, columns: readonly string[], rows: readonly (readonly Cell[])[]): Promise<number[]>;
  /** How many rows a table has. Absent where asking for it by {@link sql} is as fast. */
  count?(table: string): Promise<number>;
  /** For questions: typed SQL over the views. Read only. */
  readonly sql: Kysely<any>; // oxlint-disable-line typescript/no-explicit-any -- the tables are the consumer's: it narrows this type where it asks
}

/** Projections in the making. Disposing of them without adopting them throws them away. */
export interface Beside extends AsyncDisposable {
  readonly projections: Pick<ProjectionStore, 'prepare' | 'form' | 'apply' | 'checkpoints' | 'loadStates'>;
  /** Makes them the live ones in one step, durably, and throws those away that were. Handles on the store see it after `reopen`. */
  adopt(): Promise<void>;
}

/** Work to be done once at least. */
export interface Message {
  /** Chosen by the caller: putting the same id again changes nothing. */
  readonly id: string;
  readonly queue: string;
  /** Messages of one lane are handed out one after another, in the order they were put. */
  readonly lane: string;
  readonly body: Json;
  /** Names the bulk request that it came with, and the line (from 1) in it. */
  readonly batch?: string;
  readonly line?: number;
}

export interface Claimed extends Message {
  /** Which attempt this is, from 1. Settling takes it as the fencing token: a claim that was lost cannot settle. */
  readonly attempt: number;
}

export type MessageStatus = 'ready' | 'claimed' | 'done' | 'dead';

export interface MessageReport {
  readonly id: string;
  readonly queue: string;
  readonly status: MessageStatus;
  readonly attempts: number;
  readonly batch: string | null;
  readonly line: number | null;
  /** What `finish` recorded. */
  readonly result: Json | null;
  readonly error: string | null;
  readonly enqueuedMs: number;
}

export interface QueueDepth {
  /** Could be handed out now, but for their lanes; a claim that ran out counts here. */
  readonly ready: number;
  readonly scheduled: number;
  readonly inFlight: number;
  readonly deadLettered: number;
  /** The instant at which the oldest unfinished message was put, or null. */
  readonly oldestMs: number | null;
}

export interface Queue {
  /**
   * Stores the messages durably (fsynced) in their order, all or none; ids that are known already are left as they are.
   * With `claim` it hands out, in the same write, what {@link claim} of that queue would right afterwards. An engine may
   * leave that to `claim` and hand out nothing.
   */
  put(messages: readonly Message[], nowMs: number, claim?: { queue: string; limit: number; leaseMs: number }): Promise<Claimed[]>;
  /**
   * Hands out up to `limit` messages that are ready, oldest first, each to one claimant until `nowMs + leaseMs`;
   * from that instant on it may be handed out again. A message waits while an earlier one of its lane is claimed by somebody
   * else, waits for a retry, or comes before it; several of one lane may be handed out in one call, in order.
   */
  claim(queue: string, options: { limit: number; leaseMs: number; nowMs: number }): Promise<Claimed[]>;
  /** Records the results of done messages. Those whose claim was lost are left alone; says which were recorded. */
  finish(results: readonly { id: string; attempt: number; result: Json }[], nowMs: number): Promise<string[]>;
  /** Gives a message back, to be handed out again from `notBeforeMs` on; it keeps its place in its lane. Changes nothing where the claim was lost. */
  retry(id: string, attempt: number, notBeforeMs: number, error: string): Promise<void>;
  /** Sets a message aside for people to look at; its lane goes on. Changes nothing where the claim was lost. */
  bury(id: string, attempt: number, error: string): Promise<void>;
  /** Makes a dead letter ready again, in its old place, with its attempts forgotten; false where there is none. */
  revive(id: string, nowMs: number): Promise<boolean>;
  find(id: string): Promise<MessageReport | undefined>;
  /** Dead letters of a queue by id, after a given id, at most `limit`. */
  deadLetters(queue: string, after: string, limit: number): Promise<MessageReport[]>;
  /**
   * How the messages of a batch stand: `pending` counts those ready or claimed, `refused` those of the `done` whose
   * result has `"ok":false`, and `refusals` is their reports by line, at most `limit`.
   */
  batch(batch: string, limit: number): Promise<{ done: number; refused: number; pending: number; dead: number; refusals: MessageReport[] }>;
  depth(queue: string, nowMs: number): Promise<QueueDepth>;
  /** The names of all queues that hold or held something. */
  queues(): Promise<string[]>;
  /** Forgets done messages that were finished before an instant, at most `limit`; says how many. */
  purge(beforeMs: number, limit: number): Promise<number>;
}

export interface Lease {
  readonly name: string;
  readonly holder: string;
  /** Grows by one with every change of holder: the fencing token to send along with what the lease protects. */
  readonly epoch: number;
  readonly untilMs: number;
}

export interface Leases {
  /**
   * Takes a lease that is free, expired (from `untilMs` on) or already ours (which prolongs it and keeps the epoch);
   * undefined where somebody else has it.
   */
  acquire(name: string, holder: string, options: { ttlMs: number; nowMs: number }): Promise<Lease | undefined>;
  /** Gives it back at once; whoever takes it next exceeds the epoch, the same holder too. Nothing happens where it is not ours. */
  release(lease: Lease): Promise<void>;
  find(name: string): Promise<Lease | undefined>;
}

/** Small settings of the installation (keys, the number of partitions): name → JSON, durable when it resolves. */
export interface Settings {
  get(name: string): Promise<Json | undefined>;
  /** Stores the value where the present one equals `expected` (undefined: absent); false, storing nothing, where not. */
  swap(name: string, expected: Json | undefined, value: Json | undefined): Promise<boolean>;
  list(prefix: string): Promise<{ name: string; value: Json }[]>;
}

/** What an engine measures of its own writes. */
export interface WriteFigures {
  /** Bytes that each append stored. */
  readonly appendBytes: Spread;
  /** Seconds that each group of writes took to become durable: the fsync and little else. Absent where the database does not tell it apart. */
  readonly syncSeconds?: Spread;
}

/** A message with all that became of it. */
export interface StoredMessage extends Message {
  readonly status: MessageStatus;
  readonly attempts: number;
  /** Ready: the instant from which it may be handed out. Claimed: the instant at which the claim runs out. */
  readonly fromMs: number;
  readonly enqueuedMs: number;
  readonly finishedMs: number | null;
  readonly result: Json | null;
  readonly error: string | null;
}

/** What moves a store to another database as it is. For tools, while nobody works on either. */
export interface Transfer {
  /** Makes a log that has no commits begin after a position, as one that was trimmed up to there. */
  beginAfter(log: LogId, position: Position): Promise<void>;
  /** Adds commits of one log with their positions and tokens, durably, all or none. Rejects with `conflict` where the first does not follow the log's head. */
  addCommits(log: LogId, commits: readonly Commit[]): Promise<void>;
  /** Messages in the order in which they were put, after a place (0: from the start), at most `limit`. */
  messages(after: number, limit: number): Promise<{ readonly place: number; readonly message: StoredMessage }[]>;
  /** Adds messages in this order, durably, all or none; ids that are there already are left as they are. */
  addMessages(messages: readonly StoredMessage[]): Promise<void>;
}

/** Everything an engine offers, opened on one database. Whoever opens it disposes of it. */
export interface Store extends AsyncDisposable {
  readonly engine: string;
  /** How an acknowledged write is kept, in words for whoever operates it. */
  readonly durability: string;
  /** How many logs there are; fixed when the store is made. */
  readonly partitions: number;
  readonly log: LogStore;
  readonly projections: ProjectionStore;
  readonly queue: Queue;
  readonly leases: Leases;
  readonly settings: Settings;
  readonly transfer: Transfer;
  /** Absent where nothing is written to a disk. */
  readonly writes?: WriteFigures;
  /** Resolves where the database answers and takes writes; rejects with the fault that says why not. */
  ping(): Promise<void>;
}
