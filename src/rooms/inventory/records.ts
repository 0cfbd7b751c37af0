import type { HoldEvent, InventoryEvent, Share } from './events.ts';
import { itemKey, logOfKey, orderKey, reservationKey } from './keys.ts';
import { findCustomer, findItem, type Order, type Reservation, type World } from './state.ts';
import type { ItemShare } from './units.ts';

/** Reads every state that the facts of a change to this hold fold into, so that they are at hand. */
export function touched(record: Reservation, world: World): Reservation {
  for (const line of record.lines) {
    for (const { sku } of line.components ?? [line]) {
      findItem(world, sku);
      if (record.customerId !== undefined) findCustomer(world, sku, record.customerId);
    }
  }
  return record;
}

/** What some kinds of fact about a hold say besides the share. */
interface More {
  readonly requested?: number | undefined;
  readonly previousExpiresAt?: number;
  readonly previous?: Share;
  readonly orderId?: string;
  readonly more?: 1 | undefined;
}
export const NOTHING_MORE: More = {};

/**
 * A fact about one item's share of a hold, which runs out with the record. Every kind has all members, most of them
 * undefined and so not stored: objects of one shape cost the least to make and to fold.
 */
export function holdFact(type: HoldEvent['type'], record: Reservation, share: ItemShare, now: number, more: More = NOTHING_MORE): HoldEvent {
  const data = {
    reservationId: record.id,
    cartId: record.cartId,
    customerId: record.customerId,
    channel: record.channel,
    quantity: share.quantity,
    backordered: share.backordered,
    allocations: share.allocations,
    bound: share.bound,
    preorderChannel: share.preorderChannel,
    expiresAt: record.expiresAt,
    requested: more.requested,
    previousExpiresAt: more.previousExpiresAt,
    previous: more.previous,
    orderId: more.orderId,
    tallied: type === 'inventory.reservation.held' ? record.tallied : undefined,
    solo: undefined,
    more: more.more,
  };
  return { type, key: itemKey(share.sku), time: now, data } as unknown as HoldEvent; // callers give each kind the members that it needs
}

export function until(share: ItemShare, expiresAt: number): Share {
  return { quantity: share.quantity, backordered: share.backordered, allocations: share.allocations, bound: share.bound, preorderChannel: share.preorderChannel, expiresAt };
}

/**
 * Completes the facts of one change with the record of the reservation. Where the reservation is one line of one item
 * and lives in that item's log, its record follows from the fact itself and nothing is added: the usual case.
 */
export function withRecord(facts: readonly HoldEvent[], after: Reservation, world: World, now: number, before: Reservation = after): InventoryEvent[] {
  const only = after.lines.length === 1 && before.lines.length === 1 ? after.lines[0] : undefined;
  const home = logOfKey(reservationKey(after.id), world.partitions);
  const key = only && itemKey(only.sku);
  const solo = key !== undefined && facts.every((fact) => fact.key === key) && logOfKey(key, world.partitions) === home;
  if (!solo) return [...facts, recorded(after, now)];
  for (const fact of facts) (fact.data as { solo?: 1 }).solo = 1; // made by this decision and not yet given away
  return [...facts];
}

export function recorded(reservation: Reservation, now: number): InventoryEvent {
  return { type: 'inventory.reservation.recorded', key: reservationKey(reservation.id), time: now, data: { reservation } };
}

export function recordOrder(order: Order, now: number): InventoryEvent {
  return { type: 'inventory.order.recorded', key: orderKey(order.orderId), time: now, data: { order } };
}
