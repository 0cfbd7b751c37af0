import { describe, expect, test } from 'vitest';
import { handClock, type HandClock } from '../base/clock.ts';
import { below, chance, seededRandom } from '../base/random.ts';
import { openMemory, type MemoryStore } from '../engines/memory/memory.ts';
import type { Commit } from '../store/store.ts';
import { Consumer, type ConsumerOptions, type Listener } from './consumer.ts';
import { boxEngine, pass, turn } from './testing.ts';

const PARTITIONS = 3;
const TABLE = { name: 'sums', columns: [{ name: 'box', type: 'text' }, { name: 'units', type: 'int' }], primaryKey: ['box'] } as const;

/** Adds up what is in each box: whatever it missed or heard twice would show. */
class Adder implements Listener {
  readonly name = 'adder';
  readonly tables = [TABLE];
  readonly heard: string[] = [];
  #sums = new Map<string, number>();

  async open(saved: Parameters<NonNullable<Listener['open']>>[0]): Promise<void> {
    const rows = (await saved.selectFrom('sums').selectAll().execute()) as { box: string; units: number }[]; // the columns of the table
    this.#sums = new Map(rows.map(({ box, units }) => [box, units]));
  }

  hear({ log, position, events }: Commit, rows: Parameters<Listener['hear']>[1]): void {
    this.heard.push(`${log}-${position}`);
    for (const { type, key, data } of events) {
      if (type !== 'box.changed') continue;
      const units = (this.#sums.get(key) ?? 0) + Number(data['change']);
      this.#sums.set(key, units);
      if (units === 0) rows.remove('sums', key);
      else rows.put('sums', [key, units]);
    }
  }
}

function consumerOf(store: MemoryStore, engine: ReturnType<typeof boxEngine>, clock: HandClock, rest: Partial<ConsumerOptions> = {}): Consumer {
  return new Consumer({ store, engine, clock, listener: new Adder(), holder: 'node', ...rest });
}

/** By box, what all facts up to some positions come to. */
async function sumsUpTo(store: MemoryStore, positions: readonly number[]): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (let log = 0; log < PARTITIONS; log++) {
    for await (const commit of store.log.read(log, 0)) {
      if (commit.position > (positions[log] ?? 0)) break;
      for (const { type, key, data } of commit.events) if (type === 'box.changed') sums[key] = (sums[key] ?? 0) + Number(data['change']);
    }
  }
  return Object.fromEntries(Object.entries(sums).filter(([, units]) => units !== 0));
}

async function savedSums(store: MemoryStore): Promise<Record<string, number>> {
  const rows = (await store.projections.sql.selectFrom('sums').selectAll().orderBy('box').execute()) as { box: string; units: number }[]; // likewise
  return Object.fromEntries(rows.map(({ box, units }) => [box, units]));
}

describe('consumer', () => {
  test('hears what was there and what comes, each commit once and in the order of its log, and saves what it made of it with its checkpoint', async () => {
    const store = openMemory({ partitions: PARTITIONS });
    const clock = handClock();
    const engine = boxEngine(store, { clock });
    await engine.start();
    await engine.execute({ type: 'Put', box: 'a', units: 3 });
    const listener = new Adder();
    const consumer = consumerOf(store, engine, clock, { listener });
    consumer.start();
    await consumer.settled();
    for (const box of ['a', 'b', 'a']) await engine.execute({ type: 'Put', box, units: 1 });
    await engine.execute({ type: 'Take', from: ['b'], units: 1 });
    await consumer.settled();
    expect(listener.heard).toHaveLength(new Set(listener.heard).size);
    for (let log = 0; log < PARTITIONS; log++) expect(listener.heard.filter((name) => name.startsWith(`${log}-`))).toEqual(Array.from({ length: engine.heads[log] ?? 0 }, (_, n) => `${log}-${n + 1}`));
    await pass(clock, 2_000);
    expect(await savedSums(store)).toEqual({ 'b/a': 5 });
    expect(await store.projections.checkpoints('adder')).toEqual(engine.heads);
    await consumer[Symbol.asyncDispose]();
  });

  test('after a crash between a fact and the checkpoint nothing is lost and nothing counted twice', async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = seededRandom(seed);
      let store = openMemory({ partitions: PARTITIONS });
      const clock = handClock();
      for (let life = 0; life < 4; life++) {
        const engine = boxEngine(store, { clock, seed: seed * 10 + life });
        await engine.start();
        const consumer = consumerOf(store, engine, clock, { saveMs: 1 + below(random, 40) });
        consumer.start();
        for (let n = below(random, 60); n > 0; n--) {
          void engine.execute(chance(random, 0.6) ? { type: 'Put', box: `${below(random, 5)}`, units: 1 } : { type: 'Take', from: [`${below(random, 5)}`], units: 1 }).catch(() => undefined); // the crash may come first
          if (chance(random, 0.3)) await turn(1 + below(random, 3));
          if (chance(random, 0.3)) clock.advance(below(random, 30));
        }
        if (life < 3) store = openMemory({ from: store.crash(random) });
        else await consumer.settled().then(() => consumer[Symbol.asyncDispose]());
        if (life < 3) await store.projections.prepare([TABLE]);
        expect(await savedSums(store), `seed ${seed}`).toEqual(await sumsUpTo(store, await store.projections.checkpoints('adder')));
      }
      expect(await savedSums(store), `seed ${seed}`).toEqual(await sumsUpTo(store, await store.log.heads()));
    }
  });

  test('hears what another process has written as soon as its engine knows of it', async () => {
    const store = openMemory({ partitions: PARTITIONS });
    const clock = handClock();
    const [engine, other] = [boxEngine(store, { clock }), boxEngine(store.share(), { clock, seed: 2 })];
    await engine.start();
    await other.start();
    const consumer = consumerOf(store, engine, clock);
    consumer.start();
    await consumer.settled();
    for (let n = 0; n < 5; n++) await other.execute({ type: 'Put', box: 'a', units: 1 });
    await engine.follow();
    await consumer.settled();
    await consumer.save();
    expect(await savedSums(store)).toEqual({ 'b/a': 5 });
    await consumer[Symbol.asyncDispose]();
  });

  test('is run by one of several processes, and by another where that one has gone', async () => {
    const store = openMemory({ partitions: PARTITIONS });
    const clock = handClock();
    const engines = [boxEngine(store, { clock }), boxEngine(store.share(), { clock, seed: 2 })];
    const consumers = engines.map((engine, n) => consumerOf(n === 0 ? store : store.share(), engine, clock, { holder: `node ${n}` }));
    for (const [n, engine] of engines.entries()) {
      await engine.start();
      consumers[n]?.start();
      await turn();
    }
    expect(consumers.map((consumer) => consumer.isHearing)).toEqual([true, false]);
    await engines[0]?.execute({ type: 'Put', box: 'a', units: 2 });
    await consumers[0]?.[Symbol.asyncDispose]();
    await engines[1]?.follow();
    await pass(clock, 5_000);
    expect(consumers[1]?.isHearing).toBe(true);
    await engines[1]?.execute({ type: 'Put', box: 'a', units: 2 });
    await consumers[1]?.settled();
    await consumers[1]?.save();
    expect(await savedSums(store)).toEqual({ 'b/a': 4 });
    await consumers[1]?.[Symbol.asyncDispose]();
  });

  test('begins again at the oldest fact where its rows went away with views that were made again', async () => {
    const store = openMemory({ partitions: PARTITIONS });
    const clock = handClock();
    const engine = boxEngine(store, { clock });
    await engine.start();
    const trouble: string[] = [];
    const consumer = consumerOf(store, engine, clock, { onTrouble: (message) => trouble.push(message) });
    consumer.start();
    await engine.execute({ type: 'Put', box: 'a', units: 3 });
    await consumer.settled();
    await consumer.save();
    await using beside = await store.projections.beside();
    await beside.projections.prepare([]);
    await beside.adopt();
    await engine.execute({ type: 'Put', box: 'a', units: 4 });
    await pass(clock, 3_000);
    await consumer.settled();
    await consumer.save();
    expect(await savedSums(store)).toEqual({ 'b/a': 7 });
    expect(trouble).toEqual([]);
    await consumer[Symbol.asyncDispose]();
  });

  test('goes on from what is saved when the store was away', async () => {
    for (const verdict of [{ type: 'fail', code: 'unavailable' }, { type: 'lost-answer' }] as const) {
      let away = false;
      const store = openMemory({ partitions: PARTITIONS, faults: { before: (operation) => (away && operation === 'apply' ? verdict : { type: 'ok' }) } });
      const clock = handClock();
      const engine = boxEngine(store, { clock });
      await engine.start();
      const consumer = consumerOf(store, engine, clock);
      consumer.start();
      await consumer.settled();
      away = true;
      await engine.execute({ type: 'Put', box: 'a', units: 1 });
      await pass(clock, 3_000);
      away = false;
      await pass(clock, 3_000);
      expect(await savedSums(store)).toEqual({ 'b/a': 1 });
      await consumer[Symbol.asyncDispose]();
    }
  });

  test('hears from the oldest fact that is kept where older ones were deleted', async () => {
    const store = openMemory({ partitions: PARTITIONS });
    const clock = handClock();
    const engine = boxEngine(store, { clock });
    await engine.start();
    for (let n = 0; n < 4; n++) await engine.execute({ type: 'Put', box: 'a', units: 1 });
    for (let log = 0; log < PARTITIONS; log++) await store.log.trim(log, 2);
    const consumer = consumerOf(store, engine, clock);
    consumer.start();
    await consumer.settled();
    await consumer.save();
    expect(await savedSums(store)).toEqual({ 'b/a': 2 });
    await consumer[Symbol.asyncDispose]();
  });
});
