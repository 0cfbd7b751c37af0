import type { BookEvent, PriceEvent, PriceFacts, PricingEvent } from './events.ts';
import { BOOK_KEY } from './keys.ts';
import { POLICY_VERSIONS_MAX, SHADOWS_MAX } from './limits.ts';
import { shownFrom } from './lowest.ts';
import { NO_POLICIES, ownOf, type Book, type Policy, type Price, type Shadow } from './state.ts';
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
  return { sku, version: 0, price: null, past: [], basePrice: null, policy: null, policyVersion: null, why: [], stockVersion: 0, effectiveAt: 0, degraded: false, lows: [], shadows: {} };
}

export function priceAfter(event: PriceEvent, before: Price | undefined): Price {
  const state = before ?? unpriced(event.key.slice(2));
  const version = state.version + 1;
  switch (event.type) {
    case 'pricing.price.changed':
      return { ...changed(event, state), version };
    case 'pricing.price.noted':
      return { ...noted(event, state), version };
    case 'pricing.shadow.priced':
      return { ...state, version, shadows: withShadow(event, state) };
    case 'pricing.override.set': {
      const { price, past, changedAt, resume } = state;
      return { ...state, version, override: event.data.override, resume: resume ?? { price, past, ...(changedAt === undefined ? undefined : { changedAt }) } };
    }
    case 'pricing.override.ended': {
      const { override: _, ...rest } = state;
      return { ...rest, version };
    }
    default:
      return event satisfies never;
  }
}

/** What a fact says of the price, in place of what was said before. */
function said(state: Price, { basePrice, policy, policyVersion, why, stockVersion, degraded, held, again }: PriceFacts): Price {
  const { held: _held, again: _again, ...rest } = state;
  return { ...rest, basePrice, policy, policyVersion, why, stockVersion, degraded: degraded === true, ...(held === undefined ? undefined : { held }), ...(again === undefined ? undefined : { again }) };
}

function changed({ data, time }: Extract<PriceEvent, { type: 'pricing.price.changed' }>, state: Price): Price {
  const { reduction: _, ...rest } = said(state, data);
  const shown = { ...rest, ...shownFrom(state, state.price, data.price, time), effectiveAt: time };
  return state.override ? withTrack(shown, { price: data.price, past: [] }) : resumed(shown, data, time, data.by);
}

function noted({ data, time }: Extract<PriceEvent, { type: 'pricing.price.noted' }>, state: Price): Price {
  const next = said(state, data);
  return state.override || state.resume === undefined || data.held !== undefined ? next : resumed(next, data, time, 'policy');
}

/** Policies go on from where an override found the price. */
function resumed(state: Price, { price, basePrice, windowSeconds }: PriceFacts, at: number, by: 'policy' | 'hand'): Price {
  const { resume, ...rest } = state;
  return withTrack(rest, trackTo(resume ?? state, price, { at, by, base: basePrice, windowSeconds }));
}

function withTrack(state: Price, { price, past, changedAt }: Pick<Price, 'price' | 'past' | 'changedAt'>): Price {
  const { changedAt: _, ...rest } = state;
  return { ...rest, price, past, ...(changedAt === undefined ? undefined : { changedAt }) };
}

/** The latest of them, where policies have come and gone. */
function withShadow({ data, time }: Extract<PriceEvent, { type: 'pricing.shadow.priced' }>, { shadows }: Price): Price['shadows'] {
  const { policy, policyVersion, price, basePrice, model, stockVersion, degraded, windowSeconds } = data;
  const { past, changedAt } = trackTo(ownOf(shadows, policy), price, { at: time, by: 'policy', base: basePrice, windowSeconds });
  const shadow: Shadow = { price, past, ...(changedAt === undefined ? undefined : { changedAt }), policyVersion, model, stockVersion, degraded: degraded === true };
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
