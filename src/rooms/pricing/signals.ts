import type { Money } from './money.ts';

/** What is known about an item when it is priced: what rules ask, and functions are sent. Plain JSON. */
export interface Signals {
  /** Units that may be sold to anybody; of an item that is not tracked those that are there. */
  readonly available: number;
  readonly onHand: number;
  readonly reserved: number;
  /** `available` over what is sold a day; null where nothing sells. */
  readonly daysOfCover: number | null;
  /** Units a day, averaged with a half-life of an hour and of a day, corrected for time out of stock. */
  readonly velocityHour: number;
  readonly velocityDay: number;
  /** Units sold as a share of units sold and still available, 0 to 1. */
  readonly sellThrough: number;
  /** Days since the item was first described. */
  readonly ageDays: number;
  /** As last published. */
  readonly price: Money | null;
  readonly basePrice: Money | null;
  readonly cost: Money | null;
  /** UTC, 0 to 23. */
  readonly hour: number;
  /** UTC, Monday 1 to Sunday 7. */
  readonly weekday: number;
  readonly attributes: { readonly [name: string]: string | number | boolean | null };
}
