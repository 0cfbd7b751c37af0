import { expect, test } from 'vitest';
import { decodeEvents, type Commit, type Store, type StoredCommit } from '../store.ts';
import { collect, fact, fill, onFreshPlace, onFreshStore, outcome, readAll, type Harness } from './harness.ts';
import { onlyIf } from './lifecycle.ts';

/** More commits than any engine puts on one page. */
const PAGES = 1500;

const withoutToken = ({ log, position, events }: Commit): object => ({ log, position, events });
const decoded = (commit: StoredCommit | Commit): object => ('body' in commit ? { log: commit.log, position: commit.position, events: decodeEvents(commit.body, commit) } : withoutToken(commit));

export function readPromises(harness: Harness): void {
  const withStore = (body: (store: Store) => Promise<void>) => () => onFreshStore(harness, body);

  test('an empty log, and the end of one, read as nothing', withStore(async ({ log }) => {
    expect(await readAll(log, 0)).toEqual([]);
    await fill(log, 0, 2);
    expect(await readAll(log, 0, 2)).toEqual([]);
    expect(await readAll(log, 0, 9)).toEqual([]);
    expect(await readAll(log, 1)).toEqual([]);
  }));

  test('reading resumes after any position', withStore(async ({ log }) => {
    await fill(log, 0, 6);
    for (let after = 0; after <= 6; after++) {
      expect((await readAll(log, 0, after)).map(({ position }) => position)).toEqual([1, 2, 3, 4, 5, 6].slice(after));
    }
  }));

  test('a log of many pages reads in order and without a gap, while another log grows beside it', withStore(async ({ log }) => {
    await Promise.all([grow(log, 1, PAGES), grow(log, 0, 50)]);
    const commits = await readAll(log, 1, 3);
    expect(commits.map(({ position }) => position)).toEqual(Array.from({ length: PAGES - 3 }, (_, n) => n + 4));
    expect(commits.every(({ log: id, position, token }) => id === 1 && token === `p${position}`)).toBe(true);
  }));

  test('a reader who stops early leaves nothing behind that holds up others', withStore(async ({ log }) => {
    await grow(log, 0, 300);
    for await (const { position } of log.read(0, 0)) if (position === 2) break;
    await log.trim(0, 300);
    await log.append([{ log: 0, expected: 300, events: [fact('k')] }], 't');
    expect(await log.head(0)).toBe(301);
  }));

  test('a reader who is slow sees what is appended and does not stop appends', withStore(async ({ log }) => {
    await grow(log, 0, 10);
    const seen: number[] = [];
    for await (const { position } of log.read(0, 0)) {
      seen.push(position);
      if (position <= 10) await log.append([{ log: 0, expected: 9 + position, events: [fact('k')] }], 'beside');
    }
    // It ends at the head of the moment its last page was read: some or all of those beside are in it, never a gap.
    expect(seen).toEqual(Array.from({ length: seen.length }, (_, n) => n + 1));
    expect(seen.length).toBeGreaterThanOrEqual(10);
  }));

  test('single commits are read in their order, as far as there are any', withStore(async ({ log }) => {
    await grow(log, 0, PAGES);
    await grow(log, 1, 5);
    const positions = Array.from({ length: PAGES / 2 }, (_, n) => 2 * n + 2);
    expect((await collect(log.readAt(0, positions))).map(({ log: id, position, token }) => [id, position, token])).toEqual(positions.map((position) => [0, position, `p${position}`]));
    expect((await collect(log.readAt(1, [2, 5, 6, 99]))).map(({ position }) => position)).toEqual([2, 5]);
    expect(await collect(log.readAt(1, []))).toEqual([]);
    expect(await collect(log.readAt(2, [1]))).toEqual([]);
  }));

  test('reading a commit that was trimmed is `history-lost`, and one after it is there', withStore(async ({ log }) => {
    await fill(log, 0, 5);
    await log.trim(0, 3);
    for (const positions of [[1], [3, 4]]) expect(await outcome(collect(log.readAt(0, positions)))).toBe('history-lost');
    expect((await collect(log.readAt(0, [4, 5]))).map(({ position }) => position)).toEqual([4, 5]);
  }));

  test('logs read together give what each gives by itself', withStore(async ({ log }) => {
    await Promise.all([grow(log, 0, PAGES), grow(log, 1, 40)]);
    await appendAcross(log, [0, 1, 2], 20);
    for (const after of [new Map([[0, 0], [1, 0], [2, 0]]), new Map([[0, PAGES], [1, 13]]), new Map([[0, 7], [2, 20]]), new Map([[1, 60]]), new Map<number, number>()]) {
      const pages = await collect(log.readTogether(after));
      expect(pages.every((page) => page.length > 0)).toBe(true);
      const stored = log.readTogetherStored && (await collect(log.readTogetherStored(after)));
      expect(stored?.map((page) => page.map(decoded)) ?? pages.map((page) => page.map(withoutToken))).toEqual(pages.map((page) => page.map(withoutToken)));
      for (const [id, from] of after) expect(pages.flat().filter((commit) => commit.log === id)).toEqual(await readAll(log, id, from));
      expect(pages.flat().every((commit) => after.has(commit.log))).toBe(true);
    }
  }));

  test('of logs read together none waits until another was read', withStore(async ({ log }) => {
    await appendAcross(log, [0, 1, 2], PAGES);
    const order = (await collect(log.readTogether(new Map([[0, 0], [1, 0], [2, 0]])))).flat().map((commit) => commit.log);
    for (const id of [0, 1, 2]) expect(order.indexOf(id)).toBeLessThan(order.length / 2);
  }));

  test('logs read together go on while others append and trim', withStore(async ({ log }) => {
    await Promise.all([grow(log, 0, PAGES), grow(log, 1, PAGES)]);
    let seen = 0;
    for await (const page of log.readTogether(new Map([[0, 0]]))) {
      if (seen === 0) await log.trim(1, PAGES);
      for (const { log: id, position } of page) expect([id, position]).toEqual([0, ++seen]);
      if (seen < PAGES) await log.append([{ log: 2, expected: await log.head(2), events: [fact('k')] }], 'beside');
    }
    expect(seen).toBe(PAGES);
  }));

  test('reading together after a position whose next commit was trimmed is `history-lost`', withStore(async ({ log }) => {
    await appendAcross(log, [0, 1], 5);
    await log.trim(1, 3);
    expect(await outcome(collect(log.readTogether(new Map([[0, 0], [1, 2]]))))).toBe('history-lost');
    const pages = await collect(log.readTogether(new Map([[0, 0], [1, 3]])));
    expect(pages.flat().filter((commit) => commit.log === 1).map(({ position }) => position)).toEqual([4, 5]);
    expect(pages.flat().filter((commit) => commit.log === 0)).toHaveLength(5);
  }));

  test('trimming forgets up to and including a position and leaves the head', withStore(async ({ log }) => {
    await fill(log, 0, 5);
    await log.trim(0, 3);
    expect(await log.trimmedTo(0)).toBe(3);
    expect(await log.head(0)).toBe(5);
    expect((await readAll(log, 0, 3)).map(({ position }) => position)).toEqual([4, 5]);
    expect((await readAll(log, 0, 4)).map(({ position }) => position)).toEqual([5]);
  }));

  test('reading after a position whose next commit was trimmed is `history-lost`', withStore(async ({ log }) => {
    await fill(log, 0, 5);
    await log.trim(0, 3);
    for (const after of [0, 2]) expect(await outcome(readAll(log, 0, after))).toBe('history-lost');
    await log.trim(0, 5);
    expect(await outcome(readAll(log, 0, 4))).toBe('history-lost');
    expect(await readAll(log, 0, 5)).toEqual([]);
  }));

  test('a log that was trimmed whole goes on from its head', withStore(async ({ log }) => {
    await fill(log, 0, 3);
    await log.trim(0, 3);
    expect(await log.heads()).toEqual([3, 0, 0]);
    expect(await outcome(log.append([{ log: 0, expected: 0, events: [fact('k')] }], 't'))).toBe('conflict');
    await fill(log, 0, 1);
    expect((await readAll(log, 0, 3)).map(({ position, token }) => [position, token])).toEqual([[4, 't4']]);
  }));

  test('trimming past the head forgets all there is and no more; trimming less than before changes nothing', withStore(async ({ log }) => {
    await fill(log, 0, 3);
    await log.trim(0, 99);
    expect([await log.trimmedTo(0), await log.head(0)]).toEqual([3, 3]);
    await log.trim(0, 1);
    expect(await log.trimmedTo(0)).toBe(3);
    await log.trim(1, 5);
    expect([await log.trimmedTo(1), await log.head(1)]).toEqual([0, 0]);
  }));

  test('a watcher is called after an append, until it is called off', withStore(async ({ log }) => {
    let calls = 0;
    let wake = (): void => undefined;
    const called = new Promise<void>((resolve) => (wake = resolve));
    const stop = log.watch(() => {
      calls++;
      wake();
    });
    await log.append([{ log: 0, expected: 0, events: [fact('k')] }], 't');
    await called;
    stop();
    const before = calls;
    // A second watcher tells when the next hint went round.
    const round = nextAdvance(log);
    await log.append([{ log: 0, expected: 1, events: [fact('k')] }], 't');
    await round;
    expect(calls).toBe(before);
  }));

  onlyIf(harness.sharing, 'stores on one place do not see each other')('a watcher on one store hears of appends through another', () =>
    onFreshPlace(harness, async (place) => {
      await using mine = await harness.open(place);
      await using theirs = await harness.open(place);
      const heard = nextAdvance(mine.log);
      await theirs.log.append([{ log: 0, expected: 0, events: [fact('k')] }], 't');
      await heard;
      expect(await mine.log.head(0)).toBe(1);
    }));
}

function nextAdvance(log: Store['log']): Promise<void> {
  return new Promise((resolve) => {
    const stop = log.watch(() => {
      stop();
      resolve();
    });
  });
}

async function grow(log: Store['log'], id: number, count: number): Promise<void> {
  for (let position = 1; position <= count; position++) {
    await log.append([{ log: id, expected: position - 1, events: [fact('k')] }], `p${position}`);
  }
}

/** Appends that each have a commit for every log. */
async function appendAcross(log: Store['log'], logs: readonly number[], count: number): Promise<void> {
  const heads = await log.heads();
  for (let n = 0; n < count; n++) await log.append(logs.map((id) => ({ log: id, expected: (heads[id] ?? 0) + n, events: [fact(`k${id}`, { n })] })), `a${n}`);
}
