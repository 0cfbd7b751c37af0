import { rfc3339 } from '../../base/clock.ts';
import type { Floor } from '../floor.ts';
import { COURTESY_WAIT_MS, PAGE_DEFAULT } from '../limits.ts';
import { consumerCovers, page, readCursor } from '../lists.ts';
import { route, type Route } from '../route.ts';
import { closed, id, instant, listOf, paging } from '../schemas.ts';
import { Type } from '../type.ts';

const low = closed(
  {
    sku: id(),
    threshold: Type.Integer({ description: 'The lowest of its thresholds that it is at or below.' }),
    available: Type.Integer({ description: 'Units that were left at that moment.' }),
    since: instant(),
  },
  { title: 'LowStock' },
);

/** A row of the consumer's table; some drivers give large integers as text. */
interface LowRow {
  readonly sku: string;
  readonly threshold: number | string;
  readonly available: number | string;
  readonly since: number | string;
}

export function lowStockRoutes({ services }: Floor): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/low-stock',
      operation: 'listLowStock',
      summary: 'Items that are at or below one of their thresholds now, in the order of their SKUs',
      tag: 'Items',
      access: 'read',
      query: closed({ ...paging }),
      headers: ['holdfast-cursor'],
      answers: { 200: { description: 'A page.', schema: listOf(low, 'LowStockList') } },
      problems: ['invalid-cursor', 'view-behind'],
      async handle(call) {
        const { limit = PAGE_DEFAULT, cursor } = call.query;
        const after = readCursor('low-stock', cursor)?.[0] ?? '';
        await consumerCovers(call, services, services.consumers.lowStock, COURTESY_WAIT_MS);
        const rows = (await services.store.projections.sql.selectFrom('low_stock').select(['sku', 'threshold', 'available', 'since']).where('sku', '>', String(after)).orderBy('sku').limit(limit + 1).execute()) as LowRow[]; // the columns selected
        const items = rows.map(({ sku, threshold, available, since }) => ({ sku, threshold: Number(threshold), available: Number(available), since: rfc3339(Number(since)) }));
        return { status: 200, body: page(items, limit, { list: 'low-stock', placeOf: ({ sku }) => [sku] }) };
      },
    }),
  ];
}
