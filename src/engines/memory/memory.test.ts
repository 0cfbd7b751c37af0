import { describe, expect, test } from 'vitest';
import { handClock } from '../../base/clock.ts';
import { isFault } from '../../base/errors.ts';
import { seededRandom } from '../../base/random.ts';
import type { Append, ProjectionStep, Store } from '../../store/store.ts';
import { openMemory, type Faults, type Image, type Operation, type Verdict } from './memory.ts';

const FACT = { type: 'Counted', key: 'k', time: 1, data: {} };

function commit(expected: number, log = 0): Append[] {
  return [{ log, expected, events: [FACT] }];
}

function step(upTo: number): ProjectionStep {
  return { consumer: 'states', checkpoints: [{ log: 0, expected: upTo - 1, upTo }], states: [{ key: 'k', log: 0, body: String(upTo), dueMs: null }], deletes: [], upserts: [] };
}

/** Gives the verdicts one after another to calls of one operation, and lets all others pass. */
function verdicts(operation: Operation, ...given: Verdict[]): Faults {
  return { before: (asked) => (asked === operation ? given.shift() : undefined) ?? { type: 'ok' } };
}

/** 'ok', the code of the fault, or 'no answer yet' where some hundred microtasks bring none. */
async function answerOf(call: Promise<unknown>): Promise<string> {
  const silence = async (): Promise<string> => {
    for (let turn = 0; turn < 200; turn++) await Promise.resolve();
    return 'no answer yet';
  };
  const answer = call.then(
    () => 'ok',
    (error: unknown) => (isFault(error) ? error.code : String(error)),
  );
  return await Promise.race([answer, silence()]);
}

describe('faults', () => {
  test('a full disk stores nothing, and writes may go on when there is room', async () => {
    const store = openMemory({ faults: verdicts('append', { type: 'fail', code: 'storage-full' }) });
    expect(await answerOf(store.log.append(commit(0), 't'))).toBe('storage-full');
    expect(await store.log.head(0)).toBe(0);
    expect(await answerOf(store.log.append(commit(0), 't'))).toBe('ok');
  });

  test('a failed write stores nothing, and this handle writes no more, while it still reads', async () => {
    const store = openMemory({ faults: verdicts('append', { type: 'ok' }, { type: 'fail', code: 'storage-failed' }) });
    await store.log.append(commit(0), 't1');
    expect(await answerOf(store.log.append(commit(1), 't2'))).toBe('storage-failed');
    expect(await answerOf(store.log.append(commit(1), 't3'))).toBe('storage-failed');
    expect(await answerOf(store.queue.put([{ id: 'm', queue: 'q', lane: 'l', body: 1 }], 1))).toBe('storage-failed');
    expect(await answerOf(store.ping())).toBe('storage-failed');
    expect(await store.log.head(0)).toBe(1);
    expect(await answerOf(store.share().log.append(commit(1), 'another process'))).toBe('ok');
  });

  test('an answer that got lost leaves the commit in the log, where its token is found', async () => {
    const store = openMemory({ faults: verdicts('append', { type: 'lost-answer' }, { type: 'fail', code: 'unavailable' }) });
    expect(await answerOf(store.log.append(commit(0), 'arrived'))).toBe('unavailable');
    expect(await answerOf(store.log.append(commit(1), 'did not'))).toBe('unavailable');
    expect(await tokens(store)).toEqual(['arrived']);
  });

  test('a slow append takes effect and answers when the clock says so, and may lose its race meanwhile', async () => {
    const clock = handClock(0);
    const store = openMemory({ clock, faults: verdicts('append', { type: 'ok', beforeMs: 5, afterMs: 5 }, { type: 'ok', beforeMs: 20 }) });
    const slow = store.log.append(commit(0), 'slow');
    const slower = store.log.append(commit(0), 'slower');
    expect([await answerOf(slow), await store.log.head(0)]).toEqual(['no answer yet', 0]);
    clock.advance(5);
    expect([await answerOf(slow), await store.log.head(0)]).toEqual(['no answer yet', 1]);
    clock.advance(5);
    expect(await answerOf(slow)).toBe('ok');
    clock.advance(10);
    expect(await answerOf(slower)).toBe('conflict');
  });

  test('a stopped handle stores what was under way and answers when it goes on, and never once it was killed', async () => {
    const clock = handClock(0);
    const store = openMemory({ clock, faults: verdicts('append', { type: 'ok', beforeMs: 5 }, { type: 'fail', code: 'unavailable' }) });
    const other = store.share();
    const append = store.log.append(commit(0), 't');
    store.pause();
    clock.advance(5);
    expect([await answerOf(append), await other.log.head(0)]).toEqual(['no answer yet', 1]);
    const failing = store.log.append(commit(1), 't2');
    expect(await answerOf(failing)).toBe('no answer yet');
    store.resume();
    expect([await answerOf(append), await answerOf(failing)]).toEqual(['ok', 'unavailable']);
    store.pause();
    const killed = store.log.append(commit(1), 't3');
    await answerOf(killed);
    store.kill(seededRandom(1));
    store.resume();
    expect([await answerOf(killed), await other.log.head(0)]).toEqual(['no answer yet', 2]);
  });

  test('closing the store answers what is under way with `closed` and stores it no more', async () => {
    const clock = handClock(0);
    const store = openMemory({ clock, faults: verdicts('append', { type: 'ok', beforeMs: 5 }) });
    const other = store.share();
    const append = store.log.append(commit(0), 't');
    await store[Symbol.asyncDispose]();
    expect(await answerOf(append)).toBe('closed');
    clock.advance(50);
    expect(await answerOf(other.log.append(commit(0), 't'))).toBe('ok');
  });
});

describe('crash', () => {
  test('every acknowledged write is in the image, and the new store goes on from there', async () => {
    const store = openMemory({ partitions: 2 });
    await store.log.append([...commit(0), ...commit(0, 1)], 't1');
    await store.log.append(commit(1), 't2');
    await store.log.trim(0, 1);
    await store.queue.put([{ id: 'm', queue: 'q', lane: 'l', body: { n: 1 } }], 1);
    await store.leases.acquire('l', 'a', { ttlMs: 5, nowMs: 1 });
    await store.settings.swap('s', undefined, { b: 1, a: 2 });
    const image = structuredClone(store.crash(seededRandom(1))); // an image is data: a copy of it is as good
    const again = openMemory({ partitions: 2, from: image });
    expect(await again.log.heads()).toEqual([2, 1]);
    expect(await again.log.trimmedTo(0)).toBe(1);
    expect(await again.queue.find('m')).toMatchObject({ status: 'ready' });
    expect(await again.leases.acquire('l', 'b', { ttlMs: 5, nowMs: 6 })).toMatchObject({ epoch: 2 });
    expect(await again.settings.get('s')).toEqual({ a: 2, b: 1 });
    await again.log.append(commit(2), 't3');
    expect(await tokens(again, 1)).toEqual(['t2', 't3']);
    expect(openMemory({ from: image }).image()).toEqual(image);
  });

  test('an append over two logs that was under way is there as a whole or not at all, and both happen', async () => {
    const outcomes = new Set<string>();
    for (let seed = 1; seed <= 30; seed++) {
      const store = openMemory({ partitions: 2, clock: handClock(0), faults: verdicts('append', { type: 'ok', beforeMs: 5 }) });
      const append = store.log.append([...commit(0), ...commit(0, 1)], 't');
      await Promise.resolve();
      outcomes.add((await openMemory({ from: store.crash(seededRandom(seed)) }).log.heads()).join());
      expect(await answerOf(append)).toBe('no answer yet');
    }
    expect([...outcomes].toSorted()).toEqual(['0,0', '1,1']);
  });

  test('projections go back to an earlier step, each whole, and every step is met', async () => {
    const met = new Set<number>();
    for (let seed = 1; seed <= 60; seed++) {
      const store = openMemory({ partitions: 1 });
      for (const upTo of [1, 2, 3]) await store.projections.apply(step(upTo));
      const { upTo, bodies } = await openMemory({ from: store.crash(seededRandom(seed)) }).projections.loadStates(0, ['k']);
      expect(bodies.get('k')).toBe(upTo === 0 ? undefined : String(upTo));
      met.add(upTo);
    }
    expect(met).toEqual(new Set([0, 1, 2, 3]));
  });

  test('a killed process is never answered again, while the others go on', async () => {
    const mine = openMemory();
    const theirs = mine.share();
    let hints = 0;
    mine.log.watch(() => hints++);
    mine.kill(seededRandom(1));
    expect(await answerOf(mine.log.head(0))).toBe('no answer yet');
    expect(await answerOf(mine.log.append(commit(0), 'ghost'))).toBe('no answer yet');
    expect(await answerOf(theirs.log.append(commit(0), 't'))).toBe('ok');
    expect(await tokens(theirs)).toEqual(['t']);
    expect(hints).toBe(0);
  });

  test('the same seed and the same calls leave the same image', async () => {
    const images = await Promise.all([1, 2].map(() => scriptedRun(7)));
    expect(images[0]).toEqual(images[1]);
    expect(await scriptedRun(8)).not.toEqual(images[0]);
  });
});

test('an image does not change with the store that it was taken from', async () => {
  const store = openMemory({ partitions: 1 });
  await store.queue.put([{ id: 'm', queue: 'q', lane: 'l', body: 1 }], 1);
  const image = store.image();
  const before = JSON.stringify(image);
  await store.log.append(commit(0), 't');
  await store.projections.apply(step(1));
  await store.queue.claim('q', { limit: 1, leaseMs: 5, nowMs: 2 });
  await openMemory({ from: image }).queue.claim('q', { limit: 1, leaseMs: 9, nowMs: 3 });
  expect(JSON.stringify(image)).toBe(before);
});

/** Two writers race with delays by chance, then the plug is pulled in the midst of it. */
async function scriptedRun(seed: number): Promise<Image> {
  const random = seededRandom(seed);
  const clock = handClock(0);
  const faults: Faults = { before: () => ({ type: 'ok', beforeMs: random.u32() % 7, afterMs: random.u32() % 3 }) };
  const store = openMemory({ partitions: 1, clock, faults });
  const write = async (handle: Store, name: string): Promise<void> => {
    for (let n = 0; ; n++) {
      const head = await handle.log.head(0);
      await handle.log.append(commit(head), `${name}${n}`).catch(() => undefined);
    }
  };
  void write(store, 'a');
  void write(store.share({ clock, faults }), 'b');
  for (let turn = 0; turn < 100; turn++) {
    for (let microtask = 0; microtask < 50; microtask++) await Promise.resolve();
    clock.advance(1);
  }
  return store.crash(random);
}

async function tokens(store: Store, after = 0): Promise<string[]> {
  const found: string[] = [];
  for await (const { token } of store.log.read(0, after)) found.push(token);
  return found;
}
