import type { Counted } from './events.ts';
import { Lapses } from './lapses.ts';
import type { Tally } from './state.ts';

/** A tally after one of its holds came, changed or went; undefined where nothing is left of it. What had run out by then is dropped. */
export function tallied(before: Tally | undefined, { removed, added }: { removed?: Counted; added?: Counted }, time: number): Tally | undefined {
  const tally = before ?? { holds: 0, units: 0, lapses: new Lapses() };
  const live = liveTally(tally, time);
  tally.lapses.forget();
  tally.holds = live.holds;
  tally.units = live.units;
  if (removed) count(tally, removed, -1);
  if (added) count(tally, added, 1);
  return tally.holds === 0 ? undefined : tally;
}

/** What of a tally has not run out at an instant. */
export function liveTally({ holds, units, lapses }: Tally, now: number): { holds: number; units: number } {
  lapses.advance(now);
  return { holds: holds - lapses.lapsedAt('holds'), units: units - lapses.lapsedAt('units') };
}

function count(tally: Tally, { units, expiresAt }: Counted, sign: 1 | -1): void {
  tally.holds += sign;
  tally.units += sign * units;
  // Two sums by instant, as an item keeps them for its places.
  const sums = [{ location: 'holds', quantity: 1 }, { location: 'units', quantity: units }];
  if (sign === 1) tally.lapses.add(expiresAt, sums, 0);
  else tally.lapses.remove(expiresAt, sums, 0);
}
