import { must } from '../../base/assert.ts';
import { refused, type Refusal } from '../../base/decision.ts';
import { figuresOf, freeAt, isPreordered, limitOf } from './availability.ts';
import { planFills, type Fills } from './backorders.ts';
import { isBundle, partsOf } from './bundles.ts';
import type { HoldRequest, LineRequest, Strategy } from './commands.ts';
import type { Share } from './events.ts';
import { itemKey, reservationKey } from './keys.ts';
import { byRank, findCustomer, findItem, findWaiting, locationsBeside, type Allocation, type Item, type LinePart, type Location, type Locations, type ReservationLine, type World } from './state.ts';
import { closeLine, sharesOf, type ItemShare, type Units } from './units.ts';
import { unitsOf } from './waiting.ts';

/** How a request is to be met: lines as the caller sees them, and what each item gives. */
export interface Plan {
  readonly lines: readonly ReservationLine[];
  readonly shares: readonly ItemShare[];
  /** Waiting promises that free units go to before anything is taken for this one. */
  readonly filled: readonly Fills[];
  /** Seconds the hold lasts where the caller does not say. */
  readonly ttlSeconds: number;
}

/** What the asker already holds: it does not stand in its own way. */
export interface Own {
  /** By SKU. */
  readonly shares: ReadonlyMap<string, readonly Share[]>;
  readonly reservations: ReadonlySet<string>;
}


/** The demand for one item, summed over the lines that name it. */
interface Demand {
  readonly item: Item;
  readonly locations: Locations;
  readonly own: readonly Share[];
  requested: number;
  /** What may be granted in all; null where nothing limits it. */
  readonly sellable: number | null;
  /** Free units that older promises wait for. */
  readonly filled: Fills | undefined;
  /** Units taken by those and by the lines planned so far, by place; made when a second line may want to know. */
  taken: Map<string, number> | undefined;
  granted: number;
  backordered: number;
}

const NOTHING_OWN: Own = { shares: new Map(), reservations: new Set() };
const NO_SHARES: readonly Share[] = [];
const NO_DEMANDS: Demand[] = [];
const NO_ALLOCATIONS: readonly Allocation[] = [];
const NOTHING_FILLED: readonly Fills[] = [];

/** Says from where each line is served, or why the request as a whole is refused. Demand is summed per item first. */
export function planHold(request: HoldRequest, world: World, now: number, own: Own = NOTHING_OWN): Plan | { refusal: Refusal } {
  const demands = sumDemand(request, world, now, own);
  if ('refusal' in demands) return demands;
  const withBundles = hasBundles(request, demands);
  const refusal = overLimits(demands, request, world, now, own) ?? (withBundles ? overBundleLimits(request, world) : undefined) ?? (request.partial === true ? undefined : overSellable(demands));
  if (refusal) return { refusal };
  let lines: ReservationLine[] | undefined;
  const order = inOrder(request);
  for (const line of order) {
    const demand = findDemand(demands, line.sku);
    const planned = demand ? planLine(line, demand, request, now) : planBundle(line, mustItem(world, line.sku), demands, request, world, now);
    if (planned) lines = withOne(lines, planned);
  }
  const isShort = (demand: Demand): boolean => demand.granted < demand.requested;
  if (!lines || (request.partial !== true && demands.some(isShort))) {
    return { refusal: insufficient(demands.filter(isShort).map(({ item: { sku }, requested, granted }) => ({ sku, requested, available: granted }))) };
  }
  if (order !== request.lines) lines = asAsked(lines, order, request.lines);
  return { lines, shares: sharesOf(lines), filled: filledOf(demands), ttlSeconds: withBundles ? shortestTtl(request.lines.map(({ sku }) => ({ item: mustItem(world, sku) }))) : shortestTtl(demands) };
}

/** Lines that want one place come first, so that those that may be served from anywhere leave it to them. Of a part the first line gets the most. */
function inOrder({ lines, partial }: HoldRequest): readonly LineRequest[] {
  const placed = lines.length === 1 || partial === true ? 0 : lines.filter(({ location }) => location !== undefined).length;
  return placed === 0 || placed === lines.length ? lines : [...lines.filter(({ location }) => location !== undefined), ...lines.filter(({ location }) => location === undefined)];
}

/** Lines that were planned in another order, each of them whole. */
function asAsked(planned: readonly ReservationLine[], order: readonly LineRequest[], asked: readonly LineRequest[]): ReservationLine[] {
  return asked.map((line) => must(planned[order.indexOf(line)], 'every line was planned'));
}

/** Why units that are held already may not be another customer's, or sold through another channel. */
export function askerRefusal(request: HoldRequest, world: World, now: number, own: Own, changed: { customer: boolean; channel: boolean }): Refusal | undefined {
  const demands = sumDemand(request, world, now, own);
  if ('refusal' in demands) return demands.refusal;
  return (changed.customer ? overLimits(demands, request, world, now, own) : undefined) ?? (changed.channel ? overSellable(demands) : undefined);
}

/** An item that cannot give what was asked, with its demand summed. */
type Short = { readonly sku: string; readonly requested: number; readonly available: number };

function sumDemand(request: HoldRequest, world: World, now: number, own: Own): Demand[] | { refusal: Refusal } {
  let demands = NO_DEMANDS;
  let unknown: Fault[] | undefined;
  let nowhere: Fault[] | undefined;
  for (let index = 0; index < request.lines.length; index++) {
    const line = request.lines[index] as LineRequest; // within bounds
    const item = findItem(world, line.sku);
    if (!item) {
      (unknown ??= []).push({ pointer: `/lines/${index}/sku`, detail: `There is no item ${line.sku}.` });
      continue;
    }
    if (line.location !== undefined && !locationsBeside(world, itemKey(line.sku)).has(line.location)) {
      (nowhere ??= []).push({ pointer: `/lines/${index}/location`, detail: `There is no location ${line.location}.` });
    }
    if (!isBundle(item.definition)) demands = withDemand(item, line.quantity, demands, request, world, now, own);
    else for (const part of partsOf(item, world)) demands = withDemand(part.item, line.quantity * part.quantity, demands, request, world, now, own);
  }
  if (unknown) return refused('invalid', 'unknown-item', 'Some lines name items that do not exist.', { errors: unknown });
  if (nowhere) return refused('invalid', 'unknown-location', 'Some lines name locations that do not exist.', { errors: nowhere });
  return demands;
}

type Fault = { readonly pointer: string; readonly detail: string };

function withDemand(item: Item, units: number, demands: Demand[], request: HoldRequest, world: World, now: number, own: Own): Demand[] {
  const known = findDemand(demands, item.sku);
  const demand = known ?? beginDemand(item, request, world, now, own);
  demand.requested += units;
  return known ? demands : withOne(demands === NO_DEMANDS ? undefined : demands, demand);
}

/** Appends to a list that most often has one entry: an empty one that is pushed to makes room for seventeen. */
function withOne<T>(list: T[] | undefined, entry: T): T[] {
  if (!list) return [entry];
  list.push(entry);
  return list;
}

function beginDemand(item: Item, request: HoldRequest, world: World, now: number, own: Own): Demand {
  const { sku } = item;
  const locations = locationsBeside(world, itemKey(sku));
  const shares = own.shares.get(sku) ?? NO_SHARES;
  const { sellable } = figuresOf(item, locations, now, { channel: request.channel, own: shares });
  const demand: Demand = { item, locations, own: shares, requested: 0, sellable, filled: undefined, taken: undefined, granted: 0, backordered: 0 };
  return item.backordered - item.lapses.lapsedBackordered > 0 ? afterOlderPromises(demand, world, now, own) : demand;
}

/** Nobody overtakes those who wait: units that became free, say because a hold ran out, are theirs first. */
function afterOlderPromises(demand: Demand, world: World, now: number, own: Own): Demand {
  const { item, locations } = demand;
  const waiting = findWaiting(world, item.sku);
  const mine = new Set([...own.reservations].map(reservationKey));
  const since = Math.min(...[...mine].map((key) => waiting?.promises.get(key)?.stints[0]?.since ?? Number.POSITIVE_INFINITY));
  const filled = planFills({ item, locations, waiting, now }, { except: mine, before: since });
  const last = filled.fills.at(-1);
  if (!last) return demand;
  const taken = new Map<string, number>();
  let backordered = 0;
  for (const { location, quantity } of filled.fills.flatMap(({ places }) => places)) {
    taken.set(location, (taken.get(location) ?? 0) + quantity);
    backordered -= quantity;
  }
  // What the asker gives up may be theirs too: that is looked at once this decision is folded.
  const rest = filled.rest || (mine.size > 0 && unitsOf(last.places) < last.stint.units);
  return { ...demand, filled: { ...filled, rest }, taken, backordered };
}

function filledOf(demands: readonly Demand[]): readonly Fills[] {
  let filled: Fills[] | undefined;
  for (const demand of demands) if (demand.filled) filled = withOne(filled, demand.filled);
  return filled ?? NOTHING_FILLED;
}

/** A request has few items, so that looking through them is cheaper than an index. */
function findDemand(demands: readonly Demand[], sku: string): Demand | undefined {
  for (const demand of demands) if (demand.item.sku === sku) return demand;
  return undefined;
}

/** Whether a line names what is not an item with a demand of its own. */
function hasBundles({ lines }: HoldRequest, demands: readonly Demand[]): boolean {
  for (const { sku } of lines) if (!findDemand(demands, sku)) return true;
  return false;
}

function mustItem(world: World, sku: string): Item {
  return must(findItem(world, sku), `the demand for ${sku} was not summed`);
}

/** A bundle may have its own bound for one reservation, in bundles. */
function overBundleLimits(request: HoldRequest, world: World): Refusal | undefined {
  const lines: { sku: string; requested: number; limit: number }[] = [];
  for (const sku of new Set(request.lines.map((line) => line.sku))) {
    const definition = findItem(world, sku)?.definition;
    const limit = isBundle(definition) ? definition?.maxPerReservation : undefined;
    const requested = limit === undefined ? 0 : request.lines.reduce((sum, line) => (line.sku === sku ? sum + line.quantity : sum), 0);
    if (limit !== undefined && requested > limit) lines.push({ sku, requested, limit });
  }
  return lines.length === 0 ? undefined : refused('conflict', 'limit-exceeded', 'More was asked for than one reservation may have.', { lines }).refusal;
}

function mustFind(demands: readonly Demand[], sku: string): Demand {
  return must(findDemand(demands, sku), `the demand for ${sku} was not summed`);
}

function overLimits(demands: readonly Demand[], request: HoldRequest, world: World, now: number, own: Own): Refusal | undefined {
  let lines: { sku: string; requested: number; limit: number }[] | undefined;
  for (const { item, requested } of demands) {
    const perReservation = item.definition?.maxPerReservation ?? Number.POSITIVE_INFINITY;
    // Read for every named customer, limit or not, because the fact of the hold is folded into it.
    const customer = request.customerId === undefined ? undefined : findCustomer(world, item.sku, request.customerId);
    const perCustomer = request.customerId === undefined ? undefined : item.definition?.maxPerCustomer;
    let had = customer?.promised ?? 0;
    if (customer) for (const [id, hold] of customer.holds) if (hold.expiresAt > now && !own.reservations.has(id)) had += hold.quantity;
    if (requested > perReservation) (lines ??= []).push({ sku: item.sku, requested, limit: perReservation });
    else if (perCustomer !== undefined && had + requested > perCustomer) (lines ??= []).push({ sku: item.sku, requested, limit: perCustomer });
  }
  if (!lines) return undefined;
  return refused('conflict', 'limit-exceeded', 'More was asked for than one reservation or one customer may have.', { lines }).refusal;
}

function overSellable(demands: readonly Demand[]): Refusal | undefined {
  let short: Short[] | undefined;
  for (const { item, requested, sellable } of demands) {
    if (sellable !== null && requested > sellable) (short ??= []).push({ sku: item.sku, requested, available: sellable });
  }
  return short && insufficient(short);
}

function insufficient(lines: readonly Short[]): Refusal {
  return refused('conflict', 'insufficient-stock', 'There is not enough stock. Nothing was held.', { lines }).refusal;
}

/** Takes what the line needs and the item still may give; undefined where that is nothing. */
function planLine(line: LineRequest, demand: Demand, request: HoldRequest, now: number): ReservationLine | undefined {
  const planned = planUnits(line, demand, request, now);
  if (!planned) return undefined;
  const { quantity, backordered, preorderChannel, location, allocations } = planned;
  return { sku: line.sku, quantity, requested: quantity < line.quantity ? line.quantity : undefined, backordered, preorderChannel, location, allocations };
}

/** As many whole bundles as all of its parts suffice for; undefined where that is none. */
function planBundle(line: LineRequest, bundle: Item, demands: readonly Demand[], request: HoldRequest, world: World, now: number): ReservationLine | undefined {
  const parts = partsOf(bundle, world).map(({ item, quantity }) => ({ demand: mustFind(demands, item.sku), quantity }));
  const most = Math.min(...parts.map(({ demand, quantity }) => Math.floor(grantable(demand, line, request, now) / quantity)));
  const quantity = Math.min(line.quantity, most);
  if (parts.length === 0 || quantity <= 0) return undefined;
  const taken = parts.map((part) => planUnits({ ...line, sku: part.demand.item.sku, quantity: quantity * part.quantity }, part.demand, request, now, 'take'));
  const components = parts.map((part, index): LinePart => ({ sku: part.demand.item.sku, quantity: part.quantity, backordered: taken[index]?.backordered ?? 0, preorderChannel: taken[index]?.preorderChannel }));
  const empty: ReservationLine = { sku: line.sku, quantity, requested: quantity < line.quantity ? line.quantity : undefined, backordered: 0, components, location: line.location, allocations: [] };
  return closeLine(empty, quantity, taken.map((units) => units ?? empty));
}

/** Units of an item that a line could get, at one place or anywhere. */
function grantable(demand: Demand, line: LineRequest, request: HoldRequest, now: number): number {
  const left = demand.sellable === null ? Number.POSITIVE_INFINITY : Math.max(0, demand.sellable - demand.granted);
  const places = line.location === undefined ? placesInOrder(demand, request, now) : [line.location];
  const free = places.reduce((sum, location) => sum + stillFree(demand, location, now), 0);
  return Math.min(left, free + backorderRoom(demand, now));
}

function planUnits(line: LineRequest, demand: Demand, request: HoldRequest, now: number, when: 'take' | 'take if others follow' = 'take if others follow'): Units | undefined {
  const left = demand.sellable === null ? line.quantity : Math.max(0, demand.sellable - demand.granted);
  const wanted = Math.min(line.quantity, left);
  const places = line.location === undefined ? placesInOrder(demand, request, now) : [line.location];
  let allocations: Allocation[] | undefined;
  let need = wanted;
  for (const location of places) {
    if (need === 0) break;
    const quantity = Math.min(need, stillFree(demand, location, now));
    if (quantity === 0) continue;
    allocations = withOne(allocations, { sku: line.sku, location, quantity });
    if (when === 'take' || demand.taken || request.lines.length > 1) take(demand, location, quantity);
    need -= quantity;
  }
  const backordered = need === 0 ? 0 : Math.min(need, backorderRoom(demand, now));
  const quantity = wanted - need + backordered;
  demand.granted += quantity;
  demand.backordered += backordered;
  if (quantity === 0) return undefined;
  return { sku: line.sku, quantity, backordered, preorderChannel: preorderChannelOf(demand.item, request.channel, now), location: backordered > 0 ? line.location : undefined, allocations: allocations ?? NO_ALLOCATIONS };
}

/** The channel whose limit of preorders units count against that are promised now. */
export function preorderChannelOf({ definition }: Item, channel: string | undefined, now: number): string | undefined {
  return definition !== undefined && channel !== undefined && isPreordered(definition, now) ? channel : undefined;
}

function take(demand: Demand, location: string, quantity: number): void {
  demand.taken ??= new Map();
  demand.taken.set(location, (demand.taken.get(location) ?? 0) + quantity);
}

/** Units that may still be promised without being at any place: more than that is never promised, wherever the rest may lie. */
function backorderRoom(demand: Demand, now: number): number {
  const { definition, backordered, lapses } = demand.item;
  const limit = definition ? limitOf(definition, now) : null;
  if (limit === null) return Number.POSITIVE_INFINITY;
  let promised = backordered - lapses.lapsedBackordered + demand.backordered;
  for (const share of demand.own) promised -= share.backordered;
  return Math.max(0, limit - promised);
}

function stillFree(demand: Demand, location: string, now: number): number {
  return Math.max(0, freeAt(demand.item, location, demand.locations, now, demand.own) - (demand.taken?.get(location) ?? 0));
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

function shortestTtl(asked: readonly { readonly item: Item }[]): number {
  let shortest = Number.POSITIVE_INFINITY;
  for (const { item } of asked) shortest = Math.min(shortest, item.definition?.reservationTtlSeconds ?? Number.POSITIVE_INFINITY);
  return shortest;
}
