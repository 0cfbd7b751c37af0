import type { BookEvent, PriceEvent, PriceFacts, PricingEvent } from './events.ts';
import { BOOK_KEY } from './keys.ts';
import { POLICY_VERSIONS_MAX, SHADOWS_MAX } from './limits.ts';
import { shownFrom, type Shown } from './lowest.ts';
import { NO_POLICIES, ownOf, type Book, type Policy, type Price, type Shadow, type Track } from './state.ts';
import { inText, writeWhy } from './stored.ts';
import { trackTo } from './track.ts';

/** The states of one log while a fact is folded into them. */
export interface States {
  get(key: string): unknown;
  set(key: string, state: unknown): void;
}

/** The keys of the states that a fact folds into: what must be at hand before {@link evolve}. */
export function keysOf(event: PricingEvent): string[] {
  return event.type === 'pricing.policy.changed' ? [event.key, BOOK_KEY] : [event.key];
}

/** Folds one fact into the states of its log. */
export function evolve(event: PricingEvent, states: States): void {
  switch (event.type) {
    case 'pricing.quote.made':
      return states.set(event.key, event.data.quote);
    case 'pricing.quote.forgotten':
      return states.set(event.key, undefined);
    case 'pricing.policy.changed':
      states.set(event.key, policyAfter(event, states.get(event.key) as Policy | undefined)); // under `y/` and an id there are policies only
      return states.set(BOOK_KEY, bookAfter(event, states.get(BOOK_KEY) as Book | undefined));
    case 'pricing.controls.set':
      return states.set(BOOK_KEY, bookAfter(event, states.get(BOOK_KEY) as Book | undefined));
    default:
      states.set(event.key, priceAfter(event, states.get(event.key) as Price | undefined)); // under `p/` keys there are prices only
  }
}

export function unpriced(sku: string): Price {
  return { sku, version: 0, price: null, past: [], basePrice: null, policy: null, policyVersion: null, why: writeWhy([]), stockVersion: 0, effectiveAt: 0, degraded: false, lows: [], shadows: {} };
}

export function priceAfter(event: PriceEvent, before: Price | undefined): Price {
  const state = before ?? unpriced(event.key.slice(2));
  switch (event.type) {
    case 'pricing.price.changed': {
      const { data, time } = event;
      return said(state, data, { shown: shownFrom(state, state.price, data.price, time), effectiveAt: time, track: state.override ? undefined : trackAfter(state, data, time, data.by) });
    }
    case 'pricing.price.noted': {
      const { data, time } = event;
      const goesOn = state.resume !== undefined && state.override === undefined && data.held === undefined;
      return said(state, data, { shown: state, effectiveAt: state.effectiveAt, track: goesOn ? trackAfter(state, data, time, 'policy') : undefined });
    }
    case 'pricing.shadow.priced':
      return { ...state, version: state.version + 1, shadows: withShadow(event, state) };
    case 'pricing.override.set': {
      const { price, past, changedAt, resume, version } = state;
      return { ...state, version: version + 1, override: event.data.override, resume: resume ?? { price, past, changedAt } };
    }
    case 'pricing.override.ended':
      return { ...state, version: state.version + 1, override: undefined };
    default:
      return event satisfies never;
  }
}

/** Policies go on from where an override found the price. */
function trackAfter(state: Price, { price, basePrice, windowSeconds }: PriceFacts, at: number, by: 'policy' | 'hand'): Track {
  return trackTo(state.resume ?? state, price, { at, by, base: basePrice, windowSeconds });
}

/**
 * What a fact says of a price, in place of what was said before. `track`: as policies have left the price; without one
 * they have not touched it. One literal with all members: copies of copies are what folding a million prices would spend
 * its time on.
 */
function said(state: Price, data: PriceFacts, { shown, effectiveAt, track }: { shown: Shown; effectiveAt: number; track: Track | undefined }): Price {
  const { price, past, changedAt } = track ?? state;
  return {
    sku: state.sku,
    version: state.version + 1,
    price: track ? price : data.price,
    past,
    changedAt,
    basePrice: data.basePrice,
    policy: data.policy,
    policyVersion: data.policyVersion,
    why: inText(data.why),
    stockVersion: data.stockVersion,
    effectiveAt,
    degraded: data.degraded === true,
    held: data.held,
    again: data.again,
    override: state.override,
    resume: track ? undefined : state.resume,
    lows: shown.lows,
    reduction: shown.reduction,
    shadows: state.shadows,
  };
}

/** The latest of them, where policies have come and gone. */
function withShadow({ data, time }: Extract<PriceEvent, { type: 'pricing.shadow.priced' }>, { shadows }: Price): Price['shadows'] {
  const { policy, policyVersion, price, basePrice, model, stockVersion, degraded, windowSeconds } = data;
  const { past, changedAt } = trackTo(ownOf(shadows, policy), price, { at: time, by: 'policy', base: basePrice, windowSeconds });
  const shadow: Shadow = { price, past, changedAt, policyVersion, model, stockVersion, degraded: degraded === true };
  return Object.fromEntries([...Object.entries(shadows).filter(([id]) => id !== policy), [policy, shadow] as const].slice(-SHADOWS_MAX));
}

function policyAfter({ data, time }: Extract<BookEvent, { type: 'pricing.policy.changed' }>, before: Policy | undefined): Policy {
  const { policy: id, version, definition, rolledBackTo, actor } = data;
  const made = { version, at: time, definition, ...(rolledBackTo === undefined ? undefined : { rolledBackTo }), ...(actor === undefined ? undefined : { actor }) };
  const versions = [...(before?.versions ?? []), made].slice(-POLICY_VERSIONS_MAX);
  return { id, version, versions, ...(definition === null ? undefined : { definition }) };
}

function bookAfter(event: BookEvent, before: Book = NO_POLICIES): Book {
  const revision = before.revision + 1;
  if (event.type === 'pricing.controls.set') return { ...before, revision, controls: event.data.controls };
  const { policy, version, definition } = event.data;
  const policies = Object.entries(before.policies).filter(([id]) => id !== policy);
  if (definition !== null) policies.push([policy, version]);
  return { ...before, revision, policies: Object.fromEntries(policies) };
}
