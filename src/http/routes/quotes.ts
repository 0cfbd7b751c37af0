import { refused, type Refusal } from '../../base/decision.ts';
import type { JsonObject } from '../../base/json.ts';
import { findItem } from '../../rooms/inventory/inventory.ts';
import { findQuote, quoteView } from '../../rooms/pricing/pricing.ts';
import type { Floor } from '../floor.ts';
import { COURTESY_WAIT_MS } from '../limits.ts';
import { pricesCover, statesCover } from '../lists.ts';
import { problem } from '../problem.ts';
import { route, type Route } from '../route.ts';
import { answerTo } from '../settle.ts';
import { quote, quoteInput } from './price-schemas.ts';

export function quoteRoutes(floor: Floor): Route[] {
  return [make(floor), read(floor)];
}

function make({ services }: Floor): Route {
  const { engine, consumers } = services;
  return route({
    method: 'POST',
    path: '/v1/quotes',
    operation: 'createQuote',
    summary: 'Prices that are honoured until they expire',
    tag: 'Prices',
    access: 'write',
    body: quoteInput,
    headers: ['holdfast-cursor'],
    answers: { 201: { description: 'The quote.', schema: quote, headers: ['location'] } },
    problems: ['unknown-item', 'unknown-price', 'view-behind'],
    async handle(call) {
      const { lines, channel, ttlSeconds } = call.body;
      const skus = lines.map(({ sku }) => sku);
      await pricesCover(call, services, skus);
      const ask = () => engine.execute({ type: 'CreateQuote', lines, ...(channel === undefined ? undefined : { channel }), ...(ttlSeconds === undefined ? undefined : { ttlSeconds }) }, { once: call.once() });
      let settled = await ask();
      // An item that was described a moment ago has its price in a moment.
      if (!settled.ok && settled.refusal.code === 'unknown-price' && call.once() === undefined && (await consumers.pricing.covers(skus, [...engine.heads], COURTESY_WAIT_MS))) settled = await ask();
      if (!settled.ok && settled.refusal.code === 'unknown-price') settled = { ...settled, refusal: (await unknownItems(services, skus)) ?? settled.refusal };
      return answerTo<JsonObject & { id: string }>(settled, (body, headers) => ({ status: 201, headers: { ...headers, location: `/v1/quotes/${body.id}` }, body }));
    },
  });
}

/** Refuses for the lines whose items nobody has described; undefined where there are none. */
async function unknownItems({ engine }: Floor['services'], skus: readonly string[]): Promise<Refusal | undefined> {
  const errors = await engine.read((world) => skus.flatMap((sku, index): JsonObject[] => (findItem(world, sku) ? [] : [{ pointer: `/lines/${index}/sku`, detail: `there is no item ${sku}` }])));
  return errors.length === 0 ? undefined : refused('invalid', 'unknown-item', 'Some lines name unknown items.', { errors }).refusal;
}

function read({ services }: Floor): Route {
  return route({
    method: 'GET',
    path: '/v1/quotes/:id',
    operation: 'getQuote',
    summary: 'Read a quote',
    tag: 'Prices',
    access: 'read',
    headers: ['holdfast-cursor'],
    answers: { 200: { description: 'The quote.', schema: quote } },
    problems: ['unknown-quote', 'view-behind'],
    async handle(call) {
      await statesCover(call, services);
      const id = call.param('id');
      const view = await services.engine.read((world, now) => {
        const known = findQuote(world, id);
        return known && quoteView(known, now);
      });
      if (!view) throw problem('unknown-quote', `There is no quote ${id}.`);
      return { status: 200, body: view };
    },
  });
}
