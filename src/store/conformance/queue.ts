import { expect, test } from 'vitest';
import type { Claimed, Message, Queue } from '../store.ts';
import { onFreshPlace, onFreshStore, outcome, type Harness } from './harness.ts';
import { onlyIf } from './lifecycle.ts';

const T = 1_000_000;
const LEASE = { leaseMs: 100, nowMs: T };

function message(id: string, change: Partial<Message> = {}): Message {
  return { id, queue: 'q', lane: id, body: { of: id }, ...change };
}

async function claimIds(queue: Queue, change: { limit?: number; leaseMs?: number; nowMs?: number; queue?: string } = {}): Promise<string[]> {
  return (await queue.claim(change.queue ?? 'q', { limit: 10, ...LEASE, ...change })).map(({ id }) => id);
}

/** A retry or burial by a claimant that lost its claim changes nothing; an engine may also say `fenced`. */
async function tooLate(call: Promise<void>): Promise<void> {
  expect(['ok', 'fenced']).toContain(await outcome(call));
}

export function queuePromises(harness: Harness): void {
  const withQueue = (body: (queue: Queue) => Promise<void>) => () => onFreshStore(harness, ({ queue }) => body(queue));
  claiming(withQueue);
  claimingWhatIsPut(withQueue);
  lanes(withQueue);
  settling(withQueue);
  reporting(withQueue);

  onlyIf(harness.sharing, 'stores on one place do not see each other')('two stores never hold one message at the same time, and together they see every one', () =>
    onFreshPlace(harness, async (place) => {
      await using mine = await harness.open(place);
      await using theirs = await harness.open(place);
      const all = Array.from({ length: 200 }, (_, n) => message(`m${String(n).padStart(3, '0')}`));
      await mine.queue.put(all, T);
      const taken: string[] = [];
      const drain = async ({ queue }: typeof mine): Promise<void> => {
        for (let idle = 0; idle < 3; ) {
          const ids = await claimIds(queue, { limit: 7 });
          taken.push(...ids);
          idle = ids.length === 0 ? idle + 1 : 0;
        }
      };
      await Promise.all([drain(mine), drain(theirs), drain(mine), drain(theirs)]);
      expect(taken.toSorted()).toEqual(all.map(({ id }) => id));
    }));
}

type WithQueue = (body: (queue: Queue) => Promise<void>) => () => Promise<void>;

function claiming(withQueue: WithQueue): void {
  test('messages are handed out oldest first, as they were put, at most `limit`', withQueue(async (queue) => {
    await queue.put([message('b', { body: [1, null, 'x'] }), message('a')], T);
    await queue.put([message('c', { batch: 'load', line: 3, body: 'text' })], T);
    expect(await queue.claim('q', { limit: 2, ...LEASE })).toEqual([
      { id: 'b', queue: 'q', lane: 'b', body: [1, null, 'x'], attempt: 1 },
      { id: 'a', queue: 'q', lane: 'a', body: { of: 'a' }, attempt: 1 },
    ]);
    expect(await queue.claim('q', { limit: 2, ...LEASE })).toEqual([{ id: 'c', queue: 'q', lane: 'c', body: 'text', batch: 'load', line: 3, attempt: 1 }]);
    expect(await claimIds(queue)).toEqual([]);
  }));

  test('queues are apart, also where their lanes have the same name', withQueue(async (queue) => {
    await queue.put([message('a', { lane: 'l' }), message('b', { lane: 'l', queue: 'other' })], T);
    expect(await claimIds(queue)).toEqual(['a']);
    expect(await claimIds(queue, { queue: 'nobody' })).toEqual([]);
    expect(await claimIds(queue, { queue: 'other' })).toEqual(['b']);
    expect(await queue.queues()).toHaveLength(2);
    expect((await queue.queues()).toSorted()).toEqual(['other', 'q']);
  }));

  test('putting a known id again changes nothing, whatever became of the message', withQueue(async (queue) => {
    const twice = [message('a'), message('a', { body: 'second' }), message('b'), message('c')];
    await queue.put(twice, T);
    expect((await queue.claim('q', { limit: 10, ...LEASE })).map(({ id, body }) => [id, body])).toEqual([['a', { of: 'a' }], ['b', { of: 'b' }], ['c', { of: 'c' }]]);
    await queue.finish([{ id: 'a', attempt: 1, result: 1 }], T);
    await queue.bury('b', 1, 'no');
    await queue.put([...twice, message('d')], T + 1);
    expect(await claimIds(queue, { nowMs: T + 1 })).toEqual(['d']);
    expect((await queue.find('a'))?.status).toBe('done');
    expect((await queue.find('b'))?.status).toBe('dead');
    expect(await queue.find('c')).toMatchObject({ status: 'claimed', enqueuedMs: T });
  }));

  test('putting nothing is fine, and a large batch keeps its order', withQueue(async (queue) => {
    await queue.put([], T);
    const ids = Array.from({ length: 2000 }, (_, n) => `m${(n * 7919) % 2000}`);
    await queue.put(ids.map((id) => message(id)), T);
    const claimed: string[] = [];
    for (let ids = await claimIds(queue, { limit: 300 }); ids.length > 0; ids = await claimIds(queue, { limit: 300 })) claimed.push(...ids);
    expect(claimed).toEqual(ids);
  }));

  test('a claim that ran out is handed out again from that instant, as the next attempt', withQueue(async (queue) => {
    await queue.put([message('a')], T);
    expect(await claimIds(queue)).toEqual(['a']);
    expect(await claimIds(queue, { nowMs: T + 99 })).toEqual([]);
    expect(await queue.claim('q', { limit: 10, leaseMs: 100, nowMs: T + 100 })).toMatchObject([{ id: 'a', attempt: 2 }]);
    expect(await claimIds(queue, { nowMs: T + 199 })).toEqual([]);
  }));
}

/** What is put with a claim, and what a claim right afterwards hands out where the engine left some of it to that. */
async function putAndClaim(queue: Queue, messages: readonly Message[], { limit = 10, nowMs = T } = {}): Promise<Claimed[]> {
  const handedOut = await queue.put(messages, nowMs, { queue: 'q', limit, leaseMs: 100 });
  return [...handedOut, ...(await queue.claim('q', { limit: limit - handedOut.length, leaseMs: 100, nowMs }))];
}

function claimingWhatIsPut(withQueue: WithQueue): void {
  test('what is put with a claim is handed out once, for as long as a claim lasts', withQueue(async (queue) => {
    const put = [message('b', { body: [1, null, 'x'], batch: 'load', line: 3 }), message('a')];
    expect(await putAndClaim(queue, put)).toEqual(put.map((one) => ({ ...one, attempt: 1 })));
    expect(await queue.find('b')).toEqual({ id: 'b', queue: 'q', status: 'claimed', attempts: 1, batch: 'load', line: 3, result: null, error: null, enqueuedMs: T });
    expect(await queue.depth('q', T)).toEqual({ ready: 0, scheduled: 0, inFlight: 2, deadLettered: 0, oldestMs: T });
    expect(await claimIds(queue, { nowMs: T + 99 })).toEqual([]);
    expect(await queue.finish([{ id: 'b', attempt: 1, result: 'done' }], T)).toEqual(['b']);
    expect(await queue.claim('q', { ...LEASE, limit: 10, nowMs: T + 100 })).toMatchObject([{ id: 'a', attempt: 2 }]);
    expect(await putAndClaim(queue, [...put, message('c'), message('c', { body: 'second' })], { nowMs: T + 100 })).toMatchObject([{ id: 'c', body: { of: 'c' }, attempt: 1 }]);
  }));

  test('what is put with a claim comes after what is ready, and at most `limit` is handed out', withQueue(async (queue) => {
    await queue.put([message('old'), message('other', { queue: 'other' })], T);
    expect((await putAndClaim(queue, [message('a'), message('b')], { limit: 2 })).map(({ id }) => id)).toEqual(['old', 'a']);
    expect(await claimIds(queue)).toEqual(['b']);
    expect((await putAndClaim(queue, ['c', 'd', 'e'].map((id) => message(id)), { limit: 2 })).map(({ id }) => id)).toEqual(['c', 'd']);
    expect(await claimIds(queue)).toEqual(['e']);
    expect((await putAndClaim(queue, [message('f', { queue: 'other' }), message('g')])).map(({ id }) => id)).toEqual(['g']);
    expect(await claimIds(queue, { queue: 'other' })).toEqual(['other', 'f']);
  }));

  test('what is put with a claim waits behind its lane, and goes on in its order', withQueue(async (queue) => {
    const onLane = (...ids: string[]): Message[] => ids.map((id) => message(id, { lane: 'l' }));
    expect((await putAndClaim(queue, onLane('1', '2', '3'), { limit: 2 })).map(({ id }) => id)).toEqual(['1', '2']);
    expect((await putAndClaim(queue, [...onLane('4'), message('x')])).map(({ id }) => id)).toEqual(['x']);
    await queue.finish([{ id: '1', attempt: 1, result: null }], T);
    expect(await claimIds(queue)).toEqual([]);
    await queue.retry('2', 1, T + 50, 'busy');
    expect((await putAndClaim(queue, onLane('5'), { nowMs: T + 49 })).map(({ id }) => id)).toEqual([]);
    expect((await putAndClaim(queue, onLane('6'), { nowMs: T + 50 })).map(({ id }) => id)).toEqual(['2', '3', '4', '5', '6']);
  }));
}

function lanes(withQueue: WithQueue): void {
  const onLane = (...ids: string[]): Message[] => ids.map((id) => message(id, { lane: 'l' }));

  test('several messages of one lane come in one call, in order', withQueue(async (queue) => {
    await queue.put([...onLane('c', 'a'), message('x'), ...onLane('b')], T);
    expect(await claimIds(queue)).toEqual(['c', 'a', 'x', 'b']);
  }));

  test('a message waits while an earlier one of its lane is claimed by another call', withQueue(async (queue) => {
    await queue.put([...onLane('1', '2', '3'), message('x')], T);
    expect(await claimIds(queue, { limit: 1 })).toEqual(['1']);
    expect(await claimIds(queue)).toEqual(['x']);
    await queue.finish([{ id: '1', attempt: 1, result: null }], T);
    expect(await claimIds(queue)).toEqual(['2', '3']);
  }));

  test('a message waits while an earlier one of its lane waits for a retry, and comes after it', withQueue(async (queue) => {
    await queue.put([...onLane('1', '2'), message('x')], T);
    expect(await claimIds(queue, { limit: 1 })).toEqual(['1']);
    await queue.retry('1', 1, T + 50, 'busy');
    expect(await claimIds(queue, { nowMs: T + 49 })).toEqual(['x']);
    expect(await claimIds(queue, { nowMs: T + 50 })).toEqual(['1', '2']);
  }));

  test('a claim that ran out keeps its place before the rest of its lane', withQueue(async (queue) => {
    await queue.put(onLane('1', '2', '3'), T);
    expect(await claimIds(queue, { limit: 2 })).toEqual(['1', '2']);
    await queue.finish([{ id: '2', attempt: 1, result: null }], T);
    expect(await claimIds(queue, { nowMs: T + 99 })).toEqual([]);
    expect(await claimIds(queue, { nowMs: T + 100 })).toEqual(['1', '3']);
  }));

  test('a burial lets the lane go on', withQueue(async (queue) => {
    await queue.put(onLane('1', '2'), T);
    expect(await claimIds(queue, { limit: 1 })).toEqual(['1']);
    await queue.bury('1', 1, 'poison');
    expect(await claimIds(queue)).toEqual(['2']);
  }));

  test('a waiting lane does not use up the limit of others', withQueue(async (queue) => {
    await queue.put([...onLane(...Array.from({ length: 50 }, (_, n) => `l${n}`)), message('x'), message('y')], T);
    expect(await claimIds(queue, { limit: 1 })).toEqual(['l0']);
    expect(await claimIds(queue, { limit: 2 })).toEqual(['x', 'y']);
  }));
}

function settling(withQueue: WithQueue): void {
  test('finishing records results once and says which', withQueue(async (queue) => {
    await queue.put([message('a'), message('b'), message('c')], T);
    await claimIds(queue, { limit: 2 });
    const results = [{ id: 'b', attempt: 1, result: { ok: true, n: [1] } }, { id: 'c', attempt: 1, result: 1 }, { id: 'a', attempt: 2, result: 1 }, { id: 'nobody', attempt: 1, result: 1 }];
    expect(await queue.finish(results, T + 5)).toEqual(['b']);
    expect(await queue.finish([{ id: 'b', attempt: 1, result: 'again' }], T + 6)).toEqual([]);
    expect(await queue.finish([], T)).toEqual([]);
    expect(await queue.find('b')).toMatchObject({ status: 'done', attempts: 1, result: { ok: true, n: [1] } });
    expect((await queue.find('a'))?.status).toBe('claimed');
    expect((await queue.find('c'))?.status).toBe('ready');
  }));

  test('a claim that was lost to another cannot settle', withQueue(async (queue) => {
    await queue.put([message('a')], T);
    await claimIds(queue);
    await claimIds(queue, { nowMs: T + 100 });
    expect(await queue.finish([{ id: 'a', attempt: 1, result: 'stale' }], T + 101)).toEqual([]);
    await tooLate(queue.retry('a', 1, T, 'stale'));
    await tooLate(queue.bury('a', 1, 'stale'));
    expect(await queue.find('a')).toMatchObject({ status: 'claimed', attempts: 2, result: null });
    expect(await claimIds(queue, { nowMs: T + 199 })).toEqual([]);
    expect(await queue.finish([{ id: 'a', attempt: 2, result: 'good' }], T + 101)).toEqual(['a']);
    await tooLate(queue.retry('a', 2, T, 'stale'));
    await tooLate(queue.bury('a', 2, 'stale'));
    expect(await queue.find('a')).toMatchObject({ status: 'done', result: 'good' });
  }));

  test('a retry keeps the error and counts the attempts', withQueue(async (queue) => {
    await queue.put([message('a')], T);
    await claimIds(queue);
    await queue.retry('a', 1, T + 10, 'the "carrier" is down');
    expect(await queue.find('a')).toMatchObject({ status: 'ready', attempts: 1, error: 'the "carrier" is down' });
    expect(await queue.finish([{ id: 'a', attempt: 1, result: 1 }], T)).toEqual([]);
    expect(await queue.claim('q', { limit: 1, leaseMs: 1, nowMs: T + 10 })).toMatchObject([{ id: 'a', attempt: 2 }]);
  }));

  test('a dead letter is revived with its attempts forgotten, once, in its old place', withQueue(async (queue) => {
    await queue.put(['a', 'b'].map((id) => message(id, { lane: 'l' })), T);
    await claimIds(queue, { limit: 1 });
    await queue.bury('a', 1, 'poison');
    expect(await queue.find('a')).toMatchObject({ status: 'dead', error: 'poison', attempts: 1 });
    expect(await queue.revive('a', T + 5)).toBe(true);
    expect(await queue.revive('a', T + 5)).toBe(false);
    expect(await queue.revive('b', T + 5)).toBe(false);
    expect(await queue.revive('nobody', T + 5)).toBe(false);
    expect((await queue.claim('q', { limit: 9, leaseMs: 1, nowMs: T + 5 })).map(({ id, attempt }) => [id, attempt])).toEqual([['a', 1], ['b', 1]]);
  }));

  test('done messages are forgotten by the instant at which they were finished, so many at a time', withQueue(async (queue) => {
    await queue.put(['a', 'b', 'c', 'd', 'e'].map((id) => message(id)), T);
    await claimIds(queue, { limit: 4 });
    for (const [id, at] of [['a', 1], ['b', 2], ['c', 3]] as const) await queue.finish([{ id, attempt: 1, result: 1 }], T + at);
    expect(await queue.purge(T + 3, 1)).toBe(1);
    expect(await queue.purge(T + 3, 9)).toBe(1);
    expect(await queue.purge(T + 3, 9)).toBe(0);
    const left = await Promise.all(['a', 'b', 'c', 'd', 'e'].map(async (id) => (await queue.find(id))?.status));
    expect(left).toEqual([undefined, undefined, 'done', 'claimed', 'ready']);
    await queue.put([message('a')], T);
    expect(await claimIds(queue)).toEqual(['e', 'a']);
  }));
}

function reporting(withQueue: WithQueue): void {
  test('a report tells all there is to know of a message', withQueue(async (queue) => {
    await queue.put([message('a', { batch: 'load', line: 7 }), message('b')], T);
    expect(await queue.find('a')).toEqual({ id: 'a', queue: 'q', status: 'ready', attempts: 0, batch: 'load', line: 7, result: null, error: null, enqueuedMs: T });
    expect(await queue.find('b')).toMatchObject({ batch: null, line: null });
    expect(await queue.find('nobody')).toBeUndefined();
  }));

  test('dead letters are listed by id, after an id, at most `limit`, for their queue', withQueue(async (queue) => {
    const ids = ['d', 'b', 'a', 'c'];
    await queue.put([...ids.map((id) => message(id)), message('e', { queue: 'other' }), message('alive')], T);
    await claimIds(queue, { limit: 4 });
    await claimIds(queue, { queue: 'other' });
    for (const id of [...ids, 'e']) await queue.bury(id, 1, `no ${id}`);
    expect((await queue.deadLetters('q', '', 3)).map(({ id, error }) => [id, error])).toEqual([['a', 'no a'], ['b', 'no b'], ['c', 'no c']]);
    expect((await queue.deadLetters('q', 'b', 9)).map(({ id }) => id)).toEqual(['c', 'd']);
    expect((await queue.deadLetters('other', '', 9)).map(({ id }) => id)).toEqual(['e']);
  }));

  test('a batch is counted by how its messages stand, with its refusals by line', withQueue(async (queue) => {
    const lines = [6, 5, 4, 3, 2, 1].map((line) => message(`m${line}`, { batch: 'load', line }));
    await queue.put([...lines, message('x', { batch: 'other', line: 1 }), message('y')], T);
    await claimIds(queue, { limit: 5 });
    const results = [['m6', { ok: false, why: 'late' }], ['m5', { ok: true }], ['m4', { ok: false, why: 'early' }]] as const;
    await queue.finish(results.map(([id, result]) => ({ id, attempt: 1, result })), T);
    await queue.bury('m3', 1, 'poison');
    const { refusals, ...counts } = await queue.batch('load', 9);
    expect(counts).toEqual({ done: 3, refused: 2, pending: 2, dead: 1 });
    expect(refusals.map(({ line, result }) => [line, result])).toEqual([[4, { ok: false, why: 'early' }], [6, { ok: false, why: 'late' }]]);
    expect((await queue.batch('load', 1)).refusals.map(({ id }) => id)).toEqual(['m4']);
    expect((await queue.batch('load', 1)).refused).toBe(2);
    expect(await queue.batch('nobody', 9)).toEqual({ done: 0, refused: 0, pending: 0, dead: 0, refusals: [] });
  }));

  test('only a result that says so itself is a refusal', withQueue(async (queue) => {
    const results = ['"ok":false', [{ ok: false }], { nested: { ok: false } }, { ok: 'false' }, { ok: null }, { ok: 0 }, null, false];
    await queue.put(results.map((_, n) => message(`m${n}`, { batch: 'load', line: n + 1 })), T);
    await claimIds(queue);
    await queue.finish(results.map((result, n) => ({ id: `m${n}`, attempt: 1, result })), T);
    expect(await queue.batch('load', 9)).toEqual({ done: 8, refused: 0, pending: 0, dead: 0, refusals: [] });
    expect((await Promise.all(results.map(async (_, n) => (await queue.find(`m${n}`))?.result)))).toEqual(results);
  }));

  test('the depth tells what is ready, scheduled, in flight and dead, and since when the oldest waits', withQueue(async (queue) => {
    expect(await queue.depth('q', T)).toEqual({ ready: 0, scheduled: 0, inFlight: 0, deadLettered: 0, oldestMs: null });
    for (const [n, id] of ['done', 'dead', 'later', 'held', 'ready', 'ready too'].entries()) await queue.put([message(id)], T + n);
    await queue.put([message('elsewhere', { queue: 'other' })], T - 9);
    await claimIds(queue, { limit: 4, nowMs: T + 9, leaseMs: 91 });
    await queue.finish([{ id: 'done', attempt: 1, result: 1 }], T + 10);
    await queue.bury('dead', 1, 'no');
    await queue.retry('later', 1, T + 50, 'busy');
    expect(await queue.depth('q', T + 49)).toEqual({ ready: 2, scheduled: 1, inFlight: 1, deadLettered: 1, oldestMs: T + 2 });
    expect(await queue.depth('q', T + 50)).toEqual({ ready: 3, scheduled: 0, inFlight: 1, deadLettered: 1, oldestMs: T + 2 });
    expect(await queue.depth('q', T + 100)).toEqual({ ready: 4, scheduled: 0, inFlight: 0, deadLettered: 1, oldestMs: T + 2 });
  }));
}
