import { compileStrategy, daysOfCover, judge, priceKey, pricing, type Candidate, type Money, type PolicyDefinition, type Price, type PricingCommand, type Priced, type Signals, type Step } from '../../rooms/pricing/pricing.ts';
import type { Ids } from '../../base/ids.ts';
import type { EventRecord } from '../../store/store.ts';
import { answered } from './candidates.ts';
import type { Answer } from './outside.ts';

/** An item as a simulation describes it. */
export interface SimulatedItem {
  readonly sku?: string | undefined;
  readonly name?: string | undefined;
  readonly price: Money;
  readonly cost?: Money | undefined;
  readonly attributes?: Signals['attributes'] | undefined;
}

/** `at` in milliseconds; signals that are not given are as of an item of which nothing is there and nothing sells. */
export interface SimulatedCase {
  readonly at: number;
  readonly signals: Partial<Signals>;
}

export interface SimulatedPrice {
  readonly at: number;
  readonly model: number | null;
  readonly price: Money;
  readonly why: readonly Step[];
  readonly degraded: boolean;
}

/** Asks a function or a module. */
export type AskOutside = (strategy: Extract<PolicyDefinition['strategy'], { kind: 'function' | 'module' }>, asked: { item: SimulatedItem & { sku: string }; signals: Signals }, base: Money) => Promise<Answer>;

const SKU = 'simulated';

/**
 * What a policy would make of an item in some cases, each following the one before: with the strategies, the guardrails
 * and the folding that prices are really made with. Stores nothing.
 */
export async function simulateCases(policy: PolicyDefinition, item: SimulatedItem, cases: readonly SimulatedCase[], { ask, ids }: { ask: AskOutside; ids: Ids }): Promise<SimulatedPrice[]> {
  const { strategy } = policy;
  const outside = strategy.kind === 'function' || strategy.kind === 'module' ? strategy : undefined;
  const model = strategy.kind === 'function' || strategy.kind === 'module' ? undefined : compileStrategy(strategy);
  const sku = item.sku ?? SKU;
  const states = new Map<string, unknown>();
  const world = { partitions: 1, get: (key: string): unknown => states.get(key) };
  const around = { get: world.get, set: (key: string, value: unknown) => void states.set(key, value) };
  const results: SimulatedPrice[] = [];
  for (const [index, { at, signals: given }] of cases.entries()) {
    if (given.price) pricing.evolve(shownAs(sku, given.price, item.price, at), around);
    const state = states.get(priceKey(sku)) as Price | undefined; // under `p/` keys there are prices only
    const signals = completed(given, item, state?.price ?? null, at);
    const basePrice = signals.basePrice ?? item.price;
    const candidate: Candidate = { sku, basePrice, cost: signals.cost, stockVersion: index + 1, signalsAt: at, policy: { id: 'simulated', version: 1, mode: 'live', guardrails: policy.guardrails }, priced: null, frozen: false };
    const shown = { ...item, sku };
    const job = { policy: { id: 'simulated', version: 1, definition: policy }, item: shown, signals, base: basePrice, candidate };
    const priced: Priced | null = outside ? answered(job, await ask(outside, { item: shown, signals }, basePrice), undefined).priced : (model?.({ basePrice, cost: signals.cost, signals, now: at }) ?? null);
    const whole = { ...candidate, priced };
    const judged = judge(whole, state, { now: at, killSwitch: false, shown: state?.price ?? null });
    const command: PricingCommand = { type: 'PublishPrices', revision: 0, items: [whole] };
    const decision = pricing.decide(command, world, { now: at, ids });
    if (decision.ok) for (const event of decision.events) pricing.evolve(event, around);
    results.push({ at, model: priced?.model ?? null, price: judged.price ?? basePrice, why: judged.why, degraded: judged.degraded });
  }
  return results;
}

/** The price that a case says is shown. */
function shownAs(sku: string, price: Money, basePrice: Money, time: number): EventRecord {
  return { type: 'pricing.price.changed', key: priceKey(sku), time, data: { before: null, price: { ...price }, basePrice: { ...basePrice }, policy: null, policyVersion: null, why: '', stockVersion: 0, by: 'hand' } };
}

function completed(given: Partial<Signals>, item: SimulatedItem, price: Money | null, at: number): Signals {
  const date = new Date(at);
  const available = given.available ?? given.onHand ?? 0;
  const velocityDay = given.velocityDay ?? 0;
  const basePrice = given.basePrice ?? item.price;
  const cost = given.cost ?? item.cost ?? null;
  return {
    available,
    onHand: given.onHand ?? available,
    reserved: given.reserved ?? 0,
    daysOfCover: given.daysOfCover === undefined ? daysOfCover(available, velocityDay) : given.daysOfCover,
    velocityHour: given.velocityHour ?? velocityDay,
    velocityDay,
    sellThrough: given.sellThrough ?? 0,
    ageDays: given.ageDays ?? 0,
    price: given.price ?? price,
    basePrice,
    cost: cost?.currency === basePrice.currency ? cost : null,
    hour: given.hour ?? date.getUTCHours(),
    weekday: given.weekday ?? ((date.getUTCDay() + 6) % 7) + 1,
    attributes: { ...item.attributes, ...given.attributes },
  };
}
