import { describe, expect, test } from 'vitest';
import { Archive, readThrough } from './archive.ts';
import { DAY, openYard, readAll, readAt, readTogether, type Yard } from './testing.ts';

/** A log of 100 commits of which the first 60 are older than a day. */
async function aged(yard: Yard): Promise<void> {
  await yard.grow(0, 60);
  yard.clock.advance(3 * DAY);
  await yard.grow(0, 40);
}

const positions = async (yard: Yard, after: number): Promise<number[]> => (await readAll(yard.log, 0, after)).map(({ position }) => position);
const from = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, n) => first + n);

describe('old commits move to the archive', () => {
  test('those whose facts are old enough, and they read as before from every position', async () => {
    await using yard = openYard();
    await aged(yard);
    const before = await readAll(yard.live.log, 0);
    expect(await yard.archiver.run()).toBe(true);
    expect(await yard.live.log.trimmedTo(0)).toBe(60);
    for (const after of [0, 1, 30, 59, 60, 61, 99, 100]) expect(await readAll(yard.log, 0, after)).toEqual(before.slice(after));
    expect([await yard.log.trimmedTo(0), await yard.log.head(0)]).toEqual([0, 100]);
    expect(await readAt(yard.log, 0, [2, 60, 61, 100, 101])).toEqual([2, 60, 61, 100].map((position) => before[position - 1]));
  });

  test('logs read together go on from the archive into what is live', async () => {
    await using yard = openYard();
    await aged(yard);
    await yard.grow(1, 10);
    const [first, second] = [await readAll(yard.live.log, 0), await readAll(yard.live.log, 1)];
    await yard.archiver.run();
    const together = await readTogether(yard.log, new Map([[0, 30], [1, 3]]));
    expect(together.filter(({ log }) => log === 0)).toEqual(first.slice(30));
    expect(together.filter(({ log }) => log === 1)).toEqual(second.slice(3));
  });

  test('a run again archives nothing again, and the figures say what there is', async () => {
    await using yard = openYard();
    await aged(yard);
    await yard.archiver.run();
    const objects = [...yard.cold.objects.keys()];
    await yard.archiver.run();
    expect([...yard.cold.objects.keys()]).toEqual(objects);
    const [bytes] = [...yard.cold.objects].filter(([name]) => name.endsWith('.zst')).map(([, { length }]) => length);
    const oldest = (await readAll(yard.live.log, 0, 60))[0]?.events[0]?.time;
    expect(yard.archiver.figures).toMatchObject({ segments: 1, commits: 60, bytes, failures: 0, trouble: null, oldestLiveMs: oldest });
  });

  test('nothing that a consumer has not read is trimmed', async () => {
    await using yard = openYard({ afterMs: 0 });
    await yard.grow(0, 20);
    await yard.live.log.append([{ log: 0, expected: 20, events: [{ type: 'Counted', key: 'k', time: yard.clock.now(), data: {} }] }], 't');
    await yard.live.log.append([{ log: 0, expected: 21, events: [{ type: 'Counted', key: 'k', time: yard.clock.now(), data: {} }] }], 't');
    await yard.archiver.run();
    expect(await yard.live.log.trimmedTo(0)).toBe(20);
    await yard.live.projections.apply({ consumer: 'states', checkpoints: [{ log: 0, expected: 20, upTo: 22 }], states: [], deletes: [], upserts: [] });
    await yard.archiver.run();
    expect(await yard.live.log.trimmedTo(0)).toBe(22);
    expect(await positions(yard, 0)).toEqual(from(1, 22));
    await yard.live.log.append([{ log: 0, expected: 22, events: [{ type: 'Counted', key: 'k', time: yard.clock.now(), data: {} }] }], 't');
    expect(await positions(yard, 20)).toEqual([21, 22, 23]);
  });

  test('a few young old ones wait for others, so that quiet logs do not make a file an hour', async () => {
    await using yard = openYard();
    await yard.grow(0, 10);
    yard.clock.advance(1.5 * DAY);
    await yard.archiver.run();
    expect(await yard.live.log.trimmedTo(0)).toBe(0);
    yard.clock.advance(0.5 * DAY);
    await yard.archiver.run();
    expect(await yard.live.log.trimmedTo(0)).toBe(10);
  });

  test('a full segment does not wait, and a log of many of them is read across all their borders', async () => {
    await using yard = openYard({ charactersMax: 3_000 });
    await yard.grow(0, 60);
    yard.clock.advance(DAY);
    const before = await readAll(yard.live.log, 0);
    await yard.archiver.run();
    const { segments, commits } = yard.archiver.figures;
    expect(segments).toBeGreaterThan(3);
    // What is left over does not fill one yet, and is not old enough to go without.
    expect(await yard.live.log.trimmedTo(0)).toBe(commits);
    expect(commits).toBeGreaterThan(40);
    expect(commits).toBeLessThan(60);
    for (const after of [0, 17, 33]) expect(await readAll(yard.log, 0, after)).toEqual(before.slice(after));
  });

  test('one node at a time', async () => {
    await using yard = openYard();
    await aged(yard);
    const other = openYard({ live: yard.live, objects: yard.cold.objects, clock: yard.clock, holder: 'node-2' });
    const lease = await yard.live.leases.acquire('archiver', 'node-3', { ttlMs: 5_000, nowMs: yard.clock.now() });
    expect([await yard.archiver.run(), await other.archiver.run()]).toEqual([false, false]);
    yard.clock.advance(5_000);
    expect(lease).toBeDefined();
    expect(await other.archiver.run()).toBe(true);
    expect(await yard.live.log.trimmedTo(0)).toBe(60);
  });

  test('a process that is alone does not wait for the lease of one that was killed in the middle of it', async () => {
    const killed = new Error('killed');
    let trims = 0;
    await using yard = openYard({
      alone: true,
      holder: 'node-1',
      beforeTrim() {
        if (trims++ === 0) throw killed;
      },
    });
    await aged(yard);
    yard.live.leases.release = () => Promise.reject(killed);
    await expect(yard.archiver.run()).rejects.toThrow('killed');
    expect(await openYard({ live: yard.live, objects: yard.cold.objects, clock: yard.clock, holder: 'node-2' }).archiver.run()).toBe(false);
    expect(await openYard({ live: yard.live, objects: yard.cold.objects, clock: yard.clock, holder: 'node-3', alone: true }).archiver.run()).toBe(true);
    expect(await yard.live.log.trimmedTo(0)).toBe(60);
  });

  test('a node that lost the lease in the middle of it stops, and what it stored is no harm', async () => {
    let lose = async (): Promise<void> => undefined;
    await using yard = openYard({ interfere: async ({ operation, name, when }) => (operation === 'put' && name.endsWith('.zst') && when === 'after' ? lose() : undefined) });
    lose = async () => {
      yard.clock.advance(61_000);
      await yard.live.leases.acquire('archiver', 'node-2', { ttlMs: 60_000, nowMs: yard.clock.now() });
    };
    await aged(yard);
    await expect(yard.archiver.run()).rejects.toMatchObject({ code: 'fenced' });
    expect(await yard.live.log.trimmedTo(0)).toBe(0);
    expect(yard.archiver.figures).toMatchObject({ failures: 1, trouble: expect.stringContaining('another node') as string });
    lose = async () => undefined;
    yard.clock.advance(61_000);
    expect(await yard.archiver.run()).toBe(true);
    expect(await positions(yard, 0)).toEqual(from(1, 100));
  });
});

describe('a crash', () => {
  const points = ['marker put', 'before the put', 'after the put', 'before the trim', 'after the trim of one log'] as const;

  test.each(points)('%s: nothing is lost, nothing is there twice, and the next run goes on', async (point) => {
    let armed = true;
    let trims = 0;
    const die = (): never => {
      armed = false;
      throw new Error('the plug was pulled');
    };
    await using yard = openYard({
      interfere({ operation, name, when }) {
        if (!armed || operation !== 'put') return;
        if (point === 'marker put' && name === 'archive.json' && when === 'after') die();
        if (!name.endsWith('.zst')) return;
        if (point === 'before the put' && when === 'before') die();
        if (point === 'after the put' && when === 'after') die();
      },
      beforeTrim() {
        if (!armed) return;
        if (point === 'before the trim') die();
        if (point === 'after the trim of one log' && ++trims === 2) die();
      },
    });
    await aged(yard);
    await yard.grow(1, 5);
    await yard.grow(2, 50);
    yard.clock.advance(3 * DAY);
    const before = await Promise.all([0, 1, 2].map((log) => readAll(yard.live.log, log)));
    await expect(yard.archiver.run()).rejects.toThrow('the plug was pulled');
    expect(armed).toBe(false);
    // What is left is read by a process that knows nothing of the one before.
    const next = openYard({ live: yard.live, objects: yard.cold.objects, clock: yard.clock, holder: 'node-2' });
    yard.clock.advance(61_000);
    expect(await Promise.all([0, 1, 2].map((log) => readAll(next.log, log)))).toEqual(before);
    await next.archiver.run();
    expect(await Promise.all([0, 1, 2].map((log) => next.live.log.trimmedTo(log)))).toEqual([100, 5, 50]);
    expect(await Promise.all([0, 1, 2].map((log) => readAll(next.log, log)))).toEqual(before);
    expect(next.archiver.figures.commits).toBe(100 + 5 + 50);
  });
});

describe('a damaged archive is named, and never a wrong answer', () => {
  async function archived(): Promise<{ yard: Yard; name: string; body: Uint8Array; whole: unknown }> {
    const yard = openYard();
    await aged(yard);
    await yard.archiver.run();
    const [name = '', body = new Uint8Array()] = [...yard.cold.objects].find(([one]) => one.endsWith('.zst')) ?? [];
    return { yard, name, body, whole: await readAll(yard.log, 0) };
  }
  /** Somebody who has nothing in memory yet. */
  const readAnew = (yard: Yard): Promise<unknown> => readAll(readThrough(yard.live.log, new Archive(yard.cold, yard.live.settings)), 0);

  test('each flipped bit: reading gives what was written or names the file, and a check finds all of them', async () => {
    const { yard, name, body, whole } = await archived();
    const [segment] = (await yard.archive.segments(0)).chain;
    if (!segment) throw new Error('nothing was archived');
    let [looked, refused] = [0, 0];
    for (let byte = 0; byte < body.length; byte++) {
      const spoilt = Uint8Array.from(body);
      spoilt[byte] = (spoilt[byte] ?? 0) ^ (1 << byte % 8);
      yard.cold.objects.set(name, spoilt);
      await expect(yard.archive.check(segment)).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining(name) as string });
      if (byte % 3 !== 0) continue;
      looked++;
      try {
        expect(await readAnew(yard)).toEqual(whole);
      } catch (error) {
        expect(error).toMatchObject({ code: 'corrupt', message: expect.stringContaining(name) as string });
        refused++;
      }
    }
    // All but the frames that zstd passes over, which hold nothing of the log.
    expect(refused).toBeGreaterThan(looked * 0.9);
    await yard[Symbol.asyncDispose]();
  });

  test('each missing end', async () => {
    const { yard, name, body } = await archived();
    for (let length = 0; length < body.length; length += 5) {
      yard.cold.objects.set(name, body.slice(0, length));
      await expect(readAnew(yard)).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining(name) as string });
    }
    await yard[Symbol.asyncDispose]();
  });

  test('a missing file, and a file in the place of another', async () => {
    const { yard, name, body } = await archived();
    yard.cold.objects.delete(name);
    await expect(readAnew(yard)).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining('commit 1 of log 0') as string });
    await expect(yard.archiver.run()).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining('put the missing files back') as string });
    yard.cold.objects.set(name.replace('0000/', '0001/'), body);
    await expect(readAnew(yard)).rejects.toMatchObject({ code: 'corrupt' });
    yard.cold.objects.set(name.replace(/-[0-9a-f]{32}/, `-${'0'.repeat(32)}`), body);
    await expect(readAnew(yard)).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining('0000000.zst') as string });
    await yard[Symbol.asyncDispose]();
  });

  test('another store\'s place is not taken for this store\'s, nor is an empty one', async () => {
    await using yard = openYard();
    await using other = openYard();
    await aged(yard);
    await aged(other);
    await yard.archiver.run();
    const stray = openYard({ live: other.live, objects: yard.cold.objects, clock: other.clock });
    await expect(stray.archiver.run()).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('of another store') as string });
    const empty = openYard({ live: yard.live, clock: yard.clock });
    await expect(empty.archiver.run()).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('not there') as string });
    expect(await other.live.log.trimmedTo(0)).toBe(0);
  });

  test('an archive of another history stops the trimming before anything is lost', async () => {
    await using yard = openYard();
    await aged(yard);
    const marker = { live: yard.live, clock: yard.clock };
    await yard.archive.claim('archive-1');
    // What a restored older backup finds: its own archive, with commits that it never had.
    await using future = openYard({ objects: yard.cold.objects, clock: yard.clock });
    await future.live.settings.swap('archive', undefined, { id: 'archive-1', deletedTo: {} });
    await future.grow(0, 61);
    yard.clock.advance(4 * DAY);
    await future.archiver.run();
    await expect(openYard({ ...marker, objects: yard.cold.objects }).archiver.run()).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining('another history') as string });
    expect(await yard.live.log.trimmedTo(0)).toBe(0);
  });
});

describe('history is lost only where the policy deleted it', () => {
  test('the oldest segments go when they are old enough, and reading before that is `history-lost`', async () => {
    await using yard = openYard({ keepMs: 10 * DAY });
    await yard.grow(0, 10);
    yard.clock.advance(5 * DAY);
    await yard.grow(0, 10);
    await yard.archiver.run();
    yard.clock.advance(5.5 * DAY);
    await yard.archiver.run();
    expect(await yard.log.trimmedTo(0)).toBe(10);
    await expect(readAll(yard.log, 0, 9)).rejects.toMatchObject({ code: 'history-lost' });
    await expect(readAt(yard.log, 0, [9])).rejects.toMatchObject({ code: 'history-lost' });
    await expect(readTogether(yard.log, new Map([[0, 9]]))).rejects.toMatchObject({ code: 'history-lost' });
    expect(await positions(yard, 10)).toEqual(from(11, 20));
    expect(yard.archiver.figures).toMatchObject({ segments: 1, commits: 10 });
    await expect(yard.archive.check((await yard.archive.segments(0)).chain[0] ?? { name: '', log: 0, first: 1, last: 1, bytes: 0 })).resolves.toBeDefined();
  });

  test('a crash after it was written down and before the file was deleted leaves no gap', async () => {
    let armed = true;
    await using yard = openYard({
      keepMs: 2 * DAY,
      interfere({ operation }) {
        if (!armed || operation !== 'delete') return;
        armed = false;
        throw new Error('the plug was pulled');
      },
    });
    await aged(yard);
    await expect(yard.archiver.run()).rejects.toThrow('the plug was pulled');
    const files = (): number => [...yard.cold.objects.keys()].filter((name) => name.endsWith('.zst')).length;
    expect([await yard.log.trimmedTo(0), files()]).toEqual([60, 1]);
    await expect(positions(yard, 59)).rejects.toMatchObject({ code: 'history-lost' });
    await yard.archiver.run();
    expect([await positions(yard, 60), files()]).toEqual([from(61, 100), 0]);
  });
});
