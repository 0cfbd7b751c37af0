/** The proof of crashes: load, `kill -9` at a random moment, restart, audit; round after round on the same data. */
import { below, chance, pick } from '../../src/base/random.ts';
import type { CrashPoint } from '../../src/base/crash-points.ts';
import { Audit, type Verdict } from './audit.ts';
import type { Ledger } from './ledger.ts';
import type { Place } from './places.ts';
import { ServerProcess } from './server-process.ts';
import { newShop, openShop, type Shop } from './shoppers.ts';

const SKUS = ['HOT-1', 'HOT-2', 'HOT-3', 'WARM-1', 'WARM-2', 'COLD-1'];
/** A round's load lasts up to this long: longer where more acknowledgements are asked for. */
const LOAD_MS = Number(process.env['HOLDFAST_KILL_LOAD_MS'] ?? 700);
/** Every so many rounds the queue is waited for and everything that was ever promised is looked at. */
const WHOLE_AUDIT_EVERY = 10;
/** Of long runs fewer, because each looks at everything that was ever promised. */
const WHOLE_AUDITS_MAX = 20;

export interface CrashReport extends Verdict {
  /** Kills under load that really happened. */
  readonly kills: number;
  /** How many of them were at a named point, by its name. */
  readonly atPoints: Readonly<Record<string, number>>;
  /** From the start of the process until it listened, for each start after a kill. */
  readonly startsMs: readonly number[];
  readonly acknowledged: number;
  readonly unanswered: number;
  readonly facts: number;
  readonly faults: readonly string[];
}

/** Where SQLite's rounds are killed besides at random, and how often the point may be passed before. */
const POINTS: readonly (readonly [CrashPoint, number])[] = [
  ['log.append', 60], ['log.committed', 60], ['log.checkpoint', 4], ['views.apply', 12], ['views.committed', 12], ['views.checkpoint', 1],
  ['queue.put', 20], ['queue.claim', 20], ['queue.finish', 20], ['log.trim', 12], ['archive.packed', 12], ['archive.trimmed', 12],
];

/** What lets the next server kill itself, in half of the rounds. */
function nextPoint(place: Place, visit: Shop): { point: CrashPoint | undefined; env: Record<string, string> } {
  if (place.engine !== 'sqlite' || chance(visit.random, 0.5)) return { point: undefined, env: {} };
  const [point, most] = pick(visit.random, POINTS);
  return { point, env: { HOLDFAST_CRASH_AT: `${point}:${1 + below(visit.random, most)}` } };
}

/** `at`: at random moments, or on SQLite half of them at named points, which costs a start more for each. */
export async function crashRounds(given: Place, rounds: number, seed: number, at: 'random' | 'points' = 'random'): Promise<CrashReport> {
  // Old commits leave the log at once, so that rounds are killed while they do.
  const place: Place = given.engine === 'sqlite' && at === 'points' ? { ...given, flags: [...given.flags, '--archive-after', '2s'] } : given;
  const visit = newShop(SKUS, seed);
  const { ledger, random } = visit;
  const audit = new Audit(ledger, random, SKUS);
  let [kills, unanswered] = [0, 0];
  const atPoints: Record<string, number> = {};
  const startsMs: number[] = [];
  let server = await ServerProcess.start(place);
  try {
    await stock(server, ledger);
    // One round's fault would be found again in every later one.
    for (let round = 1; round <= rounds && ledger.faults.length === 0; round++) {
      const { point, env } = at === 'points' ? nextPoint(place, visit) : { point: undefined, env: {} };
      if (point !== undefined) server = await restarted(server, place, env);
      if (await loadUntilKilled(server, visit)) atPoints[point ?? ''] = (atPoints[point ?? ''] ?? 0) + 1;
      kills++;
      unanswered += ledger.unanswered.length;
      if (chance(random, 0.2)) await ServerProcess.startAndKillAfter(place, below(random, 600));
      const began = performance.now();
      server = await ServerProcess.start(place);
      startsMs.push(performance.now() - began);
      await audit.afterRestart(server.client());
      if (round % Math.max(WHOLE_AUDIT_EVERY, Math.ceil(rounds / WHOLE_AUDITS_MAX)) === 0 || round === rounds) await audit.whole(server.client());
    }
    return { ...audit.verdict, kills, atPoints, startsMs, acknowledged: ledger.answered.length, unanswered, facts: audit.books.facts.size, faults: ledger.faults };
  } finally {
    await server.kill();
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

/** Says whether it ended by itself, at its point. */
async function loadUntilKilled(server: ServerProcess, visit: Shop): Promise<boolean> {
  const over = openShop(visit, server.client());
  const deadline = performance.now() + 30 + below(visit.random, LOAD_MS);
  while (server.alive && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
  const byItself = !server.alive;
  await server.kill();
  await over;
  return byItself;
}
