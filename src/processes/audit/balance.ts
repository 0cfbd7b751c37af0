import { itemKey, type Item, type Order, type Reservation } from '../../rooms/inventory/inventory.ts';

/**
 * Sums that have to come to nothing: what items say is promised, less what reservations, orders and transfers say that
 * they have. An item and a record about it may be in different logs, so each log leaves what is not settled within it,
 * and only the sum over all logs has to be zero.
 */
export class Balance {
  readonly #open = new Map<string, number>();

  /** What is not settled: `<sku>` `<place or customer>` `<kind>` and the units. */
  get open(): [string, number][] {
    return [...this.#open];
  }

  merge(entries: readonly [string, number][]): void {
    for (const [name, by] of entries) this.#add(name, by);
  }

  /** Takes a state into account, by its kind of key. */
  enter(key: string, state: unknown): void {
    switch (key[0]) {
      case 'i':
        return this.#item(state as Item); // the letter says the kind of state, here and below
      case 'r':
        return this.#reservation(state as Reservation);
      case 'o':
        return this.#order(state as Order);
      case 't':
        return this.#transfer(state as { to: string; lines: readonly { sku: string; shipped: number; received: number; restocked: number; writtenOff: number }[] });
      case 'u':
        return this.#customer(key, state as { promised: number; holds: ReadonlyMap<string, { quantity: number }> });
      default:
    }
  }

  #item({ sku, levels, backordered }: Item): void {
    for (const [location, { reserved, allocated, inTransit = 0 }] of levels) {
      this.#add(nameOf(sku, location, 'reserved'), reserved);
      this.#add(nameOf(sku, location, 'allocated'), allocated);
      this.#add(nameOf(sku, location, 'in transit'), inTransit);
    }
    this.#add(nameOf(sku, '', 'backordered'), backordered);
  }

  #reservation({ status, lines, customerId }: Reservation): void {
    if (status !== 'held') return;
    for (const { sku, quantity, backordered, allocations } of lines) {
      for (const place of allocations) this.#add(nameOf(place.sku, place.location, 'reserved'), -place.quantity);
      this.#add(nameOf(sku, '', 'backordered'), -backordered);
      if (customerId !== undefined) this.#add(nameOf(sku, customerId, 'of the customer'), -quantity);
    }
  }

  #order({ lines }: Order): void {
    for (const { sku, backordered, allocations, customers = [] } of lines) {
      for (const place of allocations) this.#add(nameOf(place.sku, place.location, 'allocated'), -place.quantity);
      this.#add(nameOf(sku, '', 'backordered'), -backordered);
      for (const { customerId, quantity } of customers) this.#add(nameOf(sku, customerId, 'of the customer'), -quantity);
    }
  }

  #transfer({ to, lines }: { to: string; lines: readonly { sku: string; shipped: number; received: number; restocked: number; writtenOff: number }[] }): void {
    for (const { sku, shipped, received, restocked, writtenOff } of lines) this.#add(nameOf(sku, to, 'in transit'), received + restocked + writtenOff - shipped);
  }

  #customer(key: string, { promised, holds }: { promised: number; holds: ReadonlyMap<string, { quantity: number }> }): void {
    const slash = key.indexOf('/', 2);
    let units = promised;
    for (const { quantity } of holds.values()) units += quantity;
    this.#add(nameOf(key.slice(2, slash), key.slice(slash + 1), 'of the customer'), units);
  }

  #add(name: string, by: number): void {
    if (by === 0) return;
    const sum = (this.#open.get(name) ?? 0) + by;
    if (sum === 0) this.#open.delete(name);
    else this.#open.set(name, sum);
  }
}

function nameOf(sku: string, where: string, kind: string): string {
  return `${sku}\n${where}\n${kind}`;
}

/** The sentence for a sum that is not nothing. */
export function unbalanced(name: string, by: number): { key: string; message: string } {
  const [sku = '', where = '', kind = ''] = name.split('\n');
  const at = where === '' ? '' : kind === 'of the customer' ? ` (customer ${where})` : ` at ${where}`;
  const side = by > 0 ? `the item counts ${by} more units ${kind}${at} than its records` : `records have ${-by} more units ${kind}${at} than the item counts`;
  return { key: itemKey(sku), message: `${side}: reservations, orders and transfers do not add up to the item` };
}
