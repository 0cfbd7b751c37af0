import { rfc3339 } from '../../base/clock.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { instantView } from './never.ts';
import { figuresOf, freeAt, isPreordered, reservedAt, type Asking } from './availability.ts';
import { bundlesAt, figuresIn, isBundle, partsOf, type AskingOf, type Part } from './bundles.ts';
import { itemKey } from './keys.ts';
import { locationsBeside, statusOf, type Item, type Level, type Location, type Locations, type Order, type OrderLine, type Reservation, type Transfer, type TransferLine, type TransferStatus, type World } from './state.ts';

/** The resources of api.md as they leave the room: JSON with instants as text. */
export type ReservationView = {
  readonly id: string;
  readonly status: string;
  readonly cartId: string | undefined;
  readonly customerId: string | undefined;
  readonly channel: string | undefined;
  readonly orderId: string | undefined;
  readonly lines: Reservation['lines'];
  readonly createdAt: string;
  /** null: only somebody ends it. */
  readonly expiresAt: string | null;
  readonly version: number;
};

export function reservationView(record: Reservation, now: number): ReservationView {
  const { id, cartId, customerId, channel, orderId, lines, createdAt, expiresAt, version } = record;
  return { id, status: statusOf(record, now), cartId, customerId, channel, orderId, lines, createdAt: rfc3339(createdAt), expiresAt: instantView(expiresAt), version };
}

export function itemView(item: Item): JsonObject {
  return { sku: item.sku, ...(item.definition as unknown as JsonObject), version: item.definitionVersion }; // a definition is plain JSON
}

export function locationView(location: Location): JsonObject {
  const { id, name, rank, lat, lon, active, version } = location;
  return { id, name, rank, ...(lat === undefined ? undefined : { lat }), ...(lon === undefined ? undefined : { lon }), active, version };
}

/** What an order still has to get and what became of the rest. */
export function orderView(order: Order): JsonObject {
  const lines = order.lines.map(({ shipped: _, customers: __, preordered: ___, components, ...line }) => ({ ...line, ...(components && { components: components.map(({ sku, quantity, backordered }) => ({ sku, quantity, backordered })) }) })) as unknown as Json; // plain JSON without the book-keeping
  return { orderId: order.orderId, status: orderStatus(order), version: order.version, lines };
}

function orderStatus(order: Order): 'allocated' | 'partially-fulfilled' | 'fulfilled' | 'cancelled' {
  const sum = (of: (line: OrderLine) => number): number => order.lines.reduce((total, line) => total + of(line), 0);
  const outstanding = sum((line) => line.quantity);
  const fulfilled = sum((line) => line.fulfilled);
  if (outstanding > 0) return fulfilled > 0 ? 'partially-fulfilled' : 'allocated';
  return fulfilled > 0 ? 'fulfilled' : 'cancelled';
}

export type TransferView = {
  readonly id: string;
  readonly status: TransferStatus;
  readonly from: string;
  readonly to: string;
  readonly lines: readonly TransferLine[];
  readonly reference: string | undefined;
  readonly note: string | undefined;
  readonly createdAt: string;
  readonly shippedAt: string | undefined;
  readonly version: number;
};

export function transferView({ id, status, from, to, lines, reference, note, createdAt, shippedAt, version }: Transfer): TransferView {
  return { id, status, from, to, lines, reference, note, createdAt: rfc3339(createdAt), shippedAt: shippedAt === undefined ? undefined : rfc3339(shippedAt), version };
}

/** The answer to an availability question, for the whole item or one place. `etag` and the next change go into headers. */
export function availabilityView(world: World, item: Item, now: number, { location, channel, own }: AskingOf & { location?: string | undefined }): JsonObject {
  if (isBundle(item.definition)) return bundleView(world, item, now, { location, channel, own });
  const locations = locationsBeside(world, itemKey(item.sku));
  const asking: Asking = { channel, own: own?.(item.sku) };
  const figures = figuresOf(item, locations, now, asking);
  const places = [...item.levels].filter(([id]) => (location === undefined ? locations.get(id)?.active === true : id === location));
  const base = {
    safetyStock: item.definition?.safetyStock ?? 0,
    buckets: {
      damaged: sumOf(places, (level) => level.damaged),
      qualityControl: sumOf(places, (level) => level.qualityControl),
      inTransit: sumOf(places, (level) => level.inTransit ?? 0),
    },
    locations: places.map(([id, level]) => placeView(item, id, level, locations, now, asking)) as unknown as Json, // plain JSON
    version: item.version,
    asOf: rfc3339(now),
  };
  const { onHand, allocated, reserved, backordered, net, available, sellable } = figures;
  if (location === undefined) return { sku: item.sku, onHand, allocated, reserved, backordered, net, available, sellable, ...base };
  const there = placeView(item, location, item.levels.get(location), locations, now, asking);
  return { sku: item.sku, ...there, backordered, net, available: there.available, sellable: sellable === null ? null : Math.min(sellable, there.available), ...base };
}

/** A bundle has no stock of its own: what there is of it follows from its components. */
function bundleView(world: World, bundle: Item, now: number, { location, ...asking }: AskingOf & { location?: string | undefined }): JsonObject {
  const { onHand, allocated, reserved, backordered, net, available, sellable } = figuresIn(world, bundle, now, asking);
  const parts = partsOf(bundle, world);
  const places = location === undefined ? placesOf(parts, world) : [location];
  const locations = places.map((id) => ({ location: id, onHand: 0, allocated: 0, reserved: 0, available: bundlesAt(world, bundle, id, now, asking) }));
  const there = location === undefined ? undefined : (locations[0]?.available ?? 0);
  return {
    sku: bundle.sku,
    ...(location === undefined ? undefined : { location }),
    onHand, allocated, reserved, backordered,
    safetyStock: 0,
    net,
    available: there ?? available,
    sellable: sellable === null || there === undefined ? sellable : Math.min(sellable, there),
    buckets: { damaged: 0, qualityControl: 0, inTransit: 0 },
    locations,
    version: parts.reduce((sum, { item }) => sum + item.version, bundle.version),
    asOf: rfc3339(now),
  };
}

/** The active places at which there is every part. */
function placesOf(parts: readonly Part[], world: World): string[] {
  const [first, ...others] = parts;
  if (!first) return [];
  const locations = locationsBeside(world, itemKey(first.item.sku));
  return [...first.item.levels.keys()].filter((id) => locations.get(id)?.active === true && others.every(({ item }) => item.levels.has(id)));
}

function placeView(item: Item, id: string, level: Level | undefined, locations: Locations, now: number, asking: Asking): { location: string; onHand: number; allocated: number; reserved: number; available: number } {
  if (!level) return { location: id, onHand: 0, allocated: 0, reserved: 0, available: 0 };
  let reserved = reservedAt(item, id, level);
  for (const share of asking.own ?? []) {
    for (const place of share.allocations) if (place.location === id) reserved -= place.quantity;
  }
  return { location: id, onHand: level.onHand, allocated: level.allocated, reserved, available: freeAt(item, id, locations, now, asking.own) };
}

function sumOf(places: readonly [string, Level][], of: (level: Level) => number): number {
  return places.reduce((sum, [, level]) => sum + of(level), 0);
}

/** Milliseconds until the figures change by themselves, if they will. */
export function nextChange(item: Item, now: number, world?: World): number | undefined {
  if (world && isBundle(item.definition)) return soonest(partsOf(item, world).map((part) => nextChange(part.item, now)));
  item.lapses.advance(now);
  const { nextLapse } = item.lapses;
  const date = item.definition !== undefined && isPreordered(item.definition, now) ? Date.parse(item.definition.preorder?.availableFrom ?? '') : undefined;
  const next = Math.min(nextLapse ?? Number.POSITIVE_INFINITY, date ?? Number.POSITIVE_INFINITY);
  return next === Number.POSITIVE_INFINITY ? undefined : next - now;
}

function soonest(changes: readonly (number | undefined)[]): number | undefined {
  const known = changes.filter((ms) => ms !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
