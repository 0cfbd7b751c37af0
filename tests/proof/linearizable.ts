/**
 * Decides whether a history of overlapping calls could have been made one after another, each at some instant between
 * its call and its return: the search of Wing and Gong (1993) with the memory that Lowe (2017) added. A call without an
 * answer may have taken effect at any time after it was made, or never.
 *
 * Linearizability is local: a history is linearizable if its part for every object is, so callers check per SKU. Two
 * shortcuts keep the search small where hundreds of calls do the same, and neither loses an explanation:
 * - a call that changes nothing and fits now can always be put here: later calls find the same state;
 * - of calls that do and answer the same, the one due first goes first: in an explanation that has them the other way
 *   round they can change places.
 */
export interface Called<Input, Output> {
  readonly input: Input;
  /** Undefined: no answer came. */
  readonly output: Output | undefined;
  /** Instants on one clock. `returned` is infinite where no answer came. */
  readonly called: number;
  readonly returned: number;
}

export interface Model<State, Input, Output> {
  readonly initial: State;
  /**
   * The state afterwards, the very same where nothing changes; undefined where this answer could not have been given.
   * Without an answer: the state where it took effect.
   */
  step(state: State, input: Input, output: Output | undefined): State | undefined;
  /** Two states with one key behave alike. */
  keyOf(state: State): string;
  /** Calls of one name do the same to any state, and answer the same. */
  nameOf(input: Input, output: Output | undefined): string;
}

export type Finding<Input, Output> =
  | { readonly linearizable: true; readonly steps: number }
  /** `stuckAt`: the calls of which none could come next, where the search came furthest. */
  | { readonly linearizable: false; readonly steps: number; readonly explained: number; readonly stuckAt: readonly Called<Input, Output>[] };

/** Beyond it a history is called undecided by throwing; those of the tests need a hundredth. */
const STEPS_MAX = 2_000_000;

export function checkHistory<State, Input, Output>(history: readonly Called<Input, Output>[], model: Model<State, Input, Output>): Finding<Input, Output> {
  return new Search(history, model).run();
}

interface Frame<State> {
  readonly state: State;
  /** What was put in place to get here, to be undone on the way back. */
  readonly placed: readonly number[];
  readonly candidates: readonly number[];
  next: number;
}

class Search<State, Input, Output> {
  readonly #model: Model<State, Input, Output>;
  readonly #calls: readonly Called<Input, Output>[];
  readonly #names: readonly string[];
  readonly #answeredCount: number;
  readonly #placed: boolean[];
  readonly #seen = new Set<string>();
  #firstOpen = 0;
  #lastPlaced = -1;
  #explained = 0;

  constructor(history: readonly Called<Input, Output>[], model: Model<State, Input, Output>) {
    this.#model = model;
    this.#calls = history.toSorted((a, b) => a.called - b.called);
    this.#names = this.#calls.map(({ input, output }) => model.nameOf(input, output));
    this.#answeredCount = this.#calls.filter(({ output }) => output !== undefined).length;
    this.#placed = this.#calls.map(() => false);
  }

  run(): Finding<Input, Output> {
    const frames: Frame<State>[] = [this.#frame(this.#model.initial, [])];
    let best = { explained: -1, stuckAt: [] as Called<Input, Output>[] };
    for (let steps = 0; ; steps++) {
      if (this.#explained === this.#answeredCount) return { linearizable: true, steps };
      if (steps > STEPS_MAX) throw new Error(`undecided after ${STEPS_MAX} steps: at most ${best.explained} of ${this.#answeredCount} calls were explained, then one of ${JSON.stringify(best.stuckAt)} was next`);
      const frame = frames.at(-1);
      if (!frame) return { linearizable: false, steps, ...best };
      if (this.#explained > best.explained) best = { explained: this.#explained, stuckAt: frame.candidates.flatMap((index) => this.#calls[index] ?? []) };
      const index = frame.candidates[frame.next++];
      if (index !== undefined) {
        const after = this.#tryStep(frame.state, index);
        if (after) frames.push(after);
        continue;
      }
      frames.pop();
      for (const placed of frame.placed) this.#take(placed);
    }
  }

  /** Where a candidate leads to, unless it does not fit or led there in another order before. */
  #tryStep(state: State, index: number): Frame<State> | undefined {
    const after = this.#stepOf(state, index);
    if (after === undefined) return undefined;
    this.#put(index);
    const frame = this.#frame(after, [index]);
    const key = this.#key(after);
    if (!this.#seen.has(key)) {
      this.#seen.add(key);
      return frame;
    }
    for (const placed of frame.placed) this.#take(placed);
    return undefined;
  }

  /** A state, with everything in place that fits there and changes nothing. */
  #frame(state: State, placed: number[]): Frame<State> {
    for (;;) {
      const candidates = this.#candidates();
      const idle = candidates.filter((index) => this.#calls[index]?.output !== undefined && this.#stepOf(state, index) === state);
      if (idle.length === 0) return { state, placed, candidates, next: 0 };
      for (const index of idle) this.#put(index);
      placed.push(...idle);
    }
  }

  /** Calls that were made before any open call returned: of each name the one due first, and those with an answer first of all. */
  #candidates(): number[] {
    const byName = new Map<string, number>();
    let firstReturn = Number.POSITIVE_INFINITY;
    for (let index = this.#firstOpen; index < this.#calls.length; index++) {
      const call = this.#calls[index];
      if (!call || call.called > firstReturn) break;
      if (this.#placed[index] === true) continue;
      firstReturn = Math.min(firstReturn, call.returned);
      const name = this.#names[index] ?? '';
      const other = this.#calls[byName.get(name) ?? -1];
      if (!other || call.returned < other.returned) byName.set(name, index);
    }
    return [...byName.values()].toSorted((a, b) => this.#returnOf(a) - this.#returnOf(b));
  }

  #returnOf(index: number): number {
    return this.#calls[index]?.returned ?? Number.POSITIVE_INFINITY;
  }

  #stepOf(state: State, index: number): State | undefined {
    const call = this.#calls[index];
    return call && this.#model.step(state, call.input, call.output);
  }

  #put(index: number): void {
    this.#placed[index] = true;
    this.#lastPlaced = Math.max(this.#lastPlaced, index);
    if (this.#calls[index]?.output !== undefined) this.#explained++;
    while (this.#placed[this.#firstOpen] === true) this.#firstOpen++;
  }

  #take(index: number): void {
    this.#placed[index] = false;
    if (this.#calls[index]?.output !== undefined) this.#explained--;
    this.#firstOpen = Math.min(this.#firstOpen, index);
    while (this.#lastPlaced >= 0 && this.#placed[this.#lastPlaced] === false) this.#lastPlaced--;
  }

  /** Which calls are in place, and the state that they led to. All before the first open one are, which keeps it short. */
  #key(state: State): string {
    let key = `${this.#firstOpen}|${this.#model.keyOf(state)}|`;
    for (let index = this.#firstOpen + 1; index <= this.#lastPlaced; index++) key += this.#placed[index] === true ? '1' : '0';
    return key;
  }
}
