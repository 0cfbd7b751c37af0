/** The resources of the HTTP interface, as they travel. Times are RFC 3339 in UTC, quantities are whole units. */

export interface Money {
  /** Integer of minor units. */
  readonly amount: number;
  /** ISO 4217. */
  readonly currency: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Give it as `cursor` for the next page; null on the last. */
  readonly nextCursor: string | null;
}

export interface Paging {
  /** 1 to 500. */
  readonly limit?: number;
  readonly cursor?: string;
}

export interface LocationInput {
  readonly name: string;
  /** Lower goes first. */
  readonly rank: number;
  readonly lat?: number;
  readonly lon?: number;
  readonly active?: boolean;
}

export interface Location extends LocationInput {
  readonly id: string;
  readonly active: boolean;
  readonly version: number;
}

export type Attributes = Readonly<Record<string, string | number | boolean | null>>;

/** What is left out takes its default in a PUT and stays as it is in a PATCH. */
export interface ItemInput {
  readonly name?: string;
  readonly price?: Money;
  readonly cost?: Money;
  readonly attributes?: Attributes;
  readonly tracked?: boolean;
  readonly safetyStock?: number;
  /** null: no limit. */
  readonly backorderLimit?: number | null;
  readonly channelBuffers?: Readonly<Record<string, number>>;
  readonly thresholds?: readonly number[];
  readonly reservationTtlSeconds?: number;
  readonly components?: readonly QuantityLine[];
  readonly maxPerReservation?: number;
  readonly maxPerCustomer?: number;
  readonly preorder?: { readonly availableFrom: string; readonly limit: number; readonly channelLimits?: Readonly<Record<string, number>> };
}

export interface Item extends ItemInput {
  readonly sku: string;
  readonly tracked: boolean;
  readonly safetyStock: number;
  readonly backorderLimit: number | null;
  readonly reservationTtlSeconds: number;
  readonly version: number;
}

export type Bucket = 'sellable' | 'damaged' | 'qualityControl';
export type Reason = 'received' | 'returned' | 'damaged' | 'lost' | 'found' | 'counted' | 'correction' | 'promotion' | 'transfer' | 'sold' | 'other';

interface AdjustmentNote {
  readonly location?: string;
  readonly reason: Reason;
  readonly reference?: string;
  readonly note?: string;
}

/** A change, a count or a move between buckets. */
export type Adjustment = AdjustmentNote &
  (
    | { readonly change: number; readonly bucket?: Bucket }
    | { readonly count: number; readonly expected?: number; readonly bucket?: Bucket }
    | { readonly move: number; readonly from: Bucket; readonly to: Bucket }
  );

export interface CommandStatus {
  readonly commandId: string;
  readonly status: 'accepted' | 'applied' | 'refused';
  readonly result?: unknown;
  readonly problem?: Readonly<Record<string, unknown>>;
}

export interface LineProblem {
  readonly line: number;
  readonly problem: Readonly<Record<string, unknown>>;
}

export interface BatchAccepted {
  readonly batchId: string;
  readonly accepted: number;
  readonly rejected: readonly LineProblem[];
}

export interface BatchStatus {
  readonly accepted: number;
  readonly applied: number;
  readonly refused: number;
  readonly pending: number;
  readonly refusals: readonly LineProblem[];
}

export interface Level {
  readonly location: string;
  readonly onHand: number;
  readonly allocated: number;
  readonly reserved: number;
  readonly available: number;
}

export interface Availability {
  readonly sku: string;
  readonly onHand: number;
  readonly allocated: number;
  readonly reserved: number;
  readonly backordered: number;
  readonly safetyStock: number;
  readonly net: number;
  readonly available: number;
  /** null: there is no limit. */
  readonly sellable: number | null;
  readonly buckets: { readonly damaged: number; readonly qualityControl: number; readonly inTransit: number };
  readonly locations: readonly Level[];
  readonly version: number;
  readonly asOf: string;
}

export interface Availabilities {
  readonly items: readonly Availability[];
  readonly missing: readonly string[];
}

export interface QuantityLine {
  readonly sku: string;
  readonly quantity: number;
}

export interface PlacedLine extends QuantityLine {
  readonly location?: string;
}

export interface ReservationInput {
  readonly cartId?: string;
  readonly customerId?: string;
  readonly channel?: string;
  /** null: until somebody ends it; needs the scope admin. */
  readonly ttlSeconds?: number | null;
  readonly lines: readonly PlacedLine[];
  readonly strategy?: 'rank' | 'most-stock' | 'nearest';
  readonly near?: { readonly lat: number; readonly lon: number };
  readonly partial?: boolean;
}

/** What is left out stays as it is; null takes a customer, a channel or the end away. */
export interface ReservationChanges extends Partial<Omit<ReservationInput, 'cartId' | 'customerId' | 'channel'>> {
  readonly customerId?: string | null;
  readonly channel?: string | null;
}

/** To another cart, to another location, or both. */
export interface ReservationMove {
  readonly cartId?: string | null;
  readonly location?: string;
  readonly customerId?: string | null;
  readonly channel?: string | null;
}

export interface Share {
  readonly sku: string;
  readonly location: string;
  readonly quantity: number;
}

export interface ReservationLine extends QuantityLine {
  /** What was asked for, where less was granted. */
  readonly requested?: number;
  readonly backordered: number;
  /** What a bundle takes of its components: for one bundle, and units of the line that are at no place. */
  readonly components?: readonly { readonly sku: string; readonly quantity: number; readonly backordered: number }[];
  /** The channel whose limit of preorders the line counts against. */
  readonly preorderChannel?: string;
  /** The place that its backordered units wait for, where one was asked for. */
  readonly location?: string;
  readonly allocations: readonly Share[];
}

export interface Reservation {
  readonly id: string;
  readonly status: 'held' | 'confirmed' | 'released' | 'expired';
  readonly cartId?: string;
  readonly customerId?: string;
  readonly channel?: string;
  readonly orderId?: string;
  readonly lines: readonly ReservationLine[];
  readonly createdAt: string;
  /** null: only somebody ends it. */
  readonly expiresAt: string | null;
  readonly version: number;
}

export interface BatchResult {
  readonly status: number;
  readonly reservation?: Reservation;
  readonly problem?: Readonly<Record<string, unknown>>;
}

export interface OrderLine extends QuantityLine {
  readonly backordered: number;
  readonly fulfilled: number;
  readonly cancelled: number;
  readonly allocations: readonly Share[];
}

export interface Allocation {
  readonly orderId: string;
  readonly status: string;
  readonly version: number;
  readonly lines: readonly OrderLine[];
}

/** A fact as a CloudEvent 1.0. */
export interface Fact {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly sequence: string;
  readonly partitionkey: string;
}

/** Whether an item's facts add up to its levels. */
export interface Check {
  readonly sku: string;
  readonly ok: boolean;
  readonly levels: readonly { readonly location: string; readonly bucket: string; readonly level: number; readonly facts: number; readonly difference: number }[];
  /** Units promised beyond what the limits allow. */
  readonly oversold?: number;
  readonly version: number;
  readonly asOf: string;
}

export interface EventsPage {
  readonly events: readonly Fact[];
  readonly cursor: string;
}

export type Scope = 'read' | 'write' | 'admin';

export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
}

export interface ReadToken {
  readonly token: string;
  readonly expiresAt: string;
}

export interface QueueFigures {
  readonly name: string;
  readonly ready: number;
  readonly scheduled: number;
  readonly inFlight: number;
  readonly deadLettered: number;
  readonly oldestAgeSeconds: number | null;
}

export type TransferStatus = 'draft' | 'in-transit' | 'partially-received' | 'received' | 'cancelled';

export interface TransferInput {
  readonly from: string;
  readonly to: string;
  readonly lines: readonly QuantityLine[];
  readonly reference?: string;
  readonly note?: string;
}

export interface TransferLine extends QuantityLine {
  readonly shipped: number;
  /** So far, all deliveries together. */
  readonly received: number;
  readonly restocked: number;
  readonly writtenOff: number;
}

export interface Transfer {
  readonly id: string;
  readonly status: TransferStatus;
  readonly from: string;
  readonly to: string;
  readonly lines: readonly TransferLine[];
  readonly reference?: string;
  readonly note?: string;
  readonly createdAt: string;
  readonly shippedAt?: string;
  readonly version: number;
}

export interface PatternVerdict {
  readonly matches: boolean;
  /** What the event is missing, each with its place in the event, dots between names. */
  readonly why: readonly { readonly field: string; readonly detail: string }[];
}
