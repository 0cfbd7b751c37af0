import type { Place } from './events.ts';
import { NEVER } from './never.ts';

/** What holds that run out at one instant give back together. */
interface Lapse {
  readonly at: number;
  /** Replaced as a whole: nearly all are of one place, and a map of one entry is four times as large. */
  units: readonly Place[];
  backordered: number;
}

/**
 * Lapses as they are saved: for each place, and for units at no place, `[milliseconds since the one before, units, …]`.
 * A hot item has thousands of them and is saved often: this is a seventh of what a list of objects takes.
 */
export interface SavedLapses {
  readonly units: readonly (readonly [location: string, steps: readonly number[]])[];
  readonly backordered: readonly number[];
}

/**
 * The live holds of one item by the instant at which they run out, summed: an expired hold stops counting at its
 * instant, at a cost that does not grow with how many holds run out together. What ran out stays written here until
 * the fact of it arrives, so that the figures follow from the facts and the clock alone.
 */
export class Lapses {
  /** Ascending by instant. Those before `#next` have run out. */
  #lapses: Lapse[] = NONE;
  #next = 0;
  /** By place, replaced as a whole. */
  #lapsed: readonly Place[] = NOTHING;
  #lapsedBackordered = 0;
  #reached = Number.NEGATIVE_INFINITY;

  add(at: number, units: readonly Place[], backordered: number): void {
    this.#change(at, units, backordered, 1);
  }

  remove(at: number, units: readonly Place[], backordered: number): void {
    this.#change(at, units, backordered, -1);
  }

  /** Lets time pass up to `now`; time does not run backwards here. */
  advance(now: number): void {
    if (now <= this.#reached) return;
    this.#reached = now;
    for (let lapse = this.#lapses[this.#next]; lapse && lapse.at <= now; lapse = this.#lapses[this.#next]) {
      for (const { location, quantity } of lapse.units) this.#lapsed = withUnits(this.#lapsed, location, quantity);
      this.#lapsedBackordered += lapse.backordered;
      this.#next++;
    }
    if (this.#next > 64 && this.#next > this.#lapses.length / 2) this.#compact();
  }

  /** Units at a place that are still written as reserved although their holds have run out. */
  lapsedAt(location: string): number {
    return unitsAt(this.#lapsed, location);
  }

  get lapsedBackordered(): number {
    return this.#lapsedBackordered;
  }

  /** The instant of the latest hold that has run out and counts no more, or 0: it names the state that time has made. */
  get lastLapse(): number {
    for (let i = this.#next - 1; i >= 0; i--) {
      const lapse = this.#lapses[i];
      if (lapse && !isEmpty(lapse)) return lapse.at;
    }
    return 0;
  }

  /** The instant at which the next hold runs out, if any. */
  get nextLapse(): number | undefined {
    for (let i = this.#next; i < this.#lapses.length; i++) {
      const lapse = this.#lapses[i];
      if (lapse && !isEmpty(lapse)) return lapse.at;
    }
    return undefined;
  }

  /** Drops what has run out: for sums to which no fact comes back to take it away. */
  forget(): void {
    if (this.#next > 0) this.#lapses.splice(0, this.#next);
    this.#next = 0;
    this.#lapsed = NOTHING;
    this.#lapsedBackordered = 0;
  }

  toJSON(): SavedLapses {
    if (this.#lapses.length === 0) return { units: [], backordered: [] };
    const units = new Map<string, number[]>();
    const backordered: number[] = [];
    const last = new Map<number[], number>();
    const write = (steps: number[], at: number, quantity: number): void => {
      steps.push(at - (last.get(steps) ?? 0), quantity);
      last.set(steps, at);
    };
    for (const lapse of this.#lapses) {
      for (const { location, quantity } of lapse.units) {
        const steps = units.get(location) ?? [];
        units.set(location, steps);
        write(steps, lapse.at, quantity);
      }
      if (lapse.backordered !== 0) write(backordered, lapse.at, lapse.backordered);
    }
    return { units: [...units].sort(([a], [b]) => (a < b ? -1 : 1)), backordered };
  }

  static from({ units, backordered }: SavedLapses): Lapses {
    if (units.length === 0 && backordered.length === 0) return new Lapses();
    const lapses = new Map<number, Lapse>();
    const at = (instant: number): Lapse => {
      let lapse = lapses.get(instant);
      if (!lapse) lapses.set(instant, (lapse = { at: instant, units: NOTHING, backordered: 0 }));
      return lapse;
    };
    for (const [location, steps] of units) for (const [instant, quantity] of readSteps(steps)) give(at(instant), location, quantity);
    for (const [instant, quantity] of readSteps(backordered)) at(instant).backordered = quantity;
    const read = new Lapses();
    read.#lapses = [...lapses.values()].sort((a, b) => a.at - b.at);
    return read;
  }

  #change(at: number, units: readonly Place[], backordered: number, sign: 1 | -1): void {
    if (at === NEVER) return;
    const index = this.#find(at);
    let lapse = this.#lapses[index];
    if (lapse?.at !== at) {
      lapse = { at, units: NOTHING, backordered: 0 };
      // One or two is all that most items have; an array that grows makes room for sixteen more.
      if (this.#lapses.length < GROWS_FROM) this.#lapses = this.#lapses.toSpliced(index, 0, lapse);
      else this.#lapses.splice(index, 0, lapse);
      if (index < this.#next || (index === this.#next && at <= this.#reached)) this.#next++;
    }
    const gone = index < this.#next;
    for (const { location, quantity } of units) {
      give(lapse, location, signed(quantity, sign));
      if (gone) this.#lapsed = withUnits(this.#lapsed, location, signed(quantity, sign));
    }
    lapse.backordered += signed(backordered, sign);
    if (gone) this.#lapsedBackordered += signed(backordered, sign);
    if (this.#lapses.length === 1 && isEmpty(lapse)) {
      this.#lapses = NONE;
      this.#next = 0;
    }
  }

  /** Where `at` is or belongs: usually at the end, because most holds last equally long. */
  #find(at: number): number {
    const lapses = this.#lapses;
    const last = lapses.length - 1;
    if (last < 0 || (lapses[last] as Lapse).at < at) return last + 1; // `last` is within bounds
    if ((lapses[last] as Lapse).at === at) return last;
    let low = 0;
    let high = last;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((lapses[middle] as Lapse).at < at) low = middle + 1; // `middle` is within bounds
      else high = middle;
    }
    return low;
  }

  #compact(): void {
    const lapses = this.#lapses;
    let kept = 0;
    let next = 0;
    for (let i = 0; i < lapses.length; i++) {
      const lapse = lapses[i] as Lapse; // within bounds
      if (i < this.#next && isEmpty(lapse)) continue;
      if (i < this.#next) next++;
      lapses[kept++] = lapse;
    }
    lapses.length = kept;
    this.#next = next;
  }
}

function* readSteps(steps: readonly number[]): Generator<[at: number, quantity: number]> {
  let at = 0;
  for (let i = 0; i + 1 < steps.length; i += 2) {
    at += steps[i] ?? 0;
    yield [at, steps[i + 1] ?? 0];
  }
}

function isEmpty(lapse: Lapse): boolean {
  return lapse.units.length === 0 && lapse.backordered === 0;
}

/** Most items have no holds, and there are many items: these lists are shared, and never changed. */
const NONE: Lapse[] = [];
const NOTHING: readonly Place[] = [];
const GROWS_FROM = 8;

/** There is no -0 among them: once a member was one, V8 keeps it as a floating-point number of its own in every object. */
function signed(units: number, sign: 1 | -1): number {
  return sign === 1 ? units : 0 - units;
}

function give(lapse: Lapse, location: string, by: number): void {
  lapse.units = withUnits(lapse.units, location, by);
}

function withUnits(units: readonly Place[], location: string, by: number): readonly Place[] {
  const index = units.findIndex((place) => place.location === location);
  const quantity = (units[index]?.quantity ?? 0) + by;
  if (index < 0) return quantity === 0 ? units : units.concat({ location, quantity });
  if (quantity === 0) return units.length === 1 ? NOTHING : units.toSpliced(index, 1);
  return units.with(index, { location, quantity });
}

function unitsAt(units: readonly Place[], location: string): number {
  for (const place of units) if (place.location === location) return place.quantity;
  return 0;
}
