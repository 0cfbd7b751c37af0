import { rfc3339 } from '../../base/clock.ts';

/** When a hold runs out that only somebody ends: the last instant that a date can name, so that instants stay numbers that compare. */
export const NEVER = 8_640_000_000_000_000;

/** An instant as it leaves the house: null for never. */
export function instantView(ms: number): string | null {
  return ms === NEVER ? null : rfc3339(ms);
}
