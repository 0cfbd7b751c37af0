/**
 * Pricing: what an item costs, why, and since when. Strategies say what a price could be; guardrails say how far it may
 * go there; what is published is a fact, with every step from the base price in it. Policies keep all their versions,
 * quotes honour a price until they expire. Nothing here waits, looks at a clock or draws lots: the same facts give the
 * same prices, and a simulation runs the very same functions.
 */
import type { Room } from '../../runtime/runtime.ts';
import { Bug } from '../../base/assert.ts';
import { COMMANDS, type PricingCommand } from './commands.ts';
import { decide } from './decide.ts';
import type { PricingEvent } from './events.ts';
import { evolve, keysOf } from './evolve.ts';
import { logOfKey } from './keys.ts';
import { forgottenAt } from './quotes.ts';
import type { Price, Quote } from './state.ts';
import { readPrice, writePrice } from './stored.ts';
import { factRows, form, rowsOf, TABLES } from './views.ts';

export const pricing: Room<PricingCommand> = {
  name: 'pricing',
  owns: { keys: 'pyq', commands: Object.keys(COMMANDS), facts: 'pricing.' },
  form,
  // Facts of this room are written by this room alone, so a record read back is one of its events.
  decide: (command, world, context) => decide(command, world, context) as ReturnType<Room<PricingCommand>['decide']>,
  keysOf: (event) => keysOf(event as unknown as PricingEvent),
  evolve: (event, states) => evolve(event as unknown as PricingEvent, states),
  births: {
    evolveApart: (event, states) => evolve(event as unknown as PricingEvent, states),
    keyOf: () => undefined,
    stateOf: ({ type }) => {
      throw new Bug(`${type} makes no state by itself`);
    },
    dueOf: () => null,
    instantOf: () => undefined,
  },
  logOf: logOfKey,
  write: (key, state) => (key[0] === 'p' ? writePrice(state as Price) : JSON.stringify(state)), // under `p/` keys there are prices only
  read: (key, body) => (key[0] === 'p' ? readPrice(body) : (JSON.parse(body) as unknown)),
  dueOf: (key, state) => (key[0] === 'p' ? ((state as Price).override?.until ?? null) : key[0] === 'q' ? forgottenAt(state as Quote) : null), // under `p/` keys there are prices only, under `q/` quotes
  wake: (key) => (key[0] === 'q' ? { type: 'ForgetQuote', id: key.slice(2) } : { type: 'EndOverride', sku: key.slice(2), why: 'lapsed' }),
  views: { tables: TABLES, before: () => undefined, rows: (key, state, _before, rows, at) => rowsOf(key, state, rows, at), facts: factRows },
};

export * as limits from './limits.ts';
export { PolicyBook, type BookPolicy, type Choice, type MatchedItem } from './book.ts';
export type { Candidate, Priced, Step } from './candidate.ts';
export type { PolicyFault } from './checks.ts';
export type { Published, PublishedItem, PricingCommand } from './commands.ts';
export { PUBLIC_TYPES, type PricingEvent } from './events.ts';
export { judge } from './guardrails.ts';
export { logOfKey, policyKey, priceKey, quoteKey } from './keys.ts';
export { halfEven, minorPerUnit, type Money } from './money.ts';
export { parseControls, parsePolicy } from './parse.ts';
export type { Described } from './policies.ts';
export type { Change, Controls, FunctionStrategy, Guardrails, PolicyDefinition, Rule, Strategy } from './policy.ts';
export { quoteRefusal } from './quotes.ts';
export { bookView, policyView, priceView, quoteView, versionView } from './resources.ts';
export type { Signals } from './signals.ts';
export { bookOf, findPolicy, findPrice, findQuote, type Book, type Policy, type Price, type Quote } from './state.ts';
export { afterSale, afterStock, DAY_MS, daysOfCover, daysSince, newVelocity, sellThrough, velocityAt, type Velocity } from './strategies/demand.ts';
export { NO_POINTS, scatterOf, withPoint, type PricePoint, type PriceScatter, type PriceSums } from './strategies/elasticity.ts';
export { gallegoVanRyzinRevenue } from './strategies/gallego-van-ryzin.ts';
export { exponentialRunOutPrice } from './strategies/run-out.ts';
export { compileStrategy, type ComputedStrategy } from './strategies/strategies.ts';
export { readSaid, readWhy } from './stored.ts';
export type { Known, PriceModel } from './strategies/trace.ts';
export { trackTo } from './track.ts';
