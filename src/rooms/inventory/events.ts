import type { Bucket, ItemDefinition, LocationDefinition, Reason } from './commands.ts';
import type { Order, RefusedLine, Reservation, Transfer } from './state.ts';

/** Where a level counts units. `inTransit`: on their way to the place, in a transfer. */
export type LevelBucket = Bucket | 'inTransit';

/** Units at a place. */
export interface Place {
  readonly location: string;
  readonly quantity: number;
}

/** Units that count against what one customer may have. */
export interface CustomerUnits {
  readonly customerId: string;
  readonly quantity: number;
}

/** Preordered units that count against what one channel may promise. */
export interface ChannelUnits {
  readonly channel: string;
  readonly quantity: number;
}

/** What one reservation holds of one item, until an instant. */
export interface Share {
  readonly quantity: number;
  /** Of `quantity`, the units promised that are at no place. */
  readonly backordered: number;
  readonly allocations: readonly Place[];
  /** Of `backordered`, the units that were asked for at one place and wait for units there. */
  readonly bound?: readonly Place[] | undefined;
  /** The channel that the units were promised through before the item's date: they count against its limit of preorders. */
  readonly preorderChannel?: string | undefined;
  /** Milliseconds. */
  readonly expiresAt: number;
}

/** One live hold as a tally counts it. */
export interface Counted {
  readonly units: number;
  readonly expiresAt: number;
}

/** What every fact about a hold says besides the share. */
interface HoldFact extends Share {
  readonly reservationId: string;
  readonly cartId?: string | undefined;
  readonly customerId?: string | undefined;
  readonly channel?: string | undefined;
  /** Whose bounds on live holds it counts against, where such bounds were set: see `Tally`. */
  readonly tallied?: readonly string[] | undefined;
  /** 1 where the reservation is this one share in this log: its record then follows from this fact alone. */
  readonly solo?: 1 | undefined;
  /** 1 where units were left after as many waiting promises were met as one decision may meet. */
  readonly more?: 1 | undefined;
}

/**
 * By channel, '' for none: the thresholds that what is available exceeds although nothing crossed them, because they are
 * new, or because the item has something for the first time.
 */
export type Exceeded = readonly (readonly [channel: string, thresholds: readonly number[]])[];

export type InventoryEvent =
  | Fact<'inventory.item.defined', { sku: string; definition: ItemDefinition; exceeded?: Exceeded }>
  | Fact<'inventory.item.removed', { sku: string }>
  | Fact<'inventory.location.defined', { id: string; definition: LocationDefinition }>
  | Fact<'inventory.location.removed', { id: string }>
  | Fact<
      'inventory.stock.adjusted',
      { location: string; bucket: LevelBucket; change: number; onHand: number; reason: Reason; reference?: string; note?: string; exceeded?: Exceeded }
    >
  | Fact<'inventory.shortfall.detected', { location: string; shortfall: number; onHand: number; promised: number }>
  /** The item was looked at again: of promises that wait more may be met, or it had something for the first time. */
  | Fact<'inventory.item.settled', { sku: string; exceeded?: Exceeded }>
  /** A bundle takes `quantity` units of the item from now on, 0: none; none said: it takes it through another bundle. */
  | Fact<'inventory.item.bundled', { bundle: string; quantity?: number }>
  | Fact<'inventory.threshold.crossed', { threshold: number; direction: 'up' | 'down'; available: number; channel?: string }>
  | Fact<'inventory.reservation.held', HoldFact & { requested?: number | undefined }>
  | Fact<'inventory.reservation.changed', HoldFact & { previous: Share; requested?: number | undefined }>
  | Fact<'inventory.reservation.extended', HoldFact & { previousExpiresAt: number }>
  | Fact<'inventory.reservation.released', HoldFact>
  | Fact<'inventory.reservation.expired', HoldFact>
  | Fact<'inventory.reservation.confirmed', HoldFact & { orderId: string }>
  /** `freed` and `backordered`: which of the order's promises were met; `uncounted`: the item is not tracked and was not on hand. */
  | Fact<
      'inventory.allocation.fulfilled',
      { orderId: string; location: string; quantity: number; onHand: number; uncounted?: 1; freed: readonly Place[]; backordered: number }
    >
  | Fact<'inventory.allocation.restored', { orderId: string; location: string; quantity: number; onHand: number; uncounted?: 1 }>
  | Fact<
      'inventory.allocation.cancelled',
      { orderId: string; location?: string; quantity: number; backordered: number; allocations: readonly Place[]; customers?: readonly CustomerUnits[]; preordered?: readonly ChannelUnits[] }
    >
  /** Units came to an order that waited for them. `since` and `bound` say which of its waiting units: see `Stint`. */
  | Fact<'inventory.allocation.placed', { orderId: string; location?: string; quantity: number; allocations: readonly Place[]; since: number; bound?: string; more?: 1 }>
  /** The record of a reservation over several items, in its home log. */
  | Fact<'inventory.reservation.recorded', { reservation: Reservation }>
  | Fact<'inventory.order.recorded', { order: Order }>
  | Fact<'inventory.holder.tallied', { holder: string; removed?: Counted; added?: Counted }>
  | Fact<'inventory.transfer.recorded', { transfer: Transfer }>
  | Fact<'inventory.cart.bound', { cartId: string; reservations: readonly string[] }>
  /** Lines of an import that were taken in, up to `line`, and those of them that were refused; beside what the others did. */
  | Fact<'inventory.import.advanced', { importId: string; line: number; described: number; adjusted: number; unchanged: number; refused: readonly RefusedLine[] }>;

interface Fact<Type extends string, Data> {
  readonly type: Type;
  readonly key: string;
  readonly time: number;
  readonly data: Data & Acted;
}

/** The API key, by its id, that a movement goes back to. Absent where time or nobody known moved the units. */
interface Acted {
  readonly actor?: string | undefined;
}

export type InventoryEventType = InventoryEvent['type'];
export type HoldEvent = Extract<InventoryEvent, { type: `inventory.reservation.${'held' | 'changed' | 'extended' | 'released' | 'expired' | 'confirmed'}` }>;

/** The facts after which there may be more or fewer of an item to sell. */
export const MOVES_STOCK = [
  'inventory.stock.adjusted',
  'inventory.reservation.held',
  'inventory.reservation.changed',
  'inventory.reservation.released',
  'inventory.reservation.expired',
  'inventory.reservation.confirmed',
  'inventory.allocation.fulfilled',
  'inventory.allocation.restored',
  'inventory.allocation.cancelled',
  'inventory.allocation.placed',
] as const satisfies readonly InventoryEventType[];

/** The facts that leave the house: each is about one item. The others are book-keeping. */
export const PUBLIC_TYPES = [...MOVES_STOCK, 'inventory.reservation.extended', 'inventory.shortfall.detected', 'inventory.threshold.crossed'] as const satisfies readonly InventoryEventType[];

const PUBLIC: ReadonlySet<string> = new Set(PUBLIC_TYPES);
export const isPublic = (type: string): boolean => PUBLIC.has(type);
