/** Ranges of numbers with something to each, of which those around a number are found without looking at the others. */

export interface Interval {
  readonly low: number;
  readonly lowOpen: boolean;
  readonly high: number;
  readonly highOpen: boolean;
}

/**
 * A segment tree over the bounds and the gaps between them: slot 2i + 1 is bound i itself, slot 2i the gap before it. A
 * range is noted at the few nodes that together are its slots, so a number meets it exactly once on its way up.
 */
export class Intervals<T> {
  readonly #bounds: readonly number[];
  readonly #size: number;
  readonly #nodes: (T[] | undefined)[];

  constructor(ranges: readonly { readonly range: Interval; readonly value: T }[]) {
    this.#bounds = [...new Set(ranges.flatMap(({ range: { low, high } }) => [low, high].filter(Number.isFinite)))].sort((a, b) => a - b);
    this.#size = 2 ** Math.ceil(Math.log2(2 * this.#bounds.length + 1));
    this.#nodes = new Array<T[] | undefined>(2 * this.#size).fill(undefined);
    for (const { range, value } of ranges) this.#add(range, value);
  }

  /** Calls back with what belongs to each range that has the number in it. */
  around(number: number, found: (value: T) => void): void {
    for (let node = this.#size + this.#slotOf(number); node > 0; node >>>= 1) {
      const values = this.#nodes[node];
      if (values) for (const value of values) found(value);
    }
  }

  #add({ low, lowOpen, high, highOpen }: Interval, value: T): void {
    let left = this.#size + (low === Number.NEGATIVE_INFINITY ? 0 : this.#slotOf(low) + (lowOpen ? 1 : 0));
    let right = this.#size + (high === Number.POSITIVE_INFINITY ? 2 * this.#bounds.length : this.#slotOf(high) - (highOpen ? 1 : 0)) + 1;
    for (; left < right; left >>>= 1, right >>>= 1) {
      if (left % 2 === 1) this.#note(left++, value);
      if (right % 2 === 1) this.#note(--right, value);
    }
  }

  #note(node: number, value: T): void {
    const values = this.#nodes[node];
    if (values) values.push(value);
    else this.#nodes[node] = [value];
  }

  #slotOf(number: number): number {
    let low = 0;
    let high = this.#bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#bounds[middle] as number) < number) low = middle + 1; // within bounds
      else high = middle;
    }
    return this.#bounds[low] === number ? 2 * low + 1 : 2 * low;
  }
}
