import { randomInt } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { below, seededRandom } from '../../src/base/random.ts';
import { failAt, fillUp } from '../proof/power-loss/failing-disk.ts';
import { canPreload } from '../proof/preloaded.ts';

const FAILURES_MAX = 200;
/** How many of the 200 are tried: all of them where asked. */
const TRIED = Number(process.env['HOLDFAST_DISK_FAILURES'] ?? 6);
const seed = Number(process.env['HOLDFAST_DISK_SEED'] ?? randomInt(2 ** 31));

/** One of each so many, by chance. */
function chosen(): number[] {
  const random = seededRandom(seed);
  const span = FAILURES_MAX / TRIED;
  return Array.from({ length: TRIED }, (_, n) => Math.floor(1 + n * span) + below(random, Math.max(1, Math.floor(span))));
}

describe.runIf(canPreload('the failing disk'))(`a disk that fails (seed ${seed})`, () => {
  test.each(['sync', 'write'] as const)('once, at any %s: nothing is acknowledged on it, nothing is tried again, a restart recovers', { timeout: 7_200_000 }, async (call) => {
    const files = new Map<string, number>();
    let beyond = 0;
    for (const nth of chosen()) {
      const { file, faults } = await failAt(call, nth, seed + nth);
      if (file === undefined) beyond++;
      else expect({ call, nth, file, faults }).toEqual({ call, nth, file, faults: [] });
      if (file !== undefined) files.set(file, (files.get(file) ?? 0) + 1);
    }
    console.log(`failing ${call}s: ${TRIED - beyond} tried, of ${[...files].map(([file, times]) => `${file} ${times}`).join(', ')}; ${beyond} were never reached`);
    expect(files.size).toBeGreaterThan(0);
  });

  test('for want of room refuses writes, answers reads, and heals by itself', async () => {
    const { refusals, readsAnswered, readsFailed, healedMs, faults } = await fillUp(seed, 5);
    console.log(`full disk: writes were answered ${[...refusals].join(', ')}; ${readsAnswered} reads answered; healed ${Math.round(healedMs)} ms after there was room`);
    expect({ readsFailed, faults }).toEqual({ readsFailed: 0, faults: [] });
    expect([...refusals].every((refusal) => refusal === '507 storage-full' || refusal.startsWith('503 '))).toBe(true);
    expect(healedMs).toBeLessThan(5_000);
  });
});
