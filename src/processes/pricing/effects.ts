import { MOVES_STOCK } from '../../rooms/inventory/inventory.ts';
import type { EventRecord } from '../../store/store.ts';
import { cameBack, noSales, repriced, sold, type Sales } from './sales.ts';

/** What a fact has to do with prices. */
export type Effect = 'described' | 'moved' | 'sold' | 'cancelled' | 'places' | 'policies' | 'priced';

export const EFFECTS: ReadonlyMap<string, Effect> = new Map<string, Effect>([
  ...MOVES_STOCK.map((type) => [type, 'moved'] as const),
  ['inventory.item.settled', 'moved'],
  ['inventory.reservation.confirmed', 'sold'],
  ['inventory.allocation.cancelled', 'cancelled'],
  ['inventory.item.defined', 'described'],
  ['inventory.item.removed', 'described'],
  ['inventory.location.defined', 'places'],
  ['inventory.location.removed', 'places'],
  ['pricing.policy.changed', 'policies'],
  ['pricing.controls.set', 'policies'],
  ['pricing.price.changed', 'priced'],
  ['pricing.override.ended', 'described'],
]);

/** What is remembered of sales after a fact; the very same where it says nothing of them. */
export function salesAfter(effect: Effect, sales: Sales | undefined, time: number, data: EventRecord['data']): Sales | undefined {
  const units = Number(data['quantity'] ?? 0);
  if (effect === 'sold') return sold(sales ?? noSales(time), units, time);
  if (effect === 'cancelled') return sales && cameBack(sales, units);
  if (effect !== 'priced') return sales;
  const { price, by } = data as unknown as { price: Parameters<typeof repriced>[1]; by: 'policy' | 'hand' }; // the fact's own members
  return by === 'hand' || sales?.point ? repriced(sales ?? noSales(time), price, by, time) : sales;
}
