import { randomInt } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { crashRounds, type CrashReport } from '../proof/crashes.ts';
import { databaseServer, postgresPlace, sqlitePlace, type Place } from '../proof/places.ts';

const ROUNDS = Number(process.env['HOLDFAST_KILL_ROUNDS'] ?? 30);
const seed = Number(process.env['HOLDFAST_KILL_SEED'] ?? randomInt(2 ** 32));

/** The three numbers are said also where they are as they should be. */
async function prove(place: Place): Promise<CrashReport> {
  const report = await crashRounds(place, ROUNDS, seed, 'points');
  const { kills, atPoints, during, startsMs, acknowledged, imported, unanswered, facts, oversoldUnits, lostHolds, factsThatDoNotAddUp } = report;
  console.log(`${place.engine}: ${kills} kills, ${acknowledged} requests acknowledged and ${imported} lines imported, ${unanswered} left without an answer, ${facts} facts`);
  const slowest = startsMs.toSorted((a, b) => a - b);
  console.log(`${place.engine}: kills at named points ${JSON.stringify(atPoints)}, and so during ${JSON.stringify(during)}; ready after ${Math.round(slowest[Math.floor(slowest.length / 2)] ?? 0)} ms (median), ${Math.round(slowest.at(-1) ?? 0)} ms (slowest)`);
  console.log(`${place.engine}: oversold units ${oversoldUnits}, lost acknowledged holds ${lostHolds}, facts that do not add up ${factsThatDoNotAddUp}`);
  return report;
}

describe(`kill -9 at ${ROUNDS} random moments under load (seed ${seed})`, { timeout: ROUNDS * 30_000 }, () => {
  const zeroes = { kills: ROUNDS, oversoldUnits: 0, lostHolds: 0, factsThatDoNotAddUp: 0, faults: [] };

  test('loses, doubles and oversells nothing on SQLite', async () => {
    await using place = await sqlitePlace();
    const report = await prove(place);
    expect(report).toMatchObject(zeroes);
    // Half of all kills are in the middle of a snapshot, of archiving, of an import or of a migration.
    expect(Object.values(report.during).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(Math.floor((ROUNDS - 1) / 2));
  });

  test.skipIf(databaseServer === undefined)('loses, doubles and oversells nothing on PostgreSQL', async () => {
    await using place = await postgresPlace();
    expect(await prove(place)).toMatchObject(zeroes);
  });
});
