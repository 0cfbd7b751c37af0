import type { JsonObject } from '../../base/json.ts';
import type { Money } from './money.ts';

/**
 * How items are priced that fit a pattern. Plain JSON, checked and with its defaults by `parsePolicy`; what is compiled
 * for use (patterns) is made of it once a version, in `book.ts`.
 */
export interface PolicyDefinition {
  /** The highest that fits an item prices it; of equals the one whose id is lower. */
  readonly priority: number;
  /** A pattern over the item: `{ sku, name, attributes, price, cost }`; without fields it fits every item. */
  readonly match: JsonObject;
  readonly mode: PolicyMode;
  readonly strategy: Strategy;
  readonly guardrails: Guardrails;
}

/** `shadow`: computed, recorded and compared, not shown. */
export type PolicyMode = 'live' | 'shadow' | 'off';

export type Strategy = RulesStrategy | RunOutStrategy | GallegoVanRyzinStrategy | LearnedStrategy | FunctionStrategy | ModuleStrategy;

/** Applied in their order, each to the result of the one before. */
export interface RulesStrategy {
  readonly kind: 'rules';
  readonly rules: readonly Rule[];
}

export interface Rule {
  readonly name: string;
  /** A pattern over the signals; without fields it always holds. */
  readonly when: JsonObject;
  readonly change: Change;
}

/** `amount` and `set` are minor units; with a currency they hold for items of that currency only. */
export type Change = { readonly percent: number } | { readonly amount: number; readonly currency?: string } | { readonly set: number; readonly currency?: string };

/** Sells what is there by the end. Exactly one of `horizonDays` (always as far ahead) and `seasonEnd` (an instant, RFC 3339). */
export interface RunOutStrategy {
  readonly kind: 'run-out';
  /** How much demand falls in percent for each percent of price: above 0. */
  readonly elasticity: number;
  /** Units a day at the base price. */
  readonly referencePerDay: number;
  readonly horizonDays?: number;
  readonly seasonEnd?: string;
}

/** Demand λ(p) = demandPerDay · e^(−alpha·p), p in currency units, time in days. */
export interface GallegoVanRyzinStrategy {
  readonly kind: 'gallego-van-ryzin';
  readonly demandPerDay: number;
  readonly alpha: number;
  readonly seasonEnd: string;
  /** Currency units; 0 unless given. */
  readonly salvage?: number;
}

export interface LearnedStrategy {
  readonly kind: 'learned';
  readonly priorElasticity: number;
  /** The attribute whose value groups items that learn from each other: `category` unless given. */
  readonly category?: string;
}

/** POST of `{ item, signals }`, answered by `{ price }`. */
export interface FunctionStrategy {
  readonly kind: 'function';
  readonly url: string;
  readonly timeoutMs: number;
}

export interface ModuleStrategy {
  readonly kind: 'module';
  readonly path: string;
}

/** Bounds on what a strategy may do. Floor and ceiling come before pace: a price outside of them moves at any pace. */
export interface Guardrails {
  /** `margin` is a share of cost: 0.2 keeps the price at or above cost · 1.2. */
  readonly floor?: { readonly margin: number } | Money;
  /** `factor` is of the base price. */
  readonly ceiling?: { readonly factor: number } | Money;
  /** The price differs by no more than this from any that was published within the window. */
  readonly maxStepPercent?: number;
  /** Window of `maxStepPercent` and `maxChanges`; an hour unless given. */
  readonly stepWindowSeconds?: number;
  readonly maxChanges?: number;
  readonly cooldownSeconds?: number;
  /** Smaller differences are ignored. */
  readonly hysteresisPercent?: number;
  /** The last digits of a price: 99 makes 109.99. Of the last two digits, of three in currencies of three decimals. */
  readonly ending?: number;
  readonly staleAfterSeconds?: number;
}

/** What may be done to all prices at once. */
export interface Controls {
  /** Prices stay where they are. */
  readonly killSwitch: boolean;
  /** Patterns over the item; prices of items that fit one stay where they are. */
  readonly freeze: readonly JsonObject[];
}
