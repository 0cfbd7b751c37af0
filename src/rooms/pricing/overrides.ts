/** Prices set by hand: for good, or until an instant. Policies go on afterwards from the price that the override found. */
import { accepted, refused, type Decision } from '../../base/decision.ts';
import type { JsonObject } from '../../base/json.ts';
import type { EndOverride, SetOverride } from './commands.ts';
import type { PriceEvent } from './events.ts';
import { priceAfter, unpriced } from './evolve.ts';
import { priceKey } from './keys.ts';
import { byHand, sameMoney } from './publish.ts';
import { priceView } from './resources.ts';
import { findPrice, type Override, type Price, type World } from './state.ts';

type Wanted = { readonly actor?: string | undefined };

/** Answers with the price as it then is. */
export function setOverride(command: SetOverride & Wanted, world: World, now: number): Decision<PriceEvent, JsonObject> {
  const { sku, price, until, reason, actor } = command;
  const state = findPrice(world, sku) ?? unpriced(sku);
  const errors = faultsOf(command, state, now);
  if (errors.length > 0) return refused('invalid', 'invalid-request', 'The price cannot be set like that.', { errors });
  const override: Override = { price, reason, since: now, ...(until === undefined ? undefined : { until }), ...(actor === undefined ? undefined : { actor }) };
  const fact = { key: priceKey(sku), time: now };
  const data = byHand({ override, price, stockVersion: state.stockVersion }, state.basePrice);
  const second: PriceEvent = sameMoney(state.price, price)
    ? { ...fact, type: 'pricing.price.noted', data }
    : { ...fact, type: 'pricing.price.changed', data: { before: state.price, ...data, by: 'hand', ...(actor === undefined ? undefined : { actor }) } };
  const events: PriceEvent[] = [{ ...fact, type: 'pricing.override.set', data: { override } }, second];
  return accepted(events, priceView(events.reduce<Price>((after, event) => priceAfter(event, after), state), now));
}

function faultsOf({ price, until }: SetOverride, { basePrice }: Price, now: number): JsonObject[] {
  const errors: JsonObject[] = [];
  if (basePrice && basePrice.currency !== price.currency) errors.push({ pointer: '/price/currency', detail: `must be that of the base price, ${basePrice.currency}` });
  if (until !== undefined && until <= now) errors.push({ pointer: '/until', detail: 'must be in the future' });
  return errors;
}

/** The price stays what it is until the item is priced again, which its fact asks for: going back and forth would be two changes. */
export function endOverride({ sku, why }: EndOverride, world: World, now: number): Decision<PriceEvent, null> {
  const override = findPrice(world, sku)?.override;
  const isDue = why === 'asked' || (override?.until !== undefined && override.until <= now);
  if (override && isDue) return accepted([{ type: 'pricing.override.ended', key: priceKey(sku), time: now, data: { why } }], null);
  return why === 'lapsed' ? accepted([], null) : refused('not-found', 'not-found', `The price of ${sku} is not set by hand.`);
}
