/** What becomes of candidates: each goes through its guardrails, and a fact is written only where something is another than it was. */
import { accepted, type Decision } from '../../base/decision.ts';
import type { Candidate, Step } from './candidate.ts';
import type { Published, PublishedItem, PublishPrices } from './commands.ts';
import type { PriceEvent, PriceFacts } from './events.ts';
import { judge, type Judged } from './guardrails.ts';
import { priceKey } from './keys.ts';
import { STEP_WINDOW_SECONDS } from './limits.ts';
import type { Money } from './money.ts';
import type { Guardrails } from './policy.ts';
import { bookOf, ownOf, priceAt, type Price, type World } from './state.ts';
import { writeWhy } from './stored.ts';

/** What one candidate comes to: facts, and what is answered. */
interface Verdict {
  readonly events: readonly PriceEvent[];
  readonly outcome: PublishedItem['outcome'];
  readonly again?: number | undefined;
}

const NOTHING: readonly PriceEvent[] = [];
const OUTDATED: Verdict = { events: NOTHING, outcome: 'outdated' };

interface Moment {
  readonly now: number;
  readonly killSwitch: boolean;
}

export function publishPrices({ revision, items }: PublishPrices, world: World, now: number): Decision<PriceEvent, Published> {
  const book = bookOf(world);
  const moment = { now, killSwitch: book.controls.killSwitch };
  const publishing = new Publishing(world, moment);
  const events: PriceEvent[] = [];
  const outcomes = items.map((candidate): PublishedItem => {
    const verdict = revision === book.revision ? publishing.of(candidate) : OUTDATED;
    for (const event of verdict.events) events.push(event);
    const { sku } = candidate;
    return verdict.again === undefined ? { sku, outcome: verdict.outcome } : { sku, outcome: verdict.outcome, again: verdict.again };
  });
  return accepted(events, { outcomes });
}

/** The candidates of one command, in their order. */
class Publishing {
  readonly #world: World;
  readonly #moment: Moment;
  /** Prices as this command leaves them. */
  readonly #live = new Map<string, Money | null>();

  constructor(world: World, moment: Moment) {
    this.#world = world;
    this.#moment = moment;
  }

  of(candidate: Candidate): Verdict {
    const { sku, policy } = candidate;
    const key = priceKey(sku);
    const state = priceAt(this.#world, key);
    if (policy?.mode === 'shadow') return shadowOf(candidate, state, this.#live.get(sku) ?? state?.price ?? null, this.#moment.now);
    // An item is priced once in a command: what a second candidate would be compared with is not folded yet.
    if (this.#live.has(sku)) return OUTDATED;
    const verdict = liveOf(candidate, state, { ...this.#moment, key });
    this.#live.set(sku, priceIn(verdict.events) ?? state?.price ?? null);
    return verdict;
  }
}

function priceIn(events: readonly PriceEvent[]): Money | null | undefined {
  const last = events.at(-1);
  return last?.type === 'pricing.price.changed' ? last.data.price : undefined;
}

function liveOf(candidate: Candidate, state: Price | undefined, { now, killSwitch, key }: Moment & { readonly key: string }): Verdict {
  if (state && candidate.stockVersion < state.stockVersion) return OUTDATED;
  const lapsed = state?.override?.until !== undefined && state.override.until <= now;
  if (state?.override && !lapsed) return besideOverride(candidate, state, now);
  const judged = judge(candidate, state?.resume ?? state, { now, killSwitch, shown: state?.price ?? null });
  const verdict = written(candidate, state, judged, { key, now });
  if (!lapsed) return verdict;
  return { ...verdict, events: [{ type: 'pricing.override.ended', key, time: now, data: { why: 'lapsed' } }, ...verdict.events] };
}

function written(candidate: Candidate, state: Price | undefined, judged: Judged, { key, now }: { key: string; now: number }): Verdict {
  const before = state?.price ?? null;
  const { again } = judged;
  if (!sameMoney(before, judged.price)) {
    const data = { before, ...factsOf(candidate, judged), by: candidate.policy ? ('policy' as const) : ('hand' as const) };
    return { events: [{ type: 'pricing.price.changed', key, time: now, data }], outcome: 'changed', again };
  }
  if (isSaid(state, candidate, judged)) return { events: NOTHING, outcome: 'unchanged', again };
  return { events: [{ type: 'pricing.price.noted', key, time: now, data: factsOf(candidate, judged) }], outcome: 'noted', again };
}

function factsOf({ basePrice, policy, stockVersion }: Candidate, { price, why, degraded, held, again }: Judged): PriceFacts {
  return {
    price,
    basePrice,
    policy: policy?.id ?? null,
    policyVersion: policy?.version ?? null,
    why: writeWhy(why),
    stockVersion,
    degraded: degraded ? true : undefined,
    held,
    again,
    windowSeconds: policy ? windowOf(policy.guardrails) : undefined,
  };
}

/** For how long the price before is to be remembered, where the policy limits pace. */
function windowOf({ maxStepPercent, maxChanges, stepWindowSeconds = STEP_WINDOW_SECONDS }: Guardrails): number | undefined {
  return maxStepPercent === undefined && maxChanges === undefined ? undefined : stepWindowSeconds;
}

/** Whether all this is known of a price already. Of an item that never had a price, that it has none. */
function isSaid(state: Price | undefined, { basePrice, policy }: Candidate, { degraded, held, again }: Judged): boolean {
  if (state === undefined) return basePrice === null;
  const waits = state.resume !== undefined && state.override === undefined && held === undefined;
  return (
    !waits &&
    sameMoney(state.basePrice, basePrice) &&
    state.policy === (policy?.id ?? null) &&
    state.policyVersion === (policy?.version ?? null) &&
    state.degraded === degraded &&
    state.held === held &&
    (state.again === undefined) === (again === undefined)
  );
}

export function sameMoney(a: Money | null, b: Money | null): boolean {
  return a === b || (a !== null && b !== null && a.amount === b.amount && a.currency === b.currency);
}

/** While a price is set by hand only its base price is told. */
function besideOverride(candidate: Candidate, state: Price, now: number): Verdict {
  if (sameMoney(state.basePrice, candidate.basePrice)) return { events: NOTHING, outcome: 'unchanged' };
  const data = { ...byHand(state, candidate.basePrice), stockVersion: candidate.stockVersion };
  return { events: [{ type: 'pricing.price.noted', key: priceKey(state.sku), time: now, data }], outcome: 'noted' };
}

/** What is said of a price that an override has set. */
export function byHand({ override, price, stockVersion }: Pick<Price, 'override' | 'price' | 'stockVersion'>, basePrice: Money | null): PriceFacts {
  const shown = override?.price ?? price;
  const base: Step[] = basePrice === null ? [] : [{ step: 'base', before: basePrice, after: basePrice, reason: 'the base price' }];
  return { price: shown, basePrice, policy: null, policyVersion: null, why: writeWhy([...base, { step: 'override', before: basePrice, after: shown, reason: override?.reason ?? '' }]), stockVersion };
}

function shadowOf(candidate: Candidate, state: Price | undefined, live: Money | null, now: number): Verdict {
  const { sku, policy, basePrice, priced, stockVersion } = candidate;
  if (policy === null || basePrice === null) return { events: NOTHING, outcome: 'unchanged' };
  const track = ownOf(state?.shadows ?? {}, policy.id);
  if (track && stockVersion < track.stockVersion) return OUTDATED;
  const { price, why, degraded, again } = judge(candidate.frozen ? { ...candidate, frozen: false } : candidate, track, { now, killSwitch: false, shown: track?.price ?? null });
  if (price === null || (track && sameMoney(track.price, price) && track.policyVersion === policy.version && track.degraded === degraded)) return { events: NOTHING, outcome: 'unchanged', again };
  const data = {
    policy: policy.id,
    policyVersion: policy.version,
    before: track?.price ?? null,
    price,
    live,
    basePrice,
    model: priced?.model ?? null,
    why: writeWhy(why),
    stockVersion,
    degraded: degraded ? (true as const) : undefined,
    windowSeconds: windowOf(policy.guardrails),
  };
  return { events: [{ type: 'pricing.shadow.priced', key: priceKey(sku), time: now, data }], outcome: 'changed', again };
}
