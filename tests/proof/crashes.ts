/** The proof of crashes: load, `kill -9` at a random moment, restart, audit; round after round on the same data. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
/** longer where a busy machine would otherwise not come to so many acknowledgements in all, */
const ACKNOWLEDGED_MIN = Number(process.env['HOLDFAST_KILL_ACKNOWLEDGED'] ?? 0);
/** and until the server is in the middle of what it is to be killed at. Neither is waited for any longer than this. */
const PATIENCE_MS = 20_000;
/** Every so many rounds the queue is waited for and everything that was ever promised is looked at. */
const WHOLE_AUDIT_EVERY = 10;
/** Of long runs fewer, because each looks at everything that was ever promised. */
const WHOLE_AUDITS_MAX = 20;

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

/** `at`: at random moments, or on SQLite half of them at named points, which costs a start more for each. */
export async function crashRounds(given: Place, rounds: number, seed: number, at: 'random' | 'points' = 'random'): Promise<CrashReport> {
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
      let atPoint: boolean;
      if (activity === 'migration' && point !== undefined) {
        await server.stop();
        ({ place, killed: atPoint } = await moveKilled(place, join(scratch, `store-${round}`), point));
      } else {
        if (point !== undefined) server = await restarted(server, place, { HOLDFAST_CRASH_AT: point.join(':') });
        const importing = activity === 'import' ? supplies.begin(server) : undefined;
        atPoint = await loadUntilKilled(server, visit, activity === undefined ? () => ledger.answered.length < (ACKNOWLEDGED_MIN * round) / rounds : () => true);
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
      if (round % Math.max(WHOLE_AUDIT_EVERY, Math.ceil(rounds / WHOLE_AUDITS_MAX)) !== 0 && round !== rounds) continue;
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

async function stock(server: ServerProcess, ledger: Ledger): Promise<void> {
  const client = server.client();
  for (const [index, sku] of SKUS.entries()) {
    await client.items.put(sku, {});
    const intent = { kind: 'adjust', sku, change: 100 * (index + 1), reference: `first-${sku}` } as const;
    await client.items.adjust(sku, { change: intent.change, reason: 'received', reference: intent.reference }, { waitSeconds: 10 });
    ledger.adjusted(intent);
  }
}

/** A server that may already have killed itself while it came up: then one without the point takes its place. */
async function restarted(server: ServerProcess, place: Place, env: Record<string, string>): Promise<ServerProcess> {
  await server.stop();
  return ServerProcess.start(place, env).catch(() => ServerProcess.start(place));
}

/** Says whether it ended by itself, at its point. `more`: it is not to be killed yet, though its time is over. */
async function loadUntilKilled(server: ServerProcess, visit: Shop, more: () => boolean): Promise<boolean> {
  const over = openShop(visit, server.client());
  const began = performance.now();
  const deadline = began + 30 + below(visit.random, LOAD_MS);
  while (server.alive && (performance.now() < deadline || (more() && performance.now() < began + PATIENCE_MS))) await new Promise((resolve) => setTimeout(resolve, 5));
  const byItself = !server.alive;
  await server.kill();
  await over;
  return byItself;
}
