import { expect, test } from 'vitest';
import { simulate } from '../simulation/simulation.ts';

const FIRST = Number(process.env['SIM_FIRST'] ?? 1_000);
const COUNT = Number(process.env['SIM_COUNT'] ?? 2_000);
/** A history takes a tenth of a second of processor time; a busy machine gets fifteen times as long. */
const SEED_MS = 1_500;
const FAILURES_MAX = 5;

test(`${COUNT} more histories keep every promise, each longer than the short ones`, { timeout: 60_000 + COUNT * SEED_MS }, async () => {
  const failures: { errors: readonly string[]; again: string }[] = [];
  for (let seed = FIRST; seed < FIRST + COUNT && failures.length < FAILURES_MAX; seed++) {
    const { errors } = await simulate(seed, seed % 50 === 0 ? 2_000 : 400);
    if (errors.length > 0) {
      failures.push({ errors, again: `HOLDFAST_LONG=1 SIM_FIRST=${seed} SIM_COUNT=1 npx vitest run tests/long/simulation` });
      console.log(JSON.stringify(failures.at(-1))); // at once: the others may take hours
    }
    if ((seed - FIRST + 1) % 1_000 === 0) console.log(`${seed - FIRST + 1} histories, the last from seed ${seed}: ${failures.length} failed`);
  }
  expect(failures).toEqual([]);
});
