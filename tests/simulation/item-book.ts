/** What the facts about one item come to. Written from the facts alone: it shares nothing with the room. */
import type { InventoryEvent, ItemDefinition, Place } from '../../src/rooms/inventory/inventory.ts';

interface Held {
  readonly expiresAt: number;
  readonly places: Map<string, number>;
  backordered: number;
  quantity: number;
  readonly customerId: string | undefined;
  readonly through: string | undefined;
}

type HoldData = Extract<InventoryEvent, { type: 'inventory.reservation.held' }>['data'];

export function add(sums: Map<string, number>, more: readonly Place[], sign: 1 | -1): void {
  for (const { location, quantity } of more) bump(sums, location, sign * quantity);
}

function bump(sums: Map<string, number>, name: string, by: number): void {
  sums.set(name, (sums.get(name) ?? 0) + by);
}

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, number) => total + number, 0);

/** Facts that promise units to somebody. Others may leave too little: losses are the truth, and a shop may change its mind. */
function isPromise({ type }: InventoryEvent): boolean {
  return type === 'inventory.reservation.held' || type === 'inventory.reservation.changed' || type === 'inventory.allocation.placed';
}

export class ItemBook {
  readonly onHand = new Map<string, number>();
  readonly inTransit = new Map<string, number>();
  readonly allocated = new Map<string, number>();
  readonly holds = new Map<string, Held>();
  /** Units of orders, shipped or not, by customer and by the channel of preorders that they count against. */
  readonly #customers = new Map<string, number>();
  readonly #through = new Map<string, number>();
  /** By channel and threshold: the way it was last crossed. */
  readonly crossed = new Map<string, 'up' | 'down'>();
  /** Somebody waited for units at one place and no other. */
  #choosy = false;
  #released: { readonly id: string; readonly time: number; readonly net: number; readonly through: number } | undefined;
  backordered = 0;
  definition: ItemDefinition | undefined;
  readonly errors: string[] = [];

  /** Units at a place less what is promised there, by place. */
  #left(at: number): number[] {
    const live = [...this.holds.values()].filter((hold) => hold.expiresAt > at);
    return [...this.onHand].map(([location, units]) => live.reduce((left, hold) => left - (hold.places.get(location) ?? 0), units - (this.allocated.get(location) ?? 0)));
  }

  /** Promised units that are nowhere. */
  waiting(at: number): number {
    return this.backordered + sum([...this.holds.values()].map((hold) => (hold.expiresAt > at ? hold.backordered : 0)));
  }

  free(at: number): number {
    return sum(this.#left(at).map((units) => Math.max(0, units)));
  }

  /** Units left to promise at an instant. */
  net(at: number): number {
    return this.free(at) - this.waiting(at) - (this.definition?.safetyStock ?? 0);
  }

  #isPreordered(at: number): boolean {
    return this.definition?.preorder !== undefined && at < Date.parse(this.definition.preorder.availableFrom);
  }

  #limit(at: number): number {
    if (!this.definition?.tracked) return Number.POSITIVE_INFINITY;
    return (this.#isPreordered(at) ? this.definition.preorder?.limit : this.definition.backorderLimit) ?? Number.POSITIVE_INFINITY;
  }

  /** Enters a fact, and notes whatever it promises beyond what may be promised. */
  enter(event: InventoryEvent): void {
    const { type, data, time } = event;
    const had = this.#givenUp(event) ?? { net: this.net(time), through: this.#units(data, 'through', time) };
    const has = this.#units(data, 'customerId', time);
    if (type === 'inventory.reservation.released') this.#released = { id: data.reservationId, time, ...had };
    this.#fold(event);
    if (type === 'inventory.threshold.crossed') this.#cross(data);
    if (!isPromise(event)) return;
    const floor = Math.min(-this.#limit(time), had.net);
    if (this.net(time) < floor) this.errors.push(`oversold by ${floor - this.net(time)} at ${time}`);
    const most = (what: string, of: 'customerId' | 'through', limit: number | undefined, before: number): void => {
      const units = this.#units(data, of, time);
      if (limit !== undefined && units > Math.max(limit, before)) this.errors.push(`${units} ${what}, and ${limit} are allowed`);
    };
    most('for one customer', 'customerId', this.definition?.maxPerCustomer, has);
    const channel = this.#isPreordered(time) ? nameIn(data, 'through') : undefined;
    if (channel !== undefined) most(`preordered through ${channel}`, 'through', this.definition?.preorder?.channelLimits?.[channel], had.through);
  }

  /** How it stood before a hold became another customer's: that is written as its end and its beginning, and nothing more is promised by it. */
  #givenUp({ type, data, time }: InventoryEvent): { net: number; through: number } | undefined {
    const released = this.#released;
    return type === 'inventory.reservation.held' && released?.id === data.reservationId && released.time === time ? released : undefined;
  }

  /** What the customer, or the channel of preorders, that a fact names has by then. */
  #units(data: InventoryEvent['data'], of: 'customerId' | 'through', at: number): number {
    const name = nameIn(data, of);
    if (name === undefined) return 0;
    const held = [...this.holds.values()].map((hold) => (hold[of] === name && hold.expiresAt > at ? hold.quantity : 0));
    return sum(held) + ((of === 'customerId' ? this.#customers : this.#through).get(name) ?? 0);
  }

  /** Each threshold is crossed one way and then the other. */
  #cross({ channel = '', threshold, direction }: { channel?: string; threshold: number; direction: 'up' | 'down' }): void {
    const name = `${threshold} ${channel}`;
    if (this.crossed.get(name) === direction) this.errors.push(`${name} was crossed twice ${direction}`);
    this.crossed.set(name, direction);
  }

  #fold({ type, data, time }: InventoryEvent): void {
    switch (type) {
      case 'inventory.item.defined':
        this.definition = data.definition;
        return;
      case 'inventory.stock.adjusted':
        if (data.bucket === 'sellable') bump(this.onHand, data.location, data.change);
        if (data.bucket === 'inTransit') bump(this.inTransit, data.location, data.change);
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
        if (data.customerId !== undefined) bump(this.#customers, data.customerId, data.quantity);
        if (data.preorderChannel !== undefined) bump(this.#through, data.preorderChannel, data.quantity);
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
        for (const { customerId, quantity } of data.customers ?? []) bump(this.#customers, customerId, -quantity);
        for (const { channel, quantity } of data.preordered ?? []) bump(this.#through, channel, -quantity);
        return;
      default:
    }
  }

  #hold({ reservationId, expiresAt, allocations, backordered, bound, quantity, customerId, preorderChannel }: HoldData): void {
    this.#choosy ||= bound !== undefined;
    const places = new Map<string, number>();
    add(places, allocations, 1);
    this.holds.set(reservationId, { expiresAt, places, backordered, quantity, customerId, through: preorderChannel });
  }

  #free(data: { reservationId: string; quantity: number; allocations: readonly Place[]; backordered: number }): void {
    const hold = this.holds.get(data.reservationId);
    if (!hold) return void this.errors.push(`${data.reservationId} was freed and not held`);
    add(hold.places, data.allocations, -1);
    hold.backordered -= data.backordered;
    hold.quantity -= data.quantity;
    if ([...hold.places.values(), hold.backordered].some((units) => units < 0)) this.errors.push(`more of ${data.reservationId} was freed than held`);
    if ([...hold.places.values(), hold.backordered].every((units) => units === 0)) this.holds.delete(data.reservationId);
  }

  /** What is wrong by now. */
  takeErrors(): string[] {
    const below = (what: string, units: ReadonlyMap<string, number>): string[] => [...units].flatMap(([name, one]) => (one < 0 ? [`${one} ${what} ${name}`] : []));
    return [...this.errors.splice(0), ...below('on hand at', this.onHand), ...below('on the way to', this.inTransit), ...below('allocated at', this.allocated), ...below('ordered by', this.#customers), ...below('preordered through', this.#through)];
  }

  /** What may not be so once everything is quiet: what was last said of a threshold is so, and units do not lie about while somebody waits for them. */
  takeErrorsAtRest(now: number, netFor: (channel: string) => number): string[] {
    const errors: string[] = [];
    for (const [name, direction] of this.crossed) {
      const [threshold = '', channel = ''] = name.split(' ');
      const net = netFor(channel);
      if ((net > Number(threshold) ? 'up' : 'down') !== direction) errors.push(`${net} are left, and of the threshold ${name} it was last said that it was crossed ${direction}`);
    }
    if (!this.#choosy && this.free(now) > 0 && this.waiting(now) > 0) errors.push(`${this.free(now)} units are free while ${this.waiting(now)} are waited for`);
    return errors;
  }
}

function nameIn(data: InventoryEvent['data'], of: 'customerId' | 'through'): string | undefined {
  const { customerId, preorderChannel } = data as Partial<HoldData>; // only facts about holds name them
  return of === 'customerId' ? customerId : preorderChannel;
}
