import { refused, type Refusal } from '../../base/decision.ts';
import { figuresOf, freeAt } from './availability.ts';
import type { HoldRequest, LineRequest, Strategy } from './commands.ts';
import type { Place, Share } from './events.ts';
import { itemKey } from './keys.ts';
import { findCustomer, findItem, locationsBeside, type Item, type Location, type Locations, type ReservationLine, type World } from './state.ts';

/** How a request is to be met: lines as the caller sees them, and what each item gives. */
export interface Plan {
  readonly lines: readonly ReservationLine[];
  readonly shares: ReadonlyMap<string, Omit<Share, 'expiresAt'>>;
  /** Seconds the hold lasts where the caller does not say. */
  readonly ttlSeconds: number;
}

/** What the asker already holds per SKU: it does not stand in its own way. */
export type Own = ReadonlyMap<string, readonly Share[]>;

/** The demand for one item, summed over the lines that name it. */
interface Demand {
  readonly item: Item;
  readonly locations: Locations;
  readonly own: readonly Share[];
  requested: number;
  /** What may be granted in all; null where nothing limits it. */
  readonly sellable: number | null;
  /** Units taken by the lines planned so far, by place. */
  readonly taken: Map<string, number>;
  granted: number;
  backordered: number;
}

const NOTHING_OWN: Own = new Map();
const NO_SHARES: readonly Share[] = [];

/** Says from where each line is served, or why the request as a whole is refused. Demand is summed per item first. */
export function planHold(request: HoldRequest, world: World, now: number, own: Own = NOTHING_OWN): Plan | { refusal: Refusal } {
  const demands = sumDemand(request, world, now, own);
  if ('refusal' in demands) return demands;
  const refusal = overLimits(demands, request, world, now) ?? (request.partial === true ? undefined : overSellable(demands));
  if (refusal) return { refusal };
  const lines: ReservationLine[] = [];
  const short = new Map<string, { requested: number; available: number }>();
  for (const line of request.lines) {
    const planned = planLine(line, demands.get(line.sku) as Demand, request, now); // summed from these lines above
    if (planned.missing > 0) short.set(line.sku, { requested: line.quantity, available: planned.line?.quantity ?? 0 });
    if (planned.line) lines.push(planned.line);
  }
  if (lines.length === 0 || (short.size > 0 && request.partial !== true)) return { refusal: insufficient(short) };
  return { lines, shares: sharesOf(lines), ttlSeconds: shortestTtl(demands) };
}

function sumDemand(request: HoldRequest, world: World, now: number, own: Own): Map<string, Demand> | { refusal: Refusal } {
  const demands = new Map<string, Demand>();
  const unknown: { pointer: string; detail: string }[] = [];
  const nowhere: { pointer: string; detail: string }[] = [];
  request.lines.forEach((line, index) => {
    let demand = demands.get(line.sku);
    if (!demand) {
      const item = findItem(world, line.sku);
      if (!item) {
        unknown.push({ pointer: `/lines/${index}/sku`, detail: `There is no item ${line.sku}.` });
        return;
      }
      const locations = locationsBeside(world, itemKey(line.sku));
      const shares = own.get(line.sku) ?? NO_SHARES;
      const { sellable } = figuresOf(item, locations, now, { channel: request.channel, own: shares });
      demand = { item, locations, own: shares, requested: 0, sellable, taken: new Map(), granted: 0, backordered: 0 };
      demands.set(line.sku, demand);
    }
    if (line.location !== undefined && !demand.locations.has(line.location)) {
      nowhere.push({ pointer: `/lines/${index}/location`, detail: `There is no location ${line.location}.` });
    }
    demand.requested += line.quantity;
  });
  if (unknown.length > 0) return refused('invalid', 'unknown-item', 'Some lines name items that do not exist.', { errors: unknown });
  if (nowhere.length > 0) return refused('invalid', 'unknown-location', 'Some lines name locations that do not exist.', { errors: nowhere });
  return demands;
}

function overLimits(demands: ReadonlyMap<string, Demand>, request: HoldRequest, world: World, now: number): Refusal | undefined {
  const lines: { sku: string; requested: number; limit: number }[] = [];
  for (const { item, requested, own } of demands.values()) {
    const perReservation = item.definition?.maxPerReservation ?? Number.POSITIVE_INFINITY;
    // Read for every named customer, limit or not, because the fact of the hold is folded into it.
    const customer = request.customerId === undefined ? undefined : findCustomer(world, item.sku, request.customerId);
    const perCustomer = request.customerId === undefined ? undefined : item.definition?.maxPerCustomer;
    let had = customer?.promised ?? 0;
    for (const hold of customer?.holds.values() ?? []) if (hold.expiresAt > now) had += hold.quantity;
    for (const share of own) had -= share.quantity;
    if (requested > perReservation) lines.push({ sku: item.sku, requested, limit: perReservation });
    else if (perCustomer !== undefined && Math.max(0, had) + requested > perCustomer) lines.push({ sku: item.sku, requested, limit: perCustomer });
  }
  if (lines.length === 0) return undefined;
  return refused('conflict', 'limit-exceeded', 'More was asked for than one reservation or one customer may have.', { lines }).refusal;
}

function overSellable(demands: ReadonlyMap<string, Demand>): Refusal | undefined {
  let short: Map<string, { requested: number; available: number }> | undefined;
  for (const { item, requested, sellable } of demands.values()) {
    if (sellable === null || requested <= sellable) continue;
    short ??= new Map();
    short.set(item.sku, { requested, available: sellable });
  }
  return short && insufficient(short);
}

function insufficient(short: ReadonlyMap<string, { requested: number; available: number }>): Refusal {
  const lines = [...short].map(([sku, { requested, available }]) => ({ sku, requested, available }));
  return refused('conflict', 'insufficient-stock', 'There is not enough stock. Nothing was held.', { lines }).refusal;
}

/** Takes what the line needs and the item still may give; `missing` is what it could not. */
function planLine(line: LineRequest, demand: Demand, request: HoldRequest, now: number): { line: ReservationLine | undefined; missing: number } {
  const left = demand.sellable === null ? line.quantity : Math.max(0, demand.sellable - demand.granted);
  const wanted = Math.min(line.quantity, left);
  const places = line.location === undefined ? placesInOrder(demand, request, now) : [line.location];
  const allocations: { sku: string; location: string; quantity: number }[] = [];
  let need = wanted;
  for (const location of places) {
    if (need === 0) break;
    const quantity = Math.min(need, stillFree(demand, location, now));
    if (quantity === 0) continue;
    allocations.push({ sku: line.sku, location, quantity });
    demand.taken.set(location, (demand.taken.get(location) ?? 0) + quantity);
    need -= quantity;
  }
  const backordered = Math.min(need, backorderRoom(demand));
  const quantity = wanted - need + backordered;
  demand.granted += quantity;
  demand.backordered += backordered;
  const missing = line.quantity - quantity;
  if (quantity === 0) return { line: undefined, missing };
  return { line: missing > 0 ? { sku: line.sku, quantity, requested: line.quantity, backordered, allocations } : { sku: line.sku, quantity, backordered, allocations }, missing };
}

/** Units that may still be promised without being at any place: more than that is never promised, wherever the rest may lie. */
function backorderRoom(demand: Demand): number {
  const { definition, backordered, lapses } = demand.item;
  if (!definition?.tracked || definition.backorderLimit === null) return Number.POSITIVE_INFINITY;
  let promised = backordered - lapses.lapsedBackordered + demand.backordered;
  for (const share of demand.own) promised -= share.backordered;
  return Math.max(0, definition.backorderLimit - promised);
}

function stillFree(demand: Demand, location: string, now: number): number {
  return Math.max(0, freeAt(demand.item, location, demand.locations, now, demand.own) - (demand.taken.get(location) ?? 0));
}

/** The active places that have the item, in the order the strategy takes from them. */
function placesInOrder(demand: Demand, request: HoldRequest, now: number): string[] {
  const { item, locations } = demand;
  if (item.levels.size === 1) return [...item.levels.keys()];
  const places: Location[] = [];
  for (const id of item.levels.keys()) {
    const location = locations.get(id);
    if (location?.active) places.push(location);
  }
  return places.sort(comparePlaces(request.strategy ?? 'rank', demand, request, now)).map((place) => place.id);
}

function comparePlaces(strategy: Strategy, demand: Demand, request: HoldRequest, now: number): (a: Location, b: Location) => number {
  switch (strategy) {
    case 'rank':
      return byRank;
    case 'most-stock':
      return (a, b) => stillFree(demand, b.id, now) - stillFree(demand, a.id, now) || byRank(a, b);
    case 'nearest':
      return (a, b) => distance(request.near, a) - distance(request.near, b) || byRank(a, b);
    default:
      return strategy satisfies never;
  }
}

function byRank(a: Location, b: Location): number {
  return a.rank - b.rank || (a.id < b.id ? -1 : 1);
}

/**
 * Something that grows with the great-circle distance (the haversine of the angle, between 0 and 1); places without
 * coordinates come last. R. W. Sinnott, "Virtues of the Haversine", 1984.
 */
function distance(near: { lat: number; lon: number } | undefined, place: Location): number {
  if (near === undefined || place.lat === undefined || place.lon === undefined) return 2;
  const radians = Math.PI / 180;
  const lat = Math.sin(((place.lat - near.lat) * radians) / 2);
  const lon = Math.sin(((place.lon - near.lon) * radians) / 2);
  return lat * lat + Math.cos(near.lat * radians) * Math.cos(place.lat * radians) * lon * lon;
}

/** What the lines take of each item, places merged. */
export function sharesOf(lines: readonly ReservationLine[]): Map<string, Omit<Share, 'expiresAt'>> {
  const only = lines[0];
  if (lines.length === 1 && only) {
    return new Map([[only.sku, { quantity: only.quantity, backordered: only.backordered, allocations: only.allocations.map(placeOf) }]]);
  }
  const shares = new Map<string, { quantity: number; backordered: number; allocations: { location: string; quantity: number }[] }>();
  for (const line of lines) {
    let share = shares.get(line.sku);
    if (!share) shares.set(line.sku, (share = { quantity: 0, backordered: 0, allocations: [] }));
    share.quantity += line.quantity;
    share.backordered += line.backordered;
    for (const { location, quantity } of line.allocations) {
      const place = share.allocations.find((other) => other.location === location);
      if (place) place.quantity += quantity;
      else share.allocations.push({ location, quantity });
    }
  }
  return shares;
}

export function placeOf(allocation: Place): Place {
  return { location: allocation.location, quantity: allocation.quantity };
}

function shortestTtl(demands: ReadonlyMap<string, Demand>): number {
  let shortest = Number.POSITIVE_INFINITY;
  for (const { item } of demands.values()) shortest = Math.min(shortest, item.definition?.reservationTtlSeconds ?? Number.POSITIVE_INFINITY);
  return shortest;
}
