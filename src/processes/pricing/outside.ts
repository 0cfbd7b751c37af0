/** Prices that somebody else computes: what is asked, and what may be believed of an answer. */
import { minorPerUnit, type MatchedItem, type Money, type Signals } from '../../rooms/pricing/pricing.ts';

/** What a function or a module is sent. */
export interface Asked {
  readonly item: MatchedItem;
  readonly signals: Signals;
}

/** A price in currency units, unrounded, or why there is none. */
export type Answer = { readonly ok: true; readonly model: number; readonly reason?: string } | { readonly ok: false; readonly reason: string };

export const failure = (reason: string): Answer => ({ ok: false, reason });

const REASON_LENGTH_MAX = 200;

/** `{ price, reason? }`: the price as Money of the item's currency, or as a number of currency units. Anything else is no answer. */
export function answerIn(json: unknown, base: Money): Answer {
  const { price, reason } = (typeof json === 'object' && json !== null ? json : {}) as { price?: unknown; reason?: unknown }; // both are looked at before use
  const said = typeof reason === 'string' ? { reason: reason.slice(0, REASON_LENGTH_MAX) } : undefined;
  if (typeof price === 'number') return believable(price) ? { ok: true, model: price, ...said } : failure(`${price} is not a price`);
  if (typeof price !== 'object' || price === null) return failure('there is no price in the answer');
  const { amount, currency } = price as { amount?: unknown; currency?: unknown }; // likewise
  if (currency !== base.currency) return failure(`the answer is not in ${base.currency}`);
  if (typeof amount !== 'number' || !believable(amount)) return failure('the amount of the answer is not one');
  return { ok: true, model: amount / minorPerUnit(base.currency), ...said };
}

function believable(amount: number): boolean {
  return Number.isFinite(amount) && amount >= 0 && amount <= Number.MAX_SAFE_INTEGER;
}
