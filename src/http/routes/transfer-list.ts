import { inventory, transferKey, transferView, type Transfer, type TransferStatus, type TransferView } from '../../rooms/inventory/inventory.ts';
import { PAGE_DEFAULT } from '../limits.ts';
import type { Services } from '../services.ts';
import { loadBodies } from './reservation-list.ts';

export interface TransferFilter {
  readonly statuses?: readonly TransferStatus[] | undefined;
  readonly sku?: string | undefined;
  /** Where they come from or go to. */
  readonly location?: string | undefined;
  /** Ids come after this one. */
  readonly after: string;
  readonly limit?: number | undefined;
}

/** Transfers in the order of their ids, which is that of their making: one more than the limit where there are more. */
export async function listTransfers(services: Services, filter: TransferFilter): Promise<TransferView[]> {
  const wanted = (filter.limit ?? PAGE_DEFAULT) + 1;
  const found: TransferView[] = [];
  let { after } = filter;
  for (;;) {
    const ids = await findIds(services, { ...filter, after }, wanted);
    found.push(...(await viewsOf(services, ids)).filter(({ status }) => filter.statuses?.includes(status) ?? true));
    const last = ids.at(-1);
    // A status read a moment later may have moved on, so that a page of ids gives fewer views.
    if (found.length >= wanted || ids.length < wanted || last === undefined) return found.slice(0, wanted);
    after = last;
  }
}

async function findIds({ store }: Services, { statuses, sku, location, after }: TransferFilter, limit: number): Promise<string[]> {
  const { sql } = store.projections;
  // Names are `s/<sku>/<transfer>` and `l/<location>/<transfer>`, and "0" is what follows "/": those of one thing lie together.
  const name = sku !== undefined ? `s/${sku}` : location === undefined ? undefined : `l/${location}`;
  let query =
    name === undefined
      ? sql.selectFrom('transfers').where('transfers.id', '>', after).orderBy('transfers.id')
      : sql
          .selectFrom('transfer_names')
          .innerJoin('transfers', 'transfers.id', 'transfer_names.transfer_id')
          .where('transfer_names.id', '>', `${name}/${after}`)
          .where('transfer_names.id', '<', `${name}0`)
          .orderBy('transfer_names.id');
  if (location !== undefined && sku !== undefined) query = query.where((eb) => eb.or([eb('transfers.from_location', '=', location), eb('transfers.to_location', '=', location)]));
  if (statuses !== undefined) query = query.where('transfers.status', 'in', statuses);
  const rows: { id: string }[] = await query.select('transfers.id as id').limit(limit).execute();
  return rows.map((row) => row.id);
}

async function viewsOf({ store }: Services, ids: readonly string[]): Promise<TransferView[]> {
  const bodies = await loadBodies(store, ids.map(transferKey));
  return ids.flatMap((id) => {
    const key = transferKey(id);
    const body = bodies.get(key);
    return body === undefined ? [] : [transferView(inventory.read(key, body) as Transfer)]; // under `t/` keys there are transfers only
  });
}
