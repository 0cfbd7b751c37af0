import { rfc3339 } from '../../base/clock.ts';
import { hash32 } from '../../base/hash.ts';
import type { JsonObject } from '../../base/json.ts';
import type { EncodedPrice } from '../../processes/processes.ts';
import { findItem } from '../../rooms/inventory/inventory.ts';
import { limits, readSaid } from '../../rooms/pricing/pricing.ts';
import type { Answer, Call } from '../call.ts';
import type { Floor } from '../floor.ts';
import { COURTESY_WAIT_MS, PAGE_DEFAULT, PRICE_MAX_AGE_SECONDS } from '../limits.ts';
import { page, pricesCover, readCursor, viewsCover } from '../lists.ts';
import { route, type Route } from '../route.ts';
import { channel, closed, id, listOf, optional, paging } from '../schemas.ts';
import { JSON_TYPE } from '../server.ts';
import { answerTo, isUnchanged, writeHeaders } from '../settle.ts';
import { unknownItem } from './items.ts';
import { overrideInput, pastPrice, price } from './price-schemas.ts';
import { refusalProblem } from '../problem.ts';
import { Type } from '../type.ts';

export function priceRoutes(floor: Floor): Route[] {
  return [one(floor), many(floor), history(floor), setOverride(floor), endOverride(floor)];
}

type AnyCall = Call<never, never> | Call;

/** What caches between here and the shopper may do: keep it for a moment, and ask whether it is still so. */
function cachingOf({ publicReads, variesByOrigin }: Floor): Record<string, string> {
  const vary = ['Holdfast-Cursor', ...(publicReads ? [] : ['Authorization']), ...(variesByOrigin ? ['Origin'] : [])];
  return { 'cache-control': `${publicReads ? 'public' : 'private'}, max-age=${PRICE_MAX_AGE_SECONDS}`, vary: vary.join(', ') };
}

function one(floor: Floor): Route {
  const { services } = floor;
  const { cache } = services.consumers.pricing;
  const caching = cachingOf(floor);
  // Those who ask most ask for what was told a moment ago.
  const answers = new WeakMap<EncodedPrice, Answer>();
  const answer = (call: AnyCall, encoded: EncodedPrice): Answer => {
    const { etag, text } = encoded;
    if (isUnchanged(call, etag)) return { status: 304, headers: { etag, ...caching } };
    let made = answers.get(encoded);
    if (!made) answers.set(encoded, (made = { status: 200, text, prepared: Object.entries({ etag, ...caching, 'content-type': JSON_TYPE, 'content-length': String(Buffer.byteLength(text)) }).flat() }));
    return made;
  };
  return route({
    method: 'GET',
    path: '/v1/prices/:sku',
    operation: 'getPrice',
    summary: 'What an item costs, and why',
    tag: 'Prices',
    access: 'publicRead',
    query: closed({ channel: optional(channel()) }),
    headers: ['holdfast-cursor', 'if-none-match'],
    answers: { 200: { description: 'The price.', schema: price, headers: ['etag', 'cache-control'] }, 304: { description: 'The reader has it already.' } },
    problems: ['unknown-item', 'view-behind'],
    handle(call) {
      const sku = call.param('sku');
      const atHand = call.request.headers['holdfast-cursor'] === undefined ? cache.get(sku) : undefined;
      if (atHand) return answer(call, atHand);
      return loaded(floor, call, [sku]).then(([found]) => {
        if (!found) throw unknownItem(sku);
        return answer(call, found);
      });
    },
  });
}

/** Prices in the order asked; undefined where there is no such item. */
async function loaded({ services }: Floor, call: AnyCall, skus: readonly string[]): Promise<(EncodedPrice | undefined)[]> {
  const { pricing } = services.consumers;
  await pricesCover(call, services, skus);
  const look = (sku: string): Promise<EncodedPrice | 'unpriced' | undefined> => Promise.resolve(pricing.cache.get(sku) ?? pricing.cache.load(sku));
  const first = await Promise.all(skus.map(look));
  const unpriced = skus.filter((_, index) => first[index] === 'unpriced');
  if (unpriced.length > 0) await pricing.covers(unpriced, [...services.engine.heads], COURTESY_WAIT_MS);
  return Promise.all(
    first.map(async (found, index) => {
      const sku = skus[index] ?? '';
      const known = found === 'unpriced' ? await look(sku) : found;
      return known === 'unpriced' ? withoutPrice(sku) : known;
    }),
  );
}

/** An item of which nobody ever said what it costs. */
function withoutPrice(sku: string): EncodedPrice {
  const view = { sku, price: null, basePrice: null, lowest30d: null, reductionPercent: null, policy: null, policyVersion: null, degraded: false, why: [], version: 0, stockVersion: 0, effectiveAt: null };
  return { text: JSON.stringify(view), etag: '"0"', until: 0 };
}

function many(floor: Floor): Route {
  const caching = cachingOf(floor);
  return route({
    method: 'GET',
    path: '/v1/prices',
    operation: 'getPrices',
    summary: 'The same of up to 200 items, in the order asked',
    tag: 'Prices',
    access: 'publicRead',
    query: closed({ sku: Type.Array(id(), { minItems: 1, maxItems: limits.PRICE_SKUS_MAX }), channel: optional(channel()) }),
    headers: ['holdfast-cursor', 'if-none-match'],
    answers: {
      200: { description: 'The prices of those that exist.', schema: closed({ items: Type.Array(price), missing: Type.Array(id()) }, { title: 'Prices' }), headers: ['etag', 'cache-control'] },
      304: { description: 'The reader has them already.' },
    },
    problems: ['view-behind'],
    async handle(call) {
      const skus = call.query.sku;
      const found = await loaded(floor, call, skus);
      const missing = JSON.stringify(skus.filter((_, index) => !found[index]));
      const known = found.filter((one) => one !== undefined);
      const etag = `"${hash32(`${skus.join()} ${known.map((one) => one.etag).join()} ${missing}`).toString(36)}"`;
      const headers = { etag, ...caching };
      if (isUnchanged(call, etag)) return { status: 304, headers };
      return { status: 200, headers, text: `{"items":[${known.map(({ text }) => text).join()}],"missing":${missing}}` };
    },
  });
}

/** A row of the history; some drivers give large integers as text. */
interface HistoryRow {
  readonly position: number | string;
  readonly part: number | string;
  readonly shadow: number | string;
  readonly time: number | string;
  readonly body: string;
}

function history({ services }: Floor): Route {
  return route({
    method: 'GET',
    path: '/v1/prices/:sku/history',
    operation: 'getPriceHistory',
    summary: 'The prices that an item had, newest first; with `shadow=true` those that shadow policies would have shown',
    tag: 'Prices',
    access: 'read',
    query: closed({ shadow: optional(Type.Boolean()), ...paging }),
    headers: ['holdfast-cursor'],
    answers: { 200: { description: 'A page.', schema: listOf(pastPrice, 'PriceHistory') } },
    problems: ['unknown-item', 'invalid-cursor', 'view-behind'],
    async handle(call) {
      const sku = call.param('sku');
      const { shadow = false, limit = PAGE_DEFAULT, cursor } = call.query;
      const [position, part] = readCursor(`prices of ${sku}`, cursor)?.map(Number) ?? [];
      await viewsCover(call, services);
      let query = services.store.projections.sql
        .selectFrom('price_history')
        .select(['position', 'part', 'shadow', 'time', 'body'])
        .where('sku', '=', sku)
        .where('shadow', '=', shadow ? 1 : 0)
        .orderBy('position', 'desc')
        .orderBy('part', 'desc')
        .limit(limit + 1);
      if (position !== undefined && part !== undefined) query = query.where((eb) => eb.or([eb('position', '<', position), eb.and([eb('position', '=', position), eb('part', '<', part)])]));
      const rows = (await query.execute()) as HistoryRow[]; // the columns selected
      if (rows.length === 0 && cursor === undefined && !(await services.engine.read((world) => findItem(world, sku)))) throw unknownItem(sku);
      const { items, nextCursor } = page(rows, limit, { list: `prices of ${sku}`, placeOf: (row) => [Number(row.position), Number(row.part)] });
      return { status: 200, body: { items: items.map(pastPriceOf), nextCursor } };
    },
  });
}

/** Members of the fact that are for the room's own books. */
const OWN = new Set(['again', 'windowSeconds', 'by']);

function pastPriceOf({ time, shadow, body }: HistoryRow): JsonObject {
  return { at: rfc3339(Number(time)), ...Object.fromEntries(Object.entries(readSaid(body)).filter(([name]) => !OWN.has(name))), shadow: Number(shadow) === 1 };
}

function setOverride({ services: { engine } }: Floor): Route {
  return route({
    method: 'PUT',
    path: '/v1/prices/:sku/override',
    operation: 'putPriceOverride',
    summary: 'Set a price by hand, until an instant or until somebody ends it',
    tag: 'Prices',
    access: 'write',
    body: overrideInput,
    answers: { 200: { description: 'The price as it is now.', schema: price } },
    problems: ['unknown-item'],
    async handle(call) {
      const sku = call.param('sku');
      const { price: amount, until, reason } = call.body;
      if (!(await engine.read((world) => findItem(world, sku)))) throw unknownItem(sku);
      const settled = await engine.execute({ type: 'SetOverride', sku, price: amount, reason, ...(until === undefined ? undefined : { until: Date.parse(until) }), actor: call.caller?.id }, { once: call.once() });
      return answerTo<JsonObject>(settled, (body, headers) => ({ status: 200, headers, body }));
    },
  });
}

function endOverride({ services: { engine } }: Floor): Route {
  return route({
    method: 'DELETE',
    path: '/v1/prices/:sku/override',
    operation: 'deletePriceOverride',
    summary: 'Let policies price the item again',
    tag: 'Prices',
    access: 'write',
    answers: { 204: { description: 'It is priced by policies again, or costs its base price.' } },
    problems: ['not-found'],
    async handle(call) {
      const settled = await engine.execute({ type: 'EndOverride', sku: call.param('sku'), why: 'asked', actor: call.caller?.id });
      if (!settled.ok) throw refusalProblem(settled.refusal);
      return { status: 204, headers: writeHeaders(settled) };
    },
  });
}
