import { expect, test } from 'vitest';
import { simulate } from '../simulation/simulation.ts';

const FIRST = Number(process.env['SIM_FIRST'] ?? 1_000);
const COUNT = Number(process.env['SIM_COUNT'] ?? 5_000);

test(`${COUNT} more histories keep every promise, each longer than the short ones`, async () => {
  for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
    const { errors } = await simulate(seed, seed % 10 === 0 ? 2_000 : 400);
    expect(errors, `seed ${seed} failed; for this seed alone: HOLDFAST_LONG=1 SIM_FIRST=${seed} SIM_COUNT=1 npx vitest run tests/long/simulation`).toEqual([]);
  }
});
