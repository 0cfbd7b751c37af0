import type { Clock } from '../../base/clock.ts';
import { findItem, itemKey, partsOf } from '../../rooms/inventory/inventory.ts';
import { findPrice, priceKey, type BookPolicy, type Candidate, type Choice, type Money, type Published, type Strategy } from '../../rooms/pricing/pricing.ts';
import type { ConsumerRows, Engine, Listener, World } from '../../runtime/runtime.ts';
import type { Commit, EventRecord, Position, Store } from '../../store/store.ts';
import { Heard } from '../heard.ts';
import type { Command } from '../rooms.ts';
import { dependsOnTime, newerBook, policiesOf, type CompiledBook } from './book.ts';
import { answered, candidatesOf, plainCandidate, type Look, type OutsideJob } from './candidates.ts';
import { Categories } from './categories.ts';
import { EFFECTS, salesAfter, type Effect } from './effects.ts';
import { Functions } from './functions.ts';
import { firstDescribed } from './first-described.ts';
import { bodyOf, ITEMS_TABLE, pricedFrom, withAnswer, type Priced } from './items.ts';
import { ITEMS_PER_TURN, MARKED_TOGETHER_MAX, OUTSIDE_AGAIN_MS, OUTSIDE_WAITING_MAX, RETRY_MS, SWEEP_PER_TURN, SWEEP_PER_TURN_MIN, SWEEP_TURNS_MAX, TIMED_MS, TIMED_PARTS, TURNS_MAX, VIEWS_WAIT_MS } from './limits.ts';
import { Modules } from './modules.ts';
import type { Answer, Asked } from './outside.ts';
import { Pending } from './pending.ts';
import { PricedItems } from './priced-items.ts';
import { noSales, stocked, type Sales } from './sales.ts';
import { matchedItem, stockOf, type Stock } from './signals.ts';
import { Sweep, SWEEP_TABLE, type SweepStatus } from './sweep.ts';

/** Waits until the views have everything up to these positions, `waitMs` at most; says whether they have. */
export interface Views {
  covers(positions: readonly Position[], waitMs: number): Promise<boolean>;
}

export interface PipelineOptions {
  readonly store: Store;
  readonly engine: Engine<Command>;
  readonly views: Views;
  readonly clock: Clock;
  /** The only folder that modules of policies are loaded from, or `off`; anywhere where undefined. */
  readonly modules?: string | undefined;
  readonly onTrouble?: ((message: string) => void) | undefined;
  /** Runs a task after the input that is at hand has been taken in. */
  readonly defer?: ((task: () => void) => void) | undefined;
}

/**
 * From facts to prices. What it hears makes items due for pricing, each once however much happened to it; in turns some
 * of them are looked at together, all at one instant, policies and strategies say what they could cost, and one command
 * for each log publishes it. Guardrails, and what is old news, are the room's business: a command may be given twice.
 *
 *     facts ──► due items ──► look: stock, price, policies ──► candidates ──► PublishPrices ──► facts
 *       └──► sales (velocity)                                     └──► function or module ──┘
 *
 * Items that no policy prices are remembered by nobody: a fact about one costs a look into a table.
 */
export class Pipeline implements Listener {
  readonly name = 'pricing';
  readonly tables = [ITEMS_TABLE, SWEEP_TABLE];
  readonly #store: Store;
  readonly #engine: Engine<Command>;
  readonly #clock: Clock;
  readonly #onTrouble: ((message: string) => void) | undefined;
  readonly #defer: (task: () => void) => void;
  readonly #items = new PricedItems();
  /** By SKU of what they are made of: the bundles that policies price. */
  readonly #bundles = new Map<string, Set<string>>();
  readonly #pending = new Pending();
  /** Items of which something else is kept than is saved; with them those that may have become due, or be so no longer; and those saved as due. */
  readonly #changed = new Set<string>();
  readonly #touched = new Set<string>();
  readonly #savedDue = new Set<string>();
  /** The instants from which items can go on that their guardrails keep, or that somebody outside gave no price for. */
  readonly #again = new Map<string, number>();
  /** What items sold that no policy priced yet, while the log is heard from its beginning: a policy may come later in it. */
  #strangers: Map<string, Sales> | undefined;
  readonly #sweep: Sweep;
  readonly #categories = new Categories();
  readonly #functions: Functions;
  readonly #modules: Modules;
  #book: CompiledBook | undefined;
  #turns = 0;
  /** Those with items that are only looked at. */
  #sweepTurns = 0;
  #sweepPlanned = false;
  #asked = 0;
  /** Grows whenever hearing begins again: what was under way before then is nobody's any more. */
  #round = 0;
  #live = false;
  #heardAt = 0;
  /** How far each log was heard. */
  readonly #heard: Heard;
  #resting = false;
  #state: 'new' | 'open' | 'closed' = 'new';
  #callOff: (() => void) | undefined;
  #news = Promise.withResolvers<void>();

  constructor({ store, engine, views, clock, modules, onTrouble, defer = (task) => void setImmediate(task) }: PipelineOptions) {
    this.#defer = defer;
    this.#store = store;
    this.#engine = engine;
    this.#clock = clock;
    this.#heard = new Heard(engine, clock);
    this.#onTrouble = onTrouble;
    this.#sweep = new Sweep(store.projections.sql, {
      heads: () => [...engine.heads],
      cover: async (positions) => {
        while (this.#state !== 'closed' && !(await views.covers(positions, VIEWS_WAIT_MS)));
      },
    });
    this.#functions = new Functions(clock);
    this.#modules = new Modules({ clock, folder: modules, onChanged: (path) => this.#markModule(path) });
  }

  get sweep(): SweepStatus {
    return this.#sweep.status;
  }

  get figures(): { readonly priced: number; readonly due: number } {
    return { priced: this.#items.size, due: this.#pending.size };
  }

  /** Everything heard is published, and no item is looked at. */
  get isIdle(): boolean {
    return this.#live && this.#pending.isIdle && !this.#sweep.isRunning && this.#asked === 0;
  }

  /** Resolves when something was heard or published. */
  news(): Promise<void> {
    return this.#news.promise;
  }

  /** Whether everything heard has had its effect on the price of an item; where all items are being looked at it comes first. */
  hasPriced(sku: string): boolean {
    if (!this.#live || this.#pending.has(sku)) return false;
    if (!this.#sweep.isRunning || this.#seenInSweep.has(sku)) return true;
    this.#seenInSweep.add(sku);
    this.#mark(sku);
    this.#pump();
    return false;
  }

  /** Items that were put before others while all items are looked at. */
  readonly #seenInSweep = new Set<string>();

  async open(saved: Parameters<NonNullable<Listener['open']>>[0]): Promise<void> {
    this.#round++;
    this.#live = false;
    for (const forgotten of [this.#items, this.#bundles, this.#pending, this.#changed, this.#touched, this.#savedDue, this.#again, this.#seenInSweep]) forgotten.clear();
    this.#heard.clear();
    this.#book = undefined;
    for (let after = ''; ; ) {
      const rows = (await saved.selectFrom('priced_items').selectAll().where('sku', '>', after).orderBy('sku').limit(PAGE).execute()) as { sku: string; dirty: number | string; body: string | null }[]; // the table's columns
      for (const row of rows) this.#takeUp(row);
      const last = rows.at(-1);
      if (!last || rows.length < PAGE) break;
      after = last.sku;
    }
    await this.#sweep.open();
    const held = (await saved.selectFrom('prices').select(['sku', 'again_at']).where('again_at', 'is not', null).execute()) as { sku: string; again_at: number | string }[]; // the columns selected
    for (const { sku, again_at } of held) this.#again.set(sku, Number(again_at));
    this.#strangers = this.#items.size === 0 ? new Map() : undefined;
    if (this.#state === 'new') this.#tickLater();
    this.#state = 'open';
  }

  #takeUp({ sku, dirty, body }: { readonly sku: string; readonly dirty: number | string; readonly body: string | null }): void {
    if (body !== null) this.#items.set(pricedFrom(sku, body));
    if (Number(dirty) !== 1) return;
    this.#savedDue.add(sku);
    this.#mark(sku);
  }

  hear(commit: Commit): void {
    for (const event of commit.events) {
      const effect = EFFECTS.get(event.type);
      if (effect !== undefined) this.#take(effect, event, commit.log);
    }
    this.#heard.note(commit);
    this.#heardAt = Math.max(this.#heardAt, commit.events.at(-1)?.time ?? 0);
  }

  #take(effect: Effect, { key, time, data }: EventRecord, log: number): void {
    if (effect === 'policies') return this.#beginSweep();
    if (effect === 'places') return this.#markPlaces(log);
    // Where no policy prices anything, what is held concerns nobody here.
    if (effect === 'moved' && this.#items.size === 0 && this.#bundles.size === 0 && this.#pending.isIdle) return;
    const sku = key.slice(2);
    if (effect === 'described') return this.#mark(sku);
    const isPriced = this.#items.has(sku);
    if (isPriced) this.#note(effect, sku, time, data);
    else if (this.#strangers && (effect === 'sold' || effect === 'cancelled')) this.#strangers.set(sku, salesAfter(effect, this.#strangers.get(sku), time, data) ?? noSales(time));
    if (effect === 'priced') return;
    // One that is looked at for the first time may turn out to be priced by a policy, with stock that is no longer so.
    if (isPriced || this.#pending.has(sku)) this.#mark(sku);
    if (this.#bundles.size > 0) for (const bundle of this.#bundles.get(sku) ?? NONE) this.#mark(bundle);
  }

  #note(effect: Effect, sku: string, time: number, data: EventRecord['data']): void {
    const before = this.#items.salesOf(sku);
    const sales = salesAfter(effect, before, time, data);
    if (sales === before) return;
    this.#items.setSales(sku, sales);
    this.#noteChange(sku);
  }

  #noteChange(sku: string): void {
    this.#changed.add(sku);
    this.#touched.add(sku);
  }

  #mark(sku: string): void {
    this.#pending.mark(sku);
    this.#touched.add(sku);
  }

  /** One that is saved as due is looked at again by the next saving; a hundred thousand of them are not looked at by every one. */
  #done(sku: string): void {
    this.#pending.done(sku);
    if (this.#savedDue.has(sku)) this.#touched.add(sku);
  }

  #beginSweep(): void {
    this.#seenInSweep.clear();
    this.#sweep.begin(this.#clock.now());
  }

  /** What is available of all items of a log may be another. */
  #markPlaces(log: number): void {
    if (this.#items.size > MARKED_TOGETHER_MAX) return this.#beginSweep();
    for (const sku of this.#items.skus(log)) this.#mark(sku);
    for (const bundles of this.#bundles.values()) for (const bundle of bundles) this.#mark(bundle);
  }

  #markModule(path: string): void {
    const isUsed = ({ definition: { strategy } }: BookPolicy): boolean => strategy.kind === 'module' && strategy.path === path;
    for (const sku of this.#items.pricedBy((choice) => choice !== undefined && policiesOf(choice).some(isUsed))) this.#mark(sku);
    this.#pump();
  }

  caughtUp(): void {
    this.#live = true;
    this.#goOn();
  }

  save(rows: ConsumerRows): void {
    for (const sku of this.#touched) {
      this.#touched.delete(sku);
      this.#saveRow(sku, this.#pending.has(sku), rows);
    }
    this.#sweep.save(rows);
  }

  /** Most items that are marked are priced before anything is saved: of those nothing is written. */
  #saveRow(sku: string, due: boolean, rows: ConsumerRows): void {
    const item = this.#items.find(sku);
    const wasDue = this.#savedDue.has(sku);
    const isOther = this.#changed.delete(sku) || due !== wasDue;
    if (due) this.#savedDue.add(sku);
    else this.#savedDue.delete(sku);
    if (!isOther) return;
    if (item || due) rows.put('priced_items', [sku, due ? 1 : 0, item ? bodyOf(item) : null]);
    else rows.remove('priced_items', sku);
  }

  standBy(): void {
    this.#round++;
    this.#live = false;
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    this.#callOff?.();
    await this.#modules.close();
    this.#spread();
  }

  #spread(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  /** Something has come to its end: who waits looks again, and what can be done next is begun. */
  #goOn(): void {
    this.#spread();
    this.#pump();
  }

  #pump(): void {
    while (this.#mayBegin && this.#turns < TURNS_MAX) {
      const due = this.#pending.take(ITEMS_PER_TURN);
      if (due.length === 0) break;
      this.#turns++;
      void this.#turn(due, this.#round).finally(() => {
        this.#turns--;
        this.#goOn();
      });
    }
    this.#sweepOn();
  }

  get #mayBegin(): boolean {
    return this.#live && !this.#resting && this.#state === 'open';
  }

  /** Looks at some items more, a turn of the event loop for each batch of them: whoever asks for something else is heard in between. */
  #sweepOn(): void {
    if (!this.#sweep.isRunning) this.#strangers = undefined;
    if (this.#sweepPlanned || !this.#mayBegin || !this.#sweep.isRunning || this.#sweepTurns >= SWEEP_TURNS_MAX) return;
    this.#sweepPlanned = true;
    this.#defer(() => {
      this.#sweepPlanned = false;
      if (this.#mayBegin && this.#sweepTurns < SWEEP_TURNS_MAX && this.#sweepSome()) this.#sweepOn();
    });
  }

  /** What happened comes first, and never keeps these waiting for ever. Says whether there were any. */
  #sweepSome(): boolean {
    const on = { page: () => this.#goOn(), failure: (error: unknown) => this.#rest(error) };
    const batch = this.#sweep.take(this.#turns > 0 ? SWEEP_PER_TURN_MIN : SWEEP_PER_TURN, on);
    if (!batch) return false;
    this.#sweepTurns++;
    // One that is on its way already is priced once more after that, as one to which something happened.
    const skus = batch.skus.filter((sku) => {
      const isMine = this.#pending.claim(sku);
      if (!isMine) this.#touched.add(sku);
      return isMine;
    });
    void this.#turn(skus, this.#round).finally(() => {
      this.#sweepTurns--;
      this.#sweep.done(batch);
      this.#goOn();
    });
    return true;
  }

  async #turn(skus: readonly string[], round: number): Promise<void> {
    try {
      await this.#heard.engineFollows();
      await this.#engine.bring(skus.flatMap((sku) => [itemKey(sku), priceKey(sku)]));
      const { book, looks, now } = await this.#engine.read((world, at) => this.#look(world, at, skus));
      const choices = looks.map(({ stock }) => stock && book.choose(matchedItem(stock.item)));
      const fresh = looks.filter(({ sku }, index) => isPriced(choices[index]) && !this.#items.has(sku));
      const first = await firstDescribed(this.#store, fresh.map(({ sku }) => sku), now);
      if (round !== this.#round) return;
      if (book.revision > (this.#book?.revision ?? -1)) this.#book = book;
      const candidates: Candidate[] = [];
      const jobs: OutsideJob[] = [];
      for (const [index, look] of looks.entries()) this.#compute(look, choices[index], { book, now, firstAt: first.get(look.sku) ?? now }, candidates, jobs);
      await this.#publish(candidates, book.revision);
      if (round !== this.#round) return;
      const outside = new Set(jobs.map(({ candidate }) => candidate.sku));
      for (const sku of skus) if (!outside.has(sku)) this.#done(sku);
      for (const sku of outside) this.#touched.add(sku);
      for (const [sku, group] of Map.groupBy(jobs, ({ candidate }) => candidate.sku)) void this.#askOutside(sku, group, book, round);
    } catch (error) {
      if (round !== this.#round || this.#state === 'closed') return;
      for (const sku of skus) {
        this.#pending.failed(sku);
        this.#touched.add(sku);
      }
      this.#rest(error);
    }
  }

  /** The store is away, or more is asked than can be done: everything is as due as it was. */
  #rest(error: unknown): void {
    if (this.#resting) return;
    this.#resting = true;
    this.#onTrouble?.(`prices wait: ${error instanceof Error ? error.message : String(error)}`);
    this.#clock.after(RETRY_MS, () => {
      this.#resting = false;
      this.#pump();
    });
  }

  #look(world: World, now: number, skus: readonly string[]): { book: CompiledBook; looks: Look[]; now: number } {
    const book = newerBook(world, this.#book?.revision) ?? this.#book;
    if (!book) throw new TypeError('there is no book of policies');
    const looks = skus.map((sku): Look => {
      const item = findItem(world, sku);
      return { sku, stock: item && stockOf(world, item, now), price: findPrice(world, sku) };
    });
    for (const { stock, sku } of looks) if (stock?.item.definition?.components) for (const part of partsOf(stock.item, world)) this.#notePart(part.item.sku, sku);
    return { book, looks, now };
  }

  #notePart(part: string, bundle: string): void {
    const known = this.#bundles.get(part);
    if (known) known.add(bundle);
    else this.#bundles.set(part, new Set([bundle]));
  }

  #compute(look: Look, choice: Choice | undefined, { book, now, firstAt }: { book: CompiledBook; now: number; firstAt: number }, candidates: Candidate[], jobs: OutsideJob[]): void {
    const { stock, sku } = look;
    const signalsAt = this.#live ? now : this.#heardAt;
    this.#again.delete(sku);
    if (!stock || !choice || !isPriced(choice)) {
      if (this.#items.delete(sku)) this.#noteChange(sku);
      const plain = plainCandidate(look, choice?.frozen ?? false, signalsAt);
      if (plain) candidates.push(plain);
      return;
    }
    const item = this.#keep({ sku, stock, choice, now, firstAt });
    const { ready, outside } = candidatesOf({ ...look, stock }, item, choice, { now, signalsAt, book, category: this.#categories.of(item, choice, stock.item, this.#items, now) });
    candidates.push(...ready);
    if (outside.length > 0 && this.#asked >= OUTSIDE_WAITING_MAX) this.#again.set(sku, now + RETRY_MS);
    else jobs.push(...outside);
  }

  #keep({ sku, stock, choice, now, firstAt }: { sku: string; stock: Stock; choice: Choice; now: number; firstAt: number }): Priced {
    const known = this.#items.find(sku);
    const kept = known ?? { sku, log: this.#engine.logOf(itemKey(sku)), firstAt, choice, sales: this.#strangers?.get(sku), good: undefined };
    const inStock = stock.figures.available > 0;
    const sales = kept.sales || !inStock ? stocked(kept.sales ?? noSales(now), inStock, now) : undefined;
    if (!known || sales !== known.sales) this.#noteChange(sku);
    if (known?.choice === choice && known.sales === sales) return known;
    const item = { ...kept, choice, sales };
    this.#items.set(item);
    return item;
  }

  /** One command for each log, all of them in one append. */
  async #publish(candidates: readonly Candidate[], revision: number): Promise<void> {
    const byLog = Map.groupBy(candidates, ({ sku }) => this.#engine.logOf(priceKey(sku)));
    await Promise.all(
      [...byLog.values()].map(async (items) => {
        const settled = await this.#engine.execute({ type: 'PublishPrices', revision, items });
        if (!settled.ok) throw new TypeError(`prices were refused: ${settled.refusal.detail}`);
        const { outcomes } = settled.answer as unknown as Published; // the answer to this very command
        for (const { sku, again } of outcomes) if (again !== undefined) this.#again.set(sku, again);
        // Policies have changed since: all items are looked at for that, and these once more should they not be in the views yet.
        for (const { sku, outcome } of outcomes) if (outcome === 'outdated') this.#again.set(sku, this.#clock.now() + RETRY_MS);
      }),
    );
  }

  async #askOutside(sku: string, jobs: readonly OutsideJob[], book: CompiledBook, round: number): Promise<void> {
    this.#asked++;
    try {
      const candidates = await Promise.all(jobs.map(async (job) => this.#answerTo(sku, job, await this.ask(job.policy.definition.strategy, { item: job.item, signals: job.signals }, job.base))));
      if (round === this.#round) await this.#publish(candidates, book.revision);
      if (round === this.#round) this.#done(sku);
    } catch (error) {
      if (round !== this.#round || this.#state === 'closed') return;
      this.#pending.failed(sku);
      this.#rest(error);
    } finally {
      this.#asked--;
      this.#goOn();
    }
  }

  /** Asks a function or a module. Never rejects. */
  ask(strategy: Strategy, asked: Asked, base: Money): Promise<Answer> {
    if (strategy.kind === 'function') return this.#functions.price(strategy, asked, base);
    if (strategy.kind === 'module') return this.#modules.price(strategy.path, asked, base);
    throw new TypeError(`${strategy.kind} is computed here`);
  }

  #answerTo(sku: string, job: OutsideJob, answer: Answer): Candidate {
    const known = this.#items.find(sku);
    const item = known && withAnswer(known, job.policy.id, answer);
    if (item) this.#items.set(item);
    this.#noteChange(sku);
    if (!answer.ok) this.#again.set(sku, this.#clock.now() + OUTSIDE_AGAIN_MS);
    return answered(job, answer, item?.good?.[job.policy.id]);
  }

  #tickLater(): void {
    this.#callOff = this.#clock.after(TIMED_MS / TIMED_PARTS, () => {
      if (this.#state !== 'open') return;
      this.#tick();
      this.#tickLater();
    });
  }

  /** Items whose instant has come, and some of those whose price depends on time. */
  #tick(): void {
    if (!this.#live) return;
    const now = this.#clock.now();
    for (const [sku, instant] of this.#again) {
      if (instant > now) continue;
      this.#again.delete(sku);
      this.#mark(sku);
    }
    const isTimed = (choice: Choice | undefined): boolean => !choice || policiesOf(choice).some((policy) => dependsOnTime(policy.definition.strategy));
    for (const sku of this.#items.walk(Math.ceil(this.#items.size / (TIMED_PARTS - 1)), isTimed)) this.#mark(sku);
    this.#pump();
  }
}

const isPriced = (choice: Choice | undefined): boolean => choice !== undefined && (choice.live !== null || choice.shadows.length > 0);

const PAGE = 10_000;
const NONE: ReadonlySet<string> = new Set();
