import type { Clock } from '../base/clock.ts';
import type { Ids } from '../base/ids.ts';
import type { Random } from '../base/random.ts';
import type { Feed } from '../distribution/feed/feed.ts';
import type { InventoryCommand } from '../rooms/inventory/inventory.ts';
import type { ArchiveFigures, Engine, QueueWorker } from '../runtime/runtime.ts';
import type { Store } from '../store/store.ts';

/** How far the views have come, for lists and for reading one's own writes. */
export interface Views {
  /** What the views have folded of each log; index = log. */
  readonly checkpoints: readonly number[];
  /** Why they have stopped, if they have. */
  readonly failure: string | undefined;
  /** Resolves to true as soon as the views cover these positions, to false where they do not within `waitMs`. */
  covers(positions: readonly number[], waitMs: number): Promise<boolean>;
}

/** What the HTTP floor works with. The composition root makes one of these. */
export interface Services {
  readonly version: string;
  readonly store: Store;
  readonly engine: Engine<InventoryCommand>;
  /** Accepted work: adjustments, bulk, and whatever asked to be answered later. The body of a message is an InventoryCommand. */
  readonly commands: QueueWorker<InventoryCommand>;
  readonly views: Views;
  readonly feed: Feed;
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: Ids;
  /** Sees to it that old commits move to the archive, where that is wanted. */
  readonly archiving?: { readonly figures: ArchiveFigures | undefined };
}
