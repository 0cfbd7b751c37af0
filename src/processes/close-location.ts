import { refused, type Refusal } from '../base/decision.ts';
import type { JsonObject } from '../base/json.ts';
import { closingDefinition, findItem, itemKey, limits, locationsBeside, type InventoryCommand, type Location } from '../rooms/inventory/inventory.ts';
import type { Engine } from '../runtime/runtime.ts';
import type { Store } from '../store/store.ts';
import { openTransfers } from './open-transfers.ts';

export interface ClosingServices {
  readonly engine: Engine<InventoryCommand>;
  readonly store: Store;
  readonly views: { covers(positions: readonly number[], waitMs: number): Promise<boolean> };
}

type Closing = { readonly ok: true } | { readonly ok: false; readonly refusal: Refusal };

/** How long the views may take to know of every item that is at the place. */
const VIEWS_WAIT_MS = 10_000;
/** Items looked at, or emptied, together. */
const STEP = 500;

/**
 * Closes a place for good:
 *
 *   open ──► closing: takes nothing new ──► empty: stock moved, item by item ──► gone
 *     ▲                     │ holds, allocations, transfers, or stock without a place to move to
 *     └─────────────────────┘ described as it was before
 *
 * Everything that is at the place when it stops taking anything is in the views once they cover that moment. Stock that
 * was moved before a refusal was met stays moved, and the history says so.
 */
export async function closeLocation(services: ClosingServices, asked: { id: string; moveStockTo: string | undefined; actor?: string | undefined }): Promise<Closing> {
  const { engine } = services;
  const { id, moveStockTo, actor } = asked;
  const places = await engine.read((world) => locationsBeside(world, itemKey('')));
  const before = places.get(id);
  if (!before) return refused('not-found', 'unknown-location', `There is no location ${id}.`);
  if (id === 'main') return refused('conflict', 'in-use', 'The location main always exists.', { blockers: [] });
  const elsewhere = unfitTarget(places, asked);
  if (elsewhere) return { ok: false, refusal: elsewhere };
  const closing = await engine.execute({ type: 'DefineLocation', id, definition: closingDefinition(before), ifVersion: before.version });
  if (!closing.ok) return closing;
  const refusal = await empty(services, { id, moveStockTo, actor }).catch(async (error: unknown) => {
    await reopen(engine, before);
    throw error;
  });
  if (!refusal) return engine.execute({ type: 'RemoveLocation', id });
  await reopen(engine, before);
  return { ok: false, refusal };
}

function unfitTarget(places: ReadonlyMap<string, Location>, { id, moveStockTo }: { id: string; moveStockTo: string | undefined }): Refusal | undefined {
  if (moveStockTo === undefined) return undefined;
  const target = places.get(moveStockTo);
  if (target && target.closing !== true && moveStockTo !== id) return undefined;
  const detail = moveStockTo === id ? 'Stock cannot be moved to the location that is closed.' : `There is no location ${moveStockTo}.`;
  return refused('invalid', 'unknown-location', detail, { errors: [{ pointer: '/moveStockTo', detail, in: 'query' }] }).refusal;
}

async function reopen(engine: ClosingServices['engine'], before: Location): Promise<void> {
  const { id, version: _, ...definition } = before;
  await engine.execute({ type: 'DefineLocation', id, definition });
}

/** Why the place cannot be emptied; undefined once it is empty. */
async function empty(services: ClosingServices, { id, moveStockTo, actor }: { id: string; moveStockTo: string | undefined; actor: string | undefined }): Promise<Refusal | undefined> {
  const { engine, views } = services;
  if (!(await views.covers([...engine.heads], VIEWS_WAIT_MS))) return refused('conflict', 'in-use', 'The views are too far behind to say what is at the location. Try again later.', { blockers: [] }).refusal;
  // Nothing is shipped from or to a place that is being closed, so the views know of every transfer that is not over.
  const blockers: JsonObject[] = await openTransfers(services, { location: id });
  for await (const skus of itemsAt(services.store, id)) {
    blockers.push(...(await blockersAt(engine, skus, id, moveStockTo)));
    if (blockers.length >= limits.BLOCKERS_MAX) break;
  }
  if (blockers.length > 0) return refused('conflict', 'in-use', `Location ${id} still has stock or promises.`, { blockers: blockers.slice(0, limits.BLOCKERS_MAX) }).refusal;
  if (moveStockTo === undefined) return undefined;
  for await (const skus of itemsAt(services.store, id)) {
    const moved = await Promise.all(skus.map((sku) => engine.execute({ type: 'TransferAway', sku, from: id, to: moveStockTo, actor })));
    for (const settled of moved) if (!settled.ok) return settled.refusal;
  }
  return undefined;
}

/** Items that have, or had, something at a place, some at a time. */
async function* itemsAt(store: Store, id: string): AsyncGenerator<string[]> {
  for (let after = ''; ; ) {
    const rows = (await store.projections.sql.selectFrom('levels').select('sku').where('location', '=', id).where('sku', '>', after).orderBy('sku').limit(STEP).execute()) as { sku: string }[]; // the column selected
    if (rows.length > 0) yield rows.map(({ sku }) => sku);
    const last = rows.at(-1);
    if (!last || rows.length < STEP) return;
    after = last.sku;
  }
}

function blockersAt(engine: ClosingServices['engine'], skus: readonly string[], location: string, moveStockTo: string | undefined): Promise<JsonObject[]> {
  return engine.read((world, now) => {
    const blockers: JsonObject[] = [];
    for (const sku of skus) {
      const item = findItem(world, sku);
      const level = item?.levels.get(location);
      if (!item || !level) continue;
      item.lapses.advance(now);
      const reserved = level.reserved - item.lapses.lapsedAt(location);
      const stock = level.onHand + level.damaged + level.qualityControl;
      if (reserved > 0) blockers.push({ kind: 'reservation', sku, location, quantity: reserved });
      if (level.allocated > 0) blockers.push({ kind: 'allocation', sku, location, quantity: level.allocated });
      if (stock > 0 && moveStockTo === undefined) blockers.push({ kind: 'stock', sku, location, quantity: stock });
    }
    return blockers;
  });
}
