import { expect, test } from 'vitest';
import { below, chance, seededRandom, type Random } from '../../base/random.ts';
import type { Append, LogId, Store } from '../store.ts';
import { fact, onFreshPlace, outcome, PARTITIONS, readAll, SEED, type Harness } from './harness.ts';

const WRITERS = 8;
const WINS_EACH = 25;

export function concurrencyPromises(harness: Harness): void {
  /** Two handles where the engine offers that, or else one twice. */
  const withTwo = (body: (stores: readonly [Store, Store]) => Promise<void>) => () =>
    onFreshPlace(harness, async (place) => {
      await using mine = await harness.open(place);
      if (!harness.sharing) {
        await body([mine, mine]);
        return;
      }
      await using theirs = await harness.open(place);
      await body([mine, theirs]);
    });

  test('of many appends with the same expectation exactly one succeeds, position after position', withTwo(async ([mine, theirs]) => {
    for (let position = 1; position <= 20; position++) {
      const outcomes = await race(Array.from({ length: 12 }, (_, n) => [n % 2 === 0 ? mine : theirs, [0], `${position}/${n}`]), position - 1);
      expect(outcomes.filter((code) => code === 'ok')).toHaveLength(1);
      expect(outcomes.filter((code) => code === 'conflict')).toHaveLength(11);
      expect((await readAll(theirs.log, 0, position - 1)).map(({ token }) => token)).toEqual([`${position}/${outcomes.indexOf('ok')}`]);
    }
  }));

  test('of appends over logs that overlap crosswise exactly one succeeds, whole', withTwo(async ([mine, theirs]) => {
    for (let position = 1; position <= 20; position++) {
      const outcomes = await race([
        [mine, [0, 1], 'ab'], [theirs, [1, 0], 'ba'], [mine, [1, 2], 'bc'], [theirs, [2, 1], 'cb'], [mine, [2, 0], 'ca'], [theirs, [0, 2, 1], 'acb'],
      ], position - 1);
      expect(outcomes.toSorted()).toEqual(['conflict', 'conflict', 'conflict', 'conflict', 'conflict', 'ok']);
      // The log that the winner left out catches up, so that all meet again at the next position.
      const heads = await mine.log.heads();
      expect(heads.filter((head) => head === position).length).toBe(outcomes.indexOf('ok') === 5 ? 3 : 2);
      const behind = heads.flatMap((head, log) => (head < position ? [{ log, expected: head, events: [fact('k')] }] : []));
      if (behind.length > 0) await mine.log.append(behind, 'catch up');
    }
  }));

  test(`writers that retry on conflict build gapless logs that hold every acknowledged commit once (seed ${SEED})`, withTwo(async (stores) => {
    const acknowledged = new Map<string, readonly LogId[]>();
    await Promise.all(Array.from({ length: WRITERS }, (_, n) => writeUntilWon(stores[n % 2 === 0 ? 0 : 1], `w${n}`, seededRandom(SEED + n), acknowledged)));
    const found = new Map<string, LogId[]>();
    for (let log = 0; log < PARTITIONS; log++) {
      const commits = await readAll(stores[0].log, log);
      expect(commits.map(({ position }) => position)).toEqual(commits.map((_, n) => n + 1));
      for (const { token } of commits) found.set(token, [...(found.get(token) ?? []), log]);
    }
    expect(acknowledged.size).toBe(WRITERS * WINS_EACH);
    expect(found).toEqual(acknowledged);
  }), 60_000);
}

function race(appends: readonly (readonly [Store, readonly LogId[], string])[], expected: number): Promise<string[]> {
  return Promise.all(appends.map(([store, logs, token]) => outcome(store.log.append(logs.map((log) => ({ log, expected, events: [fact(token)] })), token))));
}

async function writeUntilWon(store: Store, name: string, random: Random, acknowledged: Map<string, readonly LogId[]>): Promise<void> {
  for (let wins = 0; wins < WINS_EACH; ) {
    const heads = await store.log.heads();
    const logs = heads.map((_, log) => log).filter(() => chance(random, 0.5));
    if (logs.length === 0) logs.push(below(random, PARTITIONS));
    const token = `${name}/${wins}`;
    const commits = logs.map((log): Append => ({ log, expected: heads[log] ?? 0, events: [fact(token)] }));
    const code = await outcome(store.log.append(commits, token));
    expect(['ok', 'conflict']).toContain(code);
    if (code === 'ok') acknowledged.set(token, logs);
    wins += code === 'ok' ? 1 : 0;
  }
}
