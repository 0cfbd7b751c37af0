import { expect, test } from 'vitest';
import type { ProjectionStep, StateRow, Store } from '../store.ts';
import { onFreshPlace, onFreshStore, outcome, type Harness } from './harness.ts';
import { onlyIf } from './lifecycle.ts';

/** A step of the consumer `states` on log 0 unless told otherwise. */
function step(change: Partial<ProjectionStep>): ProjectionStep {
  return { consumer: 'states', checkpoints: [], states: [], deletes: [], upserts: [], ...change };
}

function state(key: string, body: string | null, dueMs: number | null = null, log = 0): StateRow {
  return { key, log, body, dueMs };
}

const START = { dueMs: -1, key: '' };

export function projectionPromises(harness: Harness): void {
  const withStore = (body: (store: Store) => Promise<void>) => () => onFreshStore(harness, body);

  test('a step moves the checkpoints of its consumer, and of no other', withStore(async ({ projections }) => {
    await projections.apply(step({ consumer: 'a', checkpoints: [{ log: 0, expected: 0, upTo: 4 }, { log: 2, expected: 0, upTo: 1 }] }));
    await projections.apply(step({ consumer: 'a', checkpoints: [{ log: 2, expected: 1, upTo: 9 }] }));
    await projections.apply(step({ consumer: 'b', checkpoints: [{ log: 1, expected: 0, upTo: 2 }] }));
    expect(await projections.checkpoints('a')).toEqual([4, 0, 9]);
    expect(await projections.checkpoints('b')).toEqual([0, 2, 0]);
    expect(await projections.checkpoints('nobody')).toEqual([0, 0, 0]);
  }));

  test('a step whose checkpoint is not where it expects it is a conflict and changes nothing', withStore(async ({ projections }) => {
    await projections.apply(step({ checkpoints: [{ log: 0, expected: 0, upTo: 2 }], states: [state('k', 'two', 5)] }));
    for (const expected of [0, 1, 3]) {
      const late = step({ checkpoints: [{ log: 1, expected: 0, upTo: 1 }, { log: 0, expected, upTo: 4 }], states: [state('k', 'late', 9), state('new', 'late', 9)] });
      expect(await outcome(projections.apply(late))).toBe('conflict');
    }
    expect(await projections.checkpoints('states')).toEqual([2, 0, 0]);
    expect(await projections.loadStates(0, ['k', 'new'])).toEqual({ upTo: 2, bodies: new Map([['k', 'two']]) });
    expect(await projections.dueStates(START, 99, 10)).toEqual([{ key: 'k', log: 0, dueMs: 5 }]);
  }));

  test('repeating a step is a conflict, so nothing is counted twice', withStore(async ({ projections }) => {
    const once = step({ checkpoints: [{ log: 0, expected: 0, upTo: 1 }] });
    await projections.apply(once);
    expect(await outcome(projections.apply(once))).toBe('conflict');
  }));

  test('states are replaced, removed by null, and loaded only for the keys asked for', withStore(async ({ projections }) => {
    await projections.apply(step({ checkpoints: [{ log: 0, expected: 0, upTo: 1 }], states: [state('a', '1'), state('b', '{"x":"é😀"}'), state('c', '3')] }));
    await projections.apply(step({ checkpoints: [{ log: 0, expected: 1, upTo: 2 }], states: [state('a', '11'), state('c', null), state('never', null)] }));
    expect(await projections.loadStates(0, ['a', 'b', 'c', 'never', 'unknown'])).toEqual({ upTo: 2, bodies: new Map([['a', '11'], ['b', '{"x":"é😀"}']]) });
    expect(await projections.loadStates(0, ['b'])).toEqual({ upTo: 2, bodies: new Map([['b', '{"x":"é😀"}']]) });
    expect(await projections.loadStates(0, [])).toEqual({ upTo: 2, bodies: new Map() });
    expect((await projections.loadStates(1, [])).upTo).toBe(0);
  }));

  test('keys are compared exactly: by case, by spaces and by wildcards', withStore(async ({ projections }) => {
    const keys = ['k', 'K', 'k ', 'k%', 'k_', "k'", 'k"', 'k\\', 'é', 'e\u0301'];
    await projections.apply(step({ states: keys.map((key, n) => state(key, String(n))) }));
    expect((await projections.loadStates(0, keys)).bodies).toEqual(new Map(keys.map((key, n) => [key, String(n)])));
    expect((await projections.loadStates(0, ['K%', 'k__'])).bodies).toEqual(new Map());
  }));

  test('thousands of states are written in one step and loaded in one call', withStore(async ({ projections }) => {
    const keys = Array.from({ length: 3000 }, (_, n) => `k${n}`);
    await projections.apply(step({ states: keys.map((key) => state(key, `"${key}"`)) }));
    const { bodies } = await projections.loadStates(0, keys);
    expect(bodies).toEqual(new Map(keys.map((key) => [key, `"${key}"`])));
  }));

  test('loaded states and their checkpoint are from one instant while steps are applied', withStore(async ({ projections }) => {
    const keys = Array.from({ length: 20 }, (_, n) => `k${n}`);
    const steps = 150;
    const progress = { applied: 0 };
    const applying = (async () => {
      for (let n = 1; n <= steps; n++) {
        await projections.apply(step({ checkpoints: [{ log: 0, expected: n - 1, upTo: n }], states: keys.map((key) => state(key, String(n))) }));
        progress.applied = n;
      }
    })();
    while (progress.applied < steps) {
      const cuts = await Promise.all([projections.loadStates(0, keys), projections.loadStates(0, keys)]);
      for (const { upTo, bodies } of cuts) {
        expect([...new Set(bodies.values())]).toEqual(upTo === 0 ? [] : [String(upTo)]);
        expect(bodies.size).toBe(upTo === 0 ? 0 : keys.length);
      }
    }
    await applying;
    expect((await projections.loadStates(0, keys)).upTo).toBe(steps);
  }));

  test('steps sent without waiting are applied one after another or refused, never in part', withStore(async ({ projections }) => {
    const outcomes = await Promise.all([1, 2, 3, 4].map((n) => outcome(projections.apply(step({ checkpoints: [{ log: 0, expected: 0, upTo: n }], states: [state('k', String(n))] })))));
    expect(outcomes.toSorted()).toEqual(['conflict', 'conflict', 'conflict', 'ok']);
    const winner = outcomes.indexOf('ok') + 1;
    expect(await projections.loadStates(0, ['k'])).toEqual({ upTo: winner, bodies: new Map([['k', String(winner)]]) });
  }));

  test('due states come by instant and then key, after one and up to another, a page at a time', withStore(async ({ projections }) => {
    await projections.apply(step({
      states: [state('d', '1', 20), state('a', '1', 30, 2), state('c', '1', 10, 1), state('b', '1', 20), state('B', '1', 20), state('asleep', '1', null), state('late', '1', 31)],
    }));
    const all = [['c', 10], ['B', 20], ['b', 20], ['d', 20], ['a', 30]];
    const due = async (after: { dueMs: number; key: string }, untilMs: number, limit: number) =>
      (await projections.dueStates(after, untilMs, limit)).map(({ key, dueMs }) => [key, dueMs]);
    expect(await due(START, 30, 10)).toEqual(all);
    expect(await due(START, 29, 10)).toEqual(all.slice(0, 4));
    expect(await due(START, 30, 2)).toEqual(all.slice(0, 2));
    expect(await due({ dueMs: 20, key: 'B' }, 30, 2)).toEqual(all.slice(2, 4));
    expect(await due({ dueMs: 20, key: 'd' }, 30, 2)).toEqual(all.slice(4));
    expect(await due({ dueMs: 30, key: 'a' }, 30, 2)).toEqual([]);
    expect(await projections.dueStates(START, 10, 1)).toEqual([{ key: 'c', log: 1, dueMs: 10 }]);
  }));

  test('a state is due by its newest instant only, and not once it is removed', withStore(async ({ projections }) => {
    await projections.apply(step({ states: [state('moved', '1', 10), state('calmed', '1', 10), state('gone', '1', 10)] }));
    await projections.apply(step({ states: [state('moved', '1', 20), state('calmed', '1', null), state('gone', null, null)] }));
    expect(await projections.dueStates(START, 99, 10)).toEqual([{ key: 'moved', log: 0, dueMs: 20 }]);
  }));

  test('due states of one prefix are dropped up to an instant, so many at a time', withStore(async ({ projections }) => {
    const kept = [state('r/at', '1', 50), state('r/later', '1', 60), state('r/asleep', '1', null), state('R/x', '1', 1), state('rx', '1', 1), state('i/r/1', '1', 1)];
    await projections.apply(step({ states: [...kept, ...[1, 2, 3, 4, 5].map((n) => state(`r/${n}`, '1', 40 + n))] }));
    expect(await projections.dropDueStates('r/', 50, 2)).toBe(2);
    expect(await projections.dropDueStates('r/', 50, 10)).toBe(3);
    expect(await projections.dropDueStates('r/', 50, 10)).toBe(0);
    const keys = ['r/1', 'r/2', 'r/3', 'r/4', 'r/5', ...kept.map(({ key }) => key)];
    expect([...(await projections.loadStates(0, keys)).bodies.keys()].toSorted()).toEqual(kept.map(({ key }) => key).toSorted());
  }));

  test('a prefix is text, not a pattern', withStore(async ({ projections }) => {
    await projections.apply(step({ states: ['a_b', 'axb', 'a%b', 'a\\b', 'A_b'].map((key) => state(key, '1', 1)) }));
    expect(await projections.dropDueStates('a_', 9, 10)).toBe(1);
    expect(await projections.dropDueStates('a%', 9, 10)).toBe(1);
    expect(await projections.dropDueStates('a\\', 9, 10)).toBe(1);
    expect((await projections.dueStates(START, 9, 10)).map(({ key }) => key)).toEqual(['A_b', 'axb']);
  }));

  onlyIf(harness.sharing, 'stores on one place do not see each other')('a consumer that runs in two stores moves each checkpoint once', () =>
    onFreshPlace(harness, async (place) => {
      await using mine = await harness.open(place);
      await using theirs = await harness.open(place);
      for (let n = 1; n <= 30; n++) {
        const move = step({ checkpoints: [{ log: 0, expected: n - 1, upTo: n }, { log: 1, expected: n - 1, upTo: n }] });
        const outcomes = await Promise.all([mine, theirs].map(({ projections }) => outcome(projections.apply(move))));
        expect(outcomes.toSorted()).toEqual(['conflict', 'ok']);
      }
      expect(await mine.projections.checkpoints('states')).toEqual([30, 30, 0]);
      expect(await theirs.projections.checkpoints('states')).toEqual([30, 30, 0]);
    }));
}
