import { describe, expect, test } from 'vitest';
import { handClock, type HandClock } from '../base/clock.ts';
import type { Json } from '../base/json.ts';
import { seededRandom } from '../base/random.ts';
import { openMemory, type Faults, type Image, type MemoryStore, type Operation, type Verdict } from '../engines/memory/memory.ts';
import { CLAIM_LEASE_MS, CLAIM_MAX, MESSAGE_ATTEMPTS_MAX, RETRY_BASE_MS, RETRY_MAX_MS } from './limits.ts';
import { QueueWorker } from './queue-worker.ts';
import { boxEngine, boxOf, pass, stateOf, type BoxCommand } from './testing.ts';
import type { Engine } from './engine.ts';

interface Working {
  readonly clock: HandClock;
  readonly store: MemoryStore;
  readonly engine: Engine<BoxCommand>;
  readonly worker: QueueWorker<BoxCommand>;
}

async function working(options: { clock?: HandClock; from?: Image; faults?: Faults; seed?: number } = {}): Promise<Working> {
  const { clock = handClock(0), from, faults, seed = 1 } = options;
  const store = openMemory({ clock, ...(from === undefined ? { partitions: 2 } : { from }), ...(faults === undefined ? undefined : { faults }) });
  const engine = boxEngine(store, { clock });
  await engine.start();
  const worker = new QueueWorker<BoxCommand>({ engine, store, clock, random: seededRandom(seed), queue: 'q', toCommand });
  worker.start();
  await pass(clock, 0);
  return { clock, store, engine, worker };
}

function toCommand(body: Json): BoxCommand {
  if (body === 'nonsense') throw new TypeError('that is no command');
  return body as unknown as BoxCommand; // what these tests put there
}

const put = (id: string, box: string, label = id): { id: string; lane: string; body: Json } => ({ id, lane: box, body: { type: 'Put', box, units: 1, label } });
const labels = (engine: Engine<BoxCommand>, box: string): Promise<string[]> => engine.read((world) => [...boxOf(world, box).labels]);

/** Faults that fail one kind of call as long as a switch is on. */
function switched(operation: Operation, verdict: Verdict): Faults & { on: boolean } {
  const faults = { on: false, before: (asked: Operation): Verdict => (faults.on && asked === operation ? verdict : { type: 'ok' }) };
  return faults;
}

describe('the queue worker', () => {
  test('sees to what is put, in the order of each lane, and tells who waits for a result', async () => {
    const { clock, engine, worker } = await working();
    await worker.put(Array.from({ length: 600 }, (_, n) => put(`m${n}`, n % 2 === 0 ? 'even' : 'odd')));
    const result = worker.resultOf('m598', 1_000);
    await pass(clock, 100);
    expect(await stateOf(result)).toEqual({ ok: true, answer: 300 });
    expect(await labels(engine, 'even')).toEqual(Array.from({ length: 300 }, (_, n) => `m${2 * n}`));
    expect(await stateOf(worker.resultOf('m0', 1_000))).toEqual({ ok: true, answer: 1 });
  });

  test('a refusal is a result', async () => {
    const { clock, worker } = await working();
    await worker.put([{ id: 'm', lane: 'b', body: { type: 'Take', from: ['b'], units: 1 } }]);
    await pass(clock, 10);
    expect(await stateOf(worker.resultOf('m', 0))).toMatchObject({ ok: false, refusal: { code: 'too-few' } });
  });

  test('who waits in vain is told nothing when the time is over', async () => {
    const { clock, worker } = await working();
    const result = worker.resultOf('unknown', 50);
    expect(await stateOf(result)).toBe('waiting');
    await pass(clock, 50);
    expect(await result).toBeUndefined();
  });

  test('what an earlier process put or claimed is seen to after a restart, with one effect', async () => {
    const faults = switched('queue-write', { type: 'fail', code: 'unavailable' });
    const { clock, store, worker } = await working({ faults });
    await worker.put([put('m', 'b')]);
    faults.on = true; // claimed by now, and what becomes of it is never recorded
    await pass(clock, 10);
    expect(await store.queue.find('m')).toMatchObject({ status: 'claimed' });
    const again = await working({ clock, from: store.image() });
    await pass(clock, CLAIM_LEASE_MS + RETRY_MAX_MS);
    expect([await labels(again.engine, 'b'), await again.store.queue.find('m')]).toMatchObject([['m'], { status: 'done', attempts: 2, result: { ok: true, answer: 1 } }]);
  });

  test('a message that was finished and is revived by mistake has no second effect', async () => {
    const { clock, store, engine, worker } = await working();
    const [sick] = [{ ...put('m', 'b'), body: 'nonsense' }];
    if (sick) await worker.put([sick]);
    await pass(clock, 600_000);
    await engine.execute(toCommand(put('m', 'b').body), { once: { key: 'k/m', fingerprint: 'm' } }); // it had its effect after all
    expect(await store.queue.revive('m', clock.now())).toBe(true);
    await pass(clock, RETRY_MAX_MS);
    expect(await labels(engine, 'b')).toEqual(['m']);
  });

  test('a message at fault is tried again with pauses that double and differ, then set aside, and its lane goes on', async () => {
    const pauses = async (seed: number): Promise<number[]> => {
      const { clock, store, engine, worker } = await working({ seed });
      const seen: number[] = [];
      await worker.put([{ id: 'sick', lane: 'b', body: 'nonsense' }, put('next', 'b')]);
      for (let ms = 0; ms < 120_000 && (await store.queue.find('sick'))?.status !== 'dead'; ms += 10) {
        await pass(clock, 10);
        const attempts = (await store.queue.find('sick'))?.attempts ?? 0;
        expect((await store.queue.find('next'))?.status, 'what is behind it waits').not.toBe('done');
        if (attempts > seen.length) seen.push(clock.now());
      }
      expect(await store.queue.find('sick')).toMatchObject({ status: 'dead', attempts: MESSAGE_ATTEMPTS_MAX, error: 'that is no command' });
      await pass(clock, RETRY_MAX_MS);
      expect(await labels(engine, 'b')).toEqual(['next']);
      return seen.slice(1).map((at, index) => at - (seen[index] ?? 0));
    };
    const [one, other] = [await pauses(1), await pauses(2)];
    for (const [index, pause] of one.entries()) {
      const full = Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** index);
      expect(pause, `pause ${index + 1}`).toBeGreaterThanOrEqual(full / 2 - 10);
      expect(pause, `pause ${index + 1}`).toBeLessThanOrEqual(full + 2 * RETRY_BASE_MS + 20); // it is looked for that often
    }
    expect(other).not.toEqual(one);
  });

  test('a lane waits for a message that fails in the engine too', async () => {
    const { clock, store, engine, worker } = await working();
    await worker.put([{ id: 'sick', lane: 'b', body: { type: 'Poison', box: 'a' } }, put('next', 'b'), put('other', 'c')]);
    for (let ms = 0; ms < 120_000 && (await store.queue.find('sick'))?.status !== 'dead'; ms += 50) {
      expect((await store.queue.find('next'))?.status).not.toBe('done');
      await pass(clock, 50);
    }
    expect(await labels(engine, 'c')).toEqual(['other']);
    await pass(clock, RETRY_MAX_MS);
    expect([await labels(engine, 'b'), await labels(engine, 'a')]).toEqual([['next'], []]);
  });

  test('a world at fault sets nothing aside, however long it lasts', async () => {
    const faults = switched('append', { type: 'fail', code: 'storage-full' });
    const { clock, store, engine, worker } = await working({ faults });
    faults.on = true;
    await worker.put([put('m1', 'b'), put('m2', 'b')]);
    await pass(clock, 3_600_000);
    expect(await store.queue.find('m1')).toMatchObject({ status: expect.not.stringMatching(/dead|done/) as string });
    faults.on = false;
    await pass(clock, CLAIM_LEASE_MS + 2 * RETRY_MAX_MS);
    expect(await labels(engine, 'b')).toEqual(['m1', 'm2']);
  });

  test('a store that is away for a while loses nothing', async () => {
    for (const operation of ['queue-write', 'queue-read', 'append', 'load'] as const) {
      const faults = switched(operation, { type: 'fail', code: 'unavailable' });
      const { clock, engine, worker } = await working({ faults });
      await worker.put([put('m1', 'b')]);
      faults.on = true;
      await pass(clock, 60_000);
      faults.on = false;
      await worker.put([put('m2', 'b')]);
      await pass(clock, CLAIM_LEASE_MS + 2 * RETRY_MAX_MS);
      expect(await labels(engine, 'b'), operation).toEqual(['m1', 'm2']);
    }
  });

  describe('while appends take 50 ms', () => {
    const slow: Faults = { before: (operation) => ({ type: 'ok', ...(operation === 'append' ? { beforeMs: 50 } : undefined) }) };
    const stateOfEach = (store: MemoryStore, ids: readonly string[]): Promise<(string | undefined)[]> => Promise.all(ids.map(async (id) => (await store.queue.find(id))?.status));

    test('begins with what is put while other work is under way, but not before an earlier message of its lane is done', async () => {
      const { clock, store, engine, worker } = await working({ faults: slow });
      await worker.put([put('m1', 'b')]);
      await worker.put([put('m2', 'c'), put('m3', 'b')]);
      expect(await stateOfEach(store, ['m1', 'm2', 'm3'])).toEqual(['claimed', 'claimed', 'ready']);
      await pass(clock, 500);
      expect([await labels(engine, 'b'), await labels(engine, 'c')]).toEqual([['m1', 'm3'], ['m2']]);
      expect(await stateOfEach(store, ['m1', 'm2', 'm3'])).toEqual(['done', 'done', 'done']);
    });

    test('has no more under way than it claims at a time', async () => {
      const { clock, store, worker } = await working({ faults: slow });
      const ids = Array.from({ length: CLAIM_MAX + 1 }, (_, n) => `m${n}`);
      await worker.put(ids.slice(0, CLAIM_MAX - 1).map((id) => put(id, id)));
      await worker.put(ids.slice(CLAIM_MAX - 1).map((id) => put(id, id)));
      expect((await stateOfEach(store, ids)).map((status) => status === 'claimed')).toEqual([...new Array<boolean>(CLAIM_MAX).fill(true), false]);
      await pass(clock, 500);
      expect(new Set(await stateOfEach(store, ids))).toEqual(new Set(['done']));
    });

    test('closing finishes what was claimed as it was put beside other work', async () => {
      const { clock, store, worker } = await working({ faults: slow });
      await worker.put([put('m1', 'b')]);
      await worker.put([put('m2', 'c')]);
      const closed = worker.close();
      expect(await stateOf(closed)).toBe('waiting');
      await pass(clock, 200);
      expect([await stateOf(closed), await stateOfEach(store, ['m1', 'm2'])]).toEqual([undefined, ['done', 'done']]);
    });
  });

  test('closing finishes what is claimed', async () => {
    const { clock, store, worker } = await working({ faults: { before: (operation) => ({ type: 'ok', ...(operation === 'append' ? { beforeMs: 50 } : undefined) }) } });
    await worker.put([put('m', 'b')]);
    await pass(clock, 10);
    const closed = worker.close();
    expect(await stateOf(closed)).toBe('waiting');
    await pass(clock, 100);
    expect([await stateOf(closed), await store.queue.find('m')]).toMatchObject([undefined, { status: 'done' }]);
  });

  test('two workers on two nodes share the work, and nothing is done twice', async () => {
    const { clock, store, engine, worker } = await working();
    const other = store.share();
    const otherEngine = boxEngine(other, { clock, seed: 2 });
    await otherEngine.start();
    const otherWorker = new QueueWorker<BoxCommand>({ engine: otherEngine, store: other, clock, random: seededRandom(9), queue: 'q', toCommand });
    otherWorker.start();
    for (let n = 0; n < 200; n++) await (n % 2 === 0 ? worker : otherWorker).put([put(`m${n}`, `lane${n % 3}`)]);
    await pass(clock, CLAIM_LEASE_MS + 2 * RETRY_MAX_MS);
    await engine.follow();
    await pass(clock, 10);
    for (const lane of [0, 1, 2]) {
      const put = Array.from({ length: 200 }, (_, n) => n).filter((n) => n % 3 === lane);
      expect(await labels(engine, `lane${lane}`)).toEqual(put.map((n) => `m${n}`));
    }
  });
});
