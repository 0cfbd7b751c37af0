import { Fault } from '../base/errors.ts';
import type { Lease, Store } from '../store/store.ts';
import type { StorePlace } from './open-store.ts';

/** How long the right to work on a shared store is taken for at a time, and how often it is taken again. */
const LEASE_MS = 10_000;
const RENEW_MS = 2_000;

/** The right of a tool to a store of its own. Whoever disposes of it lets the next server begin at once. */
export interface Alone extends AsyncDisposable {
  /** To be called every so often while the tool works; rejects where somebody else has the store. */
  keep(): Promise<void>;
}

/**
 * For tools that need a store to themselves. On SQLite the lock on the directory is enough; on PostgreSQL some server
 * has the projector's lease for as long as any runs, so the tool takes it, and no server gets it meanwhile.
 */
export function keepingOthersOff(place: StorePlace, { leases }: Store): Alone {
  if (place.engine === 'sqlite') return { keep: async () => undefined, [Symbol.asyncDispose]: async () => undefined };
  let renewAt = 0;
  let held: Lease | undefined;
  return {
    async keep() {
      const now = Date.now();
      if (now < renewAt) return;
      renewAt = now + RENEW_MS;
      held = await leases.acquire('projector', `tool-${process.pid}`, { ttlMs: LEASE_MS, nowMs: now });
      if (!held) throw new Fault('unavailable', 'a server works on this store: stop it first, and wait three seconds where it was killed', { retry: 'later' });
    },
    async [Symbol.asyncDispose]() {
      if (held) await leases.release(held);
    },
  };
}
