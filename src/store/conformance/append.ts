import { expect, test } from 'vitest';
import type { JsonObject } from '../../base/json.ts';
import type { Store } from '../store.ts';
import { fact, fill, onFreshPlace, onFreshStore, outcome, readAll, type Harness } from './harness.ts';
import { onlyIf } from './lifecycle.ts';

export function appendPromises(harness: Harness): void {
  const withStore = (body: (store: Store) => Promise<void>) => () => onFreshStore(harness, body);

  test('the first commit is 1 and each next is one more', withStore(async ({ log }) => {
    await fill(log, 1, 5);
    expect(await log.heads()).toEqual([0, 5, 0]);
    expect((await readAll(log, 1)).map(({ position }) => position)).toEqual([1, 2, 3, 4, 5]);
  }));

  test('a commit comes back as it was written, with its token and its facts in order', withStore(async ({ log }) => {
    const events = [
      { type: 'StockReceived', key: 'i/tea "green"', time: 1_767_225_600_123, data: { quantity: 3, note: null } },
      { type: 'StockCounted', key: 'i/кава-☕', time: 0, data: {} },
    ];
    await log.append([{ log: 2, expected: 0, events }], 'writer-7/42');
    expect(await readAll(log, 2)).toEqual([{ log: 2, position: 1, token: 'writer-7/42', events }]);
  }));

  test('facts with awkward content come back unchanged', withStore(async ({ log }) => {
    const data = JSON.parse('{"__proto__":{"polluted":true},"constructor":1,"quote":"\'\\"\\\\","nul":"\\u0000","lone":"\\ud800","line":"\\u2028\\r\\n","big":9007199254740991,"small":-9007199254740991,"half":0.1,"deep":[[[[{}]]]],"emoji":"😀","empty":""}') as JsonObject; // an object literal, as anyone can see
    await log.append([{ log: 0, expected: 0, events: [fact('k', data)] }], 't');
    const [commit] = await readAll(log, 0);
    expect(JSON.stringify(commit?.events[0]?.data)).toBe(JSON.stringify(data));
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  }));

  test('what the caller changes after the call does not reach the log', withStore(async ({ log }) => {
    const data = { quantity: 1 };
    const events = [fact('k', data)];
    const appended = log.append([{ log: 0, expected: 0, events }], 't');
    data.quantity = 99;
    events.push(fact('late'));
    await appended;
    expect((await readAll(log, 0))[0]?.events).toEqual([fact('k', { quantity: 1 })]);
  }));

  test('a commit of a thousand facts and one of a megabyte come back whole', withStore(async ({ log }) => {
    const many = Array.from({ length: 1000 }, (_, n) => fact(`k${n}`, { n }));
    const large = [fact('large', { text: 'x'.repeat(1 << 20) })];
    await log.append([{ log: 0, expected: 0, events: many }], 'many');
    await log.append([{ log: 0, expected: 1, events: large }], 'large');
    expect((await readAll(log, 0)).map(({ events }) => events)).toEqual([many, large]);
  }));

  for (const [title, expected] of [['behind', 1], ['before', 0], ['ahead of', 3]] as const) {
    test(`an append that expects a position ${title} the head is a conflict and stores nothing`, withStore(async ({ log }) => {
      await fill(log, 0, 2);
      expect(await outcome(log.append([{ log: 0, expected, events: [fact('k')] }], 'loser'))).toBe('conflict');
      expect((await readAll(log, 0)).map(({ token }) => token)).toEqual(['t1', 't2']);
    }));
  }

  test('repeating an append is a conflict, not a second commit', withStore(async ({ log }) => {
    const commits = [{ log: 0, expected: 0, events: [fact('k')] }];
    await log.append(commits, 'same');
    expect(await outcome(log.append(commits, 'same'))).toBe('conflict');
    expect(await log.head(0)).toBe(1);
  }));

  test('an append over several logs stores all of them, under one token', withStore(async ({ log }) => {
    await fill(log, 1, 4);
    await log.append([
      { log: 2, expected: 0, events: [fact('c')] },
      { log: 0, expected: 0, events: [fact('a'), fact('b')] },
      { log: 1, expected: 4, events: [fact('d')] },
    ], 'cart');
    expect(await log.heads()).toEqual([1, 5, 1]);
    expect((await readAll(log, 0))[0]).toMatchObject({ token: 'cart', events: [fact('a'), fact('b')] });
    expect((await readAll(log, 1, 4))[0]).toMatchObject({ token: 'cart', events: [fact('d')] });
    expect((await readAll(log, 2))[0]).toMatchObject({ token: 'cart', events: [fact('c')] });
  }));

  for (const wrong of [0, 1, 2]) {
    test(`an append over several logs stores none of them where only expectation ${wrong + 1} of 3 is wrong`, withStore(async ({ log }) => {
      for (const id of [0, 1, 2]) await fill(log, id, 2);
      const commits = [0, 1, 2].map((id) => ({ log: id, expected: id === wrong ? 1 : 2, events: [fact('k')] }));
      expect(await outcome(log.append(commits, 't'))).toBe('conflict');
      expect(await log.heads()).toEqual([2, 2, 2]);
      await log.append([0, 1, 2].map((id) => ({ log: id, expected: 2, events: [fact('k')] })), 't');
      expect(await log.heads()).toEqual([3, 3, 3]);
    }));
  }

  test('an append that names a log twice is refused whole', withStore(async ({ log }) => {
    for (const second of [0, 1]) {
      const commits = [[0, 0], [1, 0], [0, second]].map(([id = 0, expected = 0]) => ({ log: id, expected, events: [fact('k')] }));
      await expect(log.append(commits, 't')).rejects.toBeInstanceOf(Error);
    }
    expect(await log.heads()).toEqual([0, 0, 0]);
  }));

  test('an append with a commit without facts is refused whole', withStore(async ({ log }) => {
    await expect(log.append([{ log: 0, expected: 0, events: [] }], 't')).rejects.toBeInstanceOf(Error);
    await expect(log.append([{ log: 1, expected: 0, events: [fact('k')] }, { log: 0, expected: 0, events: [] }], 't')).rejects.toBeInstanceOf(Error);
    expect(await log.heads()).toEqual([0, 0, 0]);
  }));

  test('an append to a log that the store does not have is refused whole', withStore(async ({ log }) => {
    for (const id of [-1, 3]) {
      await expect(log.append([{ log: 0, expected: 0, events: [fact('k')] }, { log: id, expected: 0, events: [fact('k')] }], 't')).rejects.toBeInstanceOf(Error);
    }
    expect(await log.heads()).toEqual([0, 0, 0]);
  }));

  test('after a conflict in the midst of pipelined appends the others stand', withStore(async ({ log }) => {
    const append = (id: number, expected: number) => outcome(log.append([{ log: id, expected, events: [fact('k')] }], `${id}/${expected}`));
    const outcomes = await Promise.all([append(0, 0), append(1, 0), append(1, 0), append(2, 7), append(2, 0)]);
    expect(outcomes[0]).toBe('ok');
    expect(outcomes.slice(1, 3).sort()).toEqual(['conflict', 'ok']);
    expect(outcomes.slice(3)).toEqual(['conflict', 'ok']);
    expect(await log.heads()).toEqual([1, 1, 1]);
  }));

  onlyIf(harness.sharing, 'stores on one place do not see each other')('an append through one store is a conflict for the other that did not see it', () =>
    onFreshPlace(harness, async (place) => {
      await using mine = await harness.open(place);
      await using theirs = await harness.open(place);
      expect(await theirs.log.head(0)).toBe(0);
      await mine.log.append([{ log: 0, expected: 0, events: [fact('mine')] }], 'mine');
      expect(await outcome(theirs.log.append([{ log: 0, expected: 0, events: [fact('theirs')] }], 'theirs'))).toBe('conflict');
      await theirs.log.append([{ log: 0, expected: 1, events: [fact('theirs')] }], 'theirs');
      expect((await readAll(mine.log, 0)).map(({ token }) => token)).toEqual(['mine', 'theirs']);
    }));
}
