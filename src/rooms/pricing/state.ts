import type { Hold } from './events.ts';
import { BOOK_KEY, policyKey, priceKey, quoteKey } from './keys.ts';
import type { Money } from './money.ts';
import type { Controls, PolicyDefinition } from './policy.ts';
import type { Why } from './stored.ts';

/** A price as guardrails on its pace see it: what it is, and what it was within the window. */
export interface Track {
  readonly price: Money | null;
  /** When a policy last changed it; undefined since it was last set by hand, and of a first price. */
  readonly changedAt?: number | undefined;
  /** Prices that ended, oldest first: those of one moment of the window are put together. */
  readonly past: readonly PastPrice[];
}

/** Prices that a policy replaced, the last of them at `until`. */
export interface PastPrice {
  readonly until: number;
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/** A price that was shown until an instant, and that none shown later went below: all that a 30-day lowest needs. */
export interface Low extends Money {
  readonly until: number;
}

/** The price of one item under `p/<sku>`. Replaced as a whole, never changed in place. */
export interface Price extends Track {
  readonly sku: string;
  /** Grows with every fact about the price. */
  readonly version: number;
  readonly basePrice: Money | null;
  readonly policy: string | null;
  readonly policyVersion: number | null;
  readonly why: Why;
  readonly stockVersion: number;
  /** Since when the price is what it is. */
  readonly effectiveAt: number;
  readonly degraded: boolean;
  readonly held?: Hold | undefined;
  readonly again?: number | undefined;
  readonly override?: Override | undefined;
  /** Since an override began: the price as policies had left it, from which they go on when it has ended. */
  readonly resume?: Track | undefined;
  readonly lows: readonly Low[];
  /** The reduction under way, and the price it is announced from. */
  readonly reduction?: Reduction | undefined;
  /** By policy id: what shadow policies would have made of it. */
  readonly shadows: { readonly [policy: string]: Shadow };
}

/** Directive 98/6/EC, Art. 6a: `prior` is the lowest price of the 30 days before `since`, and stays while the reduction deepens. */
export interface Reduction {
  readonly since: number;
  readonly prior: number;
}

export interface Shadow extends Track {
  readonly policyVersion: number;
  /** In currency units; null where the strategy gave none. */
  readonly model: number | null;
  readonly stockVersion: number;
  readonly degraded: boolean;
}

/** A price set by hand. */
export interface Override {
  readonly price: Money;
  readonly until?: number;
  readonly reason: string;
  readonly actor?: string;
  readonly since: number;
}

/** A policy with its versions, oldest first, under `y/<id>`. */
export interface Policy {
  readonly id: string;
  /** The number of the newest version; removing a policy takes a number too. */
  readonly version: number;
  /** undefined: removed. */
  readonly definition?: PolicyDefinition;
  readonly versions: readonly PolicyVersion[];
}

export interface PolicyVersion {
  readonly version: number;
  readonly at: number;
  /** null: with this version it was removed. */
  readonly definition: PolicyDefinition | null;
  readonly rolledBackTo?: number;
  readonly actor?: string;
}

/** Which policies there are, each with its version, and the controls, under {@link BOOK_KEY}. */
export interface Book {
  /** Grows with every change of a policy or of the controls. */
  readonly revision: number;
  readonly policies: { readonly [id: string]: number };
  readonly controls: Controls;
}

/** Prices that are honoured until an instant, under `q/<id>`. */
export interface Quote {
  readonly id: string;
  readonly lines: readonly QuoteLine[];
  readonly total: Money;
  readonly channel?: string;
  readonly createdAt: number;
  readonly expiresAt: number;
}

export interface QuoteLine {
  readonly sku: string;
  readonly quantity: number;
  readonly unitPrice: Money;
  readonly total: Money;
  /** The version of the price that was quoted. */
  readonly priceVersion: number;
}

/** What decisions read. `get` gives undefined where there is nothing, or nothing yet: the runtime then loads and asks again. */
export interface World {
  readonly partitions: number;
  get(key: string): unknown;
}

export const NO_POLICIES: Book = { revision: 0, policies: {}, controls: { killSwitch: false, freeze: [] } };

// The casts below are true because `evolve` stores under each kind of key only the kind of state that it names.
export const priceAt = (world: World, key: string): Price | undefined => world.get(key) as Price | undefined;
export const findPrice = (world: World, sku: string): Price | undefined => priceAt(world, priceKey(sku));
export const findPolicy = (world: World, id: string): Policy | undefined => world.get(policyKey(id)) as Policy | undefined;
export const findQuote = (world: World, id: string): Quote | undefined => world.get(quoteKey(id)) as Quote | undefined;
export const bookOf = (world: World): Book => (world.get(BOOK_KEY) as Book | undefined) ?? NO_POLICIES;

/** A member by its own name: names are chosen by people, and every object inherits some. */
export function ownOf<Value>(object: { readonly [name: string]: Value }, name: string): Value | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
