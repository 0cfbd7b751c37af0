import type { ConsumerRows } from '../../runtime/runtime.ts';
import type { Position, ProjectionStore, Table } from '../../store/store.ts';
import { SWEEP_PAGE, SWEEP_PAGES_UNSAVED } from './limits.ts';

/** How looking at all items again, because policies or controls have changed, stands. */
export interface SweepStatus {
  readonly state: 'idle' | 'running';
  /** Items looked at, and about how many there are. */
  readonly done: number;
  readonly total: number;
  readonly startedAt: number | null;
}

export const SWEEP_TABLE: Table = { name: 'price_sweeps', columns: [{ name: 'id', type: 'text' }, { name: 'body', type: 'text' }], primaryKey: ['id'] };

/** The views as far as a sweep depends on them. */
export interface SweepViews {
  /** What is committed now. */
  heads(): readonly Position[];
  /** Resolves once the views have everything up to there. */
  cover(positions: readonly Position[]): Promise<void>;
}

const ID = 'all items';

interface Place {
  readonly after: string;
  readonly done: number;
  readonly total: number;
  readonly startedAt: number;
}

/** Items handed out together, until whoever took them says that they are done with. */
export interface Batch {
  readonly skus: readonly string[];
  readonly page: Page;
}

interface Page {
  /** Where it begins. */
  readonly from: Place;
  /** SKUs that were not handed out yet, last first. */
  readonly left: string[];
  /** How many were handed out and are not done with. */
  out: number;
}

/**
 * Goes through all items, a page of the views at a time; the next page is read while one is worked on. Saved with the
 * checkpoint is where the oldest page begins that is not done with: after a restart its items are looked at once more.
 * What changes policies meanwhile begins it anew.
 */
export class Sweep {
  readonly #sql: ProjectionStore['sql'];
  readonly #views: SweepViews;
  /** Where the next page begins; undefined when there is none. */
  #place: Place | undefined;
  #pages: Page[] = [];
  /** What was committed when each of the last pages was read. */
  #heads: (readonly Position[])[] = [];
  #isReading = false;
  /** Grows with every beginning: a page that was read for an earlier one is left alone. */
  #round = 0;
  #changed = false;

  constructor(sql: ProjectionStore['sql'], views: SweepViews) {
    this.#sql = sql;
    this.#views = views;
  }

  get status(): SweepStatus {
    const place = this.#place ?? this.#pages.at(-1)?.from;
    if (!place) return { state: 'idle', done: 0, total: 0, startedAt: null };
    const waiting = this.#pages.reduce((sum, { left, out }) => sum + left.length + out, 0);
    const read = this.#place?.done ?? place.total;
    return { state: 'running', done: Math.max(0, read - waiting), total: Math.max(place.total, read), startedAt: place.startedAt };
  }

  get isRunning(): boolean {
    return this.#place !== undefined || this.#pages.length > 0;
  }

  async open(): Promise<void> {
    this.#forget();
    const [row] = (await this.#sql.selectFrom('price_sweeps').select(['body']).where('id', '=', ID).execute()) as { body: string }[]; // the column selected
    this.#place = row && (JSON.parse(row.body) as Place);
  }

  begin(now: number): void {
    this.#forget();
    this.#place = { after: '', done: 0, total: 0, startedAt: now };
    this.#changed = true;
  }

  #forget(): void {
    this.#round++;
    this.#pages = [];
    this.#heads = [];
  }

  /** Up to `count` SKUs to look at; none while a page is read. `on` is told when there are more, or none any more, or why the page could not be read. */
  take(count: number, on: { readonly page: () => void; readonly failure: (error: unknown) => void }): Batch | undefined {
    const last = this.#pages.at(-1);
    if (this.#place && !this.#isReading && (last?.left.length ?? 0) < SWEEP_PAGE / 2) {
      this.#isReading = true;
      this.#read()
        .finally(() => (this.#isReading = false))
        .then(on.page, on.failure);
    }
    const page = this.#pages.find(({ left }) => left.length > 0);
    if (!page) return undefined;
    const skus = page.left.splice(Math.max(0, page.left.length - count)).toReversed();
    page.out += skus.length;
    return { skus, page };
  }

  /** They are priced, or marked as due: nobody has to look at them again for this. */
  done({ skus, page }: Batch): void {
    page.out -= skus.length;
    const pages = this.#pages.length;
    while (this.#pages[0]?.left.length === 0 && this.#pages[0].out === 0) this.#pages.shift();
    if (this.#pages.length < pages) this.#changed = true;
  }

  save(rows: ConsumerRows): void {
    if (!this.#changed) return;
    this.#changed = false;
    const place = this.#pages[0]?.from ?? this.#place;
    if (place) rows.put('price_sweeps', [ID, JSON.stringify(place)]);
    else rows.remove('price_sweeps', ID);
  }

  async #read(): Promise<void> {
    const round = this.#round;
    const place = this.#place;
    if (!place) return;
    await this.#keepUp(place);
    const total = place.total === 0 ? await this.#count() : place.total;
    const rows = (await this.#sql.selectFrom('items').select(['sku']).where('sku', '>', place.after).orderBy('sku').limit(SWEEP_PAGE).execute()) as { sku: string }[]; // the column selected
    if (round !== this.#round) return;
    const last = rows.at(-1)?.sku;
    if (last !== undefined) this.#pages.push({ from: { ...place, total }, left: rows.map(({ sku }) => sku).toReversed(), out: 0 });
    this.#place = last === undefined ? undefined : { ...place, total, after: last, done: place.done + rows.length };
    this.#changed = true;
  }

  /** Prices that are not saved yet have to stay in memory: the views may be some pages behind and no more. */
  async #keepUp({ after }: Place): Promise<void> {
    // An item that was described a moment before the policies changed has to be there.
    if (after === '') return this.#views.cover(this.#views.heads());
    this.#heads.push(this.#views.heads());
    const heads = this.#heads.length > SWEEP_PAGES_UNSAVED ? this.#heads.shift() : undefined;
    if (heads) await this.#views.cover(heads);
  }

  async #count(): Promise<number> {
    const [row] = (await this.#sql.selectFrom('items').select((eb) => eb.fn.countAll().as('count')).execute()) as { count: number | string }[]; // the column selected
    return Number(row?.count ?? 0);
  }
}
