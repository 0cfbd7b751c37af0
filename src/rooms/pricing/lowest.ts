/**
 * The lowest price of 30 days and the reduction announced from it: Directive 98/6/EC, Art. 6a, as the Court reads it in
 * C-330/23 (Aldi Süd). A reduction is announced from the lowest price of the 30 days before it began, and that price
 * stays while the reduction deepens without interruption (Art. 6a(5)). A price that rises ends it.
 */
import { LOWS_MAX, PRIOR_DAYS } from './limits.ts';
import type { Money } from './money.ts';
import type { Low, Reduction } from './state.ts';

const PRIOR_MS = PRIOR_DAYS * 86_400_000;

/** What of the prices shown so far later ones are compared with. */
export interface Shown {
  readonly lows: readonly Low[];
  readonly reduction?: Reduction | undefined;
}

/** One price ends at an instant, in milliseconds, and another is shown from then on; null: none. Prices of other currencies are not compared. */
export function shownFrom(shown: Shown, before: Money | null, after: Money | null, at: number): Shown {
  const lows = ended(shown.lows, before, at);
  if (before === null || after === null || after.currency !== before.currency || after.amount > before.amount) return { lows };
  const reduction = shown.reduction ?? begun(lows, after, at);
  return reduction ? { lows, reduction } : { lows };
}

/** The reduction that a price which falls begins, if it is below all that was shown before. */
function begun(lows: readonly Low[], after: Money, at: number): Reduction | undefined {
  const prior = lowestOf(lows, after.currency, Number.POSITIVE_INFINITY, at);
  return after.amount < prior ? { since: at, prior } : undefined;
}

/** Of a price and those that were shown in the 30 days before an instant, the one in force when they began too. */
function lowestOf(lows: readonly Low[], currency: string, amount: number, now: number): number {
  let lowest = amount;
  for (const low of lows) if (low.until > now - PRIOR_MS && low.amount < lowest && low.currency === currency) lowest = low.amount;
  return lowest;
}

/** A price that ended makes every earlier one that was not lower forgettable: it leaves the window after them. */
function ended(lows: readonly Low[], price: Money | null, at: number): readonly Low[] {
  const before = lows.filter((low) => low.until > at - PRIOR_MS && (price === null || low.amount < price.amount || low.currency !== price.currency));
  // Exactly as long as it is: an array that grows makes room for sixteen more, and every price has one.
  const kept = price === null ? before.slice() : before.concat({ amount: price.amount, currency: price.currency, until: at });
  return kept.length <= LOWS_MAX ? kept : withNearestJoined(kept);
}

/** Of two that were shown within the shortest time, only the lower one until the end of both: too low for a while, never too high. */
function withNearestJoined(lows: readonly Low[]): Low[] {
  let nearest = 0;
  let shortest = Number.POSITIVE_INFINITY;
  for (let i = 1; i + 1 < lows.length; i++) {
    const [one, next] = [lows[i] as Low, lows[i + 1] as Low]; // within bounds
    const span = next.until - (lows[i - 1] as Low).until;
    if (span < shortest && one.currency === next.currency) [nearest, shortest] = [i, span];
  }
  if (nearest === 0) return lows.slice(1); // as many currencies as prices
  const joined = { ...(lows[nearest] as Low), until: (lows[nearest + 1] as Low).until }; // of one currency the earlier is the lower
  return [...lows.slice(0, nearest), joined, ...lows.slice(nearest + 2)];
}

/** What is shown beside a price: minor units, and percent to two decimals, rounded down so that no more is announced than is true. */
export interface Announced {
  readonly lowest30d: number;
  /** null: the price is no reduction, and must not be announced as one. */
  readonly reductionPercent: number | null;
}

/** The price a reduction is announced from; where there is none, the lowest that was shown in the 30 days up to an instant. */
export function announced({ lows, reduction }: Shown, price: Money, now: number): Announced {
  if (!reduction) return { lowest30d: lowestOf(lows, price.currency, price.amount, now), reductionPercent: null };
  const { prior } = reduction;
  return { lowest30d: prior, reductionPercent: Math.floor(((prior - price.amount) * 10_000) / prior) / 100 };
}
