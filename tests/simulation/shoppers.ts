/** What people do in the simulated shop: more want than there is, and most change their minds. */
import { below, chance, pick, type Random } from '../../src/base/random.ts';
import type { InventoryCommand } from '../../src/rooms/inventory/inventory.ts';

/** What lies on shelves. */
export const SKUS = ['ant', 'bee', 'cat', 'dog', 'eel', 'fox'] as const;
/** And what may be bought: bundles besides, one of them in the other. */
export const SOLD = [...SKUS, 'kit', 'box'] as const;
export const PLACES = ['main', 'shop'] as const;
const CARTS = ['cart1', 'cart2', 'cart3'];
const ORDERS = ['order1', 'order2', 'order3', 'order4'];
const CUSTOMERS = ['x', 'y'];
const CHANNELS = ['web', 'till'];
/** About the middle of a history: most is sold before it. */
const PRESALE_MS = 20_000;

/** What the kit is made of by turns. */
const KITS: readonly { sku: string; quantity: number }[][] = [
  [{ sku: 'ant', quantity: 2 }, { sku: 'bee', quantity: 1 }],
  [{ sku: 'ant', quantity: 1 }, { sku: 'cat', quantity: 1 }],
];

const describe = (sku: string, definition: object): InventoryCommand => ({ type: 'DefineItem', sku, mode: 'replace', definition: { ...definition } });
const stock = (sku: string, location: string, count: number): InventoryCommand => ({ type: 'CountStock', sku, location, bucket: 'sellable', count, reason: 'counted' });

/** What the shop opens with. */
export const setup = (now: number): readonly InventoryCommand[] => [
  { type: 'DefineLocation', id: 'shop', definition: { name: 'Shop', rank: 50, active: true } },
  describe('ant', { thresholds: [0, 3] }),
  describe('bee', { backorderLimit: 4 }),
  describe('cat', { safetyStock: 1, channelBuffers: { web: 1 } }),
  describe('dog', { maxPerCustomer: 6 }),
  describe('eel', { backorderLimit: 2, safetyStock: 2 }),
  describe('fox', { backorderLimit: 1, preorder: { availableFrom: new Date(now + PRESALE_MS).toISOString(), limit: 6, channelLimits: { web: 3 } } }),
  describe('kit', { components: KITS[0] }),
  describe('box', { components: [{ sku: 'kit', quantity: 1 }, { sku: 'fox', quantity: 1 }] }),
  ...SKUS.filter((sku) => sku !== 'fox').flatMap((sku) => PLACES.map((location) => stock(sku, location, 4))),
];

/** What the commands of one run may be about. */
export interface Known {
  readonly holds: readonly string[];
  /** Transfers that were made, and those that were shipped, each with the SKUs of which some is still on its way. */
  readonly drafts: ReadonlySet<string>;
  readonly onWay: ReadonlyMap<string, readonly string[]>;
  nextCart(): string;
}

export function someCommand(random: Random, known: Known): InventoryCommand {
  const drawn = below(random, 100);
  const lines = someLines(random);
  const asker = { ...(chance(random, 0.4) ? { customerId: pick(random, CUSTOMERS) } : undefined), ...(chance(random, 0.3) ? { channel: pick(random, CHANNELS) } : undefined), ttlSeconds: 1 + below(random, 12) };
  const id = known.holds.length === 0 ? 'res_none' : pick(random, known.holds.slice(-12));
  if (drawn < 40) return { type: 'ReserveStock', lines, cartId: known.nextCart(), ...asker, ...(chance(random, 0.3) ? { partial: true } : undefined) };
  if (drawn < 51) return { type: 'SetCart', cartId: pick(random, CARTS), lines, ...asker };
  if (drawn < 53) return { type: 'ReleaseCart', cartId: pick(random, CARTS) };
  if (drawn < 58) return { type: 'ExtendReservation', id, ttlSeconds: 1 + below(random, 12) };
  if (drawn < 63) return { type: 'ReleaseReservation', id, ...(chance(random, 0.5) ? { lines: [{ sku: pick(random, SOLD), quantity: 1 }] } : undefined) };
  if (drawn < 65) return { type: 'EditReservation', id, customerId: pick(random, [...CUSTOMERS, null]), ...(chance(random, 0.5) ? { lines } : { channel: pick(random, [...CHANNELS, null]) }) };
  if (drawn < 67) return { type: 'MoveReservation', id, ...(chance(random, 0.5) ? { location: pick(random, PLACES) } : { cartId: pick(random, [...CARTS, null]) }) };
  if (drawn < 78) return { type: 'ConfirmReservation', id, ...(chance(random, 0.6) ? { orderId: pick(random, ORDERS) } : undefined), fulfil: chance(random, 0.4) };
  const orderId = pick(random, ORDERS);
  if (drawn < 84) return { type: 'FulfilOrder', orderId, lines: [{ sku: pick(random, SOLD), quantity: 1 }] };
  if (drawn < 87) return { type: 'UnfulfilOrder', orderId, lines: [{ sku: pick(random, SOLD), quantity: 1 }] };
  if (drawn < 89) return { type: 'CancelOrder', orderId, ...(chance(random, 0.5) ? { lines: [{ sku: pick(random, SOLD), quantity: 1 }] } : undefined) };
  if (drawn < 90) return { type: 'DefineItem', sku: 'kit', mode: 'merge', definition: { components: pick(random, KITS) } };
  if (drawn < 97) return someTransfer(random, known);
  return { type: 'CountStock', sku: pick(random, SKUS), location: pick(random, PLACES), bucket: 'sellable', count: below(random, 6), reason: 'counted' };
}

/** Goods go from one place to the other, some come in parts, and some get lost. Now and then a step does not fit. */
function someTransfer(random: Random, { drafts, onWay }: Known): InventoryCommand {
  const fits = chance(random, 0.9);
  const draft = drafts.size > 0 ? pick(random, [...drafts].slice(-3)) : undefined;
  const coming = onWay.size > 0 ? pick(random, [...onWay].slice(-2)) : undefined;
  if (coming === undefined && (draft === undefined ? fits : chance(random, 0.3))) {
    const [from, to] = chance(random, 0.5) ? PLACES : [PLACES[1], PLACES[0]];
    const lines = Array.from({ length: chance(random, 0.8) ? 1 : 2 }, () => ({ sku: pick(random, SKUS), quantity: 1 + below(random, 3) }));
    return { type: 'CreateTransfer', from, to, lines };
  }
  const [id, skus] = (fits ? coming : undefined) ?? [draft ?? 'trf_none', SKUS];
  if (coming === undefined ? fits : !fits) return { type: 'ShipTransfer', id };
  return chance(random, 0.85) ? { type: 'ReceiveTransfer', id, lines: [{ sku: pick(random, skus), received: 1 + below(random, 2) }] } : { type: 'CancelTransfer', id, disposition: pick(random, ['restock', 'write-off']) };
}

function someLines(random: Random): { sku: string; quantity: number }[] {
  const line = (): { sku: string; quantity: number } => ({ sku: pick(random, SOLD), quantity: 1 + below(random, 3) });
  return chance(random, 0.7) ? [line()] : [line(), line()];
}
