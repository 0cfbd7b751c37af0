import { expect, test } from 'vitest';
import { archiveKills } from '../proof/archive-kills.ts';

const ROUNDS = Number(process.env['HOLDFAST_ARCHIVE_KILL_ROUNDS'] ?? 60);

test(`${ROUNDS} kills in the middle of archiving lose nothing and leave nothing twice`, async () => {
  const report = await archiveKills(ROUNDS);
  console.log(`archive: ${report.kills} kills (${Object.entries(report.points).map(([point, count]) => `${point} ${count}`).join(', ')}), ${report.acknowledged} commits acknowledged, ${report.archived} archived and trimmed`);
  expect(report).toMatchObject({ kills: ROUNDS, faults: [] });
  expect(report.archived).toBeGreaterThan(0);
});
