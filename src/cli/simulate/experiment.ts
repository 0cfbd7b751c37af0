import { seededRandom, type Random } from '../../base/random.ts';
import { minorPerUnit } from '../../rooms/pricing/pricing.ts';
import { playSeason, type Contender, type Season, type Visit } from './season.ts';

/** An item in its season, who comes to buy it, and who prices it: in each market the same contenders by name, in one order. */
export interface Market {
  readonly season: Season;
  readonly contenders: readonly Contender[];
  visits(random: Random): readonly Visit[];
}

export interface Experiment {
  readonly markets: readonly Market[];
  readonly runs: number;
  readonly seed: number;
  /** Hears after each run how many are done. */
  readonly onRun?: (done: number) => void;
}

/** The mean of something over runs, and how far the true one may be from it in 19 of 20 cases. */
export interface Estimate {
  readonly mean: number;
  readonly within: number;
}

/** What a contender came to: sums over all items, in currency units, as means over runs. */
export interface Result {
  readonly name: string;
  readonly revenue: Estimate;
  /** Revenue less the cost of what was sold; undefined where costs are not known. */
  readonly margin: Estimate | undefined;
  /** Revenue beyond that of the first contender, in percent of it, under the same visitors. */
  readonly gainPercent: Estimate;
  readonly units: Estimate;
  /** The share of items that sold out, and after how many days those did. */
  readonly soldOut: number;
  readonly soldOutDays: number | undefined;
  /** Price changes per item. */
  readonly changes: Estimate;
  /** Averages at the ends of equal parts of the season: the price in percent of the base price where there is stock, and the share of it that is left. */
  readonly course: readonly { readonly pricePercent: number | undefined; readonly stock: number }[];
}

/** Parts of the season in the picture, and runs that are averaged for it. */
const PARTS = 120;
const DRAWN_RUNS_MAX = 200;
const BREATHE_MS = 100;

/** Every run draws visitors once and shows them to every contender: what differs is the prices alone. */
export async function runExperiment({ markets, runs, seed, onRun }: Experiment): Promise<Result[]> {
  const names = markets[0]?.contenders.map(({ name }) => name) ?? [];
  const tallies = names.map((name) => new Tally(name, markets));
  let breathe = 0;
  for (let run = 0; run < runs; run++) {
    const random = seededRandom(seed + run);
    for (const tally of tallies) tally.begin();
    for (const market of markets) {
      const visits = market.visits(random);
      market.contenders.forEach((contender, index) => tallies[index]?.play(market.season, contender, visits, run < DRAWN_RUNS_MAX / markets.length));
    }
    const first = tallies[0]?.revenue ?? 0;
    for (const tally of tallies) tally.end(first);
    onRun?.(run + 1);
    if (performance.now() < breathe) continue;
    await new Promise(setImmediate); // lets the progress bar and Ctrl-C through
    breathe = performance.now() + BREATHE_MS;
  }
  return tallies.map((tally) => tally.result());
}

class Tally {
  readonly #name: string;
  readonly #markets: readonly Market[];
  readonly #hasCosts: boolean;
  readonly #totals = { revenue: new Moments(), margin: new Moments(), gain: new Moments(), units: new Moments(), changes: new Moments() };
  readonly #soldOut = new Moments();
  readonly #soldOutDays = new Moments();
  readonly #course = Array.from({ length: PARTS }, () => ({ price: new Moments(), stock: new Moments() }));
  #run = { revenue: 0, margin: 0, units: 0, changes: 0 };

  constructor(name: string, markets: readonly Market[]) {
    this.#name = name;
    this.#markets = markets;
    this.#hasCosts = markets.every(({ season }) => season.cost !== null);
  }

  get revenue(): number {
    return this.#run.revenue;
  }

  begin(): void {
    this.#run = { revenue: 0, margin: 0, units: 0, changes: 0 };
  }

  play(season: Season, contender: Contender, visits: readonly Visit[], isDrawn: boolean): void {
    const into = { price: [], stock: [] };
    const { revenue, units, soldOutDays, changes } = playSeason(season, contender, visits, isDrawn ? { parts: PARTS, into } : undefined);
    const perUnit = minorPerUnit(season.basePrice.currency);
    this.#run.revenue += revenue / perUnit;
    this.#run.margin += (revenue - units * (season.cost?.amount ?? 0)) / perUnit;
    this.#run.units += units;
    this.#run.changes += changes;
    this.#soldOut.add(soldOutDays === undefined ? 0 : 1);
    if (soldOutDays !== undefined) this.#soldOutDays.add(soldOutDays);
    if (isDrawn) this.#draw(season, into, perUnit);
  }

  #draw({ basePrice, units }: Season, { price, stock }: { price: readonly number[]; stock: readonly number[] }, perUnit: number): void {
    this.#course.forEach((part, index) => {
      const left = stock[index] ?? 0;
      part.stock.add(left / units);
      if (left > 0) part.price.add(((price[index] ?? 0) * perUnit * 100) / basePrice.amount);
    });
  }

  end(firstRevenue: number): void {
    const { revenue, margin, units, changes } = this.#run;
    this.#totals.revenue.add(revenue);
    this.#totals.margin.add(margin);
    this.#totals.units.add(units);
    this.#totals.changes.add(changes / this.#markets.length);
    this.#totals.gain.add(firstRevenue === 0 ? 0 : (revenue / firstRevenue - 1) * 100);
  }

  result(): Result {
    const { revenue, margin, gain, units, changes } = this.#totals;
    return {
      name: this.#name,
      revenue: revenue.estimate(),
      margin: this.#hasCosts ? margin.estimate() : undefined,
      gainPercent: gain.estimate(),
      units: units.estimate(),
      soldOut: this.#soldOut.estimate().mean,
      soldOutDays: this.#soldOutDays.count === 0 ? undefined : this.#soldOutDays.estimate().mean,
      changes: changes.estimate(),
      course: this.#course.map(({ price, stock }) => ({ pricePercent: price.count === 0 ? undefined : price.estimate().mean, stock: stock.estimate().mean })),
    };
  }
}

/** Mean and spread of numbers that come one by one (Welford 1962). */
class Moments {
  count = 0;
  #mean = 0;
  #squares = 0;

  add(value: number): void {
    this.count++;
    const off = value - this.#mean;
    this.#mean += off / this.count;
    this.#squares += off * (value - this.#mean);
  }

  estimate(): Estimate {
    const variance = this.count > 1 ? this.#squares / (this.count - 1) : 0;
    return { mean: this.#mean, within: this.count > 1 ? quantile(this.count - 1) * Math.sqrt(variance / this.count) : 0 };
  }
}

/** The 97.5 % quantile of Student's t by degrees of freedom: its expansion about the normal one (Abramowitz and Stegun 26.7.5). */
function quantile(freedom: number): number {
  const z = 1.959964;
  return z + (z ** 3 + z) / (4 * freedom) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2) + (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * freedom ** 3);
}
