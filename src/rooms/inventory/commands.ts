import type { Json, JsonObject } from '../../base/json.ts';

/** What may be asked of the inventory. Everything here was checked for form at the edge; only business rules remain. */
export type InventoryCommand = Asked &
  (
  | DefineItem
  | RemoveItem
  | DefineLocation
  | RemoveLocation
  | AdjustStock
  | CountStock
  | MoveStock
  | TransferAway
  | ReserveStock
  | SetCart
  | ReleaseCart
  | ExtendReservation
  | EditReservation
  | MoveReservation
  | ReleaseReservation
  | ConfirmReservation
  | ExpireReservation
  | FulfilOrder
  | UnfulfilOrder
  | CancelOrder
  | CreateTransfer
  | ShipTransfer
  | ReceiveTransfer
  | CancelTransfer
  | ImportLines
  | SettleItem
  );

/** Every type of command there is. */
export const COMMANDS = {
  DefineItem: true,
  RemoveItem: true,
  DefineLocation: true,
  RemoveLocation: true,
  AdjustStock: true,
  CountStock: true,
  MoveStock: true,
  TransferAway: true,
  ReserveStock: true,
  SetCart: true,
  ReleaseCart: true,
  ExtendReservation: true,
  EditReservation: true,
  MoveReservation: true,
  ReleaseReservation: true,
  ConfirmReservation: true,
  ExpireReservation: true,
  FulfilOrder: true,
  UnfulfilOrder: true,
  CancelOrder: true,
  CreateTransfer: true,
  ShipTransfer: true,
  ReceiveTransfer: true,
  CancelTransfer: true,
  ImportLines: true,
  SettleItem: true,
} as const satisfies Record<InventoryCommand['type'], true>;

/** Who asks: the id of an API key, never its secret. Nobody where time asks, or the program that Holdfast is part of. */
export interface Asked {
  readonly actor?: string | undefined;
}

export type Bucket = 'sellable' | 'damaged' | 'qualityControl';
export const REASONS = ['received', 'returned', 'damaged', 'lost', 'found', 'counted', 'correction', 'promotion', 'transfer', 'sold', 'other'] as const;
export type Reason = (typeof REASONS)[number];

export interface Money {
  /** Integer of minor units. */
  readonly amount: number;
  readonly currency: string;
}

export interface Component {
  readonly sku: string;
  readonly quantity: number;
}

/** An item as its owner describes it, with every default filled in. */
export interface ItemDefinition {
  readonly name?: string;
  readonly price?: Money;
  readonly cost?: Money;
  readonly attributes?: { readonly [name: string]: string | number | boolean | null };
  readonly tracked: boolean;
  readonly safetyStock: number;
  /** null: no limit. */
  readonly backorderLimit: number | null;
  readonly channelBuffers: { readonly [channel: string]: number };
  readonly thresholds: readonly number[];
  readonly reservationTtlSeconds: number;
  readonly components?: readonly Component[];
  readonly maxPerReservation?: number;
  readonly maxPerCustomer?: number;
  readonly preorder?: { readonly availableFrom: string; readonly limit: number; readonly channelLimits?: { readonly [channel: string]: number } };
}

export const ITEM_DEFAULTS: ItemDefinition = {
  tracked: true,
  safetyStock: 0,
  backorderLimit: 0,
  channelBuffers: {},
  thresholds: [0],
  reservationTtlSeconds: 900,
};

/**
 * `replace` starts from the defaults, `merge` from what is there; a member that is null in a merge goes back to its
 * default. `create` leaves an item that is there as it is. `upsert` merges into what is there, attribute by attribute,
 * or into the defaults.
 */
export interface DefineItem {
  readonly type: 'DefineItem';
  readonly sku: string;
  readonly mode: 'replace' | 'merge' | 'create' | 'upsert';
  readonly definition: { readonly [member: string]: Json | undefined };
  /** Version that the item must have, from If-Match. */
  readonly ifVersion?: number;
}

export interface RemoveItem {
  readonly type: 'RemoveItem';
  readonly sku: string;
  /** What else depends on it, as whoever asks knows from elsewhere. */
  readonly blockers?: readonly JsonObject[];
  readonly ifVersion?: number;
}

export interface LocationDefinition {
  readonly name: string;
  readonly rank: number;
  readonly lat?: number;
  readonly lon?: number;
  readonly active: boolean;
  /** Set while the place is being emptied for good: nothing new comes there. */
  readonly closing?: true;
}

export interface DefineLocation {
  readonly type: 'DefineLocation';
  readonly id: string;
  readonly definition: LocationDefinition;
  readonly ifVersion?: number;
}

/** Only an inactive or empty place can go; the process that empties it looks at every item first. */
export interface RemoveLocation {
  readonly type: 'RemoveLocation';
  readonly id: string;
}

interface StockChange {
  readonly sku: string;
  readonly location: string;
  readonly reason: Reason;
  readonly reference?: string;
  readonly note?: string;
  /** ETag of the item's availability that must still hold, from If-Match. */
  readonly ifEtag?: string;
}

export interface AdjustStock extends StockChange {
  readonly type: 'AdjustStock';
  readonly bucket: Bucket;
  readonly change: number;
}

export interface CountStock extends StockChange {
  readonly type: 'CountStock';
  readonly bucket: Bucket;
  readonly count: number;
  readonly expected?: number;
}

export interface MoveStock extends StockChange {
  readonly type: 'MoveStock';
  readonly move: number;
  readonly from: Bucket;
  readonly to: Bucket;
}

/** Empties one place of an item into another, as a pair of facts. Refused while promises are there. */
export interface TransferAway {
  readonly type: 'TransferAway';
  readonly sku: string;
  readonly from: string;
  readonly to: string;
}

export type Strategy = 'rank' | 'most-stock' | 'nearest';

export interface LineRequest {
  readonly sku: string;
  readonly quantity: number;
  readonly location?: string;
}

export interface HoldRequest {
  readonly customerId?: string;
  readonly channel?: string;
  /** null: until somebody ends it. */
  readonly ttlSeconds?: number | null;
  readonly lines: readonly LineRequest[];
  readonly strategy?: Strategy;
  readonly near?: { readonly lat: number; readonly lon: number };
  readonly partial?: boolean;
}

export interface ReserveStock extends HoldRequest {
  readonly type: 'ReserveStock';
  readonly cartId?: string;
}

export interface SetCart extends HoldRequest {
  readonly type: 'SetCart';
  readonly cartId: string;
  /** Version that the cart's hold must have, from If-Match. */
  readonly ifVersion?: number;
}

export interface ReleaseCart {
  readonly type: 'ReleaseCart';
  readonly cartId: string;
}

export interface ExtendReservation {
  readonly type: 'ExtendReservation';
  readonly id: string;
  /** null: until somebody ends it. */
  readonly ttlSeconds: number | null;
}

/** Changes a hold in place; what is left out stays as it is, null takes a member away. */
export interface EditReservation {
  readonly type: 'EditReservation';
  readonly id: string;
  readonly lines?: readonly LineRequest[];
  readonly customerId?: string | null;
  readonly channel?: string | null;
  readonly ttlSeconds?: number | null;
  readonly strategy?: Strategy;
  readonly near?: { readonly lat: number; readonly lon: number };
  readonly partial?: boolean;
  /** Version that the hold must have, from If-Match. */
  readonly ifVersion?: number;
}

/** Gives a hold to another cart, lets its units lie at another place, or both. */
export interface MoveReservation {
  readonly type: 'MoveReservation';
  readonly id: string;
  /** null: to no cart. */
  readonly cartId?: string | null;
  readonly location?: string;
  readonly customerId?: string | null;
  readonly channel?: string | null;
  readonly ifVersion?: number;
}

export interface QuantityLine {
  readonly sku: string;
  readonly quantity: number;
}

export interface ReleaseReservation {
  readonly type: 'ReleaseReservation';
  readonly id: string;
  readonly lines?: readonly QuantityLine[];
}

export interface ConfirmReservation {
  readonly type: 'ConfirmReservation';
  readonly id: string;
  readonly orderId?: string;
  readonly lines?: readonly QuantityLine[];
  readonly fulfil?: boolean;
}

/** The timer's: writes down that a hold ran out. Does nothing where it did not. */
export interface ExpireReservation {
  readonly type: 'ExpireReservation';
  readonly id: string;
}

export interface ShipmentLine extends QuantityLine {
  readonly location?: string;
}

export interface FulfilOrder {
  readonly type: 'FulfilOrder';
  readonly orderId: string;
  readonly lines: readonly ShipmentLine[];
}

export interface UnfulfilOrder {
  readonly type: 'UnfulfilOrder';
  readonly orderId: string;
  readonly lines: readonly ShipmentLine[];
}

export interface CancelOrder {
  readonly type: 'CancelOrder';
  readonly orderId: string;
  readonly lines?: readonly QuantityLine[];
}

/** Plans to bring units from one place to another. Nothing is set aside for it: what is free is looked at when it leaves. */
export interface CreateTransfer {
  readonly type: 'CreateTransfer';
  readonly from: string;
  readonly to: string;
  readonly lines: readonly QuantityLine[];
  readonly reference?: string;
  readonly note?: string;
}

interface TransferStep {
  readonly id: string;
  /** Version that the transfer must have, from If-Match. */
  readonly ifVersion?: number;
}

export interface ShipTransfer extends TransferStep {
  readonly type: 'ShipTransfer';
}

/** Units of an item that have arrived so far, all deliveries together. */
export interface ReceivedLine {
  readonly sku: string;
  readonly received: number;
}

export interface ReceiveTransfer extends TransferStep {
  readonly type: 'ReceiveTransfer';
  readonly lines: readonly ReceivedLine[];
}

export type Disposition = 'restock' | 'write-off';

export interface CancelTransfer extends TransferStep {
  readonly type: 'CancelTransfer';
  /** What becomes of units that are on their way; needed where there are any. */
  readonly disposition?: Disposition;
}

/** What one line of an import asks for, all of it or nothing. */
export interface ImportLine {
  /** Of the file, from 1. */
  readonly line: number;
  readonly commands: readonly (DefineItem | DefineLocation | AdjustStock | CountStock | MoveStock)[];
}

/**
 * Some lines of an import, each on its own: what is refused of one does not stop the others. How far the import has
 * come is stored with what they did, so that a part that is sent again is done once, however much later.
 */
export interface ImportLines {
  readonly type: 'ImportLines';
  readonly importId: string;
  /** The last line of the file that came before these; an import that is not just there takes nothing. */
  readonly after: number;
  /** The last line of the file that these cover. */
  readonly upTo: number;
  readonly lines: readonly ImportLine[];
}

/** Looks at an item again: meets waiting promises and tells of thresholds crossed, where time or a place has changed what there is. */
export interface SettleItem {
  readonly type: 'SettleItem';
  readonly sku: string;
}
