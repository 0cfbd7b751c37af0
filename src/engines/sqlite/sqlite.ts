/**
 * The SQLite engine: a store in two files of one directory, nothing to install. Every acknowledged write was fsynced;
 * everything that arrives while a write is being made durable becomes the next one.
 *
 *   caller's thread ──► desk ──► log side     one transaction a batch ──► log.db    (commits, queue, leases, settings)
 *                  ──► desk ──► views side    one transaction a batch ──► views.db  (states, checkpoints, view tables)
 *                  ──► desk ──► reader side   questions to both files
 *
 * With threads each side is a thread of its own, so that no fsync stops the caller; inline all three are the caller's,
 * for a caller that has a thread to itself.
 */
import { BYTES_OF_APPENDS, Distribution, SECONDS_OF_WRITES } from '../../base/distribution.ts';
import { Fault } from '../../base/errors.ts';
import type { Store } from '../../store/store.ts';
import { besideSqlite } from './beside.ts';
import { faultOf } from './faults.ts';
import { Desk } from './desk.ts';
import { leasePort, logPort, projectionPort, queuePort, settingPort, transferPort, type Desks } from './ports.ts';
import { establish, logFile, viewsFile } from './schema.ts';
import { openSide, type LogOperations, type Questions, type Side, type ViewOperations } from './sides.ts';
import { soundnessChecks } from './soundness.ts';
import { NO_CHECKS, startChecks } from './start-checks.ts';
import { startThread } from './threads.ts';
import { watchCommits } from './watch.ts';

export { copySqlite } from './backup.ts';
export { inspectSqlite, lockHolder } from './inspect.ts';
export { lockDirectory } from './lock.ts';
export { RESTORING } from './schema.ts';

export interface SqliteOptions {
  /** Where the files are; made where it does not exist. */
  readonly directory: string;
  /** How many logs a new store gets (16 unless given). A store that exists keeps its own: another number is an error. */
  readonly partitions?: number;
  /** `workers` unless given. */
  readonly threads?: 'workers' | 'inline';
  /** Whether indexes are held against their tables after the start and all saved states looked at; with `workers` unless said otherwise. */
  readonly scrub?: boolean;
}

export interface SqliteStore extends Store {
  /** Resolves when everything was looked at: what was found damaged is answered by `ping` and to whoever appends, loads states or asks for accepted work. */
  readonly scrubbed: Promise<void>;
}

/** Opens the store in a directory. Take {@link lockDirectory} first where another process might open it too. */
export async function openSqlite({ directory, partitions: wanted, threads = 'workers', scrub: looks = threads === 'workers' }: SqliteOptions): Promise<SqliteStore> {
  const partitions = establish(directory, wanted);
  const desks = threads === 'workers' ? await startThreads(directory) : openInline(directory);
  await refuseViewsAhead(directory, desks, partitions);
  const { watch, close } = watchCommits(directory);
  const [appendBytes, syncSeconds] = [new Distribution(BYTES_OF_APPENDS), new Distribution(SECONDS_OF_WRITES)];
  desks.log.onCommitted = (commitMs) => syncSeconds.observe(commitMs / 1000);
  const log = logPort(desks, partitions, watch, appendBytes);
  const checks = looks ? await checksOf(directory, desks, threads) : NO_CHECKS;
  const whole = (): void => {
    if (checks.found) throw checks.found;
  };
  let isLooked = false;
  void checks.queue.then(() => (isLooked = true));
  return {
    engine: 'sqlite',
    durability: 'fsynced before the answer (SQLite, WAL, synchronous = FULL)',
    partitions,
    log: {
      ...log,
      append: (commits, token) => (checks.found ? Promise.reject(checks.found) : log.append(commits, token)),
    },
    projections: projectionPort(desks, partitions, () => besideSqlite(directory, desks, partitions), whole),
    queue: queuePort(desks, {
      async looked() {
        await checks.queue;
        whole();
      },
      get isSound() {
        return isLooked && !checks.found;
      },
    }),
    leases: leasePort(desks),
    settings: settingPort(desks),
    transfer: transferPort(desks),
    writes: { appendBytes, syncSeconds },
    scrubbed: checks.done,
    async ping() {
      whole();
      await Promise.all([desks.log.call('ping'), desks.reader.call('head', 0), desks.reader.call('checkpoints', '', partitions)]);
    },
    async [Symbol.asyncDispose]() {
      close();
      for (const desk of Object.values(desks)) desk.stop();
      await checks.stop();
      await closeAll(Object.values(desks));
    },
  };
}

async function checksOf(directory: string, desks: Desks, threads: 'workers' | 'inline'): Promise<typeof NO_CHECKS> {
  try {
    soundnessChecks(directory).check('small');
  } catch (error) {
    await closeAll(Object.values(desks));
    throw error;
  }
  return startChecks(directory, { threads, reader: desks.reader });
}

/** Views follow the log: where they know more of it than there is, a part of it is gone. */
async function refuseViewsAhead(directory: string, desks: Desks, partitions: number): Promise<void> {
  // The views first: another thread may go on meanwhile.
  const checkpoints = await desks.reader.call('checkpoints', 'states', partitions);
  const heads = await desks.reader.call('heads');
  const log = checkpoints.findIndex((position, index) => position > (heads[index] ?? 0));
  if (log < 0) return;
  const views = viewsFile(directory, await desks.reader.call('liveViews'));
  await closeAll(Object.values(desks));
  const message =
    `${logFile(directory)} ends at position ${heads[log]} of log ${log}, and ${views} has ${checkpoints[log]}: ` +
    `the log or its -wal is damaged, or an older copy. Restore a backup into an empty directory, or delete ${views} and its -wal to go on without what is missing`;
  throw new Fault('corrupt', message, { retry: 'never' });
}

async function startThreads(directory: string): Promise<Desks> {
  const [log, views, reader] = await Promise.allSettled([
    startThread<LogOperations>('log', directory),
    startThread<ViewOperations>('views', directory),
    startThread<Questions>('reader', directory),
  ]);
  if (log.status === 'fulfilled' && views.status === 'fulfilled' && reader.status === 'fulfilled') {
    return { log: log.value, views: views.value, reader: reader.value };
  }
  const started = [log, views, reader].flatMap((side) => (side.status === 'fulfilled' ? [side.value] : []));
  await closeAll(started);
  throw [log, views, reader].find((side) => side.status === 'rejected')?.reason;
}

function openInline(directory: string): Desks {
  const inline = (side: Side) => {
    try {
      return openSide(side, directory);
    } catch (error) {
      throw faultOf(error, `the ${side} side of ${directory}`);
    }
  };
  return { log: Desk.inline(inline('log')), views: Desk.inline(inline('views')), reader: Desk.inline(inline('reader')) };
}

/** One after another and the reader first: the last connection to a file tidies it up, and a reader may not write. */
async function closeAll(desks: readonly { stop(): void; close(): Promise<void> }[]): Promise<void> {
  for (const desk of desks) desk.stop();
  for (const desk of desks.toReversed()) await desk.close();
}
