import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { Audit } from '../proof/audit.ts';
import { databaseServer, postgresPlace } from '../proof/places.ts';
import { ServerProcess } from '../proof/server-process.ts';
import { newShop, openShop } from '../proof/shoppers.ts';

const SKUS = ['HOT-1', 'HOT-2', 'COLD-1'];
/** Longer than the claim of a message and the lease of the views: by the time the node goes on, others have taken over. */
const PAUSE_MS = 8_000;
const PAUSES = Number(process.env['HOLDFAST_PAUSES'] ?? 3);
const seed = randomInt(2 ** 31);

test.skipIf(databaseServer === undefined)(`a node that stands still for ${PAUSE_MS / 1000} s, ${PAUSES} times under load, does nothing twice when it goes on (seed ${seed})`, { timeout: 600_000 }, async () => {
  await using place = await postgresPlace();
  await using paused = await ServerProcess.start(place);
  await using other = await ServerProcess.start(place);
  const client = other.client({ attemptsMax: 6 });
  const shop = newShop(SKUS, seed);
  for (const sku of SKUS) {
    await client.items.put(sku, {});
    const intent = { kind: 'adjust', sku, change: 5_000, reference: `first-${sku}` } as const;
    await client.items.adjust(sku, { change: intent.change, reason: 'received', reference: intent.reference }, { waitSeconds: 20 });
    shop.ledger.adjusted(intent);
  }
  let over = false;
  const load = Promise.all([openShop(shop, paused.client({ attemptsMax: 6 }), () => over), openShop(shop, client, () => over)]);
  for (let n = 0; n < PAUSES; n++) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    paused.pause();
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    paused.goOn();
  }
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  over = true;
  await load;
  const audit = new Audit(shop.ledger, seededRandom(seed), SKUS);
  await audit.afterRestart(client);
  await audit.whole(client);
  console.log(`pauses: ${PAUSES} of ${PAUSE_MS / 1000} s, ${shop.ledger.answered.length} requests acknowledged, ${audit.books.facts.size} facts, ${shop.ledger.faults.length} faults`);
  expect(shop.ledger.faults).toEqual([]);
  expect(audit.verdict).toEqual({ oversoldUnits: 0, lostHolds: 0, factsThatDoNotAddUp: 0 });
});
