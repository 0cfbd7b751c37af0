import type { JsonObject } from '../../base/json.ts';
import { openTransfers } from '../../processes/processes.ts';
import { findItem, findOrder, isBundle, limits, openLine, type Reservation } from '../../rooms/inventory/inventory.ts';
import type { Services } from '../services.ts';
import { listReservations } from './reservation-list.ts';

type ReservationLine = Pick<Reservation['lines'][number], 'sku' | 'quantity' | 'backordered' | 'allocations' | 'components'>;

/**
 * Names the holds, orders and transfers that keep an item from being removed, instead of only counting their units. The views may be a moment
 * behind; where they know nothing, the counts stand.
 */
export async function blockersOf(services: Services, sku: string, counted: readonly JsonObject[]): Promise<JsonObject[]> {
  const named: JsonObject[] = [];
  if (counted.some(({ kind }) => kind === 'reservation')) {
    const held = await listReservations(services, { sku, status: 'held', after: '', limit: limits.BLOCKERS_MAX });
    for (const { id, lines } of held) {
      const quantity = unitsIn(lines, sku);
      named.push({ kind: 'reservation', id, quantity });
    }
  }
  if (counted.some(({ kind }) => kind === 'allocation')) {
    const confirmed = await listReservations(services, { sku, status: 'confirmed', after: '', limit: limits.BLOCKERS_MAX });
    const orders = new Set(confirmed.flatMap(({ orderId }) => (typeof orderId === 'string' ? [orderId] : [])));
    for (const id of await outstanding(services, sku, [...orders])) named.push(id);
  }
  if (counted.some(({ kind }) => kind === 'transfer')) named.push(...(await openTransfers(services, { sku })));
  const kinds = new Set(named.map(({ kind }) => kind));
  return [...counted.filter(({ kind }) => !kinds.has(kind)), ...named].slice(0, limits.BLOCKERS_MAX);
}

/** The promises of a bundle: its components have the units, so that it knows nothing of them itself. */
export async function bundlePromises(services: Services, sku: string): Promise<JsonObject[]> {
  const isOne = await services.engine.read((world) => isBundle(findItem(world, sku)?.definition));
  if (!isOne) return [];
  const named = await blockersOf(services, sku, [{ kind: 'reservation' }, { kind: 'allocation' }]);
  return named.filter(({ id }) => id !== undefined);
}

/** Units of an item in lines: by its own name, or as a part of bundles. */
function unitsIn(lines: readonly ReservationLine[], sku: string): number {
  return [...lines, ...lines.filter(({ components }) => components).flatMap(openLine)].reduce((sum, line) => (line.sku === sku ? sum + line.quantity : sum), 0);
}

async function outstanding({ engine }: Services, sku: string, orders: readonly string[]): Promise<JsonObject[]> {
  return engine.read((world) => {
    const found: JsonObject[] = [];
    for (const id of orders) {
      const quantity = unitsIn(findOrder(world, id)?.lines ?? [], sku);
      if (quantity > 0) found.push({ kind: 'allocation', id, quantity });
    }
    return found;
  });
}
