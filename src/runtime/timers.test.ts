import { describe, expect, test } from 'vitest';
import { handClock, type HandClock } from '../base/clock.ts';
import { openMemory, type Faults, type MemoryStore } from '../engines/memory/memory.ts';
import { WAKE_WINDOW_MS } from './limits.ts';
import { Projector } from './projector.ts';
import { boxEngine, boxes, pass } from './testing.ts';
import { Timers } from './timers.ts';
import type { Engine } from './engine.ts';
import type { BoxCommand } from './testing.ts';

interface Waking {
  readonly engine: Engine<BoxCommand>;
  readonly timers: Timers<BoxCommand>;
}

async function waking(store: MemoryStore, clock: HandClock): Promise<Waking> {
  const engine = boxEngine(store, { clock });
  const timers = new Timers({ engine, store, room: boxes, clock });
  await engine.start();
  await timers.start();
  return { engine, timers };
}

/** How late each box rang, in the order of the facts; boxes whose hour has not come are missing. */
async function rung(store: MemoryStore): Promise<{ box: string; late: number }[]> {
  const facts: { box: string; late: number; time: number }[] = [];
  for (let log = 0; log < store.partitions; log++) {
    for await (const commit of store.log.read(log, 0)) {
      for (const { type, key, data, time } of commit.events) if (type === 'box.rang') facts.push({ box: key.slice(2), late: Number(data['late']), time });
    }
  }
  return facts.toSorted((a, b) => a.time - b.time || (a.box < b.box ? -1 : 1)).map(({ box, late }) => ({ box, late }));
}

const ring = (box: string, at: number): BoxCommand => ({ type: 'Ring', box, at });
const SOON = 5_000;

describe('timers', () => {
  test('wake what is due at its instant or within five seconds, each once', async () => {
    const clock = handClock(0);
    const store = openMemory({ partitions: 2 });
    const { engine, timers } = await waking(store, clock);
    await Promise.all([ring('a', 1_000), ring('b', 1_010), ring('c', 30_000)].map((command) => engine.execute(command)));
    await pass(clock, 999);
    expect(await rung(store)).toEqual([]);
    await pass(clock, 60_000);
    const facts = await rung(store);
    expect(facts.map(({ box }) => box)).toEqual(['a', 'b', 'c']);
    expect(facts.every(({ late }) => late <= SOON)).toBe(true);
    timers.close();
  });

  test('ask a disk that is full now and again, not without a pause, and go on when it has room', async () => {
    const clock = handClock(0);
    let full = false;
    let refused = 0;
    const faults: Faults = { before: (asked) => (asked === 'append' && full && ++refused < 1_000 ? { type: 'fail', code: 'storage-full' } : { type: 'ok' }) };
    const store = openMemory({ partitions: 2, clock, faults });
    const { engine, timers } = await waking(store, clock);
    await engine.execute(ring('a', 1_000));
    full = true;
    await pass(clock, 10_000);
    expect([refused > 5, refused < 15, await rung(store)]).toEqual([true, true, []]);
    full = false;
    await pass(clock, 2_000);
    expect((await rung(store)).map(({ box }) => box)).toEqual(['a']);
    timers.close();
  });

  test('follow a state that wants to be woken sooner, later, or not at all', async () => {
    const clock = handClock(0);
    const store = openMemory({ partitions: 2 });
    const { engine, timers } = await waking(store, clock);
    for (const command of [ring('sooner', 50_000), ring('later', 2_000), ring('sooner', 1_000), ring('later', 20_000)]) await engine.execute(command);
    await pass(clock, 10_000);
    expect((await rung(store)).map(({ box }) => box)).toEqual(['sooner']);
    await pass(clock, 60_000);
    expect((await rung(store)).map(({ box }) => box)).toEqual(['sooner', 'later']);
    timers.close();
  });

  test('what is due far in the future is found among the saved states when its time comes', async () => {
    const clock = handClock(0);
    const store = openMemory({ partitions: 2 });
    const { engine, timers } = await waking(store, clock);
    const projector = new Projector({ store, room: boxes as never });
    await projector.start();
    await engine.execute(ring('far', 10 * WAKE_WINDOW_MS));
    expect(timers.size).toBe(0);
    await projector.catchUp();
    await pass(clock, 10 * WAKE_WINDOW_MS + SOON);
    expect(await rung(store)).toMatchObject([{ box: 'far' }]);
    timers.close();
  });

  test('survive a restart, whether or not the states were saved, and wake what fell due meanwhile', async () => {
    for (const saved of [true, false]) {
      const clock = handClock(0);
      const store = openMemory({ partitions: 2 });
      const before = await waking(store, clock);
      for (const command of [ring('meanwhile', 5_000), ring('after', 60_000), ring('far', 600_000)]) await before.engine.execute(command);
      const projector = new Projector({ store, room: boxes as never });
      await projector.start();
      if (saved) await projector.catchUp();
      before.timers.close();
      const image = store.image();
      await pass(clock, 20_000);
      const again = openMemory({ from: image });
      const { timers } = await waking(again, clock);
      const later = new Projector({ store: again, room: boxes as never });
      await later.start();
      await later.catchUp();
      await pass(clock, SOON);
      expect((await rung(again)).map(({ box }) => box)).toEqual(['meanwhile']);
      await pass(clock, 600_000);
      expect((await rung(again)).map(({ box }) => box)).toEqual(['meanwhile', 'after', 'far']);
      timers.close();
    }
  });

  test('a clock that is set back wakes nothing early, one that is set forward wakes everything due', async () => {
    const clock = handClock(0);
    let step = 0;
    const stepped = { ...clock, now: () => clock.now() + step };
    const store = openMemory({ partitions: 2 });
    const engine = boxEngine(store, { clock: stepped });
    const timers = new Timers({ engine, store, room: boxes, clock: stepped });
    await engine.start();
    await timers.start();
    await engine.execute(ring('a', 30_000));
    await engine.execute(ring('b', 90_000));
    step = -20_000;
    await pass(clock, 35_000);
    expect(await rung(store)).toEqual([]);
    await pass(clock, 20_000);
    expect(await rung(store)).toMatchObject([{ box: 'a' }]);
    step = 60_000;
    await pass(clock, 70_000);
    expect((await rung(store)).map(({ box }) => box)).toEqual(['a', 'b']);
    timers.close();
  });

  test('what could not be decided is tried again soon', async () => {
    for (const operation of ['append', 'load'] as const) {
      const clock = handClock(0);
      const first = openMemory({ partitions: 2 });
      const engine = boxEngine(first, { clock });
      const projector = new Projector({ store: first, room: boxes as never });
      await Promise.all([engine.start(), projector.start()]);
      await engine.execute(ring('a', 30_000));
      await projector.catchUp();
      let failures = 0;
      const faults: Faults = { before: (asked) => (asked === operation && failures-- > 0 ? { type: 'fail', code: operation === 'append' ? 'storage-full' : 'unavailable' } : { type: 'ok' }) };
      const store = openMemory({ from: first.image(), clock, faults });
      const { timers } = await waking(store, clock);
      await pass(clock, 29_000);
      failures = 2;
      await pass(clock, 1_000 + SOON);
      expect((await rung(store)).map(({ box }) => box), operation).toEqual(['a']);
      timers.close();
    }
  });

  test('thousands due at one instant are all woken, and others are served between them', async () => {
    const clock = handClock(0);
    const store = openMemory({ partitions: 2 });
    const { engine, timers } = await waking(store, clock);
    await Promise.all(Array.from({ length: 3_000 }, (_, n) => engine.execute(ring(`box${n}`, 1_000))));
    await pass(clock, 1_000);
    const other = engine.execute({ type: 'Put', box: 'other', units: 1 });
    await pass(clock, SOON);
    expect([(await rung(store)).length, (await other).ok]).toEqual([3_000, true]);
    timers.close();
  });

  test('of many that are due only the first are in memory, and all are woken, those too that are made meanwhile', async () => {
    const clock = handClock(0);
    const store = openMemory({ partitions: 2 });
    const names = Array.from({ length: 60 }, (_, i) => `box-${String(i).padStart(2, '0')}`);
    {
      const { engine, timers } = await waking(store, clock);
      timers.close();
      await Promise.all(names.map((box, i) => engine.execute(ring(box, i < 40 ? 20_000 : 20_000 + i))));
      await engine.close();
      const projector = new Projector({ store, room: boxes as never });
      await projector.start();
      await projector.catchUp();
    }
    const engine = boxEngine(store, { clock });
    const timers = new Timers({ engine, store, room: boxes, clock, heldMax: 10 });
    await engine.start();
    await timers.start();
    const projector = new Projector({ store, room: boxes as never });
    await projector.start();
    expect(timers.size).toBeLessThan(60);
    await engine.execute(ring('sooner', 10_000));
    await engine.execute(ring('later', 30_000));
    await projector.catchUp();
    for (let second = 0; second < 100; second++) {
      await pass(clock, 1_000);
      await projector.catchUp();
    }
    expect((await rung(store)).map(({ box }) => box).toSorted()).toEqual([...names, 'later', 'sooner']);
    timers.close();
  });

  test('let whoever asks meanwhile go first: they are decided and on their way before the wake-ups that came with them', async () => {
    const clock = handClock(0);
    const store = openMemory({ partitions: 1 });
    const { engine, timers } = await waking(store, clock);
    await engine.execute({ type: 'Put', box: 'other', units: 1 });
    await Promise.all(Array.from({ length: 100 }, (_, n) => engine.execute(ring(`box${n}`, 1_000))));
    const appends: string[][] = [];
    engine.onAppended(({ commits }) => void appends.push(commits.flatMap(({ events }) => events.map(({ type }) => type))));
    clock.advance(1_000); // the first wake-ups are in the inbox now
    await Promise.resolve();
    const other = engine.execute({ type: 'Put', box: 'other', units: 1 });
    await pass(clock, SOON);
    expect((await other).ok).toBe(true);
    expect(appends[0]).toEqual(['box.changed']);
    expect(appends.flat().filter((type) => type === 'box.rang')).toHaveLength(100);
    timers.close();
  });

  test('wait while too much is not saved, and go on when it is', async () => {
    const clock = handClock(0);
    const store = openMemory({ partitions: 2 });
    const engine = boxEngine(store, { clock });
    const timers = new Timers({ engine, store, room: boxes, clock, unsavedMax: 10 });
    const projector = new Projector({ store, room: boxes as never });
    await Promise.all([engine.start(), timers.start(), projector.start()]);
    const save = async (): Promise<void> => {
      await projector.catchUp();
      engine.saved(projector.checkpoints);
    };
    let hurried = 0;
    engine.crowd.onHurry(() => hurried++);
    await Promise.all(Array.from({ length: 200 }, (_, n) => engine.execute(ring(`box${n}`, 1_000))));
    await pass(clock, SOON);
    expect([(await rung(store)).length, hurried > 0]).toEqual([0, true]);
    await save();
    await pass(clock, SOON);
    const some = (await rung(store)).length;
    expect([some > 0, some < 200, engine.crowd.unsaved <= 10 + some]).toEqual([true, true, true]);
    for (let n = 0; n < 20; n++) {
      await save();
      await pass(clock, 10);
    }
    expect((await rung(store)).length).toBe(200);
    timers.close();
  });

  test('for which there was no room are found as soon as they are saved', async () => {
    const clock = handClock(0);
    const store = openMemory({ partitions: 2 });
    const engine = boxEngine(store, { clock });
    const timers = new Timers({ engine, store, room: boxes, clock, heldMax: 10 });
    const projector = new Projector({ store, room: boxes as never });
    await Promise.all([engine.start(), timers.start(), projector.start()]);
    await Promise.all(Array.from({ length: 60 }, (_, n) => engine.execute(ring(`box${n}`, 1_000))));
    await pass(clock, 2_000);
    expect((await rung(store)).length).toBeLessThanOrEqual(10);
    for (let n = 0; n < 20; n++) {
      await projector.catchUp();
      engine.saved(projector.checkpoints);
      await pass(clock, 200);
    }
    expect((await rung(store)).length).toBe(60);
    timers.close();
  });
});
