import type { Clock } from '../../base/clock.ts';
import { MOVES_STOCK, type ItemDefinition } from '../../rooms/inventory/inventory.ts';
import type { ConsumerRows, Engine, Listener } from '../../runtime/runtime.ts';
import type { Commit } from '../../store/store.ts';
import { Heard } from '../heard.ts';
import type { Command } from '../rooms.ts';
import { BUNDLES_PER_TURN, RETRY_MS } from './limits.ts';

/** Facts after which there may be more or fewer of an item to sell. */
const MOVING: ReadonlySet<string> = new Set(MOVES_STOCK);
const PLACES: ReadonlySet<string> = new Set(['inventory.location.defined', 'inventory.location.removed']);

export interface BundleThresholdsOptions {
  readonly engine: Pick<Engine<Command>, 'execute' | 'follow' | 'heads'>;
  readonly clock: Clock;
  readonly onTrouble?: ((message: string) => void) | undefined;
}

/**
 * Thresholds of bundles. What there is of a bundle follows from its components, which may be in any log, so that no
 * decision about a component tells of it: a consumer of the log hears that one moved, and asks for the bundles that
 * take it to be looked at. What was said last of a threshold is in the bundle's own state, and the look says what is
 * otherwise by then: so it may be asked for twice, and what crosses and comes back before the look is not told of.
 *
 *     facts ──► bundles that are due ──► SettleItem ──► threshold.crossed, in the bundle's log
 */
export class BundleThresholds implements Listener {
  readonly name = 'bundle-thresholds';
  readonly tables = [
    {
      name: 'watched_bundles',
      columns: [
        { name: 'sku', type: 'text' },
        /** 1: to be looked at, because of facts before the checkpoint. */
        { name: 'due', type: 'int' },
        /** The SKUs of what it is made of, as JSON. */
        { name: 'parts', type: 'text' },
      ],
      primaryKey: ['sku'],
    },
  ] as const;
  readonly #engine: BundleThresholdsOptions['engine'];
  readonly #clock: Clock;
  readonly #onTrouble: ((message: string) => void) | undefined;
  /** By bundle what it is made of, and the other way round. */
  readonly #parts = new Map<string, readonly string[]>();
  readonly #bundles = new Map<string, Set<string>>();
  readonly #due = new Set<string>();
  readonly #looking = new Set<string>();
  /** Bundles whose rows are to be saved. */
  readonly #touched = new Set<string>();
  readonly #heard: Heard;
  /** Grows whenever hearing begins again: what was under way before then is nobody's any more. */
  #round = 0;
  #state: 'standing by' | 'hearing' | 'looking' | 'resting' = 'standing by';

  constructor({ engine, clock, onTrouble }: BundleThresholdsOptions) {
    this.#engine = engine;
    this.#clock = clock;
    this.#onTrouble = onTrouble;
    this.#heard = new Heard(engine, clock);
  }

  /** Nothing that was heard is still to be looked at. */
  get isIdle(): boolean {
    return this.#due.size === 0 && this.#looking.size === 0;
  }

  async open(saved: Parameters<NonNullable<Listener['open']>>[0]): Promise<void> {
    this.standBy();
    for (const forgotten of [this.#parts, this.#bundles, this.#due, this.#looking, this.#touched, this.#heard]) forgotten.clear();
    const rows = (await saved.selectFrom('watched_bundles').selectAll().execute()) as { sku: string; due: number | string; parts: string }[]; // the table's columns
    for (const { sku, due, parts } of rows) {
      this.#learn(sku, JSON.parse(parts) as string[]);
      if (Number(due) === 1) this.#mark(sku);
    }
    this.#state = 'hearing';
  }

  hear(commit: Commit, rows: ConsumerRows): void {
    for (const { type, key, data } of commit.events) {
      if (type === 'inventory.item.defined' || type === 'inventory.item.removed') this.#described(key.slice(2), (data as { definition?: ItemDefinition }).definition, rows); // the fact's own member
      else if (this.#bundles.size === 0) continue;
      else if (MOVING.has(type)) this.#markAbove(key.slice(2));
      else if (PLACES.has(type)) for (const bundle of this.#parts.keys()) this.#mark(bundle);
    }
    this.#heard.note(commit);
  }

  caughtUp(): void {
    void this.#look();
  }

  save(rows: ConsumerRows): void {
    for (const sku of this.#touched) {
      const due = this.#due.has(sku) || this.#looking.has(sku);
      const parts = this.#parts.get(sku);
      if (parts) rows.put('watched_bundles', [sku, due ? 1 : 0, JSON.stringify(parts)]);
      if (!due) this.#touched.delete(sku);
    }
  }

  standBy(): void {
    this.#round++;
    this.#state = 'standing by';
  }

  #described(sku: string, definition: ItemDefinition | undefined, rows: ConsumerRows): void {
    const parts = (definition?.components ?? []).map((component) => component.sku);
    const isKnown = this.#parts.has(sku);
    if (isKnown) this.#forget(sku);
    if (parts.length > 0) {
      this.#learn(sku, parts);
      this.#mark(sku);
    } else if (isKnown) rows.remove('watched_bundles', sku);
    this.#markAbove(sku);
  }

  #learn(bundle: string, parts: readonly string[]): void {
    this.#parts.set(bundle, parts);
    for (const part of parts) {
      const bundles = this.#bundles.get(part);
      if (bundles) bundles.add(bundle);
      else this.#bundles.set(part, new Set([bundle]));
    }
  }

  #forget(bundle: string): void {
    for (const part of this.#parts.get(bundle) ?? []) {
      const bundles = this.#bundles.get(part);
      bundles?.delete(bundle);
      if (bundles?.size === 0) this.#bundles.delete(part);
    }
    this.#parts.delete(bundle);
    this.#due.delete(bundle);
    this.#touched.delete(bundle);
  }

  #mark(bundle: string): void {
    this.#due.add(bundle);
    this.#touched.add(bundle);
  }

  /** All bundles that an item is in, through others too: bundles never go round in a circle. */
  #markAbove(sku: string): void {
    for (const bundle of this.#bundles.get(sku) ?? NONE) {
      this.#mark(bundle);
      this.#markAbove(bundle);
    }
  }

  async #look(): Promise<void> {
    if (this.#state !== 'hearing' || this.#due.size === 0) return;
    const round = this.#round;
    this.#state = 'looking';
    for (const sku of this.#due) {
      this.#due.delete(sku);
      if (this.#looking.add(sku).size === BUNDLES_PER_TURN) break;
    }
    try {
      await this.#heard.engineFollows();
      await Promise.all([...this.#looking].map((sku) => this.#engine.execute({ type: 'SettleItem', sku })));
      if (round !== this.#round) return;
      this.#looking.clear();
      this.#state = 'hearing';
      void this.#look();
    } catch (error) {
      if (round === this.#round) this.#rest(error, round);
    }
  }

  /** The store is away, or more is asked than can be done: everything is as due as it was. */
  #rest(error: unknown, round: number): void {
    for (const sku of this.#looking) this.#due.add(sku);
    this.#looking.clear();
    this.#state = 'resting';
    this.#onTrouble?.(`bundles wait to be looked at: ${error instanceof Error ? error.message : String(error)}`);
    this.#clock.after(RETRY_MS, () => {
      if (round !== this.#round) return;
      this.#state = 'hearing';
      void this.#look();
    });
  }
}

const NONE: ReadonlySet<string> = new Set();
