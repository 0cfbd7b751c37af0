/**
 * The promises of `store.ts` as tests that every engine runs: one file a promise. An engine calls `conformance` from
 * its own test file with a {@link Harness} that says how to make, open and discard a database. What an engine cannot
 * offer is skipped with the reason in the title.
 *
 * Run one seed again with HOLDFAST_SEED=<the number in the title>.
 */
import { describe } from 'vitest';
import { appendPromises } from './append.ts';
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
import { viewPromises } from './views.ts';

export { PARTITIONS, type Harness } from './harness.ts';
export { writeForever } from './endless-writer.ts';

export function conformance(name: string, harness: Harness): void {
  describe(`${name} keeps the store's promises`, () => {
    describe('opening and closing', () => lifecyclePromises(harness));
    describe('append', () => appendPromises(harness));
    describe('read', () => readPromises(harness));
    describe('projections', () => projectionPromises(harness));
    describe('views', () => viewPromises(harness));
    describe('queue', () => queuePromises(harness));
    describe('leases', () => leasePromises(harness));
    describe('settings', () => settingsPromises(harness));
    describe('concurrency', () => concurrencyPromises(harness));
    describe('crash', () => crashPromises(harness));
    describe('model', () => modelPromises(harness));
  });
}
