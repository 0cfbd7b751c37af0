/** Prices in the simulated shop: a policy that gives every level of stock a price of its own, and what has to be true of them. */
import { below, chance, pick, type Random } from '../../src/base/random.ts';
import type { Command } from '../../src/processes/processes.ts';
import { figuresIn, findItem } from '../../src/rooms/inventory/inventory.ts';
import { findPolicy, findPrice, type PolicyDefinition, type PricingEvent } from '../../src/rooms/pricing/pricing.ts';
import type { World } from '../../src/runtime/runtime.ts';
import { SOLD } from './shoppers.ts';

/** Levels that have a price of their own; above them the price is the base price. */
const LEVELS = 20;
const BASE = { amount: 1_000, currency: 'EUR' } as const;
const priceAt = (available: number): number => (available < LEVELS ? 2_000 - available : BASE.amount);

const POLICY: PolicyDefinition = {
  priority: 1,
  match: {},
  mode: 'live',
  strategy: { kind: 'rules', rules: Array.from({ length: LEVELS }, (_, available) => ({ name: `${available} left`, when: { available: [available] }, change: { set: priceAt(available) } })) },
  guardrails: {},
};

const POLICY_ID = 'by-level';
const policy = (mode: PolicyDefinition['mode']): Command => ({ type: 'PutPolicy', id: POLICY_ID, definition: { ...POLICY, mode } });

/** What the shop opens with. */
export const PRICES: readonly Command[] = [policy('live'), ...SOLD.map((sku): Command => ({ type: 'DefineItem', sku, mode: 'merge', definition: { price: BASE } }))];

/** What the shopkeeper does to prices. */
export function someSign(random: Random): Command {
  if (chance(random, 0.5)) return policy(pick(random, ['live', 'live', 'off', 'shadow']));
  const sku = pick(random, SOLD);
  return chance(random, 0.5) ? { type: 'SetOverride', sku, price: { amount: 500 + below(random, 3), currency: 'EUR' }, reason: 'fair' } : { type: 'EndOverride', sku, why: 'asked' };
}

/** Of the facts about prices, in the order of their logs: each follows from the one before it, and none is of an older stock. */
export function brokenChains(facts: readonly PricingEvent[]): string[] {
  const last = new Map<string, { amount: number | undefined; stockVersion: number }>();
  return facts.flatMap((fact) => {
    if (fact.type !== 'pricing.price.changed') return [];
    const { before, price, stockVersion } = fact.data;
    const known = last.get(fact.key);
    last.set(fact.key, { amount: price?.amount, stockVersion });
    if (known?.amount !== before?.amount) return [`${fact.key} went to ${price?.amount} from ${before?.amount}, and had come to ${known?.amount}`];
    if (price?.amount === before?.amount) return [`${fact.key} changed to what it was, ${price?.amount}`];
    return stockVersion < (known?.stockVersion ?? 0) ? [`${fact.key} was priced for version ${stockVersion} of its stock after version ${known?.stockVersion}`] : [];
  });
}

/** When everything has been heard: the prices that are not those of their stock. */
export function wrongPrices(world: World, now: number): string[] {
  return SOLD.flatMap((sku) => {
    const item = findItem(world, sku);
    const price = findPrice(world, sku);
    const isLive = findPolicy(world, POLICY_ID)?.definition?.mode === 'live';
    if (!item) return [];
    const { available } = figuresIn(world, item, now);
    const wanted = price?.override?.price.amount ?? (isLive ? priceAt(available) : BASE.amount);
    return price?.price?.amount === wanted ? [] : [`${sku} costs ${price?.price?.amount}, and with ${available} left ${wanted} is its price`];
  });
}
