/**
 * Prices from a demand that is known and a stock that is not refilled: the price at which the stock just lasts, and the
 * price that earns most from each unit. Stock binds upward only: the better of the two is the higher one.
 */

export interface ConstantElasticity {
  /** ε > 1: by how many per cent sales fall when the price rises by one. */
  readonly elasticity: number;
  /** Units a day that sell at the reference price. */
  readonly referencePerDay: number;
  /** In currency units. */
  readonly referencePrice: number;
}

/**
 * The price at which `units` (≥ 1) last for `days`, in currency units: p = p_ref·(λ_ref·t/n)^(1/ε), from
 * λ(p) = λ_ref·(p/p_ref)^(−ε). It is 0 where nobody buys or no time is left.
 */
export function runOutPrice({ elasticity, referencePerDay, referencePrice }: ConstantElasticity, units: number, days: number): number {
  return referencePrice * ((referencePerDay * Math.max(0, days)) / units) ** (1 / elasticity);
}

/** The same for the demand λ(p) = a·e^(−αp): p = ln(a·t/n)/α, and 0 where the stock lasts at any price. */
export function exponentialRunOutPrice({ demandPerDay, alpha }: { readonly demandPerDay: number; readonly alpha: number }, units: number, days: number): number {
  return Math.max(0, Math.log((demandPerDay * Math.max(0, days)) / units) / alpha);
}

/** Lerner's price for a unit that costs `cost`: p* = c·ε/(ε − 1), in the units of the cost. `elasticity` > 1. */
export function monopolyPrice(cost: number, elasticity: number): number {
  return (cost * elasticity) / (elasticity - 1);
}
