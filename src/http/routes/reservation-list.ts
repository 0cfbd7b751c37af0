import { inventory, reservationKey, reservationView, type Reservation, type ReservationView } from '../../rooms/inventory/inventory.ts';
import { PAGE_DEFAULT } from '../limits.ts';
import type { Services } from '../services.ts';

export interface ReservationFilter {
  readonly cartId?: string | undefined;
  readonly sku?: string | undefined;
  readonly status?: string | undefined;
  /** Ids come after this one. */
  readonly after: string;
  readonly limit?: number | undefined;
}

/** Reservations in the order of their ids, which is that of their making: one more than the limit where there are more. */
export async function listReservations(services: Services, filter: ReservationFilter): Promise<ReservationView[]> {
  const wanted = (filter.limit ?? PAGE_DEFAULT) + 1;
  const found: ReservationView[] = [];
  let { after } = filter;
  for (;;) {
    const ids = await findIds(services, { ...filter, after }, wanted);
    found.push(...(await viewsOf(services, ids)).filter((view) => filter.status === undefined || view.status === filter.status));
    const last = ids.at(-1);
    // A status read a moment later may have moved on, so that a page of ids gives fewer views.
    if (found.length >= wanted || ids.length < wanted || last === undefined) return found.slice(0, wanted);
    after = last;
  }
}

async function findIds({ store, engine }: Services, { cartId, sku, status, after }: ReservationFilter, limit: number): Promise<string[]> {
  const { sql } = store.projections;
  const now = engine.now();
  // A line's id is `<sku>/<reservation>`, and "0" is what follows "/": the lines of one SKU lie together.
  let query =
    sku === undefined
      ? sql.selectFrom('reservations').where('reservations.id', '>', after).orderBy('reservations.id')
      : sql
          .selectFrom('reservation_lines')
          .innerJoin('reservations', 'reservations.id', 'reservation_lines.reservation_id')
          .where('reservation_lines.id', '>', `${sku}/${after}`)
          .where('reservation_lines.id', '<', `${sku}0`)
          .orderBy('reservation_lines.id');
  if (cartId !== undefined) query = query.where('reservations.cart_id', '=', cartId);
  if (status === 'held') query = query.where('reservations.status', '=', 'held').where('reservations.expires_at', '>', now);
  else if (status === 'expired') query = query.where((eb) => eb.or([eb('reservations.status', '=', 'expired'), eb.and([eb('reservations.status', '=', 'held'), eb('reservations.expires_at', '<=', now)])]));
  else if (status !== undefined) query = query.where('reservations.status', '=', status);
  const rows: { id: string }[] = await query.select('reservations.id as id').limit(limit).execute();
  return rows.map((row) => row.id);
}

async function viewsOf({ store, engine }: Services, ids: readonly string[]): Promise<ReservationView[]> {
  const bodies = await loadBodies(store, ids.map(reservationKey));
  const now = engine.now();
  return ids.flatMap((id) => {
    const key = reservationKey(id);
    const body = bodies.get(key);
    return body === undefined ? [] : [reservationView(inventory.read(key, body) as Reservation, now)]; // under `r/` keys there are reservations only
  });
}

/** The saved states of some keys, whichever logs they are in. */
export async function loadBodies(store: Services['store'], keys: readonly string[]): Promise<Map<string, string>> {
  const byLog = Map.groupBy(keys, (key) => inventory.logOf(key, store.partitions));
  const parts = await Promise.all([...byLog].map(([log, group]) => store.projections.loadStates(log, group)));
  return new Map(parts.flatMap(({ bodies }) => [...bodies]));
}
