import type { Clock } from '../base/clock.ts';
import type { Spread } from '../base/distribution.ts';
import type { Ids } from '../base/ids.ts';
import type { Random } from '../base/random.ts';
import type { Feed } from '../distribution/feed/feed.ts';
import type { Command, Consumers } from '../processes/processes.ts';
import type { ArchiveFigures, Engine, Lag, QueueWorker, Timers } from '../runtime/runtime.ts';
import type { Store } from '../store/store.ts';
import type { Tracing } from './tracing.ts';

/** How far the views have come, for lists and for reading one's own writes. */
export interface Views {
  /** What the views have folded of each log; index = log. */
  readonly checkpoints: readonly number[];
  /** Why they have stopped, if they have. */
  readonly failure: string | undefined;
  /** Seconds that the steps of folding took, where this process knows. */
  readonly stepSeconds?: Spread;
  /** Resolves to true as soon as the views cover these positions, to false where they do not within `waitMs`. */
  covers(positions: readonly number[], waitMs: number): Promise<boolean>;
  /** How making them again stands: in commits of the log. */
  readonly rebuilding: Rebuilding;
  /** Makes states and views again from the log while these go on answering, and then switches. Changes nothing where that is under way. */
  rebuild(): void;
}

export interface Rebuilding {
  readonly state: 'idle' | 'running' | 'failed';
  readonly done: number;
  readonly total: number;
  /** Why it failed. */
  readonly reason?: string;
}

/** How full the disk is that the data is on. */
export interface Disk {
  readonly freeBytes: number;
  readonly capacityBytes: number;
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
}

/** What the HTTP floor works with. The composition root makes one of these. */
export interface Services {
  readonly version: string;
  /** The name of this process among those that share a store. */
  readonly node: string;
  readonly store: Store;
  readonly engine: Engine<Command>;
  /** Accepted work: adjustments, bulk, and whatever asked to be answered later. The body of a message is a Command. */
  readonly commands: QueueWorker<Command>;
  readonly views: Views;
  readonly feed: Feed;
  readonly timers: Pick<Timers<Command>, 'size' | 'lateSeconds'>;
  readonly lag: Lag;
  readonly consumers: Consumers;
  /** Copies of prices elsewhere, where the installation wants them: how far they have come. */
  readonly sharedPrices?: { readonly copied: readonly number[] } | undefined;
  /** Follows requests, where the installation wants that. */
  readonly tracing?: Tracing | undefined;
  /** Absent where the data is on a server's disk. */
  readonly disk?: (() => Promise<Disk>) | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: Ids;
  /** Sees to it that old commits move to the archive, where that is wanted. */
  readonly archiving?: { readonly figures: ArchiveFigures | undefined };
}
