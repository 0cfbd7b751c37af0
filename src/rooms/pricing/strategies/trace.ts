import type { Priced, Step } from '../candidate.ts';
import { minorPerUnit, halfEven, type Money } from '../money.ts';
import type { Signals } from '../signals.ts';
import type { PriceScatter } from './elasticity.ts';

/** What is known when an item is priced. */
export interface Known {
  readonly basePrice: Money;
  /** Of the same currency, or left out. */
  readonly cost: Money | null;
  readonly signals: Signals;
  /** The instant of the price, in milliseconds. */
  readonly now: number;
  /** For the learned strategy: the item's price points, and those of all items of its category, its own among them. */
  readonly seen?: { readonly item: PriceScatter; readonly category: PriceScatter } | undefined;
}

/** A strategy made ready: a pure function, so that the same signals give the same price, in the server and in a simulation. */
export type PriceModel = (known: Known) => Priced;

/** Larger amounts are no integers any more. */
const MINOR_MAX = Number.MAX_SAFE_INTEGER;

/** Steps from the base price on, in minor units that need not be whole on the way. */
export class Trace {
  readonly #base: Money;
  readonly #steps: Step[] = [];
  #value: number;
  #told: Money;

  constructor(base: Money) {
    this.#base = base;
    this.#value = base.amount;
    this.#told = base;
  }

  get value(): number {
    return this.#value;
  }

  step(step: string, value: number, reason: string): void {
    this.#value = Math.min(MINOR_MAX, value);
    const before = this.#told;
    this.#told = { amount: halfEven(this.#value), currency: this.#base.currency };
    this.#steps.push({ step, before, after: this.#told, reason });
  }

  /** The answer. Where no step was taken, one says why not. */
  priced(kind: string, otherwise: string): Priced {
    if (this.#steps.length === 0) this.step(kind, this.#value, otherwise);
    return { model: this.#value / minorPerUnit(this.#base.currency), steps: this.#steps };
  }
}

/** For people: 19.99 EUR. */
export function written({ amount, currency }: Money): string {
  const perUnit = minorPerUnit(currency);
  return `${(amount / perUnit).toFixed(Math.round(Math.log10(perUnit)))} ${currency}`;
}
