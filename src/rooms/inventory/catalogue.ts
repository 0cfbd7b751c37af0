import { accepted, refused, type Decision, type Refusal } from '../../base/decision.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { reservedAt } from './availability.ts';
import { closureOf, componentsRefusal, isBundle } from './bundles.ts';
import { ITEM_DEFAULTS, type DefineItem, type DefineLocation, type ItemDefinition, type LocationDefinition, type RemoveItem, type RemoveLocation } from './commands.ts';
import type { InventoryEvent } from './events.ts';
import type { Context } from './holds.ts';
import { itemKey, locationsKey } from './keys.ts';
import { BLOCKERS_MAX, LOCATIONS_MAX } from './limits.ts';
import { itemView, locationView } from './resources.ts';
import { findItem, locationsBeside, type Item, type Location, type World } from './state.ts';

/** Answers to describing something: whether it is new, and how it stands now. */
export interface Described {
  readonly created: boolean;
  readonly resource: JsonObject;
}

export function defineItem(command: DefineItem, world: World, { now }: Context): Decision<InventoryEvent, Described> {
  const known = world.get(itemKey(command.sku)) as Item | undefined; // under `i/` keys there are items only
  const before = known?.definition;
  if (command.mode === 'merge' && !before) return unknownItem(command.sku);
  if (command.mode === 'create' && known && before) return accepted([], { created: false, resource: itemView(known) });
  const stale = staleVersion(command.ifVersion, before === undefined ? undefined : (known?.definitionVersion ?? 0), `item ${command.sku}`);
  if (stale) return stale;
  const base = command.mode === 'merge' || command.mode === 'upsert' ? before : undefined;
  const definition = merged(base, command.mode === 'upsert' ? withAttributesOf(base, command.definition) : command.definition);
  const unfit = componentsRefusal(command.sku, definition, world) ?? (isBundle(definition) && known && !isBundle(before) ? ownStockRefusal(known, now) : undefined);
  if (unfit) return { ok: false, refusal: unfit };
  const event: InventoryEvent = { type: 'inventory.item.defined', key: itemKey(command.sku), time: now, data: { sku: command.sku, definition } };
  const after = { sku: command.sku, definition, definitionVersion: (known?.definitionVersion ?? 0) + 1 } as Item; // what `itemView` reads
  return accepted([event, ...bundledFacts(command.sku, before, definition, world, now)], { created: before === undefined, resource: itemView(after) });
}

function ownStockRefusal(item: Item, now: number): Refusal | undefined {
  const blockers = blockersOf(item, now).filter(({ kind }) => kind !== 'bundle');
  return blockers.length === 0 ? undefined : refused('conflict', 'in-use', `Item ${item.sku} has stock or promises of its own and cannot become a bundle.`, { blockers: blockers.slice(0, BLOCKERS_MAX) }).refusal;
}

/**
 * Tells every item that a bundle is made of, through other bundles too: two descriptions that would close a circle
 * between them meet in the log of one of these items, so that the second one is decided on what the first one left.
 */
function bundledFacts(bundle: string, before: ItemDefinition | undefined, after: ItemDefinition | undefined, world: World, now: number): InventoryEvent[] {
  if (!isBundle(before) && !isBundle(after)) return [];
  const quantities = (definition: ItemDefinition | undefined): Map<string, number> => {
    const sums = new Map<string, number>();
    for (const { sku, quantity } of definition?.components ?? []) sums.set(sku, (sums.get(sku) ?? 0) + quantity);
    return sums;
  };
  const [old, fresh] = [quantities(before), quantities(after)];
  if (JSON.stringify([...old]) === JSON.stringify([...fresh])) return [];
  const facts = new Map<string, number | undefined>();
  for (const sku of fresh.keys()) {
    const below = closureOf(sku, world);
    if (below !== 'too deep') for (const one of below) facts.set(one, undefined);
  }
  for (const sku of old.keys()) if (findItem(world, sku)) facts.set(sku, 0);
  for (const [sku, quantity] of fresh) facts.set(sku, quantity);
  return [...facts].map(([sku, quantity]) => ({ type: 'inventory.item.bundled', key: itemKey(sku), time: now, data: { bundle, ...(quantity === undefined ? undefined : { quantity }) } }));
}

/** Defaults, then what was there (in a merge), then what is said now; null in a merge means the default again. */
function merged(before: ItemDefinition | undefined, said: DefineItem['definition']): ItemDefinition {
  const result: Record<string, Json | undefined> = { ...(ITEM_DEFAULTS as unknown as JsonObject), ...(before as unknown as JsonObject | undefined) };
  const defaults = ITEM_DEFAULTS as unknown as JsonObject; // a definition is plain JSON
  for (const member in said) {
    const value = said[member];
    if (value === undefined) continue;
    if (value !== null || member === 'backorderLimit') result[member] = value;
    else if (defaults[member] === undefined) delete result[member];
    else result[member] = defaults[member];
  }
  return result as unknown as ItemDefinition; // its members were checked at the edge against the schema of a definition
}

/** Attributes that are not named stay as they are. */
function withAttributesOf(before: ItemDefinition | undefined, said: DefineItem['definition']): DefineItem['definition'] {
  const { attributes } = said as { attributes?: ItemDefinition['attributes'] | null }; // checked at the edge against the schema of a definition
  return before?.attributes && attributes ? { ...said, attributes: { ...before.attributes, ...attributes } } : said;
}

/** Only an item that nothing depends on may go; its history stays. */
export function removeItem(command: RemoveItem, world: World, { now }: Context): Decision<InventoryEvent, null> {
  const item = world.get(itemKey(command.sku)) as Item | undefined; // under `i/` keys there are items only
  if (!item?.definition) return unknownItem(command.sku);
  const stale = staleVersion(command.ifVersion, item.definitionVersion, `item ${command.sku}`);
  if (stale) return stale;
  const blockers = [...blockersOf(item, now), ...(command.blockers ?? [])];
  if (blockers.length > 0) return refused('conflict', 'in-use', `Item ${command.sku} still has stock or promises.`, { blockers: blockers.slice(0, BLOCKERS_MAX) });
  return accepted([{ type: 'inventory.item.removed', key: itemKey(command.sku), time: now, data: { sku: command.sku } }, ...bundledFacts(command.sku, item.definition, undefined, world, now)], null);
}

function blockersOf(item: Item, now: number): JsonObject[] {
  item.lapses.advance(now);
  const blockers: JsonObject[] = [];
  for (const [location, level] of item.levels) {
    const stock = level.onHand + level.damaged + level.qualityControl;
    const reserved = reservedAt(item, location, level);
    if (stock > 0) blockers.push({ kind: 'stock', location, quantity: stock });
    if (reserved > 0) blockers.push({ kind: 'reservation', location, quantity: reserved });
    if (level.allocated > 0) blockers.push({ kind: 'allocation', location, quantity: level.allocated });
    if (level.inTransit) blockers.push({ kind: 'transfer', location, quantity: level.inTransit });
  }
  const backordered = item.backordered - item.lapses.lapsedBackordered;
  if (backordered > 0) blockers.push({ kind: 'reservation', quantity: backordered });
  for (const [id, quantity] of item.bundles) blockers.push({ kind: 'bundle', id, quantity });
  return blockers;
}

/** Describes a place. The fact goes to every log, so that whoever decides on an older picture of the places conflicts. */
export function defineLocation(command: DefineLocation, world: World, { now }: Context): Decision<InventoryEvent, Described> {
  const copies = allCopies(world);
  const before = copies[0]?.get(command.id);
  const stale = staleVersion(command.ifVersion, before?.version, `location ${command.id}`);
  if (stale) return stale;
  if (!before && (copies[0]?.size ?? 0) >= LOCATIONS_MAX) return refused('conflict', 'limit-exceeded', `There may be ${LOCATIONS_MAX} locations.`);
  const events = copies.map((_, log) => ({ type: 'inventory.location.defined', key: locationsKey(log), time: now, data: { id: command.id, definition: command.definition } }) as const);
  const after: Location = { id: command.id, ...command.definition, version: (before?.version ?? 0) + 1 };
  return accepted(events, { created: before === undefined, resource: locationView(after) });
}

/** The last step of closing a place: it must already take nothing new. */
export function removeLocation(command: RemoveLocation, world: World, { now }: Context): Decision<InventoryEvent, null> {
  const copies = allCopies(world);
  const before = copies[0]?.get(command.id);
  if (!before) return refused('not-found', 'unknown-location', `There is no location ${command.id}.`);
  if (before.closing !== true) return refused('conflict', 'in-use', `Location ${command.id} is in use.`);
  return accepted(copies.map((_, log) => ({ type: 'inventory.location.removed', key: locationsKey(log), time: now, data: { id: command.id } }) as const), null);
}

function allCopies(world: World): ReadonlyMap<string, Location>[] {
  return Array.from({ length: world.partitions }, (_, log) => locationsBeside(world, locationsKey(log)));
}

export function unknownItem(sku: string): { ok: false; refusal: ReturnType<typeof refused>['refusal'] } {
  return refused('not-found', 'unknown-item', `There is no item ${sku}.`);
}

function staleVersion(wanted: number | undefined, actual: number | undefined, what: string): ReturnType<typeof refused> | undefined {
  if (wanted === undefined || wanted === actual) return undefined;
  return refused('precondition', 'version-conflict', `The ${what} has changed since it was read. Read it again.`, actual === undefined ? undefined : { version: actual });
}

/** The description with which a place stops taking part while it is emptied. */
export function closingDefinition(location: LocationDefinition): LocationDefinition {
  const { name, rank, lat, lon } = location;
  return { name, rank, ...(lat === undefined ? undefined : { lat }), ...(lon === undefined ? undefined : { lon }), active: false, closing: true };
}
