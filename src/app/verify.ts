import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { inspectSqlite } from '../engines/sqlite/sqlite.ts';
import { comparedTables, compareCounts, rooms, settle, type AskedLog, type LogAudit, type Tell, type Violation } from '../processes/processes.ts';
import { claimPlace, openStore, type StorePlace } from './open-store.ts';
import type { FromVerifier, ToVerifier } from './verify-thread.ts';
import { ownFile } from '../base/own-file.ts';

/**
 * Logs that one thread goes through side by side, at most. What was appended together is one row of an embedded store,
 * whichever logs it concerned, and is read and checked once for all of them; but the states of all of them are in memory.
 */
const LOGS_SIDE_BY_SIDE = 8;

export interface VerifyOptions {
  readonly place: StorePlace;
  /** Threads that audit logs side by side; one for each processor unless given. */
  readonly threads?: number;
  readonly onViolation: (violation: Violation) => void;
  readonly onProgress?: (facts: number) => void;
}

export interface VerifyReport {
  readonly facts: number;
  readonly logs: number;
  readonly violations: number;
  readonly seconds: number;
  /** Messages that were set aside: no violation, but somebody should look at them. */
  readonly deadLetters: number;
}

/**
 * Audits a whole store and changes nothing in it. An embedded one has nobody else in it meanwhile; on PostgreSQL nodes
 * may go on: what is compared is compared at one position, and the sums over all logs at one instant.
 */
export async function verify({ place, threads = availableParallelism(), onViolation, onProgress = () => undefined }: VerifyOptions): Promise<VerifyReport> {
  const began = performance.now();
  await using _claim = await claimPlace(place);
  let violations = 0;
  const tell = (violation: Violation): void => {
    violations++;
    onViolation(violation);
  };
  // What an index hides is not found by whoever reads through it, and who stumbles over a damaged file says little of it.
  const tellOfFiles = toldOnce(place, tell);
  try {
    const found = await auditPlace({ place, threads, tell, onProgress, tellOfFiles });
    return { ...found, violations, seconds: (performance.now() - began) / 1000 };
  } catch (error) {
    tellOfFiles();
    throw error;
  }
}

interface AuditOptions extends Required<Pick<VerifyOptions, 'place' | 'threads' | 'onProgress'>> {
  readonly tell: Tell;
  readonly tellOfFiles: () => void;
}

async function auditPlace({ place, threads, tell, onProgress, tellOfFiles }: AuditOptions): Promise<Omit<VerifyReport, 'violations' | 'seconds'>> {
  await using store = await openStore(place, { threads: 'inline' });
  // The tables may not have been made yet, where a store was never served from.
  await store.projections.prepare(rooms.views.tables);
  const checkpoints = await store.projections.checkpoints('states');
  const heads = await store.log.heads();
  const audits: LogAudit[] = [];
  let facts = 0;
  const waiting = groupsOf(heads.map((head, log) => ({ log, head, checkpoint: checkpoints[log] ?? 0 })), threads);
  const hear = (message: Heard): void => {
    if ('facts' in message) onProgress((facts += message.facts));
    else if ('violation' in message) tell(message.violation);
    else audits.push(message.audit);
  };
  const audited = Promise.all(Array.from({ length: Math.max(1, Math.min(threads, waiting.length)) }, () => runThread(place, waiting, hear)));
  // Beside the threads, and before anything that they find.
  tellOfFiles();
  await audited;
  settle(audits, tell);
  if (place.engine === 'sqlite') await compareCounts(store, audits, tell, 'in a table');
  let deadLetters = 0;
  for (const queue of await store.queue.queues()) deadLetters += (await store.queue.depth(queue, Date.now())).deadLettered;
  return { facts, logs: heads.length, deadLetters };
}

/** Neighbours together: a large append is cut into rows of neighbouring logs. */
function groupsOf(logs: readonly AskedLog[], threads: number): ToVerifier[] {
  const size = Math.min(LOGS_SIDE_BY_SIDE, Math.ceil(logs.length / threads));
  const groups: ToVerifier[] = [];
  for (let from = 0; from < logs.length; from += size) groups.push(logs.slice(from, from + size));
  return groups;
}

/** Tells what is wrong with the files of an embedded store, when it is called first. */
function toldOnce(place: StorePlace, tell: Tell): () => void {
  let told = place.engine !== 'sqlite';
  return () => {
    if (told || place.engine !== 'sqlite') return;
    told = true;
    for (const { file, faults } of inspectSqlite(place.directory, comparedTables)) for (const fault of faults) tell({ check: 'files', log: -1, key: file, message: fault });
  };
}

type Heard = Exclude<FromVerifier, { ready: true } | { failed: string }>;

/** One thread takes some logs after others, until there are none left. */
async function runThread(place: StorePlace, waiting: ToVerifier[], hear: (message: Heard) => void): Promise<void> {
  const worker = new Worker(ownFile(import.meta.url, 'verify-thread'), { workerData: { place } });
  const ended = Promise.withResolvers<void>();
  worker.postMessage(waiting.shift() ?? 'end');
  worker.on('error', (error) => ended.reject(error));
  worker.on('exit', () => ended.resolve());
  worker.on('message', (message: FromVerifier) => {
    if ('failed' in message) ended.reject(new Error(message.failed));
    else if (!('ready' in message)) hear(message);
    if ('ready' in message) worker.postMessage(waiting.shift() ?? 'end');
  });
  try {
    await ended.promise;
  } finally {
    await worker.terminate();
  }
}
