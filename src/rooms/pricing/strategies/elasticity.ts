/**
 * How demand answers to the price, learned from what sold at which price: log q = a − ε·log p, as a straight line
 * through the price points of an item, drawn towards what is known of its category the more, the less the item itself
 * has shown: hierarchical shrinkage as in Smith and Griffin, "Shrinkage priors for high-dimensional demand estimation",
 * Quantitative Marketing and Economics, 2022, doi 10.1007/s11129-022-09260-7, in its simplest, normal form.
 *
 * A price that was set because demand was high or low tells of demand, not of the price: give price points only of moves
 * that had other reasons, such as a new base price, an override, an hour of the day or a test.
 */

/** A time during which a price was shown and the item was in stock. */
export interface PricePoint {
  /** In currency units, above 0. */
  readonly price: number;
  readonly units: number;
  /** Days in stock at that price, above 0. */
  readonly days: number;
}

/** All that is kept of price points: sums over x = log p and y = log q. Those of several items are added up. */
export interface PriceSums {
  readonly points: number;
  readonly x: number;
  readonly y: number;
  readonly xx: number;
  readonly xy: number;
  readonly yy: number;
}

export const NO_POINTS: PriceSums = { points: 0, x: 0, y: 0, xx: 0, xy: 0, yy: 0 };

export function withPoint(sums: PriceSums, { price, units, days }: PricePoint): PriceSums {
  const x = Math.log(price);
  const y = Math.log((units + 0.5) / days); // half a unit more, so that a time without sales has a logarithm
  return { points: sums.points + 1, x: sums.x + x, y: sums.y + y, xx: sums.xx + x * x, xy: sums.xy + x * y, yy: sums.yy + y * y };
}

/** The scatter of points about the means of their items, which may sell at different levels. */
export interface PriceScatter {
  readonly points: number;
  /** Points beyond the first of each item. */
  readonly freedom: number;
  readonly xx: number;
  readonly xy: number;
  readonly yy: number;
}

/** The scatter of one item's points, or of those of a category: the sum over its items. */
export function scatterOf(items: readonly PriceSums[]): PriceScatter {
  const scatter = { points: 0, freedom: 0, xx: 0, xy: 0, yy: 0 };
  for (const { points, x, y, xx, xy, yy } of items) {
    if (points === 0) continue;
    scatter.points += points;
    scatter.freedom += points - 1;
    scatter.xx += Math.max(0, xx - (x * x) / points);
    scatter.xy += xy - (x * y) / points;
    scatter.yy += Math.max(0, yy - (y * y) / points);
  }
  return scatter;
}

/** A belief about ε: its mean and its variance τ². */
interface Belief {
  readonly mean: number;
  readonly variance: number;
}

export const ELASTICITY_MIN = 1.1;
export const ELASTICITY_MAX = 8;
/** τ² about a number that somebody gave: ε within ±1.4 of it in 19 of 20 cases. */
const PRIOR_VARIANCE = 0.5;
/** τ² of items about their category. */
const SPREAD_WITHIN_CATEGORY = 0.25;
/** σ² is not believed to be below this: sales are counts. */
const NOISE_MIN = 0.02;

/**
 * The posterior ε̂ = (ε₀/τ² + Σxᵢyᵢ/σ²) / (1/τ² + Σxᵢ²/σ²), with x = mean of log p − log p, y = log q − mean of log q
 * and σ² from the points' distance to their own line; unclamped.
 */
function updated(belief: Belief, { freedom, xx, xy, yy }: PriceScatter): Belief {
  if (xx < 1e-9) return belief; // the price never moved
  const noise = Math.max(NOISE_MIN, freedom > 1 ? (yy - (xy * xy) / xx) / (freedom - 1) : 1);
  const weight = 1 / belief.variance + xx / noise;
  return { mean: (belief.mean / belief.variance - xy / noise) / weight, variance: 1 / weight };
}

/**
 * The elasticity of an item, clamped to [1.1, 8]: what was thought of its category, corrected by what the category's
 * items showed, corrected by what the item itself showed.
 */
export function learnedElasticity({ prior, category, item }: { readonly prior: number; readonly category: PriceScatter; readonly item: PriceScatter }): number {
  const ofCategory = updated({ mean: prior, variance: PRIOR_VARIANCE }, category);
  const ofItems = { mean: ofCategory.mean, variance: ofCategory.variance + SPREAD_WITHIN_CATEGORY };
  return Math.min(ELASTICITY_MAX, Math.max(ELASTICITY_MIN, updated(ofItems, item).mean));
}
