/**
 * How quickly an item sells, from sales that come at any instant, and what follows from it: how long its stock lasts,
 * how much of it was sold, how old it is.
 */

export const DAY_MS = 86_400_000;

/**
 * Units per millisecond, weighted so that a sale counts half after each half-life: an exponentially weighted moving
 * average of Poisson counts, λ̂ ← λ̂·2^(−Δt/h), + ln 2/h per unit sold. Time out of stock does not count: who cannot sell
 * is not slow, so the average rests until there is stock again.
 */
export interface Velocity {
  readonly perMs: number;
  /** The instant that it is the average of, in milliseconds. */
  readonly atMs: number;
  readonly inStock: boolean;
}

export function newVelocity(atMs: number, inStock: boolean): Velocity {
  return { perMs: 0, atMs, inStock };
}

/** The average at an instant: it falls while there is stock and nobody buys. An instant before the last one changes nothing. */
export function velocityAt({ perMs, atMs, inStock }: Velocity, halfLifeMs: number, nowMs: number): number {
  return inStock && nowMs > atMs ? perMs * 2 ** ((atMs - nowMs) / halfLifeMs) : perMs;
}

/** After units were sold. A sale that is told late counts from the newest instant known. */
export function afterSale(velocity: Velocity, halfLifeMs: number, sale: { readonly units: number; readonly atMs: number }): Velocity {
  const perMs = velocityAt(velocity, halfLifeMs, sale.atMs) + (Math.LN2 / halfLifeMs) * sale.units;
  return { perMs, atMs: Math.max(velocity.atMs, sale.atMs), inStock: velocity.inStock };
}

/** After the item came into stock or ran out of it. */
export function afterStock(velocity: Velocity, halfLifeMs: number, stock: { readonly inStock: boolean; readonly atMs: number }): Velocity {
  if (stock.inStock === velocity.inStock) return velocity;
  return { perMs: velocityAt(velocity, halfLifeMs, stock.atMs), atMs: Math.max(velocity.atMs, stock.atMs), inStock: stock.inStock };
}

/** Days for which the units last at a velocity of units a day; null where nothing sells. None or less last 0 days. */
export function daysOfCover(units: number, perDay: number): number | null {
  if (units <= 0) return 0;
  return perDay > 0 ? units / perDay : null;
}

/** The share of the units there were that was sold, 0 to 1; 0 where there were none. */
export function sellThrough(soldUnits: number, unitsLeft: number): number {
  const units = soldUnits + Math.max(0, unitsLeft);
  return units > 0 ? soldUnits / units : 0;
}

/** Days since an instant, 0 where it is still to come. */
export function daysSince(sinceMs: number, nowMs: number): number {
  return Math.max(0, nowMs - sinceMs) / DAY_MS;
}
