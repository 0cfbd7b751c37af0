import { randomInt } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { DAMAGES, damageAll, makeSound } from '../proof/damage.ts';

const TIMES = Number(process.env['HOLDFAST_DAMAGES'] ?? 150);
const seed = Number(process.env['HOLDFAST_DAMAGE_SEED'] ?? randomInt(2 ** 31));

describe.each(['stopped', 'killed'] as const)(`the files of a store that was %s (seed ${seed})`, (end) => {
  test(`damaged ${TIMES} times in each way, never say what is not so`, { timeout: 3_600_000 }, async () => {
    using sound = await makeSound(end, seed);
    for (const [way, damage] of Object.entries(DAMAGES)) {
      const { named, harmless, wrong } = await damageAll(sound, damage, TIMES, seededRandom(seed));
      console.log(`${end}, ${way}: ${named} named, ${harmless} harmless, ${wrong.length} wrong`);
      expect(wrong).toEqual([]);
    }
  });
});
