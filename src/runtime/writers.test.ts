import { describe, expect, test } from 'vitest';
import { handClock, type HandClock } from '../base/clock.ts';
import { isFault } from '../base/errors.ts';
import { below, pick, seededRandom } from '../base/random.ts';
import { openMemory, type Faults, type MemoryStore, type Verdict } from '../engines/memory/memory.ts';
import { CONFLICT_ATTEMPTS_MAX } from './limits.ts';
import { Projector } from './projector.ts';
import { boxEngine, boxes, boxesOfTwoLogs, boxKey, boxOf, pass, stateOf, turn, type Box, type BoxCommand } from './testing.ts';
import type { Settled } from './asked.ts';
import type { Engine } from './engine.ts';

const PARTITIONS = 4;
const NAMES = Array.from({ length: 12 }, (_, n) => `box${n}`);
const put = (box: string, units: number): BoxCommand => ({ type: 'Put', box, units });
const unitsIn = (engine: Engine<BoxCommand>, box: string): Promise<number> => engine.read((world) => boxOf(world, box).units);

async function foldAll(store: MemoryStore): Promise<Map<string, Box>> {
  const states = new Map<string, unknown>();
  for (let log = 0; log < store.partitions; log++) {
    for await (const commit of store.log.read(log, 0)) {
      for (const event of commit.events) if (event.key.startsWith('b/')) boxes.evolve(event, states);
    }
  }
  return states as Map<string, Box>; // of this room's keys only, as filtered above
}

/** Gives a command again as long as the engine asks for that: then nothing of it was stored. */
async function insist(engine: Engine<BoxCommand>, command: BoxCommand): Promise<Settled> {
  for (;;) {
    try {
      return await engine.execute(command);
    } catch (error) {
      if (!isFault(error, 'overloaded')) throw error;
    }
  }
}

/** Random puts and takes through the engines in turn, until all are answered. Gives the units that were answered for, by box. */
async function trade(engines: readonly Engine<BoxCommand>[], clock: HandClock, commands: number, seed: number, between: () => Promise<void> = async () => undefined): Promise<Map<string, number>> {
  const random = seededRandom(seed);
  const sums = new Map<string, number>();
  const answers: Promise<void>[] = [];
  for (let n = 0; n < commands; n++) {
    const [a, b] = [pick(random, NAMES), pick(random, NAMES)];
    const units = 1 + below(random, 3);
    const from = a === b ? [a] : [a, b];
    const command: BoxCommand = below(random, 2) === 0 ? put(a, units) : { type: 'Take', from, units };
    const count = (settled: { ok: boolean }): void => {
      if (!settled.ok) return;
      if (command.type === 'Put') sums.set(a, (sums.get(a) ?? 0) + units);
      else for (const box of from) sums.set(box, (sums.get(box) ?? 0) - units);
    };
    answers.push(insist(pick(random, engines), command).then(count));
    if (below(random, 8) === 0) await pass(clock, below(random, 4));
    if (below(random, 16) === 0) await between();
  }
  const all = Promise.all(answers);
  while ((await stateOf(all)) === 'waiting') await pass(clock, 50);
  await all;
  return sums;
}

const slow = (seed: number): Faults => {
  const random = seededRandom(seed);
  return { before: (operation): Verdict => (operation === 'append' ? { type: 'ok', beforeMs: below(random, 4), afterMs: below(random, 3) } : { type: 'ok' }) };
};

describe('two writers of one store', () => {
  test('thousands of interleaved commands: nothing taken twice, all facts add up to what was answered', async () => {
    const clock = handClock();
    const store = openMemory({ partitions: PARTITIONS, clock, faults: slow(1) });
    const engines = [boxEngine(store, { clock, seed: 2 }), boxEngine(store.share({ clock, faults: slow(3) }), { clock, seed: 4 })];
    for (const engine of engines) void engine.start();
    await pass(clock, 10);
    const sums = await trade(engines, clock, 4000, 5);
    const facts = await foldAll(store);
    for (const name of NAMES) {
      const box = facts.get(boxKey(name));
      expect([name, box?.units ?? 0]).toEqual([name, sums.get(name) ?? 0]);
      expect(box?.units ?? 0).toBeGreaterThanOrEqual(0);
    }
    const conflicts = engines.map((engine) => engine.figures.conflicts);
    expect([Math.min(...conflicts) > 0, Math.max(...conflicts) > 20]).toEqual([true, true]);
  });

  test('a busy engine takes in what another wrote to logs that it does not write to', async () => {
    const clock = handClock();
    const store = openMemory({ partitions: PARTITIONS, clock, faults: { before: (operation) => ({ type: 'ok', ...(operation === 'append' ? { beforeMs: 5 } : undefined) }) } });
    const busy = boxEngine(store, { clock });
    const other = boxEngine(store.share(), { clock, seed: 2 });
    await Promise.all([busy.start(), other.start()]);
    const [a, b] = boxesOfTwoLogs(PARTITIONS);
    await unitsIn(busy, b);
    let stop = false;
    const work = async (): Promise<void> => {
      while (!stop) await busy.execute(put(a, 1));
    };
    const workers = Promise.all([work(), work(), work()]);
    await pass(clock, 12);
    await other.execute(put(b, 7));
    void busy.follow();
    await pass(clock, 50);
    const seen = stateOf(unitsIn(busy, b));
    stop = true;
    await pass(clock, 50);
    await workers;
    expect(await seen).toBe(7);
    expect(await unitsIn(busy, a)).toBe((await foldAll(store)).get(boxKey(a))?.units);
  });

  test('who loses every race is told so in the end, and nothing of it was stored', async () => {
    const clock = handClock();
    const store = openMemory({ partitions: 1, clock, faults: { before: (operation) => ({ type: 'ok', ...(operation === 'append' ? { beforeMs: 5 } : undefined) }) } });
    const rival = store.share();
    const engine = boxEngine(store, { clock });
    await engine.start();
    const losing = engine.execute(put('mine', 1)).catch((error: unknown) => error);
    for (let race = 0; race < 200 && (await stateOf(losing)) === 'waiting'; race++) {
      await rival.log.append([{ log: 0, expected: await rival.log.head(0), events: [{ type: 'box.changed', key: boxKey('theirs'), time: 0, data: { change: 1 } }] }], 'rival');
      await pass(clock, 6);
    }
    expect(await losing).toMatchObject({ code: 'overloaded', retry: 'soon' });
    expect(engine.figures.conflicts).toBe(CONFLICT_ATTEMPTS_MAX + 1);
    await pass(clock, 100);
    expect([await unitsIn(engine, 'mine'), (await unitsIn(engine, 'theirs')) > 0]).toEqual([0, true]);
  });
});

describe('states that are not in memory', () => {
  test('few fit, the projector saves the others, and every command still sees what was last', async () => {
    const clock = handClock();
    const store = openMemory({ partitions: PARTITIONS, clock, faults: slow(1) });
    const engine = boxEngine(store, { clock, residentStatesMax: 3 });
    const projector = new Projector({ store: store.share(), room: boxes as never });
    await projector.start();
    void engine.start();
    await pass(clock, 10);
    let fewest = Number.POSITIVE_INFINITY;
    const sums = await trade([engine], clock, 3000, 9, async () => {
      await projector.step();
      engine.saved(projector.checkpoints);
      fewest = Math.min(fewest, engine.figures.residents);
    });
    for (const name of NAMES) expect(await unitsIn(engine, name)).toBe(sums.get(name) ?? 0);
    expect(fewest).toBeLessThan(NAMES.length);
  });

  test('commands of one lane keep their order, whatever has to be loaded for each', async () => {
    const clock = handClock();
    const store = openMemory({ partitions: PARTITIONS, clock, faults: { before: (operation) => ({ type: 'ok', ...(operation === 'load' ? { beforeMs: 5 } : undefined) }) } });
    const engine = boxEngine(store, { clock });
    void engine.start();
    await pass(clock, 100);
    const [a, b] = boxesOfTwoLogs(PARTITIONS);
    void stateOf(unitsIn(engine, a));
    await pass(clock, 10);
    const order: string[] = [];
    const say = (label: string) => (): unknown => order.push(label);
    void engine.execute({ type: 'Put', box: b, units: 1 }, { lane: 'lane' }).then(say('first: to be loaded'));
    void engine.execute({ type: 'Put', box: a, units: 1 }, { lane: 'lane' }).then(say('second: at hand'));
    void engine.execute({ type: 'Put', box: a, units: 1 }).then(say('in no lane'));
    await pass(clock, 20);
    expect(order).toEqual(['in no lane', 'first: to be loaded', 'second: at hand']);
  });

  test('where a command of a lane fails, those behind it do not go first', async () => {
    const clock = handClock();
    const given: Verdict[] = [];
    const store = openMemory({ partitions: PARTITIONS, clock, faults: { before: (operation) => (operation === 'load' ? given.shift() : undefined) ?? { type: 'ok' } } });
    const engine = boxEngine(store, { clock });
    await engine.start();
    const [a, b] = boxesOfTwoLogs(PARTITIONS);
    await unitsIn(engine, a);
    given.push({ type: 'fail', code: 'unavailable', beforeMs: 5 });
    const first = engine.execute(put(b, 1), { lane: 'lane' });
    await turn();
    const outcomes = [first, engine.execute(put(a, 1), { lane: 'lane' }), engine.execute(put(a, 1), { lane: 'other' })].map((outcome) => outcome.then(({ ok }) => ok, (error: unknown) => (error as { code: string }).code));
    await pass(clock, 20);
    expect(await Promise.all(outcomes)).toEqual(['unavailable', 'overloaded', true]);
    const sick = [engine.execute({ type: 'Poison', box: a }, { lane: 'sick' }), engine.execute(put(a, 1), { lane: 'sick' })];
    const ends = Promise.allSettled(sick);
    await pass(clock, 20);
    expect((await ends).map((settled) => settled.status === 'rejected' && (settled.reason as unknown))).toMatchObject([{ name: 'TypeError' }, { code: 'overloaded' }]);
    expect([await unitsIn(engine, a), await unitsIn(engine, b)]).toEqual([1, 0]);
  });

  test('saved states that went back in time are waited for, not decided on', async () => {
    const clock = handClock();
    const store = openMemory({ partitions: PARTITIONS, clock });
    const engine = boxEngine(store, { clock, residentStatesMax: 0 });
    const projector = new Projector({ store, room: boxes as never });
    await Promise.all([engine.start(), projector.start()]);
    await engine.execute(put('b', 1));
    await projector.catchUp();
    const before = store.image();
    await engine.execute(put('b', 1));
    await projector.catchUp();
    for (let n = 0; n < 5; n++) engine.saved(projector.checkpoints);
    expect(engine.figures.residents).toBe(0);
    // The database comes back with the log as it is, and the projections as they were a step ago.
    const rolledBack = openMemory({ from: { ...store.image(), projections: before.projections } });
    Object.assign(store.projections, { loadStates: rolledBack.projections.loadStates });
    const asked = unitsIn(engine, 'b');
    await pass(clock, 500);
    expect(await stateOf(asked)).toBe('waiting');
    const again = new Projector({ store: rolledBack, room: boxes as never });
    await again.start();
    await again.catchUp();
    await pass(clock, 500);
    expect(await stateOf(asked)).toBe(2);
  });
});

describe('restart', () => {
  test('memory is what the facts say, from whatever step the projector reached', async () => {
    for (let saved = 0; saved <= 3; saved++) {
      const clock = handClock();
      const store = openMemory({ partitions: PARTITIONS, clock });
      const engine = boxEngine(store, { clock });
      const projector = new Projector({ store, room: boxes as never });
      await Promise.all([engine.start(), projector.start()]);
      for (let round = 1; round <= 3; round++) {
        await trade([engine], clock, 50, round);
        if (round <= saved) await projector.catchUp();
      }
      const again = boxEngine(openMemory({ from: store.image() }), { clock });
      await again.start();
      const facts = await foldAll(store);
      for (const name of NAMES) expect(await unitsIn(again, name)).toBe(facts.get(boxKey(name))?.units ?? 0);
    }
  });

  test('time does not fall behind what was decided, although the clock was set back and everything was saved', async () => {
    const clock = handClock(1_000_000);
    const store = openMemory({ partitions: PARTITIONS, clock });
    const engine = boxEngine(store, { clock });
    const projector = new Projector({ store, room: boxes as never });
    await Promise.all([engine.start(), projector.start()]);
    await engine.execute(put('b', 1));
    await projector.catchUp();
    const again = boxEngine(openMemory({ from: store.image() }), { clock: handClock(400_000) });
    await again.start();
    expect(again.now()).toBe(1_000_000);
    await turn();
    expect(await unitsIn(again, 'b')).toBe(1);
  });
});
