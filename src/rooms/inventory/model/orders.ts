/** Orders: what is outstanding, what left from where, and whose it is. */
import type { InventoryCommand } from '../commands.ts';
import { bump, loseOne, skusOf, sum, unitsAt, type Line, type Part } from './lines.ts';
import type { Hold, Order, OrderLine, Shop } from './shop.ts';
import { dropWait, waitsOf } from './waiting.ts';

type Of<Type extends InventoryCommand['type']> = Extract<InventoryCommand, { type: Type }>;
type Requests = readonly { readonly sku: string; readonly quantity: number; readonly location?: string | undefined }[];
/** Units of an item at a place. */
type Unit = { readonly sku: string; readonly location: string };

/** The order with lines of a hold. An order has a bundle made in one way only. */
export function addToOrder(before: Order | undefined, hold: Hold, lines: readonly Line[]): Order | 'made otherwise' {
  const order: Order = structuredClone(before) ?? { lines: new Map(), waits: new Map() };
  for (const line of lines) {
    const known = order.lines.get(line.sku) ?? emptyLine(line);
    if (madeOf(known.line) !== madeOf(line)) return 'made otherwise';
    order.lines.set(line.sku, known);
    known.line.quantity += line.quantity;
    known.owners.push(...new Array<string | undefined>(line.quantity).fill(hold.customerId));
    for (const [index, part] of line.parts.entries()) {
      const there = known.line.parts[index] as Part; // made of the same
      there.quantity += part.quantity;
      there.backordered += part.backordered;
      for (const { location, quantity } of part.at) bump(there.at, location, quantity);
      known.through[index]?.push(...new Array<string | undefined>(part.quantity).fill(part.through));
    }
  }
  for (const sku of skusOf(lines)) order.waits.set(sku, [...(order.waits.get(sku) ?? []), ...waitsOf(lines, sku, hold.since.get(sku) ?? 0)].sort((a, b) => a.since - b.since));
  return order;
}

function madeOf({ parts }: Line): string {
  return parts.map(({ sku, each }) => `${each} ${sku}`).join();
}

function emptyLine({ sku, parts }: Line): OrderLine {
  const none = (): [] => [];
  return {
    line: { sku, quantity: 0, requested: undefined, location: undefined, parts: parts.map((part) => ({ ...part, quantity: 0, backordered: 0, at: [], through: undefined })) },
    fulfilled: 0, cancelled: 0, owners: [], through: parts.map(none), shipped: parts.map(none),
  };
}

/** Ships units of an order one by one, or says that it cannot: its own at a place, then free ones there for a promise elsewhere. */
export function ship(shop: Shop, order: Order, requests: Requests, may: 'take-free' | 'own-only'): boolean {
  const gone: Unit[] = [];
  const borrowed: Unit[] = [];
  for (const { sku, quantity, location } of requests) {
    const ordered = order.lines.get(sku) as OrderLine; // what is not on the order was refused before
    for (const [index, part] of ordered.line.parts.entries()) {
      const from = location === undefined ? placesFor(shop, part) : [location];
      for (let unit = 0; unit < quantity * part.each; unit++) {
        const left = (place: string): number => shop.onHand(part.sku, place) - count(gone, part.sku, place);
        const hasOwn = (place: string): boolean => part.at.some((at) => at.location === place) && left(place) > 0;
        const hasFree = (place: string): boolean => may === 'take-free' && left(place) > 0 && shop.free(part.sku, place) - count(borrowed, part.sku, place) > 0;
        const place = from.find((one) => hasOwn(one) || hasFree(one));
        if (place === undefined && shop.item(part.sku).tracked) return false;
        if (place !== undefined && hasOwn(place)) {
          part.quantity--;
          bump(part.at, place, -1);
        } else {
          if (place !== undefined) borrowed.push({ sku: part.sku, location: place });
          if (loseOne(part) === 'waiting') dropWait(order, part.sku);
        }
        if (place === undefined) continue;
        gone.push({ sku: part.sku, location: place });
        bump(ordered.shipped[index] ?? [], place, 1);
      }
    }
    ordered.line.quantity -= quantity;
    ordered.fulfilled += quantity;
  }
  for (const { sku, location } of gone) shop.put(sku, location, 'sellable', -1);
  return true;
}

function count(units: readonly Unit[], sku: string, location: string): number {
  return units.filter((unit) => unit.sku === sku && unit.location === location).length;
}

function placesFor(shop: Shop, { sku, at }: Part): string[] {
  const own = at.map(({ location }) => location);
  return [...own, ...[...(shop.stock.get(sku)?.keys() ?? [])].filter((id) => shop.places.get(id)?.active === true && !own.includes(id))];
}

export function changeOrder(shop: Shop, command: Of<'FulfilOrder'> | Of<'UnfulfilOrder'> | Of<'CancelOrder'>): string {
  const before = shop.orders.get(command.orderId);
  if (!before) return 'unknown-order';
  const wanted: Requests = command.lines ?? [...before.lines.values()].map(({ line: { sku, quantity } }) => ({ sku, quantity }));
  const asked = (sku: string): number => sum(wanted.filter((line) => line.sku === sku).map(({ quantity }) => quantity));
  const has = (sku: string): number => (command.type === 'UnfulfilOrder' ? before.lines.get(sku)?.fulfilled : before.lines.get(sku)?.line.quantity) ?? 0;
  if (wanted.some(({ sku }) => asked(sku) > has(sku))) return command.type === 'UnfulfilOrder' ? 'exceeds-fulfilled' : 'exceeds-allocated';
  const order = structuredClone(before);
  const code = command.type === 'CancelOrder' ? cancel(order, asked) : command.type === 'UnfulfilOrder' ? unfulfil(shop, order, command.lines) : fulfil(shop, order, command.lines);
  if (code === 'ok') shop.orders.set(command.orderId, order);
  return code;
}

function fulfil(shop: Shop, order: Order, lines: Requests): string {
  return ship(shop, order, lines, 'take-free') ? 'ok' : 'insufficient-on-hand';
}

function cancel(order: Order, asked: (sku: string) => number): string {
  for (const [sku, ordered] of order.lines) {
    ordered.line.quantity -= asked(sku);
    ordered.cancelled += asked(sku);
    for (let n = 0; n < asked(sku); n++) giveUp(ordered.owners);
    for (const [index, part] of ordered.line.parts.entries()) {
      for (let unit = 0; unit < asked(sku) * part.each; unit++) {
        giveUp(ordered.through[index] ?? []);
        if (loseOne(part) === 'waiting') dropWait(order, part.sku);
      }
    }
  }
  return 'ok';
}

/** One counts no more: against who came last first, those that count against nobody after them. */
function giveUp(counted: (string | undefined)[]): void {
  const index = counted.findLastIndex((one) => one !== undefined);
  counted.splice(index < 0 ? counted.length - 1 : index, 1);
}

/** Units come back to where they left from, the newest first; those that left from nowhere wait again. */
function unfulfil(shop: Shop, order: Order, lines: Requests): string {
  const back: Unit[] = [];
  for (const { sku, quantity, location } of lines) {
    const ordered = order.lines.get(sku) as OrderLine; // asked for no more than was shipped
    for (const [index, part] of ordered.line.parts.entries()) {
      if (!shop.items.has(part.sku)) return 'unknown-item';
      if (shop.isBundle(part.sku)) return 'invalid-request';
      const shipped = ordered.shipped[index] ?? [];
      const uncounted = ordered.fulfilled * part.each - unitsAt(shipped);
      const restored: string[] = [];
      let waiting = 0;
      for (let unit = 0; unit < quantity * part.each; unit++) {
        const from = location === undefined ? shipped.at(-1)?.location : shipped.find((place) => place.location === location)?.location;
        if (from === undefined && (location !== undefined || waiting === uncounted)) return 'exceeds-fulfilled';
        if (from === undefined) waiting++;
        else {
          bump(shipped, from, -1);
          restored.unshift(from);
        }
      }
      part.quantity += quantity * part.each;
      part.backordered += waiting;
      order.waits.set(part.sku, [...(order.waits.get(part.sku) ?? []), ...new Array(waiting).fill(undefined).map(() => ({ since: shop.turn }))]);
      for (const place of restored) bump(part.at, place, 1);
      back.push(...restored.map((place) => ({ sku: part.sku, location: place })));
    }
    ordered.line.quantity += quantity;
    ordered.fulfilled -= quantity;
  }
  for (const { sku, location } of back) shop.put(sku, location, 'sellable', 1);
  return 'ok';
}
