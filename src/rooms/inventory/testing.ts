/** Stories for tests of this room: given what happened, when somebody asks, then these facts follow, or a refusal. */
import { expect } from 'vitest';
import { handClock } from '../../base/clock.ts';
import { ids } from '../../base/ids.ts';
import { canonicalJson, type Json } from '../../base/json.ts';
import { seededRandom } from '../../base/random.ts';
import { limitOf, type Asking } from './availability.ts';
import { figuresIn, isBundle, netsByChannel, tagsIn } from './bundles.ts';
import type { HoldCaps } from './caps.ts';
import { ITEM_DEFAULTS, type InventoryCommand, type ItemDefinition, type LocationDefinition } from './commands.ts';
import { decide } from './decide.ts';
import { isPublic, type InventoryEvent } from './events.ts';
import { evolve, keysOf, type States } from './evolve.ts';
import { itemKey, locationsKey, logOfKey, orderKey, reservationKey } from './keys.ts';
import { availabilityView, orderView, reservationView, transferView, type ReservationView, type TransferView } from './resources.ts';
import { exceededFor, findItem, findOrder, findReservation, findTransfer, MAIN, readState, writeState, type Item, type Locations, type Order, type Reservation, type Waiting, type World } from './state.ts';
import { openLine } from './units.ts';

export const PARTITIONS = 4;

/** What time or the world does between commands. */
export type Step = InventoryCommand | { readonly type: 'wait'; readonly ms: number };
export const wait = (ms: number): Step => ({ type: 'wait', ms });

/** The last part of a fact's type with its SKU and what its data must say at least. */
export type Expected = readonly [type: string, sku: string, data?: object];

type Outcome = ReturnType<typeof decide>;

/** Sums by item, place and kind of unit. */
class Sums {
  readonly #sums = new Map<string, number>();

  add(sku: string, location: string, kind: string, by: number): void {
    const name = `${sku} ${location} ${kind}`;
    const sum = (this.#sums.get(name) ?? 0) + by;
    if (sum === 0) this.#sums.delete(name);
    else this.#sums.set(name, sum);
  }

  get rows(): string[] {
    return [...this.#sums].map(([name, sum]) => `${name} ${sum}`).toSorted();
  }
}

type Places = readonly { readonly location: string; readonly quantity: number }[];

function addPlaces(sums: Sums, sku: string, kind: string, places: Places, sign: 1 | -1): void {
  for (const { location, quantity } of places) sums.add(sku, location, kind, sign * quantity);
}

/** Every fact as entries of a ledger: what the books must come to, without a single state. */
function sumFacts(facts: readonly InventoryEvent[]): Sums {
  const sums = new Sums();
  for (const { type, key, data } of facts) {
    const sku = key.slice(2);
    switch (type) {
      case 'inventory.stock.adjusted':
        sums.add(sku, data.location, data.bucket, data.change);
        break;
      case 'inventory.reservation.held':
        addPlaces(sums, sku, 'reserved', data.allocations, 1);
        break;
      case 'inventory.reservation.changed':
        addPlaces(sums, sku, 'reserved', data.previous.allocations, -1);
        addPlaces(sums, sku, 'reserved', data.allocations, 1);
        break;
      case 'inventory.reservation.released':
      case 'inventory.reservation.expired':
        addPlaces(sums, sku, 'reserved', data.allocations, -1);
        break;
      case 'inventory.reservation.confirmed':
        addPlaces(sums, sku, 'reserved', data.allocations, -1);
        addPlaces(sums, sku, 'allocated', data.allocations, 1);
        break;
      case 'inventory.allocation.fulfilled':
        if (data.uncounted === undefined) sums.add(sku, data.location, 'sellable', -data.quantity);
        addPlaces(sums, sku, 'allocated', data.freed, -1);
        break;
      case 'inventory.allocation.restored':
        if (data.uncounted !== undefined) break;
        sums.add(sku, data.location, 'sellable', data.quantity);
        sums.add(sku, data.location, 'allocated', data.quantity);
        break;
      case 'inventory.allocation.cancelled':
        addPlaces(sums, sku, 'allocated', data.allocations, -1);
        break;
      case 'inventory.allocation.placed':
        addPlaces(sums, sku, 'allocated', data.allocations, 1);
        break;
      default:
    }
  }
  return sums;
}

/** The promises of the records, one by one. */
function sumRecords(states: ReadonlyMap<string, unknown>): Sums {
  const sums = new Sums();
  for (const [key, state] of states) {
    const held = key.startsWith('r/') && (state as Reservation).status === 'held';
    if (!held && !key.startsWith('o/')) continue;
    for (const { sku, allocations, backordered } of (state as Reservation | Order).lines.flatMap(openLine)) {
      addPlaces(sums, sku, held ? 'reserved' : 'allocated', allocations, 1);
      sums.add(sku, '-', 'backordered', backordered);
    }
  }
  return sums;
}

function sumLevels(states: ReadonlyMap<string, unknown>, kinds: readonly string[]): Sums {
  const sums = new Sums();
  for (const [key, state] of states) {
    if (!key.startsWith('i/')) continue;
    const { sku, levels, backordered } = state as Item;
    for (const [location, { onHand, ...level }] of levels) {
      for (const [kind, units] of Object.entries({ sellable: onHand, ...level })) if (kinds.includes(kind)) sums.add(sku, location, kind, units);
    }
    if (kinds.includes('backordered')) sums.add(sku, '-', 'backordered', backordered);
  }
  return sums;
}

/** Where facts, records and levels do not agree: nowhere, if all is well. */
export function bookErrors(facts: readonly InventoryEvent[], states: ReadonlyMap<string, unknown>): string[] {
  const compare = (what: string, a: readonly string[], b: readonly string[]): string[] => [
    ...a.filter((row) => !b.includes(row)).map((row) => `${what} say ${row}, the levels do not`),
    ...b.filter((row) => !a.includes(row)).map((row) => `the levels say ${row}, the ${what} do not`),
  ];
  return [
    ...compare('facts', sumFacts(facts).rows, sumLevels(states, ['sellable', 'damaged', 'qualityControl', 'inTransit', 'reserved', 'allocated']).rows),
    ...compare('records', sumRecords(states).rows, sumLevels(states, ['reserved', 'allocated', 'backordered']).rows),
  ];
}

/** Units of an item that are left to promise, safety stock and limits aside, by the records of its promises one by one. */
export function netOf(sku: string, states: ReadonlyMap<string, unknown>, now: number): number {
  const item = states.get(itemKey(sku)) as Item; // asked about items that there are
  const locations = (states.get(locationsKey(logOfKey(itemKey(sku), PARTITIONS))) as Locations | undefined) ?? new Map([['main', MAIN]]);
  const free = new Map([...item.levels].filter(([id]) => locations.get(id)?.active).map(([id, level]) => [id, level.onHand]));
  let net = -(item.definition?.safetyStock ?? 0);
  for (const [key, state] of states) {
    const counts = key.startsWith('o/') || (key.startsWith('r/') && (state as Reservation).status === 'held' && (state as Reservation).expiresAt > now);
    if (!counts) continue;
    for (const line of (state as Reservation | Order).lines.flatMap(openLine).filter((one) => one.sku === sku)) {
      net -= line.backordered;
      for (const { location, quantity } of line.allocations) if (free.has(location)) free.set(location, (free.get(location) ?? 0) - quantity);
    }
  }
  for (const units of free.values()) net += Math.max(0, units);
  return net;
}

/** States by key, as the runtime keeps them, with a note of what was read. */
class Shelf implements World, States {
  readonly partitions = PARTITIONS;
  readonly states = new Map<string, unknown>();
  readonly looked = new Set<string>();

  get(key: string): unknown {
    this.looked.add(key);
    return this.states.get(key);
  }

  set(key: string, state: unknown): void {
    this.looked.add(key);
    this.states.set(key, state);
  }

  /** All states as text: two shelves that say the same behave the same. */
  text(): string {
    const there = [...this.states].filter(([, state]) => state !== undefined);
    return canonicalJson(Object.fromEntries(there.map(([key, state]) => [key, JSON.parse(writeState(key, state)) as Json])));
  }

  /** A shelf with the same states, each gone through its saved form. */
  restored(): Shelf {
    const copy = new Shelf();
    for (const [key, state] of this.states) if (state !== undefined) copy.states.set(key, readState(key, writeState(key, state)));
    return copy;
  }
}

/**
 * A story as it stands. Every decision is checked: it changed nothing by itself, comes out the same on states that
 * went through their saved form, its facts fold only into states that it read, the answer is what a later look
 * gives, the facts add up to the levels, and nothing was sold beyond its limit.
 */
export class Story {
  readonly clock = handClock();
  readonly facts: InventoryEvent[] = [];
  #shelf = new Shelf();
  #restored = new Shelf();
  #text = this.#shelf.text();
  readonly #ids = ids(seededRandom(1));
  readonly #caps: HoldCaps | undefined;
  /** By item, channel and threshold: which way it was last crossed. */
  readonly #sides = new Map<string, 'up' | 'down'>();
  #outcome: Outcome | undefined;
  #events: readonly InventoryEvent[] = [];

  constructor(caps?: HoldCaps) {
    this.#caps = caps;
  }

  /** Decides a command and folds what follows; refused or not. */
  when(command: Step): this {
    if (command.type === 'wait') {
      this.clock.advance(command.ms);
      return this;
    }
    const now = this.clock.now();
    const before = this.#text;
    const nets = this.#nets(now);
    let made: string | undefined;
    const context = { now, caps: this.#caps, ids: { next: <P extends string>(prefix: P, ms: number, partition: number): `${P}_${string}` => (made ??= this.#ids.next(prefix, ms, partition)) as `${P}_${string}` } }; // one name a decision, the same on both shelves
    this.#shelf.looked.clear();
    const outcome = decide(command, this.#shelf, context);
    const again = decide(command, this.#restored, context);
    expect(canonicalJson(again as unknown as Json), `${command.type} on states that were saved and read again`).toBe(canonicalJson(outcome as unknown as Json)); // decisions are plain JSON
    expect(this.#shelf.text(), `${command.type} must not change states`).toBe(before);
    this.#outcome = outcome;
    this.#events = outcome.ok ? outcome.events : [];
    if (this.#events.length > 0) this.#fold(this.#events);
    this.#check(command, nets, now);
    return this;
  }

  /** The public facts of the last command, in order and no others; thresholds crossed are asked for by {@link crossed}. */
  // oxlint-disable-next-line unicorn/no-thenable -- given, when and then is how such a story is told; nobody awaits it
  then(...expected: readonly Expected[]): this {
    expect(this.#outcome, 'the command was refused').toMatchObject({ ok: true });
    const seen = this.#events.filter((event) => isPublic(event.type) && event.type !== 'inventory.threshold.crossed');
    expect(seen.map(({ type, key }) => [type.slice('inventory.'.length), key.slice(2)])).toEqual(expected.map(([type, sku]) => [type, sku]));
    for (const [index, [, , data]] of expected.entries()) if (data) expect(seen[index]?.data).toMatchObject(data);
    return this;
  }

  /** The thresholds that the last command crossed: which, where to, what is available, and to which channel. */
  get crossed(): (string | number)[][] {
    return this.#events.flatMap(({ type, data }) => (type === 'inventory.threshold.crossed' ? [[data.direction, data.threshold, data.available, ...(data.channel === undefined ? [] : [data.channel])]] : []));
  }

  /** No fact about it leaves the house, but it was accepted. */
  thenNothing(): this {
    return this.then();
  }

  thenRefused(code: string, members?: object): this {
    expect(this.#outcome).toMatchObject({ ok: false, refusal: { code, ...(members === undefined ? undefined : { members }) } });
    return this;
  }

  /** The items that the last command left facts about. */
  get touched(): readonly string[] {
    return [...new Set(this.#events.filter(({ key }) => key.startsWith('i/')).map(({ key }) => key.slice(2)))];
  }

  /** What the last accepted command answered. */
  get answer(): Record<string, unknown> {
    if (!this.#outcome?.ok) throw new Error(`refused: ${JSON.stringify(this.#outcome)}`);
    return this.#outcome.answer as Record<string, unknown>; // every answer asked about here is an object
  }

  /** The refusal's code, or 'ok'. */
  get code(): string {
    return !this.#outcome || this.#outcome.ok ? 'ok' : this.#outcome.refusal.code;
  }

  /** The reservation that the last command answered with. */
  get hold(): ReservationView {
    const { answer } = this;
    return (answer?.['reservation'] ?? answer) as ReservationView; // carts wrap it
  }

  /** The transfer that the last command answered with. */
  get transfer(): TransferView {
    return this.answer as unknown as TransferView; // asked after steps of transfers
  }

  /** The id of what the last command answered with. */
  get id(): string {
    return String(this.answer['id']);
  }

  transferOf(id: string): TransferView | undefined {
    const transfer = findTransfer(this.#shelf, id);
    return transfer && transferView(transfer);
  }

  item(sku: string): Item {
    const item = findItem(this.#shelf, sku);
    if (!item) throw new Error(`there is no item ${sku}`);
    return item;
  }

  reservation(id: string): ReservationView | undefined {
    const record = findReservation(this.#shelf, id);
    return record && reservationView(record, this.clock.now());
  }

  order(id: string): Record<string, unknown> | undefined {
    const order = findOrder(this.#shelf, id);
    return order && orderView(order);
  }

  figures(sku: string, { channel, own }: Asking = {}): ReturnType<typeof figuresIn> {
    return figuresIn(this.#shelf, this.item(sku), this.clock.now(), { channel, own: own && (() => own) });
  }

  availability(sku: string, asking: Asking & { location?: string } = {}): Record<string, unknown> {
    const { own, ...rest } = asking;
    return availabilityView(this.#shelf, this.item(sku), this.clock.now(), { ...rest, own: own && (() => own) });
  }

  etag(sku: string): string {
    return tagsIn(this.#shelf, this.item(sku), this.clock.now());
  }

  /** Every state that there is, by key. */
  get states(): ReadonlyMap<string, unknown> {
    return this.#shelf.states;
  }

  #fold(events: readonly InventoryEvent[]): void {
    for (const event of events) {
      const keys = new Set(keysOf(event));
      const mayTouch = (key: string): string => {
        expect(keys, `${event.type} folds into ${key}`).toContain(key);
        expect(logOfKey(key, PARTITIONS), `${event.type} folds into another log`).toBe(logOfKey(event.key, PARTITIONS));
        return key;
      };
      evolve(event, {
        get: (key) => {
          expect(this.#shelf.looked, `${event.type} folds into ${key}, which its decision did not read`).toContain(key);
          return this.#shelf.get(mayTouch(key));
        },
        set: (key, state) => this.#shelf.set(mayTouch(key), state),
      });
      evolve(JSON.parse(JSON.stringify(event)) as InventoryEvent, this.#restored); // as a log gives it back
      if (event.type === 'inventory.threshold.crossed') this.#cross(event);
      if (event.type === 'inventory.item.defined') this.#watch(event);
      this.facts.push(event);
    }
    this.#text = this.#shelf.text();
    expect(this.#restored.text(), 'states that were saved and read again').toBe(this.#text);
    this.#restored = this.#shelf.restored();
  }

  #check(command: InventoryCommand, before: ReadonlyMap<string, number>, now: number): void {
    expect(bookErrors(this.facts, this.#shelf.states)).toEqual([]);
    this.#checkThresholds(now);
    this.#checkWaiting();
    // Losses are the truth, a shop may change its mind, and what a short place owes may be shipped from the safety stock, and the safety stock sent elsewhere.
    const promises = !['AdjustStock', 'CountStock', 'MoveStock', 'FulfilOrder', 'ShipTransfer', 'DefineItem', 'DefineLocation', 'ImportLines'].includes(command.type);
    for (const [sku, net] of promises ? this.#nets(now) : []) {
      const limit = limitOf(this.item(sku).definition as ItemDefinition, now); // `item` finds described ones only
      if (limit === null) continue;
      expect(net, `${command.type} sold ${sku} beyond its limit`).toBeGreaterThanOrEqual(Math.min(-limit, before.get(sku) ?? 0));
    }
    if (!this.#outcome?.ok) return;
    if (command.type.endsWith('Transfer')) expect(this.transferOf(this.id), 'the answer is what a later look gives').toEqual(this.transfer);
    const { id, status } = (this.hold ?? {}) as Partial<ReservationView>; // some commands answer with something else, or nothing
    if (typeof id !== 'string' || status === undefined || !id.startsWith('res_')) return;
    expect(canonicalJson(this.reservation(id) as unknown as Json), 'the answer is what a later look gives').toBe(canonicalJson(this.hold as unknown as Json));
  }

  /** Whoever is told of crossings one by one sees each threshold from one side and then from the other. */
  #cross({ key, data: { channel = '', threshold, direction } }: Extract<InventoryEvent, { type: 'inventory.threshold.crossed' }>): void {
    const name = `${key} ${channel} ${threshold}`;
    expect(direction, `${name} was crossed`).not.toBe(this.#sides.get(name));
    this.#sides.set(name, direction);
  }

  /** Of thresholds that a description no longer names nothing is said, and they may be named anew from either side. */
  #watch({ key, data: { definition } }: Extract<InventoryEvent, { type: 'inventory.item.defined' }>): void {
    const watched = new Set(['', ...Object.keys(definition.channelBuffers)].flatMap((channel) => definition.thresholds.map((threshold) => `${key} ${channel} ${threshold}`)));
    for (const name of this.#sides.keys()) if (name.startsWith(`${key} `) && !watched.has(name)) this.#sides.delete(name);
  }

  /** What was said last of each threshold of the items that the decision was about is how it is. */
  #checkThresholds(now: number): void {
    for (const sku of new Set(this.#events.filter(({ key }) => key.startsWith('i/')).map(({ key }) => key.slice(2)))) {
      const definition = findItem(this.#shelf, sku)?.definition;
      if (!definition || !this.item(sku).stocked) continue;
      const channels = isBundle(definition) ? [...netsByChannel(this.#shelf, this.item(sku), now).keys()].filter((channel) => channel !== '') : Object.keys(definition.channelBuffers);
      for (const channel of [undefined, ...channels]) {
        const { available } = this.figures(sku, { channel });
        const exceeded = exceededFor(this.item(sku), channel ?? '').toSorted((a, b) => a - b);
        expect(exceeded, `thresholds of ${sku} exceeded for ${channel ?? 'all'} at ${now}`).toEqual(definition.thresholds.filter((threshold) => available > threshold).toSorted((a, b) => a - b));
      }
    }
  }

  /** The units that wait, summed by promise, are the units at no place of the records. */
  #checkWaiting(): void {
    const waiting = new Map<string, number>();
    for (const [key, state] of this.#shelf.states) {
      if (!key.startsWith('w/') || state === undefined) continue;
      for (const [promise, { stints }] of (state as Waiting).promises) waiting.set(`${key.slice(2)} ${promise}`, stints.reduce((sum, { units }) => sum + units, 0)); // under `w/` there is what waits only
    }
    const recorded = new Map<string, number>();
    for (const [key, state] of this.#shelf.states) {
      if (!key.startsWith('o/') && !(key.startsWith('r/') && (state as Reservation).status === 'held')) continue;
      for (const { sku, backordered } of (state as Reservation | Order).lines.flatMap(openLine)) if (backordered > 0) recorded.set(`${sku} ${key}`, (recorded.get(`${sku} ${key}`) ?? 0) + backordered);
    }
    expect(Object.fromEntries(waiting), 'what waits').toEqual(Object.fromEntries(recorded));
  }

  /** Units left to promise of each item, by its promises one by one. */
  #nets(now: number): Map<string, number> {
    const nets = new Map<string, number>();
    for (const [key, state] of this.#shelf.states) {
      if (!key.startsWith('i/') || (state as Item | undefined)?.definition === undefined) continue; // under `i/` there are items only
      nets.set(key.slice(2), netOf(key.slice(2), this.#shelf.states, now));
    }
    return nets;
  }
}

/** A story that begins with these steps, none of which may be refused. */
export function given(...steps: readonly Step[]): Story {
  const story = new Story();
  for (const step of steps) {
    story.when(step);
    expect(story.code, `given ${JSON.stringify(step)}`).toBe('ok');
  }
  return story;
}

// The words of stories.
export const item = (sku: string, definition: Partial<ItemDefinition> = {}): Step => ({ type: 'DefineItem', sku, mode: 'replace', definition: { ...definition } as never }); // checked against ItemDefinition by this signature
export const place = (id: string, definition: Partial<LocationDefinition> = {}): Step => ({ type: 'DefineLocation', id, definition: { name: id, rank: 1, active: true, ...definition } });
export const received = (sku: string, change: number, location = 'main'): Step => ({ type: 'AdjustStock', sku, location, bucket: 'sellable', change, reason: 'received' });
export const counted = (sku: string, count: number, location = 'main'): Step => ({ type: 'CountStock', sku, location, bucket: 'sellable', count, reason: 'counted' });
export type Lines = readonly (readonly [sku: string, quantity: number, location?: string])[];
export const lines = (of: Lines): { sku: string; quantity: number; location?: string }[] => of.map(([sku, quantity, location]) => ({ sku, quantity, ...(location === undefined ? undefined : { location }) }));
type Wishes = Partial<Omit<Extract<InventoryCommand, { type: 'ReserveStock' }>, 'type' | 'lines'>>;
export const reserve = (of: Lines, wishes: Wishes = {}): Step => ({ type: 'ReserveStock', lines: lines(of), ...wishes });
export const cart = (cartId: string, of: Lines, wishes: Omit<Wishes, 'cartId'> = {}): Step => ({ type: 'SetCart', cartId, lines: lines(of), ...wishes });
export const confirm = (id: string, more: { orderId?: string; lines?: Lines; fulfil?: boolean } = {}): Step => ({ type: 'ConfirmReservation', id, ...more, ...(more.lines === undefined ? undefined : { lines: lines(more.lines) }) } as Step); // the spread of `more` leaves its `lines` replaced
export const release = (id: string, of?: Lines): Step => ({ type: 'ReleaseReservation', id, ...(of === undefined ? undefined : { lines: lines(of) }) });
type Changes = Omit<Extract<InventoryCommand, { type: 'EditReservation' }>, 'type' | 'id' | 'lines'> & { readonly lines?: Lines };
export const edit = (id: string, { lines: of, ...rest }: Changes): Step => ({ type: 'EditReservation', id, ...rest, ...(of === undefined ? undefined : { lines: lines(of) }) });
export const moveHold = (id: string, target: Omit<Extract<InventoryCommand, { type: 'MoveReservation' }>, 'type' | 'id'>): Step => ({ type: 'MoveReservation', id, ...target });
export const extend = (id: string, ttlSeconds: number | null): Step => ({ type: 'ExtendReservation', id, ttlSeconds });
export const expire = (id: string): Step => ({ type: 'ExpireReservation', id });
export const fulfil = (orderId: string, of: Lines): Step => ({ type: 'FulfilOrder', orderId, lines: lines(of) });
export const unfulfil = (orderId: string, of: Lines): Step => ({ type: 'UnfulfilOrder', orderId, lines: lines(of) });
export const cancel = (orderId: string, of?: Lines): Step => ({ type: 'CancelOrder', orderId, ...(of === undefined ? undefined : { lines: lines(of) }) });
export const planned = (from: string, to: string, of: Lines): Step => ({ type: 'CreateTransfer', from, to, lines: lines(of) });
export const ship = (id: string): Step => ({ type: 'ShipTransfer', id });
export const receive = (id: string, of: readonly (readonly [sku: string, received: number])[]): Step => ({ type: 'ReceiveTransfer', id, lines: of.map(([sku, units]) => ({ sku, received: units })) });
export const cancelTransfer = (id: string, disposition?: 'restock' | 'write-off'): Step => ({ type: 'CancelTransfer', id, ...(disposition === undefined ? undefined : { disposition }) });
export const DEFAULTS = ITEM_DEFAULTS;
export const BUCKETS = ['sellable', 'damaged', 'qualityControl'] as const;
export { locationsKey, orderKey, reservationKey, type Reservation };
