/** What is remembered of how an item sells: all that its signals and its learned elasticity need besides the item itself. */
import { afterSale, afterStock, DAY_MS, minorPerUnit, newVelocity, NO_POINTS, velocityAt, withPoint, type Money, type PriceSums } from '../../rooms/pricing/pricing.ts';

/** Half-lives of the two averages: what sold in the last hours, and in the last days. */
export const HOUR_HALF_LIFE_MS = 3_600_000;
export const DAY_HALF_LIFE_MS = DAY_MS;

/** Replaced as a whole, never changed in place. */
export interface Sales {
  /** Units per millisecond at `atMs`, weighted with a half-life of an hour and of a day. */
  readonly hourPerMs: number;
  readonly dayPerMs: number;
  readonly atMs: number;
  readonly inStock: boolean;
  /** Units confirmed since the item is priced by policies. */
  readonly sold: number;
  /** The price that is being shown, where nobody set it because of demand: a point to learn from when it ends. */
  readonly point?: Point;
  readonly sums: PriceSums;
}

interface Point {
  readonly price: number;
  readonly units: number;
  /** Milliseconds in stock until `fromMs`. */
  readonly stockedMs: number;
  readonly fromMs: number;
}

/** Shorter times at a price say nothing of it. */
const POINT_MIN_DAYS = 0.25;

export function noSales(atMs: number): Sales {
  return { hourPerMs: 0, dayPerMs: 0, atMs, inStock: true, sold: 0, sums: NO_POINTS };
}

const hourOf = ({ hourPerMs: perMs, atMs, inStock }: Sales) => ({ ...newVelocity(atMs, inStock), perMs });
const dayOf = ({ dayPerMs: perMs, atMs, inStock }: Sales) => ({ ...newVelocity(atMs, inStock), perMs });

export function sold(sales: Sales, units: number, atMs: number): Sales {
  const hour = afterSale(hourOf(sales), HOUR_HALF_LIFE_MS, { units, atMs });
  const day = afterSale(dayOf(sales), DAY_HALF_LIFE_MS, { units, atMs });
  const point = sales.point && { ...sales.point, units: sales.point.units + units };
  return { ...sales, hourPerMs: hour.perMs, dayPerMs: day.perMs, atMs: day.atMs, sold: sales.sold + units, ...(point && { point }) };
}

/** Units that were sold come back. How briskly they sold stays what it was. */
export function cameBack(sales: Sales, units: number): Sales {
  return { ...sales, sold: Math.max(0, sales.sold - units) };
}

/** After a look at the stock: an item that cannot be sold is not slow. */
export function stocked(sales: Sales, inStock: boolean, atMs: number): Sales {
  if (inStock === sales.inStock) return sales;
  const hour = afterStock(hourOf(sales), HOUR_HALF_LIFE_MS, { inStock, atMs });
  const day = afterStock(dayOf(sales), DAY_HALF_LIFE_MS, { inStock, atMs });
  const point = sales.point && restedPoint(sales.point, sales.inStock, atMs);
  return { ...sales, hourPerMs: hour.perMs, dayPerMs: day.perMs, atMs: day.atMs, inStock, ...(point && { point }) };
}

/** Another price is shown. What sold at the one before is a point to learn from, where that was set by hand. */
export function repriced(sales: Sales, price: Money | null, by: 'policy' | 'hand', atMs: number): Sales {
  const { point, ...rest } = sales;
  const ended = point && restedPoint(point, sales.inStock, atMs);
  const days = (ended?.stockedMs ?? 0) / DAY_MS;
  const sums = ended && days >= POINT_MIN_DAYS && ended.price > 0 ? withPoint(sales.sums, { price: ended.price, units: ended.units, days }) : sales.sums;
  if (price === null || by === 'policy') return { ...rest, sums };
  return { ...rest, sums, point: { price: price.amount / minorPerUnit(price.currency), units: 0, stockedMs: 0, fromMs: atMs } };
}

function restedPoint(point: Point, wasInStock: boolean, atMs: number): Point {
  return { ...point, stockedMs: point.stockedMs + (wasInStock ? Math.max(0, atMs - point.fromMs) : 0), fromMs: atMs };
}

/** Units a day at an instant, by either half-life. */
export function velocities(sales: Sales, now: number): { readonly hour: number; readonly day: number } {
  return { hour: velocityAt(hourOf(sales), HOUR_HALF_LIFE_MS, now) * DAY_MS, day: velocityAt(dayOf(sales), DAY_HALF_LIFE_MS, now) * DAY_MS };
}
