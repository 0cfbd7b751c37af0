import { accepted, refused, type Decision, type Refusal } from '../../base/decision.ts';
import type { JsonObject } from '../../base/json.ts';
import { freeAt } from './availability.ts';
import { isBundle } from './bundles.ts';
import type { CancelOrder, ConfirmReservation, FulfilOrder, QuantityLine, ShipmentLine, UnfulfilOrder } from './commands.ts';
import type { ChannelUnits, CustomerUnits, InventoryEvent, Place } from './events.ts';
import { notHeld, releasedFacts, unknownReservation, type Context } from './holds.ts';
import { itemKey, logOfKey, reservationKey } from './keys.ts';
import { holdFact, recordOrder, touched, withRecord } from './records.ts';
import { orderView, reservationView, type ReservationView } from './resources.ts';
import { findCustomer, findItem, findOrder, findReservation, locationsBeside, type Allocation, type Item, type LinePart, type Order, type OrderLine, type Reservation, type World } from './state.ts';
import { closeLine, cut, incomplete, openLine, placeOf, sharesOf, splitOff, type Excess } from './units.ts';

/** Checkout: the hold becomes an order's allocation, at once the goods leave where `fulfil` says so; what is not confirmed is free again. */
export function confirm(command: ConfirmReservation, world: World, context: Context): Decision<InventoryEvent, ReservationView> {
  const { now } = context;
  const record = findReservation(world, command.id);
  const refusal = notHeld(record, command.id, now);
  if (!record || refusal) return { ok: false, refusal: refusal ?? unknownReservation(command.id) };
  const parts = partition(touched(record, world), command.lines);
  if ('excess' in parts) return refused('conflict', 'exceeds-reserved', 'More was asked to be confirmed than is held.', { lines: parts.excess });
  const home = logOfKey(reservationKey(record.id), world.partitions);
  const orderId = command.orderId ?? context.ids.next('ord', now, home);
  const before = command.orderId === undefined ? undefined : findOrder(world, orderId);
  const after: Reservation = { ...record, status: 'confirmed', orderId, lines: parts.confirmed, version: record.version + (parts.left.length > 0 ? 2 : 1) };
  const facts = [
    ...releasedFacts(record, parts.left, now),
    ...sharesOf(parts.confirmed).map((share) => holdFact('inventory.reservation.confirmed', record, share, now, { orderId })),
  ];
  const events = withRecord(facts, after, world, now, record);
  const order = addToOrder(before, orderId, after);
  if (typeof order === 'string') return refused('conflict', 'in-use', `Order ${orderId} has bundle ${order} as it was made before. Confirm onto another order.`);
  if (command.fulfil !== true) return accepted([...events, recordOrder(order, now)], reservationView(after, now));
  const shipped = shipAll(order, parts.confirmed, world, now);
  if ('short' in shipped) return insufficientOnHand(shipped.short);
  return accepted([...events, ...shipped.facts, recordOrder({ ...shipped.order, version: order.version }, now)], reservationView(after, now));
}

/** The lines to confirm and those left over: units at no place are left over first, then those at the place chosen last. */
function partition(record: Reservation, wanted: readonly QuantityLine[] | undefined): { confirmed: Reservation['lines']; left: Reservation['lines'] } | { excess: Excess[] } {
  if (!wanted) return { confirmed: record.lines, left: [] };
  const whole = splitOff(record.lines, wanted);
  if ('excess' in whole) return whole;
  const rest = new Map<string, number>();
  for (const line of record.lines) rest.set(line.sku, (rest.get(line.sku) ?? 0) + line.quantity);
  for (const { sku, quantity } of wanted) rest.set(sku, (rest.get(sku) ?? 0) - quantity);
  const parts = splitOff(record.lines, [...rest].map(([sku, quantity]) => ({ sku, quantity })));
  return 'excess' in parts ? parts : { confirmed: parts.kept, left: parts.split };
}

/** The order with what was confirmed; a bundle's SKU where the order has it made of other components. */
function addToOrder(before: Order | undefined, orderId: string, confirmed: Reservation): Order | string {
  const lines: OrderLine[] = [...(before?.lines ?? [])];
  for (const line of confirmed.lines) {
    const index = lines.findIndex((other) => other.sku === line.sku);
    const known: OrderLine = lines[index] ?? { sku: line.sku, quantity: 0, backordered: 0, fulfilled: 0, cancelled: 0, allocations: [], ...(line.components && { components: line.components.map(({ sku, quantity }) => ({ sku, quantity, backordered: 0 })) }), shipped: [] };
    if (!isMadeAlike(known, line)) return line.sku;
    const components = known.components?.map((component, at) => addComponent(component, line.components?.[at], line.quantity));
    const grown = {
      ...known,
      quantity: known.quantity + line.quantity,
      backordered: components ? incomplete(components) : known.backordered + line.backordered,
      allocations: plus(known.allocations, line.allocations),
      ...(components && { components }),
      ...(line.preorderChannel === undefined ? undefined : { preordered: [...(known.preordered ?? []), { channel: line.preorderChannel, quantity: line.quantity }] }),
      ...(confirmed.customerId === undefined ? undefined : { customers: [...(known.customers ?? []), { customerId: confirmed.customerId, quantity: line.quantity }] }),
    };
    if (index < 0) lines.push(grown);
    else lines[index] = grown;
  }
  return { orderId, version: (before?.version ?? 0) + 1, lines };
}

function isMadeAlike({ components: some = [] }: OrderLine, { components: others = [] }: Reservation['lines'][number]): boolean {
  return some.length === others.length && some.every(({ sku, quantity }, index) => sku === others[index]?.sku && quantity === others[index]?.quantity);
}

function addComponent(known: LinePart, more: LinePart | undefined, bundles: number): LinePart {
  const through = more?.preorderChannel;
  return {
    ...known,
    backordered: known.backordered + (more?.backordered ?? 0),
    ...(through === undefined ? undefined : { preordered: [...(known.preordered ?? []), { channel: through, quantity: bundles * known.quantity }] }),
  };
}

/** Ships the order's own units first, then free ones at that place, and never what is promised to others. */
export function fulfil(command: FulfilOrder, world: World, { now }: Context): Decision<InventoryEvent, JsonObject> {
  const order = findOrder(world, command.orderId);
  if (!order) return refused('not-found', 'unknown-order', `There is no order ${command.orderId}.`);
  const excess = excessOver(order, command.lines, (line) => line.quantity);
  if (excess.length > 0) return refused('conflict', 'exceeds-allocated', 'More was asked for than is outstanding.', { lines: excess });
  const shipped = ship(order, command.lines, world, now);
  if ('short' in shipped) return insufficientOnHand(shipped.short);
  return accepted([...shipped.facts, recordOrder(shipped.order, now)], orderView(shipped.order));
}

type Short = {
  readonly sku: string;
  readonly location?: string;
  readonly requested: number;
  readonly available: number;
};

function insufficientOnHand(short: readonly Short[]): { ok: false; refusal: ReturnType<typeof refused>['refusal'] } {
  return refused('conflict', 'insufficient-on-hand', 'There are not enough units on hand that this order may take.', { lines: short });
}

function shipAll(order: Order, lines: Reservation['lines'], world: World, now: number): ReturnType<typeof ship> {
  const wanted = lines.flatMap((line): ShipmentLine[] => line.components ? wholeBundles(line, world) : [
    ...line.allocations.map(({ sku, location, quantity }) => ({ sku, quantity, location })),
    ...(line.backordered > 0 && findItem(world, line.sku)?.definition?.tracked === false ? [{ sku: line.sku, quantity: line.backordered }] : []),
  ]);
  return ship(order, wanted, world, now, 'beforeAllocated');
}

/** The bundles of a line that no part is missing of, parts aside that nobody counts. */
function wholeBundles({ sku, quantity, components = [] }: Reservation['lines'][number], world: World): ShipmentLine[] {
  const counted = components.filter((component) => findItem(world, component.sku)?.definition?.tracked !== false);
  const whole = Math.min(quantity, ...counted.map((component) => Math.floor((quantity * component.quantity - component.backordered) / component.quantity)));
  return whole > 0 ? [{ sku, quantity: whole }] : [];
}

/**
 * Plans a shipment line by line. `onHand` keeps what earlier lines of the same request left at each place.
 * `beforeAllocated`: the units are still reserved in the item's sums, because the confirming fact comes in this commit.
 */
function ship(
  order: Order,
  wanted: readonly ShipmentLine[],
  world: World,
  now: number,
  when: 'allocated' | 'beforeAllocated' = 'allocated',
): { order: Order; facts: InventoryEvent[] } | { short: Short[] } {
  const used = new Map<string, { onHand: number; free: number }>();
  const lines = [...order.lines];
  const facts: InventoryEvent[] = [];
  const short: Short[] = [];
  for (const request of wanted) {
    const index = lines.findIndex((line) => line.sku === request.sku);
    const line = lines[index];
    if (!line) continue; // refused before as exceeding what is allocated
    const shipping = { world, now, used, when };
    const parts = line.components ? shipBundle(order.orderId, line, request, shipping) : shipLine(order.orderId, line, request, shipping);
    if ('short' in parts) short.push(parts.short);
    else {
      lines[index] = parts.line;
      facts.push(...parts.facts);
    }
  }
  return short.length > 0 ? { short } : { order: { ...order, version: order.version + 1, lines }, facts };
}

interface Shipping {
  readonly world: World;
  readonly now: number;
  readonly when: 'allocated' | 'beforeAllocated';
  /** What earlier lines took, by item and place. */
  readonly used: Map<string, { onHand: number; free: number }>;
}

function shipLine(orderId: string, line: OrderLine, request: ShipmentLine, shipping: Shipping): { line: OrderLine; facts: InventoryEvent[] } | { short: Short } {
  const item = findItem(shipping.world, line.sku) ?? undefined;
  const locations = locationsBeside(shipping.world, itemKey(line.sku));
  const places = request.location === undefined ? placesToShipFrom(line, item, locations) : [request.location];
  let after = line;
  let rest = request.quantity;
  const facts: InventoryEvent[] = [];
  for (const location of places) {
    if (rest === 0 || !item) break;
    const key = `${line.sku}/${location}`;
    const used = shipping.used.get(key) ?? { onHand: 0, free: 0 };
    const onHand = (item.levels.get(location)?.onHand ?? 0) - used.onHand;
    const own = Math.min(rest, onHand, ownAt(after, location));
    const spare = shipping.when === 'allocated' ? Math.max(0, freeAt(item, location, locations, shipping.now) - used.free) : 0;
    const extra = Math.min(rest - own, onHand - own, spare);
    if (own + extra <= 0) continue;
    const taken = takeFrom(after, location, own, extra);
    shipping.used.set(key, { onHand: used.onHand + own + extra, free: used.free + extra });
    facts.push({
      type: 'inventory.allocation.fulfilled',
      key: itemKey(line.sku),
      time: shipping.now,
      data: { orderId, location, quantity: own + extra, onHand: onHand - own - extra, freed: taken.freed, backordered: taken.backordered },
    });
    after = taken.line;
    rest -= own + extra;
  }
  if (rest === 0) return { line: after, facts };
  if (item?.definition?.tracked === false) return shipUncounted(orderId, after, request.location ?? 'main', rest, shipping.now, facts);
  const where = request.location === undefined ? undefined : { location: request.location };
  return { short: { sku: line.sku, ...where, requested: request.quantity, available: request.quantity - rest } };
}

/** Ships all parts of so many bundles, or says how many bundles there are parts for. */
function shipBundle(orderId: string, line: OrderLine, request: ShipmentLine, shipping: Shipping): { line: OrderLine; facts: InventoryEvent[] } | { short: Short } {
  const facts: InventoryEvent[] = [];
  const parts: OrderLine[] = [];
  let available = request.quantity;
  for (const [index, part] of openOrderLine(line).entries()) {
    const each = line.components?.[index]?.quantity ?? 1;
    const shipped = shipLine(orderId, part, { ...request, sku: part.sku, quantity: request.quantity * each }, shipping);
    if ('short' in shipped) available = Math.min(available, Math.floor(shipped.short.available / each));
    else {
      parts.push(shipped.line);
      facts.push(...shipped.facts);
    }
  }
  const where = request.location === undefined ? undefined : { location: request.location };
  if (parts.length < (line.components?.length ?? 0)) return { short: { sku: line.sku, ...where, requested: request.quantity, available } };
  const after = closeLine(line, line.quantity - request.quantity, parts);
  return { line: { ...after, fulfilled: line.fulfilled + request.quantity, shipped: parts.flatMap(({ shipped }) => shipped) }, facts };
}

/** A bundle's line as lines of its parts. */
function openOrderLine(line: OrderLine): OrderLine[] {
  return openLine(line).map(({ sku, quantity, backordered, allocations }, index) => ({
    sku, quantity, backordered, allocations,
    fulfilled: line.fulfilled * (line.components?.[index]?.quantity ?? 1),
    cancelled: 0,
    shipped: line.shipped.filter((place) => place.sku === sku),
  }));
}

/** Units of an item that is not tracked leave without having been on hand. */
function shipUncounted(orderId: string, line: OrderLine, location: string, quantity: number, now: number, facts: InventoryEvent[]): { line: OrderLine; facts: InventoryEvent[] } {
  const { kept, split } = cut(line, quantity);
  const freed = split.allocations.map(placeOf);
  const fact: InventoryEvent = {
    type: 'inventory.allocation.fulfilled',
    key: itemKey(line.sku),
    time: now,
    data: { orderId, location, quantity, onHand: 0, uncounted: 1, freed, backordered: split.backordered },
  };
  return { line: { ...kept, fulfilled: line.fulfilled + quantity, shipped: line.shipped }, facts: [...facts, fact] };
}

function placesToShipFrom(line: OrderLine, item: Pick<Item, 'levels'> | undefined, locations: ReadonlyMap<string, { active: boolean }>): string[] {
  const own = line.allocations.map((allocation) => allocation.location);
  const others = [...(item?.levels.keys() ?? [])].filter((id) => locations.get(id)?.active === true && !own.includes(id));
  return [...own, ...others];
}

function ownAt(line: OrderLine, location: string): number {
  return line.allocations.find((allocation) => allocation.location === location)?.quantity ?? 0;
}

/** Takes own units at a place, and free ones there in exchange for a promise that the order has elsewhere. */
function takeFrom(line: OrderLine, location: string, own: number, extra: number): { line: OrderLine; freed: Place[]; backordered: number } {
  const there = minus(line.allocations, location, own);
  const exchanged = cut({ ...line, quantity: line.quantity - own, allocations: there }, extra);
  const freed: Place[] = exchanged.split.allocations.map(placeOf);
  if (own > 0) freed.unshift({ location, quantity: own });
  return {
    line: {
      ...line,
      quantity: line.quantity - own - extra,
      backordered: exchanged.kept.backordered,
      fulfilled: line.fulfilled + own + extra,
      allocations: exchanged.kept.allocations,
      shipped: plus(line.shipped, [{ sku: line.sku, location, quantity: own + extra }]),
    },
    freed: mergePlaces(freed),
    backordered: exchanged.split.backordered,
  };
}

/** Undoes a shipment: the units are on hand again and still the order's. The newest shipment is undone first. */
export function unfulfil(command: UnfulfilOrder, world: World, { now }: Context): Decision<InventoryEvent, JsonObject> {
  const order = findOrder(world, command.orderId);
  if (!order) return refused('not-found', 'unknown-order', `There is no order ${command.orderId}.`);
  const excess = excessOver(order, command.lines, (line) => line.fulfilled);
  if (excess.length > 0) return refused('conflict', 'exceeds-fulfilled', 'More was asked to be undone than was shipped.', { lines: excess });
  const lines = [...order.lines];
  const facts: InventoryEvent[] = [];
  /** On hand after the lines so far, by item and place. */
  const back = new Map<string, number>();
  for (const request of command.lines) {
    const index = lines.findIndex((line) => line.sku === request.sku);
    const line = lines[index] as OrderLine; // an unknown item was refused as excess
    const undone = line.components ? undoBundle(line, request, order.orderId, back, world, now) : undoLine(line, request, order.orderId, back, world, now);
    if ('refusal' in undone) return { ok: false, refusal: undone.refusal };
    facts.push(...undone.facts);
    lines[index] = undone.line;
  }
  const after = { ...order, version: order.version + 1, lines };
  return accepted([...facts, recordOrder(after, now)], orderView(after));
}

/** Units come back to an item and are the order's again. `back`: on hand after what came back so far, by item and place. */
function undoLine(line: OrderLine, request: ShipmentLine, orderId: string, back: Map<string, number>, world: World, now: number): { line: OrderLine; facts: InventoryEvent[] } | { refusal: Refusal } {
  const facts: InventoryEvent[] = [];
  const item = findItem(world, line.sku);
  if (!item) return refused('invalid', 'unknown-item', `Item ${line.sku} was removed; nothing can come back to it.`);
  if (isBundle(item.definition)) return refused('invalid', 'invalid-request', `Item ${line.sku} has become a bundle, which has no stock; nothing can come back to it.`);
  const locations = locationsBeside(world, itemKey(line.sku));
  const undone = undo(line, request);
  if (!undone) {
    const there = line.shipped.find((place) => place.location === request.location)?.quantity ?? 0;
    return refused('conflict', 'exceeds-fulfilled', 'More was asked to be undone than was shipped from there.', { lines: [{ sku: line.sku, requested: request.quantity, available: there }] });
  }
  for (const { location, quantity } of undone.restored) {
    if (!locations.has(location)) return refused('invalid', 'unknown-location', `Location ${location} was removed; nothing can come back to it.`);
    const before = back.get(`${line.sku}/${location}`) ?? item.levels.get(location)?.onHand ?? 0;
    const onHand = before + quantity;
    back.set(`${line.sku}/${location}`, onHand);
    facts.push({ type: 'inventory.allocation.restored', key: itemKey(line.sku), time: now, data: { orderId: orderId, location, quantity, onHand } });
  }
  if (undone.uncounted > 0) {
    facts.push({ type: 'inventory.allocation.restored', key: itemKey(line.sku), time: now, data: { orderId: orderId, location: request.location ?? 'main', quantity: undone.uncounted, onHand: 0, uncounted: 1 } });
  }
  return { line: undone.line, facts };
}

/** The parts of so many bundles come back. */
function undoBundle(line: OrderLine, request: ShipmentLine, orderId: string, back: Map<string, number>, world: World, now: number): ReturnType<typeof undoLine> {
  const facts: InventoryEvent[] = [];
  const parts: OrderLine[] = [];
  for (const [index, part] of openOrderLine(line).entries()) {
    const undone = undoLine(part, { ...request, sku: part.sku, quantity: request.quantity * (line.components?.[index]?.quantity ?? 1) }, orderId, back, world, now);
    if ('refusal' in undone) return undone;
    parts.push(undone.line);
    facts.push(...undone.facts);
  }
  const after = closeLine(line, line.quantity + request.quantity, parts);
  return { line: { ...after, fulfilled: line.fulfilled - request.quantity, shipped: parts.flatMap(({ shipped }) => shipped) }, facts };
}

/** What left without having been on hand comes back as a promise of units that are nowhere, after all else has come back. */
function undo(line: OrderLine, request: ShipmentLine): { line: OrderLine; restored: Place[]; uncounted: number } | undefined {
  const from = request.location === undefined ? line.shipped : line.shipped.filter((place) => place.location === request.location);
  const there = unitsAt(from);
  const uncounted = Math.max(0, request.quantity - there);
  if (uncounted > (request.location === undefined ? line.fulfilled - unitsAt(line.shipped) : 0)) return undefined;
  const { split } = cut({ sku: line.sku, quantity: there, backordered: 0, allocations: from }, request.quantity - uncounted);
  let shipped = line.shipped;
  for (const { location, quantity } of split.allocations) shipped = minus(shipped, location, quantity);
  return {
    line: {
      ...line,
      quantity: line.quantity + request.quantity,
      backordered: line.backordered + uncounted,
      fulfilled: line.fulfilled - request.quantity,
      allocations: plus(line.allocations, split.allocations),
      shipped,
    },
    restored: split.allocations.map(placeOf),
    uncounted,
  };
}

function unitsAt(places: readonly Place[]): number {
  return places.reduce((sum, place) => sum + place.quantity, 0);
}

/** Gives up what is outstanding of an order, or some of it. */
export function cancel(command: CancelOrder, world: World, { now }: Context): Decision<InventoryEvent, JsonObject> {
  const order = findOrder(world, command.orderId);
  if (!order) return refused('not-found', 'unknown-order', `There is no order ${command.orderId}.`);
  const wanted = command.lines ?? order.lines.map(({ sku, quantity }) => ({ sku, quantity }));
  const split = splitOff(order.lines, wanted);
  if ('excess' in split) return refused('conflict', 'exceeds-allocated', 'More was asked to be cancelled than is outstanding.', { lines: split.excess });
  if (split.split.length === 0) return accepted([], orderView(order));
  const freed = freedBy(order, split.split);
  const facts = sharesOf(split.split).map(({ sku, quantity, backordered, allocations }): InventoryEvent => {
    findItem(world, sku);
    const customers = freed.customers.filter((units) => units.sku === sku).map(({ customerId, quantity: units }) => ({ customerId, quantity: units }));
    const preordered = freed.preordered.filter((units) => units.sku === sku).map(({ channel, quantity: units }) => ({ channel, quantity: units }));
    for (const { customerId } of customers) findCustomer(world, sku, customerId);
    const only = allocations.length === 1 && allocations[0] ? { location: allocations[0].location } : undefined;
    return { type: 'inventory.allocation.cancelled', key: itemKey(sku), time: now, data: { orderId: order.orderId, ...only, quantity, backordered, allocations, ...(customers.length === 0 ? undefined : { customers }), ...(preordered.length === 0 ? undefined : { preordered }) } };
  });
  const lines = order.lines.map((line) => {
    const cancelled = split.split.find((other) => other.sku === line.sku)?.quantity ?? 0;
    const kept = split.kept.find((other) => other.sku === line.sku) ?? { ...line, quantity: 0, backordered: 0, allocations: [], ...(line.components && { components: line.components.map((part) => ({ ...part, backordered: 0 })) }) };
    const customers = line.customers && { customers: takeNewest(line.customers, cancelled).kept };
    const preordered = line.preordered && { preordered: takeNewest(line.preordered, cancelled).kept };
    const components = kept.components && { components: kept.components.map((part) => (part.preordered ? { ...part, preordered: takeNewest(part.preordered, cancelled * part.quantity).kept } : part)) };
    return { ...kept, ...components, ...customers, ...preordered, cancelled: line.cancelled + cancelled };
  });
  const after = { ...order, version: order.version + 1, lines };
  return accepted([...facts, recordOrder(after, now)], orderView(after));
}

/** What no longer counts against customers and channels where some units of an order's lines are given up, by item. */
function freedBy(order: Order, given: readonly OrderLine[]): { customers: (CustomerUnits & { sku: string })[]; preordered: (ChannelUnits & { sku: string })[] } {
  const customers: (CustomerUnits & { sku: string })[] = [];
  const preordered: (ChannelUnits & { sku: string })[] = [];
  for (const { sku, quantity } of given) {
    const line = order.lines.find((other) => other.sku === sku);
    for (const part of line?.components ?? [{ sku, quantity: 1, preordered: line?.preordered }]) {
      for (const units of takeNewest(line?.customers ?? [], quantity).freed) customers.push({ ...units, sku: part.sku, quantity: units.quantity * part.quantity });
      for (const units of takeNewest(part.preordered ?? [], quantity * part.quantity).freed) preordered.push({ ...units, sku: part.sku });
    }
  }
  return { customers, preordered };
}

/** Units that no longer count against those who came last, customers or channels; those that count against nobody are given up after them. */
function takeNewest<Counted extends { readonly quantity: number }>(counted: readonly Counted[], quantity: number): { kept: Counted[]; freed: Counted[] } {
  const kept: Counted[] = [];
  const freed: Counted[] = [];
  let left = quantity;
  for (const one of counted.toReversed()) {
    const taken = Math.min(one.quantity, left);
    left -= taken;
    if (taken > 0) freed.push({ ...one, quantity: taken });
    if (taken < one.quantity) kept.unshift({ ...one, quantity: one.quantity - taken });
  }
  return { kept, freed };
}

function excessOver(order: Order, wanted: readonly ShipmentLine[], limit: (line: OrderLine) => number): { sku: string; requested: number; available: number }[] {
  const sums = new Map<string, number>();
  for (const { sku, quantity } of wanted) sums.set(sku, (sums.get(sku) ?? 0) + quantity);
  return [...sums].flatMap(([sku, requested]) => {
    const line = order.lines.find((other) => other.sku === sku);
    const available = line ? limit(line) : 0;
    return requested > available ? [{ sku, requested, available }] : [];
  });
}

function plus(to: readonly Allocation[], more: readonly Allocation[]): Allocation[] {
  const sum = [...to];
  for (const { sku, location, quantity } of more) {
    const index = sum.findIndex((allocation) => allocation.sku === sku && allocation.location === location);
    const known = sum[index];
    if (known) sum[index] = { ...known, quantity: known.quantity + quantity };
    else sum.push({ sku, location, quantity });
  }
  return sum;
}

function minus(from: readonly Allocation[], location: string, quantity: number): Allocation[] {
  return from.map((allocation) => (allocation.location === location ? { ...allocation, quantity: allocation.quantity - quantity } : allocation)).filter((allocation) => allocation.quantity > 0);
}

function mergePlaces(places: readonly Place[]): Place[] {
  const merged = new Map<string, number>();
  for (const { location, quantity } of places) merged.set(location, (merged.get(location) ?? 0) + quantity);
  return [...merged].map(([location, quantity]) => ({ location, quantity }));
}
