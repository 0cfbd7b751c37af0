import type { JsonObject } from '../base/json.ts';
import { findTransfer, limits, type InventoryCommand } from '../rooms/inventory/inventory.ts';
import type { Engine } from '../runtime/runtime.ts';
import type { Store } from '../store/store.ts';

const OPEN = ['draft', 'in-transit', 'partially-received'] as const;

/** The transfers of an item, or from and to a place, that are not over: what keeps it from being removed. As new as the views are. */
export async function openTransfers(services: { engine: Engine<InventoryCommand>; store: Store }, about: { sku: string } | { location: string }): Promise<JsonObject[]> {
  const name = 'sku' in about ? `s/${about.sku}` : `l/${about.location}`;
  const rows = (await services.store.projections.sql
    .selectFrom('transfer_names')
    .innerJoin('transfers', 'transfers.id', 'transfer_names.transfer_id')
    .where('transfer_names.id', '>', `${name}/`)
    .where('transfer_names.id', '<', `${name}0`)
    .where('transfers.status', 'in', OPEN)
    .orderBy('transfer_names.id')
    .select('transfers.id as id')
    .limit(limits.BLOCKERS_MAX)
    .execute()) as { id: string }[]; // the column selected
  if (rows.length === 0) return [];
  return services.engine.read((world) => rows.flatMap(({ id }) => blockerOf(findTransfer(world, id), about)));
}

function blockerOf(transfer: ReturnType<typeof findTransfer>, about: { sku: string } | { location: string }): JsonObject[] {
  if (!transfer || !OPEN.some((status) => status === transfer.status)) return [];
  const lines = 'sku' in about ? transfer.lines.filter(({ sku }) => sku === about.sku) : transfer.lines;
  return [{ kind: 'transfer', id: transfer.id, quantity: lines.reduce((sum, line) => sum + line.quantity - line.received, 0) }];
}
