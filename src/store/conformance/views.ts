import { expect, test } from 'vitest';
import type { Cell, ProjectionStep, Store, Table } from '../store.ts';
import { onFreshPlace, onFreshStore, type Harness } from './harness.ts';
import { onlyIf } from './lifecycle.ts';

/** Every kind of column, a key of two columns and a name that is a word of SQL. */
const SHELF: Table = {
  name: 'shelf',
  columns: [
    { name: 'place', type: 'text' },
    { name: 'order', type: 'int' },
    { name: 'label', type: 'text', nullable: true },
    { name: 'units', type: 'int', nullable: true },
    { name: 'name', type: 'text' },
    { name: 'count', type: 'int' },
  ],
  primaryKey: ['place', 'order'],
  indexes: [
    { name: 'shelf_by_label', columns: ['label', 'place'] },
    { name: 'shelf_by_units', columns: ['units'], where: 'units IS NOT NULL' },
  ],
};
const COLUMNS = SHELF.columns.map(({ name }) => name);

/** A table that is nothing but its key. */
const TAG: Table = { name: 'tag', columns: [{ name: 'sku', type: 'text' }, { name: 'tag', type: 'text' }], primaryKey: ['sku', 'tag'] };

function step(change: Partial<ProjectionStep>): ProjectionStep {
  return { consumer: 'views', checkpoints: [], states: [], deletes: [], upserts: [], ...change };
}

function shelf(...rows: (readonly Cell[])[]): ProjectionStep {
  return step({ upserts: [{ table: 'shelf', columns: COLUMNS, rows }] });
}

async function rows({ projections }: Store): Promise<Cell[][]> {
  const found = (await projections.sql.selectFrom('shelf').selectAll().orderBy('place').orderBy('order').execute()) as Record<string, Cell>[];
  return found.map((row) => COLUMNS.map((name) => row[name] ?? null));
}

export function viewPromises(harness: Harness): void {
  const withShelf = (body: (store: Store) => Promise<void>) => () =>
    onFreshStore(harness, async (store) => {
      await store.projections.prepare([SHELF, TAG]);
      await body(store);
    });

  test('rows of every column type come back as they were written', withShelf(async (store) => {
    const written: Cell[][] = [
      ['a', -1, null, null, '', 0],
      ['a', 0, 'it\'s "quoted" \\ % _ ?', Number.MAX_SAFE_INTEGER, 'é😀', Number.MIN_SAFE_INTEGER],
      ['b', 7, '12', 1, '1e3', 2_147_483_648],
    ];
    await store.projections.apply(shelf(...written));
    expect(await rows(store)).toEqual(written);
  }));

  test('a row with a known key replaces the row, another key is another row', withShelf(async (store) => {
    await store.projections.apply(shelf(['a', 1, 'x', 1, 'n', 1], ['a', 2, 'x', 1, 'n', 1]));
    await store.projections.apply(shelf(['a', 1, null, 5, 'm', 2], ['A', 1, 'x', 1, 'n', 1]));
    expect(await rows(store)).toEqual([['A', 1, 'x', 1, 'n', 1], ['a', 1, null, 5, 'm', 2], ['a', 2, 'x', 1, 'n', 1]]);
  }));

  test('columns may be named in any order', withShelf(async (store) => {
    await store.projections.apply(step({ upserts: [{ table: 'shelf', columns: COLUMNS.toReversed(), rows: [[1, 'n', 2, 'x', 3, 'a']] }] }));
    expect(await rows(store)).toEqual([['a', 3, 'x', 2, 'n', 1]]);
  }));

  test('a table that is nothing but its key takes the same row twice', withShelf(async ({ projections }) => {
    const tags = step({ upserts: [{ table: 'tag', columns: ['sku', 'tag'], rows: [['tea', 'hot'], ['tea', 'new']] }] });
    await projections.apply(tags);
    await projections.apply(tags);
    expect(await projections.sql.selectFrom('tag').selectAll().orderBy('tag').execute()).toEqual([{ sku: 'tea', tag: 'hot' }, { sku: 'tea', tag: 'new' }]);
  }));

  test('rows are deleted by any column, text or int', withShelf(async (store) => {
    const row = (place: string, order: number, units: number): Cell[] => [place, order, null, units, 'n', 0];
    await store.projections.apply(shelf(row('a', 1, 1), row('a', 2, 2), row('b', 1, 3), row('b', 2, 4), row('c', 1, 5)));
    await store.projections.apply(step({ deletes: [{ table: 'shelf', column: 'place', values: ['a', 'nowhere'] }, { table: 'shelf', column: 'units', values: [4, 5, 99] }] }));
    expect(await rows(store)).toEqual([row('b', 1, 3)]);
  }));

  test('deletes come before upserts, so that a step can lay out a key anew', withShelf(async (store) => {
    await store.projections.apply(shelf(['a', 1, 'old', 1, 'n', 0], ['a', 2, 'old', 1, 'n', 0]));
    await store.projections.apply({ ...shelf(['a', 1, 'new', 1, 'n', 0]), deletes: [{ table: 'shelf', column: 'place', values: ['a'] }] });
    expect(await rows(store)).toEqual([['a', 1, 'new', 1, 'n', 0]]);
  }));

  test('empty lists of rows and values change nothing', withShelf(async (store) => {
    await store.projections.apply(shelf(['a', 1, null, null, 'n', 0]));
    await store.projections.apply({ ...shelf(), deletes: [{ table: 'shelf', column: 'place', values: [] }] });
    expect(await rows(store)).toEqual([['a', 1, null, null, 'n', 0]]);
  }));

  test('thousands of rows are written and deleted in one step', withShelf(async (store) => {
    const many = Array.from({ length: 1500 }, (_, n): Cell[] => ['many', n, null, n, 'n', n % 7]);
    await store.projections.apply(shelf(...many));
    expect(await rows(store)).toEqual(many);
    await store.projections.apply(step({ deletes: [{ table: 'shelf', column: 'order', values: many.slice(1).map((_, n) => n + 1) }] }));
    expect(await rows(store)).toEqual(many.slice(0, 1));
  }));

  const wrong: [string, Partial<ProjectionStep>][] = [
    ['a null where there must be a value', { upserts: [{ table: 'shelf', columns: COLUMNS, rows: [['z', 1, null, null, null, 0]] }] }],
    ['text in a column of integers', { upserts: [{ table: 'shelf', columns: COLUMNS, rows: [['z', 1, null, 'many', 'n', 0]] }] }],
    ['a table that is not there', { upserts: [{ table: 'nowhere', columns: ['a'], rows: [[1]] }] }],
    ['a column that is not there', { deletes: [{ table: 'shelf', column: 'nowhere', values: [1] }] }],
  ];
  for (const [what, bad] of wrong) {
    test(`a step with ${what} is refused whole`, withShelf(async (store) => {
      await store.projections.apply({ ...shelf(['a', 1, null, null, 'n', 0]), checkpoints: [{ log: 0, expected: 0, upTo: 1 }] });
      const good = shelf(['b', 1, null, null, 'n', 0]);
      const mixed = step({
        checkpoints: [{ log: 0, expected: 1, upTo: 2 }],
        states: [{ key: 'k', log: 0, body: '1', dueMs: 1 }],
        deletes: [{ table: 'shelf', column: 'place', values: ['a'] }, ...(bad.deletes ?? [])],
        upserts: [...good.upserts, ...(bad.upserts ?? [])],
      });
      await expect(store.projections.apply(mixed)).rejects.toBeInstanceOf(Error);
      expect(await rows(store)).toEqual([['a', 1, null, null, 'n', 0]]);
      expect(await store.projections.checkpoints('views')).toEqual([1, 0, 0]);
      expect((await store.projections.loadStates(0, ['k'])).bodies.size).toBe(0);
      await store.projections.apply(good);
      expect(await rows(store)).toHaveLength(2);
    }));
  }

  test('a step that finds its checkpoint moved changes no row', withShelf(async (store) => {
    await store.projections.apply({ ...shelf(['a', 1, 'first', null, 'n', 0]), checkpoints: [{ log: 0, expected: 0, upTo: 1 }] });
    const late = { ...shelf(['a', 1, 'late', null, 'n', 0], ['b', 1, 'late', null, 'n', 0]), checkpoints: [{ log: 0, expected: 0, upTo: 2 }], deletes: [{ table: 'shelf', column: 'place', values: ['a'] }] };
    await expect(store.projections.apply(late)).rejects.toMatchObject({ code: 'conflict' });
    expect(await rows(store)).toEqual([['a', 1, 'first', null, 'n', 0]]);
  }));

  test('questions filter, join, group, order by code unit and page', withShelf(async ({ projections }) => {
    await projections.apply(shelf(['a', 1, 'x', 5, 'n', 1], ['a', 2, 'x', 7, 'n', 1], ['B', 1, 'y', 1, 'n', 1], ['_', 1, null, null, 'n', 1]));
    await projections.apply(step({ upserts: [{ table: 'tag', columns: ['sku', 'tag'], rows: [['a', 'hot']] }] }));
    const { sql } = projections;
    const places = await sql.selectFrom('shelf').select('place').distinct().orderBy('place').execute();
    expect(places).toEqual([{ place: 'B' }, { place: '_' }, { place: 'a' }]);
    const hot = await sql.selectFrom('shelf').innerJoin('tag', 'tag.sku', 'shelf.place').select(['shelf.order', 'tag.tag']).where('units', '>', 5).execute();
    expect(hot).toEqual([{ order: 2, tag: 'hot' }]);
    const sums = await sql.selectFrom('shelf').select(({ fn }) => ['place', fn.countAll().as('n'), fn.sum('units').as('units')]).groupBy('place').orderBy('place').limit(2).offset(1).execute();
    // Databases differ in the type of a sum; whoever asks converts it.
    expect(sums.map(({ place, n, units }) => [place, Number(n), units === null ? null : Number(units)])).toEqual([['_', 1, null], ['a', 2, 12]]);
  }));

  test('rows that are not there just so are named, where that can be asked', withShelf(async ({ projections }) => {
    const there: Cell[][] = [['a', 1, null, Number.MAX_SAFE_INTEGER, 'é😀', 0], ['b', 2, 'x', null, '', -1]];
    await projections.apply(shelf(...there));
    const others: Cell[][] = [['a', 1, 'x', Number.MAX_SAFE_INTEGER, 'é😀', 0], ['b', 2, 'x', null, '', 0], ['b', 3, 'x', null, '', -1], ['b', 2, 'x', 0, '', -1]];
    const unlike = (asked: readonly Cell[][]) => projections.unlike?.('shelf', COLUMNS, asked);
    expect((await unlike([...there, ...others])) ?? [2, 3, 4, 5]).toEqual([2, 3, 4, 5]);
    expect((await unlike(there)) ?? []).toEqual([]);
  }));

  test('rows are counted, where that can be asked', withShelf(async ({ projections }) => {
    await projections.apply(shelf(['a', 1, null, null, 'n', 0], ['b', 1, null, null, 'n', 0]));
    expect([(await projections.count?.('shelf')) ?? 2, (await projections.count?.('tag')) ?? 0]).toEqual([2, 0]);
  }));

  test('a question that would write is refused', withShelf(async (store) => {
    await store.projections.apply(shelf(['a', 1, null, null, 'n', 0]));
    await expect(store.projections.sql.deleteFrom('shelf').execute()).rejects.toBeInstanceOf(Error);
    expect(await rows(store)).toHaveLength(1);
  }));

  test('preparing again, also by two at once, keeps what is there', () =>
    onFreshPlace(harness, async (place) => {
      await using store = await harness.open(place);
      await Promise.all([store.projections.prepare([SHELF]), store.projections.prepare([SHELF, TAG])]);
      await store.projections.apply(shelf(['a', 1, null, null, 'n', 0]));
      await store.projections.prepare([TAG, SHELF]);
      expect(await rows(store)).toHaveLength(1);
    }));

  onlyIf(harness.sharing, 'stores on one place do not see each other')('two stores may prepare the same tables at once', () =>
    onFreshPlace(harness, async (place) => {
      await using mine = await harness.open(place);
      await using theirs = await harness.open(place);
      await Promise.all([mine.projections.prepare([SHELF, TAG]), theirs.projections.prepare([TAG, SHELF])]);
      await mine.projections.apply(shelf(['a', 1, null, null, 'n', 0]));
      expect(await rows(theirs)).toHaveLength(1);
    }));
}
