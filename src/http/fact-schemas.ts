/** What `data` of each fact that leaves the house says. */
import type { TSchema } from 'typebox';
import type { PublicType } from '../distribution/feed/feed.ts';
import { moneyOrNone, step } from './routes/price-schemas.ts';
import { bucket, closed, id, nullable, optional, reason, units } from './schemas.ts';
import { Type } from './type.ts';

const actor = optional(Type.String({ description: 'The id of the API key that it goes back to; absent where time brought it about.' }));
const places = Type.Array(closed({ location: id(), quantity: units() }));

const hold = {
  reservationId: id(),
  cartId: optional(id()),
  quantity: units(),
  backordered: units(),
  allocations: places,
  expiresAt: nullable<string>('string', { format: 'date-time', description: 'null: only somebody ends it.' }),
  orderId: optional(id()),
  actor,
};
const shipment = { orderId: id(), location: optional(id()), quantity: units(), actor };

interface FactSchema {
  readonly summary: string;
  readonly data: TSchema;
}

export const FACTS: Readonly<Record<PublicType, FactSchema>> = {
  'inventory.stock.adjusted': {
    summary: 'Units came, went or were counted at a place.',
    data: closed({ location: id(), bucket: Type.Union([bucket, Type.Literal('inTransit')]), change: Type.Integer(), onHand: Type.Integer({ description: 'In that bucket at that place, afterwards.' }), reason, reference: optional(Type.String()), note: optional(Type.String()), actor }),
  },
  'inventory.shortfall.detected': { summary: 'Less is on hand at a place than is promised there.', data: closed({ location: id(), shortfall: units(1), onHand: Type.Integer(), promised: units() }) },
  'inventory.threshold.crossed': {
    summary: 'What is available crossed a threshold of the item, whatever caused it.',
    data: closed({ threshold: units(), direction: Type.Enum(['up', 'down']), available: units(), channel: optional(id()) }),
  },
  'inventory.reservation.held': { summary: 'Units are held until an instant.', data: closed(hold) },
  'inventory.reservation.changed': { summary: 'A hold has other units from now on.', data: closed(hold) },
  'inventory.reservation.extended': { summary: 'A hold runs out at another instant.', data: closed({ ...hold, previousExpiresAt: hold.expiresAt }) },
  'inventory.reservation.released': { summary: 'Somebody gave held units back.', data: closed(hold) },
  'inventory.reservation.expired': { summary: 'Held units are free because their time was over.', data: closed(hold) },
  'inventory.reservation.confirmed': { summary: 'Held units belong to an order.', data: closed(hold) },
  'inventory.allocation.fulfilled': { summary: 'Units of an order left a place.', data: closed(shipment) },
  'inventory.allocation.restored': { summary: 'Units of an order came back to a place and to the order.', data: closed(shipment) },
  'inventory.allocation.cancelled': { summary: 'Units of an order are free again.', data: closed(shipment) },
  'inventory.allocation.placed': { summary: 'Units that came in went to an order that waited for them.', data: closed({ ...shipment, allocations: places }) },
  'pricing.price.changed': {
    summary: 'An item has another price from now on.',
    data: closed({ before: moneyOrNone, price: moneyOrNone, basePrice: moneyOrNone, policy: nullable<string>('string'), policyVersion: nullable<number>('integer'), why: Type.Array(step), stockVersion: Type.Integer(), degraded: optional(Type.Boolean()), actor }),
  },
  'pricing.policy.changed': { summary: 'A policy was set, rolled back or removed.', data: closed({ policy: id(), version: Type.Integer(), rolledBackTo: optional(Type.Integer()), actor }) },
};
