import { isPublic, itemKey, logOfKey } from '../rooms/inventory/inventory.ts';
import type { Commit, EventRecord, Store } from '../store/store.ts';

/** A fact about an item and where it stands. */
export interface ItemFact {
  readonly record: EventRecord;
  readonly log: number;
  readonly position: number;
  /** Its place in its commit, from 0. */
  readonly index: number;
}

/** Commits looked up at a time. */
const STEP = 500;

interface Place {
  readonly log: number;
  readonly position: number;
}

/**
 * The commits that say something about an item after a position, oldest first, as far as the views have come; none of
 * them begins after `untilMs`. In place of a SKU, the key of a log's places asks for what was said about those.
 */
export async function* commitsOfItem(store: Store, sku: string, after: number, untilMs?: number): AsyncGenerator<Commit> {
  for (let from = after; ; ) {
    const places = await findPlaces(store, sku, { from, untilMs, order: 'asc', limit: STEP });
    yield* readAt(store, places);
    const last = places.at(-1);
    if (!last || places.length < STEP) return;
    from = last.position;
  }
}

/** Public facts of an item before a place, newest first: `limit` of them, or all that there are. */
export async function newestFacts(store: Store, sku: string, before: { position: number; index: number } | undefined, limit: number): Promise<ItemFact[]> {
  const facts: ItemFact[] = [];
  // The commit that a page ended in may have earlier facts left.
  let until = before === undefined ? Number.MAX_SAFE_INTEGER : before.position + 1;
  // What the policy has deleted is no longer part of the history.
  const from = await store.log.trimmedTo(logOfKey(itemKey(sku), store.partitions));
  while (facts.length < limit) {
    const count = Math.min(STEP, limit - facts.length);
    const places = await findPlaces(store, sku, { from, until, order: 'desc', limit: count });
    const commits: Commit[] = [];
    for await (const commit of readAt(store, places.toReversed())) commits.push(commit);
    for (const commit of commits.toReversed()) facts.push(...factsOf(commit, sku).filter((fact) => before === undefined || fact.position < before.position || fact.index < before.index));
    const last = places.at(-1);
    if (!last || places.length < count) break;
    until = last.position;
  }
  return facts.slice(0, limit);
}

function factsOf({ log, position, events }: Commit, sku: string): ItemFact[] {
  const key = itemKey(sku);
  return events
    .map((record, index) => ({ record, log, position, index }))
    .filter(({ record }) => record.key === key && isPublic(record.type))
    .toReversed();
}

async function findPlaces({ projections: { sql } }: Store, sku: string, asked: { from?: number; until?: number; untilMs?: number | undefined; order: 'asc' | 'desc'; limit: number }): Promise<Place[]> {
  let query = sql.selectFrom('item_facts').select(['log', 'position']).where('sku', '=', sku).orderBy('position', asked.order).limit(asked.limit);
  if (asked.from !== undefined) query = query.where('position', '>', asked.from);
  if (asked.until !== undefined) query = query.where('position', '<', asked.until);
  if (asked.untilMs !== undefined) query = query.where('time', '<=', asked.untilMs);
  const rows = (await query.execute()) as { log: number | string; position: number | string }[]; // the columns selected above; some drivers give large integers as text
  return rows.map(({ log, position }) => ({ log: Number(log), position: Number(position) }));
}

/** The commits at some places of one log, given oldest first. */
async function* readAt(store: Store, places: readonly Place[]): AsyncGenerator<Commit> {
  const [first] = places;
  if (first) yield* store.log.readAt(first.log, places.map(({ position }) => position));
}
