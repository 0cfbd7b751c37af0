/** What is told of this room's states over the interface: plain JSON. */
import type { Json, JsonObject } from '../../base/json.ts';
import { announced } from './lowest.ts';
import type { Controls, PolicyDefinition } from './policy.ts';
import type { Book, PolicyVersion, Price, Quote } from './state.ts';
import { readWhy } from './stored.ts';

const instant = (ms: number): string => new Date(ms).toISOString();
/** Types of this room are plain JSON where they hold no undefined; interfaces lack the index signature that says so. */
const plain = (value: unknown): Json => value as Json;

/**
 * A price as `GET /v1/prices/{sku}` gives it at an instant in milliseconds. Money is `{ amount, currency }` or null,
 * also in `why`, whose last `after` is the price. `lowest30d` is what a reduction is announced from, and where the price
 * is none the lowest of 30 days; `reductionPercent` is then null.
 */
export function priceView(price: Price, now: number): JsonObject {
  const { sku, basePrice, policy, policyVersion, degraded, why, version, stockVersion, effectiveAt, override, held } = price;
  const { lowest30d, reductionPercent } = price.price ? announced(price, price.price, now) : { lowest30d: null, reductionPercent: null };
  return {
    sku,
    price: plain(price.price),
    basePrice: plain(basePrice),
    lowest30d: lowest30d === null || price.price === null ? null : { amount: lowest30d, currency: price.price.currency },
    reductionPercent,
    policy,
    policyVersion,
    degraded,
    why: plain(readWhy(why)),
    version,
    stockVersion,
    effectiveAt: instant(effectiveAt),
    ...(held === undefined ? undefined : { held }),
    ...(override === undefined ? undefined : { override: { until: override.until === undefined ? null : instant(override.until), reason: override.reason } }),
  };
}

/** A policy that was not removed. */
export function policyView(id: string, version: number, definition: PolicyDefinition): JsonObject {
  return { id, version, ...(plain(definition) as JsonObject) };
}

/** One version of a policy. */
export function versionView(id: string, { version, at, definition, rolledBackTo, actor }: PolicyVersion): JsonObject {
  return {
    id,
    version,
    at: instant(at),
    ...(definition === null ? { removed: true } : (plain(definition) as JsonObject)),
    ...(rolledBackTo === undefined ? undefined : { rolledBackTo }),
    ...(actor === undefined ? undefined : { actor }),
  };
}

export function controlsView({ killSwitch, freeze }: Controls): JsonObject {
  return { killSwitch, freeze: plain(freeze) };
}

/** The controls as they are, and which policies there are: `{ revision, killSwitch, freeze }`. */
export function bookView({ revision, controls }: Book): JsonObject {
  return { ...controlsView(controls), revision };
}

export function quoteView({ id, lines, total, channel, createdAt, expiresAt }: Quote, now: number): JsonObject {
  return {
    id,
    status: now < expiresAt ? 'open' : 'expired',
    lines: lines.map(({ sku, quantity, unitPrice, total: sum, priceVersion }) => ({ sku, quantity, unitPrice: plain(unitPrice), total: plain(sum), priceVersion })),
    total: plain(total),
    ...(channel === undefined ? undefined : { channel }),
    createdAt: instant(createdAt),
    expiresAt: instant(expiresAt),
  };
}
