import { rooms } from '../processes/processes.ts';
import { Rebuild, REBUILD_EVENTS_PER_STEP } from '../runtime/runtime.ts';
import { keepingOthersOff } from './alone.ts';
import type { Progress } from './backup/take.ts';
import { claimPlace, openStore, type StorePlace } from './open-store.ts';

export interface RebuildReport {
  readonly commits: number;
  readonly facts: number;
  readonly seconds: number;
}

/**
 * Makes states and views again in a place where no server works on them. (A server does it itself while it answers:
 * `POST /v1/views/rebuild`.) Until all is done the old ones stay, so that it may be cut off at any moment.
 */
export async function rebuildPlace(place: StorePlace, onProgress: Progress = () => undefined): Promise<RebuildReport> {
  const began = performance.now();
  await using lock = await claimPlace(place);
  await using store = await openStore(place, { threads: 'inline' });
  await using alone = keepingOthersOff(place, store);
  await alone.keep();
  await using rebuild = await Rebuild.begin({ store, room: rooms as never, nowMs: Date.now(), factsPerStep: REBUILD_EVENTS_PER_STEP }); // it folds and never decides
  while (await rebuild.step()) {
    onProgress('making the views again', rebuild.progress.done, rebuild.progress.total);
    await alone.keep();
  }
  await rebuild.adopt();
  void lock;
  return { commits: rebuild.progress.done, facts: rebuild.facts, seconds: (performance.now() - began) / 1000 };
}
