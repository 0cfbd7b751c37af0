import { must } from '../../base/assert.ts';
import { accepted, refused, type Decision } from '../../base/decision.ts';
import type { Ids } from '../../base/ids.ts';
import { fillFacts } from './backorders.ts';
import { holdersAfter, holdersOf, type HoldCaps } from './caps.ts';
import type { Asked, ExpireReservation, ExtendReservation, HoldRequest, ReleaseCart, ReleaseReservation, ReserveStock, SetCart } from './commands.ts';
import type { HoldEvent, InventoryEvent, Share } from './events.ts';
import { cartKey, itemKey, logOfKey } from './keys.ts';
import { HOLDS_PER_CART_MAX } from './limits.ts';
import { NEVER } from './never.ts';
import { planHold, type Plan } from './plan.ts';
import { holdFact, NOTHING_MORE, recorded, soloed, touched, until, withRecord } from './records.ts';
import { findCart, findReservation, statusOf, type Reservation, type World } from './state.ts';
import { sharesOf, splitOff, type ItemShare } from './units.ts';
import { reservationView, type ReservationView } from './resources.ts';

/** What a decision may use besides the states: the instant, and names for new things. */
export interface Context {
  readonly now: number;
  readonly ids: Ids;
  /** Bounds on what one customer or one API key may hold at a time, where there are any. */
  readonly caps?: HoldCaps | undefined;
}

type Held = Decision<InventoryEvent, ReservationView>;
/** `created` tells a new hold from a changed one. */
export interface CartAnswer {
  readonly created: boolean;
  readonly reservation: ReservationView;
}

/** Sets stock aside, or says what is missing and sets nothing aside. */
export function reserve(command: ReserveStock & Asked, world: World, context: Context): Held {
  const plan = planHold(command, world, context.now);
  if ('refusal' in plan) return { ok: false, refusal: plan.refusal };
  return newHold(command, plan, world, context);
}

/** Makes the cart hold exactly these lines: changes the hold it has, or makes one. */
export function setCart(command: SetCart & Asked, world: World, context: Context): Decision<InventoryEvent, CartAnswer> {
  const live = liveHoldsOf(command.cartId, world, context.now);
  const shares = new Map<string, Share[]>();
  for (const hold of live) {
    for (const share of sharesOf(hold.lines)) shares.set(share.sku, [...(shares.get(share.sku) ?? []), until(share, hold.expiresAt)]);
  }
  const [first, ...others] = live;
  if (command.ifVersion !== undefined && command.ifVersion !== first?.version) {
    return refused('precondition', 'version-conflict', `Cart ${command.cartId} has changed since it was read. Read it again.`, first && { version: first.version });
  }
  // What the request does not say about its asker is as the cart's hold has it, for limits and buffers too.
  const { customerId = first?.customerId, channel = first?.channel } = command;
  const request = { ...command, ...(customerId === undefined ? undefined : { customerId }), ...(channel === undefined ? undefined : { channel }) };
  const plan = planHold(request, world, context.now, { shares, reservations: new Set(live.map(({ id }) => id)) });
  if ('refusal' in plan) return { ok: false, refusal: plan.refusal };
  if (!first) {
    const made = newHold(command, plan, world, context);
    return made.ok ? accepted(made.events, { created: true, reservation: made.answer }) : made;
  }
  // A shopper who goes on shopping does not end what an operator promised.
  const expiresAt = first.expiresAt === NEVER && command.ttlSeconds === undefined ? NEVER : expiry(command, plan, context.now);
  const after: Reservation = { ...first, customerId, channel, lines: plan.lines, expiresAt, tallied: holdersAfter(context.caps, first, customerId), version: first.version + 1 };
  // What the others gave up is free before the first takes it: read one after another the facts never promise too much.
  const events = [...others.flatMap((hold) => closeHold(hold, 'released', world, context.now)), ...fillFacts(plan.filled, world, context.now), ...changeHold(first, after, world, context.now)];
  if (others.length > 0) events.push(bindCart(command.cartId, [first.id], context.now));
  return accepted(events, { created: false, reservation: reservationView(after, context.now) });
}

/** Frees everything that a cart holds. */
export function releaseCart(command: ReleaseCart, world: World, { now }: Context): Decision<InventoryEvent, { released: number }> {
  const live = liveHoldsOf(command.cartId, world, now);
  const events = live.flatMap((hold) => closeHold(hold, 'released', world, now));
  if (live.length > 0) events.push(bindCart(command.cartId, [], now));
  return accepted(events, { released: live.length });
}

/** The hold runs out at now + ttl, be that later or sooner. What ran out already is not brought back. */
export function extend(command: ExtendReservation, world: World, { now }: Context): Held {
  const record = findReservation(world, command.id);
  const refusal = notHeld(record, command.id, now);
  if (!record || refusal) return { ok: false, refusal: refusal ?? unknownReservation(command.id) };
  touched(record, world);
  return extendTo(endOf(command.ttlSeconds, now), record, world, now);
}

export function extendTo(expiresAt: number, record: Reservation, world: World, now: number): Held {
  const after = { ...record, expiresAt, version: record.version + 1 };
  const facts = sharesOf(record.lines).map((share) => holdFact('inventory.reservation.extended', after, share, now, { previousExpiresAt: record.expiresAt }));
  return accepted(withRecord(facts, after, world, now), reservationView(after, now));
}

/** Gives back all of a hold or some units of it: those at no place first, then from the place chosen last. */
export function release(command: ReleaseReservation, world: World, { now }: Context): Held {
  const record = findReservation(world, command.id);
  const refusal = notHeld(record, command.id, now);
  if (!record || refusal) return { ok: false, refusal: refusal ?? unknownReservation(command.id) };
  if (!command.lines) {
    const after: Reservation = { ...record, status: 'released', version: record.version + 1 };
    return accepted(closeHold(record, 'released', world, now), reservationView(after, now));
  }
  const split = splitOff(touched(record, world).lines, command.lines);
  if ('excess' in split) return refused('conflict', 'exceeds-reserved', 'More was asked to be released than is held.', { lines: split.excess });
  if (split.kept.length === 0) {
    const after: Reservation = { ...record, status: 'released', version: record.version + 1 };
    return accepted(closeHold(record, 'released', world, now), reservationView(after, now));
  }
  const after: Reservation = { ...record, lines: split.kept, version: record.version + 1 };
  return accepted(withRecord(releasedFacts(record, split.split, now), after, world, now, record), reservationView(after, now));
}

/** Writes down that a hold ran out; nothing where it did not. */
export function expire(command: ExpireReservation, world: World, { now }: Context): Decision<InventoryEvent, null> {
  const record = findReservation(world, command.id);
  if (record?.status !== 'held' || record.expiresAt > now) return accepted([], null);
  return accepted(closeHold(record, 'expired', world, now), null);
}

export function liveHoldsOf(cartId: string, world: World, now: number): Reservation[] {
  const live: Reservation[] = [];
  for (const id of findCart(world, cartId)?.reservations ?? []) {
    const record = findReservation(world, id);
    if (record?.status === 'held' && record.expiresAt > now) live.push(touched(record, world));
  }
  return live;
}

/** The refusal for whatever cannot be done to a hold that is over. */
export function notHeld(record: Reservation | undefined, id: string, now: number): ReturnType<typeof unknownReservation> | undefined {
  if (!record) return unknownReservation(id);
  const status = statusOf(record, now);
  if (status === 'held') return undefined;
  return refused('conflict', `reservation-${status}`, `Reservation ${id} is ${status} and can no longer be changed.`).refusal;
}

export function unknownReservation(id: string): ReturnType<typeof refused>['refusal'] {
  return refused('not-found', 'unknown-reservation', `There is no reservation ${id}.`).refusal;
}

function newHold(command: HoldRequest & Asked & { readonly cartId?: string }, plan: Plan, world: World, { now, ids, caps }: Context): Held {
  const [line] = plan.lines;
  const home = logOfKey(itemKey(must(line, 'a plan has a line').sku), world.partitions);
  const record: Reservation = {
    id: ids.next('res', now, home),
    status: 'held',
    cartId: command.cartId,
    customerId: command.customerId,
    channel: command.channel,
    orderId: undefined,
    tallied: caps === undefined ? undefined : holdersOf(caps, command.customerId, command.actor),
    lines: plan.lines,
    createdAt: now,
    expiresAt: expiry(command, plan, now),
    version: 1,
  };
  const requested = plan.lines.length === 1 && !line?.components ? line?.requested : undefined;
  const facts = plan.shares.map((share) => holdFact('inventory.reservation.held', record, share, now, requested === undefined ? NOTHING_MORE : { requested }));
  // A new reservation lives in the log of its first item.
  const own = plan.lines.length === 1 && !line?.components ? soloed(facts) : withRecord(facts, record, world, now);
  const events = plan.filled.length === 0 ? own : [...fillFacts(plan.filled, world, now), ...own];
  if (command.cartId === undefined) return accepted(events, reservationView(record, now));
  const holds = liveHoldsOf(command.cartId, world, now).map((hold) => hold.id);
  if (holds.length >= HOLDS_PER_CART_MAX) {
    return refused('conflict', 'limit-exceeded', `Cart ${command.cartId} already has ${HOLDS_PER_CART_MAX} holds, the most a cart may have.`);
  }
  events.push(bindCart(command.cartId, [...holds, record.id], now));
  return accepted(events, reservationView(record, now));
}

/** The facts of a hold that becomes another: changed where it keeps an item, released and held where it does not. */
export function changeHold(before: Reservation, after: Reservation, world: World, now: number): InventoryEvent[] {
  touched(before, world);
  touched(after, world);
  const old = sharesOf(before.lines);
  const shares = sharesOf(after.lines);
  const sameCustomer = before.customerId === after.customerId;
  const kept = (share: ItemShare, among: readonly ItemShare[]): ItemShare | undefined => (sameCustomer ? among.find((other) => other.sku === share.sku) : undefined);
  const gone = old.filter((share) => !kept(share, shares)).map((share) => holdFact('inventory.reservation.released', before, share, now));
  const there = shares.map((share) => {
    const previous = kept(share, old);
    if (!previous) return holdFact('inventory.reservation.held', after, share, now);
    return holdFact('inventory.reservation.changed', after, share, now, { previous: until(previous, before.expiresAt) });
  });
  const facts: HoldEvent[] = [...gone, ...there];
  const followsFromFact = facts.length === 1 && facts[0]?.type === 'inventory.reservation.changed' && before.channel === after.channel && before.cartId === after.cartId && after.lines[0]?.requested === undefined;
  return followsFromFact ? withRecord(facts, after, world, now, before) : [...facts, recorded(after, now)];
}

/** Ends a hold: every item gets its units back. */
export function closeHold(record: Reservation, status: 'released' | 'expired', world: World, now: number): InventoryEvent[] {
  touched(record, world);
  const facts = sharesOf(record.lines).map((share) => holdFact(`inventory.reservation.${status}`, record, share, now));
  return withRecord(facts, { ...record, status, version: record.version + 1 }, world, now);
}

export function releasedFacts(record: Reservation, lines: Reservation['lines'], now: number): HoldEvent[] {
  return sharesOf(lines).map((share) => holdFact('inventory.reservation.released', record, share, now));
}

export function bindCart(cartId: string, reservations: readonly string[], now: number): InventoryEvent {
  return { type: 'inventory.cart.bound', key: cartKey(cartId), time: now, data: { cartId, reservations } };
}

function expiry(request: HoldRequest, plan: Plan, now: number): number {
  return endOf(request.ttlSeconds === undefined ? plan.ttlSeconds : request.ttlSeconds, now);
}

/** When a hold ends that lasts so long from now: null means never by itself. */
export function endOf(ttlSeconds: number | null, now: number): number {
  return ttlSeconds === null ? NEVER : now + ttlSeconds * 1000;
}
