/**
 * Steps and prices as they are kept. Steps are one text, in facts and in memory too: as objects they are half of all that
 * a price is made of, each is written and read several times, and what is in memory is looked over again and again by
 * whoever collects garbage.
 */
import type { Json, JsonObject } from '../../base/json.ts';
import type { Step } from './candidate.ts';
import type { Money } from './money.ts';
import type { Low, PastPrice, Price } from './state.ts';

/** Steps in text, as {@link writeWhy} makes it. */
export type Why = string;

/**
 * A step that goes on in the currency of the first from where the one before it ended; one that begins elsewhere; and
 * one of which an amount is missing or of another currency.
 */
type StoredStep = readonly [step: string, after: number, reason: string] | readonly [step: string, before: number, after: number, reason: string] | Step;

export function writeWhy(why: readonly Step[]): Why {
  if (why.length === 0) return '';
  const currency = why[0]?.after?.currency;
  let at: number | undefined;
  const steps = why.map((step): StoredStep => {
    const { before, after, reason } = step;
    if (before?.currency !== currency || after?.currency !== currency || before === null || after === null) {
      at = undefined;
      return step;
    }
    const goesOn = before.amount === at;
    at = after.amount;
    return goesOn ? [step.step, at, reason] : [step.step, before.amount, at, reason];
  });
  return JSON.stringify([currency ?? null, ...steps]);
}

/** The steps of a fact, which facts of an earlier layout have as a list. */
export function inText(why: Why | readonly Step[]): Why {
  return typeof why === 'string' ? why : writeWhy(why);
}

export function readWhy(why: Why | readonly Step[]): readonly Step[] {
  if (typeof why !== 'string') return why;
  if (why === '') return [];
  const [currency, ...stored] = JSON.parse(why) as [string, ...StoredStep[]]; // without a currency no step is a list
  let at: Money | null = null;
  return stored.map((one): Step => {
    if (!isList(one)) {
      at = one.after;
      return one;
    }
    const before: Money | null = one.length === 3 ? at : { amount: one[1], currency };
    const after = { amount: one.length === 3 ? one[1] : one[2], currency };
    at = after;
    return { step: one[0], before, after, reason: one.length === 3 ? one[2] : one[3] };
  });
}

/** `Array.isArray` does not know lists that may not be changed. */
function isList(stored: StoredStep): stored is Exclude<StoredStep, Step> {
  return Array.isArray(stored);
}

/** What most prices have none of. */
type Seldom = Pick<Price, 'held' | 'again' | 'override' | 'resume' | 'reduction' | 'changedAt'> & { readonly shadows?: Price['shadows']; readonly past?: Price['past'] };

type StoredPrice = readonly [sku: string, version: number, price: Price['price'], base: Price['basePrice'], policy: string | null, policyVersion: number | null, why: Why, stockVersion: number, effectiveAt: number, degraded: 0 | 1, lows: readonly Low[], seldom: Seldom];

/** A list without names, which are half of a price. */
export function writePrice(price: Price): string {
  const { sku, version, basePrice, policy, policyVersion, why, stockVersion, effectiveAt, degraded, lows, held, again, override, resume, reduction, changedAt, shadows, past } = price;
  const seldom: Seldom = { held, again, override, resume, reduction, changedAt, ...(Object.keys(shadows).length > 0 && { shadows }), ...(past.length > 0 && { past }) };
  return JSON.stringify([sku, version, price.price, basePrice, policy, policyVersion, why, stockVersion, effectiveAt, degraded ? 1 : 0, lows, seldom] satisfies StoredPrice);
}

export function readPrice(body: string): Price {
  const [sku, version, price, basePrice, policy, policyVersion, why, stockVersion, effectiveAt, degraded, lows, seldom] = JSON.parse(body) as StoredPrice; // written above
  const { changedAt, held, again, override, resume, reduction, past = NO_PAST, shadows = NO_SHADOWS } = seldom;
  return { sku, version, price, past, changedAt, basePrice, policy, policyVersion, why, stockVersion, effectiveAt, degraded: degraded === 1, held, again, override, resume, lows, reduction, shadows };
}

const NO_PAST: readonly PastPrice[] = [];
const NO_SHADOWS: Price['shadows'] = {};

/** What a fact said of a price, for the history. */
export function writeSaid(data: { readonly why: Why }): string {
  return JSON.stringify({ ...data, why: inText(data.why) });
}

export function readSaid(body: string): JsonObject {
  const data = JSON.parse(body) as JsonObject & { readonly why: Why }; // written above
  return { ...data, why: readWhy(data.why) as unknown as Json }; // steps are plain JSON; interfaces lack its index signature
}
