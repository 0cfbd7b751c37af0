/** Books that nobody but the auditor keeps: each item's facts in their order, and what they come to. */
import type { Commit, EventRecord, Store } from '../../src/store/store.ts';
import type { InventoryEvent, Place } from '../../src/rooms/inventory/inventory.ts';

interface Held {
  readonly expiresAt: number;
  readonly places: Map<string, number>;
  backordered: number;
}

function add(places: Map<string, number>, more: readonly Place[], sign: 1 | -1): void {
  for (const { location, quantity } of more) places.set(location, (places.get(location) ?? 0) + sign * quantity);
}

/** What the facts about one item come to. Written from the facts alone: it shares nothing with the room. */
class ItemBook {
  readonly onHand = new Map<string, number>();
  readonly allocated = new Map<string, number>();
  readonly holds = new Map<string, Held>();
  backordered = 0;
  safetyStock = 0;
  limit = 0;
  readonly errors: string[] = [];

  /** Units left to promise at an instant. */
  net(at: number): number {
    const live = [...this.holds.values()].filter((hold) => hold.expiresAt > at);
    let net = -this.backordered - this.safetyStock;
    for (const hold of live) net -= hold.backordered;
    for (const [location, units] of this.onHand) {
      const promised = live.reduce((sum, hold) => sum + (hold.places.get(location) ?? 0), this.allocated.get(location) ?? 0);
      net += Math.max(0, units - promised);
    }
    return net;
  }

  enter({ type, data, time }: InventoryEvent): void {
    switch (type) {
      case 'inventory.item.defined':
        this.safetyStock = data.definition.safetyStock;
        this.limit = data.definition.tracked ? (data.definition.backorderLimit ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
        return;
      case 'inventory.stock.adjusted':
        if (data.bucket === 'sellable') add(this.onHand, [{ location: data.location, quantity: data.change }], 1);
        return;
      case 'inventory.reservation.held':
        if (this.holds.has(data.reservationId)) this.errors.push(`${data.reservationId} was held twice`);
        return this.#hold(data);
      case 'inventory.reservation.changed':
        return this.#hold(data);
      case 'inventory.reservation.extended': {
        const hold = this.holds.get(data.reservationId);
        if (hold && hold.expiresAt <= time) this.errors.push(`${data.reservationId} was extended after its end`);
        if (hold) this.holds.set(data.reservationId, { ...hold, expiresAt: data.expiresAt });
        return;
      }
      case 'inventory.reservation.released':
        return this.#free(data);
      case 'inventory.reservation.expired':
        if (data.expiresAt > time) this.errors.push(`${data.reservationId} expired before its end`);
        return this.#free(data);
      case 'inventory.reservation.confirmed':
        if (data.expiresAt <= time) this.errors.push(`${data.reservationId} was confirmed after its end`);
        this.#free(data);
        add(this.allocated, data.allocations, 1);
        this.backordered += data.backordered;
        return;
      case 'inventory.allocation.fulfilled':
        if (data.uncounted === undefined) add(this.onHand, [data], -1);
        add(this.allocated, data.freed, -1);
        this.backordered -= data.backordered;
        return;
      case 'inventory.allocation.placed':
        add(this.allocated, data.allocations, 1);
        this.backordered -= data.quantity;
        return;
      case 'inventory.allocation.restored':
        if (data.uncounted !== undefined) {
          this.backordered += data.quantity;
          return;
        }
        add(this.onHand, [data], 1);
        add(this.allocated, [data], 1);
        return;
      case 'inventory.allocation.cancelled':
        add(this.allocated, data.allocations, -1);
        this.backordered -= data.backordered;
        return;
      default:
    }
  }

  #hold(data: { reservationId: string; expiresAt: number; allocations: readonly Place[]; backordered: number }): void {
    const places = new Map<string, number>();
    add(places, data.allocations, 1);
    this.holds.set(data.reservationId, { expiresAt: data.expiresAt, places, backordered: data.backordered });
  }

  #free(data: { reservationId: string; allocations: readonly Place[]; backordered: number }): void {
    const hold = this.holds.get(data.reservationId);
    if (!hold) return void this.errors.push(`${data.reservationId} was freed and not held`);
    add(hold.places, data.allocations, -1);
    hold.backordered -= data.backordered;
    if ([...hold.places.values(), hold.backordered].some((units) => units < 0)) this.errors.push(`more of ${data.reservationId} was freed than held`);
    if ([...hold.places.values(), hold.backordered].every((units) => units === 0)) this.holds.delete(data.reservationId);
  }
}

/** Facts that promise units to somebody. Others may leave too little: losses are the truth, and a shop may change its mind. */
function isPromise({ type }: InventoryEvent): boolean {
  return type === 'inventory.reservation.held' || type === 'inventory.reservation.changed' || type === 'inventory.allocation.placed';
}

/** Goes through the logs commit by commit, each time from where it was. */
export class Auditor {
  readonly facts: InventoryEvent[] = [];
  /** Keys of the answers that were remembered, once for each time. */
  readonly answered: string[] = [];
  readonly #books = new Map<string, ItemBook>();
  readonly #positions: number[] = [];

  /** Enters what is new, and says what is wrong with it. No fact may speak of an instant after the `latest` of its commit. */
  async audit(store: Store, latest: (log: number, position: number) => number): Promise<string[]> {
    const errors: string[] = [];
    for (let log = 0; log < store.partitions; log++) {
      for await (const commit of store.log.read(log, this.#positions[log] ?? 0)) {
        errors.push(...this.#enter(commit));
        this.#positions[log] = commit.position;
        const aheadMs = Math.max(...commit.events.map(({ time }) => time)) - latest(log, commit.position);
        if (aheadMs > 0) errors.push(`commit ${commit.position} of log ${log} is ${aheadMs} ms ahead of its time`);
      }
    }
    for (const [key, book] of this.#books) {
      errors.push(...book.errors.splice(0).map((error) => `${key}: ${error}`));
      for (const [location, units] of book.onHand) if (units < 0) errors.push(`${key}: ${units} on hand at ${location}`);
      for (const [location, units] of book.allocated) if (units < 0) errors.push(`${key}: ${units} allocated at ${location}`);
    }
    return errors;
  }

  #enter(commit: Commit): string[] {
    const errors: string[] = [];
    const byItem = Map.groupBy(commit.events.filter(isAboutItem) as unknown as InventoryEvent[], (event) => event.key); // of this room by their type
    for (const [key, events] of byItem) {
      const book = this.#books.get(key) ?? new ItemBook();
      this.#books.set(key, book);
      for (const event of events) {
        const before = book.net(event.time);
        book.enter(event);
        const floor = Math.min(-book.limit, before);
        if (isPromise(event) && book.net(event.time) < floor) errors.push(`${key}: oversold by ${floor - book.net(event.time)} in commit ${commit.position} of log ${commit.log}`);
      }
    }
    for (const event of commit.events) {
      if (event.type === 'runtime.command.answered') this.answered.push(event.key);
      else this.facts.push(event as unknown as InventoryEvent); // every other fact is the room's
    }
    return errors;
  }
}

function isAboutItem(event: EventRecord): boolean {
  return event.key.startsWith('i/');
}
