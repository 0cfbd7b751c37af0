/**
 * Keeps copies of all prices where shops read them without asking us. It follows the log, and what it has written it
 * notes among the copies themselves:
 *
 *     reachable ─► what is noted? ── nothing, another history, far behind ─► every price, then note
 *                        │                                                         │
 *                        └── a position ─► prices of the facts after it, then note ┴─► live: facts as they come
 *
 * Whenever something goes wrong it begins from the top. Copies that are lost are noticed by the note that is lost with
 * them. Nobody waits for any of this: prices are decided and read without it.
 */
import type { Clock } from '../../base/clock.ts';
import { findPrice, priceView, type Price } from '../../rooms/pricing/pricing.ts';
import type { Commit, Position, SharedCopies, SharedCopy, Store } from '../../store/store.ts';
import { BEHIND_MAX, COPIES_PER_STEP, DIRTY_MAX, LOOK_MS, RETRY_MS } from './limits.ts';

interface World {
  get(key: string): unknown;
}

export interface SharedPricesOptions {
  readonly copies: SharedCopies;
  readonly store: Store;
  readonly engine: {
    readonly heads: readonly Position[];
    onCommitted(listener: (commits: readonly Commit[]) => void): () => void;
    read<T>(question: (world: World & { readonly partitions: number }, now: number) => T): Promise<T>;
  };
  readonly clock: Clock;
  readonly onTrouble?: ((message: string) => void) | undefined;
}

/** `away`: the copies cannot be reached; `behind`: they are on their way; `live`: they follow the log. */
export type SharedPricesState = 'away' | 'behind' | 'live';

export class SharedPrices implements AsyncDisposable {
  readonly #options: SharedPricesOptions;
  readonly #stop: (() => void)[] = [];
  /** SKUs whose copies may be old. */
  #dirty = new Set<string>();
  /** Facts up to here are in `#dirty` or among the copies. */
  #heard: Position[] = [];
  /** Noted among the copies. */
  #noted: readonly Position[] = [];
  #copying = false;
  #state: SharedPricesState = 'away';
  #closed = false;
  readonly #signals = { news: Promise.withResolvers<void>(), back: Promise.withResolvers<void>() };
  readonly #running: Promise<void>;
  #written = 0;
  #troubled = false;

  constructor(options: SharedPricesOptions) {
    this.#options = options;
    this.#stop.push(options.engine.onCommitted((commits) => this.#take(commits)), options.copies.onBack(() => this.#signals.back.resolve()));
    this.#running = this.#run();
  }

  get state(): SharedPricesState {
    return this.#state;
  }

  /** Facts up to these positions are among the copies, as far as this process knows; index = log. */
  get copied(): readonly Position[] {
    return this.#state === 'live' && this.#dirty.size === 0 && !this.#copying ? this.#heard : this.#noted;
  }

  /** Copies that were handed over since the start. */
  get written(): number {
    return this.#written;
  }

  #take(commits: readonly Commit[]): void {
    for (const { log, position, events } of commits) {
      for (const { type, key } of events) if (isAboutPrice(type)) this.#dirty.add(key.slice(2));
      this.#heard[log] = Math.max(this.#heard[log] ?? 0, position);
    }
    if (this.#dirty.size > 0) this.#signals.news.resolve();
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      try {
        await this.#catchUp();
        this.#state = 'live';
        this.#told(undefined);
        while (!this.#closed) await this.#follow();
      } catch (error) {
        this.#state = 'away';
        if (this.#closed) return;
        this.#told(error);
        await this.#until('back', RETRY_MS);
      }
    }
  }

  /** Says what is wrong once, until it has been right again. */
  #told(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (error !== undefined && !this.#troubled) this.#options.onTrouble?.(`prices are not copied for the moment: ${message}`);
    this.#troubled = error !== undefined;
  }

  async #catchUp(): Promise<void> {
    const { copies, engine, store } = this.#options;
    // From here on what is committed is heard; what was before comes from the views or the log.
    this.#dirty = new Set();
    this.#heard = [...engine.heads];
    const noted = await copies.progress();
    this.#state = 'behind';
    // Asked after the note, because another process may have written and noted more than this one has heard.
    const heads = await store.log.heads();
    const isOfThisHistory = noted === undefined ? (await copies.noted()) === 'none' : noted.every((position, log) => position <= (heads[log] ?? 0));
    if (!isOfThisHistory) await copies.clear();
    const behind = noted?.reduce((sum, position, log) => sum + (heads[log] ?? 0) - position, 0) ?? Number.POSITIVE_INFINITY;
    if (noted === undefined || !isOfThisHistory || behind > BEHIND_MAX || (await this.#isTrimmedAfter(noted))) await this.#copyAll();
    else await this.#readAfter(noted);
    await this.#note();
  }

  async #isTrimmedAfter(positions: readonly Position[]): Promise<boolean> {
    const { log } = this.#options.store;
    const trimmed = await Promise.all(positions.map((_, id) => log.trimmedTo(id)));
    return trimmed.some((position, id) => position > (positions[id] ?? 0));
  }

  /** Every price that the views know, and those of the facts that they do not know yet. */
  async #copyAll(): Promise<void> {
    const { copies, store } = this.#options;
    const known = await store.projections.checkpoints('states');
    let after: string | undefined;
    do {
      const asked = store.projections.sql.selectFrom('prices').select('sku').orderBy('sku').limit(COPIES_PER_STEP);
      const rows = (await (after === undefined ? asked : asked.where('sku', '>', after)).execute()) as { sku: string }[]; // the column is text
      await this.#copy(rows.map(({ sku }) => sku));
      after = rows.at(-1)?.sku;
    } while (after !== undefined && !this.#closed);
    await this.#readAfter(known);
    await copies.begin(known);
  }

  /** Copies the prices of the facts after some positions, up to where facts are heard as they come. */
  async #readAfter(positions: readonly Position[]): Promise<void> {
    const { store } = this.#options;
    const until = [...this.#heard];
    for (const [log, head] of until.entries()) {
      if ((positions[log] ?? 0) >= head) continue;
      for await (const commit of store.log.read(log, positions[log] ?? 0)) {
        for (const { type, key } of commit.events) if (isAboutPrice(type)) this.#dirty.add(key.slice(2));
        if (this.#dirty.size >= COPIES_PER_STEP) await this.#copyDirty();
        if (commit.position >= head || this.#closed) break;
      }
    }
    await this.#copyDirty();
  }

  async #follow(): Promise<void> {
    if (this.#dirty.size === 0) await this.#until('news', LOOK_MS);
    if (this.#dirty.size > DIRTY_MAX) throw new Error(`${this.#dirty.size} prices wait to be copied`);
    await this.#copyDirty();
    await this.#note();
  }

  async #copyDirty(): Promise<void> {
    while (this.#dirty.size > 0 && !this.#closed) {
      const skus: string[] = [];
      for (const sku of this.#dirty) {
        if (skus.push(sku) >= COPIES_PER_STEP) break;
      }
      for (const sku of skus) this.#dirty.delete(sku);
      await this.#copy(skus);
    }
  }

  async #copy(skus: readonly string[]): Promise<void> {
    if (skus.length === 0) return;
    const { copies, engine } = this.#options;
    this.#copying = true;
    try {
      const made = await engine.read((world, now) => skus.flatMap((sku) => copyOf(findPrice(world, sku), now)));
      await copies.put(made);
      this.#written += made.length;
    } finally {
      this.#copying = false;
    }
  }

  /** Notes what was heard, if all of it is among the copies; begins again where the note has gone. */
  async #note(): Promise<void> {
    const heard = [...this.#heard];
    if (this.#dirty.size > 0 || this.#closed) return;
    if (!(await this.#options.copies.note(heard))) throw new Error('the copies are gone');
    this.#noted = heard;
  }

  /** Waits for it, at most for so long. */
  async #until(what: 'news' | 'back', ms: number): Promise<void> {
    const callOff = this.#options.clock.after(ms, () => this.#signals[what].resolve());
    await this.#signals[what].promise;
    callOff();
    this.#signals[what] = Promise.withResolvers();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const stop of this.#stop) stop();
    this.#signals.news.resolve();
    this.#signals.back.resolve();
    await this.#running;
  }
}

/** Also where the price stays and something else about it is another, such as whether it is degraded. */
function isAboutPrice(type: string): boolean {
  return type === 'pricing.price.changed' || type === 'pricing.price.noted' || type.startsWith('pricing.override.');
}

/** What a shop finds: the amounts by themselves, and the body of `GET /v1/prices/{sku}`. An item without a price has empty amounts. */
function copyOf(price: Price | undefined, now: number): SharedCopy[] {
  if (price === undefined) return [];
  const { sku, version, effectiveAt, basePrice } = price;
  const fields = {
    amount: String(price.price?.amount ?? ''),
    currency: price.price?.currency ?? '',
    baseAmount: String(basePrice?.amount ?? ''),
    effectiveAt: new Date(effectiveAt).toISOString(),
    body: JSON.stringify(priceView(price, now)),
  };
  return [{ name: sku, version, fields }];
}
