/** Holds: made, changed in place, given back, moved, and made an order's. */
import type { InventoryCommand } from '../commands.ts';
import { NEVER } from '../never.ts';
import { skusOf, unitsOf, waitingUnits, without, type Asked, type Line } from './lines.ts';
import { addToOrder, ship } from './orders.ts';
import { isOverLimit, plan, planAsMade, type Wish } from './plan.ts';
import type { Hold, Shop } from './shop.ts';
import { planBehindOlder, waitsNow } from './waiting.ts';

type Of<Type extends InventoryCommand['type']> = Extract<InventoryCommand, { type: Type }>;

/** Names that the room made up for a hold and for an order. */
export interface HoldNames {
  readonly hold?: string | undefined;
  readonly order?: string | undefined;
}

/** When a hold ends that is asked for now. */
function ends(shop: Shop, ttlSeconds: number | null | undefined, lines: Wish['lines']): number {
  if (ttlSeconds === null) return NEVER;
  return shop.now + 1000 * (ttlSeconds ?? Math.min(...lines.map(({ sku }) => shop.item(sku).reservationTtlSeconds)));
}

function planned(shop: Shop, wish: Wish, own: readonly Hold[]): Line[] | string {
  const skus = wish.lines.flatMap(({ sku }) => (shop.items.has(sku) ? shop.open(sku).map((part) => part.sku) : []));
  return planBehindOlder(shop, skus, own, (aside) => plan(shop, wish, aside));
}

export function makeHold(shop: Shop, wish: Of<'ReserveStock'> | Of<'SetCart'>, names: HoldNames): string {
  const lines = planned(shop, wish, []);
  if (typeof lines === 'string') return lines;
  const { cartId, customerId, channel } = wish;
  const hold: Hold = { id: names.hold ?? '', status: 'held', cartId, customerId, channel, lines, expiresAt: ends(shop, wish.ttlSeconds, wish.lines), since: new Map() };
  waitsNow(shop, hold);
  shop.holds.push(hold);
  return 'ok';
}

export function setCart(shop: Shop, wish: Of<'SetCart'>, names: HoldNames): string {
  const own = shop.cartHolds(wish.cartId);
  const [first, ...others] = own;
  if (!first) return makeHold(shop, wish, names);
  const { customerId = first.customerId, channel = first.channel } = wish;
  const lines = planned(shop, { ...wish, customerId, channel }, own);
  if (typeof lines === 'string') return lines;
  const expiresAt = first.expiresAt === NEVER && wish.ttlSeconds === undefined ? NEVER : ends(shop, wish.ttlSeconds, wish.lines);
  becomes(shop, first, { lines, customerId, channel, expiresAt });
  for (const other of others) other.status = 'released';
  return 'ok';
}

/** Whoever asks for another customer waits anew. */
function becomes(shop: Shop, hold: Hold, after: Partial<Hold> & Pick<Hold, 'customerId'>): void {
  if (hold.customerId !== after.customerId) hold.since.clear();
  Object.assign(hold, after);
  waitsNow(shop, hold);
}

/** The hold that a command names, or why nothing may be done to it. */
function changeable(shop: Shop, id: string): Hold | string {
  const hold = shop.holds.find((one) => one.id === id);
  if (!hold) return 'unknown-reservation';
  return shop.live(hold) ? hold : `reservation-${hold.status === 'held' ? 'expired' : hold.status}`;
}

export function extend(shop: Shop, { id, ttlSeconds }: Of<'ExtendReservation'>): string {
  const hold = changeable(shop, id);
  if (typeof hold === 'string') return hold;
  hold.expiresAt = ends(shop, ttlSeconds, []);
  return 'ok';
}

export function release(shop: Shop, { id, lines }: Of<'ReleaseReservation'>): string {
  const hold = changeable(shop, id);
  if (typeof hold === 'string') return hold;
  const kept = lines === undefined ? [] : without(hold.lines, lines);
  if (!kept) return 'exceeds-reserved';
  if (kept.length === 0) hold.status = 'released';
  else hold.lines = kept;
  waitsNow(shop, hold);
  return 'ok';
}

export function confirm(shop: Shop, command: Of<'ConfirmReservation'>, names: HoldNames): string {
  const hold = changeable(shop, command.id);
  if (typeof hold === 'string') return hold;
  const kept = command.lines === undefined ? [] : without(hold.lines, command.lines);
  if (!kept) return 'exceeds-reserved';
  const lines = without(hold.lines, kept.map(({ sku, quantity }) => ({ sku, quantity }))) as Line[]; // what is kept was there
  const orderId = command.orderId ?? names.order ?? '';
  const order = addToOrder(shop.orders.get(orderId), hold, lines);
  if (order === 'made otherwise') return 'in-use';
  if (command.fulfil === true && !ship(shop, order, lines.flatMap((line) => shippedAtOnce(shop, line)), 'own-only')) return 'insufficient-on-hand';
  shop.orders.set(orderId, order);
  Object.assign(hold, { lines, status: 'confirmed' });
  return 'ok';
}

/** What has a place leaves from there; of a bundle, those that nothing is missing of. Nobody counts what is not tracked. */
function shippedAtOnce(shop: Shop, { sku, quantity, parts }: Line): { sku: string; quantity: number; location?: string }[] {
  const counted = parts.filter((part) => shop.item(part.sku).tracked);
  const [only] = parts;
  if (only && only.sku === sku) return [...only.at.map((place) => ({ sku, ...place })), ...(counted.length === 0 ? [{ sku, quantity: only.backordered }] : [])];
  return [{ sku, quantity: Math.min(quantity, ...counted.map((part) => Math.floor((part.quantity - part.backordered) / part.each))) }];
}

/** What a new customer or channel may not have of units that are held already, as they were made. */
function askerCode(shop: Shop, hold: Hold, { customerId, channel }: { customerId: string | undefined; channel: string | undefined }): string {
  const aside = new Set([hold.id]);
  const skus = [...skusOf(hold.lines)];
  if (customerId !== hold.customerId && skus.some((sku) => isOverLimit(shop, sku, unitsOf(hold.lines, sku), customerId, aside))) return 'limit-exceeded';
  if (channel !== hold.channel && skus.some((sku) => unitsOf(hold.lines, sku) > shop.sellable(sku, channel, aside))) return 'insufficient-stock';
  return 'ok';
}

/** Units that a hold keeps count against the preorders of the channel that it is sold through now. */
function throughChannel(shop: Shop, hold: Hold, channel: string | undefined): void {
  if (channel === hold.channel) return;
  for (const { parts } of hold.lines) for (const part of parts) part.through = shop.isPreordered(part.sku) ? channel : undefined;
}

export function edit(shop: Shop, command: Of<'EditReservation'>): string {
  const hold = changeable(shop, command.id);
  if (typeof hold === 'string') return hold;
  const customerId = command.customerId === undefined ? hold.customerId : (command.customerId ?? undefined);
  const channel = command.channel === undefined ? hold.channel : (command.channel ?? undefined);
  const expiresAt = command.ttlSeconds === undefined ? hold.expiresAt : ends(shop, command.ttlSeconds, []);
  if (command.lines === undefined) {
    const code = askerCode(shop, hold, { customerId, channel });
    if (code !== 'ok') return code;
    throughChannel(shop, hold, channel);
    becomes(shop, hold, { customerId, channel, expiresAt });
    return 'ok';
  }
  const { strategy, partial } = command;
  const lines = planned(shop, { lines: command.lines, customerId, channel, strategy, partial }, [hold]);
  if (typeof lines === 'string') return lines;
  becomes(shop, hold, { customerId, channel, expiresAt, lines });
  return 'ok';
}

export function moveHold(shop: Shop, command: Of<'MoveReservation'>): string {
  const hold = changeable(shop, command.id);
  if (typeof hold === 'string') return hold;
  const cartId = command.cartId === undefined ? hold.cartId : (command.cartId ?? undefined);
  const there = cartId === hold.cartId ? undefined : shop.cartHolds(cartId)[0];
  const asker = { customerId: there?.customerId ?? hold.customerId, channel: there?.channel ?? hold.channel };
  const lines = command.location === undefined ? staying(shop, hold, asker) : linesAt(shop, hold, command.location, asker);
  if (typeof lines === 'string') return lines;
  const joins = cartId !== hold.cartId;
  becomes(shop, hold, { ...asker, cartId, lines });
  // The oldest hold of a cart is the one that it changes; a hold that joins comes last.
  if (joins) shop.holds = [...shop.holds.filter((other) => other !== hold), hold];
  return 'ok';
}

type Asker = Pick<Hold, 'customerId' | 'channel'>;

function staying(shop: Shop, hold: Hold, asker: Asker): Line[] | string {
  const code = askerCode(shop, hold, asker);
  if (code !== 'ok') return code;
  throughChannel(shop, hold, asker.channel);
  return hold.lines;
}

/** All units of a hold, as they were made, at one place: none of those that have a place becomes one that waits. */
function linesAt(shop: Shop, hold: Hold, location: string, asker: Asker): Line[] | string {
  if (!shop.places.has(location)) return 'unknown-location';
  const asked = hold.lines.map((line): Asked => ({ ...line, location }));
  return planBehindOlder(shop, skusOf(hold.lines), [hold], (aside) => {
    const lines = planAsMade(shop, asked, asker, aside);
    if (typeof lines === 'string') return lines;
    const displaced = [...skusOf(lines)].some((sku) => shop.item(sku).tracked && waitingUnits(lines, sku) > waitingUnits(hold.lines, sku));
    return displaced ? 'insufficient-stock' : lines.map((line, index) => ({ ...line, requested: hold.lines[index]?.requested }));
  });
}
