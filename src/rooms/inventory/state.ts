import type { Refusal } from '../../base/decision.ts';
import { SmallMap } from '../../base/small-map.ts';
import { ITEM_DEFAULTS, type ItemDefinition, type LocationDefinition } from './commands.ts';
import type { ChannelUnits, CustomerUnits, Exceeded, LevelBucket } from './events.ts';
import { Lapses } from './lapses.ts';
import { cartKey, customerKey, holderKey, importKey, itemKey, locationsKey, logOfKey, orderKey, reservationKey, transferKey, waitingKey } from './keys.ts';

/** What an item has at one place. Reserved includes holds that ran out and are not yet tidied; `Lapses` knows which. */
export interface Level {
  onHand: number;
  allocated: number;
  reserved: number;
  damaged: number;
  qualityControl: number;
  /** On their way to this place; absent where no transfer ever came here, as nearly everywhere. */
  inTransit?: number;
}

/** One item: its description and the sums that decisions are made on. Folding changes it in place. */
export interface Item {
  readonly sku: string;
  /** undefined: never described, or removed. */
  definition: ItemDefinition | undefined;
  /** Grows with the description only. */
  definitionVersion: number;
  /** Grows with every fact about the item. */
  version: number;
  readonly levels: SmallMap<Level>;
  /** Units promised, in holds and orders, that are at no place; of these the lapsed are known to `lapses`. */
  backordered: number;
  readonly lapses: Lapses;
  /** By channel, '' for none: the thresholds that what is available was last said to exceed. Replaced as a whole. */
  exceeded: Exceeded;
  /** Whether anything was ever available: what comes in for the first time crosses no threshold. */
  stocked: boolean;
  /** Bundles that take the item, and how many units each. Replaced as a whole: most items are in none. */
  bundles: readonly (readonly [bundle: string, quantity: number])[];
  /** Preordered units by the channel that they were promised through; not there for most items. */
  preordered: Preordered | undefined;
}

export interface Preordered {
  /** In holds, those that ran out and are not yet tidied too, and in orders, shipped or not. */
  readonly promised: Map<string, number>;
  readonly lapses: Lapses;
}

/** Units of a promise that began to wait together. */
export interface Stint {
  /** The item's version when they were promised: the lowest is the oldest. */
  readonly since: number;
  readonly units: number;
  /** The one place that the units may come from, if any. */
  readonly bound?: string | undefined;
}

/** The promises of one item that wait for units. */
export interface Waiting {
  /** By the key of the hold's or the order's record; a hold waits until it runs out. */
  readonly promises: Map<string, { readonly until: number | undefined; readonly stints: readonly Stint[] }>;
  /** When more of them can be met than one decision could, the instant to go on at. */
  due: number | undefined;
}

export type ReservationStatus = 'held' | 'confirmed' | 'released' | 'expired';

export interface Allocation {
  readonly sku: string;
  readonly location: string;
  readonly quantity: number;
}

/** What a line of a bundle takes of one item. */
export interface LinePart {
  readonly sku: string;
  /** For one unit of the bundle. */
  readonly quantity: number;
  /** Of all units of the line, those at no place. */
  readonly backordered: number;
  /** See `Share`. */
  readonly preorderChannel?: string | undefined;
  /** Of an order's line: through which channels preordered units were promised, oldest first. */
  readonly preordered?: readonly ChannelUnits[] | undefined;
}

export interface ReservationLine {
  readonly sku: string;
  readonly quantity: number;
  readonly requested?: number | undefined;
  readonly backordered: number;
  /** What the line takes, where its item is a bundle. `backordered` are then bundles that some part is missing of. */
  readonly components?: readonly LinePart[] | undefined;
  /** See `Share`. */
  readonly preorderChannel?: string | undefined;
  /** The place that units were asked for at, where some were backordered: they wait for units there. */
  readonly location?: string | undefined;
  readonly allocations: readonly Allocation[];
}

/** A reservation as it was last written. Replaced as a whole, never changed in place. */
export interface Reservation {
  readonly id: string;
  readonly status: ReservationStatus;
  readonly cartId?: string | undefined;
  readonly customerId?: string | undefined;
  readonly channel?: string | undefined;
  readonly orderId?: string | undefined;
  readonly tallied?: readonly string[] | undefined;
  readonly lines: readonly ReservationLine[];
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly version: number;
}

export interface OrderLine {
  readonly sku: string;
  /** Outstanding: neither fulfilled nor cancelled. */
  readonly quantity: number;
  readonly backordered: number;
  readonly fulfilled: number;
  readonly cancelled: number;
  readonly allocations: readonly Allocation[];
  readonly components?: readonly LinePart[] | undefined;
  /** What was shipped from where, for undoing it; units of an item that is not tracked may have come from nowhere. */
  readonly shipped: readonly Allocation[];
  /** Against whom its units count, oldest first: an order may take reservations of several customers, and of nobody. */
  readonly customers?: readonly CustomerUnits[];
  /** Through which channels its preordered units were promised, oldest first. */
  readonly preordered?: readonly ChannelUnits[];
}

export interface Order {
  readonly orderId: string;
  readonly version: number;
  readonly lines: readonly OrderLine[];
}

export type TransferStatus = 'draft' | 'in-transit' | 'partially-received' | 'received' | 'cancelled';

/** One item of a transfer. What was shipped and neither received, restocked nor written off is on its way. */
export interface TransferLine {
  readonly sku: string;
  readonly quantity: number;
  readonly shipped: number;
  readonly received: number;
  readonly restocked: number;
  readonly writtenOff: number;
}

/** A transfer as it was last written. Replaced as a whole, never changed in place. */
export interface Transfer {
  readonly id: string;
  readonly status: TransferStatus;
  readonly from: string;
  readonly to: string;
  readonly lines: readonly TransferLine[];
  readonly reference?: string;
  readonly note?: string;
  readonly createdAt: number;
  readonly shippedAt?: number;
  readonly version: number;
}

/** The live holds of a cart, oldest first. */
export interface Cart {
  readonly cartId: string;
  readonly reservations: readonly string[];
}

/** What a customer holds and has of one item. */
export interface CustomerShare {
  /** Reservation → units and the instant at which they run out. */
  readonly holds: Map<string, { quantity: number; expiresAt: number }>;
  /** Allocated and shipped units. */
  promised: number;
}

/** What one holder has in live holds, all items together: kept only where bounds on it are set. */
export interface Tally {
  holds: number;
  units: number;
  /** When which of it runs out. */
  readonly lapses: Lapses;
}

/** How far an import has come, and what became of its lines. */
export interface ImportRecord {
  readonly importId: string;
  /** The last line that was taken in. */
  readonly line: number;
  /** Lines that described something, that changed stock, that found everything so already, and that were refused. */
  readonly described: number;
  readonly adjusted: number;
  readonly unchanged: number;
  readonly refused: number;
  /** The first of the refused lines: a bounded number of them. */
  readonly refusals: readonly RefusedLine[];
  readonly startedAt: number;
  readonly updatedAt: number;
}

/** A line of which nothing was stored, and why. */
export interface RefusedLine {
  readonly line: number;
  readonly refusal: Refusal;
}

export interface Location extends LocationDefinition {
  readonly id: string;
  readonly version: number;
}

export type Locations = ReadonlyMap<string, Location>;

/** `main` exists from the first moment; describing it replaces this. */
export const MAIN: Location = { id: 'main', name: 'Main', rank: 100, active: true, version: 1 };
const ONLY_MAIN: Locations = new Map([['main', MAIN]]);

/** What decisions read. `get` gives undefined where there is nothing, or nothing yet: the runtime then loads and asks again. */
export interface World {
  readonly partitions: number;
  get(key: string): unknown;
}

// The casts below are true because `fold` stores under each kind of key only the kind of state that it names.
export const findItem = (world: World, sku: string): Item | undefined => {
  const item = world.get(itemKey(sku)) as Item | undefined;
  return item?.definition === undefined ? undefined : item;
};
export const findReservation = (world: World, id: string): Reservation | undefined => world.get(reservationKey(id)) as Reservation | undefined;
export const findCart = (world: World, cartId: string): Cart | undefined => world.get(cartKey(cartId)) as Cart | undefined;
export const findOrder = (world: World, orderId: string): Order | undefined => world.get(orderKey(orderId)) as Order | undefined;
export const findImport = (world: World, importId: string): ImportRecord | undefined => world.get(importKey(importId)) as ImportRecord | undefined;
export const findCustomer = (world: World, sku: string, customerId: string): CustomerShare | undefined =>
  world.get(customerKey(sku, customerId)) as CustomerShare | undefined;
export const findTally = (world: World, holder: string): Tally | undefined => world.get(holderKey(holder)) as Tally | undefined;
export const findTransfer = (world: World, id: string): Transfer | undefined => world.get(transferKey(id)) as Transfer | undefined;
export const findWaiting = (world: World, sku: string): Waiting | undefined => world.get(waitingKey(sku)) as Waiting | undefined;
/** The locations as the log of a key knows them. */
export const locationsBeside = (world: World, key: string): Locations =>
  (world.get(locationsKey(logOfKey(key, world.partitions))) as Locations | undefined) ?? ONLY_MAIN;

/** A hold is expired from its instant, whether or not the fact of it was written yet. */
export function statusOf(record: Reservation, now: number): ReservationStatus {
  return record.status === 'held' && record.expiresAt <= now ? 'expired' : record.status;
}

/** Which place is taken from first. */
export function byRank(a: Location, b: Location): number {
  return a.rank - b.rank || (a.id < b.id ? -1 : 1);
}

export function emptyItem(sku: string): Item {
  return { sku, definition: undefined, definitionVersion: 0, version: 0, levels: new SmallMap(), backordered: 0, lapses: new Lapses(), exceeded: NOTHING, stocked: false, bundles: NOTHING, preordered: undefined };
}

const NOTHING: readonly never[] = [];
/** What nearly every item exceeds that was ever in stock. */
const ABOVE_NOTHING: Exceeded = [['', ITEM_DEFAULTS.thresholds]];

/** The same thresholds, in the one list that all items share where they are what nearly every item has. */
export function shared(exceeded: Exceeded): Exceeded {
  if (exceeded.length === 0) return NOTHING;
  return exceeded.length === 1 && exceeded.every(([channel, thresholds]) => channel === '' && isDefault(thresholds)) ? ABOVE_NOTHING : exceeded;
}

const isDefault = (thresholds: readonly number[]): boolean => thresholds.length === 1 && thresholds[0] === ITEM_DEFAULTS.thresholds[0];

/** Makes a description that was read share with all others what is as it is unless said otherwise. */
function shareDefaults(definition: ItemDefinition): void {
  const own: { -readonly [Member in keyof ItemDefinition]: ItemDefinition[Member] } = definition;
  if (isDefault(own.thresholds)) own.thresholds = ITEM_DEFAULTS.thresholds;
  if (isEmpty(own.channelBuffers)) own.channelBuffers = ITEM_DEFAULTS.channelBuffers;
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}

function readItem(value: ReturnType<typeof JSON.parse>): Item {
  const { sku, definition, definitionVersion, version, levels, backordered, lapses, exceeded, stocked, bundles = NOTHING, preordered } = value;
  if (definition) shareDefaults(definition);
  return {
    sku,
    definition,
    definitionVersion,
    version,
    levels: SmallMap.of(levels),
    backordered,
    lapses: Lapses.from(lapses),
    exceeded: shared(exceeded),
    stocked,
    bundles: bundles.length === 0 ? NOTHING : bundles,
    preordered: preordered && { promised: new Map(preordered.promised), lapses: Lapses.from(preordered.lapses) },
  };
}

/** The item's level at a place, made where there is none yet. */
export function levelAt(item: Item, location: string): Level {
  let level = item.levels.get(location);
  if (!level) {
    level = { onHand: 0, allocated: 0, reserved: 0, damaged: 0, qualityControl: 0 };
    item.levels.set(location, level);
  }
  return level;
}

export function bucketOf(level: Level, bucket: LevelBucket): number {
  switch (bucket) {
    case 'sellable':
      return level.onHand;
    case 'damaged':
      return level.damaged;
    case 'qualityControl':
      return level.qualityControl;
    case 'inTransit':
      return level.inTransit ?? 0;
    default:
      return bucket satisfies never;
  }
}

/** A state as JSON text, for a snapshot. */
export function writeState(key: string, state: unknown): string {
  switch (key[0]) {
    case 'i': {
      const { sku, definition, definitionVersion, version, levels, backordered, lapses, exceeded, stocked, bundles, preordered } = state as Item;
      // Of nothing but plain data, which is written in half the time.
      return JSON.stringify({ sku, definition, definitionVersion, version, levels: [...levels], backordered, lapses: lapses.toJSON(), exceeded, stocked, bundles, preordered: preordered && { promised: [...preordered.promised], lapses: preordered.lapses.toJSON() } } satisfies Record<keyof Item, unknown>);
    }
    case 'w':
      return JSON.stringify({ ...(state as Waiting), promises: [...(state as Waiting).promises] });
    case 'l':
      return JSON.stringify([...(state as Locations)]);
    case 'u': {
      const share = state as CustomerShare;
      return JSON.stringify({ promised: share.promised, holds: [...share.holds] });
    }
    default:
      return JSON.stringify(state);
  }
}

/** The opposite of {@link writeState}. */
export function readState(key: string, body: string): unknown {
  const value = JSON.parse(body);
  switch (key[0]) {
    case 'i':
      return readItem(value);
    case 'w':
      return { promises: new Map(value.promises), due: value.due } satisfies Waiting;
    case 'h':
      return { ...value, lapses: Lapses.from(value.lapses) } satisfies Tally;
    case 'l':
      return new Map(value) satisfies Locations;
    case 'u':
      return { promised: value.promised, holds: new Map(value.holds) } satisfies CustomerShare;
    default:
      return value;
  }
}

/** The thresholds that what is available to a channel, or ('') to nobody in particular, was last said to exceed. */
export function exceededFor(item: Item, channel: string): readonly number[] {
  for (const [name, thresholds] of item.exceeded) if (name === channel) return thresholds;
  return NONE;
}

const NONE: readonly number[] = [];
