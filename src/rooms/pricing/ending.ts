import { decimalsOf, type Money } from './money.ts';

/** Whole numbers of minor units. */
export interface Bounds {
  readonly low: number;
  readonly high: number;
}

/**
 * The nearest amount within bounds that ends in these digits, of two equally near the lower; undefined where none does.
 * Endings are of the last two digits, in currencies of three decimals of the last three.
 */
export function withEnding({ amount, currency }: Money, ending: number, { low, high }: Bounds): number | undefined {
  const every = 10 ** Math.max(2, decimalsOf(currency));
  if (ending >= every) return undefined;
  const below = Math.floor((amount - ending) / every) * every + ending;
  const fitting = [below, below + every].filter((one) => one >= low && one <= high && one >= 0);
  return fitting.length < 2 ? fitting[0] : amount - below <= below + every - amount ? below : below + every;
}
