/** What people do in the simulated shop: more want than there is, and most change their minds. */
import { below, chance, pick, type Random } from '../../src/base/random.ts';
import type { InventoryCommand } from '../../src/rooms/inventory/inventory.ts';

export const SKUS = ['ant', 'bee', 'cat', 'dog', 'eel'] as const;
export const PLACES = ['main', 'shop'] as const;
const CARTS = ['cart1', 'cart2', 'cart3'];
const ORDERS = ['order1', 'order2', 'order3', 'order4'];
const CUSTOMERS = ['x', 'y'];

const describe = (sku: string, definition: { readonly [member: string]: number }): InventoryCommand => ({ type: 'DefineItem', sku, mode: 'replace', definition });
const stock = (sku: string, location: string, count: number): InventoryCommand => ({ type: 'CountStock', sku, location, bucket: 'sellable', count, reason: 'counted' });

export const SETUP: readonly InventoryCommand[] = [
  { type: 'DefineLocation', id: 'shop', definition: { name: 'Shop', rank: 50, active: true } },
  describe('ant', {}),
  describe('bee', { backorderLimit: 4 }),
  describe('cat', { safetyStock: 1 }),
  describe('dog', { maxPerCustomer: 6 }),
  describe('eel', { backorderLimit: 2, safetyStock: 2 }),
  ...SKUS.flatMap((sku) => PLACES.map((location) => stock(sku, location, 4))),
];

/** What the commands of one run may be about. */
export interface Known {
  readonly holds: readonly string[];
  nextCart(): string;
}

export function someCommand(random: Random, known: Known): InventoryCommand {
  const drawn = below(random, 100);
  const lines = someLines(random);
  const asker = { ...(chance(random, 0.4) ? { customerId: pick(random, CUSTOMERS) } : undefined), ttlSeconds: 1 + below(random, 12) };
  const id = known.holds.length === 0 ? 'res_none' : pick(random, known.holds.slice(-12));
  if (drawn < 45) return { type: 'ReserveStock', lines, cartId: known.nextCart(), ...asker, ...(chance(random, 0.3) ? { partial: true } : undefined) };
  if (drawn < 57) return { type: 'SetCart', cartId: pick(random, CARTS), lines, ...asker };
  if (drawn < 59) return { type: 'ReleaseCart', cartId: pick(random, CARTS) };
  if (drawn < 65) return { type: 'ExtendReservation', id, ttlSeconds: 1 + below(random, 12) };
  if (drawn < 71) return { type: 'ReleaseReservation', id, ...(chance(random, 0.5) ? { lines: [{ sku: pick(random, SKUS), quantity: 1 }] } : undefined) };
  if (drawn < 84) return { type: 'ConfirmReservation', id, ...(chance(random, 0.6) ? { orderId: pick(random, ORDERS) } : undefined), fulfil: chance(random, 0.4) };
  const orderId = pick(random, ORDERS);
  if (drawn < 90) return { type: 'FulfilOrder', orderId, lines: [{ sku: pick(random, SKUS), quantity: 1 }] };
  if (drawn < 93) return { type: 'UnfulfilOrder', orderId, lines: [{ sku: pick(random, SKUS), quantity: 1 }] };
  if (drawn < 96) return { type: 'CancelOrder', orderId };
  return { type: 'CountStock', sku: pick(random, SKUS), location: pick(random, PLACES), bucket: 'sellable', count: below(random, 6), reason: 'counted' };
}

function someLines(random: Random): { sku: string; quantity: number }[] {
  const line = (): { sku: string; quantity: number } => ({ sku: pick(random, SKUS), quantity: 1 + below(random, 3) });
  return chance(random, 0.7) ? [line()] : [line(), line()];
}
