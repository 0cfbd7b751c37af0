import type { Store } from '../../store/store.ts';

/** SKUs asked about in one question. */
const STEP = 500;

/** When items were first described, as far as the views know by now. */
export async function firstDescribed({ projections: { sql } }: Store, skus: readonly string[], now: number): Promise<Map<string, number>> {
  const first = new Map<string, number>();
  for (let from = 0; from < skus.length; from += STEP) {
    const rows = (await sql.selectFrom('item_facts').select((eb) => ['sku', eb.fn.min('time').as('first')]).where('sku', 'in', skus.slice(from, from + STEP)).groupBy('sku').execute()) as { sku: string; first: number | string }[]; // the columns selected
    for (const row of rows) first.set(row.sku, Math.min(now, Number(row.first)));
  }
  return first;
}
