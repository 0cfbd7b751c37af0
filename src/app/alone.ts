import { Fault } from '../base/errors.ts';
import type { Store } from '../store/store.ts';
import type { StorePlace } from './open-store.ts';

/** How long the right to work on a shared store is taken for at a time, and how often it is taken again. */
const LEASE_MS = 10_000;
const RENEW_MS = 2_000;

/**
 * For tools that need a store to themselves: gives what to call every so often while they work. On SQLite the lock on
 * the directory is enough; on PostgreSQL some server has the projector's lease for as long as any runs, so the tool
 * takes it, and no server gets it meanwhile.
 */
export function keepingOthersOff(place: StorePlace, { leases }: Store): () => Promise<void> {
  if (place.engine === 'sqlite') return async () => undefined;
  let renewAt = 0;
  return async () => {
    const now = Date.now();
    if (now < renewAt) return;
    renewAt = now + RENEW_MS;
    const lease = await leases.acquire('projector', `tool-${process.pid}`, { ttlMs: LEASE_MS, nowMs: now });
    if (!lease) throw new Fault('unavailable', 'a server works on this store: stop it first, and wait three seconds where it was killed', { retry: 'later' });
  };
}
