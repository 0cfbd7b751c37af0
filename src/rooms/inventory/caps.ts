import { refused, type Decision, type Refusal } from '../../base/decision.ts';
import type { Counted, InventoryEvent } from './events.ts';
import { recordAfter } from './evolve.ts';
import { holderKey } from './keys.ts';
import { NEVER } from './never.ts';
import { findReservation, findTally, type Reservation, type World } from './state.ts';
import { liveTally } from './tally.ts';

/** The most live holds, and the most units in them, that one holder may have at a time. */
export interface Cap {
  readonly holds: number;
  readonly units?: number | undefined;
}

/** Bounds against hoarding. A hold without an end is an operator's and counts against nobody. */
export interface HoldCaps {
  readonly customer?: Cap | undefined;
  readonly key?: Cap | undefined;
}

/** Whose bounds a hold counts against from now on: its customer's, and those of the key that made it. */
export function holdersOf(caps: HoldCaps | undefined, customerId: string | undefined, key: string | undefined): readonly string[] | undefined {
  if (!caps) return undefined;
  const holders: string[] = [];
  if (caps.customer && customerId !== undefined) holders.push(`customer/${customerId}`);
  if (caps.key && key !== undefined) holders.push(`key/${key}`);
  return holders.length === 0 ? undefined : holders;
}

/** The same after the hold became another customer's: its maker stays who made it. */
export function holdersAfter(caps: HoldCaps | undefined, before: Reservation, customerId: string | undefined): readonly string[] | undefined {
  if (!caps || before.customerId === customerId) return before.tallied;
  const maker = before.tallied?.find((holder) => holder.startsWith('key/'));
  const holders = [...(holdersOf({ customer: caps.customer }, customerId, undefined) ?? []), ...(maker === undefined ? [] : [maker])];
  return holders.length === 0 ? undefined : holders;
}

/** What a decision changes of one hold that is counted. */
interface Change {
  readonly holder: string;
  readonly removed: Counted | undefined;
  readonly added: Counted | undefined;
}

/**
 * Adds to a decision what it changes of its holders' tallies, or refuses it where one of them would grow beyond its
 * bound. A tally is a state with a log of its own, in the append of the hold: two holds at once cannot both be the last.
 */
export function withTallies<Answer>(decision: Decision<InventoryEvent, Answer>, world: World, now: number, caps: HoldCaps | undefined): Decision<InventoryEvent, Answer> {
  if (caps === undefined || !decision.ok || decision.events.length === 0) return decision;
  const changes = changesOf(decision.events, world, now);
  const refusal = overCap(changes, world, now, caps);
  if (refusal) return { ok: false, refusal };
  const facts = changes.map(({ holder, removed, added }): InventoryEvent => ({ type: 'inventory.holder.tallied', key: holderKey(holder), time: now, data: { holder, ...(removed && { removed }), ...(added && { added }) } }));
  return facts.length === 0 ? decision : { ...decision, events: [...decision.events, ...facts] };
}

function changesOf(events: readonly InventoryEvent[], world: World, now: number): Change[] {
  const records = new Map<string, { before: Reservation | undefined; after: Reservation }>();
  for (const event of events) {
    if (!tellsRecord(event)) continue;
    const id = event.type === 'inventory.reservation.recorded' ? event.data.reservation.id : event.data.reservationId;
    const known = records.get(id);
    const isNew = event.type === 'inventory.reservation.held' || (event.type === 'inventory.reservation.recorded' && event.data.reservation.version === 1);
    const before = known || isNew ? known?.before : findReservation(world, id);
    records.set(id, { before, after: recordAfter(event, known?.after ?? before) });
  }
  return [...records.values()].flatMap(({ before, after }) => changeOf(before, after, now));
}

/** Whether a reservation's record follows from a fact: from the one that records it, or from one that is all there is. */
function tellsRecord(event: InventoryEvent): event is Parameters<typeof recordAfter>[0] {
  return event.type === 'inventory.reservation.recorded' || ('reservationId' in event.data && event.data.solo === 1);
}

function changeOf(before: Reservation | undefined, after: Reservation, now: number): Change[] {
  const holders = new Set([...(before?.tallied ?? []), ...(after.tallied ?? [])]);
  return [...holders].flatMap((holder) => {
    const removed = countedOf(before, holder, now);
    const added = countedOf(after, holder, now);
    const same = removed?.units === added?.units && removed?.expiresAt === added?.expiresAt;
    return same ? [] : [{ holder, removed, added }];
  });
}

/** What has run out is taken from a tally by the clock. */
function countedOf(record: Reservation | undefined, holder: string, now: number): Counted | undefined {
  if (record?.status !== 'held' || record.expiresAt <= now || record.expiresAt === NEVER || !record.tallied?.includes(holder)) return undefined;
  return { units: record.lines.reduce((sum, { quantity }) => sum + quantity, 0), expiresAt: record.expiresAt };
}

function overCap(changes: readonly Change[], world: World, now: number, caps: HoldCaps): Refusal | undefined {
  for (const [holder, parts] of Map.groupBy(changes, (change) => change.holder)) {
    const tally = findTally(world, holder);
    const has = tally ? liveTally(tally, now) : { holds: 0, units: 0 };
    const kind = holder.startsWith('key/') ? 'key' : 'customer';
    const cap = caps[kind];
    if (!cap) continue;
    const grown = { holds: sum(parts, (one) => (one ? 1 : 0)), units: sum(parts, (one) => one?.units ?? 0) };
    for (const what of ['holds', 'units'] as const) {
      const limit = cap[what];
      if (limit === undefined || grown[what] <= 0 || has[what] + grown[what] <= limit) continue;
      const whose = kind === 'key' ? 'This API key' : `Customer ${holder.slice('customer/'.length)}`;
      const detail = `${whose} may have ${limit} ${what === 'holds' ? 'live holds' : 'units in live holds'} at a time and has ${has[what]}.`;
      return refused('conflict', 'limit-exceeded', detail, { limit: { of: kind, what, most: limit, has: has[what], more: grown[what] } }).refusal;
    }
  }
  return undefined;
}

function sum(changes: readonly Change[], of: (one: Counted | undefined) => number): number {
  return changes.reduce((total, { removed, added }) => total + of(added) - of(removed), 0);
}
