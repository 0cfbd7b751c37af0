import { expect, test } from 'vitest';
import { encodeEvents, type Commit, type EventRecord } from '../store/store.ts';
import { Births } from './births.ts';

/** Eggs hatch at the instant in their name: `e/<instant>-<letter>`. */
const hatched = (instant: number, letter: string): EventRecord => ({ type: 'hatched', key: 'nest', time: instant, data: { egg: `${instant}-${letter}` } });
const fed = (instant: number): EventRecord => ({ type: 'fed', key: 'nest', time: instant, data: {} });

function opened() {
  const births = new Births(
    {
      evolveApart: () => undefined,
      // Written by `hatched`.
      keyOf: ({ type, data }) => (type === 'hatched' ? `e/${data['egg'] as string}` : undefined),
      stateOf: ({ data }) => data['egg'],
      dueOf: () => null,
      instantOf: (key) => (key.startsWith('e/') ? Number(key.slice(2).split('-')[0]) : undefined),
    },
    2,
  );
  const add = (log: number, position: number, ...events: EventRecord[]): Commit => {
    const commit = { log, position, token: 't', events };
    births.add(commit, encodeEvents(events));
    return commit;
  };
  return { births, add };
}

test('a state is found in the commit that made it, and the commit is given once', () => {
  const { births, add } = opened();
  add(0, 1, hatched(10, 'a'), fed(11), hatched(12, 'b'));
  const { events } = add(0, 2, hatched(12, 'c'), hatched(20, 'd'));
  expect(births.take(0, 'e/12-c')).toMatchObject({ log: 0, position: 2, events });
  expect(births.take(0, 'e/20-d')).toBeUndefined();
  expect(births.take(0, 'e/12-b')).toMatchObject({ position: 1 });
});

test('many commits of one instant are all looked through', () => {
  const { births, add } = opened();
  for (let position = 1; position <= 5; position++) add(0, position, hatched(7, `p${position}`));
  expect(births.take(0, 'e/7-p4')).toMatchObject({ position: 4 });
  expect(births.take(0, 'e/7-p9')).toBeUndefined();
});

test('other logs, other instants and keys that are not made so are nobody here', () => {
  const { births, add } = opened();
  add(0, 1, hatched(10, 'a'));
  for (const key of ['e/9-a', 'e/11-a', 'e/10-z', 'n/10-a']) expect(births.take(0, key)).toBeUndefined();
  expect(births.take(1, 'e/10-a')).toBeUndefined();
  expect(births.take(0, 'e/10-a')).toBeDefined();
});

test('commits that make nothing are not kept, and those that are saved are forgotten', () => {
  const { births, add } = opened();
  add(0, 1, fed(1));
  add(0, 2, hatched(2, 'a'));
  add(0, 3, hatched(3, 'b'));
  births.saved(0, 2);
  expect(births.take(0, 'e/2-a')).toBeUndefined();
  expect(births.take(0, 'e/3-b')).toMatchObject({ position: 3 });
});

test('a log that is read again is forgotten whole', () => {
  const { births, add } = opened();
  add(0, 1, hatched(1, 'a'));
  add(1, 1, hatched(1, 'b'));
  births.clear(0);
  expect(births.take(0, 'e/1-a')).toBeUndefined();
  expect(births.take(1, 'e/1-b')).toBeDefined();
});
