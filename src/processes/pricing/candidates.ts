import type { Item } from '../../rooms/inventory/inventory.ts';
import { halfEven, minorPerUnit, scatterOf, type BookPolicy, type Candidate, type Choice, type MatchedItem, type Money, type Price, type Priced as Computed, type PriceScatter, type Signals } from '../../rooms/pricing/pricing.ts';
import { policiesOf, type CompiledBook } from './book.ts';
import type { Priced } from './items.ts';
import type { Answer } from './outside.ts';
import { matchedItem, signalsOf, type Stock } from './signals.ts';

/** An item at one instant: its stock, undefined where it is no longer there, and its price as last published. */
export interface Look {
  readonly sku: string;
  readonly stock: Stock | undefined;
  readonly price: Price | undefined;
}

/** What is asked of somebody outside. */
export interface OutsideJob {
  readonly policy: BookPolicy;
  readonly item: MatchedItem;
  readonly signals: Signals;
  readonly base: Money;
  /** The candidate without its price. */
  readonly candidate: Candidate;
}

/** Everything about one item that its candidates are made of. */
export interface Moment {
  readonly now: number;
  /** The instant that all signals are right for. */
  readonly signalsAt: number;
  readonly book: CompiledBook;
  readonly category: PriceScatter | undefined;
}

/** The price of an item that is gone, or that no policy prices: undefined where that is published already. */
export function plainCandidate({ sku, stock, price }: Look, frozen: boolean, signalsAt: number): Candidate | undefined {
  const basePrice = stock?.item.definition?.price ?? null;
  if (isPublished(price, basePrice)) return undefined;
  return { sku, basePrice, cost: null, stockVersion: versionOf({ stock, price }), signalsAt, policy: null, priced: null, frozen };
}

/** What saves a sweep over items that have nothing to do with policies from asking the room about each. */
function isPublished(price: Price | undefined, basePrice: Money | null): boolean {
  if (!price) return basePrice === null;
  return sameMoney(price.price, basePrice) && sameMoney(price.basePrice, basePrice) && price.policy === null && price.override === undefined && price.held === undefined && !price.degraded;
}

const sameMoney = (a: Money | null, b: Money | null): boolean => a === b || (a !== null && b !== null && a.amount === b.amount && a.currency === b.currency);

/** A bundle's version is a sum over its parts, which falls where it is made of others: a price never waits for that. */
function versionOf({ stock, price }: Pick<Look, 'stock' | 'price'>): number {
  const known = price?.stockVersion ?? 0;
  if (!stock) return known;
  return isMadeOfOthers(stock.item) ? Math.max(stock.version, known) : stock.version;
}

const isMadeOfOthers = ({ definition }: Item): boolean => (definition?.components?.length ?? 0) > 0;

/** The candidates of an item that policies price or compare, and what has to be asked outside for others. */
export function candidatesOf(look: Look & { readonly stock: Stock }, kept: Priced, choice: Choice, moment: Moment): { ready: Candidate[]; outside: OutsideJob[] } {
  const { stock, price, sku } = look;
  const { definition } = stock.item;
  const basePrice = definition?.price ?? null;
  const signals = signalsOf(stock, { sales: kept.sales, firstAt: kept.firstAt, price: price?.price ?? null }, moment.now);
  const common = { sku, basePrice, cost: signals.cost, stockVersion: versionOf(look), signalsAt: moment.signalsAt, frozen: choice.frozen, priced: null };
  const ready: Candidate[] = [];
  const outside: OutsideJob[] = [];
  const live = choice.live;
  // What nobody prices is compared all the same.
  const plain = live ? undefined : plainCandidate(look, choice.frozen, moment.signalsAt);
  if (plain) ready.push(plain);
  for (const policy of policiesOf(choice)) {
    const { mode, guardrails } = policy.definition;
    const candidate: Candidate = { ...common, policy: { id: policy.id, version: policy.version, mode: mode === 'shadow' ? 'shadow' : 'live', guardrails } };
    const model = moment.book.modelOf(policy);
    if (basePrice === null) ready.push(candidate);
    else if (model) ready.push({ ...candidate, priced: model({ basePrice, cost: signals.cost, signals, now: moment.now, seen: seenOf(kept, moment.category) }) });
    else outside.push({ policy, item: matchedItem(stock.item), signals, base: basePrice, candidate });
  }
  return { ready, outside };
}

function seenOf({ sales }: Priced, category: PriceScatter | undefined): { item: PriceScatter; category: PriceScatter } | undefined {
  const item = scatterOf(sales ? [sales.sums] : []);
  return category || item.points > 0 ? { item, category: category ?? item } : undefined;
}

/**
 * A candidate with the answer from outside. Without one the last good answer stands, or else the price that is shown, or
 * the base price; and it says that it is degraded.
 */
export function answered({ policy, base, signals, candidate }: OutsideJob, answer: Answer, lastGood: number | undefined): Candidate {
  const perUnit = minorPerUnit(base.currency);
  const { kind } = policy.definition.strategy;
  const shown = signals.price?.currency === base.currency ? signals.price : base;
  const model = answer.ok ? answer.model : (lastGood ?? shown.amount / perUnit);
  const reason = answer.ok ? (answer.reason ?? `the ${kind} says so`) : `${answer.reason}: the last good price is kept`;
  const step = { step: kind, before: base, after: { amount: halfEven(model * perUnit), currency: base.currency }, reason };
  const priced: Computed = { model, steps: [step], ...(answer.ok ? undefined : { degraded: true }) };
  return { ...candidate, priced };
}
