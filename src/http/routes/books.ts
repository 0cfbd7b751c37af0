import { toCloudEvent } from '../../distribution/feed/feed.ts';
import { checkBooks, newestFacts } from '../../processes/processes.ts';
import { itemKey } from '../../rooms/inventory/inventory.ts';
import type { Floor } from '../floor.ts';
import { CHECK_TIMEOUT_MS, PAGE_DEFAULT } from '../limits.ts';
import { page, readCursor, viewsCover } from '../lists.ts';
import { route, type Route } from '../route.ts';
import { closed, cloudEvent, id, instant, listOf, paging } from '../schemas.ts';
import { unknownItem } from './items.ts';
import { Type } from '../type.ts';

export function bookRoutes(floor: Floor): Route[] {
  return [history(floor), check(floor)];
}

function history({ services }: Floor): Route {
  return route({
    method: 'GET',
    path: '/v1/items/:sku/history',
    operation: 'getItemHistory',
    summary: 'The facts about an item, newest first',
    tag: 'Books',
    access: 'read',
    query: closed(paging),
    headers: ['holdfast-cursor'],
    answers: { 200: { description: 'A page.', schema: listOf(cloudEvent, 'History') } },
    problems: ['unknown-item', 'invalid-cursor', 'view-behind'],
    async handle(call) {
      const { limit, cursor } = call.query;
      const [position, index] = readCursor('history', cursor) ?? [];
      await viewsCover(call, services);
      const sku = call.param('sku');
      const before = position === undefined ? undefined : { position: Number(position), index: Number(index) };
      const facts = await newestFacts(services.store, sku, before, (limit ?? PAGE_DEFAULT) + 1);
      // The history of an item that was removed stays readable.
      if (facts.length === 0 && !(await isKnown(services, sku))) throw unknownItem(sku);
      const { items, nextCursor } = page(facts, limit, { list: 'history', placeOf: (fact) => [fact.position, fact.index] });
      return { status: 200, body: { items: items.map((fact) => toCloudEvent(fact.record, fact)), nextCursor } };
    },
  });
}

/** Whether there was ever an item of this SKU. */
function isKnown({ engine }: Floor['services'], sku: string): Promise<boolean> {
  return engine.read((world) => world.get(itemKey(sku)) !== undefined);
}

function check({ services }: Floor): Route {
  const sums = { level: Type.Integer({ description: 'As decisions are made on it.' }), facts: Type.Integer({ description: 'As the facts add up.' }), difference: Type.Integer() };
  return route({
    method: 'GET',
    path: '/v1/items/:sku/check',
    operation: 'checkItem',
    summary: 'Whether the facts of an item add up to its levels, and no promise exceeded its limit',
    tag: 'Books',
    access: 'read',
    answers: {
      200: {
        description: 'The check.',
        schema: closed(
          {
            sku: id(),
            ok: Type.Boolean(),
            levels: Type.Array(closed({ location: id(), bucket: Type.String(), ...sums })),
            backordered: closed(sums),
            oversold: Type.Integer({ description: 'Units promised, when they were promised, beyond what was free and what may be backordered.' }),
            version: Type.Integer(),
            asOf: instant(),
          },
          { title: 'Check' },
        ),
      },
    },
    problems: ['unknown-item', 'history-lost'],
    async handle(call) {
      const sku = call.param('sku');
      call.waitFor(CHECK_TIMEOUT_MS);
      const books = await checkBooks(services, sku);
      if (!books) throw unknownItem(sku);
      return { status: 200, body: books };
    },
  });
}
