import { expect, test } from 'vitest';
import type { Commit, Store } from '../store.ts';
import { fact, fill, onFreshStore, outcome, readAll, type Harness } from './harness.ts';

const commitsOf = (log: number, ...positions: number[]): Commit[] => positions.map((position) => ({ log, position, token: `from-${position}`, events: [fact(`k${position}`, { text: 'é"\\\u0001' })] }));

/** A store's content put into another store as it was. */
export function transferPromises(harness: Harness): void {
  const withStore = (body: (store: Store) => Promise<void>) => () => onFreshStore(harness, body);

  test('commits come with their positions and tokens, and appends go on after them', withStore(async (store) => {
    await store.transfer.addCommits(1, commitsOf(1, 1, 2));
    await store.transfer.addCommits(1, commitsOf(1, 3));
    expect(await store.log.heads()).toEqual([0, 3, 0]);
    expect(await readAll(store.log, 1)).toEqual(commitsOf(1, 1, 2, 3));
    await store.log.append([{ log: 1, expected: 3, events: [fact('own')] }], 'own');
    expect(await store.log.head(1)).toBe(4);
  }));

  test('commits that do not follow the head are a conflict, and none of them is stored', withStore(async (store) => {
    await store.transfer.addCommits(0, commitsOf(0, 1));
    expect(await outcome(store.transfer.addCommits(0, commitsOf(0, 1, 2)))).toBe('conflict');
    expect(await outcome(store.transfer.addCommits(0, commitsOf(0, 3)))).toBe('conflict');
    expect(await store.log.head(0)).toBe(1);
  }));

  test('a log may begin after a position, once, and reads as one that was trimmed', withStore(async (store) => {
    await store.transfer.beginAfter(2, 40);
    await store.transfer.beginAfter(2, 40);
    expect(await store.log.heads()).toEqual([0, 0, 40]);
    expect(await store.log.trimmedTo(2)).toBe(40);
    await store.transfer.addCommits(2, commitsOf(2, 41, 42));
    expect(await readAll(store.log, 2, 40)).toEqual(commitsOf(2, 41, 42));
    expect(await outcome(readAll(store.log, 2, 39))).toBe('history-lost');
    await fill(store.log, 0, 1);
    expect(await outcome(store.transfer.beginAfter(0, 7))).toBe('conflict');
  }));

  test('messages come with all that became of them, in their order, and each once', withStore(async (store) => {
    const { queue, transfer } = store;
    await queue.put(['a', 'b', 'c', 'd', 'e'].map((id, n) => ({ id, queue: n < 4 ? 'q' : 'other', lane: 'l', body: { id }, ...(n === 0 ? { batch: 'x', line: 7 } : {}) })), 5);
    await queue.claim('q', { limit: 3, leaseMs: 100, nowMs: 10 });
    await queue.finish([{ id: 'a', attempt: 1, result: { ok: false } }], 20);
    await queue.bury('b', 1, 'at fault');
    await queue.retry('c', 1, 500, 'later');
    const told = (await transfer.messages(0, 100)).map(({ message }) => message);
    expect(told.map(({ id, status }) => `${id} ${status}`)).toEqual(['a done', 'b dead', 'c ready', 'd ready', 'e ready']);
    expect(told[0]).toEqual({ id: 'a', queue: 'q', lane: 'l', body: { id: 'a' }, batch: 'x', line: 7, status: 'done', attempts: 1, fromMs: told[0]?.fromMs, enqueuedMs: 5, finishedMs: 20, result: { ok: false }, error: null });

    await onFreshStore(harness, async (copy) => {
      for (let round = 0; round < 2; round++) {
        await copy.transfer.addMessages(told.slice(0, 3));
        await copy.transfer.addMessages(told);
      }
      expect((await copy.transfer.messages(0, 100)).map(({ message }) => message)).toEqual(told);
      expect(await copy.queue.queues()).toEqual(['other', 'q']);
      expect(await copy.queue.depth('q', 100)).toEqual(await queue.depth('q', 100));
      expect(await copy.queue.batch('x', 10)).toEqual(await queue.batch('x', 10));
      // `c` waits for its retry, and `d` behind it.
      expect(await copy.queue.claim('q', { limit: 9, leaseMs: 100, nowMs: 100 })).toEqual([]);
      expect((await copy.queue.claim('q', { limit: 9, leaseMs: 100, nowMs: 500 })).map(({ id, attempt }) => [id, attempt])).toEqual([['c', 2], ['d', 1]]);
    });
    const [first] = await transfer.messages(0, 1);
    expect((await transfer.messages(first?.place ?? 0, 2)).map(({ message }) => message.id)).toEqual(['b', 'c']);
  }));
}
