/**
 * Pricing: what an item costs, why, and since when. Strategies say what a price could be; guardrails say how far it may
 * go there; what is published is a fact, with every step from the base price in it. Policies keep all their versions,
 * quotes honour a price until they expire. Nothing here waits, looks at a clock or draws lots: the same facts give the
 * same prices, and a simulation runs the very same functions.
 */
export type { Candidate, Priced, Step } from './candidate.ts';
export type { Published, PublishedItem, PricingCommand } from './commands.ts';
export { PUBLIC_TYPES, type PricingEvent } from './events.ts';
export { logOfKey, policyKey, priceKey, quoteKey } from './keys.ts';
export type { Money } from './money.ts';
export type { Change, Controls, Guardrails, PolicyDefinition, Rule, Strategy } from './policy.ts';
export type { Signals } from './signals.ts';
export { bookOf, findPolicy, findPrice, findQuote, type Book, type Policy, type Price, type Quote } from './state.ts';
export type { Velocity } from './strategies/demand.ts';
export type { PricePoint, PriceScatter, PriceSums } from './strategies/elasticity.ts';
export type { ComputedStrategy } from './strategies/strategies.ts';
export type { Known, PriceModel } from './strategies/trace.ts';
