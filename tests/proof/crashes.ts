/** The proof of crashes: load, `kill -9` at a random moment, restart, audit; round after round on the same data. */
import { below, chance } from '../../src/base/random.ts';
import { Audit, type Verdict } from './audit.ts';
import type { Ledger } from './ledger.ts';
import type { Place } from './places.ts';
import { ServerProcess } from './server-process.ts';
import { newShop, openShop, type Shop } from './shoppers.ts';

const SKUS = ['HOT-1', 'HOT-2', 'HOT-3', 'WARM-1', 'WARM-2', 'COLD-1'];
/** Every so many rounds the queue is waited for and everything that was ever promised is looked at. */
const WHOLE_AUDIT_EVERY = 10;

export interface CrashReport extends Verdict {
  /** Kills under load that really happened. */
  readonly kills: number;
  readonly acknowledged: number;
  readonly unanswered: number;
  readonly facts: number;
  readonly faults: readonly string[];
}

export async function crashRounds(place: Place, rounds: number, seed: number): Promise<CrashReport> {
  const visit = newShop(SKUS, seed);
  const { ledger, random } = visit;
  const audit = new Audit(ledger, random, SKUS);
  let [kills, unanswered] = [0, 0];
  let server = await ServerProcess.start(place);
  try {
    await stock(server, ledger);
    // One round's fault would be found again in every later one.
    for (let round = 1; round <= rounds && ledger.faults.length === 0; round++) {
      await loadUntilKilled(server, visit);
      kills++;
      unanswered += ledger.unanswered.length;
      if (chance(random, 0.2)) await ServerProcess.startAndKillAfter(place, below(random, 600));
      server = await ServerProcess.start(place);
      await audit.afterRestart(server.client());
      if (round % WHOLE_AUDIT_EVERY === 0 || round === rounds) await audit.whole(server.client());
    }
    return { ...audit.verdict, kills, acknowledged: ledger.answered.length, unanswered, facts: audit.books.facts.size, faults: ledger.faults };
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

async function loadUntilKilled(server: ServerProcess, visit: Shop): Promise<void> {
  const over = openShop(visit, server.client());
  await new Promise((resolve) => setTimeout(resolve, 30 + below(visit.random, 700)));
  await server.kill();
  await over;
}
