/** Amounts of money: integers of a currency's smallest unit, and how they come from numbers that are not. */

export interface Money {
  /** Integer of minor units. */
  readonly amount: number;
  /** ISO 4217. */
  readonly currency: string;
}

const decimals = new Map<string, number>();

/** Decimals of a currency: 2 of EUR, 0 of JPY, 3 of KWD (ISO 4217, as `Intl` knows it). */
export function decimalsOf(currency: string): number {
  let digits = decimals.get(currency);
  if (digits === undefined) {
    digits = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
    decimals.set(currency, digits);
  }
  return digits;
}

const POWERS = [1, 10, 100, 1_000, 10_000] as const;

/** Minor units in one unit of a currency. */
export const minorPerUnit = (currency: string): number => POWERS[decimalsOf(currency)] ?? 10 ** decimalsOf(currency);

/** How far from a half a number may be, as a share of itself, and still count as one: products of decimal numbers are that far off. */
const NOISE = 4e-15;

/** The nearest integer, of two equally near the even one. What binary fractions add to a half does not count. */
export function halfEven(value: number): number {
  const below = Math.floor(value);
  const over = value - below - 0.5;
  if (Math.abs(over) > Math.min(0.25, NOISE * Math.abs(value))) return over < 0 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}
