import { describe, expect, test, vi } from 'vitest';
import { handClock } from '../base/clock.ts';
import { openMemory, type Faults, type Operation, type Verdict } from '../engines/memory/memory.ts';
import type { Commit, Store } from '../store/store.ts';
import { CROWDED_PATIENCE_MS, START_ATTEMPTS_MAX, WAITING_MAX } from './limits.ts';
import { Projector } from './projector.ts';
import { boxEngine, boxes, boxesOfTwoLogs, boxKey, boxOf, pass, stateOf, turn, type BoxCommand } from './testing.ts';
import type { Settled } from './asked.ts';
import type { Engine } from './engine.ts';

const PARTITIONS = 4;

/** Gives the verdicts one after another to calls of one operation, and lets all others pass. */
function verdicts(operation: Operation, ...given: Verdict[]): Faults {
  return { before: (asked) => (asked === operation ? given.shift() : undefined) ?? { type: 'ok' } };
}

async function commitsOf(store: Store): Promise<Commit[]> {
  const commits: Commit[] = [];
  for (let log = 0; log < store.partitions; log++) for await (const commit of store.log.read(log, 0)) commits.push(commit);
  return commits;
}

/** The units of a box by its facts alone. */
async function unitsByFacts(store: Store, box: string): Promise<number> {
  const facts = (await commitsOf(store)).flatMap((commit) => commit.events).filter((event) => event.key === boxKey(box) && event.type === 'box.changed');
  return facts.reduce((sum, fact) => sum + Number(fact.data['change']), 0);
}

const put = (box: string, units: number, label = 'put'): BoxCommand => ({ type: 'Put', box, units, label });
const take = (units: number, ...from: string[]): BoxCommand => ({ type: 'Take', from, units });
const unitsIn = (engine: Engine<BoxCommand>, box: string): Promise<number> => engine.read((world) => boxOf(world, box).units);

/** An engine on a store whose appends meet these verdicts. */
async function opened(...given: Verdict[]): Promise<{ clock: ReturnType<typeof handClock>; store: ReturnType<typeof openMemory>; engine: Engine<BoxCommand> }> {
  const clock = handClock();
  const store = openMemory({ partitions: PARTITIONS, clock, faults: verdicts('append', ...given) });
  const engine = boxEngine(store, { clock });
  await engine.start();
  return { clock, store, engine };
}

describe('turns', () => {
  test('what comes last is decided after everything that came with it, and made durable after it', async () => {
    const { store, engine } = await opened();
    const last = engine.execute(put('b', 1, 'last'), { turn: 'last' });
    const own = engine.execute(put('b', 1, 'own'));
    expect((await Promise.all([last, own])).map((settled) => settled.ok && settled.answer)).toEqual([2, 1]);
    expect((await commitsOf(store)).map(({ events }) => events.map(({ data }) => data['label']))).toEqual([['own'], ['last']]);
  });

  test('too many states that are not saved: commands wait until some are, questions are answered', async () => {
    const clock = handClock();
    const store = openMemory({ partitions: PARTITIONS, clock });
    const engine = boxEngine(store, { clock, unsavedStatesMax: 10 });
    const projector = new Projector({ store, room: boxes as never });
    await Promise.all([engine.start(), projector.start()]);
    let hurried = 0;
    engine.crowd.onHurry(() => hurried++);
    for (let n = 0; n < 10; n++) await engine.execute(put(`b${n}`, 1));
    expect([engine.crowd.unsaved, hurried]).toEqual([10, 0]);
    const late = engine.execute(put('late', 1));
    expect([await stateOf(late), await unitsIn(engine, 'b1'), hurried]).toEqual(['waiting', 1, 1]);
    await projector.catchUp();
    engine.saved(projector.checkpoints);
    expect([await stateOf(late), engine.crowd.unsaved]).toMatchObject([{ ok: true }, 1]);
  });

  test('where nothing is saved for long they are told to come back', async () => {
    const clock = handClock();
    const engine = boxEngine(openMemory({ partitions: PARTITIONS, clock }), { clock, unsavedStatesMax: 1 });
    await engine.start();
    await engine.execute(put('b', 1));
    const late = engine.execute(put('late', 1));
    late.catch(() => undefined);
    await pass(clock, CROWDED_PATIENCE_MS - 1);
    expect(await stateOf(late)).toBe('waiting');
    await pass(clock, 1);
    expect(await stateOf(late)).toMatchObject({ code: 'overloaded', retry: 'later' });
  });
});

describe('group commit', () => {
  test('everything that arrived before the first decision is one commit of its log', async () => {
    const { store, engine } = await opened();
    await Promise.all(Array.from({ length: 100 }, () => engine.execute(put('b', 1))));
    const commits = await commitsOf(store);
    expect(commits.map((commit) => commit.events.length)).toEqual([100]);
  });

  test('what arrives while an append is under way is decided at once, on what will be, and is the next commit', async () => {
    const { clock, store, engine } = await opened({ type: 'ok', afterMs: 5 });
    const first = engine.execute(put('b', 1));
    await turn();
    const others = [engine.execute(put('b', 1)), engine.execute(put('b', 1))];
    await pass(clock, 5);
    expect((await Promise.all([first, ...others])).map((settled) => settled.ok && settled.answer)).toEqual([1, 2, 3]);
    expect((await commitsOf(store)).map((commit) => commit.events.length)).toEqual([1, 2]);
  });

  test('a command over two logs is in both or in none', async () => {
    const { store, engine } = await opened({ type: 'ok' }, { type: 'fail', code: 'storage-full' });
    const [a, b] = boxesOfTwoLogs(PARTITIONS);
    await Promise.all([engine.execute(put(a, 5)), engine.execute(put(b, 5))]);
    await expect(engine.execute(take(2, a, b))).rejects.toMatchObject({ code: 'storage-full' });
    expect([await unitsByFacts(store, a), await unitsByFacts(store, b)]).toEqual([5, 5]);
    await engine.execute(take(2, a, b));
    expect([await unitsIn(engine, a), await unitsIn(engine, b), await unitsByFacts(store, a), await unitsByFacts(store, b)]).toEqual([3, 3, 3, 3]);
  });

  test('the answer carries a cursor that covers its facts', async () => {
    const { store, engine } = await opened();
    const { cursor } = await engine.execute(put('b', 1));
    const [commit] = await commitsOf(store);
    expect(cursor).toBe(`c1-${commit?.log.toString(36)}.1`);
  });
});

describe('nothing is said before it is durable', () => {
  test('no command is answered before its append', async () => {
    const { clock, engine } = await opened({ type: 'ok', beforeMs: 5 });
    const answer = engine.execute(put('b', 1));
    expect(await stateOf(answer)).toBe('waiting');
    await pass(clock, 5);
    expect(await stateOf(answer)).toMatchObject({ ok: true, answer: 1 });
  });

  test('a question is answered once what it saw is durable, while one about other things does not wait', async () => {
    const { clock, engine } = await opened({ type: 'ok', beforeMs: 5 });
    const [a, b] = boxesOfTwoLogs(PARTITIONS);
    await stateOf(unitsIn(engine, b));
    const answer = engine.execute(put(a, 1));
    await turn();
    const [seen, other] = [unitsIn(engine, a), unitsIn(engine, b)];
    expect([await stateOf(seen), await stateOf(other)]).toEqual(['waiting', 0]);
    await pass(clock, 5);
    expect([await seen, (await answer).ok]).toEqual([1, true]);
  });

  test('a refusal waits for what it rests on', async () => {
    const { clock, engine } = await opened({ type: 'ok' }, { type: 'ok', beforeMs: 5 });
    await engine.execute(put('b', 1));
    const winner = engine.execute(take(1, 'b'));
    const loser = engine.execute(take(1, 'b'));
    expect(await stateOf(loser)).toBe('waiting');
    await pass(clock, 5);
    expect([await stateOf(winner), await stateOf(loser)]).toMatchObject([{ ok: true }, { ok: false, refusal: { code: 'too-few' } }]);
  });

  test('a refusal that rested on what never became durable is decided again', async () => {
    const { clock, engine } = await opened({ type: 'ok' }, { type: 'fail', code: 'storage-full', beforeMs: 5 });
    await engine.execute(put('b', 1));
    const winner = stateOf(engine.execute(take(1, 'b')));
    await turn();
    const loser = engine.execute(take(1, 'b'));
    await winner;
    await pass(clock, 5);
    expect(await stateOf(loser)).toMatchObject({ ok: true });
  });
});

describe('idempotency', () => {
  const once = { key: 'k/key', fingerprint: 'print' };

  test('the same command with the same key has one effect and one answer', async () => {
    const { engine } = await opened();
    const [first, twin] = await Promise.all([engine.execute(put('b', 1), { once }), engine.execute(put('b', 1), { once })]);
    const later = await engine.execute(put('b', 1), { once });
    expect([first, twin, later]).toMatchObject([{ answer: 1, replayed: false }, { answer: 1, replayed: true }, { answer: 1, replayed: true }]);
    expect(await unitsIn(engine, 'b')).toBe(1);
  });

  test('the same key for another request is refused', async () => {
    const { engine } = await opened();
    await engine.execute(put('b', 1), { once });
    expect(await engine.execute(put('b', 2), { once: { ...once, fingerprint: 'other' } })).toMatchObject({ ok: false, refusal: { kind: 'invalid', code: 'idempotency-key-reused' } });
  });

  test('a refusal is remembered even after it would not be one any more', async () => {
    const { engine } = await opened();
    await engine.execute(take(1, 'b'), { once });
    await engine.execute(put('b', 1));
    expect(await engine.execute(take(1, 'b'), { once })).toMatchObject({ ok: false, replayed: true });
    expect(await unitsIn(engine, 'b')).toBe(1);
  });

  test('bad input is not remembered: the key may be used again', async () => {
    const { engine } = await opened();
    await engine.execute({ type: 'Mistype' }, { once });
    expect(await engine.execute(put('b', 1), { once: { ...once, fingerprint: 'mended' } })).toMatchObject({ ok: true, replayed: false });
  });

  test('an answer survives a restart, and is forgotten after a day and an hour, not before', async () => {
    const { clock, store, engine } = await opened();
    await engine.execute(put('b', 1), { once });
    const again = boxEngine(openMemory({ from: store.image() }), { clock });
    await again.start();
    clock.advance(25 * 3_600_000 - 1);
    expect(await again.execute(put('b', 1), { once })).toMatchObject({ answer: 1, replayed: true });
    clock.advance(1);
    expect(await again.execute(put('b', 1), { once })).toMatchObject({ answer: 2, replayed: false });
  });
});

describe('answers that get lost', () => {
  const cases: { title: string; given: Verdict[] }[] = [
    { title: 'the append never arrived', given: [{ type: 'fail', code: 'unavailable' }] },
    { title: 'the append arrived', given: [{ type: 'lost-answer' }] },
    { title: 'the append arrives while it is asked for again', given: [{ type: 'late', afterMs: 20 }, { type: 'ok', beforeMs: 30, afterMs: 7 }] },
    { title: 'the append arrives after the disk was full for the second attempt', given: [{ type: 'late', afterMs: 80 }, { type: 'fail', code: 'storage-full' }] },
    { title: 'the append arrives later still', given: [{ type: 'late', afterMs: 60 }, { type: 'ok', beforeMs: 30, afterMs: 7 }] },
    { title: 'the append arrives too late', given: [{ type: 'late', afterMs: 500 }, { type: 'ok', beforeMs: 30, afterMs: 7 }] },
  ];
  for (const { title, given } of cases) {
    test(`${title}: one effect, one answer`, async () => {
      const { clock, store, engine } = await opened(...given);
      const [a, b] = boxesOfTwoLogs(PARTITIONS);
      const first = engine.execute(put(a, 1));
      await turn();
      const behind = [engine.execute(put(a, 1)), engine.execute(put(b, 1))];
      await pass(clock, 3000);
      expect(await Promise.all([first, ...behind].map(stateOf))).toMatchObject([{ answer: 1 }, { answer: 2 }, { answer: 1 }]);
      expect([await unitsByFacts(store, a), await unitsIn(engine, a), await unitsByFacts(store, b)]).toEqual([2, 2, 1]);
    });
  }

  test('an append whose answer got lost is found although reading the log fails at first', async () => {
    const clock = handClock();
    const given: Partial<Record<Operation, Verdict[]>> = { append: [{ type: 'lost-answer', afterMs: 5 }], load: [] };
    const store = openMemory({ partitions: PARTITIONS, clock, faults: { before: (operation) => given[operation]?.shift() ?? { type: 'ok' } } });
    const engine = boxEngine(store, { clock });
    await engine.start();
    const [a, b] = boxesOfTwoLogs(PARTITIONS);
    await Promise.all([unitsIn(engine, a), unitsIn(engine, b)]);
    const first = engine.execute(put(a, 1));
    await turn();
    const second = engine.execute(put(b, 1)); // decided meanwhile, so that two logs are read again; of the second the first try fails
    given.load = [{ type: 'ok' }, { type: 'ok' }, { type: 'fail', code: 'unavailable' }];
    await pass(clock, 3000);
    expect([await stateOf(first), await stateOf(second)]).toMatchObject([{ answer: 1 }, { answer: 1 }]);
    expect([await unitsByFacts(store, a), await unitsByFacts(store, b)]).toEqual([1, 1]);
  });

  test('while the store does not answer the engine says so and takes commands up to its bound', async () => {
    const { clock, engine } = await opened(...Array.from({ length: 10 }, (): Verdict => ({ type: 'fail', code: 'unavailable' })));
    const first = engine.execute(put('b', 1));
    await turn();
    expect(engine.health).toMatchObject({ state: 'recovering' });
    const second = engine.execute(put('b', 1));
    await pass(clock, 60_000);
    expect([await stateOf(first), await stateOf(second)]).toMatchObject([{ answer: 1 }, { answer: 2 }]);
    expect(engine.health).toEqual({ state: 'ready' });
  });
});

describe('a store that cannot write', () => {
  test('a full disk is told to those it concerns, and nothing of theirs is left in memory', async () => {
    const { engine } = await opened({ type: 'fail', code: 'storage-full' });
    await expect(engine.execute(put('b', 1))).rejects.toMatchObject({ code: 'storage-full', retry: 'later' });
    expect(await engine.execute(put('b', 1))).toMatchObject({ answer: 1 });
  });

  test('after a failed write nothing is acknowledged any more, and health says why', async () => {
    const { clock, engine } = await opened({ type: 'fail', code: 'storage-failed', beforeMs: 5 });
    const first = engine.execute(put('b', 1));
    await turn();
    const behind = engine.execute(put('b', 1));
    const outcomes = Promise.allSettled([first, behind]);
    await pass(clock, 5);
    expect(await outcomes).toMatchObject([{ reason: { code: 'storage-failed' } }, { reason: { code: 'storage-failed' } }]);
    await expect(engine.execute(put('b', 1))).rejects.toMatchObject({ code: 'storage-failed' });
    expect(engine.health).toMatchObject({ state: 'failed', reason: expect.stringContaining('restart') as string });
  });
});

describe('starting', () => {
  const away: Verdict = { type: 'fail', code: 'unavailable' };
  const restarted = (faults: Faults, store: ReturnType<typeof openMemory>, clock: ReturnType<typeof handClock>): Engine<BoxCommand> => boxEngine(store.share({ clock, faults }), { clock, seed: 2 });

  for (const operation of ['read', 'load'] as const) {
    test(`a store that is away for a moment (${operation}) is asked again, and everything is there`, async () => {
      const { clock, store, engine } = await opened();
      await engine.execute(put('b', 3));
      const given = Array.from({ length: 40 }, (_, n): Verdict => (n % 6 < 2 ? away : { type: 'ok' }));
      const again = restarted(verdicts(operation, ...given), store, clock);
      const started = again.start().then(() => 'started', (error: unknown) => (error as { code: string }).code);
      await pass(clock, 5_000);
      expect(await stateOf(started)).toBe('started');
      expect(await stateOf(unitsIn(again, 'b'))).toBe(3);
    });
  }

  test('a store that stays away fails the start, after all attempts and not before', async () => {
    const { clock, store } = await opened();
    // All logs ask side by side.
    const bearable = (START_ATTEMPTS_MAX - 1) * store.partitions;
    for (const [failures, outcome] of [[bearable, 'started'], [bearable + 1, 'unavailable']] as const) {
      const again = restarted(verdicts('read', ...Array.from({ length: failures }, () => away)), store, clock);
      const started = again.start().then(() => 'started', (error: unknown) => (error as { code: string }).code);
      await pass(clock, 60_000);
      expect(await stateOf(started)).toBe(outcome);
    }
  });

  test('a store that says why it cannot be read is not asked twice', async () => {
    const { clock, store } = await opened();
    const again = restarted(verdicts('load', { type: 'fail', code: 'storage-failed' }), store, clock);
    expect(await stateOf(again.start().catch((error: unknown) => error))).toMatchObject({ code: 'storage-failed' });
  });
});

describe('bounds', () => {
  test('what waits for a slow store counts, and a store that takes all it was given at once is kept busy at three times that', async () => {
    const clock = handClock();
    const store = openMemory({ partitions: PARTITIONS, clock, faults: { before: (asked) => ({ type: 'ok', ...(asked === 'append' ? { afterMs: 10 } : undefined) }) } });
    const engine = boxEngine(store, { clock, waitingMax: 20 });
    await engine.start();
    const refusals: unknown[] = [];
    let done = 0;
    const arrive = (count: number): void => {
      for (let n = 0; n < count; n++) void engine.execute(put('b', 1)).then(() => done++, (error: unknown) => refusals.push(error));
    };
    // Three times as much as the bound in each of the store's turns: the first is taken as far as the bound, and answered whole.
    for (let turns = 1; turns <= 5; turns++) {
      arrive(60);
      await pass(clock, 10);
      await turn();
      expect([done, refusals.length]).toEqual([20 * turns, 40 * turns]);
    }
    expect(refusals[0]).toMatchObject({ code: 'overloaded', retry: 'soon' });
    expect(await unitsByFacts(store, 'b')).toBe(done);
  });

  test('the inbox takes its bound and not one command more', async () => {
    const { engine } = await opened();
    const taken = Array.from({ length: WAITING_MAX }, () => engine.execute(put('b', 1)));
    await expect(engine.execute(put('b', 1))).rejects.toMatchObject({ code: 'overloaded', retry: 'soon' });
    await Promise.all(taken);
    expect(await engine.execute(put('b', 1))).toMatchObject({ answer: WAITING_MAX + 1 });
  });

  test('states that are only asked for leave memory again', async () => {
    const store = openMemory({ partitions: PARTITIONS });
    const engine = boxEngine(store, { residentStatesMax: 50 });
    await engine.start();
    for (let n = 0; n < 1_000; n++) await unitsIn(engine, `b${n}`);
    expect(engine.figures.residents).toBeLessThan(100);
    await engine.close();
  });

  test('states that were brought are not loaded again, and one brought while it changes is as it changed', async () => {
    const store = openMemory({ partitions: PARTITIONS });
    const projector = new Projector({ store, room: boxes as never });
    const before = boxEngine(store);
    await Promise.all([before.start(), projector.start()]);
    await Promise.all([before.execute(put('b', 1)), before.execute(put('c', 1))]);
    await projector.catchUp();
    await before.close();
    const load = vi.spyOn(store.projections, 'loadStates');
    const engine = boxEngine(store);
    await engine.start();
    load.mockClear();
    await engine.bring([boxKey('b'), boxKey('c'), boxKey('none')]);
    const loads = load.mock.calls.length;
    expect([await unitsIn(engine, 'b'), await unitsIn(engine, 'c'), await unitsIn(engine, 'none')]).toEqual([1, 1, 0]);
    expect(load.mock.calls.length).toBe(loads);
    await Promise.all([engine.bring([boxKey('d')]), engine.execute(put('d', 5)), engine.bring([boxKey('d')])]);
    expect(await unitsIn(engine, 'd')).toBe(5);
  });

  test('a mistake of ours in one command does not hurt the others', async () => {
    const { clock, store, engine } = await opened({ type: 'ok', afterMs: 5 }, { type: 'ok', afterMs: 5 });
    const outcomes = [put('b', 1), put('b', 1), { type: 'Poison', box: 'b' } as const, put('b', 1)].map(async (command, index) => {
      if (index > 1) await turn();
      return engine.execute(command).then((settled) => (settled as Settled & { answer: unknown }).answer, (error: unknown) => (error as Error).name);
    });
    await pass(clock, 50);
    expect((await Promise.all(outcomes)).toSorted((a, b) => String(a).localeCompare(String(b)))).toEqual([1, 2, 3, 'TypeError']);
    expect([await unitsIn(engine, 'b'), await unitsByFacts(store, 'b')]).toEqual([3, 3]);
    expect(engine.health).toEqual({ state: 'ready' });
  });
});

describe('a mistake of ours', () => {
  test('leaves what was decided with it, before it and after it, as if it had not been', async () => {
    for (const alone of [true, false]) {
      const store = openMemory({ partitions: PARTITIONS });
      const engine = boxEngine(store, { alone });
      await engine.start();
      await unitsIn(engine, 'b');
      const commands: BoxCommand[] = [put('b', 1), { type: 'Poison', box: 'b' }, put('b', 1), { type: 'Poison', box: 'b' }, put('b', 1)];
      const outcomes = await Promise.allSettled(commands.map((command) => engine.execute(command)));
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled']);
      await engine.execute(put('b', 1));
      expect([await unitsIn(engine, 'b'), await unitsByFacts(store, 'b')]).toEqual([4, 4]);
    }
  });
});

describe('closing', () => {
  test('finishes what was taken and takes nothing new', async () => {
    const { clock, engine } = await opened({ type: 'ok', beforeMs: 5 });
    const taken = engine.execute(put('b', 1));
    const closed = engine.close();
    await expect(engine.execute(put('b', 1))).rejects.toMatchObject({ code: 'closed' });
    await pass(clock, 5);
    expect([await stateOf(taken), await stateOf(closed)]).toMatchObject([{ answer: 1 }, undefined]);
  });

  test('finishes what waits for states to be loaded', async () => {
    const clock = handClock();
    const store = openMemory({ partitions: PARTITIONS, clock, faults: { before: (operation) => ({ type: 'ok', ...(operation === 'load' ? { beforeMs: 5 } : undefined) }) } });
    const engine = boxEngine(store, { clock });
    void engine.start();
    await pass(clock, 100);
    const taken = engine.execute(put('b', 1));
    await turn();
    const closed = engine.close();
    await pass(clock, 20);
    expect([await stateOf(taken), await stateOf(closed)]).toMatchObject([{ answer: 1 }, undefined]);
  });

  test('gives up on a store that does not answer, and leaves nobody without an answer', async () => {
    const { clock, engine } = await opened(...Array.from({ length: 100 }, (): Verdict => ({ type: 'fail', code: 'unavailable' })));
    const doubtful = stateOf(engine.execute(put('b', 1)).catch((error: unknown) => error));
    await doubtful;
    const under = engine.execute(put('b', 1)).catch((error: unknown) => error);
    const waiting = engine.execute(put('b', 1)).catch((error: unknown) => error);
    const closed = engine.close();
    await pass(clock, 20_000);
    expect([await stateOf(under), await stateOf(waiting)]).toMatchObject([{ code: 'closed' }, { code: 'closed' }]);
    expect([await stateOf(closed), engine.health]).toMatchObject([undefined, { state: 'closed' }]);
  });
});

describe('what it counts', () => {
  test('is each command once, by what it came to, and each append with its facts', async () => {
    const { engine } = await opened();
    const once = { key: 'k/key', fingerprint: 'print' };
    await Promise.all([engine.execute(put('b', 1), { once }), engine.execute(put('c', 1)), engine.execute(take(9, 'b'))]);
    await engine.execute(put('b', 1), { once });
    await engine.execute(take(9, 'b', 'c'));
    await unitsIn(engine, 'b');
    const { decided, refused, replayed, facts, appendFacts, appendSeconds } = engine.tally;
    expect({ decided, refused: Object.fromEntries(refused), replayed }).toEqual({ decided: 2, refused: { 'too-few': 2 }, replayed: 1 });
    expect([facts, appendFacts.sum]).toEqual([3, 3]); // the answer that is remembered is a fact as well
    expect(appendSeconds.counts.reduce((sum, count) => sum + count, 0)).toBe(appendFacts.counts.reduce((sum, count) => sum + count, 0));
  });

  test('is told of each append before its callers are answered, with what they are followed as', async () => {
    const clock = handClock();
    let caller = 'first';
    const engine = boxEngine(openMemory({ partitions: PARTITIONS, clock }), { clock, follow: () => caller });
    await engine.start();
    const heard: string[] = [];
    engine.onAppended(({ commits, waiting, token }) => heard.push(`${commits.flatMap(({ events }) => events).length} facts for ${waiting.map(({ followed }) => String(followed)).join()} ${commits.every((commit) => commit.token === token)}`));
    const both = [engine.execute(put('b', 1))];
    caller = 'second';
    both.push(engine.execute(put('c', 2)));
    await Promise.all(both.map((done) => done.then(() => heard.push('answered'))));
    expect(heard).toEqual(['2 facts for first,second true', 'answered', 'answered']);
  });
});
