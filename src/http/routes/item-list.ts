import type { JsonObject } from '../../base/json.ts';
import { figuresIn, findItem, inventory, itemKey, itemView, type Item } from '../../rooms/inventory/inventory.ts';
import { PAGE_DEFAULT } from '../limits.ts';
import type { Services } from '../services.ts';
import { loadBodies } from './reservation-list.ts';

export interface ItemFilter {
  /** Words in the SKU or the name, whatever their case. */
  readonly q?: string | undefined;
  readonly available?: boolean | undefined;
  readonly attributes: readonly [name: string, value: string][];
  readonly after: string;
  readonly limit?: number | undefined;
}

/** Rows looked at for one page: a search for something rare among a million items is cut into several reads. */
const SCAN_MAX = 2_000;

/** Items in the order of their SKUs: one more than the limit where there are more. */
export async function listItems(services: Services, filter: ItemFilter): Promise<JsonObject[]> {
  const wanted = (filter.limit ?? PAGE_DEFAULT) + 1;
  const found: string[] = [];
  let { after } = filter;
  for (;;) {
    const rows = await findRows(services, { ...filter, after }, Math.min(SCAN_MAX, wanted * 2));
    found.push(...(await matching(services, rows, filter)));
    const last = rows.at(-1);
    if (found.length >= wanted || rows.length < Math.min(SCAN_MAX, wanted * 2) || !last) return viewsOf(services, found.slice(0, wanted));
    after = last.sku;
  }
}

interface Row {
  readonly sku: string;
  readonly search: string;
}

async function findRows({ store }: Services, { q, available, attributes, after }: ItemFilter, limit: number): Promise<Row[]> {
  const { sql } = store.projections;
  let query = sql.selectFrom('items').select(['items.sku', 'items.search']).where('items.sku', '>', after).orderBy('items.sku').limit(limit);
  // LIKE's own signs in the words stand for any character here; `matching` looks at the words themselves.
  if (q !== undefined && q !== '') query = query.where('items.search', 'like', `%${q.toLowerCase().replaceAll(/[%_\\]/g, '_')}%`);
  if (available === true) query = query.where('items.at_most', '>', 0);
  for (const [name, value] of attributes) {
    query = query.where((eb) => eb('items.sku', 'in', eb.selectFrom('item_attributes').select('item_attributes.sku').where('item_attributes.name', '=', name).where('item_attributes.value', '=', value)));
  }
  return query.execute(); // the columns selected above
}

async function matching({ engine }: Services, rows: readonly Row[], { q, available }: ItemFilter): Promise<string[]> {
  const words = q?.toLowerCase() ?? '';
  const skus = rows.filter(({ search }) => search.includes(words)).map(({ sku }) => sku);
  if (available === undefined || skus.length === 0) return skus;
  return engine.read((world, now) =>
    skus.filter((sku) => {
      const item = findItem(world, sku);
      return item !== undefined && figuresIn(world, item, now).available > 0 === available;
    }),
  );
}

async function viewsOf({ store }: Services, skus: readonly string[]): Promise<JsonObject[]> {
  const bodies = await loadBodies(store, skus.map(itemKey));
  return skus.flatMap((sku) => {
    const key = itemKey(sku);
    const body = bodies.get(key);
    if (body === undefined) return [];
    const item = inventory.read(key, body) as Item; // under `i/` keys there are items only
    return item.definition === undefined ? [] : [itemView(item)];
  });
}
