/** All that the model knows. Every promise is kept as it was made, and every figure is counted afresh each time it is asked for. */
import type { ItemDefinition, LocationDefinition } from '../commands.ts';
import { partsOf, sum, type At, type Line } from './lines.ts';

/** One unit that waits: since which turn, and for which place if not for any. */
export interface Wait {
  readonly since: number;
  readonly bound?: string | undefined;
}

export interface Hold {
  readonly id: string;
  status: 'held' | 'confirmed' | 'released';
  cartId: string | undefined;
  customerId: string | undefined;
  channel: string | undefined;
  lines: Line[];
  expiresAt: number;
  /** By item: the turn at which it began to wait for units. */
  readonly since: Map<string, number>;
}

export interface OrderLine {
  /** What is outstanding. */
  readonly line: Line;
  fulfilled: number;
  cancelled: number;
  /** For each that was ordered and not cancelled: whose limit it counts against. */
  owners: (string | undefined)[];
  /** The same by part, unit by unit: the channel whose limit of preorders it counts against. */
  through: (string | undefined)[][];
  /** By part: what left from where. */
  readonly shipped: At[][];
}

export interface Order {
  readonly lines: Map<string, OrderLine>;
  /** By item: an entry for each unit that waits, oldest first. */
  readonly waits: Map<string, Wait[]>;
}

/** Units of each item by what became of them; those shipped and nothing else are on their way. */
export interface Transfer {
  readonly id: string;
  status: 'draft' | 'in-transit' | 'partially-received' | 'received' | 'cancelled';
  readonly from: string;
  readonly to: string;
  readonly lines: Map<string, { quantity: number; received: number }>;
}

export type Bucket = 'sellable' | 'damaged' | 'qualityControl';

/** Holds that do not stand in the asker's way, by id. */
export type Aside = ReadonlySet<string>;
const NOBODY: Aside = new Set();

export class Shop {
  now = 0;
  /** Counts commands. */
  turn = 0;
  /** Holds and orders that got units before a wish was met: they get no more in the same turn. */
  met = new Set<string>();
  /** Items of which nobody gets more in the same turn, because the oldest who waits may have to come first. */
  later = new Set<string>();
  readonly items = new Map<string, ItemDefinition>();
  readonly places = new Map<string, LocationDefinition>([['main', { name: 'Main', rank: 100, active: true }]]);
  /** SKU → place → bucket → units. */
  readonly stock = new Map<string, Map<string, Record<Bucket, number>>>();
  holds: Hold[] = [];
  orders = new Map<string, Order>();
  readonly transfers: Transfer[] = [];

  item(sku: string): ItemDefinition {
    return this.items.get(sku) as ItemDefinition; // asked about items that there are
  }

  put(sku: string, location: string, bucket: Bucket, by: number): void {
    if (!this.stock.has(sku)) this.stock.set(sku, new Map());
    const places = this.stock.get(sku) as Map<string, Record<Bucket, number>>; // made just above
    const buckets = places.get(location) ?? { sellable: 0, damaged: 0, qualityControl: 0 };
    places.set(location, { ...buckets, [bucket]: buckets[bucket] + by });
  }

  /** What one of an item is made of, bundles opened: itself where it is no bundle. */
  open(sku: string): { sku: string; each: number }[] {
    const { components = [] } = this.item(sku);
    if (components.length === 0) return [{ sku, each: 1 }];
    const opened: { sku: string; each: number }[] = [];
    for (const component of components) {
      for (const part of this.open(component.sku)) {
        const known = opened.find((one) => one.sku === part.sku);
        if (known) known.each += part.each * component.quantity;
        else opened.push({ sku: part.sku, each: part.each * component.quantity });
      }
    }
    return opened;
  }

  isBundle(sku: string): boolean {
    return (this.items.get(sku)?.components ?? []).length > 0;
  }

  live(hold: Hold): boolean {
    return hold.status === 'held' && hold.expiresAt > this.now;
  }

  liveHolds(aside: Aside = NOBODY): Hold[] {
    return this.holds.filter((hold) => this.live(hold) && !aside.has(hold.id));
  }

  cartHolds(cartId: string | undefined): Hold[] {
    return cartId === undefined ? [] : this.liveHolds().filter((hold) => hold.cartId === cartId);
  }

  orderLines(): OrderLine[] {
    return [...this.orders.values()].flatMap(({ lines }) => [...lines.values()]);
  }

  promisedAt(sku: string, location: string, kind: 'reserved' | 'allocated', aside?: Aside): number {
    const lines = kind === 'reserved' ? this.liveHolds(aside).flatMap((hold) => hold.lines) : this.orderLines().map(({ line }) => line);
    return sum(partsOf(lines, sku).flatMap(({ at }) => at.filter((place) => place.location === location).map(({ quantity }) => quantity)));
  }

  backordered(sku: string, aside?: Aside): number {
    const lines = [...this.liveHolds(aside).flatMap((hold) => hold.lines), ...this.orderLines().map(({ line }) => line)];
    return sum(partsOf(lines, sku).map(({ backordered }) => backordered));
  }

  onHand(sku: string, location: string): number {
    return this.stock.get(sku)?.get(location)?.sellable ?? 0;
  }

  /** Units at a place that nobody was promised. */
  spare(sku: string, location: string, aside?: Aside): number {
    return Math.max(0, this.onHand(sku, location) - this.promisedAt(sku, location, 'reserved', aside) - this.promisedAt(sku, location, 'allocated'));
  }

  free(sku: string, location: string, aside?: Aside): number {
    return this.places.get(location)?.active === true ? this.spare(sku, location, aside) : 0;
  }

  /** Units on their way to a place. */
  inTransit(sku: string, to: string): number {
    const under = this.transfers.filter((one) => one.to === to && (one.status === 'in-transit' || one.status === 'partially-received'));
    return sum(under.map(({ lines }) => lines.get(sku)).map((line) => (line ? line.quantity - line.received : 0)));
  }

  /** What is left to promise, below zero where too much was; of a bundle as often as all of its parts suffice. */
  net(sku: string, channel?: string, aside?: Aside): number {
    if (this.isBundle(sku)) return Math.min(...this.open(sku).map((part) => Math.floor(this.net(part.sku, channel, aside) / part.each)));
    const { safetyStock, channelBuffers } = this.item(sku);
    const physical = sum([...this.places.keys()].map((location) => this.free(sku, location, aside)));
    return physical - this.backordered(sku, aside) - safetyStock - (channel === undefined ? 0 : (channelBuffers[channel] ?? 0));
  }

  /** Whether it is sold before its date. */
  isPreordered(sku: string): boolean {
    const { preorder } = this.item(sku);
    return preorder !== undefined && this.now < Date.parse(preorder.availableFrom);
  }

  /** Units that may be promised beyond what there is. */
  limit(sku: string): number {
    const { tracked, backorderLimit, preorder } = this.item(sku);
    if (!tracked) return Number.POSITIVE_INFINITY;
    if (preorder && this.isPreordered(sku)) return preorder.limit;
    return backorderLimit ?? Number.POSITIVE_INFINITY;
  }

  /** Preordered units that were promised through a channel, until they are given up: shipped ones too. */
  preordered(sku: string, channel: string, aside?: Aside): number {
    const held = partsOf(this.liveHolds(aside).flatMap((hold) => hold.lines), sku).filter(({ through }) => through === channel);
    const ordered = this.orderLines().flatMap(({ line, through }) => line.parts.flatMap((part, index) => (part.sku === sku ? (through[index] ?? []) : [])));
    return sum(held.map(({ quantity }) => quantity)) + ordered.filter((one) => one === channel).length;
  }

  sellable(sku: string, channel?: string, aside?: Aside): number {
    if (this.isBundle(sku)) return Math.min(...this.open(sku).map((part) => Math.floor(this.sellable(part.sku, channel, aside) / part.each)));
    const { tracked, preorder } = this.item(sku);
    const cap = channel !== undefined && tracked && this.isPreordered(sku) ? preorder?.channelLimits?.[channel] : undefined;
    const most = cap === undefined || channel === undefined ? Number.POSITIVE_INFINITY : cap - this.preordered(sku, channel, aside);
    return Math.max(0, Math.min(this.net(sku, channel, aside) + this.limit(sku), most));
  }

  /** Units of an item that count against a customer: live holds, allocations, shipped units. */
  has(customerId: string, sku: string, aside: Aside): number {
    const held = partsOf(this.liveHolds(aside).filter((hold) => hold.customerId === customerId).flatMap((hold) => hold.lines), sku);
    const owned = this.orderLines().flatMap(({ line, owners }) => line.parts.filter((part) => part.sku === sku).map(({ each }) => each * owners.filter((owner) => owner === customerId).length));
    return sum(held.map(({ quantity }) => quantity)) + sum(owned);
  }

  inOrder(wish: { strategy?: string | undefined }, freeAt: (place: string) => number): string[] {
    const byRank = (a: string, b: string): number => (this.places.get(a)?.rank ?? 0) - (this.places.get(b)?.rank ?? 0) || (a < b ? -1 : 1);
    return [...this.places.keys()].sort((a, b) => (wish.strategy === 'most-stock' ? freeAt(b) - freeAt(a) : 0) || byRank(a, b));
  }
}
