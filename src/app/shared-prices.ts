import { randomUUID } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { SharedPrices, type SharedPricesOptions } from '../processes/processes.ts';
import type { Store } from '../store/store.ts';

/** Where prices are copied for shops that read them without asking us. */
export interface RedisPlace {
  readonly url: string;
  /** What all keys begin with: one for each store. */
  readonly prefix: string;
}

const STORE_ID = 'store-id';

/** Copies prices to Redis until it is disposed of. Whether Redis is there is nobody's business here: it is tried again. */
export async function startSharedPrices(place: RedisPlace, { store, engine, clock, onTrouble }: { store: Store; engine: SharedPricesOptions['engine']; clock: Clock; onTrouble: SharedPricesOptions['onTrouble'] }): Promise<Pick<SharedPrices, 'copied'> & AsyncDisposable> {
  const { openRedis } = await import('../engines/redis/redis.ts'); // only who copies there pays for the driver
  await using opening = new AsyncDisposableStack();
  const copies = opening.use(openRedis({ ...place, source: await storeId(store), partitions: store.partitions }));
  const shared = opening.use(new SharedPrices({ copies, store, engine, clock, onTrouble }));
  const open = opening.move();
  return {
    get copied() {
      return shared.copied;
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** Tells this store from others, also where its copies are found later. */
async function storeId(store: Store): Promise<string> {
  for (;;) {
    const known = await store.settings.get(STORE_ID);
    if (typeof known === 'string') return known;
    await store.settings.swap(STORE_ID, undefined, randomUUID());
  }
}
