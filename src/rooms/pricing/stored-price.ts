/**
 * A price as it is saved. Most of one are its steps, each of which begins where the one before it ended, all in one
 * currency: saved are a name, an amount and a reason.
 */
import type { Step } from './candidate.ts';
import type { Money } from './money.ts';
import type { Price } from './state.ts';

/** A step that goes on from the one before; one that does not; and one of which an amount is missing or of another currency. */
type StoredStep = readonly [step: string, after: number, reason: string] | readonly [step: string, before: number, after: number, reason: string] | Step;

type StoredPrice = Omit<Price, 'why'> & { readonly why: readonly StoredStep[]; readonly whyIn?: string };

export function writePrice(price: Price): string {
  const currency = price.why[0]?.after?.currency;
  const stored: StoredPrice = currency === undefined ? price : { ...price, whyIn: currency, why: storedSteps(price.why, currency) };
  return JSON.stringify(stored);
}

export function readPrice(body: string): Price {
  const { whyIn, ...stored } = JSON.parse(body) as StoredPrice; // written above
  return { ...stored, why: whyIn === undefined ? (stored.why as readonly Step[]) : readSteps(stored.why, whyIn) }; // without a currency steps are saved as they are
}

function storedSteps(why: readonly Step[], currency: string): StoredStep[] {
  let at: number | undefined;
  return why.map((step) => {
    const { before, after, reason } = step;
    if (before?.currency !== currency || after?.currency !== currency) {
      at = undefined;
      return step;
    }
    const goesOn = before.amount === at;
    at = after.amount;
    return goesOn ? [step.step, at, reason] : [step.step, before.amount, at, reason];
  });
}

function readSteps(stored: readonly StoredStep[], currency: string): Step[] {
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
