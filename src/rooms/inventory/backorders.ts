import { accepted, type Decision } from '../../base/decision.ts';
import { freeWith } from './availability.ts';
import { noChange, type Change } from './change.ts';
import type { SettleItem } from './commands.ts';
import type { HoldEvent, InventoryEvent, Place } from './events.ts';
import { holdFact, recordOrder, touched, withRecord } from './records.ts';
import { itemKey } from './keys.ts';
import { FILLS_MAX } from './limits.ts';
import { byRank, findOrder, findReservation, findWaiting, type Allocation, type Item, type LinePart, type Location, type Locations, type Order, type OrderLine, type Reservation, type ReservationLine, type Stint, type Waiting, type World } from './state.ts';
import { incomplete, settled, sharesOf } from './units.ts';

/** Units at places for some that waited: all of one promise that began to wait together, or part of them. */
export interface Fill {
  readonly sku: string;
  /** The key of the hold's or the order's record. */
  readonly promise: string;
  readonly stint: Stint;
  readonly places: readonly Place[];
}

/** `rest`: more could be met than one decision may. */
export interface Fills {
  readonly fills: readonly Fill[];
  readonly rest: boolean;
}

const NO_FILLS: Fills = { fills: [], rest: false };

/**
 * Which waiting promises the free units go to: the oldest first, a part of it where they do not suffice, from the places
 * that are taken from first. `before`: only promises older than that one; `except`: promises that are changing anyway.
 */
export function planFills(
  { item, locations, waiting, now }: { item: Item; locations: Locations; waiting: Waiting | undefined; now: number },
  { change = noChange(), except, before }: { change?: Change; except?: ReadonlySet<string>; before?: number } = {},
): Fills {
  item.lapses.advance(now);
  const free = placesWithUnits(item, locations, change);
  if (!waiting || free.length === 0) return NO_FILLS;
  const fills: Fill[] = [];
  for (const { promise, stint } of oldestFirst(waiting, now)) {
    if (free.length === 0 || (before !== undefined && stint.since >= before)) break;
    if (except?.has(promise)) continue;
    const places = takeUnits(free, stint);
    if (places.length === 0) continue;
    if (fills.length === FILLS_MAX) return { fills, rest: true };
    fills.push({ sku: item.sku, promise, stint, places });
  }
  return { fills, rest: false };
}

interface FreeUnits {
  readonly location: string;
  quantity: number;
}

function placesWithUnits(item: Item, locations: Locations, change: Change): FreeUnits[] {
  const found: (FreeUnits & { place: Location })[] = [];
  for (const location of new Set([...item.levels.keys(), ...change.free.keys()])) {
    const quantity = freeWith(item, location, locations, change);
    const place = locations.get(location);
    if (place && quantity > 0) found.push({ location, quantity, place });
  }
  return found.sort((a, b) => byRank(a.place, b.place));
}

/** Promises that wait, in the order in which they were made. Most were added in that order, so that sorting is rare. */
function oldestFirst({ promises }: Waiting, now: number): { promise: string; stint: Stint }[] {
  const found: { promise: string; stint: Stint }[] = [];
  let sorted = true;
  for (const [promise, { until, stints }] of promises) {
    if (until !== undefined && until <= now) continue;
    for (const stint of stints) {
      sorted &&= stint.since >= (found.at(-1)?.stint.since ?? 0);
      found.push({ promise, stint });
    }
  }
  return sorted ? found : found.sort((a, b) => a.stint.since - b.stint.since);
}

/** Takes what a promise needs from the free units; places left with none go. */
function takeUnits(free: FreeUnits[], { units, bound }: Stint): Place[] {
  const taken: Place[] = [];
  let need = units;
  for (const place of [...free]) {
    if (need === 0 || (bound !== undefined && place.location !== bound)) continue;
    const quantity = Math.min(need, place.quantity);
    taken.push({ location: place.location, quantity });
    need -= quantity;
    place.quantity -= quantity;
    if (place.quantity === 0) free.splice(free.indexOf(place), 1);
  }
  return taken;
}

/** Looks at an item, or a bundle, again; what follows is what follows from every decision. */
export function settle({ sku }: SettleItem, world: World, { now }: { readonly now: number }): Decision<InventoryEvent, null> {
  const waiting = findWaiting(world, sku);
  if (waiting?.due === undefined) return accepted([], null);
  return accepted([{ type: 'inventory.item.settled', key: itemKey(sku), time: now, data: { sku } }], null);
}

/** The facts that meet waiting promises of any items, with the records as they then are. */
export function fillFacts(plans: readonly Fills[], world: World, now: number): InventoryEvent[] {
  if (plans.length === 0) return [];
  const holds = new Map<string, FilledHold>();
  const orders = new Map<string, Order>();
  const facts: InventoryEvent[] = [];
  for (const { fills, rest } of plans) {
    for (const [index, fill] of fills.entries()) {
      const more = rest && index === fills.length - 1 ? 1 : undefined;
      const fact = fill.promise.startsWith('o/') ? placeForOrder(fill, orders, world, now, more) : fillHold(fill, holds, world, now, more);
      if (fact) facts.push(fact);
    }
  }
  for (const { before, after, facts: changed } of holds.values()) facts.push(...withRecord(changed, after, world, now, before).slice(changed.length));
  for (const order of orders.values()) facts.push(recordOrder(order, now));
  return facts;
}

/** A hold on its way through one decision. */
interface FilledHold {
  readonly before: Reservation;
  after: Reservation;
  readonly facts: HoldEvent[];
}

/** A hold's share changes: fewer units of it are at no place. */
function fillHold(fill: Fill, holds: Map<string, FilledHold>, world: World, now: number, more: 1 | undefined): HoldEvent | undefined {
  const id = fill.promise.slice(2);
  const known = holds.get(id);
  const record = known?.after ?? findReservation(world, id);
  if (!record) return undefined; // not at hand yet: the decision is made again when it is
  touched(record, world);
  const lines = placeInLines(record.lines, fill);
  const after: Reservation = { ...record, lines, version: (known?.before ?? record).version + 1 };
  const previous = shareOf(record, fill.sku);
  const share = shareOf(after, fill.sku);
  if (!previous || !share) return undefined;
  const fact = holdFact('inventory.reservation.changed', after, share, now, { previous: { ...previous, expiresAt: record.expiresAt }, requested: lines.length === 1 ? lines[0]?.requested : undefined, more });
  if (known) {
    known.after = after;
    known.facts.push(fact);
  } else holds.set(id, { before: record, after, facts: [fact] });
  return fact;
}

function shareOf(record: Reservation, sku: string): ReturnType<typeof sharesOf>[number] | undefined {
  return sharesOf(record.lines).find((share) => share.sku === sku);
}

/** Puts units at their places on the lines that wait for them: on those bound to the same place where there are such. */
function placeInLines(lines: readonly ReservationLine[], { sku, stint, places }: Fill): ReservationLine[] {
  const fits = (line: ReservationLine): boolean => waitingUnits(line, sku) > 0;
  const after = [...lines];
  for (const { location, quantity } of places) {
    for (let rest = quantity; rest > 0; ) {
      const exact = after.findIndex((line) => fits(line) && line.location === stint.bound);
      const index = exact >= 0 ? exact : after.findIndex(fits);
      const line = after[index];
      if (!line) break;
      const units = Math.min(rest, waitingUnits(line, sku));
      after[index] = settled(placeUnits(line, { sku, location, quantity: units }));
      rest -= units;
    }
  }
  return after;
}

interface PlacedLine {
  readonly sku: string;
  readonly backordered: number;
  readonly allocations: readonly Allocation[];
  readonly components?: readonly LinePart[] | undefined;
}

/** Units of an item that a line waits for, itself or as a part of its bundle. */
function waitingUnits(line: PlacedLine, sku: string): number {
  if (!line.components) return line.sku === sku ? line.backordered : 0;
  return line.components.find((component) => component.sku === sku)?.backordered ?? 0;
}

function placeUnits<Line extends PlacedLine>(line: Line, units: Allocation): Line {
  const allocations = plusAt(line.allocations, units);
  if (!line.components) return { ...line, backordered: line.backordered - units.quantity, allocations };
  const components = line.components.map((component) => (component.sku === units.sku ? { ...component, backordered: component.backordered - units.quantity } : component));
  return { ...line, components, backordered: incomplete(components), allocations };
}

/** Puts units at their places on the lines of an order that wait for them, one after another. */
function placeInOrder(lines: readonly OrderLine[], sku: string, places: readonly Place[]): OrderLine[] {
  const after = [...lines];
  for (const { location, quantity } of places) {
    let rest = quantity;
    for (const [index, line] of after.entries()) {
      const units = Math.min(rest, waitingUnits(line, sku));
      if (units > 0) after[index] = placeUnits(line, { sku, location, quantity: units });
      rest -= units;
    }
  }
  return after;
}

function placeForOrder({ sku, promise, stint, places }: Fill, orders: Map<string, Order>, world: World, now: number, more: 1 | undefined): InventoryEvent | undefined {
  const orderId = promise.slice(2);
  const begun = orders.get(orderId);
  const order = begun ?? findOrder(world, orderId);
  if (!order) return undefined; // not at hand yet: the decision is made again when it is
  const quantity = places.reduce((sum, place) => sum + place.quantity, 0);
  const lines = placeInOrder(order.lines, sku, places);
  orders.set(orderId, { ...order, version: begun ? order.version : order.version + 1, lines });
  const only = places.length === 1 && places[0] ? { location: places[0].location } : undefined;
  const which = { since: stint.since, ...(stint.bound === undefined ? undefined : { bound: stint.bound }) };
  return { type: 'inventory.allocation.placed', key: itemKey(sku), time: now, data: { orderId, ...only, quantity, allocations: places, ...which, ...(more === undefined ? undefined : { more }) } };
}

function plusAt(allocations: readonly Allocation[], more: Allocation): readonly Allocation[] {
  const index = allocations.findIndex(({ sku, location }) => sku === more.sku && location === more.location);
  const known = allocations[index];
  return known ? allocations.with(index, { ...known, quantity: known.quantity + more.quantity }) : [...allocations, more];
}
