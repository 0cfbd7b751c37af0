import type { HoldEvent, InventoryEvent, Place, Share } from './events.ts';
import { orderKey, reservationKey } from './keys.ts';
import type { Stint, Waiting } from './state.ts';

type WaitingEvent = HoldEvent | Extract<InventoryEvent, { type: `inventory.allocation.${string}` | 'inventory.item.settled' }>;

/** Whether a fact says something about units that wait. */
export function concernsWaiting(event: InventoryEvent): event is WaitingEvent {
  switch (event.type) {
    case 'inventory.reservation.changed':
      return event.data.backordered > 0 || event.data.previous.backordered > 0;
    case 'inventory.reservation.held':
    case 'inventory.reservation.extended':
    case 'inventory.reservation.released':
    case 'inventory.reservation.expired':
    case 'inventory.reservation.confirmed':
    case 'inventory.allocation.fulfilled':
    case 'inventory.allocation.cancelled':
      return event.data.backordered > 0;
    case 'inventory.allocation.restored':
      return event.data.uncounted !== undefined;
    case 'inventory.allocation.placed':
    case 'inventory.item.settled':
      return true;
    default:
      return false;
  }
}

export const nobodyWaits = (): Waiting => ({ promises: new Map(), due: undefined });

/** Folds a fact into the promises that wait. `version` is the item's with this fact. */
export function evolveWaiting(event: WaitingEvent, waiting: Waiting, version: number): void {
  waiting.due = undefined;
  switch (event.type) {
    case 'inventory.reservation.held':
    case 'inventory.reservation.changed': {
      const key = reservationKey(event.data.reservationId);
      const since = waiting.promises.get(key)?.stints[0]?.since ?? version;
      setStints(waiting, key, stintsOf(event.data, since), event.data.expiresAt);
      if (event.data.more === 1) waiting.due = event.time;
      return;
    }
    case 'inventory.reservation.extended': {
      const key = reservationKey(event.data.reservationId);
      return setStints(waiting, key, waiting.promises.get(key)?.stints ?? [], event.data.expiresAt);
    }
    case 'inventory.reservation.released':
    case 'inventory.reservation.expired':
      return void take(waiting, reservationKey(event.data.reservationId), event.data);
    case 'inventory.reservation.confirmed': {
      const taken = take(waiting, reservationKey(event.data.reservationId), event.data);
      const key = orderKey(event.data.orderId);
      return setStints(waiting, key, [...(waiting.promises.get(key)?.stints ?? []), ...taken].sort((a, b) => a.since - b.since));
    }
    case 'inventory.allocation.fulfilled':
    case 'inventory.allocation.cancelled':
      return void take(waiting, orderKey(event.data.orderId), event.data);
    case 'inventory.allocation.restored': {
      const key = orderKey(event.data.orderId);
      return setStints(waiting, key, [...(waiting.promises.get(key)?.stints ?? []), { since: version, units: event.data.quantity }]);
    }
    case 'inventory.allocation.placed': {
      const { orderId, quantity, since, bound, more } = event.data;
      const key = orderKey(orderId);
      const stints = (waiting.promises.get(key)?.stints ?? []).map((stint) => (stint.since === since && stint.bound === bound ? { ...stint, units: stint.units - quantity } : stint));
      setStints(waiting, key, stints.filter(({ units }) => units > 0));
      if (more === 1) waiting.due = event.time;
      return;
    }
    case 'inventory.item.settled':
      return;
    default:
      event satisfies never;
  }
}

function setStints(waiting: Waiting, key: string, stints: readonly Stint[], until?: number): void {
  if (stints.length === 0) waiting.promises.delete(key);
  else waiting.promises.set(key, { until, stints });
}

/** The waiting units of a share: those bound to a place, then the others. */
function stintsOf({ backordered, bound = [] }: Share, since: number): Stint[] {
  const stints: Stint[] = bound.map(({ location, quantity }) => ({ since, units: quantity, bound: location }));
  const free = backordered - unitsOf(bound);
  if (free > 0) stints.push({ since, units: free });
  return stints;
}

/** Takes units off a promise: those bound to the places named, then of the others those that came last; gives what they were. */
function take(waiting: Waiting, key: string, { backordered, bound = [] }: { backordered: number; bound?: readonly Place[] | undefined }): Stint[] {
  const known = waiting.promises.get(key);
  if (!known) return [];
  const { stints, until } = known;
  const taken = stints.map(() => 0);
  const takeUpTo = (most: number, fits: (stint: Stint) => boolean): number => {
    let left = most;
    for (let i = stints.length - 1; i >= 0; i--) {
      const stint = stints[i] as Stint; // within bounds
      const units = fits(stint) ? Math.min(left, stint.units - (taken[i] ?? 0)) : 0;
      taken[i] = (taken[i] ?? 0) + units;
      left -= units;
    }
    return most - left;
  };
  let left = backordered;
  for (const { location, quantity } of bound) left -= takeUpTo(Math.min(left, quantity), (stint) => stint.bound === location);
  left -= takeUpTo(left, (stint) => stint.bound === undefined);
  takeUpTo(left, () => true);
  const parts = (of: (stint: Stint, index: number) => number): Stint[] => stints.map((stint, index) => ({ ...stint, units: of(stint, index) })).filter(({ units }) => units > 0);
  setStints(waiting, key, parts(({ units }, index) => units - (taken[index] ?? 0)), until);
  return parts((_, index) => taken[index] ?? 0);
}

export function unitsOf(places: readonly Place[]): number {
  return places.reduce((sum, { quantity }) => sum + quantity, 0);
}
