/** Amounts of money: integers of a currency's smallest unit, and how they come from numbers that are not. */

export interface Money {
  /** Integer of minor units. */
  readonly amount: number;
  /** ISO 4217. */
  readonly currency: string;
}
