import type { ConsumerRows } from '../../runtime/runtime.ts';
import type { ProjectionStore, Table } from '../../store/store.ts';
import { SWEEP_PAGE } from './limits.ts';

/** How looking at all items again, because policies or controls have changed, stands. */
export interface SweepStatus {
  readonly state: 'idle' | 'running';
  /** Items looked at, and about how many there are. */
  readonly done: number;
  readonly total: number;
  readonly startedAt: number | null;
}

export const SWEEP_TABLE: Table = { name: 'price_sweeps', columns: [{ name: 'id', type: 'text' }, { name: 'body', type: 'text' }], primaryKey: ['id'] };

const ID = 'all items';

interface Place {
  readonly after: string;
  readonly done: number;
  readonly total: number;
  readonly startedAt: number;
}

/**
 * Goes through all items, a page of the views at a time. Where it is is saved with the checkpoint, so that it goes on
 * after a restart; what changes policies meanwhile begins it anew.
 */
export class Sweep {
  readonly #sql: ProjectionStore['sql'];
  readonly #viewsCaughtUp: () => Promise<void>;
  #place: Place | undefined;
  /** SKUs of the page at hand that were not handed out yet, last first. */
  #page: string[] = [];
  /** Where the page at hand began. */
  #pageFrom: Place | undefined;
  #isReading = false;
  /** Grows with every beginning: a page that was read for an earlier one is left alone. */
  #round = 0;
  #changed = false;

  /** `viewsCaughtUp`: resolves once the views have everything that is committed at the moment. */
  constructor(sql: ProjectionStore['sql'], viewsCaughtUp: () => Promise<void>) {
    this.#sql = sql;
    this.#viewsCaughtUp = viewsCaughtUp;
  }

  get status(): SweepStatus {
    if (!this.#place) return { state: 'idle', done: 0, total: 0, startedAt: null };
    const { done, total, startedAt } = this.#place;
    return { state: 'running', done: done - this.#page.length, total: Math.max(total, done), startedAt };
  }

  get isRunning(): boolean {
    return this.#place !== undefined;
  }

  async open(): Promise<void> {
    this.#round++;
    this.#page = [];
    const [row] = (await this.#sql.selectFrom('price_sweeps').select(['body']).where('id', '=', ID).execute()) as { body: string }[]; // the column selected
    this.#place = row && (JSON.parse(row.body) as Place);
  }

  begin(now: number): void {
    this.#round++;
    this.#page = [];
    this.#place = { after: '', done: 0, total: 0, startedAt: now };
    this.#changed = true;
  }

  /** Up to `count` SKUs to look at; none while a page is read. `on` is told when there are more, or none any more, or why the page could not be read. */
  take(count: number, on: { readonly page: () => void; readonly failure: (error: unknown) => void }): string[] {
    if (!this.#place) return [];
    if (this.#page.length === 0 && !this.#isReading) {
      this.#isReading = true;
      this.#read()
        .finally(() => (this.#isReading = false))
        .then(on.page, on.failure);
    }
    return this.#page.splice(Math.max(0, this.#page.length - count)).toReversed();
  }

  /** What was handed out is for whoever took it to save; what is left of the page is read again after a restart. */
  save(rows: ConsumerRows): void {
    if (!this.#changed) return;
    this.#changed = this.#page.length > 0;
    const place = this.#page.length > 0 ? this.#pageFrom : this.#place;
    if (place) rows.put('price_sweeps', [ID, JSON.stringify(place)]);
    else rows.remove('price_sweeps', ID);
  }

  async #read(): Promise<void> {
    const round = this.#round;
    const place = this.#place;
    if (!place) return;
    // An item that was described a moment before the policies changed has to be there.
    if (place.after === '') await this.#viewsCaughtUp();
    const total = place.total === 0 ? await this.#count() : place.total;
    const rows = (await this.#sql.selectFrom('items').select(['sku']).where('sku', '>', place.after).orderBy('sku').limit(SWEEP_PAGE).execute()) as { sku: string }[]; // the column selected
    if (round !== this.#round) return;
    const last = rows.at(-1)?.sku;
    this.#pageFrom = { ...place, total };
    this.#place = last === undefined ? undefined : { ...place, total, after: last, done: place.done + rows.length };
    this.#page = rows.map(({ sku }) => sku).toReversed();
    this.#changed = true;
  }

  async #count(): Promise<number> {
    const [row] = (await this.#sql.selectFrom('items').select((eb) => eb.fn.countAll().as('count')).execute()) as { count: number | string }[]; // the column selected
    return Number(row?.count ?? 0);
  }
}
