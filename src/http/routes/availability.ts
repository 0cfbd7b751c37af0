import type { JsonObject } from '../../base/json.ts';
import { availabilityView, findItem, itemKey, limits, liveHoldsOf, locationsBeside, nextChange, sharesOf, tagsIn, type AskingOf } from '../../rooms/inventory/inventory.ts';
import { askThePast } from '../../processes/processes.ts';
import type { World } from '../../runtime/runtime.ts';
import type { Floor } from '../floor.ts';
import { AVAILABILITY_MAX_AGE_SECONDS, PAST_MAX_AGE_SECONDS, PAST_SETTLED_MS, PAST_TIMEOUT_MS } from '../limits.ts';
import { statesCover } from '../lists.ts';
import { invalidRequest, refusalProblem } from '../problem.ts';
import { route, type Route } from '../route.ts';
import { availability, channel, closed, id, instant, optional } from '../schemas.ts';
import { isUnchanged } from '../settle.ts';
import { unknownItem } from './items.ts';
import { Type } from '../type.ts';

export function availabilityRoutes(floor: Floor): Route[] {
  return [one(floor), many(floor)];
}

interface Reading {
  readonly view: JsonObject;
  readonly etag: string;
  /** Milliseconds until the figures change by themselves. */
  readonly nextChangeMs: number | undefined;
}

/** An item's availability at this instant; undefined where there is no such item. */
function readingOf(world: World, now: number, sku: string, asking: AskingOf & { location?: string | undefined }): Reading | undefined {
  const item = findItem(world, sku);
  if (!item) return undefined;
  return { view: availabilityView(world, item, now, asking), etag: tagsIn(world, item, now), nextChangeMs: nextChange(item, now, world) };
}

/** What a cart itself holds of items. */
function ownShares(world: World, now: number, cartId: string | undefined): AskingOf['own'] {
  if (cartId === undefined) return undefined;
  const shares = liveHoldsOf(cartId, world, now).flatMap((hold) => sharesOf(hold.lines).map((share) => ({ ...share, expiresAt: hold.expiresAt })));
  return (sku) => shares.filter((share) => share.sku === sku);
}

/** Caches may keep an answer a moment, never past the instant at which a hold runs out. */
function cacheHeaders({ publicReads, variesByOrigin }: Floor, nextChanges: readonly (number | undefined)[]): Record<string, string> {
  const soonest = Math.min(AVAILABILITY_MAX_AGE_SECONDS * 1000, ...nextChanges.map((ms) => ms ?? Number.POSITIVE_INFINITY));
  const vary = ['Holdfast-Cursor', ...(publicReads ? [] : ['Authorization']), ...(variesByOrigin ? ['Origin'] : [])];
  return { 'cache-control': `${publicReads ? 'public' : 'private'}, max-age=${Math.max(0, Math.floor(soonest / 1000))}`, vary: vary.join(', ') };
}

function one(floor: Floor): Route {
  const { services } = floor;
  return route({
    method: 'GET',
    path: '/v1/items/:sku/availability',
    operation: 'getAvailability',
    summary: 'What there is of an item and what of it may be sold',
    tag: 'Availability',
    access: 'publicRead',
    query: closed({ channel: optional(channel()), location: optional(id()), cartId: optional(id()), at: optional(instant()) }),
    headers: ['holdfast-cursor', 'if-none-match'],
    answers: { 200: { description: 'The figures.', schema: availability, headers: ['etag', 'cache-control'] }, 304: { description: 'The reader has them already.' } },
    problems: ['unknown-item', 'unknown-location', 'view-behind', 'history-lost'],
    async handle(call) {
      const { channel, location, cartId, at } = call.query;
      const instant = at === undefined ? undefined : pastInstant(at, services.engine.now());
      await statesCover(call, services);
      const sku = call.param('sku');
      const question = (world: World, now: number): Reading | 'nowhere' | undefined => {
        if (location !== undefined && !locationsBeside(world, itemKey(sku)).has(location)) return 'nowhere';
        return readingOf(world, now, sku, { channel, location, own: ownShares(world, now, cartId) });
      };
      if (instant !== undefined) call.waitFor(PAST_TIMEOUT_MS);
      const answer = await (instant === undefined ? services.engine.read(question) : askThePast(services, instant, (world) => question(world, instant)));
      if (!answer) throw unknownItem(sku);
      if (answer === 'nowhere') {
        const detail = `There is no location ${location}.`;
        throw refusalProblem({ kind: 'invalid', code: 'unknown-location', detail, members: { errors: [{ pointer: '/location', detail, in: 'query' }] } });
      }
      const caching = instant === undefined ? cacheHeaders(floor, [answer.nextChangeMs]) : pastHeaders(floor, services.engine.now() - instant);
      const headers = { etag: answer.etag, ...caching };
      return isUnchanged(call, answer.etag) ? { status: 304, headers } : { status: 200, headers, body: answer.view };
    },
  });
}

/** The instant asked about, in milliseconds. */
function pastInstant(at: string, now: number): number {
  const instant = Date.parse(at);
  if (instant > now) throw invalidRequest([{ pointer: '/at', detail: 'must not be in the future', in: 'query' }]);
  return instant;
}

/** The past does not change, but for moments so near that another node's clock may still be there: those are asked about again. */
function pastHeaders({ publicReads, variesByOrigin }: Floor, ageMs: number): Record<string, string> {
  const vary = [...(publicReads ? [] : ['Authorization']), ...(variesByOrigin ? ['Origin'] : [])];
  const keep = ageMs < PAST_SETTLED_MS ? 'no-cache' : `${publicReads ? 'public' : 'private'}, max-age=${PAST_MAX_AGE_SECONDS}, immutable`;
  return { 'cache-control': keep, ...(vary.length === 0 ? undefined : { vary: vary.join(', ') }) };
}

function many(floor: Floor): Route {
  const { services } = floor;
  return route({
    method: 'GET',
    path: '/v1/availability',
    operation: 'getAvailabilities',
    summary: 'The same of up to 200 items, in the order asked',
    tag: 'Availability',
    access: 'publicRead',
    query: closed({ sku: Type.Array(id(), { minItems: 1, maxItems: limits.AVAILABILITY_SKUS_MAX }), channel: optional(channel()) }),
    headers: ['holdfast-cursor'],
    answers: {
      200: { description: 'The figures of those that exist.', schema: closed({ items: Type.Array(availability), missing: Type.Array(id()) }, { title: 'Availabilities' }), headers: ['cache-control'] },
    },
    problems: ['view-behind'],
    async handle(call) {
      const { sku: skus, channel } = call.query;
      await statesCover(call, services);
      const readings = await services.engine.read((world, now) => skus.map((sku) => ({ sku, reading: readingOf(world, now, sku, { channel }) })));
      const found = readings.flatMap(({ reading }) => (reading ? [reading] : []));
      const missing = readings.flatMap(({ sku, reading }) => (reading ? [] : [sku]));
      return { status: 200, headers: cacheHeaders(floor, found.map(({ nextChangeMs }) => nextChangeMs)), body: { items: found.map(({ view }) => view), missing } };
    },
  });
}
