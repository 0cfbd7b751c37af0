import type { Money } from './money.ts';
import type { Controls, PolicyDefinition } from './policy.ts';
import type { Override, Quote } from './state.ts';
import type { Why } from './stored.ts';

/** What every fact about a price says. */
export interface PriceFacts {
  readonly price: Money | null;
  readonly basePrice: Money | null;
  readonly policy: string | null;
  readonly policyVersion: number | null;
  readonly why: Why;
  readonly stockVersion: number;
  readonly degraded?: true | undefined;
  /** What keeps the price from where it would go; see {@link Hold}. */
  readonly held?: Hold | undefined;
  /** The instant from which it could go on. */
  readonly again?: number | undefined;
  /** The window of the policy's pace, where it has one: for so long the price before is remembered. */
  readonly windowSeconds?: number | undefined;
}

/** Why a price stays although it would be another one. */
export type Hold = 'max-changes' | 'cooldown' | 'freeze' | 'kill-switch' | 'stale' | 'model';

export type PricingEvent = PriceEvent | BookEvent | QuoteEvent;

/** About the price of one item. */
export type PriceEvent =
  /** The price that is shown is another one. `by`: whether a policy made it, or somebody by hand (the base price, an override). */
  | Fact<'pricing.price.changed', PriceFacts & { before: Money | null; by: 'policy' | 'hand'; actor?: string }>
  /** The price stays, and something else about it is another. */
  | Fact<'pricing.price.noted', PriceFacts>
  /** What a shadow policy would have made of the price. `live`: the price shown at that moment. */
  | Fact<'pricing.shadow.priced', { policy: string; policyVersion: number; before: Money | null; price: Money; live: Money | null; basePrice: Money; model: number | null; why: Why; stockVersion: number; degraded?: true | undefined; windowSeconds?: number | undefined }>
  | Fact<'pricing.override.set', { override: Override }>
  | Fact<'pricing.override.ended', { why: 'asked' | 'lapsed' }>;

/** About quotes. One that ended long ago is forgotten: its state and its row go, the fact that made it stays. */
export type QuoteEvent = Fact<'pricing.quote.made', { quote: Quote }> | Fact<'pricing.quote.forgotten', { expiresAt: number }>;

/** About policies and controls. */
export type BookEvent =
  /** A new version, or with `definition: null` the policy's end. */
  | Fact<'pricing.policy.changed', { policy: string; version: number; definition: PolicyDefinition | null; rolledBackTo?: number; actor?: string }>
  | Fact<'pricing.controls.set', { controls: Controls; actor?: string }>;

interface Fact<Type extends string, Data> {
  readonly type: Type;
  readonly key: string;
  /** The instant of the decision, in milliseconds. */
  readonly time: number;
  readonly data: Data;
}

/** Facts that leave for the world; the others are this room's own. */
export const PUBLIC_TYPES = ['pricing.price.changed', 'pricing.policy.changed'] as const satisfies readonly PricingEvent['type'][];
