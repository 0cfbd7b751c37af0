import { accepted, refused, type Decision, type Refusal } from '../../base/decision.ts';
import { etagOf, reservedAt } from './availability.ts';
import { bundleRefusal, isBundle } from './bundles.ts';
import type { AdjustStock, Bucket, CountStock, MoveStock, TransferAway } from './commands.ts';
import type { InventoryEvent, LevelBucket } from './events.ts';
import type { Context } from './holds.ts';
import { itemKey } from './keys.ts';
import { QUANTITY_MAX } from './limits.ts';
import { bucketOf, findItem, locationsBeside, type Item, type Locations, type World } from './state.ts';

/** What an adjustment did; `change` is 0 where a count found what was known. */
export interface AdjustmentResult {
  readonly [member: string]: string | number;
  readonly sku: string;
  readonly location: string;
  readonly bucket: Bucket;
  readonly change: number;
  readonly onHand: number;
  readonly version: number;
}

type Adjusted = Decision<InventoryEvent, AdjustmentResult>;

/** What an adjustment is made to, once it is known that it may be made at all. */
interface Scene {
  readonly item: Item;
  readonly locations: Locations;
  readonly now: number;
}

/** Adds to or takes from a bucket. Physical truth is accepted even where it breaks promises; the shortfall becomes a fact. */
export function adjust(command: AdjustStock, world: World, { now }: Context): Adjusted {
  const scene = setScene(command, world, now);
  return 'refusal' in scene ? { ok: false, refusal: scene.refusal } : applyChange(command, command.change, scene);
}

/** Sets a bucket to what was counted. */
export function count(command: CountStock, world: World, { now }: Context): Adjusted {
  const scene = setScene(command, world, now);
  if ('refusal' in scene) return { ok: false, refusal: scene.refusal };
  const known = quantityIn(scene.item, command.location, command.bucket);
  if (command.expected !== undefined && command.expected !== known) {
    return refused('conflict', 'unexpected-count', `The books said ${known} at ${command.location}, not ${command.expected}. Count again.`, { expected: command.expected, actual: known });
  }
  return applyChange(command, command.count - known, scene, 'counted');
}

/** Moves units from one bucket of a place to another: two facts, one sum. */
export function move(command: MoveStock, world: World, { now }: Context): Adjusted {
  const scene = setScene(command, world, now);
  if ('refusal' in scene) return { ok: false, refusal: scene.refusal };
  const taken = applyChange({ ...command, bucket: command.from }, -command.move, scene);
  if (!taken.ok) return taken;
  const there = quantityIn(scene.item, command.location, command.to);
  if (command.to !== command.from && there + command.move > QUANTITY_MAX) return tooMuch(command, command.to, there, command.move);
  const onHand = taken.answer.onHand + (command.to === 'sellable' ? command.move : 0);
  const put = adjusted(command, { bucket: command.to, change: command.move, onHand }, now);
  const [first, ...rest] = taken.events;
  const events = first === undefined ? [put] : [first, put, ...rest];
  return accepted(events, { ...taken.answer, bucket: command.to, change: command.move, onHand, version: scene.item.version + events.length });
}

/** Empties a place of an item into another one, bucket by bucket, so that the place can go. */
export function transferAway(command: TransferAway, world: World, { now }: Context): Decision<InventoryEvent, null> {
  const item = findItem(world, command.sku) ?? undefined;
  const level = item?.levels.get(command.from);
  if (!item || !level) return accepted([], null);
  item.lapses.advance(now);
  if (level.allocated > 0 || reservedAt(item, command.from, level) > 0) {
    return refused('conflict', 'in-use', `There are holds or allocations of ${command.sku} at ${command.from}.`);
  }
  const to = item.levels.get(command.to);
  const events: InventoryEvent[] = [];
  for (const bucket of ['sellable', 'damaged', 'qualityControl'] as const) {
    const quantity = bucketOf(level, bucket);
    if (quantity === 0) continue;
    const reason = { sku: command.sku, reason: 'transfer', reference: `location ${command.from} closed` } as const;
    const arrived = (to?.onHand ?? 0) + (level.onHand > 0 || bucket === 'sellable' ? level.onHand : 0);
    events.push(
      adjusted({ ...reason, location: command.from }, { bucket, change: -quantity, onHand: 0 }, now),
      adjusted({ ...reason, location: command.to }, { bucket, change: quantity, onHand: arrived }, now),
    );
  }
  return accepted(events, null);
}

function setScene(command: AdjustStock | CountStock | MoveStock, world: World, now: number): Scene | { refusal: Refusal } {
  const item = findItem(world, command.sku);
  if (!item) return refused('not-found', 'unknown-item', `There is no item ${command.sku}.`);
  if (isBundle(item.definition)) return { refusal: bundleRefusal(command.sku) };
  const locations = locationsBeside(world, itemKey(command.sku));
  const location = locations.get(command.location);
  if (!location || location.closing === true) {
    return refused('invalid', 'unknown-location', `There is no location ${command.location}.`, { errors: [{ pointer: '/location', detail: `There is no location ${command.location}.` }] });
  }
  if (command.ifEtag !== undefined && command.ifEtag !== etagOf(item, locations, now)) {
    return refused('precondition', 'version-conflict', `Item ${command.sku} has changed since it was read. Read it again.`, { version: item.version });
  }
  return { item, locations, now };
}

function applyChange(command: { sku: string; location: string; bucket: Bucket } & Omit<AdjustStock, 'type' | 'change'>, change: number, { item, now }: Scene, how: 'counted' | 'changed' = 'changed'): Adjusted {
  const { sku, location, bucket } = command;
  const before = quantityIn(item, location, bucket);
  const after = before + change;
  if (after < 0) {
    return refused('conflict', 'negative-stock', `There are ${before} of ${sku} at ${location}; ${-change} cannot be taken away.`, { sku, location, bucket, quantity: before, change });
  }
  if (after > QUANTITY_MAX) return tooMuch(command, bucket, before, change);
  const onHand = bucket === 'sellable' ? after : quantityIn(item, location, 'sellable');
  const events: InventoryEvent[] = change === 0 ? [] : [adjusted(command, { bucket, change, onHand }, now)];
  // Whoever counts finds out what is missing, also where it is more than was known; units that come in only make up for it.
  const finds = bucket === 'sellable' && (change < 0 || (change > 0 && how === 'counted'));
  const shortfall = finds ? shortfallOf(item, location, after, now) : undefined;
  if (shortfall) events.push(shortfall);
  return accepted(events, { sku, location, bucket, change, onHand, version: item.version + events.length });
}

export function tooMuch({ sku, location }: { sku: string; location: string }, bucket: Bucket, quantity: number, change: number): { ok: false; refusal: Refusal } {
  return refused('conflict', 'limit-exceeded', `No place may have more than ${QUANTITY_MAX} of an item.`, { sku, location, bucket, quantity, change });
}

function shortfallOf(item: Item, location: string, onHand: number, now: number): InventoryEvent | undefined {
  const level = item.levels.get(location);
  if (!level) return undefined;
  item.lapses.advance(now);
  const promised = level.allocated + reservedAt(item, location, level);
  if (promised <= onHand) return undefined;
  return { type: 'inventory.shortfall.detected', key: itemKey(item.sku), time: now, data: { location, shortfall: promised - onHand, onHand, promised } };
}

function quantityIn(item: Item, location: string, bucket: Bucket): number {
  const level = item.levels.get(location);
  return level ? bucketOf(level, bucket) : 0;
}

export function adjusted(
  about: { sku: string; location: string; reason: AdjustStock['reason']; reference?: string; note?: string },
  what: { bucket: LevelBucket; change: number; onHand: number },
  now: number,
): InventoryEvent {
  const { sku, location, reason, reference, note } = about;
  return {
    type: 'inventory.stock.adjusted',
    key: itemKey(sku),
    time: now,
    data: { location, ...what, reason, ...(reference === undefined ? undefined : { reference }), ...(note === undefined ? undefined : { note }) },
  };
}
