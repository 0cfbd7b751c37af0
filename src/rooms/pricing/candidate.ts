import type { Money } from './money.ts';
import type { Guardrails } from './policy.ts';

/** One step from the base price to the price. Where an amount is not whole it is told rounded half-even; `model` is not. */
export interface Step {
  /** `base`, the name of a rule, the kind of a strategy, or a guardrail. */
  readonly step: string;
  readonly before: Money | null;
  readonly after: Money | null;
  readonly reason: string;
}

/** What a strategy makes of signals. */
export interface Priced {
  /** Unrounded, in currency units (19.99). */
  readonly model: number;
  /** From the base price on; the first one's `before` is the base price. */
  readonly steps: readonly Step[];
  /** The answer is an earlier one because there was no newer: a function that failed. */
  readonly degraded?: boolean;
}

/** What the guardrails decide about: what a policy would make of an item's price. */
export interface Candidate {
  readonly sku: string;
  readonly basePrice: Money | null;
  readonly cost: Money | null;
  /** The version of the item's stock that the signals are of. Older never replaces newer. */
  readonly stockVersion: number;
  /** The instant that the signals are known to be right for, in milliseconds. */
  readonly signalsAt: number;
  /** null: no policy fits, and the price is the base price. */
  readonly policy: { readonly id: string; readonly version: number; readonly mode: 'live' | 'shadow'; readonly guardrails: Guardrails } | null;
  /** null: without a policy, or of an item without a base price. */
  readonly priced: Priced | null;
  /** The item fits a freeze pattern. */
  readonly frozen: boolean;
}
