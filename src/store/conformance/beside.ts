import { expect, test } from 'vitest';
import type { ProjectionStep, Store, Table } from '../store.ts';
import { onFreshPlace, onFreshStore, outcome, PARTITIONS, type Harness, fill } from './harness.ts';
import { onlyIf } from './lifecycle.ts';

const OLD: Table = { name: 'shelf', columns: [{ name: 'sku', type: 'text' }, { name: 'units', type: 'int' }], primaryKey: ['sku'] };
const NEW: Table = { name: 'shelf', columns: [{ name: 'sku', type: 'text' }, { name: 'color', type: 'text' }], primaryKey: ['sku'], indexes: [{ name: 'shelf_by_color', columns: ['color'] }] };

const step = (change: Partial<ProjectionStep>): ProjectionStep => ({ consumer: 'states', checkpoints: [], states: [], deletes: [], upserts: [], ...change });
const shelf = (store: Store): Promise<unknown[]> => store.projections.sql.selectFrom('shelf').selectAll().orderBy('sku').execute();

const oldStep = step({
  checkpoints: [{ log: 0, expected: 0, upTo: 3 }],
  states: [{ key: 'k', log: 0, body: 'old', dueMs: 5 }],
  upserts: [{ table: 'shelf', columns: ['sku', 'units'], rows: [['a', 1]] }],
});
const newStep = step({
  checkpoints: [{ log: 0, expected: 0, upTo: 4 }],
  states: [{ key: 'k', log: 0, body: 'new', dueMs: null }],
  upserts: [{ table: 'shelf', columns: ['sku', 'color'], rows: [['a', 'red'], ['b', 'blue']] }],
});

async function fillOld(store: Store): Promise<void> {
  await store.projections.prepare([OLD], 'form-1');
  await store.projections.apply(oldStep);
}

/** Projections that are made beside the live ones, and then take their place. */
export function besidePromises(harness: Harness): void {
  const withStore = (body: (store: Store) => Promise<void>) => () => onFreshStore(harness, body);

  test('the form is noted once and stays', withStore(async ({ projections }) => {
    expect(await projections.form()).toBeUndefined();
    await projections.prepare([OLD]);
    expect(await projections.form()).toBeUndefined();
    await projections.prepare([OLD], 'form-1');
    await projections.prepare([OLD], 'form-2');
    expect(await projections.form()).toBe('form-1');
  }));

  test('what is made beside is seen by nobody until it is adopted, and then by all', withStore(async (store) => {
    const { projections } = store;
    await fillOld(store);
    await using beside = await projections.beside();
    await beside.projections.prepare([NEW], 'form-2');
    expect(await beside.projections.checkpoints('states')).toEqual([0, 0, 0]);
    expect((await beside.projections.loadStates(0, ['k'])).bodies).toEqual(new Map());
    await beside.projections.apply(newStep);
    expect(await beside.projections.loadStates(0, ['k'])).toEqual({ upTo: 4, bodies: new Map([['k', 'new']]) });
    expect(await projections.loadStates(0, ['k'])).toEqual({ upTo: 3, bodies: new Map([['k', 'old']]) });
    expect(await shelf(store)).toEqual([{ sku: 'a', units: 1 }]);

    await beside.adopt();
    await projections.reopen();
    expect(await projections.form()).toBe('form-2');
    expect(await projections.checkpoints('states')).toEqual([4, 0, 0]);
    expect(await projections.loadStates(0, ['k'])).toEqual({ upTo: 4, bodies: new Map([['k', 'new']]) });
    expect(await projections.dueStates({ dueMs: -1, key: '' }, 99, 10)).toEqual([]);
    expect(await shelf(store)).toEqual([{ sku: 'a', color: 'red' }, { sku: 'b', color: 'blue' }]);
  }));

  test('steps go on from what was adopted', withStore(async (store) => {
    await fillOld(store);
    await using beside = await store.projections.beside();
    await beside.projections.prepare([NEW], 'form-2');
    await beside.projections.apply(newStep);
    await beside.adopt();
    await store.projections.reopen();
    expect(await outcome(store.projections.apply(step({ checkpoints: [{ log: 0, expected: 3, upTo: 5 }] })))).toBe('conflict');
    await store.projections.apply(step({ checkpoints: [{ log: 0, expected: 4, upTo: 5 }], upserts: [{ table: 'shelf', columns: ['sku', 'color'], rows: [['b', 'green']] }] }));
    expect(await shelf(store)).toEqual([{ sku: 'a', color: 'red' }, { sku: 'b', color: 'green' }]);
  }));

  test('what was not adopted is thrown away, and what was there goes on', withStore(async (store) => {
    await fillOld(store);
    {
      await using beside = await store.projections.beside();
      await beside.projections.prepare([NEW], 'form-2');
      await beside.projections.apply(newStep);
    }
    await using again = await store.projections.beside();
    await again.projections.prepare([NEW], 'form-2');
    expect(await again.projections.checkpoints('states')).toEqual([0, 0, 0]);
    await store.projections.apply(step({ checkpoints: [{ log: 0, expected: 3, upTo: 4 }] }));
    expect(await shelf(store)).toEqual([{ sku: 'a', units: 1 }]);
  }));

  test('they may be made again and again', withStore(async (store) => {
    await fillOld(store);
    for (let round = 0; round < 3; round++) {
      await using beside = await store.projections.beside();
      await beside.projections.prepare([NEW], `round-${round}`);
      await beside.projections.apply(newStep);
      await beside.adopt();
      await store.projections.reopen();
      expect(await store.projections.form()).toBe(`round-${round}`);
      expect(await shelf(store)).toHaveLength(2);
    }
  }));

  onlyIf(harness.sharing, 'stores on one place do not see each other')('another handle answers from the old ones or the new ones, and after reopening from the new', () => onFreshPlace(harness, async (place) => {
    await using mine = await harness.open(place);
    await using theirs = await harness.open(place);
    await fillOld(mine);
    expect(await shelf(theirs)).toEqual([{ sku: 'a', units: 1 }]);
    await using beside = await mine.projections.beside();
    await beside.projections.prepare([NEW], 'form-2');
    await beside.projections.apply(newStep);
    await beside.adopt();
    expect([3, 4]).toContain((await theirs.projections.loadStates(0, ['k'])).upTo);
    await theirs.projections.reopen();
    expect((await theirs.projections.loadStates(0, ['k'])).upTo).toBe(4);
    expect(await shelf(theirs)).toHaveLength(2);
    await theirs.projections.apply(step({ checkpoints: [{ log: 0, expected: 4, upTo: 5 }], upserts: [{ table: 'shelf', columns: ['sku', 'color'], rows: [['c', 'grey']] }] }));
    await mine.projections.reopen();
    expect(await shelf(mine)).toHaveLength(3);
  }));

  onlyIf(harness.durable, 'the engine forgets what it held when it is closed')('what was adopted is there when the place is opened again, and what was not is gone', () => onFreshPlace(harness, async (place) => {
    {
      await using store = await harness.open(place);
      // Views that are further than the log would be a damaged log.
      for (let log = 0; log < PARTITIONS; log++) await fill(store.log, log, 10);
      await fillOld(store);
      await using beside = await store.projections.beside();
      await beside.projections.prepare([NEW], 'form-2');
      await beside.projections.apply(newStep);
      await beside.adopt();
      await store.projections.reopen();
      const never = await store.projections.beside();
      await never.projections.prepare([OLD], 'form-3');
    }
    await using again = await harness.open(place);
    expect(again.partitions).toBe(PARTITIONS);
    expect(await again.projections.form()).toBe('form-2');
    expect(await shelf(again)).toHaveLength(2);
  }));
}
