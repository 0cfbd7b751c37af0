import { expect, test } from 'vitest';
import { openMemory } from '../../engines/memory/memory.ts';
import type { Cell } from '../../store/store.ts';
import { SWEEP_PAGE, SWEEP_PAGES_UNSAVED } from './limits.ts';
import { Sweep, SWEEP_TABLE, type Batch } from './sweep.ts';

const skuOf = (i: number): string => `item-${String(i).padStart(6, '0')}`;

async function shelves(items: number) {
  const store = openMemory({ partitions: 1 });
  await store.projections.prepare([SWEEP_TABLE, { name: 'items', columns: [{ name: 'sku', type: 'text' }], primaryKey: ['sku'] }]);
  const put = (table: string, columns: string[], rows: Cell[][], deletes: string[] = []) =>
    store.projections.apply({ consumer: 'a test', checkpoints: [], states: [], deletes: deletes.length > 0 ? [{ table, column: columns[0] ?? '', values: deletes }] : [], upserts: rows.length > 0 ? [{ table, columns, rows }] : [] });
  await put('items', ['sku'], Array.from({ length: items }, (_, i) => [skuOf(i)]));
  const covered: number[] = [];
  let head = 0;
  const views = { heads: () => [++head], cover: async ([position = 0]: readonly number[]) => void covered.push(position) };
  return {
    covered,
    sweep: () => new Sweep(store.projections.sql, views),
    /** What the checkpoint of the consumer would take along. */
    async save(sweep: Sweep): Promise<void> {
      const [rows, gone]: [Cell[][], string[]] = [[], []];
      sweep.save({ put: (_, row) => void rows.push([...row]), remove: (_, key) => void gone.push(String(key)) });
      await put('price_sweeps', ['id', 'body'], rows, gone);
    },
  };
}

/** Takes the next batch, waiting for a page where need be; undefined at the end. */
async function next(sweep: Sweep, count: number): Promise<Batch | undefined> {
  let failed: Error | undefined;
  while (sweep.isRunning) {
    const batch = sweep.take(count, { page: () => undefined, failure: (error) => (failed = error as Error) });
    if (batch) return batch;
    if (failed) throw failed;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return undefined;
}

async function rest(sweep: Sweep): Promise<string[]> {
  const seen: string[] = [];
  for (let batch = await next(sweep, 700); batch; batch = await next(sweep, 700)) {
    seen.push(...batch.skus);
    sweep.done(batch);
  }
  return seen;
}

test('all items are looked at once, in their order', async () => {
  const { sweep: made } = await shelves(2 * SWEEP_PAGE + 5);
  const sweep = made();
  sweep.begin(7);
  expect(sweep.status).toEqual({ state: 'running', done: 0, total: 0, startedAt: 7 });
  expect(await rest(sweep)).toEqual(Array.from({ length: 2 * SWEEP_PAGE + 5 }, (_, i) => skuOf(i)));
  expect(sweep.status).toEqual({ state: 'idle', done: 0, total: 0, startedAt: null });
});

test('progress counts what is done with', async () => {
  const { sweep: made } = await shelves(SWEEP_PAGE + 100);
  const sweep = made();
  sweep.begin(7);
  const batch = await next(sweep, 600);
  expect(sweep.status).toMatchObject({ done: 0, total: SWEEP_PAGE + 100 });
  if (batch) sweep.done(batch);
  expect(sweep.status).toMatchObject({ state: 'running', done: 600, total: SWEEP_PAGE + 100 });
});

test('after a restart it goes on with the oldest page that is not done with', async () => {
  const { sweep: made, save } = await shelves(3 * SWEEP_PAGE);
  const sweep = made();
  sweep.begin(7);
  const first = await next(sweep, SWEEP_PAGE);
  const second = await next(sweep, SWEEP_PAGE);
  expect(second?.skus[0]).toBe(skuOf(SWEEP_PAGE));
  if (second) sweep.done(second);
  await save(sweep);
  const early = made();
  await early.open();
  expect((await rest(early))[0]).toBe(skuOf(0));
  if (first) sweep.done(first);
  await save(sweep);
  const late = made();
  await late.open();
  expect(await rest(late)).toEqual(Array.from({ length: SWEEP_PAGE }, (_, i) => skuOf(2 * SWEEP_PAGE + i)));
  await rest(sweep);
  await save(sweep);
  const over = made();
  await over.open();
  expect(over.isRunning).toBe(false);
});

test('what is done with for an earlier one does not count', async () => {
  const { sweep: made } = await shelves(100);
  const sweep = made();
  sweep.begin(7);
  const before = await next(sweep, 50);
  sweep.begin(8);
  if (before) sweep.done(before);
  expect(await rest(sweep)).toHaveLength(100);
});

test('the views are waited for where too many pages are not in them', async () => {
  const { sweep: made, covered } = await shelves((SWEEP_PAGES_UNSAVED + 3) * SWEEP_PAGE);
  const sweep = made();
  sweep.begin(7);
  await rest(sweep);
  // Once for items described before the change; then for those of the pages that lie so far back.
  expect(covered.length).toBeGreaterThanOrEqual(3);
  expect(covered).toEqual(covered.toSorted((a, b) => a - b));
});
