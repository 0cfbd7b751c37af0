import { randomInt } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { callsMade, contradictions, record, stockShelves, visit } from '../proof/histories.ts';
import { databaseServer, postgresPlace, sqlitePlace, type Place } from '../proof/places.ts';
import { ServerProcess } from '../proof/server-process.ts';

const CLIENTS = 32;
const CALLS_EACH = 40;

async function expectLinearizable(place: Place, histories: number, seed: number): Promise<void> {
  await using server = await ServerProcess.start(place);
  for (let history = 1; history <= histories; history++) {
    const client = server.client();
    const recording = record(seed + history, [`HOT-${history}-A`, `HOT-${history}-B`, `HOT-${history}-C`]);
    await stockShelves(client, recording.skus);
    await Promise.all(Array.from({ length: CLIENTS }, () => visit(recording, client, CALLS_EACH)));
    expect(contradictions(recording)).toEqual([]);
    expect(callsMade(recording)).toBeGreaterThanOrEqual(CLIENTS * CALLS_EACH);
    for (const sku of recording.skus) expect(await client.items.check(sku)).toMatchObject({ ok: true });
  }
}

describe('what many clients see at once could have happened one call after another', { timeout: 60_000 }, () => {
  const seed = randomInt(2 ** 32);

  test(`on SQLite (seed ${seed})`, async () => {
    await using place = await sqlitePlace();
    await expectLinearizable(place, 5, seed);
  });

  test.skipIf(databaseServer === undefined)(`on PostgreSQL (seed ${seed})`, async () => {
    await using place = await postgresPlace();
    await expectLinearizable(place, 3, seed);
  });
});
