import type { InventoryEvent, ItemDefinition, Place, Share } from '../rooms/inventory/inventory.ts';

/** Facts about one item. */
export type LedgerEvent = Exclude<InventoryEvent, { type: `inventory.${'reservation.recorded' | 'order.recorded' | 'import.advanced' | 'transfer.recorded' | 'holder.tallied' | 'cart.bound' | 'location.defined' | 'location.removed'}` }>;

type Promised = Pick<Share, 'backordered' | 'allocations'>;
const NO_SHARE: Promised = { backordered: 0, allocations: [] };

type Column = 'sellable' | 'damaged' | 'qualityControl' | 'inTransit' | 'allocated' | 'reserved';
export type Sums = Record<Column, number>;

/**
 * An item's books, added up from its facts alone and with nothing of the room's own arithmetic. Each promise is also
 * looked at when it is made: units promised at a place must have been free there, and units promised at no place within
 * the limit of backorders then in force. What a count or a loss takes from under a promise later is no overselling.
 */
export class Ledger {
  readonly #sums = new Map<string, Sums>();
  readonly #holds = new Map<string, Share>();
  #definition: ItemDefinition | undefined;
  /** How many facts were added. */
  version = 0;
  backordered = 0;
  oversold = 0;

  places(): string[] {
    return [...this.#sums.keys()];
  }

  at(location: string): Sums {
    let sums = this.#sums.get(location);
    if (!sums) this.#sums.set(location, (sums = { sellable: 0, damaged: 0, qualityControl: 0, inTransit: 0, allocated: 0, reserved: 0 }));
    return sums;
  }

  add(event: LedgerEvent): void {
    this.version++;
    switch (event.type) {
      case 'inventory.item.defined':
        this.#definition = event.data.definition;
        return;
      case 'inventory.item.removed':
      case 'inventory.item.bundled':
      case 'inventory.item.settled':
      case 'inventory.shortfall.detected':
      case 'inventory.threshold.crossed':
        return;
      case 'inventory.stock.adjusted':
        this.at(event.data.location)[event.data.bucket] += event.data.change;
        return;
      case 'inventory.allocation.fulfilled':
        if (event.data.uncounted === undefined) this.at(event.data.location).sellable -= event.data.quantity;
        return this.#unallocate(event.data.freed, event.data.backordered);
      case 'inventory.allocation.restored':
        if (event.data.uncounted !== undefined) {
          this.backordered += event.data.quantity;
          return;
        }
        this.at(event.data.location).sellable += event.data.quantity;
        this.at(event.data.location).allocated += event.data.quantity;
        return;
      case 'inventory.allocation.placed':
        this.oversold += this.#beyond({ backordered: 0, allocations: event.data.allocations }, NO_SHARE, event.time);
        for (const { location, quantity } of event.data.allocations) this.at(location).allocated += quantity;
        this.backordered -= event.data.quantity;
        return;
      case 'inventory.allocation.cancelled':
        return this.#unallocate(event.data.allocations, event.data.backordered);
      default:
        this.#addHoldFact(event);
    }
  }

  #addHoldFact(event: Extract<LedgerEvent, { type: `inventory.reservation.${string}` }>): void {
    const { data } = event;
    const held = this.#holds.get(data.reservationId);
    switch (event.type) {
      case 'inventory.reservation.held':
        return this.#hold(data.reservationId, data, NO_SHARE, event.time);
      case 'inventory.reservation.changed':
        this.#free(data.reservationId, event.data.previous, held);
        return this.#hold(data.reservationId, data, event.data.previous, event.time);
      case 'inventory.reservation.extended':
        this.#holds.set(data.reservationId, data);
        return;
      case 'inventory.reservation.confirmed':
        this.#free(data.reservationId, data, held);
        for (const { location, quantity } of data.allocations) this.at(location).allocated += quantity;
        this.backordered += data.backordered;
        return;
      case 'inventory.reservation.released':
      case 'inventory.reservation.expired':
        return this.#free(data.reservationId, data, held);
      default:
        event satisfies never;
    }
  }

  #hold(id: string, share: Share, before: Promised, time: number): void {
    this.oversold += this.#beyond(share, before, time);
    this.#holds.set(id, share);
    for (const { location, quantity } of share.allocations) this.at(location).reserved += quantity;
    this.backordered += share.backordered;
  }

  #free(id: string, share: Share, held: Share | undefined): void {
    for (const { location, quantity } of share.allocations) this.at(location).reserved -= quantity;
    this.backordered -= share.backordered;
    const left = held && held.quantity - share.quantity;
    if (!held || left === undefined || left <= 0) this.#holds.delete(id);
    else this.#holds.set(id, { quantity: left, backordered: held.backordered - share.backordered, allocations: less(held.allocations, share.allocations), expiresAt: held.expiresAt });
  }

  #unallocate(places: readonly Place[], backordered: number): void {
    for (const { location, quantity } of places) this.at(location).allocated -= quantity;
    this.backordered -= backordered;
  }

  /**
   * Units of a promise that were neither free nor allowed to be missing, and that it did not have before. Only where
   * that seems so are the holds that ran out looked for.
   */
  #beyond(share: Promised, before: Promised, time: number): number {
    const lapsed = this.#exceeds(share, before, time, NOTHING) === 0 ? undefined : this.#lapsedBy(time);
    return lapsed === undefined ? 0 : this.#exceeds(share, before, time, lapsed);
  }

  #exceeds(share: Promised, before: Promised, time: number, lapsed: { readonly places: ReadonlyMap<string, number>; readonly backordered: number }): number {
    let beyond = 0;
    for (const { location, quantity } of share.allocations) {
      const { sellable, allocated, reserved } = this.at(location);
      const had = before.allocations.find((place) => place.location === location)?.quantity ?? 0;
      const free = Math.max(0, sellable - allocated - reserved + (lapsed.places.get(location) ?? 0));
      beyond += Math.max(0, quantity - Math.max(free, had));
    }
    const limit = this.#definition && limitAt(this.#definition, time);
    const more = share.backordered - before.backordered;
    if (more > 0 && limit !== null) {
      beyond += Math.max(0, Math.min(more, this.backordered - lapsed.backordered + share.backordered - (limit ?? 0)));
    }
    return beyond;
  }

  /** What holds that had run out by an instant, and whose end was not written down yet, still seemed to take. */
  #lapsedBy(time: number): { places: Map<string, number>; backordered: number } {
    const places = new Map<string, number>();
    let backordered = 0;
    for (const hold of this.#holds.values()) {
      if (hold.expiresAt > time) continue;
      backordered += hold.backordered;
      for (const { location, quantity } of hold.allocations) places.set(location, (places.get(location) ?? 0) + quantity);
    }
    return { places, backordered };
  }
}

/** Units that might be promised beyond what there was, as the item was described at an instant; null: any number. */
function limitAt({ tracked, backorderLimit, preorder }: ItemDefinition, time: number): number | null {
  if (!tracked) return null;
  return preorder !== undefined && time < Date.parse(preorder.availableFrom) ? preorder.limit : backorderLimit;
}

const NOTHING = { places: new Map<string, number>(), backordered: 0 };

function less(places: readonly Place[], gone: readonly Place[]): Place[] {
  return places
    .map(({ location, quantity }) => ({ location, quantity: quantity - (gone.find((place) => place.location === location)?.quantity ?? 0) }))
    .filter(({ quantity }) => quantity > 0);
}
