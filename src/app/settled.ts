import { leavesTheHouse, toCloudEvent, type CloudEvent } from '../distribution/feed/feed.ts';
import { Fault } from '../base/errors.ts';
import { itemKey, locationsBeside, type Item, type Location } from '../rooms/inventory/inventory.ts';
import { rooms } from '../processes/processes.ts';
import { Projector } from '../runtime/runtime.ts';
import { formatCursor, parseCursor, type Store } from '../store/store.ts';
import { claimPlace, openStore, type ArchivedStore, type StorePlace } from './open-store.ts';

/**
 * Opens a store to look at: nothing is decided, no hold runs out and no accepted work is done. Its views are at the
 * log's end. An embedded store has nobody else in it meanwhile, so that all that is read of it is of one instant.
 */
export async function openSettled(place: StorePlace): Promise<ArchivedStore> {
  await using opening = new AsyncDisposableStack();
  opening.use(await claimPlace(place));
  const store = opening.use(await openStore(place));
  const projector = new Projector({ store, room: rooms as never }); // it folds and never decides
  await projector.start();
  await projector.catchUp();
  const open = opening.move();
  return { ...store, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

/** Items at a time: some hundred kilobytes. */
const PAGE = 500;

/** Every item that is described, by SKU. */
export async function* storedItems({ projections, partitions }: Store): AsyncGenerator<Item[]> {
  for (let after = ''; ; ) {
    const rows = (await projections.sql.selectFrom('items').select('sku').where('sku', '>', after).orderBy('sku').limit(PAGE).execute()) as { sku: string }[]; // the column selected
    const bodies = new Map<string, string>();
    for (const [log, group] of Map.groupBy(rows, ({ sku }) => rooms.logOf(itemKey(sku), partitions))) {
      for (const [key, body] of (await projections.loadStates(log, group.map(({ sku }) => itemKey(sku)))).bodies) bodies.set(key, body);
    }
    const items: Item[] = [];
    for (const { sku } of rows) {
      const body = bodies.get(itemKey(sku));
      const item = body === undefined ? undefined : (rooms.read(itemKey(sku), body) as Item); // under `i/` keys there are items only
      if (item?.definition) items.push(item);
    }
    if (items.length > 0) yield items;
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return;
    after = last.sku;
  }
}

/** Every place, by id. */
export async function storedLocations({ projections, partitions }: Store): Promise<Location[]> {
  const key = 'l/0';
  const { bodies } = await projections.loadStates(0, [key]);
  const body = bodies.get(key);
  const known = body === undefined ? undefined : rooms.read(key, body);
  const locations = locationsBeside({ partitions, get: (asked) => (asked === key ? known : undefined) }, key);
  return [...locations.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** Every public fact after a cursor, log by log, each with the cursor that goes on after its log's part. */
export async function* storedFacts({ log: logs, partitions }: Store, after: string | undefined): AsyncGenerator<{ events: CloudEvent[]; cursor: string }> {
  const start = after === undefined ? { positions: new Array<number>(partitions).fill(0), partial: new Map<number, number>() } : parseCursor(after, partitions);
  if (!start) throw new Fault('history-lost', `${after} is not a cursor of this store`, { retry: 'never' });
  const positions = [...start.positions];
  const partial = new Map(start.partial);
  for (let log = 0; log < partitions; log++) {
    for await (const { position, events } of logs.read(log, positions[log] ?? 0)) {
      const seen = partial.get(log) ?? 0;
      partial.delete(log);
      positions[log] = position;
      const found = events.flatMap((record, index) => (index >= seen && leavesTheHouse(record) ? [toCloudEvent(record, { log, position, index })] : []));
      if (found.length > 0) yield { events: found, cursor: formatCursor(positions, partial) };
    }
  }
  yield { events: [], cursor: formatCursor(positions, partial) };
}
