import { expect, test } from 'vitest';
import { fact, fill, onFreshPlace, onFreshStore, outcome, PARTITIONS, readAll, type Harness } from './harness.ts';

export function lifecyclePromises(harness: Harness): void {
  test('a fresh store has the logs it was made with, all empty, and answers a ping', () =>
    onFreshStore(harness, async (store) => {
      expect(store.partitions).toBe(PARTITIONS);
      expect(await store.log.heads()).toEqual([0, 0, 0]);
      expect(await store.log.trimmedTo(PARTITIONS - 1)).toBe(0);
      expect(await store.projections.checkpoints('states')).toEqual([0, 0, 0]);
      expect(await store.queue.queues()).toEqual([]);
      expect(await store.settings.list('')).toEqual([]);
      await store.ping();
    }));

  test('a store that was closed answers `closed`, and may be closed twice', () =>
    onFreshPlace(harness, async (place) => {
      const store = await harness.open(place);
      await store[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      const calls = {
        append: () => store.log.append([{ log: 0, expected: 0, events: [fact('k')] }], 't'),
        head: () => store.log.head(0),
        read: () => readAll(store.log, 0),
        apply: () => store.projections.apply({ consumer: 'c', checkpoints: [], states: [], deletes: [], upserts: [] }),
        loadStates: () => store.projections.loadStates(0, ['k']),
        put: () => store.queue.put([{ id: 'm', queue: 'q', lane: 'l', body: 1 }], 1),
        acquire: () => store.leases.acquire('l', 'h', { ttlMs: 1, nowMs: 1 }),
        swap: () => store.settings.swap('s', undefined, 1),
        ping: () => store.ping(),
      };
      const outcomes = await Promise.all(Object.entries(calls).map(async ([name, call]) => [name, await outcome(call())]));
      expect(outcomes).toEqual(Object.keys(calls).map((name) => [name, 'closed']));
    }));

  test('an append under way while the store closes is stored or was answered with a fault', () =>
    onFreshPlace(harness, async (place) => {
      const store = await harness.open(place);
      const appended = outcome(store.log.append([{ log: 0, expected: 0, events: [fact('k')] }], 'last'));
      await store[Symbol.asyncDispose]();
      const answer = await appended;
      await using again = await harness.open(place);
      const head = await again.log.head(0);
      const possible = { ok: harness.durable ? [1] : [0, 1], closed: [0], unavailable: [0, 1] }[answer];
      expect(possible).toContain(head);
    }));

  onlyIf(harness.durable, 'the engine forgets what it held when it is closed')(
    'everything is there when the place is opened again',
    () =>
      onFreshPlace(harness, async (place) => {
        await writeOneOfEach(harness, place);
        await using store = await harness.open(place);
        expect(await store.log.heads()).toEqual([3, 0, 0]);
        expect(await store.log.trimmedTo(0)).toBe(1);
        expect((await readAll(store.log, 0, 1)).map(({ token }) => token)).toEqual(['t2', 't3']);
        expect(await store.projections.loadStates(0, ['k'])).toEqual({ upTo: 3, bodies: new Map([['k', '{"n":3}']]) });
        expect(await store.queue.find('m')).toMatchObject({ id: 'm', status: 'claimed', attempts: 1 });
        expect(await store.leases.find('owner')).toEqual({ name: 'owner', holder: 'a', epoch: 1, untilMs: 110 });
        expect(await store.settings.get('colour')).toBe('green');
      }),
  );

  async function writeOneOfEach(from: Harness, place: string): Promise<void> {
    await using store = await from.open(place);
    await fill(store.log, 0, 3);
    await store.log.trim(0, 1);
    await store.projections.apply({
      consumer: 'states',
      checkpoints: [{ log: 0, expected: 0, upTo: 3 }],
      states: [{ key: 'k', log: 0, body: '{"n":3}', dueMs: null }],
      deletes: [],
      upserts: [],
    });
    await store.queue.put([{ id: 'm', queue: 'q', lane: 'l', body: null }], 1);
    await store.queue.claim('q', { limit: 1, leaseMs: 100, nowMs: 2 });
    await store.leases.acquire('owner', 'a', { ttlMs: 100, nowMs: 10 });
    await store.settings.swap('colour', undefined, 'green');
  }
}

/** A test, or the same test skipped with the reason in its title. */
export function onlyIf(condition: boolean, reason: string): (title: string, body: () => Promise<void>, timeoutMs?: number) => void {
  return (title, body, timeoutMs) => {
    if (condition) test(title, body, timeoutMs);
    else test.skip(`${title} (skipped: ${reason})`, () => undefined);
  };
}
