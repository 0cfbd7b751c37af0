/**
 * Moves a store to another engine as it is: every commit with its position and token, every message with what became
 * of it, every setting. So cursors, Idempotency-Keys, commands and API keys that were handed out before go on working.
 * Leases stay behind, and views are made anew.
 *
 *     note ──► commits, log by log ──► messages ──► settings ──► compare ──► views ──► take the note away
 *
 * The note lies in the target from the first write on: while it is there no server starts on it, and the same command
 * goes on where it was cut off. Nothing is changed in the source.
 */
import { passing } from '../../base/crash-points.ts';
import { Fault } from '../../base/errors.ts';
import { rooms } from '../../processes/processes.ts';
import { Projector } from '../../runtime/runtime.ts';
import type { Store } from '../../store/store.ts';
import { keepingOthersOff } from '../alone.ts';
import type { Progress } from '../backup/take.ts';
import { claimPlace, openStore, type StorePlace } from '../open-store.ts';
import { compare } from './compare.ts';
import { copyLogs, copyMessages, copySettings } from './copy.ts';
import { beginMigration, endMigration } from './note.ts';

export { refuseUnfinished } from './note.ts';

export interface MigrateOptions {
  readonly from: StorePlace;
  readonly to: StorePlace;
  readonly onProgress?: Progress;
}

export interface MigrationReport {
  readonly commits: number;
  readonly facts: number;
  readonly messages: number;
  readonly settings: number;
  /** Over all facts with their positions: the same on both sides. */
  readonly sha256: string;
}

export async function migrate({ from, to, onProgress = () => undefined }: MigrateOptions): Promise<MigrationReport> {
  if (JSON.stringify(from) === JSON.stringify(to)) throw new Fault('unavailable', 'source and target are the same', { retry: 'never' });
  await using locks = new AsyncDisposableStack();
  locks.use(await claimPlace(from));
  locks.use(await claimPlace(to));
  await using source = await openStore(from);
  await using target = await openStore(to, { partitions: source.partitions });
  await using aloneAtSource = keepingOthersOff(from, source);
  await using aloneAtTarget = keepingOthersOff(to, target);
  const keep = async (): Promise<void> => {
    await aloneAtSource.keep();
    await aloneAtTarget.keep();
  };
  await keep();
  await beginMigration(source, target);
  passing('migrate.noted');
  const pair = { source, target, onProgress, keep };
  await copyLogs(pair);
  const messages = await copyMessages(pair);
  const settings = await copySettings(pair);
  passing('migrate.settings');
  const compared = await compare(pair);
  passing('migrate.compared');
  await makeViews(target, onProgress, keep);
  await endMigration(target);
  passing('migrate.released');
  return { ...compared, messages, settings };
}

async function makeViews(store: Store, onProgress: Progress, keep: () => Promise<void>): Promise<void> {
  const projector = new Projector({ store, room: rooms as never }); // it folds and never decides
  await projector.start();
  const total = sum(await store.log.heads());
  while (await projector.step()) {
    passing('migrate.views');
    onProgress('making the views', sum(projector.checkpoints), total);
    await keep();
  }
}

function sum(positions: readonly number[]): number {
  return positions.reduce((all, position) => all + position, 0);
}
