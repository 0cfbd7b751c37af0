/** Stories for tests of this room: what is asked at which instant, and what follows. Every state goes through its saved form. */
import { assert } from '../../base/assert.ts';
import { ids } from '../../base/ids.ts';
import type { Json } from '../../base/json.ts';
import { seededRandom } from '../../base/random.ts';
import type { Cell, EventRecord } from '../../store/store.ts';
import type { Candidate, Priced } from './candidate.ts';
import type { Published, PricingCommand } from './commands.ts';
import type { PricingEvent } from './events.ts';
import type { Money } from './money.ts';
import type { Guardrails } from './policy.ts';
import { bookOf, findPrice, pricing, type Price } from './pricing.ts';

export const SECOND = 1_000;
export const HOUR = 3_600_000;
export const DAY = 86_400_000;
export const START = Date.UTC(2027, 0, 1);
export const eur = (amount: number): Money => ({ amount, currency: 'EUR' });

export type Outcome = ReturnType<typeof pricing.decide>;

/** The room with its states and its log, at an instant that is set by hand. */
export class Till {
  now = START;
  readonly partitions = 4;
  readonly states = new Map<string, string>();
  readonly facts: PricingEvent[] = [];
  readonly rows = new Map<string, readonly Cell[]>();
  readonly #ids = ids(seededRandom(1));

  get(key: string): unknown {
    const body = this.states.get(key);
    return body === undefined ? undefined : pricing.read(key, body);
  }

  set(key: string, state: unknown): void {
    if (state === undefined) this.states.delete(key);
    else this.states.set(key, pricing.write(key, state));
  }

  wait(ms: number): this {
    this.now += ms;
    return this;
  }

  decide(command: PricingCommand): Outcome {
    return pricing.decide(command, this, { now: this.now, ids: this.#ids });
  }

  /** Decides and folds; gives what followed. */
  do(command: PricingCommand): Outcome {
    const outcome = this.decide(command);
    if (outcome.ok) this.fold(outcome.events);
    return outcome;
  }

  /** The answer, where it was not refused. */
  ask<Answer = Json>(command: PricingCommand): Answer {
    const outcome = this.do(command);
    assert(outcome.ok, `refused: ${JSON.stringify(outcome)}`);
    return outcome.answer as Answer; // what the test says it is
  }

  fold(events: readonly EventRecord[]): void {
    for (const event of events) {
      const keys = pricing.keysOf(event);
      const near = { get: (key: string): unknown => this.get(key), set: (key: string, state: unknown): void => this.#keep(keys, key, state) };
      pricing.evolve(JSON.parse(JSON.stringify(event)) as EventRecord, near);
      this.facts.push(event as unknown as PricingEvent); // the room's own
    }
    const rows = { upsert: (table: string, row: readonly Cell[]): void => void this.rows.set([table, row[0], ...(table === 'price_history' ? [row[1], row[2], row[3]] : [])].join(' '), row), delete: (table: string, _column: string, value: Cell): void => void this.rows.delete(`${table} ${value}`) };
    pricing.views.facts({ log: 0, position: this.facts.length }, events, rows);
    for (const key of new Set(events.flatMap((event) => pricing.keysOf(event)))) pricing.views.rows(key, this.get(key), undefined, rows, { log: 0, position: this.facts.length, time: this.now });
  }

  #keep(keys: readonly string[], key: string, state: unknown): void {
    assert(keys.includes(key), `a fact was folded into ${key}, which it does not name`);
    this.set(key, state);
  }

  publish(...items: Candidate[]): Published {
    return this.ask<Published>({ type: 'PublishPrices', revision: bookOf(this).revision, items });
  }

  price(sku = 'lamp'): Price {
    const price = findPrice(this, sku);
    assert(price, `${sku} has no price`);
    return price;
  }

  /** The last part of each fact's type since some were counted. */
  factsFrom(count: number): string[] {
    return this.facts.slice(count).map(({ type }) => type.replace('pricing.', ''));
  }
}

/** The base price of an item that no policy fits. */
export function based(basePrice: Money | null, stockVersion = 1, sku = 'lamp'): Candidate {
  return { sku, basePrice, cost: null, stockVersion, signalsAt: START, policy: null, priced: null, frozen: false };
}

/** What a policy makes of an item of 100.00. */
export function modelled(model: number, guardrails: Guardrails = {}, more: Partial<Candidate> & { mode?: 'live' | 'shadow'; policyId?: string; policyVersion?: number } = {}): Candidate {
  const { mode = 'live', policyId = 'p', policyVersion = 1, ...rest } = more;
  const priced: Priced = { model, steps: [{ step: 'model', before: eur(10000), after: eur(Math.round(model * 100)), reason: 'as the test says' }] };
  return { ...based(eur(10000)), cost: eur(6000), signalsAt: Number.MAX_SAFE_INTEGER, policy: { id: policyId, version: policyVersion, mode, guardrails }, priced, ...rest };
}
