import { refused, type Decision } from '../../base/decision.ts';
import { figuresOf, freeWith, netsOf, netsWithUnits, type Nets } from './availability.ts';
import { fillFacts, planFills, type Fills } from './backorders.ts';
import { isBundle, netsByChannel } from './bundles.ts';
import { addChange, noChange, type Change } from './change.ts';
import type { ItemDefinition } from './commands.ts';
import type { Exceeded, InventoryEvent } from './events.ts';
import { itemKey, orderKey, reservationKey } from './keys.ts';
import { WAITING_MAX } from './limits.ts';
import { emptyItem, findWaiting, locationsBeside, type Item, type Locations, type World } from './state.ts';
import { bundleCrossings, crossingsOf, newlyExceeded } from './thresholds.ts';
import { concernsWaiting } from './waiting.ts';

/**
 * What follows from facts besides what was asked for, whatever brought them about: free units go to the promises that
 * wait for them, and thresholds that what is available crosses are told of. `also` names an item to look at even where
 * no fact is about it.
 */
export function withAftermath<Answer>(decision: Decision<InventoryEvent, Answer>, world: World, now: number, also?: string): Decision<InventoryEvent, Answer> {
  if (!decision.ok || (decision.events.length === 0 && also === undefined)) return decision;
  const [first] = decision.events;
  if (decision.events.length === 1 && first?.type === 'inventory.reservation.held' && first.data.backordered === 0) return afterPlainHold(decision, first, world, now);
  if (decision.events.length === 1 && first?.type === 'inventory.stock.adjusted' && (world.get(first.key) as Item | undefined)?.backordered === 0) return afterPlainAdjustment(decision, first, world, now); // under `i/` keys there are items only
  // Of an item that was never there nothing is left to promise and nothing was said.
  if (decision.events.length === 1 && first?.type === 'inventory.item.defined' && world.get(first.key) === undefined) return decision;
  const scenes = scenesOf(decision.events, world, now, also);
  for (const { item, waits } of scenes) if (waits && (findWaiting(world, item.sku)?.promises.size ?? 0) >= WAITING_MAX && promises(decision.events, item)) return crowded(item.sku);
  const events = [...decision.events];
  for (const fact of fillFacts(fillsOf(scenes, decision.events, world, now), world, now)) {
    events.push(fact);
    const scene = scenes.find(({ key }) => key === fact.key);
    if (scene) addChange(scene.change, fact, now);
  }
  for (const scene of scenes) tellThresholds(scene, events, world, now);
  return { ok: true, events, answer: decision.answer };
}

/** The usual case, decided with as little as it takes: the units were free, so that nobody else was to have them. */
function afterPlainHold<Answer>(decision: Decision<InventoryEvent, Answer> & { ok: true }, held: Extract<InventoryEvent, { type: 'inventory.reservation.held' }>, world: World, now: number): Decision<InventoryEvent, Answer> {
  const item = world.get(held.key) as Item | undefined; // under `i/` keys there are items only
  if (!item?.definition || !item.stocked) return decision;
  const before = figuresOf(item, locationsBeside(world, held.key), now).net;
  const crossed = crossingsOf(item, item.definition, { before, after: before - held.data.quantity }, now);
  return crossed.length === 0 ? decision : { ok: true, events: [held, ...crossed], answer: decision.answer };
}

/** As often: nobody waits for the item, so that only what is available may cross a threshold. A bundle has no stock to be adjusted. */
function afterPlainAdjustment<Answer>(decision: Decision<InventoryEvent, Answer> & { ok: true }, adjusted: Extract<InventoryEvent, { type: 'inventory.stock.adjusted' }>, world: World, now: number): Decision<InventoryEvent, Answer> {
  const item = world.get(adjusted.key) as Item; // the caller has looked at it
  const { location, bucket, change } = adjusted.data;
  if (!item.definition) return decision;
  const events = [...decision.events];
  tellCrossed(adjusted.key, item, item.definition, netsWithUnits(item, locationsBeside(world, adjusted.key), now, { location, units: bucket === 'sellable' ? change : 0 }), events, world, now);
  return { ok: true, events, answer: decision.answer };
}

/** One item and what the facts do to it. */
interface Scene {
  readonly key: string;
  readonly item: Item;
  readonly locations: Locations;
  readonly change: Change;
  /** Whether a fact says something about waiting units: the state that it folds into has to be at hand. */
  waits: boolean;
}

function scenesOf(events: readonly InventoryEvent[], world: World, now: number, also: string | undefined): Scene[] {
  const scenes: Scene[] = [];
  for (const event of events) {
    if (!event.key.startsWith('i/')) continue;
    const scene = sceneOf(event.key, scenes, world);
    addChange(scene.change, event, now);
    scene.waits ||= concernsWaiting(event);
  }
  if (also !== undefined) sceneOf(itemKey(also), scenes, world);
  return scenes;
}

function sceneOf(key: string, scenes: Scene[], world: World): Scene {
  let scene = scenes.find((other) => other.key === key);
  if (!scene) {
    const item = (world.get(key) as Item | undefined) ?? emptyItem(key.slice(2)); // under `i/` keys there are items only
    scenes.push((scene = { key, item, locations: locationsBeside(world, key), change: noChange(), waits: false }));
  }
  return scene;
}

function promises(events: readonly InventoryEvent[], { sku }: Item): boolean {
  return events.some((event) => event.key === itemKey(sku) && event.type === 'inventory.reservation.held' && event.data.backordered > 0);
}

function crowded(sku: string): ReturnType<typeof refused> {
  return refused('conflict', 'limit-exceeded', `${WAITING_MAX} promises of ${sku} wait for units already.`);
}

/**
 * Promises that the decision itself changes are not met by it: their records are as it says. Where it has left one of
 * them for a further decision, the younger ones wait for that too.
 */
function fillsOf(scenes: readonly Scene[], events: readonly InventoryEvent[], world: World, now: number): Fills[] {
  const plans: Fills[] = [];
  let except: Set<string> | undefined;
  for (const { key, item, locations, change, waits } of scenes) {
    if (waits) findWaiting(world, item.sku);
    item.lapses.advance(now);
    if (item.backordered - item.lapses.lapsedBackordered <= 0 || !hasFree(item, locations, change) || isLeft(key, events)) continue;
    except ??= changedBy(events);
    plans.push(planFills({ item, locations, waiting: findWaiting(world, item.sku), now }, { change, except }));
  }
  return plans;
}

function isLeft(key: string, events: readonly InventoryEvent[]): boolean {
  return events.some((event) => event.key === key && 'more' in event.data && event.data.more === 1);
}

function hasFree(item: Item, locations: Locations, change: Change): boolean {
  for (const location of item.levels.keys()) if (freeWith(item, location, locations, change) > 0) return true;
  for (const location of change.free.keys()) if (freeWith(item, location, locations, change) > 0) return true;
  return false;
}

function changedBy(events: readonly InventoryEvent[]): Set<string> {
  const changed = new Set<string>();
  for (const { data } of events) {
    if ('reservationId' in data) changed.add(reservationKey(data.reservationId));
    if ('orderId' in data && data.orderId !== undefined) changed.add(orderKey(data.orderId));
  }
  return changed;
}

function tellThresholds({ key, item, locations, change }: Scene, events: InventoryEvent[], world: World, now: number): void {
  const definition = change.definition ?? item.definition;
  if (!definition) return;
  if (isBundle(definition)) return tellBundle(key, item, definition, events, world, now);
  tellCrossed(key, item, definition, netsOf(item, locations, now, change), events, world, now);
}

function tellCrossed(key: string, item: Item, definition: ItemDefinition, nets: Nets, events: InventoryEvent[], world: World, now: number): void {
  events.push(...crossingsOf(item, definition, nets, now));
  const exceeded = newlyExceeded(item, definition, nets.after);
  if (item.stocked ? exceeded.length > 0 : nets.after > 0) sayExceeded(key, exceeded, events, world, now);
}

/** A bundle is looked at when it is described, and when somebody heard that its components moved: they may be in any log. */
function tellBundle(key: string, item: Item, definition: ItemDefinition, events: InventoryEvent[], world: World, now: number): void {
  if (events.some((event) => event.key === key && event.type === 'inventory.item.removed')) return; // of what is gone nothing is said
  const { crossed, exceeded } = bundleCrossings(item, definition, netsByChannel(world, { ...item, definition }, now), now);
  events.push(...crossed);
  if (exceeded) sayExceeded(key, exceeded, events, world, now);
}

/** Says it in a fact that there is anyway, where one can. */
function sayExceeded(key: string, exceeded: Exceeded, events: InventoryEvent[], world: World, now: number): void {
  const index = events.findIndex((event) => event.key === key && (event.type === 'inventory.item.defined' || event.type === 'inventory.stock.adjusted' || event.type === 'inventory.item.settled'));
  const fact = events[index];
  if (fact) events[index] = { ...fact, data: { ...fact.data, exceeded } } as InventoryEvent; // each of these kinds takes it
  else {
    findWaiting(world, key.slice(2)); // the fact folds into it
    events.push({ type: 'inventory.item.settled', key, time: now, data: { sku: key.slice(2), exceeded } });
  }
}
