import { passing } from '../../base/crash-points.ts';
import { must } from '../../base/assert.ts';
import type { Clock } from '../../base/clock.ts';
import { Fault } from '../../base/errors.ts';
import type { Lease, LogId, Position, Store } from '../../store/store.ts';
import type { Archive } from './archive.ts';
import { ARCHIVER_LEASE_MS, FILLING_MS_MAX } from './limits.ts';
import type { Packed, PackRequest } from './pack.ts';

export interface ArchiverOptions {
  /** `log` reads through the archive. */
  readonly store: Pick<Store, 'log' | 'projections' | 'leases' | 'partitions'>;
  readonly archive: Archive;
  readonly clock: Clock;
  /** Who this node is, and what a new archive is called. */
  readonly holder: string;
  /** No other process can be there: what one that was killed had leased is not waited for. */
  readonly alone?: boolean;
  /** Commits move to the archive when their newest fact is this old. */
  readonly afterMs: number;
  /** Archived segments are deleted for good when their newest fact is this old; undefined keeps them. */
  readonly keepMs?: number | undefined;
  /** Everybody who folds the log and saves how far it came: nothing is trimmed that one of them has not read. */
  readonly consumers: readonly string[];
  /** {@link packSome}, here or in a thread. */
  readonly pack: (request: PackRequest) => Promise<Packed>;
  /** Ends a run between two steps. */
  readonly signal?: AbortSignal;
}

export interface ArchiveFigures {
  readonly segments: number;
  readonly commits: number;
  readonly bytes: number;
  /** Runs that ended with a fault. */
  readonly failures: number;
  /** The instant at which the last run ended well, in milliseconds; 0 before the first. */
  readonly lastRunMs: number;
  /** How long that took. */
  readonly lastRunSeconds: number;
  /** The instant of the oldest fact that is not archived, or null where all are, or nobody has looked. */
  readonly oldestLiveMs: number | null;
  /** Why the last run failed, if it did. */
  readonly trouble: string | null;
}

/**
 * Moves old commits to the archive, log by log:
 *
 *     pack and store a segment ──► read it back, hold it against the log ──► trim the log up to there
 *
 * A crash between any two steps leaves a log that is read as before, and the next run goes on. One node does this at a
 * time, by lease; one that lost it without noticing does nothing that the other would not do.
 */
export class Archiver {
  readonly #options: ArchiverOptions;
  #figures: ArchiveFigures = { segments: 0, commits: 0, bytes: 0, failures: 0, lastRunMs: 0, lastRunSeconds: 0, oldestLiveMs: null, trouble: null };
  #lease: Lease | undefined;

  constructor(options: ArchiverOptions) {
    this.#options = options;
  }

  get figures(): ArchiveFigures {
    return this.#figures;
  }

  /** Archives everything that is old enough; false where another node sees to it. Rejects with the fault that it met. */
  async run(): Promise<boolean> {
    const { clock, archive, holder, store } = this.#options;
    const began = clock.now();
    try {
      if (!(await this.#acquire())) return false;
      await archive.claim(holder);
      for (let log = 0; log < store.partitions; log++) await this.#archive(log);
      if (this.#options.keepMs !== undefined) for (let log = 0; log < store.partitions; log++) await this.#forget(log, began - this.#options.keepMs);
      const ended = clock.now();
      this.#figures = { ...this.#figures, ...(await this.#look()), lastRunMs: ended, lastRunSeconds: (ended - began) / 1000, trouble: null };
      return true;
    } catch (error) {
      this.#figures = { ...this.#figures, failures: this.#figures.failures + 1, trouble: error instanceof Error ? error.message : String(error) };
      throw error;
    } finally {
      await this.#release();
    }
  }

  async #archive(log: LogId): Promise<void> {
    const { clock, afterMs, pack, store } = this.#options;
    const beforeMs = clock.now() - afterMs;
    for (let more = true; more; ) {
      const upTo = await this.#passed(log);
      await this.#renew();
      const packed = await pack({ log, upTo, beforeMs, notFullBeforeMs: beforeMs - Math.min(afterMs, FILLING_MS_MAX) });
      await this.#renew();
      if (packed.archivedTo > 0) {
        passing('archive.packed');
        await store.log.trim(log, packed.archivedTo);
        passing('archive.trimmed');
      }
      more = packed.more;
    }
    await this.#tidy(log);
  }

  /** Deletes the files of segments that were let go, where a crash came between writing that down and doing it. */
  async #tidy(log: LogId): Promise<void> {
    const { archive } = this.#options;
    const deletedTo = await archive.deletedTo(log);
    for (const segment of (await archive.segments(log)).all) if (segment.last <= deletedTo) await archive.discard(segment);
  }

  /** The newest position that every consumer has passed. */
  async #passed(log: LogId): Promise<Position> {
    const { store, consumers } = this.#options;
    const reached = await Promise.all(consumers.map(async (consumer) => (await store.projections.checkpoints(consumer))[log] ?? 0));
    return Math.min(...reached);
  }

  /** Deletes what the policy lets go of, oldest first. */
  async #forget(log: LogId, beforeMs: number): Promise<void> {
    const { archive, store } = this.#options;
    const { chain } = await archive.segments(log);
    const kept = await this.#passed(log);
    for (const segment of chain) {
      if (segment.last > kept || (await archive.index(segment)).lastTime >= beforeMs) return;
      await this.#renew();
      // Whatever is deleted from the archive must be gone from the log as well, or the log would begin behind its end.
      await store.log.trim(log, segment.last);
      await archive.forget(segment);
    }
  }

  async #look(): Promise<Pick<ArchiveFigures, 'segments' | 'commits' | 'bytes' | 'oldestLiveMs'>> {
    const { archive, store } = this.#options;
    const figures = { segments: 0, commits: 0, bytes: 0, oldestLiveMs: null as number | null };
    for (let log = 0; log < store.partitions; log++) {
      const { chain } = await archive.segments(log);
      figures.segments += chain.length;
      for (const { first, last, bytes } of chain) {
        figures.commits += last - first + 1;
        figures.bytes += bytes;
      }
      for await (const { events } of store.log.read(log, await archive.reach(log, await archive.deletedTo(log)))) {
        figures.oldestLiveMs = Math.min(figures.oldestLiveMs ?? Number.POSITIVE_INFINITY, events[0]?.time ?? Number.POSITIVE_INFINITY);
        break;
      }
    }
    return figures;
  }

  async #acquire(): Promise<boolean> {
    const { store, holder, clock, alone = false } = this.#options;
    this.#lease = await store.leases.acquire('archiver', alone ? 'the only process' : holder, { ttlMs: ARCHIVER_LEASE_MS, nowMs: clock.now() });
    return this.#lease !== undefined;
  }

  async #renew(): Promise<void> {
    if (this.#options.signal?.aborted === true) throw new Fault('closed', 'archiving was called off', { retry: 'soon' });
    const epoch = must(this.#lease, 'nothing is archived without the lease').epoch;
    if ((await this.#acquire()) && this.#lease?.epoch === epoch) return;
    throw new Fault('fenced', 'another node has taken over the archive', { retry: 'later' });
  }

  async #release(): Promise<void> {
    const lease = this.#lease;
    this.#lease = undefined;
    if (lease) await this.#options.store.leases.release(lease).catch(() => undefined); // it runs out by itself
  }
}
