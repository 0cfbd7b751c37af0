import { randomInt } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { crashRounds } from '../proof/crashes.ts';
import { databaseServer, postgresPlace, sqlitePlace } from '../proof/places.ts';

const ZEROES = { oversoldUnits: 0, lostHolds: 0, factsThatDoNotAddUp: 0, faults: [] };

describe('killed at random moments under load', { timeout: 600_000 }, () => {
  const seed = randomInt(2 ** 32);

  test(`keeps every promise on SQLite (seed ${seed})`, async () => {
    await using place = await sqlitePlace();
    expect(await crashRounds(place, { rounds: 5, seed })).toMatchObject(ZEROES);
  });

  test.skipIf(databaseServer === undefined)(`keeps every promise on PostgreSQL (seed ${seed})`, async () => {
    await using place = await postgresPlace();
    expect(await crashRounds(place, { rounds: 3, seed })).toMatchObject(ZEROES);
  });
});
