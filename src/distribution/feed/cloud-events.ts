/**
 * Facts as they leave the house: CloudEvents 1.0 with the extensions `sequence` and `partitionkey`. What `data` says
 * is a promise to outsiders, so each kind lists its members here, and what a room adds for its own books stays inside.
 */
import { rfc3339 } from '../../base/clock.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { instantView, type PUBLIC_TYPES as INVENTORY_TYPES } from '../../rooms/inventory/inventory.ts';
import { readWhy, type PUBLIC_TYPES as PRICING_TYPES } from '../../rooms/pricing/pricing.ts';
import type { EventRecord, LogId, Position } from '../../store/store.ts';

export interface CloudEvent {
  readonly specversion: '1.0';
  readonly id: string;
  /** The room that the fact is of, such as `/inventory`. */
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly data: JsonObject;
  /** Sorts, as text, as the facts of one log follow each other, and so those of one subject. */
  readonly sequence: string;
  readonly partitionkey: string;
}

/** Where a fact stands: its log, its commit, and its place in that commit from 0. */
export interface FactAddress {
  readonly log: LogId;
  readonly position: Position;
  readonly index: number;
}

/** What each room lets out: a type that is missing here, or is none of theirs, breaks the build. */
export type PublicType = (typeof INVENTORY_TYPES | typeof PRICING_TYPES)[number];

const HOLD = ['reservationId', 'cartId', 'quantity', 'backordered', 'allocations', 'expiresAt', 'orderId', 'actor'] as const;
const SHIPMENT = ['orderId', 'location', 'quantity', 'actor'] as const;

/** The members of `data` that outsiders see, in the order they see them. */
export const MEMBERS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    'inventory.stock.adjusted': ['location', 'bucket', 'change', 'onHand', 'reason', 'reference', 'note', 'actor'],
    'inventory.shortfall.detected': ['location', 'shortfall', 'onHand', 'promised'],
    'inventory.threshold.crossed': ['threshold', 'direction', 'available', 'channel'],
    'inventory.reservation.held': HOLD,
    'inventory.reservation.changed': HOLD,
    'inventory.reservation.extended': [...HOLD, 'previousExpiresAt'],
    'inventory.reservation.released': HOLD,
    'inventory.reservation.expired': HOLD,
    'inventory.reservation.confirmed': HOLD,
    'inventory.allocation.fulfilled': SHIPMENT,
    'inventory.allocation.restored': SHIPMENT,
    'inventory.allocation.cancelled': SHIPMENT,
    'inventory.allocation.placed': [...SHIPMENT, 'allocations'],
    'pricing.price.changed': ['before', 'price', 'basePrice', 'policy', 'policyVersion', 'why', 'stockVersion', 'degraded', 'actor'],
    'pricing.policy.changed': ['policy', 'version', 'rolledBackTo', 'actor'],
  } as const satisfies Record<PublicType, readonly string[]>),
);

/** Members that are milliseconds in the log and text outside. */
const INSTANTS: ReadonlySet<string> = new Set(['expiresAt', 'previousExpiresAt']);

/** 2^43 positions need 13 digits; a commit of 20,000 commands with 500 lines each needs 8. */
const POSITION_DIGITS = 13;
const INDEX_DIGITS = 8;

/** Whether a fact leaves the house at all. */
export function leavesTheHouse(record: EventRecord): boolean {
  return MEMBERS.has(record.type);
}

/** What a public fact is about: its key without the letter that says the kind of key. */
export function subjectOf(record: EventRecord): string {
  return record.key.slice(2);
}

/** A public fact as others see it. */
export function toCloudEvent(record: EventRecord, at: FactAddress): CloudEvent {
  const subject = subjectOf(record);
  return {
    specversion: '1.0',
    id: `${at.log}-${at.position}-${at.index}`,
    source: sourceOf(record.type),
    type: record.type,
    subject,
    time: rfc3339(record.time),
    datacontenttype: 'application/json',
    data: dataOf(record),
    sequence: `${String(at.position).padStart(POSITION_DIGITS, '0')}-${String(at.index).padStart(INDEX_DIGITS, '0')}`,
    partitionkey: subject,
  };
}

function sourceOf(type: string): string {
  return `/${type.slice(0, type.indexOf('.'))}`;
}

function dataOf({ type, data }: EventRecord): JsonObject {
  const shown: Record<string, Json> = {};
  for (const member of MEMBERS.get(type) ?? []) {
    const value = data[member];
    if (value === undefined) continue;
    shown[member] = viewOf(member, value);
  }
  return shown;
}

function viewOf(member: string, value: Json): Json {
  if (INSTANTS.has(member) && typeof value === 'number') return instantView(value);
  return member === 'why' ? (readWhy(value as string) as unknown as Json) : value; // steps are plain JSON; interfaces lack its index signature
}
