import { assert } from './assert.ts';
import type { Random } from './random.ts';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'; // Crockford's base 32, lower case: sorts as it counts
const TIME_DIGITS = 9;
const PARTITION_DIGITS = 2;
const RANDOM_DIGITS = 12;

/** The most partitions an id can name: two base-32 digits. */
export const PARTITIONS_MAX = 1024;

/** Makes ids such as `res_1jd2k3m4p07…`: sorted by time, naming their partition, with 60 bits of chance. */
export interface Ids {
  next<P extends string>(prefix: P, nowMs: number, partition: number): `${P}_${string}`;
}

export function ids(random: Random): Ids {
  let lastMs = -1;
  let timeDigits = '';
  return {
    next(prefix, nowMs, partition) {
      if (nowMs !== lastMs) {
        timeDigits = base32(nowMs, TIME_DIGITS);
        lastMs = nowMs;
      }
      return `${prefix}_${timeDigits}${base32(partition, PARTITION_DIGITS)}${sixDigits(random)}${sixDigits(random)}`;
    },
  };
}

/** The partition that an id names, or undefined where the text is not one of our ids. */
export function partitionOfId(id: string): number | undefined {
  const start = id.length - RANDOM_DIGITS - PARTITION_DIGITS;
  if (start < TIME_DIGITS + 2 || id[start - TIME_DIGITS - 1] !== '_') return undefined;
  const high = ALPHABET.indexOf(id[start] ?? '?');
  const low = ALPHABET.indexOf(id[start + 1] ?? '?');
  return high < 0 || low < 0 ? undefined : high * 32 + low;
}

/** The instant at which an id was made, or undefined where the text is not one of our ids. */
export function instantOfId(id: string): number | undefined {
  const start = id.length - RANDOM_DIGITS - PARTITION_DIGITS - TIME_DIGITS;
  if (start < 2 || id[start - 1] !== '_') return undefined;
  let ms = 0;
  for (let i = start; i < start + TIME_DIGITS; i++) {
    const digit = ALPHABET.indexOf(id[i] ?? '?');
    if (digit < 0) return undefined;
    ms = ms * 32 + digit;
  }
  return ms;
}

function base32(value: number, digits: number): string {
  let text = '';
  let rest = value;
  for (let i = 0; i < digits; i++) {
    text = ALPHABET[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  assert(rest === 0, `${value} does not fit in ${digits} base-32 digits`);
  return text;
}

function sixDigits(random: Random): string {
  const bits = random.u32() & 0x3fffffff;
  let text = '';
  for (let shift = 0; shift < 30; shift += 5) text += ALPHABET[(bits >>> shift) & 31];
  return text;
}
