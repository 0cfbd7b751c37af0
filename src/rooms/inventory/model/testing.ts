/**
 * Inventory as a child would do it: every promise is kept as it was made, every figure is counted afresh each time it
 * is asked for, nothing is remembered twice. Slow, short, and the measure of the room.
 */
import type { InventoryCommand, ItemDefinition, LocationDefinition } from '../commands.ts';
import { NEVER } from '../never.ts';

export interface At {
  readonly location: string;
  readonly quantity: number;
}

export interface ModelLine {
  readonly sku: string;
  readonly quantity: number;
  readonly requested?: number | undefined;
  readonly backordered: number;
  readonly at: readonly At[];
  /** Where its backordered units have to come from, if that was said. */
  readonly location?: string | undefined;
}

/** One unit that waits. */
interface Wait {
  readonly since: number;
  readonly bound?: string | undefined;
}

export interface ModelHold {
  readonly id: string;
  status: 'held' | 'confirmed' | 'released';
  cartId?: string | undefined;
  customerId?: string | undefined;
  channel?: string | undefined;
  lines: ModelLine[];
  expiresAt: number;
  /** By item: the turn at which it began to wait for units. */
  readonly since: Map<string, number>;
}

/** One item of an order. `owners` has an entry for each unit outstanding or shipped: whose limit it counts against. */
export interface ModelOrderLine {
  line: ModelLine;
  shipped: At[];
  fulfilled: number;
  cancelled: number;
  owners: (string | undefined)[];
  /** An entry for each backordered unit, oldest first. */
  waits: readonly Wait[];
}

/** Units of each item by what became of them; those shipped and nothing else are on their way. */
export interface ModelTransfer {
  readonly id: string;
  status: 'draft' | 'in-transit' | 'partially-received' | 'received' | 'cancelled';
  readonly from: string;
  readonly to: string;
  readonly lines: Map<string, { quantity: number; received: number }>;
}

type Of<Type extends InventoryCommand['type']> = Extract<InventoryCommand, { type: Type }>;
type Wanted = readonly { readonly sku: string; readonly quantity: number }[];
type Wish = Of<'ReserveStock'> | Of<'SetCart'>;

const plusAt = (places: readonly At[], location: string, by: number): At[] => {
  const known = places.some((place) => place.location === location);
  const sum = known ? places.map((place) => (place.location === location ? { location, quantity: place.quantity + by } : place)) : [...places, { location, quantity: by }];
  return sum.filter(({ quantity }) => quantity > 0);
};
const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
const unitsOf = (places: readonly At[]): number => sum(places.map(({ quantity }) => quantity));

/** Takes one unit off a line: one at no place if there is any, else one of the place chosen last. */
function minusOne(line: ModelLine): ModelLine {
  const left = { ...line, quantity: line.quantity - 1 };
  if (line.backordered > 0) return { ...left, backordered: line.backordered - 1 };
  const { location } = line.at.at(-1) as At; // a unit is at a place or at none
  return { ...left, at: plusAt(line.at, location, -1) };
}

/** Of an order's units that wait one is no more needed: the newest that may come from anywhere, else the newest. */
function minusWait(waits: readonly Wait[]): readonly Wait[] {
  const index = waits.findLastIndex(({ bound }) => bound === undefined);
  return waits.toSpliced(index < 0 ? waits.length - 1 : index, 1);
}

/** Takes one unit off an order's line, like {@link minusOne}. */
function minusOneOf(known: ModelOrderLine): ModelOrderLine {
  return { ...known, line: minusOne(known.line), waits: known.line.backordered > 0 ? minusWait(known.waits) : known.waits };
}

/** The units of lines that wait, those that must come from one place first, place by place. */
function waitsOf(lines: readonly ModelLine[], sku: string, since: number): Wait[] {
  const mine = lines.filter((line) => line.sku === sku && line.backordered > 0);
  const places = [...new Set(mine.flatMap(({ location }) => location ?? []))];
  return [...places, undefined].flatMap((bound) => mine.filter(({ location }) => location === bound).flatMap(({ backordered }) => Array.from({ length: backordered }, () => ({ since, bound }))));
}

/** Lines without some units, the last line's first; undefined where there are not so many. */
export function without(lines: readonly ModelLine[], wanted: Wanted): ModelLine[] | undefined {
  const kept = [...lines];
  for (const { sku, quantity } of wanted) {
    for (let unit = 0; unit < quantity; unit++) {
      const index = kept.findLastIndex((line) => line.sku === sku && line.quantity > 0);
      const line = kept[index];
      if (!line) return undefined;
      kept[index] = minusOne(line);
    }
  }
  return kept.filter(({ quantity }) => quantity > 0);
}

export class Model {
  now = 0;
  /** Holds and orders that got units before a wish was met: they get no more in the same turn. */
  met = new Set<string>();
  /** Counts commands. */
  turn = 0;
  readonly items = new Map<string, ItemDefinition>();
  readonly places = new Map<string, LocationDefinition>([['main', { name: 'Main', rank: 100, active: true }]]);
  /** SKU → place → bucket → units. */
  readonly stock = new Map<string, Map<string, Record<'sellable' | 'damaged' | 'qualityControl', number>>>();
  holds: ModelHold[] = [];
  readonly orders = new Map<string, Map<string, ModelOrderLine>>();
  readonly transfers: ModelTransfer[] = [];

  live(hold: ModelHold): boolean {
    return hold.status === 'held' && hold.expiresAt > this.now;
  }

  cartHolds(cartId: string | undefined): ModelHold[] {
    return cartId === undefined ? [] : this.holds.filter((hold) => hold.cartId === cartId && this.live(hold));
  }

  /** All lines that promise something of an item, a cart's own aside. */
  promises(sku: string, aside: readonly ModelHold[] = []): { line: ModelLine; kind: 'reserved' | 'allocated' }[] {
    const held = this.holds.filter((hold) => this.live(hold) && !aside.includes(hold)).flatMap((hold) => hold.lines.map((line) => ({ line, kind: 'reserved' as const })));
    const ordered = [...this.orders.values()].flatMap((order) => [...order.values()].map(({ line }) => ({ line, kind: 'allocated' as const })));
    return [...held, ...ordered].filter(({ line }) => line.sku === sku);
  }

  promisedAt(sku: string, location: string, kind: 'reserved' | 'allocated', aside: readonly ModelHold[] = []): number {
    return sum(this.promises(sku, aside).filter((promise) => promise.kind === kind).flatMap(({ line }) => line.at.filter((place) => place.location === location).map(({ quantity }) => quantity)));
  }

  onHand(sku: string, location: string): number {
    return this.stock.get(sku)?.get(location)?.sellable ?? 0;
  }

  free(sku: string, location: string, aside: readonly ModelHold[] = []): number {
    if (this.places.get(location)?.active !== true) return 0;
    return Math.max(0, this.onHand(sku, location) - this.promisedAt(sku, location, 'reserved', aside) - this.promisedAt(sku, location, 'allocated'));
  }

  /** Units on their way to a place. */
  inTransit(sku: string, to: string): number {
    const under = this.transfers.filter((one) => one.to === to && (one.status === 'in-transit' || one.status === 'partially-received'));
    return sum(under.map(({ lines }) => lines.get(sku)).map((line) => (line ? line.quantity - line.received : 0)));
  }

  backordered(sku: string, aside: readonly ModelHold[] = []): number {
    return sum(this.promises(sku, aside).map(({ line }) => line.backordered));
  }

  net(sku: string, channel?: string, aside: readonly ModelHold[] = []): number {
    const definition = this.items.get(sku) as ItemDefinition; // asked about items that there are
    const physical = sum([...this.places.keys()].map((location) => this.free(sku, location, aside)));
    return physical - this.backordered(sku, aside) - definition.safetyStock - (channel === undefined ? 0 : (definition.channelBuffers[channel] ?? 0));
  }

  limit(sku: string): number {
    const { tracked, backorderLimit } = this.items.get(sku) as ItemDefinition; // likewise
    return tracked && backorderLimit !== null ? backorderLimit : Number.POSITIVE_INFINITY;
  }

  sellable(sku: string, channel?: string, aside: readonly ModelHold[] = []): number {
    return Math.max(0, this.net(sku, channel, aside) + this.limit(sku));
  }

  /** Units of an item that count against a customer: live holds, allocations, shipped units. */
  has(customerId: string, sku: string, aside: readonly ModelHold[]): number {
    const held = this.holds.filter((hold) => hold.customerId === customerId && this.live(hold) && !aside.includes(hold)).flatMap((hold) => hold.lines.filter((line) => line.sku === sku));
    const owned = [...this.orders.values()].flatMap((order) => order.get(sku)?.owners ?? []).filter((owner) => owner === customerId);
    return sum(held.map(({ quantity }) => quantity)) + owned.length;
  }

  /** The lines that a wish comes to, or why it is refused. */
  plan(wish: Wish, aside: readonly ModelHold[]): ModelLine[] | string {
    const skus = [...new Set(wish.lines.map(({ sku }) => sku))];
    if (skus.some((sku) => !this.items.has(sku))) return 'unknown-item';
    if (wish.lines.some(({ location }) => location !== undefined && !this.places.has(location))) return 'unknown-location';
    const wanted = (sku: string): number => sum(wish.lines.filter((line) => line.sku === sku).map(({ quantity }) => quantity));
    for (const sku of skus) {
      const { maxPerReservation = Number.POSITIVE_INFINITY, maxPerCustomer = Number.POSITIVE_INFINITY } = this.items.get(sku) as ItemDefinition; // checked above
      if (wanted(sku) > maxPerReservation) return 'limit-exceeded';
      if (wish.customerId !== undefined && this.has(wish.customerId, sku, aside) + wanted(sku) > maxPerCustomer) return 'limit-exceeded';
    }
    if (wish.partial !== true && skus.some((sku) => wanted(sku) > this.sellable(sku, wish.channel, aside))) return 'insufficient-stock';
    const planned: ModelLine[] = [];
    for (const { sku, quantity, location } of wish.lines) {
      const before = planned.filter((line) => line.sku === sku);
      const left = this.sellable(sku, wish.channel, aside) - sum(before.map((line) => line.quantity));
      const freeAt = (place: string): number => Math.max(0, this.free(sku, place, aside) - sum(before.flatMap((line) => line.at.filter((at) => at.location === place).map((at) => at.quantity))));
      let need = Math.min(quantity, left);
      const at: At[] = [];
      for (const place of location === undefined ? this.#inOrder(wish, freeAt) : [location]) {
        const taken = Math.min(need, freeAt(place));
        if (taken > 0) at.push({ location: place, quantity: taken });
        need -= taken;
      }
      const room = this.limit(sku) - this.backordered(sku, aside) - sum(before.map((line) => line.backordered));
      const backordered = Math.min(need, Math.max(0, room));
      const granted = unitsOf(at) + backordered;
      if (granted < quantity && wish.partial !== true) return 'insufficient-stock';
      if (granted > 0) planned.push({ sku, quantity: granted, requested: granted < quantity ? quantity : undefined, backordered, at, location: backordered > 0 ? location : undefined });
    }
    return planned.length === 0 ? 'insufficient-stock' : planned;
  }

  #inOrder(wish: Wish, freeAt: (place: string) => number): string[] {
    const byRank = (a: string, b: string): number => (this.places.get(a)?.rank ?? 0) - (this.places.get(b)?.rank ?? 0) || (a < b ? -1 : 1);
    return [...this.places.keys()].sort((a, b) => (wish.strategy === 'most-stock' ? freeAt(b) - freeAt(a) : 0) || byRank(a, b));
  }

  /** When a hold ends that is asked for now. */
  ends(wish: Pick<Wish, 'ttlSeconds' | 'lines'>): number {
    if (wish.ttlSeconds === null) return NEVER;
    return this.now + 1000 * (wish.ttlSeconds ?? Math.min(...wish.lines.map(({ sku }) => this.items.get(sku)?.reservationTtlSeconds ?? 0)));
  }

  addToOrder(orderId: string, hold: ModelHold, lines: readonly ModelLine[]): Map<string, ModelOrderLine> {
    const order = new Map(this.orders.get(orderId));
    for (const { sku, quantity, backordered, at } of lines) {
      const known = order.get(sku) ?? { line: { sku, quantity: 0, backordered: 0, at: [] }, shipped: [], fulfilled: 0, cancelled: 0, owners: [], waits: [] };
      const line = { sku, quantity: known.line.quantity + quantity, backordered: known.line.backordered + backordered, at: at.reduce((places, place) => plusAt(places, place.location, place.quantity), [...known.line.at]) };
      order.set(sku, { ...known, line, owners: [...known.owners, ...new Array<string | undefined>(quantity).fill(hold.customerId)] });
    }
    for (const sku of new Set(lines.map((line) => line.sku))) {
      const known = order.get(sku) as ModelOrderLine; // set above
      const waits = [...known.waits, ...waitsOf(lines, sku, hold.since.get(sku) ?? 0)].sort((a, b) => a.since - b.since);
      order.set(sku, { ...known, waits });
    }
    return order;
  }

  /** Ships units of an order one by one: its own at a place, then free ones there for a promise elsewhere. */
  ship(order: Map<string, ModelOrderLine>, requests: readonly { sku: string; quantity: number; location?: string }[], may: 'take-free' | 'own-only'): Map<string, ModelOrderLine> | undefined {
    const after = new Map(order);
    const gone: { sku: string; location: string }[] = [];
    const borrowed: { sku: string; location: string }[] = [];
    const count = (list: typeof gone, sku: string, location: string): number => list.filter((unit) => unit.sku === sku && unit.location === location).length;
    for (const { sku, quantity, location } of requests) {
      const start = after.get(sku) as ModelOrderLine; // what is not on the order was refused before
      const own = start.line.at.map((place) => place.location);
      const others = [...(this.stock.get(sku)?.keys() ?? [])].filter((id) => this.places.get(id)?.active === true && !own.includes(id));
      const from = location === undefined ? [...own, ...others] : [location];
      for (let unit = 0; unit < quantity; unit++) {
        const known = after.get(sku) as ModelOrderLine; // as above
        const left = (place: string): number => this.onHand(sku, place) - count(gone, sku, place);
        const hasOwn = (place: string): boolean => known.line.at.some((at) => at.location === place) && left(place) > 0;
        const hasFree = (place: string): boolean => may === 'take-free' && left(place) > 0 && this.free(sku, place) - count(borrowed, sku, place) > 0;
        const place = from.find((one) => hasOwn(one) || hasFree(one));
        if (place === undefined) {
          if (this.items.get(sku)?.tracked !== false) return undefined;
          after.set(sku, { ...minusOneOf(known), fulfilled: known.fulfilled + 1 });
          continue;
        }
        const isOwn = hasOwn(place);
        gone.push({ sku, location: place });
        if (!isOwn) borrowed.push({ sku, location: place });
        const less = isOwn ? { ...known, line: { ...known.line, quantity: known.line.quantity - 1, at: plusAt(known.line.at, place, -1) } } : minusOneOf(known);
        after.set(sku, { ...less, fulfilled: known.fulfilled + 1, shipped: plusAt(known.shipped, place, 1) });
      }
    }
    for (const { sku, location } of gone) this.put(sku, location, 'sellable', -1);
    return after;
  }

  /** Notes which items a hold waits for, and since when. */
  waitsNow(hold: ModelHold): void {
    for (const sku of new Set([...hold.since.keys(), ...hold.lines.map((line) => line.sku)])) {
      if (waitsOf(hold.lines, sku, 0).length === 0) hold.since.delete(sku);
      else if (!hold.since.has(sku)) hold.since.set(sku, this.turn);
    }
  }

  /** Plans a wish behind those who waited before it: where it is refused after all, they wait as before. */
  planBehindOlder(wish: Wish, own: readonly ModelHold[], look: (lines: ModelLine[]) => ModelLine[] | string = (lines) => lines): ModelLine[] | string {
    const holds = this.holds.map((hold) => ({ hold, lines: hold.lines, since: [...hold.since] }));
    const orders = [...this.orders].map(([id, order]) => [id, new Map(order)] as const);
    this.#meetOlder(wish, own);
    const planned = this.plan(wish, own);
    const lines = typeof planned === 'string' ? planned : look(planned);
    if (typeof lines !== 'string') return lines;
    for (const { hold, lines: before, since } of holds) {
      hold.lines = before;
      hold.since.clear();
      for (const [sku, turn] of since) hold.since.set(sku, turn);
    }
    for (const [id, order] of orders) this.orders.set(id, order);
    return lines;
  }

  /** Before a wish takes anything, free units go to those who wait, up to where the asker itself waits. */
  #meetOlder(wish: Wish, own: readonly ModelHold[]): void {
    for (const sku of new Set(wish.lines.map((line) => line.sku))) {
      const before = Math.min(...own.map((hold) => hold.since.get(sku) ?? Number.POSITIVE_INFINITY));
      for (const met of this.meet(sku, new Set(own.map(({ id }) => id)), before)) this.met.add(met);
    }
  }

  /** Gives free units to the promises that wait, the oldest first, unit by unit; says which got some. */
  meet(sku: string, except: ReadonlySet<string>, before = Number.POSITIVE_INFINITY): Set<string> {
    const free = new Map(this.#byRank().map((place) => [place, this.free(sku, place)]));
    const queue: { id: string; wait: Wait; place: (location: string) => void }[] = [];
    for (const hold of this.holds.filter((one) => this.live(one) && !except.has(one.id))) {
      for (const wait of waitsOf(hold.lines, sku, hold.since.get(sku) ?? 0)) queue.push({ id: hold.id, wait, place: (location) => placeOnHold(hold, sku, wait, location) });
    }
    for (const [id, order] of this.orders) {
      if (except.has(id)) continue;
      for (const wait of order.get(sku)?.waits ?? []) queue.push({ id, wait, place: (location) => placeOnOrder(order, sku, wait, location) });
    }
    const met = new Set<string>();
    for (const { id, wait, place } of queue.sort((a, b) => a.wait.since - b.wait.since)) {
      const from = [...free.keys()].find((location) => (free.get(location) ?? 0) > 0 && (wait.bound === undefined || wait.bound === location));
      if (from === undefined || wait.since >= before) continue;
      free.set(from, (free.get(from) ?? 0) - 1);
      place(from);
      met.add(id);
    }
    for (const hold of this.holds) if (met.has(hold.id)) this.waitsNow(hold);
    return met;
  }

  #byRank(): string[] {
    return this.#inOrder({ type: 'ReserveStock', lines: [] }, () => 0);
  }

  put(sku: string, location: string, bucket: 'sellable' | 'damaged' | 'qualityControl', by: number): void {
    if (!this.stock.has(sku)) this.stock.set(sku, new Map());
    const places = this.stock.get(sku) as Map<string, Record<typeof bucket, number>>; // made just above
    const buckets = places.get(location) ?? { sellable: 0, damaged: 0, qualityControl: 0 };
    places.set(location, { ...buckets, [bucket]: buckets[bucket] + by });
  }
}

/** What a customer gives up when an order loses a unit: who came last first, those whom nothing counts against after them. */
function minusOwner(owners: readonly (string | undefined)[]): (string | undefined)[] {
  const index = owners.findLastIndex((owner) => owner !== undefined);
  return owners.toSpliced(index < 0 ? owners.length - 1 : index, 1);
}

function placeOnHold(hold: ModelHold, sku: string, wait: Wait, location: string): void {
  const index = hold.lines.findIndex((line) => line.sku === sku && line.backordered > 0 && line.location === wait.bound);
  const line = hold.lines[index] as ModelLine; // it waits, so that there is such a line
  const backordered = line.backordered - 1;
  hold.lines = hold.lines.with(index, { ...line, backordered, at: plusAt(line.at, location, 1), location: backordered > 0 ? line.location : undefined });
}

function placeOnOrder(order: Map<string, ModelOrderLine>, sku: string, wait: Wait, location: string): void {
  const known = order.get(sku) as ModelOrderLine; // it waits, so that there is such a line
  const index = known.waits.findIndex(({ since, bound }) => since === wait.since && bound === wait.bound);
  const { line } = known;
  order.set(sku, { ...known, waits: known.waits.toSpliced(index, 1), line: { ...line, backordered: line.backordered - 1, at: plusAt(line.at, location, 1) } });
}

/** Names that the room made up for what a command made. */
export interface Names {
  readonly hold?: string | undefined;
  readonly order?: string | undefined;
  readonly transfer?: string | undefined;
  /** Items that its facts are about: what is free of them goes to those who wait. */
  readonly touched: readonly string[];
}

/** Does what a command asks and what follows from it, or says by its code why not. */
export function obey(model: Model, command: InventoryCommand, names: Names): string {
  model.turn++;
  model.met = new Set();
  const own = model.holds.filter((hold) => 'cartId' in command && hold.cartId === command.cartId && model.live(hold)).map(({ id }) => id);
  const code = doAsAsked(model, command, names);
  if (code !== 'ok') return code;
  const named = ['id', 'orderId'].flatMap((name) => (command as unknown as Record<string, string | undefined>)[name] ?? []); // commands are plain objects
  const except = new Set([...named, ...own, ...[names.hold, names.order].flatMap((name) => name ?? []), ...model.met]);
  for (const sku of names.touched) model.meet(sku, except);
  return 'ok';
}

function doAsAsked(model: Model, command: InventoryCommand, names: Names): string {
  switch (command.type) {
    case 'DefineItem':
      model.items.set(command.sku, command.definition as unknown as ItemDefinition); // tests describe items in full
      return 'ok';
    case 'DefineLocation':
      model.places.set(command.id, command.definition);
      return 'ok';
    case 'AdjustStock':
      return adjust(model, command.sku, command.location, command.bucket, command.change);
    case 'CountStock': {
      const known = model.stock.get(command.sku)?.get(command.location)?.[command.bucket] ?? 0;
      if (command.expected !== undefined && command.expected !== known) return 'unexpected-count';
      return adjust(model, command.sku, command.location, command.bucket, command.count - known);
    }
    case 'MoveStock': {
      const code = adjust(model, command.sku, command.location, command.from, -command.move);
      return code === 'ok' ? adjust(model, command.sku, command.location, command.to, command.move) : code;
    }
    case 'ReserveStock':
      return makeHold(model, command, names);
    case 'SetCart':
      return setCart(model, command, names);
    case 'ReleaseCart':
      for (const hold of model.holds) if (hold.cartId === command.cartId && model.live(hold)) hold.status = 'released';
      return 'ok';
    case 'ExpireReservation':
      return 'ok';
    case 'ExtendReservation':
    case 'ReleaseReservation':
    case 'ConfirmReservation':
      return changeHold(model, command, names);
    case 'EditReservation':
      return editHold(model, command);
    case 'MoveReservation':
      return moveHold(model, command);
    case 'FulfilOrder':
    case 'UnfulfilOrder':
    case 'CancelOrder':
      return changeOrder(model, command);
    case 'CreateTransfer':
      return planTransfer(model, command, names);
    case 'ShipTransfer':
    case 'ReceiveTransfer':
    case 'CancelTransfer':
      return changeTransfer(model, command);
    default:
      throw new RangeError(`the model knows nothing of ${command.type}`);
  }
}

function adjust(model: Model, sku: string, location: string, bucket: 'sellable' | 'damaged' | 'qualityControl', change: number): string {
  if (!model.items.has(sku)) return 'unknown-item';
  if (!model.places.has(location)) return 'unknown-location';
  const known = model.stock.get(sku)?.get(location)?.[bucket] ?? 0;
  if (known + change < 0) return 'negative-stock';
  if (change !== 0) model.put(sku, location, bucket, change);
  return 'ok';
}

function makeHold(model: Model, wish: Of<'ReserveStock'> | Of<'SetCart'>, names: Names): string {
  const lines = model.planBehindOlder(wish, []);
  if (typeof lines === 'string') return lines;
  const { cartId, customerId, channel } = wish;
  const hold: ModelHold = { id: names.hold ?? '', status: 'held', cartId, customerId, channel, lines, expiresAt: model.ends(wish), since: new Map() };
  model.waitsNow(hold);
  model.holds.push(hold);
  return 'ok';
}

function setCart(model: Model, wish: Of<'SetCart'>, names: Names): string {
  const own = model.holds.filter((hold) => hold.cartId === wish.cartId && model.live(hold));
  const [first, ...others] = own;
  if (!first) return makeHold(model, wish, names);
  const { customerId = first.customerId, channel = first.channel } = wish;
  const lines = model.planBehindOlder({ ...wish, customerId, channel } as typeof wish, own); // what is undefined counts as not said
  if (typeof lines === 'string') return lines;
  const expiresAt = first.expiresAt === NEVER && wish.ttlSeconds === undefined ? NEVER : model.ends(wish);
  if (first.customerId !== customerId) first.since.clear();
  Object.assign(first, { lines, customerId, channel, expiresAt });
  model.waitsNow(first);
  for (const other of others) other.status = 'released';
  return 'ok';
}

function changeHold(model: Model, command: Of<'ExtendReservation'> | Of<'ReleaseReservation'> | Of<'ConfirmReservation'>, names: Names): string {
  const hold = model.holds.find(({ id }) => id === command.id);
  if (!hold) return 'unknown-reservation';
  if (!model.live(hold)) return `reservation-${hold.status === 'held' ? 'expired' : hold.status}`;
  if (command.type === 'ExtendReservation') {
    hold.expiresAt = model.ends({ ttlSeconds: command.ttlSeconds, lines: [] });
    return 'ok';
  }
  const kept = command.lines === undefined ? [] : without(hold.lines, command.lines);
  if (!kept) return 'exceeds-reserved';
  if (command.type === 'ReleaseReservation') {
    if (kept.length === 0) hold.status = 'released';
    else hold.lines = kept;
    model.waitsNow(hold);
    return 'ok';
  }
  const rest = kept.map(({ sku, quantity }) => ({ sku, quantity }));
  const lines = command.lines === undefined ? hold.lines : (without(hold.lines, rest) ?? []);
  const orderId = command.orderId ?? names.order ?? '';
  const order = model.addToOrder(orderId, hold, lines);
  const requests = lines.flatMap(({ sku, at, backordered }) => [...at.map((place) => ({ sku, ...place })), ...(model.items.get(sku)?.tracked === false ? [{ sku, quantity: backordered }] : [])]);
  const after = command.fulfil === true ? model.ship(order, requests, 'own-only') : order;
  if (!after) return 'insufficient-on-hand';
  model.orders.set(orderId, after);
  Object.assign(hold, { lines, status: 'confirmed' });
  return 'ok';
}

/** What a new customer or channel may not have of units that are held already. */
function askerCode(model: Model, hold: ModelHold, { customerId, channel }: { customerId: string | undefined; channel: string | undefined }): string {
  for (const sku of new Set(hold.lines.map((line) => line.sku))) {
    const units = sum(hold.lines.filter((line) => line.sku === sku).map(({ quantity }) => quantity));
    const { maxPerReservation = Number.POSITIVE_INFINITY, maxPerCustomer = Number.POSITIVE_INFINITY } = model.items.get(sku) as ItemDefinition; // held, so there
    if (customerId === hold.customerId) continue;
    if (units > maxPerReservation) return 'limit-exceeded';
    if (customerId !== undefined && model.has(customerId, sku, [hold]) + units > maxPerCustomer) return 'limit-exceeded';
  }
  if (channel === hold.channel) return 'ok';
  const short = hold.lines.some(({ sku }) => sum(hold.lines.filter((line) => line.sku === sku).map(({ quantity }) => quantity)) > model.sellable(sku, channel, [hold]));
  return short ? 'insufficient-stock' : 'ok';
}

function editHold(model: Model, command: Of<'EditReservation'>): string {
  const hold = model.holds.find(({ id }) => id === command.id);
  if (!hold) return 'unknown-reservation';
  if (!model.live(hold)) return `reservation-${hold.status === 'held' ? 'expired' : hold.status}`;
  const customerId = command.customerId === undefined ? hold.customerId : (command.customerId ?? undefined);
  const channel = command.channel === undefined ? hold.channel : (command.channel ?? undefined);
  const expiresAt = command.ttlSeconds === undefined ? hold.expiresAt : model.ends({ ttlSeconds: command.ttlSeconds, lines: [] });
  if (command.lines === undefined) {
    const code = askerCode(model, hold, { customerId, channel });
    if (code !== 'ok') return code;
    if (customerId !== hold.customerId) hold.since.clear();
    Object.assign(hold, { customerId, channel, expiresAt });
    model.waitsNow(hold);
    return code;
  }
  const { strategy, partial } = command;
  const lines = model.planBehindOlder({ type: 'ReserveStock', lines: command.lines, customerId, channel, strategy, partial } as Of<'ReserveStock'>, [hold]); // what is undefined counts as not said
  if (typeof lines === 'string') return lines;
  if (customerId !== hold.customerId) hold.since.clear();
  Object.assign(hold, { customerId, channel, expiresAt, lines });
  model.waitsNow(hold);
  return 'ok';
}

function moveHold(model: Model, command: Of<'MoveReservation'>): string {
  const hold = model.holds.find(({ id }) => id === command.id);
  if (!hold) return 'unknown-reservation';
  if (!model.live(hold)) return `reservation-${hold.status === 'held' ? 'expired' : hold.status}`;
  const cartId = command.cartId === undefined ? hold.cartId : (command.cartId ?? undefined);
  const there = cartId === hold.cartId ? undefined : model.cartHolds(cartId)[0];
  const customerId = there?.customerId ?? hold.customerId;
  const channel = there?.channel ?? hold.channel;
  let { lines } = hold;
  if (command.location === undefined) {
    const code = askerCode(model, hold, { customerId, channel });
    if (code !== 'ok') return code;
  } else {
    const { location } = command;
    if (!model.places.has(location)) return 'unknown-location';
    const waiting = (of: readonly ModelLine[], sku: string): number => sum(of.filter((line) => line.sku === sku).map(({ backordered }) => backordered));
    const planned = model.planBehindOlder({ type: 'ReserveStock', lines: hold.lines.map(({ sku, quantity }) => ({ sku, quantity, location })), customerId, channel } as Of<'ReserveStock'>, [hold], (then) => {
      const displaces = then.some(({ sku }) => model.items.get(sku)?.tracked !== false && waiting(then, sku) > waiting(hold.lines, sku));
      return displaces ? 'insufficient-stock' : then;
    });
    if (typeof planned === 'string') return planned;
    lines = planned.map((line, index) => ({ ...line, requested: hold.lines[index]?.requested }));
  }
  const joined = cartId !== hold.cartId;
  if (customerId !== hold.customerId) hold.since.clear();
  Object.assign(hold, { cartId, customerId, channel, lines });
  model.waitsNow(hold);
  // The oldest hold of a cart is the one that it changes; a hold that joins comes last.
  if (joined) model.holds = [...model.holds.filter((other) => other !== hold), hold];
  return 'ok';
}

function changeOrder(model: Model, command: Of<'FulfilOrder'> | Of<'UnfulfilOrder'> | Of<'CancelOrder'>): string {
  const order = model.orders.get(command.orderId);
  if (!order) return 'unknown-order';
  const wanted = command.lines ?? [...order.values()].map(({ line: { sku, quantity } }) => ({ sku, quantity }));
  const asked = (sku: string): number => sum(wanted.filter((line) => line.sku === sku).map(({ quantity }) => quantity));
  const limit = (sku: string): number => (command.type === 'UnfulfilOrder' ? order.get(sku)?.fulfilled : order.get(sku)?.line.quantity) ?? 0;
  if (wanted.some(({ sku }) => asked(sku) > limit(sku))) return command.type === 'UnfulfilOrder' ? 'exceeds-fulfilled' : 'exceeds-allocated';
  if (command.type === 'UnfulfilOrder') return unfulfil(model, command, new Map(order));
  if (command.type === 'FulfilOrder') {
    const after = model.ship(order, command.lines, 'take-free');
    if (after) model.orders.set(command.orderId, after);
    return after ? 'ok' : 'insufficient-on-hand';
  }
  for (const [sku, known] of order) {
    let after = known;
    for (let unit = 0; unit < asked(sku); unit++) after = { ...minusOneOf(after), owners: minusOwner(after.owners) };
    order.set(sku, { ...after, cancelled: known.cancelled + asked(sku) });
  }
  return 'ok';
}

function unfulfil(model: Model, { orderId, lines }: Of<'UnfulfilOrder'>, order: Map<string, ModelOrderLine>): string {
  const back: { sku: string; location: string }[] = [];
  for (const { sku, quantity, location } of lines) {
    let known = order.get(sku) as ModelOrderLine; // asked for no more than was shipped
    const restored: string[] = [];
    for (let unit = 0; unit < quantity; unit++) {
      const from = location === undefined ? known.shipped.at(-1)?.location : known.shipped.find((place) => place.location === location)?.location;
      if (from === undefined && (location !== undefined || known.fulfilled === 0)) return 'exceeds-fulfilled';
      if (from === undefined) known = { ...known, line: { ...known.line, backordered: known.line.backordered + 1 }, waits: [...known.waits, { since: model.turn }] };
      else restored.unshift(from);
      known = { ...known, fulfilled: known.fulfilled - 1, shipped: from === undefined ? known.shipped : plusAt(known.shipped, from, -1) };
    }
    const at = restored.reduce<At[]>((places, one) => plusAt(places, one, 1), [...known.line.at]);
    order.set(sku, { ...known, line: { ...known.line, quantity: known.line.quantity + quantity, at } });
    back.push(...restored.map((one) => ({ sku, location: one })));
  }
  for (const { sku, location } of back) model.put(sku, location, 'sellable', 1);
  model.orders.set(orderId, order);
  return 'ok';
}

function planTransfer(model: Model, { from, to, lines }: Of<'CreateTransfer'>, names: Names): string {
  if (lines.some(({ sku }) => !model.items.has(sku))) return 'unknown-item';
  if (!model.places.has(from) || !model.places.has(to)) return 'unknown-location';
  if (from === to) return 'invalid-request';
  const wanted = new Map<string, { quantity: number; received: number }>();
  for (const { sku, quantity } of lines) wanted.set(sku, { quantity: quantity + (wanted.get(sku)?.quantity ?? 0), received: 0 });
  model.transfers.push({ id: names.transfer ?? '', status: 'draft', from, to, lines: wanted });
  return 'ok';
}

function changeTransfer(model: Model, command: Of<'ShipTransfer'> | Of<'ReceiveTransfer'> | Of<'CancelTransfer'>): string {
  const transfer = model.transfers.find(({ id }) => id === command.id);
  if (!transfer) return 'unknown-transfer';
  const { from, to, status, lines } = transfer;
  const onItsWay = status === 'in-transit' || status === 'partially-received';
  const fits = command.type === 'ShipTransfer' ? status === 'draft' : onItsWay || (command.type === 'CancelTransfer' && status === 'draft');
  if (!fits) return `transfer-${status}`;
  const spare = (sku: string): number => model.onHand(sku, from) - model.promisedAt(sku, from, 'reserved') - model.promisedAt(sku, from, 'allocated');
  switch (command.type) {
    case 'ShipTransfer':
      if ([...lines].some(([sku, { quantity }]) => quantity > spare(sku))) return 'insufficient-stock';
      for (const [sku, { quantity }] of lines) model.put(sku, from, 'sellable', -quantity);
      transfer.status = 'in-transit';
      return 'ok';
    case 'ReceiveTransfer': {
      if (command.lines.some(({ sku }) => !lines.has(sku))) return 'unknown-item';
      if (command.lines.some(({ sku, received }) => received < (lines.get(sku)?.received ?? 0))) return 'receipt-decreased';
      if (command.lines.some(({ sku, received }) => received > (lines.get(sku)?.quantity ?? 0))) return 'exceeds-shipped';
      for (const { sku, received } of command.lines) {
        const line = lines.get(sku) as { quantity: number; received: number }; // looked for above
        if (received > line.received) model.put(sku, to, 'sellable', received - line.received);
        line.received = received;
      }
      const all = [...lines.values()];
      if (all.every(({ quantity, received }) => received === quantity)) transfer.status = 'received';
      else if (all.some(({ received }) => received > 0)) transfer.status = 'partially-received';
      return 'ok';
    }
    case 'CancelTransfer':
      if (onItsWay && command.disposition === undefined) return 'invalid-request';
      transfer.status = 'cancelled';
      if (onItsWay && command.disposition === 'restock') for (const [sku, { quantity, received }] of lines) model.put(sku, from, 'sellable', quantity - received);
      return 'ok';
    default:
      return command satisfies never;
  }
}
