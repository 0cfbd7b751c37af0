import type { TSchema } from 'typebox';
import { limits, REASONS } from '../rooms/inventory/inventory.ts';
import { PAGE_DEFAULT, PAGE_MAX } from './limits.ts';
import { Type } from './type.ts';

/** Shapes of the interface that several routes share. A schema with a title becomes a component of the OpenAPI document. */

/** An object that takes these members and no other. */
export function closed<Members extends Record<string, TSchema>>(members: Members, options: { title?: string; description?: string } = {}) {
  return Type.Object(members, { ...options, additionalProperties: false });
}

export const id = (description?: string) => Type.String({ format: 'holdfast-id', ...(description === undefined ? {} : { description }) });
export const text = (maxLength: number) => Type.String({ maxLength, format: 'holdfast-text' });
export const instant = () => Type.String({ format: 'date-time' });
export const units = (minimum = 0) => Type.Integer({ minimum, maximum: limits.QUANTITY_MAX });
export const lineUnits = () => units(limits.LINE_QUANTITY_MIN);
export const optional = Type.Optional;
/** A map from names to values, without the names that mean something to JavaScript. */
const NAME = '^(?!(?:__proto__|constructor|prototype)$)[^\\u0000-\\u001f\\u007f/]{1,128}$';
export const mapOf = <Value extends TSchema>(value: Value, maxProperties: number) => Type.Record(Type.String({ pattern: NAME }), value, { additionalProperties: false, maxProperties });
export const nullable = <T>(type: 'integer' | 'string' | 'number', rest: object = {}) => Type.Unsafe<T | null>({ type: [type, 'null'], ...rest });

export const money = closed(
  { amount: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), currency: Type.String({ pattern: '^[A-Z]{3}$' }) },
  { title: 'Money', description: 'Integer of minor units, and ISO 4217.' },
);

export const bucket = Type.Enum(['sellable', 'damaged', 'qualityControl']);
export const reason = Type.Enum([...REASONS]);
export const channel = () => id('A sales channel.');

export const attributes = mapOf(Type.Unsafe<string | number | boolean | null>({ type: ['string', 'number', 'boolean', 'null'], maxLength: 2_000 }), limits.ATTRIBUTES_MAX);

export const problemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.String({ description: 'Stable, in kebab-case.' }),
    requestId: Type.String(),
    errors: optional(Type.Array(Type.Object({ pointer: Type.String(), detail: Type.String(), in: optional(Type.Enum(['path', 'query', 'header'])) }))),
  },
  { title: 'Problem', description: 'RFC 9457. Further members name what failed.' },
);

export const allocation = closed({ sku: id(), location: id(), quantity: units() });

/** What a line of a bundle takes of one item: for one bundle, and how many units of the line are at no place. */
const linePart = closed({ sku: id(), quantity: units(), backordered: units(), preorderChannel: optional(id()) }, { title: 'LinePart' });

export const reservation = closed(
  {
    id: id(),
    status: Type.Enum(['held', 'confirmed', 'released', 'expired']),
    cartId: optional(id()),
    customerId: optional(id()),
    channel: optional(id()),
    orderId: optional(id()),
    lines: Type.Array(closed({ sku: id(), quantity: units(), requested: optional(units()), backordered: units(), components: optional(Type.Array(linePart)), preorderChannel: optional(id()), location: optional(id()), allocations: Type.Array(allocation) })),
    createdAt: instant(),
    expiresAt: nullable<string>('string', { format: 'date-time', description: 'null: only somebody ends it.' }),
    version: Type.Integer(),
  },
  { title: 'Reservation' },
);

export const order = closed(
  {
    orderId: id(),
    status: Type.Enum(['allocated', 'partially-fulfilled', 'fulfilled', 'cancelled']),
    version: Type.Integer(),
    lines: Type.Array(
      closed({ sku: id(), quantity: Type.Integer({ description: 'Outstanding.' }), backordered: Type.Integer(), fulfilled: Type.Integer(), cancelled: Type.Integer(), allocations: Type.Array(allocation), components: optional(Type.Array(linePart)) }),
    ),
  },
  { title: 'Allocation' },
);

export const availability = closed(
  {
    sku: id(),
    location: optional(id()),
    onHand: Type.Integer(),
    allocated: Type.Integer(),
    reserved: Type.Integer(),
    backordered: Type.Integer(),
    safetyStock: Type.Integer(),
    net: Type.Integer(),
    available: Type.Integer(),
    sellable: nullable<number>('integer', { description: 'null: nothing limits it.' }),
    buckets: closed({ damaged: Type.Integer(), qualityControl: Type.Integer(), inTransit: Type.Integer() }),
    locations: Type.Array(closed({ location: id(), onHand: Type.Integer(), allocated: Type.Integer(), reserved: Type.Integer(), available: Type.Integer() })),
    version: Type.Integer(),
    asOf: instant(),
  },
  { title: 'Availability' },
);

const preorder = closed(
  { availableFrom: instant(), limit: units(), channelLimits: optional(mapOf(units(), limits.CHANNELS_MAX)) },
  { title: 'Preorder', description: 'Until its date the limit stands in for backorderLimit, and a channel promises no more than its own.' },
);

const definitionMembers = {
  name: text(500),
  price: money,
  cost: money,
  attributes,
  tracked: Type.Boolean(),
  safetyStock: units(),
  backorderLimit: nullable<number>('integer', { minimum: 0, maximum: limits.QUANTITY_MAX }),
  channelBuffers: mapOf(units(), limits.CHANNELS_MAX),
  thresholds: Type.Array(units(), { maxItems: limits.THRESHOLDS_MAX, uniqueItems: true }),
  reservationTtlSeconds: Type.Integer({ minimum: limits.TTL_SECONDS_MIN, maximum: limits.TTL_SECONDS_MAX }),
  maxPerReservation: units(1),
  maxPerCustomer: units(1),
  preorder,
  components: Type.Array(closed({ sku: id(), quantity: units(1) }), { maxItems: limits.COMPONENTS_MAX, description: 'What one unit is made of: a bundle, which has no stock of its own.' }),
};

export const itemInput = Type.Partial(closed(definitionMembers, { title: 'ItemInput' }), { title: 'ItemInput', additionalProperties: false });
export const item = closed(
  {
    sku: id(),
    ...Object.fromEntries(Object.entries(definitionMembers).map(([name, schema]) => [name, optional(schema)])),
    version: Type.Integer(),
  },
  { title: 'Item' },
);

/** As the input of a PUT, and each member may be null: back to its default. */
export const itemChanges = Type.Object(
  Object.fromEntries(Object.entries(definitionMembers).map(([name, schema]) => [name, optional(name === 'backorderLimit' ? schema : Type.Union([schema, Type.Null()]))])),
  { title: 'ItemChanges', additionalProperties: false },
);

export const locationInput = closed(
  {
    name: text(200),
    rank: Type.Integer({ minimum: 0, maximum: limits.QUANTITY_MAX }),
    lat: optional(Type.Number({ minimum: -90, maximum: 90 })),
    lon: optional(Type.Number({ minimum: -180, maximum: 180 })),
    active: optional(Type.Boolean()),
  },
  { title: 'LocationInput' },
);
export const location = closed(
  { id: id(), name: Type.String(), rank: Type.Integer(), lat: optional(Type.Number()), lon: optional(Type.Number()), active: Type.Boolean(), version: Type.Integer() },
  { title: 'Location' },
);

export const accepted = closed({ commandId: id(), status: Type.Literal('accepted') }, { title: 'Accepted' });
export const applied = closed({ commandId: id(), status: Type.Literal('applied'), result: Type.Unknown() }, { title: 'Applied', description: 'Accepted work that was done within the wait asked for.' });
export const lineProblem = closed({ line: Type.Integer({ minimum: 1 }), problem: problemSchema });
export const cloudEvent = closed(
  {
    specversion: Type.Literal('1.0'),
    id: Type.String(),
    source: Type.String(),
    type: Type.String(),
    subject: Type.String(),
    time: instant(),
    datacontenttype: Type.Literal('application/json'),
    data: Type.Unsafe<Readonly<Record<string, unknown>>>({ type: 'object' }),
    sequence: Type.String({ description: 'Sorts as the facts of one subject follow each other.' }),
    partitionkey: Type.String(),
  },
  { title: 'CloudEvent' },
);

export const listOf = <Item extends TSchema>(one: Item, title: string) => closed({ items: Type.Array(one), nextCursor: nullable<string>('string') }, { title });

/** The members of a query that pages through a list. */
export const paging = {
  limit: optional(Type.Integer({ minimum: 1, maximum: PAGE_MAX, default: PAGE_DEFAULT })),
  cursor: optional(Type.String({ maxLength: 2_048, description: 'The nextCursor of the page before.' })),
};
