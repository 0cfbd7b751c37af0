import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import type { HoldfastClient, Reservation } from '../../src/client/client.ts';
import { forEach } from '../proof/ask.ts';
import { Books } from '../proof/books.ts';
import type { Ledger } from '../proof/ledger.ts';
import { databaseServer, postgresPlace } from '../proof/places.ts';
import { ServerProcess } from '../proof/server-process.ts';
import { newShop, openShop } from '../proof/shoppers.ts';

const SKUS = ['SHARED-1', 'SHARED-2', 'SHARED-3', 'SHARED-4'];
const LOAD_MS = 4_000;
const seed = randomInt(2 ** 32);

async function stock(client: HoldfastClient, ledger: Ledger): Promise<void> {
  for (const sku of SKUS) {
    await client.items.put(sku, {});
    const intent = { kind: 'adjust', sku, change: 150, reference: `first-${sku}` } as const;
    await client.items.adjust(sku, { change: 150, reason: 'received', reference: intent.reference }, { waitSeconds: 20 });
    ledger.adjusted(intent);
  }
}

async function settle(client: HoldfastClient, ledger: Ledger): Promise<void> {
  for (const [commandId, intent] of ledger.pending) {
    await expect.poll(async () => (await client.commands.get(commandId)).status, { timeout: 20_000 }).not.toBe('accepted');
    if ((await client.commands.get(commandId)).status === 'applied') ledger.adjusted(intent);
  }
  ledger.pending.clear();
}

/** What a reader of this node sees, once the node has everything. */
async function expectNodeAgrees(client: HoldfastClient, ledger: Ledger, cursor: string): Promise<ReadonlySet<string>> {
  const books = new Books();
  await client.request('GET', '/v1/events', { query: { after: 'now', limit: '1' }, after: cursor });
  await books.readOn(client);
  expect(books.faults).toEqual([]);
  expect(books.oversold).toBe(0);
  for (const sku of SKUS) {
    const expected = ledger.levels([sku]).get(sku);
    expect(books.levelOf(sku)).toEqual(expected);
    expect(await client.items.availability(sku, {}, { after: cursor })).toMatchObject({ ...expected });
    expect(await client.items.check(sku)).toMatchObject({ ok: true });
  }
  await forEach(ledger.holds.values(), 16, async (hold) => {
    const seen = await client.request<Reservation>('GET', `/v1/reservations/${hold.id}`, { after: cursor });
    ledger.expectHold(hold, seen);
  });
  expect(ledger.faults).toEqual([]);
  return books.facts;
}

test.skipIf(databaseServer === undefined)(`two nodes on one database sell one stock (seed ${seed})`, { timeout: 240_000 }, async () => {
  await using place = await postgresPlace();
  await using one = await ServerProcess.start(place);
  await using other = await ServerProcess.start(place);
  const [left, right] = [one.client({ attemptsMax: 6 }), other.client({ attemptsMax: 6 })];
  const visit = newShop(SKUS, seed);
  const { ledger } = visit;
  await stock(left, ledger);
  const until = Date.now() + LOAD_MS;
  await Promise.all([left, right].map((client) => openShop(visit, client, () => Date.now() > until)));
  expect(ledger.unanswered).toEqual([]);
  expect(ledger.faults).toEqual([]);
  expect(ledger.answered.length).toBeGreaterThan(100);
  await settle(left, ledger);

  // A write on each node: together their cursors cover everything.
  const cursors: string[] = [];
  for (const [at, client] of [left, right].entries()) {
    await client.items.put(`LAST-${at}`, {}, { onAnswer: ({ cursor }) => cursors.push(cursor ?? '') });
  }
  const seen = [await expectNodeAgrees(left, ledger, cursors.join(',')), await expectNodeAgrees(right, ledger, cursors.join(','))];
  expect([...(seen[1] ?? [])].sort()).toEqual([...(seen[0] ?? [])].sort());
});
