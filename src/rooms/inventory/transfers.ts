import { must } from '../../base/assert.ts';
import { accepted, refused, type Decision, type Refusal } from '../../base/decision.ts';
import { unpromisedAt } from './availability.ts';
import { isBundle } from './bundles.ts';
import type { CancelTransfer, CreateTransfer, QuantityLine, ReceivedLine, ReceiveTransfer, ShipTransfer } from './commands.ts';
import type { InventoryEvent } from './events.ts';
import type { Context } from './holds.ts';
import { itemKey, logOfKey, transferKey } from './keys.ts';
import { QUANTITY_MAX } from './limits.ts';
import { transferView, type TransferView } from './resources.ts';
import { adjusted, tooMuch } from './stock.ts';
import { findItem, findTransfer, locationsBeside, type Item, type Transfer, type TransferLine, type World } from './state.ts';

/*
 *                          ┌──────────── receive ───────────┐
 *                          │                                ▼
 *   draft ── ship ──► in-transit ── receive ──► partially-received ── receive ──► received
 *     │                    │                                │
 *     └────── cancel ──────┴───── cancel, restock or write off ──────► cancelled
 *
 * A draft sets nothing aside. What is shipped leaves the one place and is on its way to the other, where it sells
 * nowhere until it is received. Every step is a pair of entries in the books of each item.
 */

type Stepped = Decision<InventoryEvent, TransferView>;
type No = { readonly ok: false; readonly refusal: Refusal };
type InputFault = { readonly pointer: string; readonly detail: string };

/** Plans a transfer; lines of one item become one. */
export function createTransfer(command: CreateTransfer, world: World, { now, ids }: Context): Stepped {
  const { from, to, reference, note } = command;
  const refusal = unknownItems(command.lines, world) ?? unknownPlaces(command, world);
  if (refusal) return { ok: false, refusal };
  const lines = mergeLines(command.lines);
  const excess = lines.filter(({ quantity }) => quantity > QUANTITY_MAX);
  if (excess.length > 0) return refused('conflict', 'limit-exceeded', `One transfer may have ${QUANTITY_MAX} units of an item.`, { lines: excess.map(({ sku, quantity }) => ({ sku, requested: quantity, limit: QUANTITY_MAX })) });
  const home = logOfKey(itemKey(must(lines[0], 'a transfer has a line').sku), world.partitions);
  const told = { ...(reference === undefined ? undefined : { reference }), ...(note === undefined ? undefined : { note }) };
  return recorded([], { id: ids.next('trf', now, home), status: 'draft', from, to, lines, ...told, createdAt: now, version: 1 }, now);
}

function unknownItems(lines: readonly QuantityLine[], world: World): Refusal | undefined {
  const errors: InputFault[] = [];
  const bundles: InputFault[] = [];
  for (const [index, { sku }] of lines.entries()) {
    const item = findItem(world, sku);
    if (!item) errors.push({ pointer: `/lines/${index}/sku`, detail: `There is no item ${sku}.` });
    else if (isBundle(item.definition)) bundles.push({ pointer: `/lines/${index}/sku`, detail: `${sku} is a bundle, which has no stock of its own.` });
  }
  if (errors.length > 0) return refused('invalid', 'unknown-item', 'Some lines name items that do not exist.', { errors }).refusal;
  return bundles.length > 0 ? refused('invalid', 'invalid-request', 'Bundles have no stock to transfer.', { errors: bundles }).refusal : undefined;
}

function unknownPlaces({ from, to, lines }: CreateTransfer, world: World): Refusal | undefined {
  const locations = locationsBeside(world, itemKey(lines[0]?.sku ?? ''));
  const errors: InputFault[] = [];
  for (const [pointer, id] of [['/from', from], ['/to', to]] as const) {
    const place = locations.get(id);
    if (!place || place.closing === true) errors.push({ pointer, detail: `There is no location ${id}.` });
  }
  if (errors.length > 0) return refused('invalid', 'unknown-location', 'The transfer names locations that do not exist.', { errors }).refusal;
  if (from !== to) return undefined;
  return refused('invalid', 'invalid-request', 'A transfer goes from one location to another.', { errors: [{ pointer: '/to', detail: 'must be another location than from' }] }).refusal;
}

function mergeLines(lines: readonly QuantityLine[]): TransferLine[] {
  const merged = new Map<string, number>();
  for (const { sku, quantity } of lines) merged.set(sku, (merged.get(sku) ?? 0) + quantity);
  return [...merged].map(([sku, quantity]) => ({ sku, quantity, shipped: 0, received: 0, restocked: 0, writtenOff: 0 }));
}

/** All units leave at once, from what nobody was promised; or none does. */
export function shipTransfer(command: ShipTransfer, world: World, { now }: Context): Stepped {
  const transfer = fitting(command, world, ['draft']);
  if ('refusal' in transfer) return transfer;
  const closing = closingPlace(transfer, world);
  if (closing !== undefined) return refused('conflict', 'in-use', `Location ${closing} is being closed.`);
  const short: { sku: string; requested: number; available: number }[] = [];
  const facts: InventoryEvent[] = [];
  for (const { sku, quantity } of transfer.lines) {
    const item = findItem(world, sku);
    if (!item) return removedItem(sku);
    const available = unpromisedAt(item, transfer.from, now);
    if (quantity > available) short.push({ sku, requested: quantity, available });
    else facts.push(...carried(item, transfer, { from: [transfer.from, 'sellable'], to: [transfer.to, 'inTransit'], quantity }, now));
  }
  if (short.length > 0) return refused('conflict', 'insufficient-stock', `There are not enough free units at ${transfer.from}. Nothing was shipped.`, { lines: short });
  const lines = transfer.lines.map((line) => ({ ...line, shipped: line.quantity }));
  return recorded(facts, { ...transfer, status: 'in-transit', lines, shippedAt: now, version: transfer.version + 1 }, now);
}

function closingPlace({ from, to, lines }: Transfer, world: World): string | undefined {
  const locations = locationsBeside(world, itemKey(lines[0]?.sku ?? ''));
  return [from, to].find((id) => locations.get(id)?.closing !== undefined || !locations.has(id));
}

/** Takes in what has arrived so far: never less than was said before, nor more than was shipped. */
export function receiveTransfer(command: ReceiveTransfer, world: World, { now }: Context): Stepped {
  const transfer = fitting(command, world, ['in-transit', 'partially-received']);
  if ('refusal' in transfer) return transfer;
  const refusal = unfitReceipt(command.lines, transfer);
  if (refusal) return { ok: false, refusal };
  const facts: InventoryEvent[] = [];
  const lines: TransferLine[] = [];
  for (const line of transfer.lines) {
    const received = command.lines.find(({ sku }) => sku === line.sku)?.received ?? line.received;
    const quantity = received - line.received;
    lines.push({ ...line, received });
    if (quantity === 0) continue;
    const item = findItem(world, line.sku);
    if (!item) return removedItem(line.sku);
    const there = item.levels.get(transfer.to)?.onHand ?? 0;
    if (there + quantity > QUANTITY_MAX) return tooMuch({ sku: line.sku, location: transfer.to }, 'sellable', there, quantity);
    facts.push(...carried(item, transfer, { from: [transfer.to, 'inTransit'], to: [transfer.to, 'sellable'], quantity }, now));
  }
  if (facts.length === 0) return accepted([], transferView(transfer));
  const isWhole = lines.every(({ shipped, received }) => received === shipped);
  return recorded(facts, { ...transfer, status: isWhole ? 'received' : 'partially-received', lines, version: transfer.version + 1 }, now);
}

function unfitReceipt(lines: readonly ReceivedLine[], transfer: Transfer): Refusal | undefined {
  const errors: InputFault[] = [];
  const decreased: { sku: string; received: number; before: number }[] = [];
  const exceeding: { sku: string; received: number; shipped: number }[] = [];
  for (const [index, { sku, received }] of lines.entries()) {
    const line = transfer.lines.find((other) => other.sku === sku);
    if (!line) errors.push({ pointer: `/lines/${index}/sku`, detail: `${sku} is not on this transfer.` });
    else if (received < line.received) decreased.push({ sku, received, before: line.received });
    else if (received > line.shipped) exceeding.push({ sku, received, shipped: line.shipped });
  }
  if (errors.length > 0) return refused('invalid', 'unknown-item', 'Some lines name items that are not on this transfer.', { errors }).refusal;
  if (decreased.length > 0) return refused('conflict', 'receipt-decreased', 'Less was said to have arrived than before. Correct the level with an adjustment instead.', { lines: decreased }).refusal;
  if (exceeding.length > 0) return refused('conflict', 'exceeds-shipped', 'More was said to have arrived than was shipped.', { lines: exceeding }).refusal;
  return undefined;
}

/** Ends a transfer. Units on their way go back to where they came from, or are lost. */
export function cancelTransfer(command: CancelTransfer, world: World, { now }: Context): Stepped {
  const transfer = fitting(command, world, ['draft', 'in-transit', 'partially-received']);
  if ('refusal' in transfer) return transfer;
  const { disposition } = command;
  const after = { ...transfer, status: 'cancelled', version: transfer.version + 1 } as const;
  if (transfer.status === 'draft') return recorded([], after, now);
  if (disposition === undefined) {
    return refused('invalid', 'invalid-request', 'Units are on their way: say what becomes of them.', { errors: [{ pointer: '/disposition', detail: 'is required once the transfer was shipped: restock or write-off' }] });
  }
  const facts: InventoryEvent[] = [];
  const lines: TransferLine[] = [];
  for (const line of transfer.lines) {
    const quantity = line.shipped - line.received;
    lines.push(disposition === 'restock' ? { ...line, restocked: quantity } : { ...line, writtenOff: quantity });
    if (quantity === 0) continue;
    const item = findItem(world, line.sku);
    if (!item) return removedItem(line.sku);
    const there = item.levels.get(transfer.from)?.onHand ?? 0;
    if (disposition === 'restock' && there + quantity > QUANTITY_MAX) return tooMuch({ sku: line.sku, location: transfer.from }, 'sellable', there, quantity);
    facts.push(...(disposition === 'restock' ? carried(item, transfer, { from: [transfer.to, 'inTransit'], to: [transfer.from, 'sellable'], quantity }, now) : [lost(item, transfer, quantity, now)]));
  }
  return recorded(facts, { ...after, lines }, now);
}

/** The transfer that a step is asked of, where it exists, is as it was read, and the step fits. */
function fitting({ id, ifVersion }: { id: string; ifVersion?: number }, world: World, statuses: readonly Transfer['status'][]): Transfer | No {
  const transfer = findTransfer(world, id);
  if (!transfer) return refused('not-found', 'unknown-transfer', `There is no transfer ${id}.`);
  // Read also where nothing is done to them in the end: the facts of a step fold into them.
  for (const { sku } of transfer.lines) findItem(world, sku);
  if (ifVersion !== undefined && ifVersion !== transfer.version) {
    return refused('precondition', 'version-conflict', `Transfer ${id} has changed since it was read. Read it again.`, { version: transfer.version });
  }
  if (statuses.includes(transfer.status)) return transfer;
  return refused('conflict', `transfer-${transfer.status}`, `Transfer ${id} is ${transfer.status}; this step does not fit.`);
}

type Side = readonly [location: string, bucket: 'sellable' | 'inTransit'];

/** The two entries of units that go from one count to another. */
function carried(item: Item, { id }: Transfer, { from, to, quantity }: { from: Side; to: Side; quantity: number }, now: number): InventoryEvent[] {
  const entry = ([location, bucket]: Side, change: number): InventoryEvent => {
    const before = item.levels.get(location)?.onHand ?? 0;
    // Within one place the units that leave the one count are on hand in the other only once both entries are made.
    const onHand = bucket === 'sellable' ? before + change : before;
    return adjusted({ sku: item.sku, location, reason: 'transfer', reference: id }, { bucket, change, onHand }, now);
  };
  return [entry(from, -quantity), entry(to, quantity)];
}

function lost(item: Item, { id, to }: Transfer, quantity: number, now: number): InventoryEvent {
  return adjusted({ sku: item.sku, location: to, reason: 'lost', reference: id }, { bucket: 'inTransit', change: -quantity, onHand: item.levels.get(to)?.onHand ?? 0 }, now);
}

function removedItem(sku: string): No {
  return refused('invalid', 'unknown-item', `Item ${sku} was removed; nothing of it can be moved.`);
}

function recorded(facts: readonly InventoryEvent[], after: Transfer, now: number): Stepped {
  return accepted([...facts, { type: 'inventory.transfer.recorded', key: transferKey(after.id), time: now, data: { transfer: after } }], transferView(after));
}
