import { randomInt } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { below, seededRandom, type Random } from '../../src/base/random.ts';
import { callsMade, contradictions, record, stockShelves, visit, type Recording } from '../proof/histories.ts';
import { databaseServer, postgresPlace, sqlitePlace, type Place } from '../proof/places.ts';
import { ServerProcess } from '../proof/server-process.ts';

const CLIENTS = 64;
const CALLS_EACH = 100;
const HISTORIES = Number(process.env['HOLDFAST_HISTORIES'] ?? 15);
const KILLS_PER_HISTORY = 2;
const seed = Number(process.env['HOLDFAST_HISTORY_SEED'] ?? randomInt(2 ** 32));

/** Clients go on with the server that comes after the one that was killed. */
async function recordWithKills(place: Place, recording: Recording, random: Random): Promise<void> {
  for (let kills = 0; kills <= KILLS_PER_HISTORY; kills++) {
    const server = await ServerProcess.start(place);
    const client = server.client();
    if (kills === 0) await stockShelves(client, recording.skus);
    const clients = Promise.all(Array.from({ length: CLIENTS }, () => visit(recording, client, CALLS_EACH / (KILLS_PER_HISTORY + 1))));
    if (kills < KILLS_PER_HISTORY) {
      await new Promise((resolve) => setTimeout(resolve, 20 + below(random, 250)));
      await server.kill();
    }
    await clients;
    await server.stop();
  }
}

async function expectLinearizable(place: Place): Promise<void> {
  const random = seededRandom(seed);
  let calls = 0;
  for (let history = 1; history <= HISTORIES; history++) {
    const recording = record(seed + history, Array.from({ length: 5 }, (_, at) => `HOT-${history}-${at}`));
    await recordWithKills(place, recording, random);
    expect(contradictions(recording)).toEqual([]);
    calls += callsMade(recording);
  }
  console.log(`${place.engine}: ${HISTORIES} histories of ${calls} calls with ${HISTORIES * KILLS_PER_HISTORY} kills, all linearizable`);
}

describe(`what many clients see across kills could have happened one call after another (seed ${seed})`, () => {
  test('on SQLite', async () => {
    await using place = await sqlitePlace();
    await expectLinearizable(place);
  });

  test.skipIf(databaseServer === undefined)('on PostgreSQL', async () => {
    await using place = await postgresPlace();
    await expectLinearizable(place);
  });
});
