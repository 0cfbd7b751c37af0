import { Fault } from '../base/errors.ts';
import { emptyItem, evolveItemAlone, findReservation, inventory, itemKey, reservationKey, type InventoryCommand, type Item, type ItemEvent, type Reservation, type Share } from '../rooms/inventory/inventory.ts';
import type { Engine, World } from '../runtime/runtime.ts';
import type { EventRecord, Store } from '../store/store.ts';
import { commitsOfItem } from './item-facts.ts';

export interface PastServices {
  readonly engine: Engine<InventoryCommand>;
  readonly store: Store;
  readonly views: { covers(positions: readonly number[], waitMs: number): Promise<boolean> };
}

/** What a reservation held of an item, and for which cart it did by then: holds may be moved from one to another. */
type HeldShare = Share & { readonly cartId?: string | undefined };

/** How long the views may take to know of everything that was written when somebody asked. */
const VIEWS_WAIT_MS = 10_000;
/** Rounds of loading what a question turned out to need: an item, its parts, the cart that asks, what that holds. */
const ROUNDS_MAX = 16;

/**
 * Answers a question from the items and places as they were at an instant, by the facts up to and including it. A
 * question is asked again until everything that it looks at is at hand, as the engine does. Of reservations a past
 * world knows those of carts, as far as they held what the question is about; of customers and orders it knows nothing.
 */
export async function askThePast<Answer>(services: PastServices, at: number, question: (world: World) => Answer): Promise<Answer> {
  if (!(await services.views.covers(await services.store.log.heads(), VIEWS_WAIT_MS))) throw new Fault('overloaded', 'the views are too far behind to look at the past', { retry: 'later' });
  const past = new Past(services, at);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const answer = question(past);
    if (!(await past.loadMissing())) return answer;
  }
  throw new Error(`a question about the past still asked for more after ${ROUNDS_MAX} rounds`);
}

class Past implements World {
  readonly partitions: number;
  readonly #services: PastServices;
  readonly #at: number;
  readonly #states = new Map<string, unknown>();
  readonly #missing = new Set<string>();
  /** The cart that asks, and its reservations. */
  #cartId: string | undefined;
  #holds: readonly Reservation[] = [];

  constructor(services: PastServices, at: number) {
    this.#services = services;
    this.#at = at;
    this.partitions = services.engine.partitions;
  }

  get(key: string): unknown {
    if (!this.#states.has(key)) this.#missing.add(key);
    return this.#states.get(key);
  }

  /** Loads what was asked for in vain; says whether there was anything. */
  async loadMissing(): Promise<boolean> {
    const missing = [...this.#missing];
    this.#missing.clear();
    const loaded = await Promise.all(missing.map(async (key) => [key, await this.#load(key)] as const));
    for (const [key, state] of loaded) this.#states.set(key, state);
    // What a cart held is known of the items at hand, so that another item brings another part of it.
    if (missing.some((key) => key.startsWith('i/')) || missing.some((key) => key.startsWith('c/'))) await this.#loadHolds();
    return missing.length > 0;
  }

  #load(key: string): Promise<unknown> {
    switch (key[0]) {
      case 'i':
        return this.#loadItem(key.slice(2));
      case 'l':
        return this.#loadPlaces(key);
      case 'c':
        return this.#loadCart(key.slice(2));
      default:
        // A reservation that no cart of this question has, and what nobody asks the past about.
        return Promise.resolve(this.#states.get(key));
    }
  }

  async #loadItem(sku: string): Promise<Item> {
    const saved = await this.#findSaved(sku);
    const item = saved === undefined ? emptyItem(sku) : (inventory.read(itemKey(sku), saved.body) as Item); // under `i/` keys there are items only
    for await (const event of this.#factsAfter(sku, itemKey(sku), saved?.position ?? 0)) evolveItemAlone(event as unknown as ItemEvent, item); // facts under an item's key are facts about it
    return item;
  }

  async #loadPlaces(key: string): Promise<unknown> {
    const saved = await this.#findSaved(key);
    let places = saved && inventory.read(key, saved.body);
    const states = { get: (): unknown => places, set: (_: string, state: unknown): void => void (places = state) };
    for await (const event of this.#factsAfter(key, key, saved?.position ?? 0)) inventory.evolve(event, states);
    return places;
  }

  /** What was saved latest of what is there to be folded, not after the instant. */
  async #findSaved(name: string): Promise<{ position: number; body: string } | undefined> {
    const { sql } = this.#services.store.projections;
    const rows = await sql.selectFrom('item_pasts').select(['position', 'body']).where('sku', '=', name).where('time', '<=', this.#at).orderBy('time', 'desc').orderBy('position', 'desc').limit(1).execute();
    const [row] = rows as { position: number | string; body: string }[]; // the columns selected; some drivers give large integers as text
    return row && { position: Number(row.position), body: row.body };
  }

  async *#factsAfter(name: string, key: string, position: number): AsyncGenerator<EventRecord> {
    for await (const { events } of commitsOfItem(this.#services.store, name, position, this.#at)) {
      for (const event of events) if (event.key === key && event.time <= this.#at) yield event;
    }
  }

  /** A cart with all reservations that it ever had by then: which of them lived is for the question to see. */
  async #loadCart(cartId: string): Promise<unknown> {
    const { store, engine } = this.#services;
    const rows = (await store.projections.sql.selectFrom('reservations').select('id').where('cart_id', '=', cartId).orderBy('id').execute()) as { id: string }[]; // the column selected
    const known = await engine.read((world) => rows.map(({ id }) => findReservation(world, id)));
    this.#cartId = cartId;
    this.#holds = known.flatMap((record) => (record && record.createdAt <= this.#at ? [record] : []));
    return { cartId, reservations: this.#holds.map(({ id }) => id) };
  }

  async #loadHolds(): Promise<void> {
    const skus = [...this.#states.keys()].filter((key) => key.startsWith('i/')).map((key) => key.slice(2));
    if (this.#holds.length === 0) return;
    const shares = new Map(await Promise.all(skus.map(async (sku) => [sku, await this.#sharesOf(sku)] as const)));
    for (const record of this.#holds) {
      const held = skus.flatMap((sku) => {
        const share = shares.get(sku)?.get(record.id);
        return share && share.cartId === this.#cartId ? [{ sku, share }] : [];
      });
      const lines = held.map(({ sku, share }) => ({ sku, quantity: share.quantity, backordered: share.backordered, allocations: share.allocations.map((place) => ({ sku, ...place })) }));
      const expiresAt = Math.max(0, ...held.map(({ share }) => share.expiresAt));
      this.#states.set(reservationKey(record.id), { ...record, status: lines.length > 0 ? 'held' : 'released', lines, expiresAt } satisfies Reservation);
    }
  }

  /** What the cart's reservations held of an item at the instant, by the facts since the first of them was made. */
  async #sharesOf(sku: string): Promise<Map<string, HeldShare>> {
    const ids = new Set(this.#holds.map(({ id }) => id));
    const since = Math.min(...this.#holds.map(({ createdAt }) => createdAt));
    const shares = new Map<string, HeldShare>();
    for await (const event of this.#factsAfter(sku, itemKey(sku), await this.#positionBefore(sku, since))) {
      const { reservationId } = event.data as { reservationId?: string }; // facts about holds have it
      if (reservationId !== undefined && ids.has(reservationId)) follow(shares, reservationId, event as unknown as ItemEvent); // as above
    }
    return shares;
  }

  /** A position before which nothing was said about an item at or after an instant. */
  async #positionBefore(sku: string, at: number): Promise<number> {
    const { sql } = this.#services.store.projections;
    const rows = await sql.selectFrom('item_facts').select('position').where('sku', '=', sku).where('time', '<', at).orderBy('position', 'desc').limit(1).execute();
    const [row] = rows as { position: number | string }[]; // as above
    return row === undefined ? 0 : Number(row.position) - 1;
  }
}

/** Keeps what a reservation holds of an item up to date, fact by fact. */
function follow(shares: Map<string, HeldShare>, id: string, event: ItemEvent): void {
  switch (event.type) {
    case 'inventory.reservation.held':
    case 'inventory.reservation.changed':
    case 'inventory.reservation.extended':
      shares.set(id, event.data);
      return;
    case 'inventory.reservation.released': {
      const held = shares.get(id);
      const left = held && minus(held, event.data);
      if (left && left.quantity > 0) shares.set(id, left);
      else shares.delete(id);
      return;
    }
    case 'inventory.reservation.confirmed':
    case 'inventory.reservation.expired':
      shares.delete(id);
      return;
    default:
  }
}

function minus(held: HeldShare, gone: Share): HeldShare {
  const allocations = held.allocations.map(({ location, quantity }) => ({ location, quantity: quantity - (gone.allocations.find((place) => place.location === location)?.quantity ?? 0) }));
  return { ...held, quantity: held.quantity - gone.quantity, backordered: held.backordered - gone.backordered, allocations: allocations.filter(({ quantity }) => quantity > 0) };
}
