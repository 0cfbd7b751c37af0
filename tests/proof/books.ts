import type { Fact, HoldfastClient } from '../../src/client/client.ts';

interface Book {
  onHand: number;
  reserved: number;
  allocated: number;
}

/**
 * Books of our own, kept from the feed alone: whatever the service says of its levels, these are what its facts add up
 * to. Facts that come twice, go backwards or promise more than there is are faults.
 */
export class Books {
  readonly #books = new Map<string, Book>();
  /** Units held per reservation and SKU. */
  readonly #shares = new Map<string, number>();
  readonly #lastSequence = new Map<string, string>();
  /** How often an adjustment with this reference happened. */
  readonly adjustments = new Map<string, number>();
  /** How often a reservation was made. */
  readonly made = new Map<string, number>();
  readonly facts = new Set<string>();
  readonly faults: string[] = [];
  oversold = 0;
  cursor = 'earliest';

  /** Reads on to the present end of the feed. */
  async readOn(client: HoldfastClient): Promise<void> {
    for (;;) {
      const page = await client.eventsPage({ after: this.cursor, limit: 500 });
      for (const fact of page.events) this.#take(fact);
      this.cursor = page.cursor;
      if (page.events.length === 0) return;
    }
  }

  levelOf(sku: string): Readonly<Book> {
    return this.#bookOf(sku);
  }

  #take(fact: Fact): void {
    if (this.facts.has(fact.id)) this.faults.push(`the fact ${fact.id} came twice`);
    this.facts.add(fact.id);
    const last = this.#lastSequence.get(fact.subject) ?? '';
    if (fact.sequence <= last) this.faults.push(`${fact.subject}: the fact ${fact.id} with sequence ${fact.sequence} came after ${last}`);
    this.#lastSequence.set(fact.subject, fact.sequence);
    this.#fold(fact);
  }

  #fold({ type, subject: sku, data, id }: Fact): void {
    const book = this.#bookOf(sku);
    const quantity = Number(data['quantity']);
    switch (type) {
      case 'inventory.stock.adjusted':
        book.onHand += Number(data['change']);
        if (book.onHand !== data['onHand']) this.faults.push(`${sku}: the fact ${id} says ${String(data['onHand'])} on hand, the facts add up to ${book.onHand}`);
        count(this.adjustments, String(data['reference']));
        return;
      case 'inventory.reservation.held':
        // A cart may let a SKU go and take it again; a hold that is none of a cart that changes is made once.
        if (!String(data['cartId']).startsWith('basket-')) count(this.made, `${String(data['reservationId'])} ${sku}`);
        return this.#hold(sku, String(data['reservationId']), quantity);
      case 'inventory.reservation.changed':
        return this.#hold(sku, String(data['reservationId']), quantity);
      case 'inventory.reservation.released':
      case 'inventory.reservation.expired':
        return this.#letGo(sku, String(data['reservationId']), quantity);
      case 'inventory.reservation.confirmed':
        this.#letGo(sku, String(data['reservationId']), quantity);
        book.allocated += quantity;
        return;
      case 'inventory.allocation.fulfilled':
        book.allocated -= quantity;
        book.onHand -= quantity;
        return;
      default:
    }
  }

  #hold(sku: string, reservationId: string, quantity: number): void {
    const book = this.#bookOf(sku);
    const more = quantity - this.#share(sku, reservationId, quantity);
    book.reserved += more;
    const excess = book.reserved + book.allocated - book.onHand;
    // A shortfall is physical truth; granting more during one is overselling.
    if (more > 0 && excess > 0) this.oversold += Math.min(more, excess);
  }

  #letGo(sku: string, reservationId: string, quantity: number): void {
    const key = `${reservationId} ${sku}`;
    const held = this.#shares.get(key) ?? 0;
    if (quantity > held) this.faults.push(`${sku}: ${reservationId} let go of ${quantity} and held ${held}`);
    this.#shares.set(key, held - quantity);
    this.#bookOf(sku).reserved -= quantity;
  }

  /** Sets a share and gives what it was before. */
  #share(sku: string, reservationId: string, quantity: number): number {
    const key = `${reservationId} ${sku}`;
    const before = this.#shares.get(key) ?? 0;
    this.#shares.set(key, quantity);
    return before;
  }

  #bookOf(sku: string): Book {
    let book = this.#books.get(sku);
    if (!book) this.#books.set(sku, (book = { onHand: 0, reserved: 0, allocated: 0 }));
    return book;
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
