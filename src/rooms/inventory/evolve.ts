import { assert, must } from '../../base/assert.ts';
import { instantOfId } from '../../base/ids.ts';
import { isBundle } from './bundles.ts';
import type { ItemDefinition } from './commands.ts';
import type { Exceeded, HoldEvent, InventoryEvent, LevelBucket, Place, Share } from './events.ts';
import { cartKey, customerKey, itemKey, orderKey, reservationKey, transferKey, waitingKey } from './keys.ts';
import { IMPORT_REFUSALS_MAX } from './limits.ts';
import { Lapses } from './lapses.ts';
import { NEVER } from './never.ts';
import { emptyItem, exceededFor, levelAt, MAIN, shared, type CustomerShare, type ImportRecord, type Item, type Locations, type Preordered, type Reservation, type Tally, type Waiting } from './state.ts';
import { tallied } from './tally.ts';
import { settled } from './units.ts';
import { concernsWaiting, evolveWaiting, nobodyWaits } from './waiting.ts';

/** The states of one log while a fact is folded into them. Reading a state that is not at hand is a bug of the caller. */
export interface States {
  get(key: string): unknown;
  /** undefined removes the state. */
  set(key: string, state: unknown): void;
}

/** The keys of the states that a fact folds into: what must be at hand before {@link evolve}. */
export function keysOf(event: InventoryEvent): string[] {
  switch (event.type) {
    case 'inventory.reservation.held':
    case 'inventory.reservation.changed':
    case 'inventory.reservation.extended':
    case 'inventory.reservation.released':
    case 'inventory.reservation.expired':
    case 'inventory.reservation.confirmed': {
      const { solo, reservationId, customerId } = event.data;
      const keys = [event.key];
      if (solo === 1) keys.push(reservationKey(reservationId));
      if (customerId !== undefined) keys.push(customerKey(skuOf(event.key), customerId));
      if (concernsWaiting(event)) keys.push(waitingKey(skuOf(event.key)));
      return keys;
    }
    case 'inventory.allocation.cancelled':
      return [event.key, ...(event.data.customers ?? []).map(({ customerId }) => customerKey(skuOf(event.key), customerId)), ...waitingKeysOf(event)];
    case 'inventory.allocation.fulfilled':
    case 'inventory.allocation.restored':
    case 'inventory.allocation.placed':
    case 'inventory.item.settled':
      return [event.key, ...waitingKeysOf(event)];
    default:
      return [event.key];
  }
}

function waitingKeysOf(event: InventoryEvent): string[] {
  return concernsWaiting(event) ? [waitingKey(skuOf(event.key))] : [];
}

/** Reservations that follow from the one fact that made them: their ids were drawn for it. */
export const births = {
  evolveApart,
  keyOf: (event: InventoryEvent): string | undefined => (isBirth(event) ? reservationKey(event.data.reservationId) : undefined),
  stateOf: (event: InventoryEvent): Reservation => {
    assert(isBirth(event), `${event.type} makes no reservation`);
    return soloRecord(event, skuOf(event.key));
  },
  dueOf: (event: InventoryEvent): number | null => (isBirth(event) && event.data.expiresAt !== NEVER ? event.data.expiresAt : null),
  instantOf: (key: string): number | undefined => (key[0] === 'r' ? instantOfId(key) : undefined),
};

const isBirth = (event: InventoryEvent): event is Extract<HoldEvent, { type: 'inventory.reservation.held' }> => event.type === 'inventory.reservation.held' && event.data.solo === 1;

/** Folds one fact into the states of its log. Facts say what they change completely, so no fact needs another log's state. */
export function evolve(event: InventoryEvent, states: States): void {
  evolveApart(event, states);
  if (isBirth(event)) states.set(reservationKey(event.data.reservationId), soloRecord(event, skuOf(event.key)));
}

/** The same without the reservation that the fact makes by itself. */
function evolveApart(event: InventoryEvent, states: States): void {
  switch (event.type) {
    case 'inventory.reservation.recorded':
      return states.set(reservationKey(event.data.reservation.id), event.data.reservation);
    case 'inventory.order.recorded':
      return states.set(orderKey(event.data.order.orderId), event.data.order);
    case 'inventory.holder.tallied':
      return states.set(event.key, tallied(states.get(event.key) as Tally | undefined, event.data, event.time)); // under `h/` keys there are tallies only
    case 'inventory.transfer.recorded':
      return states.set(transferKey(event.data.transfer.id), event.data.transfer);
    case 'inventory.cart.bound': {
      const { cartId, reservations } = event.data;
      return states.set(cartKey(cartId), reservations.length === 0 ? undefined : { cartId, reservations });
    }
    case 'inventory.import.advanced':
      return states.set(event.key, evolveImport(event, states.get(event.key) as ImportRecord | undefined)); // the key is an import's
    case 'inventory.location.defined':
    case 'inventory.location.removed':
      return states.set(event.key, evolveLocations(event, states.get(event.key) as Locations | undefined)); // the key is a log's locations
    default:
      evolveItem(event, states);
      if (concernsWaiting(event)) evolveWaitingOf(event, states);
  }
}

function evolveWaitingOf(event: Parameters<typeof evolveWaiting>[0], states: States): void {
  const key = waitingKey(skuOf(event.key));
  const waiting = (states.get(key) as Waiting | undefined) ?? nobodyWaits(); // under `w/` keys there is what waits only
  evolveWaiting(event, waiting, (states.get(event.key) as Item).version); // the fact was folded into its item just before
  states.set(key, waiting.promises.size === 0 ? undefined : waiting);
}

/** A fact about an item. */
export type ItemEvent = Exclude<InventoryEvent, { type: `inventory.${'reservation.recorded' | 'order.recorded' | 'import.advanced' | 'transfer.recorded' | 'holder.tallied' | 'cart.bound' | 'location.defined' | 'location.removed'}` }>;

function evolveItem(event: ItemEvent, states: States): void {
  evolveItemAlone(event, itemOf(event.key, states));
  evolveBeside(event, states);
}

/** Folds a fact about an item into the item and nothing else: for what it was at an instant, without the records beside it. */
export function evolveItemAlone(event: ItemEvent, item: Item): void {
  item.version++;
  switch (event.type) {
    case 'inventory.item.defined':
      evolveExceeded(item, event.data);
      item.definition = event.data.definition;
      item.definitionVersion++;
      return;
    case 'inventory.item.removed':
      item.definition = undefined;
      item.exceeded = [];
      item.stocked = false;
      item.definitionVersion++;
      return;
    case 'inventory.stock.adjusted':
      if (event.data.exceeded) noteExceeded(item, event.data.exceeded);
      return adjustLevel(item, event.data);
    case 'inventory.item.settled':
      if (event.data.exceeded) noteExceeded(item, event.data.exceeded);
      return;
    case 'inventory.shortfall.detected':
      return;
    case 'inventory.item.bundled': {
      const { bundle, quantity } = event.data;
      if (quantity !== undefined) item.bundles = withBundle(item.bundles, bundle, quantity);
      return;
    }
    case 'inventory.threshold.crossed': {
      const { channel = '', threshold, direction } = event.data;
      const exceeded = exceededFor(item, channel);
      if (direction === 'down') return setExceeded(item, channel, exceeded.filter((known) => known !== threshold));
      return exceeded.includes(threshold) ? undefined : setExceeded(item, channel, [...exceeded, threshold]);
    }
    case 'inventory.allocation.placed':
      for (const place of event.data.allocations) levelAt(item, place.location).allocated += place.quantity;
      item.backordered -= event.data.quantity;
      return;
    case 'inventory.allocation.fulfilled': {
      const { location, quantity, freed, backordered, uncounted } = event.data;
      if (uncounted === undefined) levelAt(item, location).onHand -= quantity;
      for (const place of freed) levelAt(item, place.location).allocated -= place.quantity;
      item.backordered -= backordered;
      return;
    }
    case 'inventory.allocation.restored': {
      if (event.data.uncounted !== undefined) {
        item.backordered += event.data.quantity;
        return;
      }
      const level = levelAt(item, event.data.location);
      level.onHand += event.data.quantity;
      level.allocated += event.data.quantity;
      return;
    }
    case 'inventory.allocation.cancelled': {
      for (const place of event.data.allocations) levelAt(item, place.location).allocated -= place.quantity;
      item.backordered -= event.data.backordered;
      for (const { channel, quantity } of event.data.preordered ?? []) addPreordered(item, channel, -quantity);
      return;
    }
    default:
      evolveHeldUnits(event, item);
  }
}

/** What a fact about an item changes beside it, in the same log: the reservation's record and what customers have. */
function evolveBeside(event: ItemEvent, states: States): void {
  switch (event.type) {
    case 'inventory.reservation.held':
    case 'inventory.reservation.changed':
    case 'inventory.reservation.extended':
    case 'inventory.reservation.released':
    case 'inventory.reservation.expired':
    case 'inventory.reservation.confirmed':
      if (event.data.solo === 1) evolveSoloRecord(event, skuOf(event.key), states);
      if (event.data.customerId !== undefined) evolveCustomer(event, customerOf(skuOf(event.key), event.data.customerId, states));
      return;
    case 'inventory.allocation.cancelled':
      for (const { customerId, quantity } of event.data.customers ?? []) customerOf(skuOf(event.key), customerId, states).promised -= quantity;
      return;
    default:
  }
}

/** Thresholds that are no longer named are no longer watched; those that stay keep their side. */
function evolveExceeded(item: Item, { definition, exceeded }: { definition: ItemDefinition; exceeded?: Exceeded }): void {
  item.exceeded = shared(item.exceeded.map(([channel, thresholds]) => {
    // A bundle is watched for the channels of its parts.
    const watched = channel === '' || isBundle(definition) || definition.channelBuffers[channel] !== undefined;
    return [channel, thresholds.filter((threshold) => watched && definition.thresholds.includes(threshold))];
  }));
  if (exceeded) noteExceeded(item, exceeded);
}

function noteExceeded(item: Item, exceeded: Exceeded): void {
  item.stocked = true;
  for (const [channel, thresholds] of exceeded) {
    const known = exceededFor(item, channel);
    setExceeded(item, channel, known.length === 0 && thresholds.length === 1 ? thresholds : [...new Set([...known, ...thresholds])]);
  }
}

function setExceeded(item: Item, channel: string, thresholds: readonly number[]): void {
  const index = item.exceeded.findIndex(([name]) => name === channel);
  item.exceeded = shared(index < 0 ? [...item.exceeded, [channel, thresholds]] : item.exceeded.with(index, [channel, thresholds]));
}

function withBundle(bundles: Item['bundles'], bundle: string, quantity: number): Item['bundles'] {
  if (quantity === 0) return bundles.filter(([name]) => name !== bundle);
  const index = bundles.findIndex(([name]) => name === bundle);
  return index < 0 ? [...bundles, [bundle, quantity]] : bundles.with(index, [bundle, quantity]);
}

function itemOf(key: string, states: States): Item {
  const known = states.get(key) as Item | undefined; // under `i/` keys there are items only
  if (known) return known;
  const item = emptyItem(skuOf(key));
  states.set(key, item);
  return item;
}

function adjustLevel(item: Item, data: { location: string; bucket: LevelBucket; change: number }): void {
  const level = levelAt(item, data.location);
  switch (data.bucket) {
    case 'sellable':
      level.onHand += data.change;
      return;
    case 'damaged':
      level.damaged += data.change;
      return;
    case 'qualityControl':
      level.qualityControl += data.change;
      return;
    case 'inTransit':
      level.inTransit = (level.inTransit ?? 0) + data.change;
      return;
    default:
      data.bucket satisfies never;
  }
}

/** The sums of the item: what is reserved where, and when it runs out. */
function evolveHeldUnits(event: HoldEvent, item: Item): void {
  const share = event.data;
  switch (event.type) {
    case 'inventory.reservation.held':
      return hold(item, share);
    case 'inventory.reservation.released':
    case 'inventory.reservation.expired':
      return free(item, share);
    case 'inventory.reservation.changed':
      free(item, event.data.previous);
      return hold(item, share);
    case 'inventory.reservation.extended':
      item.lapses.remove(event.data.previousExpiresAt, share.allocations, share.backordered);
      item.lapses.add(share.expiresAt, share.allocations, share.backordered);
      if (share.preorderChannel === undefined) return;
      countPreorder(item, { ...share, expiresAt: event.data.previousExpiresAt }, share.preorderChannel, -1);
      return countPreorder(item, share, share.preorderChannel, 1);
    case 'inventory.reservation.confirmed':
      free(item, share);
      for (const place of share.allocations) levelAt(item, place.location).allocated += place.quantity;
      item.backordered += share.backordered;
      if (share.preorderChannel !== undefined) addPreordered(item, share.preorderChannel, share.quantity);
      return;
    default:
      event satisfies never;
  }
}

/** Preordered units of a hold, until it runs out. */
function countPreorder(item: Item, { quantity, expiresAt }: Share, channel: string, sign: 1 | -1): void {
  const preordered = addPreordered(item, channel, sign * quantity);
  if (sign === 1) preordered.lapses.add(expiresAt, [{ location: channel, quantity }], 0);
  else preordered.lapses.remove(expiresAt, [{ location: channel, quantity }], 0);
}

function addPreordered(item: Item, channel: string, quantity: number): Preordered {
  item.preordered ??= { promised: new Map(), lapses: new Lapses() };
  item.preordered.promised.set(channel, (item.preordered.promised.get(channel) ?? 0) + quantity);
  return item.preordered;
}

function hold(item: Item, share: Share): void {
  for (const place of share.allocations) levelAt(item, place.location).reserved += place.quantity;
  item.backordered += share.backordered;
  item.lapses.add(share.expiresAt, share.allocations, share.backordered);
  if (share.preorderChannel !== undefined) countPreorder(item, share, share.preorderChannel, 1);
}

function free(item: Item, share: Share): void {
  for (const place of share.allocations) {
    const level = levelAt(item, place.location);
    level.reserved -= place.quantity;
    assert(level.reserved >= 0, `more was freed of ${item.sku} at ${place.location} than was reserved`);
  }
  item.backordered -= share.backordered;
  item.lapses.remove(share.expiresAt, share.allocations, share.backordered);
  if (share.preorderChannel !== undefined) countPreorder(item, share, share.preorderChannel, -1);
}

/** The record of a reservation that is one share of one item: it follows from the item's facts. */
function evolveSoloRecord(event: HoldEvent, sku: string, states: States): void {
  if (event.type === 'inventory.reservation.held') return; // the record is born
  const key = reservationKey(event.data.reservationId);
  states.set(key, recordAfter(event, states.get(key) as Reservation | undefined)); // under `r/` keys there are reservations only
}

/** The record of a reservation after a fact from which it follows, or that records it. */
export function recordAfter(event: HoldEvent | Extract<InventoryEvent, { type: 'inventory.reservation.recorded' }>, before: Reservation | undefined): Reservation {
  if (event.type === 'inventory.reservation.recorded') return event.data.reservation;
  const sku = skuOf(event.key);
  if (event.type === 'inventory.reservation.held') return soloRecord(event, sku);
  const record = must(before, `${event.type} of an unknown reservation ${event.data.reservationId}`);
  return { ...record, version: record.version + 1, ...soloChange(event, record, sku) };
}

function soloRecord(event: Extract<HoldEvent, { type: 'inventory.reservation.held' }>, sku: string): Reservation {
  const { reservationId, cartId, customerId, channel, requested, expiresAt, tallied: holders } = event.data;
  return { id: reservationId, status: 'held', cartId, customerId, channel, orderId: undefined, tallied: holders, lines: [soloLine(event.data, sku, requested)], createdAt: event.time, expiresAt, version: 1 };
}

function soloChange(event: Exclude<HoldEvent, { type: 'inventory.reservation.held' }>, record: Reservation, sku: string): Partial<Reservation> {
  switch (event.type) {
    case 'inventory.reservation.changed':
      return { lines: [soloLine(event.data, sku, event.data.requested)], expiresAt: event.data.expiresAt };
    case 'inventory.reservation.extended':
      return { expiresAt: event.data.expiresAt };
    case 'inventory.reservation.expired':
      return { status: 'expired' };
    case 'inventory.reservation.confirmed':
      return { status: 'confirmed', orderId: event.data.orderId, lines: [soloLine(event.data, sku, record.lines[0]?.requested)] };
    case 'inventory.reservation.released': {
      const line = must(record.lines[0], `reservation ${record.id} has no line`);
      if (event.data.quantity === line.quantity) return { status: 'released' };
      return { lines: [settled({ ...line, quantity: line.quantity - event.data.quantity, backordered: line.backordered - event.data.backordered, allocations: minus(line.allocations, event.data.allocations) })] };
    }
    default:
      return event satisfies never;
  }
}

function soloLine(share: Share, sku: string, requested: number | undefined): Reservation['lines'][number] {
  const allocations = share.allocations.map((place) => ({ sku, location: place.location, quantity: place.quantity }));
  return { sku, quantity: share.quantity, requested, backordered: share.backordered, preorderChannel: share.preorderChannel, location: share.bound?.[0]?.location, allocations };
}

/** Allocations less the units freed at each place; places left with nothing go. */
function minus<A extends Place>(allocations: readonly A[], freed: readonly Place[]): A[] {
  return allocations
    .map((allocation) => {
      const gone = freed.find((place) => place.location === allocation.location)?.quantity ?? 0;
      return { ...allocation, quantity: allocation.quantity - gone };
    })
    .filter((allocation) => allocation.quantity > 0);
}

function customerOf(sku: string, customerId: string, states: States): CustomerShare {
  const key = customerKey(sku, customerId);
  const known = states.get(key) as CustomerShare | undefined; // under `u/` keys there are customers' shares only
  const share = known ?? { holds: new Map(), promised: 0 };
  states.set(key, share);
  return share;
}

function evolveCustomer(event: HoldEvent, share: CustomerShare): void {
  const { reservationId, quantity, expiresAt } = event.data;
  switch (event.type) {
    case 'inventory.reservation.held':
    case 'inventory.reservation.changed':
    case 'inventory.reservation.extended':
      share.holds.set(reservationId, { quantity, expiresAt });
      return;
    case 'inventory.reservation.expired':
      share.holds.delete(reservationId);
      return;
    case 'inventory.reservation.released': {
      const left = (share.holds.get(reservationId)?.quantity ?? 0) - quantity;
      if (left > 0) share.holds.set(reservationId, { quantity: left, expiresAt });
      else share.holds.delete(reservationId);
      return;
    }
    case 'inventory.reservation.confirmed':
      share.holds.delete(reservationId);
      share.promised += quantity;
      return;
    default:
      event satisfies never;
  }
}

function evolveLocations(event: Extract<InventoryEvent, { type: `inventory.location.${string}` }>, before: Locations | undefined): Locations {
  const locations = new Map(before ?? [['main', MAIN]]);
  const { id } = event.data;
  if (event.type === 'inventory.location.removed') locations.delete(id);
  else locations.set(id, { id, ...event.data.definition, version: (locations.get(id)?.version ?? 0) + 1 });
  return locations;
}

function evolveImport({ time, data }: Extract<InventoryEvent, { type: 'inventory.import.advanced' }>, before: ImportRecord | undefined): ImportRecord {
  const refusals = before?.refusals ?? [];
  return {
    importId: data.importId,
    line: data.line,
    described: (before?.described ?? 0) + data.described,
    adjusted: (before?.adjusted ?? 0) + data.adjusted,
    unchanged: (before?.unchanged ?? 0) + data.unchanged,
    refused: (before?.refused ?? 0) + data.refused.length,
    refusals: data.refused.length === 0 ? refusals : [...refusals, ...data.refused].slice(0, IMPORT_REFUSALS_MAX),
    startedAt: before?.startedAt ?? time,
    updatedAt: time,
  };
}

export const skuOf = (key: string): string => key.slice(itemKey('').length);
