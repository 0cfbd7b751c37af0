import type { Random } from '../../base/random.ts';
import { DAY_MS, gallegoVanRyzinRevenue } from '../../rooms/pricing/pricing.ts';
import { share, type Season, type Visit } from './season.ts';

/** Demand λ(p) = perDay · e^(−alpha·p): so many come in a day, and each has a most that it would pay. */
export interface DemandModel {
  readonly perDay: number;
  readonly alpha: number;
}

/** Everybody who comes in a season, by chance: a Poisson process, each visitor with a limit that is exponentially distributed. */
export function visitsOf({ perDay, alpha }: DemandModel, { startMs, endMs }: Season, random: Random): Visit[] {
  const visits: Visit[] = [];
  for (let atMs = startMs; ; ) {
    atMs += (-Math.log(share(random)) / perDay) * DAY_MS;
    if (atMs >= endMs) return visits;
    const limit = -Math.log(share(random)) / alpha;
    visits.push({ atMs, unitsAt: (price) => (price <= limit ? 1 : 0) });
  }
}

/** What the best prices are expected to bring, in currency units. */
export function expectedRevenue({ perDay, alpha }: DemandModel, { units, startMs, endMs }: Season): number {
  return gallegoVanRyzinRevenue({ demandPerDay: perDay, alpha }, units, (endMs - startMs) / DAY_MS);
}
