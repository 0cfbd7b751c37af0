/**
 * The promises of `store.ts` as tests that every engine runs: one file a promise. An engine calls `conformance` from
 * its own test file with a {@link Harness} that says how to make, open and discard a database. What an engine cannot
 * offer is skipped with the reason in the title. The child that the kit kills
 * comes in by `endless-writer.ts`, because it runs outside the test runner.
 *
 * Run one seed again with HOLDFAST_SEED=<the number in the title>.
 */
import { describe } from 'vitest';
import { appendPromises } from './append.ts';
import { besidePromises } from './beside.ts';
import { concurrencyPromises } from './concurrency.ts';
import { crashPromises } from './crash.ts';
import type { Harness } from './harness.ts';
import { leasePromises } from './leases.ts';
import { lifecyclePromises } from './lifecycle.ts';
import { modelPromises } from './model.ts';
import { projectionPromises } from './projections.ts';
import { queuePromises } from './queue.ts';
import { readPromises } from './read.ts';
import { settingsPromises } from './settings.ts';
import { transferPromises } from './transfer.ts';
import { viewPromises } from './views.ts';

export { coldStoreConformance } from './cold-store.ts';
export { PARTITIONS, type Harness } from './harness.ts';

export function conformance(name: string, harness: Harness): void {
  const promise = (title: string, tests: (harness: Harness) => void): void => {
    describe(title, () => {
      tests(harness);
    });
  };
  describe(`${name} keeps the store's promises`, () => {
    promise('opening and closing', lifecyclePromises);
    promise('append', appendPromises);
    promise('read', readPromises);
    promise('projections', projectionPromises);
    promise('views', viewPromises);
    promise('beside', besidePromises);
    promise('queue', queuePromises);
    promise('leases', leasePromises);
    promise('settings', settingsPromises);
    promise('transfer', transferPromises);
    promise('concurrency', concurrencyPromises);
    promise('crash', crashPromises);
    promise('model', modelPromises);
  });
}
