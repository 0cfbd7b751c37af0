import type { Attributes, Money, Page, Paging } from './resources.ts';
import type { CallOptions, Transport } from './transport.ts';

/** One step from the base price to the price. */
export interface PriceStep {
  readonly step: string;
  readonly before: Money | null;
  readonly after: Money | null;
  readonly reason: string;
}

export interface Price {
  readonly sku: string;
  readonly price: Money | null;
  readonly basePrice: Money | null;
  /** What a reduction is announced from, or else the lowest price of 30 days. */
  readonly lowest30d: Money | null;
  /** null: nothing may be announced as a reduction. */
  readonly reductionPercent: number | null;
  readonly policy: string | null;
  readonly policyVersion: number | null;
  readonly degraded: boolean;
  readonly why: readonly PriceStep[];
  readonly version: number;
  readonly stockVersion: number;
  readonly effectiveAt: string | null;
  /** What keeps the price from where it would go. */
  readonly held?: string;
  readonly override?: { readonly until: string | null; readonly reason: string };
}

/** A price that was shown, or that a shadow policy would have shown. */
export interface PastPrice {
  readonly at: string;
  readonly before: Money | null;
  readonly price: Money | null;
  readonly basePrice: Money | null;
  readonly policy: string | null;
  readonly policyVersion: number | null;
  readonly why: readonly PriceStep[];
  readonly stockVersion: number;
  readonly shadow: boolean;
  readonly live?: Money | null;
  readonly model?: number | null;
}

type JsonPattern = Readonly<Record<string, unknown>>;
type PriceChange = { readonly percent: number } | { readonly amount: number; readonly currency?: string } | { readonly set: number; readonly currency?: string };

export type PricingStrategy =
  | { readonly kind: 'rules'; readonly rules: readonly { readonly name: string; readonly when: JsonPattern; readonly change: PriceChange }[] }
  | { readonly kind: 'run-out'; readonly elasticity: number; readonly referencePerDay: number; readonly horizonDays?: number; readonly seasonEnd?: string }
  | { readonly kind: 'gallego-van-ryzin'; readonly demandPerDay: number; readonly alpha: number; readonly seasonEnd: string; readonly salvage?: number }
  | { readonly kind: 'learned'; readonly priorElasticity: number; readonly category?: string }
  | { readonly kind: 'function'; readonly url: string; readonly timeoutMs?: number }
  | { readonly kind: 'module'; readonly path: string };

export interface Guardrails {
  readonly floor?: { readonly margin: number } | Money;
  readonly ceiling?: { readonly factor: number } | Money;
  readonly maxStepPercent?: number;
  readonly stepWindowSeconds?: number;
  readonly maxChanges?: number;
  readonly cooldownSeconds?: number;
  readonly hysteresisPercent?: number;
  readonly ending?: number;
  readonly staleAfterSeconds?: number;
}

export interface PricingPolicyInput {
  readonly priority: number;
  readonly match: JsonPattern;
  readonly mode?: 'live' | 'shadow' | 'off';
  readonly strategy: PricingStrategy;
  readonly guardrails?: Guardrails;
}

export interface PricingPolicy extends Required<PricingPolicyInput> {
  readonly id: string;
  readonly version: number;
}

export interface PricingPolicyVersion extends Partial<PricingPolicyInput> {
  readonly id: string;
  readonly version: number;
  readonly at: string;
  readonly removed?: boolean;
  readonly rolledBackTo?: number;
  readonly actor?: string;
}

export interface PricingControls {
  readonly killSwitch: boolean;
  readonly freeze: readonly JsonPattern[];
  readonly revision: number;
}

export interface PricingSweep {
  readonly state: 'idle' | 'running';
  readonly done: number;
  readonly total: number;
  readonly startedAt: string | null;
  readonly pricedItems: number;
  readonly dueItems: number;
}

export interface PricingSimulation {
  readonly policy: PricingPolicyInput;
  readonly item: { readonly sku?: string; readonly name?: string; readonly price: Money; readonly cost?: Money; readonly attributes?: Attributes };
  readonly cases: readonly { readonly at?: string; readonly signals: Readonly<Record<string, unknown>> }[];
}

export interface SimulatedPrice {
  readonly at: string;
  readonly model: number | null;
  readonly price: Money;
  readonly why: readonly PriceStep[];
  readonly degraded: boolean;
}

export interface Quote {
  readonly id: string;
  readonly status: 'open' | 'expired';
  readonly lines: readonly { readonly sku: string; readonly quantity: number; readonly unitPrice: Money; readonly total: Money; readonly priceVersion: number }[];
  readonly total: Money;
  readonly channel?: string;
  readonly createdAt: string;
  readonly expiresAt: string;
}

const segment = encodeURIComponent;

/** What items cost. */
export class Prices {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  get(sku: string, options?: CallOptions): Promise<Price> {
    return this.#transport.call('GET', `/v1/prices/${segment(sku)}`, options);
  }
  /** Up to 200 at once, in the order asked. */
  many(skus: readonly string[], options?: CallOptions): Promise<{ readonly items: readonly Price[]; readonly missing: readonly string[] }> {
    return this.#transport.call('GET', '/v1/prices', { ...options, query: { sku: skus } });
  }
  /** The prices that an item had, newest first; with `shadow` those that shadow policies would have shown. */
  history(sku: string, asked: Paging & { shadow?: boolean } = {}, options?: CallOptions): Promise<Page<PastPrice>> {
    return this.#transport.call('GET', `/v1/prices/${segment(sku)}/history`, { ...options, query: { ...asked } });
  }
  /** Sets a price by hand, until an instant or until it is ended. */
  override(sku: string, override: { readonly price: Money; readonly until?: string; readonly reason: string }, options?: CallOptions): Promise<Price> {
    return this.#transport.call('PUT', `/v1/prices/${segment(sku)}/override`, { ...options, body: override });
  }
  async endOverride(sku: string, options?: CallOptions): Promise<void> {
    await this.#transport.call('DELETE', `/v1/prices/${segment(sku)}/override`, options);
  }
  quote(quote: { readonly lines: readonly { readonly sku: string; readonly quantity: number }[]; readonly channel?: string; readonly ttlSeconds?: number }, options?: CallOptions): Promise<Quote> {
    return this.#transport.call('POST', '/v1/quotes', { ...options, body: quote });
  }
  getQuote(id: string, options?: CallOptions): Promise<Quote> {
    return this.#transport.call('GET', `/v1/quotes/${segment(id)}`, options);
  }
}

/** How prices are made. */
export class Pricing {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  putPolicy(id: string, policy: PricingPolicyInput, options?: CallOptions): Promise<PricingPolicy> {
    return this.#transport.call('PUT', `/v1/pricing/policies/${segment(id)}`, { ...options, body: policy });
  }
  policy(id: string, options?: CallOptions): Promise<PricingPolicy> {
    return this.#transport.call('GET', `/v1/pricing/policies/${segment(id)}`, options);
  }
  policies(paging?: Paging, options?: CallOptions): Promise<Page<PricingPolicy>> {
    return this.#transport.call('GET', '/v1/pricing/policies', { ...options, query: { ...paging } });
  }
  versions(id: string, paging?: Paging, options?: CallOptions): Promise<Page<PricingPolicyVersion>> {
    return this.#transport.call('GET', `/v1/pricing/policies/${segment(id)}/versions`, { ...options, query: { ...paging } });
  }
  /** Makes a new version of an earlier one. */
  rollback(id: string, version: number, options?: CallOptions): Promise<PricingPolicy> {
    return this.#transport.call('POST', `/v1/pricing/policies/${segment(id)}/rollback`, { ...options, body: { version } });
  }
  async deletePolicy(id: string, options?: CallOptions): Promise<void> {
    await this.#transport.call('DELETE', `/v1/pricing/policies/${segment(id)}`, options);
  }
  controls(options?: CallOptions): Promise<PricingControls> {
    return this.#transport.call('GET', '/v1/pricing/controls', options);
  }
  /** What is left out is off. */
  setControls(controls: Partial<Omit<PricingControls, 'revision'>>, options?: CallOptions): Promise<PricingControls> {
    return this.#transport.call('PUT', '/v1/pricing/controls', { ...options, body: controls });
  }
  /** How looking at all items after a change of policies or controls stands. */
  sweep(options?: CallOptions): Promise<PricingSweep> {
    return this.#transport.call('GET', '/v1/pricing/sweep', options);
  }
  /** What a policy would make of an item in some cases, each following the one before. */
  simulate(simulation: PricingSimulation, options?: CallOptions): Promise<{ readonly results: readonly SimulatedPrice[] }> {
    return this.#transport.call('POST', '/v1/pricing/simulations', { ...options, body: simulation });
  }
}
