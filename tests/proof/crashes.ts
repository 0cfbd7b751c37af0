/** The proof of crashes: load, `kill -9` at a random moment, restart, audit; round after round on the same data. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CrashPoint } from '../../src/base/crash-points.ts';
import { below, chance } from '../../src/base/random.ts';
import { Audit, type Verdict } from './audit.ts';
import { moveKilled, nextPlan, Supplies, type Activity } from './crash-plans.ts';
import type { Ledger } from './ledger.ts';
import type { Place } from './places.ts';
import { ServerProcess } from './server-process.ts';
import { newShop, openShop, type Shop } from './shoppers.ts';

const SKUS = ['HOT-1', 'HOT-2', 'HOT-3', 'WARM-1', 'WARM-2', 'COLD-1'];
/** A round's load lasts up to this long, */
const LOAD_MS = Number(process.env['HOLDFAST_KILL_LOAD_MS'] ?? 700);
/** longer where a busy machine would otherwise not come to so many acknowledgements in all, but no longer than this, */
const LOAD_MAX_MS = 20_000;
/** and until the server is in the middle of what it is to be killed at, which it comes to within some seconds or not at all. */
const POINT_MAX_MS = 8_000;
/** Every so many rounds the queue is waited for and everything that was ever promised is looked at. */
const WHOLE_AUDIT_EVERY = 10;

export interface CrashReport extends Verdict {
  /** Kills under load that really happened. */
  readonly kills: number;
  /** How many of them were at a named point, by its name. */
  readonly atPoints: Readonly<Record<string, number>>;
  /** How many of those while the store was busy with something else besides. */
  readonly during: Readonly<Partial<Record<Activity, number>>>;
  /** From the start of the process until it listened, for each start after a kill. */
  readonly startsMs: readonly number[];
  readonly acknowledged: number;
  /** Lines of files that were taken in besides. */
  readonly imported: number;
  readonly unanswered: number;
  readonly facts: number;
  readonly faults: readonly string[];
}

export interface CrashOptions {
  readonly rounds: number;
  readonly seed: number;
  /** At random moments, or on SQLite half of them at named points, which costs a start more for each. */
  readonly at?: 'random' | 'points';
  /** How many requests are to be acknowledged in all, if the load can come to it. */
  readonly acknowledgedMin?: number;
}

export async function crashRounds(given: Place, { rounds, seed, at = 'random', acknowledgedMin = 0 }: CrashOptions): Promise<CrashReport> {
  const planned = given.engine === 'sqlite' && at === 'points';
  // Old commits leave the log at once, so that rounds are killed while they do.
  let place: Place = planned ? { ...given, flags: [...given.flags, '--archive-after', '2s'] } : given;
  const scratch = await mkdtemp(join(tmpdir(), 'holdfast-crashes-'));
  const visit = newShop(SKUS, seed);
  const { ledger, random } = visit;
  const audit = new Audit(ledger, random, SKUS);
  const supplies = new Supplies(scratch);
  let [kills, inActivities, unanswered] = [0, 0, 0];
  const atPoints: Record<string, number> = {};
  const during: Record<string, number> = {};
  const startsMs: number[] = [];
  let server = await ServerProcess.start(place);
  try {
    await stock(server, ledger);
    // One round's fault would be found again in every later one.
    for (let round = 1; round <= rounds && ledger.faults.length === 0; round++) {
      const { activity, at: point } = planned ? nextPlan(round, { kills, inActivities }, random) : {};
      let atPoint = false;
      if (activity === 'migration' && point !== undefined) {
        await server.stop();
        ({ place, killed: atPoint } = await moveKilled(place, join(scratch, `store-${round}`), point));
      } else {
        if (point !== undefined) ({ server, killed: atPoint } = await restarted(server, place, point));
        const importing = activity === 'import' ? supplies.begin(server) : undefined;
        const isAwaited = activity !== undefined && !atPoint;
        const killed = await loadUntilKilled(server, visit, isAwaited ? POINT_MAX_MS : LOAD_MAX_MS, () => isAwaited || ledger.answered.length < (acknowledgedMin * round) / rounds);
        atPoint ||= killed;
        await importing;
        if (chance(random, 0.2)) await ServerProcess.startAndKillAfter(place, below(random, 600));
      }
      kills++;
      if (atPoint) atPoints[point?.[0] ?? ''] = (atPoints[point?.[0] ?? ''] ?? 0) + 1;
      if (atPoint && activity !== undefined) {
        inActivities++;
        during[activity] = (during[activity] ?? 0) + 1;
      }
      unanswered += ledger.unanswered.length;
      const began = performance.now();
      server = await ServerProcess.start(place);
      startsMs.push(performance.now() - began);
      await audit.afterRestart(server.client());
      await supplies.finish(server);
      if (round % WHOLE_AUDIT_EVERY !== 0 && round !== rounds) continue;
      await audit.whole(server.client());
      // A run of hours is not to be silent until its end.
      console.log(`${place.engine}: ${kills} of ${rounds} kills, ${ledger.answered.length} requests acknowledged, during ${JSON.stringify(during)}, ${ledger.faults.length} faults`);
    }
    ledger.faults.push(...supplies.missing(audit.books));
    return { ...audit.verdict, kills, atPoints, during, startsMs, acknowledged: ledger.answered.length, imported: supplies.lines, unanswered, facts: audit.books.facts.size, faults: ledger.faults };
  } finally {
    await server.kill();
    await rm(scratch, { recursive: true, force: true });
  }
}

/** What came of the rounds on two stores. */
export function together(one: CrashReport, other: CrashReport): CrashReport {
  const sum = (name: 'kills' | 'acknowledged' | 'imported' | 'unanswered' | 'facts' | keyof Verdict): number => one[name] + other[name];
  return {
    kills: sum('kills'),
    atPoints: added(one.atPoints, other.atPoints),
    during: added(one.during, other.during),
    startsMs: [...one.startsMs, ...other.startsMs],
    acknowledged: sum('acknowledged'),
    imported: sum('imported'),
    unanswered: sum('unanswered'),
    facts: sum('facts'),
    oversoldUnits: sum('oversoldUnits'),
    lostHolds: sum('lostHolds'),
    factsThatDoNotAddUp: sum('factsThatDoNotAddUp'),
    faults: [...one.faults, ...other.faults],
  };
}

function added(one: Readonly<Record<string, number>>, other: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries([...new Set([...Object.keys(one), ...Object.keys(other)])].map((name) => [name, (one[name] ?? 0) + (other[name] ?? 0)]));
}

async function stock(server: ServerProcess, ledger: Ledger): Promise<void> {
  const client = server.client();
  for (const [index, sku] of SKUS.entries()) {
    await client.items.put(sku, {});
    const intent = { kind: 'adjust', sku, change: 100 * (index + 1), reference: `first-${sku}` } as const;
    await client.items.adjust(sku, { change: intent.change, reason: 'received', reference: intent.reference }, { waitSeconds: 10 });
    ledger.adjusted(intent);
  }
}

/**
 * Kills the server and starts it to be killed at a point. Where it comes to that already while it comes up, in the middle
 * of taking over what the one before left, another without the point takes its place.
 */
async function restarted(server: ServerProcess, place: Place, point: readonly [CrashPoint, number]): Promise<{ server: ServerProcess; killed: boolean }> {
  await server.kill();
  try {
    return { server: await ServerProcess.start(place, { HOLDFAST_CRASH_AT: point.join(':') }), killed: false };
  } catch {
    return { server: await ServerProcess.start(place), killed: true };
  }
}

/** Says whether it ended by itself, at its point. `more`: it is not to be killed yet, though its time is over, for up to `mostMs`. */
async function loadUntilKilled(server: ServerProcess, visit: Shop, mostMs: number, more: () => boolean): Promise<boolean> {
  const over = openShop(visit, server.client());
  const began = performance.now();
  const deadline = began + 30 + below(visit.random, LOAD_MS);
  while (server.alive && (performance.now() < deadline || (more() && performance.now() < began + mostMs))) await new Promise((resolve) => setTimeout(resolve, 5));
  const byItself = !server.alive;
  await server.kill();
  await over;
  return byItself;
}
