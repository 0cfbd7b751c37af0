import type { JsonObject } from '../../base/json.ts';
import { openTransfers } from '../../processes/processes.ts';
import { findItem, itemView, limits, type Described } from '../../rooms/inventory/inventory.ts';
import type { Call } from '../call.ts';
import type { Floor } from '../floor.ts';
import { page, readCursor, statesCover, viewsCover } from '../lists.ts';
import { invalidRequest, problem, refusalProblem } from '../problem.ts';
import { route, type Route } from '../route.ts';
import { closed, item, itemChanges, itemInput, listOf, optional, paging, text } from '../schemas.ts';
import { answerTo, ifVersion, isUnchanged, versionTag, writeHeaders } from '../settle.ts';
import { blockersOf, bundlePromises } from './item-blockers.ts';
import { listItems } from './item-list.ts';
import { Type } from '../type.ts';

export function itemRoutes(floor: Floor): Route[] {
  return [define(floor, 'PUT'), define(floor, 'PATCH'), read(floor), list(floor), remove(floor)];
}

function define({ services: { engine } }: Floor, method: 'PUT' | 'PATCH'): Route {
  const mode = method === 'PUT' ? 'replace' : 'merge';
  return route({
    method,
    path: '/v1/items/:sku',
    operation: method === 'PUT' ? 'putItem' : 'patchItem',
    summary: method === 'PUT' ? 'Describe an item: what is left out takes its default' : 'Change some of what an item is described by; null means the default again',
    tag: 'Items',
    access: 'write',
    body: method === 'PUT' ? itemInput : itemChanges,
    headers: ['if-match'],
    answers: {
      200: { description: 'Changed.', schema: item, headers: ['etag'] },
      ...(method === 'PUT' ? { 201: { description: 'New.', schema: item, headers: ['etag', 'location'] } } : undefined),
    },
    problems: ['version-conflict', ...(method === 'PUT' ? [] : ['unknown-item'])],
    async handle(call) {
      const sku = call.param('sku');
      const condition = call.header('if-match')?.trim() === '*' ? await mustExist(call, sku) : ifVersion(call);
      const definition = call.body as unknown as JsonObject; // it passed the schema of a definition
      const settled = await engine.execute({ type: 'DefineItem', sku, mode, definition, ...condition }, { once: call.once() });
      return answerTo<Described>(settled, ({ created, resource }, headers) => ({
        status: created ? 201 : 200,
        headers: { ...headers, etag: versionTag(Number(resource['version'])), ...(created ? { location: `/v1/items/${encodeURIComponent(sku)}` } : undefined) },
        body: resource,
      }));
    },
  });

  /** `If-Match: *` asks only that there is an item. */
  async function mustExist(_call: unknown, sku: string): Promise<{ ifVersion?: number }> {
    const version = await engine.read((world) => findItem(world, sku)?.definitionVersion);
    return { ifVersion: version ?? -1 };
  }
}

function read({ services }: Floor): Route {
  return route({
    method: 'GET',
    path: '/v1/items/:sku',
    operation: 'getItem',
    summary: 'Read an item',
    tag: 'Items',
    access: 'read',
    headers: ['holdfast-cursor', 'if-none-match'],
    answers: { 200: { description: 'The item.', schema: item, headers: ['etag'] }, 304: { description: 'The reader has it already.' } },
    problems: ['unknown-item', 'view-behind'],
    async handle(call) {
      await statesCover(call, services);
      const sku = call.param('sku');
      const view = await services.engine.read((world) => {
        const known = findItem(world, sku);
        return known && itemView(known);
      });
      if (!view) throw unknownItem(sku);
      const etag = versionTag(Number(view['version']));
      if (isUnchanged(call, etag)) return { status: 304, headers: { etag } };
      return { status: 200, headers: { etag }, body: view };
    },
  });
}

export function unknownItem(sku: string): ReturnType<typeof problem> {
  return problem('unknown-item', `There is no item ${sku}.`);
}

const ATTRIBUTE = 'attribute.';

function list({ services }: Floor): Route {
  return route({
    method: 'GET',
    path: '/v1/items',
    operation: 'listItems',
    summary: 'Find items by words, attributes and availability, in the order of their SKUs',
    tag: 'Items',
    access: 'read',
    query: closed({ q: optional(text(200)), available: optional(Type.Boolean({ description: 'Only those of which some are available, or none.' })), ...paging }),
    queryPrefix: ATTRIBUTE,
    headers: ['holdfast-cursor'],
    answers: { 200: { description: 'A page.', schema: listOf(item, 'ItemList') } },
    problems: ['invalid-cursor', 'view-behind'],
    async handle(call) {
      const { q, available, limit, cursor } = call.query;
      const attributes = attributesOf(call);
      const after = readCursor('items', cursor)?.[0];
      await viewsCover(call, services);
      const rows = await listItems(services, { q, available, attributes, after: after === undefined ? '' : String(after), limit });
      return { status: 200, body: page(rows, limit, { list: 'items', placeOf: ({ sku }) => [sku as string] }) };
    },
  });
}

function attributesOf(call: { readonly query: object }): [string, string][] {
  const given = Object.entries(call.query).filter(([name]) => name.startsWith(ATTRIBUTE));
  if (given.length > limits.ATTRIBUTES_MAX) throw invalidRequest([{ pointer: '', detail: `at most ${limits.ATTRIBUTES_MAX} attributes may be asked for`, in: 'query' }]);
  return given.map(([name, value]) => [name.slice(ATTRIBUTE.length), String(value)]);
}

function remove({ services }: Floor): Route {
  return route({
    method: 'DELETE',
    path: '/v1/items/:sku',
    operation: 'deleteItem',
    summary: 'Remove an item that nothing depends on',
    tag: 'Items',
    access: 'write',
    headers: ['if-match'],
    answers: { 204: { description: 'Gone; its history stays.' } },
    problems: ['unknown-item', 'in-use', 'version-conflict'],
    async handle(call: Call<undefined, undefined>) {
      const sku = call.param('sku');
      // A draft sets nothing aside, so that the item itself does not know of it.
      const blockers = [...(await openTransfers(services, { sku })), ...(await bundlePromises(services, sku))];
      const settled = await services.engine.execute({ type: 'RemoveItem', sku, blockers, ...ifVersion(call) });
      if (settled.ok) return { status: 204, headers: writeHeaders(settled) };
      const { refusal } = settled;
      if (refusal.code !== 'in-use') throw refusalProblem(refusal);
      const named = await blockersOf(services, sku, (refusal.members?.['blockers'] ?? []) as readonly JsonObject[]); // the room's answer to this command
      throw refusalProblem({ ...refusal, members: { ...refusal.members, blockers: named } });
    },
  });
}
