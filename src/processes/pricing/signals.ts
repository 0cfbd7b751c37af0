import { figuresIn, isBundle, partsOf, type Figures, type Item } from '../../rooms/inventory/inventory.ts';
import { daysOfCover, daysSince, sellThrough, type MatchedItem, type Money, type Signals } from '../../rooms/pricing/pricing.ts';
import type { World } from '../../runtime/runtime.ts';
import { velocities, type Sales } from './sales.ts';

/** An item as the stock knows it at one instant. */
export interface Stock {
  readonly item: Item;
  readonly figures: Figures;
  readonly version: number;
}

/** The version grows with every fact about the item, or about what it is made of. */
export function stockOf(world: World, item: Item, now: number): Stock {
  const figures = figuresIn(world, item, now);
  if (!isBundle(item.definition)) return { item, figures, version: item.version };
  return { item, figures, version: partsOf(item, world).reduce((sum, part) => sum + part.item.version, item.version) };
}

/** What patterns over the item are asked about. */
export function matchedItem({ sku, definition }: Item): MatchedItem {
  return { sku, name: definition?.name, attributes: definition?.attributes ?? {}, price: definition?.price, cost: definition?.cost };
}

/** What policies are told of an item. `price`: as last published; `firstAt`: when it was first described. */
export function signalsOf({ item, figures }: Stock, known: { sales: Sales | undefined; firstAt: number; price: Money | null }, now: number): Signals {
  const { definition } = item;
  const { available } = figures;
  const velocity = known.sales ? velocities(known.sales, now) : { hour: 0, day: 0 };
  const date = new Date(now);
  const basePrice = definition?.price ?? null;
  return {
    available,
    onHand: figures.onHand,
    reserved: figures.reserved,
    daysOfCover: daysOfCover(available, velocity.day),
    velocityHour: velocity.hour,
    velocityDay: velocity.day,
    sellThrough: sellThrough(known.sales?.sold ?? 0, available),
    ageDays: daysSince(known.firstAt, now),
    price: known.price,
    basePrice,
    cost: definition?.cost?.currency === basePrice?.currency ? (definition?.cost ?? null) : null,
    hour: date.getUTCHours(),
    weekday: ((date.getUTCDay() + 6) % 7) + 1,
    attributes: definition?.attributes ?? {},
  };
}
