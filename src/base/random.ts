import { randomFillSync } from 'node:crypto';

/** Chance, injected so that any run can be replayed from its seed. */
export interface Random {
  /** An unsigned 32-bit integer. */
  u32(): number;
}

/** Chance from the operating system, drawn 4 KiB at a time because one call costs more than the bytes. */
export function systemRandom(): Random {
  const pool = new Uint32Array(1024);
  let next = pool.length;
  return {
    u32() {
      if (next === pool.length) {
        randomFillSync(pool);
        next = 0;
      }
      return pool[next++] ?? 0;
    },
  };
}

/** The same sequence for the same seed (sfc32 with a splitmix32 start; public domain constants by Chris Doty-Humphrey). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const mix = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  let a = mix();
  let b = mix();
  let c = mix();
  let counter = 1;
  return {
    u32() {
      const t = (a + b + counter) >>> 0;
      counter = (counter + 1) >>> 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) >>> 0;
      c = ((c << 21) | (c >>> 11)) >>> 0;
      c = (c + t) >>> 0;
      return t;
    },
  };
}

/** An integer from 0 up to, not including, `bound` (1 ≤ bound ≤ 2^32). The bias is below bound / 2^32. */
export function below(random: Random, bound: number): number {
  return Math.floor((random.u32() / 0x1_0000_0000) * bound);
}

/** True with the given probability (0 to 1). */
export function chance(random: Random, probability: number): boolean {
  return random.u32() < probability * 0x1_0000_0000;
}

export function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[below(random, items.length)];
  if (item === undefined) throw new RangeError('pick needs a list that is not empty');
  return item;
}
