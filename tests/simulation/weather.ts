/** How bad the luck of one run is, and what it does to each call of one node on its store. */
import { below, chance, pick, type Random } from '../../src/base/random.ts';
import type { Faults, Operation, Verdict } from '../../src/engines/memory/memory.ts';

/** Probabilities, and milliseconds. */
export interface Weather {
  readonly lost: number;
  readonly late: number;
  readonly away: number;
  readonly full: number;
  readonly broken: number;
  /** The process ends in the middle of an append. */
  readonly torn: number;
  readonly slowMs: number;
  /** What reads meet besides. */
  readonly reads: { readonly away: number; readonly broken: number; readonly slowMs: number };
  readonly residentStatesMax: number;
  readonly skewMs: number;
  /** What happens to machines and to the disk. */
  readonly clockSteps: boolean;
  readonly pauses: boolean;
  readonly diskFills: boolean;
}

export function someWeather(random: Random): Weather {
  const stormy = chance(random, 0.8);
  const perhaps = (probability: number): number => (stormy && chance(random, 0.6) ? probability : 0);
  return {
    lost: perhaps(0.05),
    late: perhaps(0.05),
    away: perhaps(0.05),
    full: perhaps(0.03),
    broken: perhaps(0.004),
    torn: perhaps(0.05),
    slowMs: pick(random, [1, 5, 40]),
    reads: { away: perhaps(0.1), broken: perhaps(0.002), slowMs: pick(random, [0, 0, 200, 2_000]) },
    residentStatesMax: pick(random, [3, 12, 400_000]),
    skewMs: pick(random, [0, 0, 700]),
    clockSteps: perhaps(1) > 0,
    pauses: perhaps(1) > 0,
    diskFills: perhaps(1) > 0,
  };
}

const READS: ReadonlySet<Operation> = new Set<Operation>(['read', 'load', 'query', 'queue-read']);

/** Decides about every call of one handle. */
export class Luck implements Faults {
  /** Nothing goes wrong. */
  calm = true;
  /** No write finds room. */
  diskFull = false;
  /** A call failed for good: this process cannot write any more. */
  broke = false;
  readonly #random: Random;
  readonly #weather: Weather;
  readonly #tear: (inMs: number) => void;

  /** `tear` ends the process some milliseconds from now. */
  constructor(random: Random, weather: Weather, tear: (inMs: number) => void) {
    this.#random = random;
    this.#weather = weather;
    this.#tear = tear;
  }

  before(operation: Operation): Verdict {
    if (this.calm) return { type: 'ok' };
    if (READS.has(operation)) return this.#beforeRead();
    const { lost, late, away, full, broken, slowMs } = this.#weather;
    const beforeMs = chance(this.#random, 0.7) ? below(this.#random, slowMs) : 0;
    const afterMs = chance(this.#random, 0.3) ? below(this.#random, slowMs) : 0;
    const writes = operation === 'append' || operation === 'queue-write' || operation === 'apply';
    if (writes && this.diskFull) return { type: 'fail', code: 'storage-full', beforeMs };
    if (operation === 'append' && chance(this.#random, this.#weather.torn)) this.#tear(below(this.#random, beforeMs + afterMs + 2));
    const drawn = this.#random.u32() / 0x1_0000_0000;
    if (writes && drawn < lost) return { type: 'lost-answer', beforeMs, afterMs };
    if (writes && drawn < lost + late) return { type: 'late', beforeMs, afterMs: below(this.#random, 40 * slowMs) };
    if (drawn < lost + late + away) return { type: 'fail', code: 'unavailable', beforeMs };
    if (operation === 'append' && drawn < lost + late + away + full) return { type: 'fail', code: 'storage-full', beforeMs };
    if (operation === 'append' && drawn < lost + late + away + full + broken) return this.#broken(beforeMs);
    return { type: 'ok', beforeMs, afterMs };
  }

  #beforeRead(): Verdict {
    const { away, slowMs, reads } = this.#weather;
    const slow = reads.slowMs > 0 && chance(this.#random, 0.1) ? below(this.#random, reads.slowMs) : below(this.#random, slowMs);
    const drawn = this.#random.u32() / 0x1_0000_0000;
    if (drawn < away + reads.away) return { type: 'fail', code: 'unavailable', beforeMs: slow };
    if (drawn < away + reads.away + reads.broken) return this.#broken(slow);
    return { type: 'ok', beforeMs: slow };
  }

  #broken(beforeMs: number): Verdict {
    this.broke = true;
    return { type: 'fail', code: 'storage-failed', beforeMs };
  }
}
