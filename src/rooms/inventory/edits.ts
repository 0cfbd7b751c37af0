import { must } from '../../base/assert.ts';
import { accepted, refused, type Decision, type Refusal } from '../../base/decision.ts';
import { holdersAfter } from './caps.ts';
import type { EditReservation, HoldRequest, MoveReservation } from './commands.ts';
import type { InventoryEvent, Share } from './events.ts';
import { fillFacts, type Fills } from './backorders.ts';
import { bindCart, changeHold, endOf, extendTo, liveHoldsOf, notHeld, unknownReservation, type Context } from './holds.ts';
import { itemKey } from './keys.ts';
import { HOLDS_PER_CART_MAX } from './limits.ts';
import { askerRefusal, planHold, preorderChannelOf, type Own } from './plan.ts';
import { touched, until } from './records.ts';
import { reservationView, type ReservationView } from './resources.ts';
import { findItem, findReservation, locationsBeside, type Reservation, type ReservationLine, type World } from './state.ts';
import { closeLine, openLine, sharesOf } from './units.ts';

/*
 * A hold that becomes another one. Its own units never stand in its way; whatever the change makes it count against is
 * looked at anew; and where that refuses, the hold stays as it was.
 */

type Held = Decision<InventoryEvent, ReservationView>;

/** What is said about the hold's asker: undefined leaves it, null takes it away. */
type Said = { readonly customerId?: string | null | undefined; readonly channel?: string | null | undefined };

/** Changes lines, customer, channel or end of a hold. Without lines its units stay where they are. */
export function edit(command: EditReservation, world: World, { now, caps }: Context): Held {
  const record = changeable(command, world, now);
  if ('refusal' in record) return { ok: false, refusal: record.refusal };
  const asker = askerAfter(record, command);
  const expiresAt = command.ttlSeconds === undefined ? record.expiresAt : endOf(command.ttlSeconds, now);
  const planned = command.lines ? plannedLines({ ...wishes(command), ...given(asker), lines: command.lines }, record, world, now) : keptLines(record, asker, world, now);
  if ('refusal' in planned) return { ok: false, refusal: planned.refusal };
  if (!command.lines && asker.customerId === record.customerId && asker.channel === record.channel) {
    return expiresAt === record.expiresAt ? accepted([], reservationView(record, now)) : extendTo(expiresAt, record, world, now);
  }
  const after: Reservation = { ...record, ...asker, tallied: holdersAfter(caps, record, asker.customerId), lines: planned.lines, expiresAt, version: record.version + 1 };
  return accepted([...fillFacts(planned.filled, world, now), ...changeHold(record, after, world, now)], reservationView(after, now));
}

/** Moves a hold to another cart, its units to another place, or both. */
export function moveHold(command: MoveReservation, world: World, { now, caps }: Context): Held {
  const record = changeable(command, world, now);
  if ('refusal' in record) return { ok: false, refusal: record.refusal };
  const cartId = command.cartId === undefined ? record.cartId : (command.cartId ?? undefined);
  const target = cartId === undefined || cartId === record.cartId ? [] : liveHoldsOf(cartId, world, now);
  if (target.length >= HOLDS_PER_CART_MAX) return refused('conflict', 'limit-exceeded', `Cart ${cartId} already has ${HOLDS_PER_CART_MAX} holds, the most a cart may have.`);
  // What is not said about the asker is as the target's hold has it.
  const asker = askerAfter(record, { customerId: target[0]?.customerId, channel: target[0]?.channel, ...given(command) });
  const planned = command.location === undefined ? keptLines(record, asker, world, now) : linesAt(command.location, record, asker, world, now);
  if ('refusal' in planned) return { ok: false, refusal: planned.refusal };
  const after: Reservation = { ...record, ...asker, tallied: holdersAfter(caps, record, asker.customerId), cartId, lines: planned.lines, version: record.version + 1 };
  if (isSame(record, after)) return accepted([], reservationView(record, now));
  return accepted([...fillFacts(planned.filled, world, now), ...changeHold(record, after, world, now), ...boundCarts(record, after, world, now)], reservationView(after, now));
}

/** The hold, where there is one that may still be changed and is as it was read. */
function changeable({ id, ifVersion }: { id: string; ifVersion?: number }, world: World, now: number): Reservation | { refusal: Refusal } {
  const record = findReservation(world, id);
  const refusal = notHeld(record, id, now);
  if (!record || refusal) return { refusal: refusal ?? unknownReservation(id) };
  if (ifVersion !== undefined && ifVersion !== record.version) {
    return refused('precondition', 'version-conflict', `Reservation ${id} has changed since it was read. Read it again.`, { version: record.version });
  }
  return touched(record, world);
}

interface Asker {
  readonly customerId: string | undefined;
  readonly channel: string | undefined;
}

function askerAfter(record: Reservation, { customerId, channel }: Said): Asker {
  return { customerId: customerId === undefined ? record.customerId : (customerId ?? undefined), channel: channel === undefined ? record.channel : (channel ?? undefined) };
}

/** The members that were said. */
function given<T extends Said>({ customerId, channel }: T): { [member in 'customerId' | 'channel']?: Exclude<T[member], undefined> } {
  return { ...(customerId === undefined ? undefined : { customerId }), ...(channel === undefined ? undefined : { channel }) } as ReturnType<typeof given<T>>; // what is undefined was left out
}

function wishes({ strategy, near, partial }: EditReservation): Partial<HoldRequest> {
  return { ...(strategy === undefined ? undefined : { strategy }), ...(near === undefined ? undefined : { near }), ...(partial === undefined ? undefined : { partial }) };
}

function ownOf(record: Reservation): Own {
  const shares = new Map<string, readonly Share[]>();
  for (const share of sharesOf(record.lines)) shares.set(share.sku, [until(share, record.expiresAt)]);
  return { shares, reservations: new Set([record.id]) };
}

/** The lines of the hold as it will be, and the older promises that free units go to first. */
interface Planned {
  readonly lines: readonly ReservationLine[];
  readonly filled: readonly Fills[];
}

type Lines = Planned | { readonly refusal: Refusal };

function plannedLines(request: HoldRequest, record: Reservation, world: World, now: number): Lines {
  return planHold(request, world, now, ownOf(record));
}

/** The units stay where they are; only what a new customer or channel may have is looked at. */
function keptLines(record: Reservation, asker: Asker, world: World, now: number): Lines {
  const customer = asker.customerId !== record.customerId;
  const channel = asker.channel !== record.channel;
  if (!customer && !channel) return { lines: record.lines, filled: [] };
  // Bundles as they were made, whatever they are made of by now.
  const request = { ...given(asker), lines: record.lines.flatMap(openLine).map(({ sku, quantity }) => ({ sku, quantity })) };
  const kept: Planned = { lines: channel ? record.lines.map((line) => throughChannel(line, asker.channel, world, now)) : record.lines, filled: [] };
  const refusal = askerRefusal(request, world, now, ownOf(record), { customer, channel });
  return refusal ? { refusal } : kept;
}

/** Units that are promised through another channel from now on count against that one's preorders. */
function throughChannel(line: ReservationLine, channel: string | undefined, world: World, now: number): ReservationLine {
  const through = (sku: string): string | undefined => {
    const item = findItem(world, sku);
    return item && preorderChannelOf(item, channel, now);
  };
  if (!line.components) return { ...line, preorderChannel: through(line.sku) };
  return { ...line, components: line.components.map((component) => ({ ...component, preorderChannel: through(component.sku) })) };
}

/** All units at one place. What had a place must have one there: nothing becomes a backorder by being moved. */
function linesAt(location: string, record: Reservation, asker: Asker, world: World, now: number): Lines {
  const place = locationsBeside(world, itemKey(record.lines[0]?.sku ?? '')).get(location);
  if (!place || place.closing === true) {
    const detail = `There is no location ${location}.`;
    return refused('invalid', 'unknown-location', detail, { errors: [{ pointer: '/location', detail }] });
  }
  const opened = record.lines.flatMap(openLine);
  const plan = plannedLines({ ...given(asker), lines: opened.map(({ sku, quantity }) => ({ sku, quantity, location })) }, record, world, now);
  if ('refusal' in plan) return plan;
  const short = displaced(record.lines, plan.lines, world);
  if (short.length > 0) return refused('conflict', 'insufficient-stock', `There is not enough at ${location}. The hold stays where it is.`, { lines: short });
  const moved = [...plan.lines];
  const lines = record.lines.map((line): ReservationLine => madeOf(line, location, moved.splice(0, line.components?.length ?? 1)));
  return { ...plan, lines };
}

/** A line with its units where they are planned to lie: itself, or what its bundle was made of. */
function madeOf(line: ReservationLine, location: string, planned: readonly ReservationLine[]): ReservationLine {
  if (!line.components) return { ...must(planned[0], 'a line is planned whole'), requested: line.requested };
  const components = line.components.map((component, index) => ({ ...component, preorderChannel: planned[index]?.preorderChannel }));
  return closeLine({ ...line, location, components }, line.quantity, planned);
}

/** Items of which units would lose their place. An item that nobody counts is nowhere anyway. */
function displaced(before: readonly ReservationLine[], after: readonly ReservationLine[], world: World): { sku: string; requested: number; available: number }[] {
  const old = sharesOf(before);
  return sharesOf(after).flatMap(({ sku, quantity, backordered }) => {
    const waited = old.find((share) => share.sku === sku)?.backordered ?? 0;
    if (backordered <= waited || findItem(world, sku)?.definition?.tracked === false) return [];
    return [{ sku, requested: quantity - waited, available: quantity - backordered }];
  });
}

function isSame(before: Reservation, after: Reservation): boolean {
  if (before.cartId !== after.cartId || before.customerId !== after.customerId || before.channel !== after.channel) return false;
  return before.lines === after.lines || JSON.stringify(before.lines) === JSON.stringify(after.lines);
}

function boundCarts(before: Reservation, after: Reservation, world: World, now: number): InventoryEvent[] {
  if (before.cartId === after.cartId) return [];
  const others = (cartId: string): string[] => liveHoldsOf(cartId, world, now).map(({ id }) => id).filter((id) => id !== before.id);
  const left = before.cartId === undefined ? [] : [bindCart(before.cartId, others(before.cartId), now)];
  const joined = after.cartId === undefined ? [] : [bindCart(after.cartId, [...others(after.cartId), after.id], now)];
  return [...left, ...joined];
}
