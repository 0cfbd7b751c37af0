import type { Random } from '../../base/random.ts';
import { afterSale, afterStock, compileStrategy, DAY_MS, daysOfCover, daysSince, judge, minorPerUnit, newVelocity, sellThrough, trackTo, velocityAt, type ComputedStrategy, type Guardrails, type Money, type PriceModel, type Signals, type Velocity } from '../../rooms/pricing/pricing.ts';

/** Somebody who comes to buy. How many units follows from the price and is the same for every policy that shows it. */
export interface Visit {
  readonly atMs: number;
  /** Units at a price in currency units. */
  unitsAt(price: number): number;
}

/** What is for sale, from an instant to an instant, and is not refilled. */
export interface Season {
  readonly sku: string;
  readonly units: number;
  readonly basePrice: Money;
  readonly cost: Money | null;
  readonly startMs: number;
  readonly endMs: number;
}

/** One way to price, as it would run in the server. */
export interface Contender {
  readonly name: string;
  /** Undefined: the base price stays. */
  readonly strategy?: ComputedStrategy | undefined;
  readonly guardrails?: Guardrails | undefined;
  /** After each change of stock. */
  readonly onStock?: boolean;
  /** Every so many milliseconds, for policies that look at the time. */
  readonly everyMs?: number | undefined;
}

export interface Outcome {
  /** In minor units. */
  readonly revenue: number;
  readonly units: number;
  /** Days from the start to the last unit's sale; undefined where some are left. */
  readonly soldOutDays: number | undefined;
  readonly changes: number;
}

/** Where price and stock stood at instants evenly spread over the season. */
export interface Course {
  readonly price: number[];
  readonly stock: number[];
}

const HOUR_MS = 3_600_000;

/** Plays a season. `course`: filled with price (currency units) and stock at the ends of its equal parts. */
export function playSeason(season: Season, contender: Contender, visits: readonly Visit[], course?: { readonly parts: number; readonly into: Course }): Outcome {
  const shop = new Shop(season, contender);
  const { startMs, endMs } = season;
  const partMs = course ? (endMs - startMs) / course.parts : Number.POSITIVE_INFINITY;
  const everyMs = contender.everyMs ?? Number.POSITIVE_INFINITY;
  let [tick, part] = [startMs + everyMs, startMs + partMs];
  const until = (atMs: number): void => {
    while (Math.min(tick, part) <= atMs) {
      if (tick <= part) {
        shop.reprice(tick);
        tick += everyMs;
      } else {
        course?.into.price.push(shop.price);
        course?.into.stock.push(shop.left);
        part += partMs;
      }
    }
  };
  for (const visit of visits) {
    if (visit.atMs >= endMs) break;
    if (shop.left === 0 && !course) break; // nobody can buy any more
    until(visit.atMs);
    shop.serve(visit);
  }
  if (course) until(endMs + partMs / 2);
  return shop.outcome();
}

/** A shelf with a price on it. */
class Shop {
  left: number;
  /** In currency units. */
  price: number;
  readonly #season: Season;
  readonly #contender: Contender;
  readonly #model: PriceModel | undefined;
  readonly #perUnit: number;
  #track: ReturnType<typeof trackTo>;
  #hour: Velocity;
  #day: Velocity;
  #revenue = 0;
  #changes = 0;
  #soldOutAt: number | undefined;
  #version = 1;

  constructor(season: Season, contender: Contender) {
    this.#season = season;
    this.#contender = contender;
    this.#model = contender.strategy && compileStrategy(contender.strategy);
    this.#perUnit = minorPerUnit(season.basePrice.currency);
    this.left = season.units;
    this.price = season.basePrice.amount / this.#perUnit;
    this.#track = trackTo(undefined, season.basePrice, { at: season.startMs, by: 'hand', base: season.basePrice });
    this.#hour = this.#day = newVelocity(season.startMs, true);
    this.reprice(season.startMs);
    this.#changes = 0; // the price that a season opens with is no change
  }

  serve(visit: Visit): void {
    const units = Math.min(this.left, visit.unitsAt(this.price));
    if (units === 0) return;
    const sale = { units, atMs: visit.atMs };
    this.left -= units;
    this.#revenue += units * Math.round(this.price * this.#perUnit);
    this.#version++;
    this.#hour = afterSale(this.#hour, HOUR_MS, sale);
    this.#day = afterSale(this.#day, DAY_MS, sale);
    if (this.left === 0) {
      this.#soldOutAt = visit.atMs;
      this.#hour = afterStock(this.#hour, HOUR_MS, { inStock: false, atMs: visit.atMs });
      this.#day = afterStock(this.#day, DAY_MS, { inStock: false, atMs: visit.atMs });
    }
    if (this.#contender.onStock === true) this.reprice(visit.atMs);
  }

  /** What the server does with an item: signals, strategy, guardrails, and a new price where it is another. */
  reprice(now: number): void {
    if (this.#model === undefined) return;
    const { sku, basePrice, cost } = this.#season;
    const { guardrails = {} } = this.#contender;
    const priced = this.#model({ basePrice, cost, signals: this.#signals(now), now });
    const candidate = { sku, basePrice, cost, stockVersion: this.#version, signalsAt: now, policy: { id: 'simulated', version: 1, mode: 'live' as const, guardrails }, priced, frozen: false };
    const { price } = judge(candidate, this.#track, { now, killSwitch: false, shown: this.#track.price });
    if (price === null || price.amount === this.#track.price?.amount) return;
    this.#track = trackTo(this.#track, price, { at: now, by: 'policy', base: basePrice, windowSeconds: guardrails.stepWindowSeconds ?? 3_600 });
    this.price = price.amount / this.#perUnit;
    this.#changes++;
  }

  #signals(now: number): Signals {
    const { units, startMs, basePrice, cost } = this.#season;
    const velocityDay = velocityAt(this.#day, DAY_MS, now) * DAY_MS;
    const at = new Date(now);
    return {
      available: this.left,
      onHand: this.left,
      reserved: 0,
      daysOfCover: daysOfCover(this.left, velocityDay),
      velocityHour: velocityAt(this.#hour, HOUR_MS, now) * DAY_MS,
      velocityDay,
      sellThrough: sellThrough(units - this.left, this.left),
      ageDays: daysSince(startMs, now),
      price: this.#track.price,
      basePrice,
      cost,
      hour: at.getUTCHours(),
      weekday: at.getUTCDay() === 0 ? 7 : at.getUTCDay(),
      attributes: {},
    };
  }

  outcome(): Outcome {
    const { units, startMs } = this.#season;
    return { revenue: this.#revenue, units: units - this.left, soldOutDays: this.#soldOutAt === undefined ? undefined : (this.#soldOutAt - startMs) / DAY_MS, changes: this.#changes };
  }
}

/** A number in (0, 1]. */
export function share(random: Random): number {
  return (random.u32() + 1) / 2 ** 32;
}
