import type { ItemDefinition } from './commands.ts';
import type { InventoryEvent, Place, Share } from './events.ts';

/** What facts about one item, not folded yet, do to its figures at an instant. */
export interface Change {
  /** By place: of on hand less what is promised there. */
  readonly free: Map<string, number>;
  /** Of the promised units that are at no place. */
  backordered: number;
  /** How the item is described from now on, where that changes. */
  definition?: ItemDefinition;
}

export const noChange = (): Change => ({ free: new Map(), backordered: 0 });

/** Adds what a fact does. A hold that has run out counts no more, so that its end changes nothing. */
export function addChange(change: Change, event: InventoryEvent, now: number): void {
  switch (event.type) {
    case 'inventory.item.defined':
      change.definition = event.data.definition;
      return;
    case 'inventory.stock.adjusted':
      if (event.data.bucket === 'sellable') bump(change.free, event.data.location, event.data.change);
      return;
    case 'inventory.reservation.held':
      return promise(change, event.data, 1);
    case 'inventory.reservation.changed':
      if (event.data.previous.expiresAt > now) promise(change, event.data.previous, -1);
      return promise(change, event.data, 1);
    case 'inventory.reservation.released':
      if (event.data.expiresAt > now) promise(change, event.data, -1);
      return;
    case 'inventory.allocation.fulfilled':
      if (event.data.uncounted === undefined) bump(change.free, event.data.location, -event.data.quantity);
      addPlaces(change.free, event.data.freed, 1);
      change.backordered -= event.data.backordered;
      return;
    case 'inventory.allocation.restored':
      if (event.data.uncounted !== undefined) change.backordered += event.data.quantity;
      return;
    case 'inventory.allocation.cancelled':
      addPlaces(change.free, event.data.allocations, 1);
      change.backordered -= event.data.backordered;
      return;
    case 'inventory.allocation.placed':
      addPlaces(change.free, event.data.allocations, -1);
      change.backordered -= event.data.quantity;
      return;
    // These turn one promise into another, end one that counted no more, or are about something else.
    case 'inventory.reservation.confirmed':
    case 'inventory.reservation.extended':
    case 'inventory.reservation.expired':
    case 'inventory.item.bundled':
    case 'inventory.item.removed':
    case 'inventory.item.settled':
    case 'inventory.threshold.crossed':
    case 'inventory.shortfall.detected':
    case 'inventory.location.defined':
    case 'inventory.location.removed':
    case 'inventory.reservation.recorded':
    case 'inventory.order.recorded':
    case 'inventory.transfer.recorded':
    case 'inventory.import.advanced':
    case 'inventory.holder.tallied':
    case 'inventory.cart.bound':
      return;
    default:
      event satisfies never;
  }
}

function promise(change: Change, share: Share, sign: 1 | -1): void {
  addPlaces(change.free, share.allocations, sign === 1 ? -1 : 1);
  change.backordered += sign * share.backordered;
}

function addPlaces(free: Map<string, number>, places: readonly Place[], sign: 1 | -1): void {
  for (const { location, quantity } of places) bump(free, location, sign * quantity);
}

function bump(free: Map<string, number>, location: string, by: number): void {
  free.set(location, (free.get(location) ?? 0) + by);
}
