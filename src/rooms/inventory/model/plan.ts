/** What a wish for units comes to: demand summed by item first, then line by line, each from where it may. */
import { partsOf, sum, unbind, unitsAt, type Asked, type Line, type Part } from './lines.ts';
import type { Aside, Shop } from './shop.ts';

export interface Wish {
  readonly lines: readonly { readonly sku: string; readonly quantity: number; readonly location?: string | undefined }[];
  readonly customerId?: string | undefined;
  readonly channel?: string | undefined;
  readonly strategy?: string | undefined;
  readonly partial?: boolean | undefined;
}

type Asker = Omit<Wish, 'lines'>;

/** The lines that a wish comes to, or why it is refused. */
export function plan(shop: Shop, wish: Wish, aside: Aside): Line[] | string {
  if (wish.lines.some(({ sku }) => !shop.items.has(sku))) return 'unknown-item';
  if (wish.lines.some(({ location }) => location !== undefined && !shop.places.has(location))) return 'unknown-location';
  const asked = wish.lines.map((line): Asked => ({ ...line, parts: shop.open(line.sku) }));
  const bundlesOf = (sku: string): number => sum(wish.lines.filter((line) => line.sku === sku).map(({ quantity }) => quantity));
  if (wish.lines.some(({ sku }) => bundlesOf(sku) > (shop.item(sku).maxPerReservation ?? Number.POSITIVE_INFINITY))) return 'limit-exceeded';
  return planAsMade(shop, asked, wish, aside);
}

/** The same for lines of which it is known what they are made of. */
export function planAsMade(shop: Shop, asked: readonly Asked[], asker: Asker, aside: Aside): Line[] | string {
  const demand = demandOf(asked);
  if ([...demand].some(([sku, units]) => isOverLimit(shop, sku, units, asker.customerId, aside))) return 'limit-exceeded';
  if (asker.partial !== true && [...demand].some(([sku, units]) => units > shop.sellable(sku, asker.channel, aside))) return 'insufficient-stock';
  // Who may be served from anywhere leaves a place to those who want no other.
  const placed = (line: Asked): number => (line.location === undefined ? 1 : 0);
  const order = asker.partial === true ? asked : [...asked].sort((a, b) => placed(a) - placed(b));
  const planned: Line[] = [];
  for (const line of order) {
    const quantity = Math.min(line.quantity, ...line.parts.map((part) => Math.floor(grantable(shop, part.sku, line, asker, aside, planned) / part.each)));
    if (quantity < line.quantity && asker.partial !== true) return 'insufficient-stock';
    if (quantity === 0) continue;
    const parts = line.parts.map((part) => takePart(shop, part, quantity, line, asker, aside, planned));
    const made: Line = { sku: line.sku, quantity, requested: quantity < line.quantity ? line.quantity : undefined, parts, location: line.location };
    unbind(made);
    planned.push(made);
  }
  if (planned.length === 0) return 'insufficient-stock';
  return asker.partial === true ? planned : asked.map((line) => planned[order.indexOf(line)] as Line); // each was planned whole
}

/** Units of each item that lines ask for, by themselves and in bundles. */
export function demandOf(lines: readonly Asked[]): Map<string, number> {
  const demand = new Map<string, number>();
  for (const { quantity, parts } of lines) for (const { sku, each } of parts) demand.set(sku, (demand.get(sku) ?? 0) + quantity * each);
  return demand;
}

export function isOverLimit(shop: Shop, sku: string, units: number, customerId: string | undefined, aside: Aside): boolean {
  const { maxPerReservation = Number.POSITIVE_INFINITY, maxPerCustomer = Number.POSITIVE_INFINITY } = shop.item(sku);
  return units > maxPerReservation || (customerId !== undefined && shop.has(customerId, sku, aside) + units > maxPerCustomer);
}

/** Free units of an item at a place that no earlier line of the wish takes. */
function stillFree(shop: Shop, sku: string, place: string, aside: Aside, planned: readonly Line[]): number {
  const taken = partsOf(planned, sku).flatMap(({ at }) => at.filter(({ location }) => location === place).map(({ quantity }) => quantity));
  return Math.max(0, shop.free(sku, place, aside) - sum(taken));
}

function places(shop: Shop, sku: string, line: Asked, asker: Asker, aside: Aside, planned: readonly Line[]): string[] {
  return line.location === undefined ? shop.inOrder(asker, (place) => stillFree(shop, sku, place, aside, planned)) : [line.location];
}

/** Units that may wait beside those that do. */
function roomToWait(shop: Shop, sku: string, aside: Aside, planned: readonly Line[]): number {
  return Math.max(0, shop.limit(sku) - shop.backordered(sku, aside) - sum(partsOf(planned, sku).map(({ backordered }) => backordered)));
}

function grantable(shop: Shop, sku: string, line: Asked, asker: Asker, aside: Aside, planned: readonly Line[]): number {
  const left = shop.sellable(sku, asker.channel, aside) - sum(partsOf(planned, sku).map(({ quantity }) => quantity));
  const there = sum(places(shop, sku, line, asker, aside, planned).map((place) => stillFree(shop, sku, place, aside, planned)));
  return Math.max(0, Math.min(left, there + roomToWait(shop, sku, aside, planned)));
}

function takePart(shop: Shop, { sku, each }: { sku: string; each: number }, quantity: number, line: Asked, asker: Asker, aside: Aside, planned: readonly Line[]): Part {
  const part: Part = { sku, each, quantity: quantity * each, backordered: 0, at: [], through: shop.isPreordered(sku) ? asker.channel : undefined };
  for (const location of places(shop, sku, line, asker, aside, planned)) {
    const taken = Math.min(part.quantity - unitsAt(part.at), stillFree(shop, sku, location, aside, planned));
    if (taken > 0) part.at.push({ location, quantity: taken });
  }
  return { ...part, backordered: part.quantity - unitsAt(part.at) };
}
