/** Prices that are honoured until an instant, whatever becomes of them meanwhile. */
import { accepted, refused, type Decision, type Refusal } from '../../base/decision.ts';
import type { Ids } from '../../base/ids.ts';
import type { JsonObject } from '../../base/json.ts';
import type { CreateQuote, ForgetQuote } from './commands.ts';
import type { PricingEvent } from './events.ts';
import { logOfKey, priceKey, quoteKey } from './keys.ts';
import { AMOUNT_MAX, QUOTE_RETENTION_MS, QUOTE_TTL_SECONDS } from './limits.ts';
import type { Money } from './money.ts';
import { quoteView } from './resources.ts';
import { findPrice, findQuote, type Quote, type QuoteLine, type World } from './state.ts';

interface Context {
  readonly now: number;
  readonly ids: Ids;
}

/** Quotes the prices as they are shown now. */
export function createQuote({ lines, channel, ttlSeconds = QUOTE_TTL_SECONDS }: CreateQuote, world: World, { now, ids }: Context): Decision<PricingEvent, JsonObject> {
  const prices = lines.map(({ sku }) => findPrice(world, sku));
  const errors: JsonObject[] = [];
  const quoted = lines.flatMap(({ sku, quantity }, index): QuoteLine[] => {
    const { price, version = 0 } = prices[index] ?? {};
    if (!price) errors.push({ pointer: `/lines/${index}/sku`, detail: `${sku} has no price` });
    return price ? [{ sku, quantity, unitPrice: price, total: { amount: price.amount * quantity, currency: price.currency }, priceVersion: version }] : [];
  });
  if (errors.length > 0) return refused('invalid', 'unknown-price', 'Some lines name items that have no price.', { errors });
  const total = totalOf(quoted);
  if ('errors' in total) return refused('invalid', 'invalid-request', 'These lines have no common total.', total);
  const id = ids.next('quo', now, logOfKey(priceKey(lines[0]?.sku ?? ''), world.partitions));
  const quote: Quote = { id, lines: quoted, total, createdAt: now, expiresAt: now + ttlSeconds * 1000, ...(channel === undefined ? undefined : { channel }) };
  return accepted([{ type: 'pricing.quote.made', key: quoteKey(id), time: now, data: { quote } }], quoteView(quote, now));
}

function totalOf(lines: readonly QuoteLine[]): Money | { errors: JsonObject[] } {
  const currency = lines[0]?.total.currency ?? '';
  const others = lines.flatMap(({ total }, index) => (total.currency === currency ? [] : [{ pointer: `/lines/${index}/sku`, detail: `is priced in ${total.currency}, and the first line in ${currency}` }]));
  if (others.length > 0) return { errors: others };
  const amount = lines.reduce((sum, { total }) => sum + total.amount, 0);
  return amount > AMOUNT_MAX ? { errors: [{ pointer: '/lines', detail: 'come to more than can be counted exactly' }] } : { amount, currency };
}

/** When a quote is forgotten, in milliseconds. */
export const forgottenAt = ({ expiresAt }: Quote): number => expiresAt + QUOTE_RETENTION_MS;

export function forgetQuote({ id }: ForgetQuote, world: World, now: number): Decision<PricingEvent, null> {
  const quote = findQuote(world, id);
  return accepted(quote && forgottenAt(quote) <= now ? [{ type: 'pricing.quote.forgotten', key: quoteKey(id), time: now, data: { expiresAt: quote.expiresAt } }] : [], null);
}

/** Why a quote's prices are not honoured at an instant in milliseconds; undefined where they are. */
export function quoteRefusal({ id, expiresAt }: Quote, now: number): Refusal | undefined {
  return now < expiresAt ? undefined : refused('conflict', 'quote-expired', `The quote ${id} has expired. Ask for another.`, { expiresAt: new Date(expiresAt).toISOString() }).refusal;
}
