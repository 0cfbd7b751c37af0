import { Fault } from '../base/errors.ts';
import { inventory } from '../rooms/inventory/inventory.ts';
import { Rebuild } from '../runtime/runtime.ts';
import type { Store } from '../store/store.ts';
import type { Progress } from './backup/take.ts';
import { claimPlace, openStore, type StorePlace } from './open-store.ts';

/** How long the right to work on the views is taken for at a time, and how often it is taken again. */
const LEASE_MS = 10_000;
const RENEW_MS = 2_000;

export interface RebuildReport {
  readonly commits: number;
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
  const mayGoOn = place.engine === 'sqlite' ? async () => undefined : keeper(store);
  await mayGoOn();
  await using rebuild = await Rebuild.begin({ store, room: inventory as never, nowMs: Date.now() }); // it folds and never decides
  while (await rebuild.step()) {
    onProgress('making the views again', rebuild.progress.done, rebuild.progress.total);
    await mayGoOn();
  }
  await rebuild.adopt();
  void lock;
  return { commits: rebuild.progress.done, seconds: (performance.now() - began) / 1000 };
}

/** Keeps servers off the views of a shared store for as long as it is called often enough. */
function keeper({ leases }: Store): () => Promise<void> {
  let renewAt = 0;
  return async () => {
    const now = Date.now();
    if (now < renewAt) return;
    renewAt = now + RENEW_MS;
    const lease = await leases.acquire('projector', `rebuild-${process.pid}`, { ttlMs: LEASE_MS, nowMs: now });
    if (!lease) throw new Fault('unavailable', 'a server works on these views: ask it to make them again with POST /v1/views/rebuild, or stop it', { retry: 'later' });
  };
}
