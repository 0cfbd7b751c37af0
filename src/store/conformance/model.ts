import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Store } from '../store.ts';
import { LONG, onFreshStore, SEED, type Harness } from './harness.ts';
import { commands, type Command } from './model-commands.ts';
import { MODEL_TABLE, run, start } from './model-run.ts';

const RUNS = LONG ? 400 : 40;
const COMMANDS_MAX = 80;
const TIME_MS = RUNS * 3_000;

/**
 * Random commands over the whole port are given to the engine and to the memory engine one after another, and every
 * answer of the one must be the answer of the other. fast-check then shortens what failed to the few commands that
 * matter.
 */
export function modelPromises(harness: Harness): void {
  test(
    `gives the answers of the memory engine to ${RUNS} runs of random commands (seed ${SEED})`,
    async () => {
      const property = fc.asyncProperty(fc.array(commands, { maxLength: COMMANDS_MAX, size: 'max' }), (script) =>
        onFreshStore(harness, async (engine) => {
          await using reference = await harness.reference();
          await play(script, engine, reference);
        }),
      );
      // Shrinking ends in good time, so that what it has found by then is reported and not a timeout.
      await fc.assert(property, { seed: SEED, numRuns: RUNS, interruptAfterTimeLimit: TIME_MS * 0.8 });
    },
    TIME_MS,
  );
}

async function play(script: readonly Command[], engine: Store, reference: Store): Promise<void> {
  await engine.projections.prepare([MODEL_TABLE]);
  await reference.projections.prepare([MODEL_TABLE]);
  const context = start();
  for (const command of script) {
    // Both are asked in the light of what the reference has answered so far, so that both hear the same question.
    const right = await run(command, reference, context);
    const answer = await run(command, engine, context);
    expect({ command, ...answer }).toEqual({ command, ...right });
    right.learn?.(context);
  }
}
