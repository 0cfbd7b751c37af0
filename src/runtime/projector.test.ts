import { describe, expect, test } from 'vitest';
import { handClock } from '../base/clock.ts';
import { isFault } from '../base/errors.ts';
import { below, chance, seededRandom } from '../base/random.ts';
import { openMemory, type Faults, type MemoryStore, type Operation, type Verdict } from '../engines/memory/memory.ts';
import type { EventRecord } from '../store/store.ts';
import { PROJECTION_EVENTS_PER_STEP } from './limits.ts';
import { Projector, type ProjectorOptions } from './projector.ts';
import { boxEngine, boxes, boxesOfTwoLogs, boxKey, type Box } from './testing.ts';
import type { Room } from './room.ts';

const PARTITIONS = 3;
const NAMES = ['a', 'b', 'c', 'd', 'e'];

/** Boxes with a view: one row a box that holds something, one row a fact. */
const shown: Room<never> = {
  ...(boxes as never as Room<never>), // it folds and never decides
  views: {
    tables: [
      { name: 'boxes', columns: [{ name: 'name', type: 'text' }, { name: 'units', type: 'int' }], primaryKey: ['name'] },
      { name: 'facts', columns: [{ name: 'name', type: 'text' }, { name: 'position', type: 'int' }, { name: 'log', type: 'int' }], primaryKey: ['name', 'position'] },
    ],
    before: (key) => key,
    rows(key, state, _, rows) {
      const { units } = state as Box;
      if (units === 0) rows.delete('boxes', 'name', key);
      else rows.upsert('boxes', [key, units]);
    },
    facts(at, events, rows) {
      for (const key of new Set(events.map((event) => event.key))) if (key.startsWith('b/')) rows.upsert('facts', [key, at.position, at.log]);
    },
  },
};

async function fill(store: MemoryStore, seed: number, commands: number): Promise<void> {
  const random = seededRandom(seed);
  const engine = boxEngine(store, { clock: handClock(), seed });
  await engine.start();
  for (let n = 0; n < commands; n++) {
    const box = NAMES[below(random, NAMES.length)] ?? 'a';
    await engine.execute(chance(random, 0.6) ? { type: 'Put', box, units: 1, label: `l${n}` } : { type: 'Take', from: [box], units: 1, label: `l${n}` }, { once: { key: `k/${seed}-${n}`, fingerprint: 'f' } });
  }
}

/** States, rows and facts by reading everything at once. */
async function expectFolded(store: MemoryStore): Promise<void> {
  const states = new Map<string, unknown>();
  const facts: [string, number, number][] = [];
  for (let log = 0; log < PARTITIONS; log++) {
    for await (const commit of store.log.read(log, 0)) {
      const own = commit.events.filter((event: EventRecord) => event.key.startsWith('b/'));
      for (const event of own) boxes.evolve(event, { get: (key) => states.get(key), set: (key, state) => void states.set(key, state) });
      for (const key of new Set(own.map((event) => event.key))) facts.push([key, commit.position, log]);
    }
  }
  for (const name of NAMES) {
    const { bodies } = await store.projections.loadStates(boxes.logOf(boxKey(name), PARTITIONS), [boxKey(name)]);
    expect(JSON.parse(bodies.get(boxKey(name)) ?? 'null')).toEqual(states.get(boxKey(name)) ?? null);
  }
  const rows = (await store.projections.sql.selectFrom('boxes').selectAll().orderBy('name').execute()) as { name: string; units: number }[]; // as declared above
  expect(rows).toEqual([...states].map(([name, state]) => ({ name, units: (state as Box).units })).filter(({ units }) => units !== 0).toSorted((a, b) => (a.name < b.name ? -1 : 1)));
  const told = (await store.projections.sql.selectFrom('facts').selectAll().execute()) as { name: string; position: number; log: number }[]; // likewise
  expect(told.map(({ name, position, log }) => [name, position, log].join()).toSorted()).toEqual(facts.map((fact) => fact.join()).toSorted());
}

async function started(store: MemoryStore, options: Pick<ProjectorOptions, 'saving' | 'factsPerStep'> = {}): Promise<Projector> {
  const projector = new Projector({ store, room: shown, ...options });
  await projector.start();
  return projector;
}

describe.each(['before the next', 'beside the next'] as const)('the projector that saves a step %s', (saving) => {
  test('saves what all facts fold to, however it is interrupted', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seededRandom(seed);
      let store = openMemory({ partitions: PARTITIONS });
      for (let round = 0; round < 6; round++) {
        await fill(store, seed * 100 + round, 10);
        const projector = await started(store, { saving, factsPerStep: 4 });
        for (let steps = below(random, 5); steps > 0; steps--) await projector.step();
        if (chance(random, 0.5)) store = openMemory({ from: store.crash(random) });
      }
      await (await started(store, { saving, factsPerStep: 4 })).catchUp();
      await expectFolded(store);
    }
  });

  test('gives way to another one, and the two of them save every fact once', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seededRandom(seed);
      const clock = handClock();
      const faults: Faults = { before: () => ({ type: 'ok', beforeMs: below(random, 4), afterMs: below(random, 3) }) };
      const store = openMemory({ partitions: PARTITIONS });
      await fill(store, seed, 30);
      const two = [store.share({ clock, faults }), store.share({ clock, faults })];
      let conflicts = 0;
      const run = async (own: MemoryStore): Promise<void> => {
        const projector = await started(own, { saving, factsPerStep: 8 });
        for (let steps = 0; steps < 12; steps++) {
          await projector.step().catch((error: unknown) => {
            if (!isFault(error, 'conflict')) throw error;
            conflicts++;
          });
        }
      };
      let done = false;
      const both = Promise.all(two.map(run)).then(() => (done = true));
      for (let more = 1; !done; more++) {
        await new Promise((resolve) => setImmediate(resolve));
        clock.advance(1);
        if (more % 15 === 0 && more < 100) await fill(store, seed * 1000 + more, 5);
      }
      await both;
      await (await started(store)).catchUp();
      await expectFolded(store);
      expect(conflicts).toBeGreaterThan(0);
    }
  });

  test('begins again after a step that failed, from what is saved', async () => {
    let broken = false;
    const store = openMemory({ partitions: PARTITIONS, faults: { before: (operation) => (broken && operation === 'apply' ? { type: 'lost-answer' } : { type: 'ok' }) } });
    const projector = await started(store, { saving, factsPerStep: 4 });
    await fill(store, 1, 20);
    broken = true;
    await expect(projector.catchUp()).rejects.toMatchObject({ code: 'unavailable' });
    broken = false;
    await fill(store, 2, 20);
    await projector.catchUp();
    await expectFolded(store);
  });

  test('begins again from what is saved where it cannot even be told at once how much that is', async () => {
    const failing: Operation[] = [];
    const before = (operation: Operation): Verdict => (operation === failing[0] && failing.shift() ? { type: 'fail', code: 'unavailable' } : { type: 'ok' });
    const store = openMemory({ partitions: PARTITIONS, faults: { before } });
    const projector = await started(store, { saving, factsPerStep: 4 });
    await fill(store, 1, 20);
    await projector.step();
    failing.push('apply', 'load');
    await expect(projector.catchUp()).rejects.toMatchObject({ code: 'unavailable' });
    expect(failing).toEqual([]);
    await fill(store, 2, 20);
    await projector.catchUp();
    await expectFolded(store);
  });

  test('has saved everything when nothing is new', async () => {
    const store = openMemory({ partitions: PARTITIONS });
    const projector = await started(store, { saving, factsPerStep: 4 });
    await fill(store, 1, 20);
    await projector.catchUp();
    expect(projector.checkpoints).toEqual(await store.log.heads());
    expect(projector.checkpoints).toEqual(await store.projections.checkpoints('states'));
  });
});

describe('the projector', () => {
  test('a busy log does not keep the others waiting', async () => {
    const store = openMemory({ partitions: PARTITIONS });
    const engine = boxEngine(store);
    await engine.start();
    const [busy, quiet] = boxesOfTwoLogs(PARTITIONS);
    const projector = await started(store);
    const crowd = (): Promise<unknown> => Promise.all(Array.from({ length: PROJECTION_EVENTS_PER_STEP }, () => engine.execute({ type: 'Put', box: busy, units: 1 })));
    await engine.execute({ type: 'Put', box: quiet, units: 1 });
    for (let step = 0; step < PARTITIONS; step++) {
      await crowd();
      await projector.step();
    }
    expect(projector.checkpoints[boxes.logOf(boxKey(quiet), PARTITIONS)]).toBe(1);
  });
});
