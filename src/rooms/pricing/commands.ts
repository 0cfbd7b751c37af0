import type { Candidate } from './candidate.ts';
import type { Money } from './money.ts';
import type { Controls, PolicyDefinition } from './policy.ts';

/** What may be asked of the prices. Everything here was checked for form at the edge; only business rules remain. */
export type PricingCommand = Asked & (PublishPrices | PutPolicy | RollbackPolicy | RemovePolicy | SetControls | SetOverride | EndOverride | CreateQuote | ForgetQuote);

/** Who asks: the id of an API key, never its secret. Nobody where time asks, or the program that Holdfast is part of. */
export interface Asked {
  readonly actor?: string | undefined;
}

/** The types of all commands. */
export const COMMANDS: Readonly<Record<PricingCommand['type'], true>> = {
  PublishPrices: true,
  PutPolicy: true,
  RollbackPolicy: true,
  RemovePolicy: true,
  SetControls: true,
  SetOverride: true,
  EndOverride: true,
  CreateQuote: true,
  ForgetQuote: true,
};

/** Prices of items of one log, each through its guardrails; of one item its live candidate, and those of its shadow policies. */
export interface PublishPrices {
  readonly type: 'PublishPrices';
  /** The revision of the `Book` that the candidates were computed with: after a change of it they are `outdated`, all of them. */
  readonly revision: number;
  readonly items: readonly Candidate[];
}

/** The answer to `PublishPrices`: one for each candidate, in their order. */
export interface Published {
  readonly outcomes: readonly PublishedItem[];
}

/**
 * `changed`: the price, or the shadow's, is another; `noted`: something else about it is; `unchanged`: nothing was
 * written; `outdated`: a newer stock version was priced already, or policies and controls have changed meanwhile.
 * `again`: the instant from which the price could go on to where its guardrails have not let it go yet.
 */
export interface PublishedItem {
  readonly sku: string;
  readonly outcome: 'changed' | 'noted' | 'unchanged' | 'outdated';
  readonly again?: number;
}

/** Makes a new version of a policy; the same definition again makes none. */
export interface PutPolicy {
  readonly type: 'PutPolicy';
  readonly id: string;
  readonly definition: PolicyDefinition;
  readonly ifVersion?: number;
}

/** Makes a new version with the definition of an earlier one. */
export interface RollbackPolicy {
  readonly type: 'RollbackPolicy';
  readonly id: string;
  readonly version: number;
  /** What that version says, as the view has it: for one that is too old for the state. */
  readonly definition?: PolicyDefinition;
}

export interface RemovePolicy {
  readonly type: 'RemovePolicy';
  readonly id: string;
  readonly ifVersion?: number;
}

export interface SetControls {
  readonly type: 'SetControls';
  readonly controls: Controls;
}

/** Sets the price of an item by hand, until an instant or for good. That the item exists is whoever asks' to know. */
export interface SetOverride {
  readonly type: 'SetOverride';
  readonly sku: string;
  readonly price: Money;
  readonly until?: number;
  readonly reason: string;
}

/** `lapsed`: at its end, and only if that has come. */
export interface EndOverride {
  readonly type: 'EndOverride';
  readonly sku: string;
  readonly why: 'asked' | 'lapsed';
}

export interface CreateQuote {
  readonly type: 'CreateQuote';
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
  readonly channel?: string;
  readonly ttlSeconds?: number;
}

/** A quote that ended long ago is forgotten; time asks for it. */
export interface ForgetQuote {
  readonly type: 'ForgetQuote';
  readonly id: string;
}
