import type { LocationDefinition, Described } from '../../rooms/inventory/inventory.ts';
import { itemKey, locationsBeside, locationView, type Location } from '../../rooms/inventory/inventory.ts';
import { closeLocation } from '../../processes/processes.ts';
import type { Floor } from '../floor.ts';
import { CLOSING_TIMEOUT_MS } from '../limits.ts';
import { page, readCursor, statesCover } from '../lists.ts';
import { invalidRequest, problem, refusalProblem, type InputFault } from '../problem.ts';
import { route, type Route } from '../route.ts';
import { closed, id, listOf, location, locationInput, optional, paging } from '../schemas.ts';
import { answerTo, ifVersion, isUnchanged, versionTag } from '../settle.ts';

export function locationRoutes(floor: Floor): Route[] {
  return [put(floor), read(floor), list(floor), remove(floor)];
}

/** Every log has the same places; the questions here are about no item. */
const ANY_ITEM = itemKey('');

function put({ services: { engine } }: Floor): Route {
  return route({
    method: 'PUT',
    path: '/v1/locations/:id',
    operation: 'putLocation',
    summary: 'Describe a location; the lower its rank, the sooner stock is taken from it',
    tag: 'Locations',
    access: 'write',
    body: locationInput,
    headers: ['if-match'],
    answers: { 200: { description: 'Changed.', schema: location, headers: ['etag'] }, 201: { description: 'New.', schema: location, headers: ['etag', 'location'] } },
    problems: ['version-conflict', 'limit-exceeded'],
    async handle(call) {
      const id = call.param('id');
      const { body } = call;
      const half = halfPlace(body);
      if (half) throw invalidRequest([half]);
      const definition: LocationDefinition = { ...(body as Omit<LocationDefinition, 'active'>), active: body.active ?? true };
      const settled = await engine.execute({ type: 'DefineLocation', id, definition, ...ifVersion(call) }, { once: call.once() });
      return answerTo<Described>(settled, ({ created, resource }, headers) => ({
        status: created ? 201 : 200,
        headers: { ...headers, etag: versionTag(Number(resource['version'])), ...(created ? { location: `/v1/locations/${encodeURIComponent(id)}` } : undefined) },
        body: resource,
      }));
    },
  });
}

/** One coordinate without the other names no place. */
export function halfPlace({ lat, lon }: { lat?: unknown; lon?: unknown }): InputFault | undefined {
  if ((lat === undefined) === (lon === undefined)) return undefined;
  const missing = lat === undefined ? 'lat' : 'lon';
  return { pointer: `/${missing}`, detail: `is required beside ${missing === 'lat' ? 'lon' : 'lat'}` };
}

function read({ services }: Floor): Route {
  return route({
    method: 'GET',
    path: '/v1/locations/:id',
    operation: 'getLocation',
    summary: 'Read a location',
    tag: 'Locations',
    access: 'read',
    headers: ['holdfast-cursor', 'if-none-match'],
    answers: { 200: { description: 'The location.', schema: location, headers: ['etag'] }, 304: { description: 'The reader has it already.' } },
    problems: ['unknown-location', 'view-behind'],
    async handle(call) {
      await statesCover(call, services);
      const id = call.param('id');
      const known = await services.engine.read((world) => locationsBeside(world, ANY_ITEM).get(id));
      if (!known) throw problem('unknown-location', `There is no location ${id}.`);
      const etag = versionTag(known.version);
      return isUnchanged(call, etag) ? { status: 304, headers: { etag } } : { status: 200, headers: { etag }, body: locationView(known) };
    },
  });
}

function list({ services }: Floor): Route {
  return route({
    method: 'GET',
    path: '/v1/locations',
    operation: 'listLocations',
    summary: 'All locations, by rank and then id',
    tag: 'Locations',
    access: 'read',
    query: closed(paging),
    headers: ['holdfast-cursor'],
    answers: { 200: { description: 'A page.', schema: listOf(location, 'LocationList') } },
    problems: ['invalid-cursor', 'view-behind'],
    async handle(call) {
      const { limit, cursor } = call.query;
      const [rank, id] = readCursor('locations', cursor) ?? [];
      await statesCover(call, services);
      const all = await services.engine.read((world) => [...locationsBeside(world, ANY_ITEM).values()]);
      const rest = all.sort(byRank).filter((place) => rank === undefined || byRank(place, { rank: Number(rank), id: String(id) }) > 0);
      const { items, nextCursor } = page(rest, limit, { list: 'locations', placeOf: (place) => [place.rank, place.id] });
      return { status: 200, body: { items: items.map(locationView), nextCursor } };
    },
  });
}

function byRank(a: Pick<Location, 'rank' | 'id'>, b: Pick<Location, 'rank' | 'id'>): number {
  return a.rank - b.rank || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

function remove({ services }: Floor): Route {
  return route({
    method: 'DELETE',
    path: '/v1/locations/:id',
    operation: 'deleteLocation',
    summary: 'Close a location for good, moving its stock elsewhere where asked to',
    tag: 'Locations',
    access: 'write',
    query: closed({ moveStockTo: optional(id()) }),
    answers: { 204: { description: 'Closed.' } },
    problems: ['unknown-location', 'in-use', 'view-behind'],
    async handle(call) {
      const { moveStockTo } = call.query;
      call.waitFor(CLOSING_TIMEOUT_MS);
      const closing = await closeLocation(services, { id: call.param('id'), moveStockTo, actor: call.caller?.id });
      if (closing.ok) return { status: 204, headers: { 'holdfast-cursor': services.engine.cursor } };
      throw refusalProblem(closing.refusal);
    },
  });
}
