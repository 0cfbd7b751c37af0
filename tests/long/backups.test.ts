import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { backupRounds } from '../proof/backups.ts';

const seed = randomInt(2 ** 32);

test(`ten backups of a busy server, each restored and held to the ledger (seed ${seed})`, { timeout: 2_400_000 }, async () => {
  const report = await backupRounds(10, seed);
  expect(report).toMatchObject({ backups: 10, faults: [] });
});
