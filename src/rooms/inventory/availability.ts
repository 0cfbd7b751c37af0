import { hash32 } from '../../base/hash.ts';
import type { Change } from './change.ts';
import type { ItemDefinition } from './commands.ts';
import type { Item, Level, Locations } from './state.ts';
import type { Share } from './events.ts';

/** Whose question it is, and what of the promises it should leave out. */
export interface Asking {
  /** Its buffer is withheld. */
  readonly channel?: string | undefined;
  /** Live shares that do not stand in the asker's way: those of its own cart. */
  readonly own?: readonly Share[] | undefined;
}

/** An item's figures at one instant, in units. */
export interface Figures {
  readonly onHand: number;
  readonly allocated: number;
  readonly reserved: number;
  readonly backordered: number;
  /** Units at active places that nobody was promised: Σ max(0, on hand − allocated − reserved). */
  readonly physical: number;
  readonly net: number;
  readonly available: number;
  /** What may still be promised; null where nothing limits it. */
  readonly sellable: number | null;
}

/**
 * What there is of an item and what may be sold of it: the one function that every decision and every answer uses.
 * physical = Σ over active places of max(0, on hand − allocated − live reserved); net = physical − live backordered −
 * safety stock − the channel's buffer; available = max(0, net); sellable = max(0, net + backorder limit). Until a preorder's
 * date its limit stands in for the backorder limit, and a channel may promise no more than its own limit.
 */
export function figuresOf(item: Item, locations: Locations, now: number, asking: Asking = {}): Figures {
  item.lapses.advance(now);
  const own = asking.own ?? NONE;
  let onHand = 0;
  let allocated = 0;
  let reserved = 0;
  let physical = 0;
  for (const [location, level] of item.levels) {
    if (!locations.get(location)?.active) continue;
    const held = heldAt(item, location, level, own);
    onHand += level.onHand;
    allocated += level.allocated;
    reserved += held;
    physical += Math.max(0, level.onHand - level.allocated - held);
  }
  let backordered = item.backordered - item.lapses.lapsedBackordered;
  for (const share of own) backordered -= share.backordered;
  const definition = item.definition;
  const buffer = asking.channel === undefined || !definition ? 0 : bufferOf(definition, asking.channel);
  const net = physical - backordered - (definition?.safetyStock ?? 0) - buffer;
  const limit = definition === undefined ? null : limitOf(definition, now);
  const most = asking.channel === undefined || definition?.preorder === undefined || limit === null ? undefined : leftForChannel(item, asking.channel, now, own);
  return {
    onHand,
    allocated,
    reserved,
    backordered,
    physical,
    net,
    available: Math.max(0, net),
    sellable: limit === null ? null : Math.max(0, Math.min(net + limit, most ?? Number.POSITIVE_INFINITY)),
  };
}

/** A channel may be named like a member that every object has. */
function bufferOf({ channelBuffers }: ItemDefinition, channel: string): number {
  return Object.hasOwn(channelBuffers, channel) ? (channelBuffers[channel] ?? 0) : 0;
}

/** Whether an item is sold before its date. */
export function isPreordered({ preorder }: ItemDefinition, now: number): boolean {
  return preorder !== undefined && now < Date.parse(preorder.availableFrom);
}

/** Units that may be promised beyond what there is; null where nothing limits it. */
export function limitOf(definition: ItemDefinition, now: number): number | null {
  if (!definition.tracked) return null;
  return definition.preorder !== undefined && isPreordered(definition, now) ? definition.preorder.limit : definition.backorderLimit;
}

/** Units that a channel may still promise before the item's date; undefined where nothing limits it. */
function leftForChannel({ definition, preordered }: Item, channel: string, now: number, own: readonly Share[]): number | undefined {
  const limits = definition?.preorder?.channelLimits;
  const limit = definition && limits && isPreordered(definition, now) && Object.hasOwn(limits, channel) ? limits[channel] : undefined;
  if (limit === undefined) return undefined;
  preordered?.lapses.advance(now);
  let promised = (preordered?.promised.get(channel) ?? 0) - (preordered?.lapses.lapsedAt(channel) ?? 0);
  for (const share of own) if (share.preorderChannel === channel) promised -= share.quantity;
  return limit - promised;
}

/** Units at one active place that nobody was promised. */
export function freeAt(item: Item, location: string, locations: Locations, now: number, own: readonly Share[] = NONE): number {
  const level = item.levels.get(location);
  if (!level || !locations.get(location)?.active) return 0;
  item.lapses.advance(now);
  return Math.max(0, level.onHand - level.allocated - heldAt(item, location, level, own));
}

/** Units at a place that nobody was promised, whether or not anything is sold from there. */
export function unpromisedAt(item: Item, location: string, now: number): number {
  const level = item.levels.get(location);
  if (!level) return 0;
  item.lapses.advance(now);
  return Math.max(0, level.onHand - level.allocated - reservedAt(item, location, level));
}

/** What is left to promise, safety stock aside, before facts that are not folded yet and with them. */
export interface Nets {
  readonly before: number;
  readonly after: number;
}

/** The item's net figure for no channel now, and with a change that is about to happen. */
export function netsOf(item: Item, locations: Locations, now: number, change: Change): Nets {
  const before = figuresOf(item, locations, now).net;
  let after = before - change.backordered;
  for (const location of change.free.keys()) after += freeWith(item, location, locations, change) - freeAt(item, location, locations, now);
  if (change.definition) after += (item.definition?.safetyStock ?? 0) - change.definition.safetyStock;
  return { before, after };
}

/** The same where the change is units that come to a place or go from it. */
export function netsWithUnits(item: Item, locations: Locations, now: number, { location, units }: { location: string; units: number }): Nets {
  const before = figuresOf(item, locations, now).net;
  if (locations.get(location)?.active !== true) return { before, after: before };
  const level = item.levels.get(location);
  const free = level ? level.onHand - level.allocated - reservedAt(item, location, level) : 0;
  return { before, after: before + Math.max(0, free + units) - Math.max(0, free) };
}

/** Units at one active place that nobody was promised, with a change that is about to happen; call after `lapses.advance`. */
export function freeWith(item: Item, location: string, locations: Locations, change: Change): number {
  if (locations.get(location)?.active !== true) return 0;
  const level = item.levels.get(location);
  const free = level ? level.onHand - level.allocated - reservedAt(item, location, level) : 0;
  return Math.max(0, free + (change.free.get(location) ?? 0));
}

/** Units at a place under live holds; call after `lapses.advance`. */
export function reservedAt(item: Item, location: string, level: Level): number {
  return level.reserved - item.lapses.lapsedAt(location);
}

function heldAt(item: Item, location: string, level: Level, own: readonly Share[]): number {
  let held = reservedAt(item, location, level);
  for (const share of own) {
    for (const place of share.allocations) if (place.location === location) held -= place.quantity;
  }
  return held;
}

/** Changes whenever the figures may have changed: with each fact, with the places, at the instant a hold runs out, and at a preorder's date. */
export function etagOf(item: Item, locations: Locations, now: number): string {
  item.lapses.advance(now);
  const phase = item.definition !== undefined && isPreordered(item.definition, now) ? '-p' : '';
  return `"${item.version}-${tagOf(locations)}-${item.lapses.lastLapse.toString(36)}${phase}"`;
}

/** Locations are replaced as a whole, so that the tag of one set of them never changes. */
const tags = new WeakMap<Locations, string>();

/** Not a sum of versions: one place redefined and another removed would cancel out. */
function tagOf(locations: Locations): string {
  let tag = tags.get(locations);
  if (tag === undefined) {
    tag = hash32([...locations.values()].map(({ id, version }) => `${id} ${version}`).join()).toString(36);
    tags.set(locations, tag);
  }
  return tag;
}

const NONE: readonly Share[] = [];
