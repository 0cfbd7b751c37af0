import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { backupRounds } from '../proof/backups.ts';

const seed = randomInt(2 ** 32);

test(`backups of a busy server have all that was acknowledged before, nothing that was not said, and books that add up (seed ${seed})`, { timeout: 120_000 }, async () => {
  const report = await backupRounds(2, seed);
  expect(report.faults).toEqual([]);
  expect(report.backups).toBe(2);
  expect(report.facts).toBeGreaterThan(0);
});
