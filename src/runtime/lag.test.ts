import { expect, test } from 'vitest';
import { handClock } from '../base/clock.ts';
import type { Commit } from '../store/store.ts';
import { Lag } from './lag.ts';
import { LAG_MARKS_MAX } from './limits.ts';

function given(heads: readonly number[]) {
  const clock = handClock();
  let tell: (commits: readonly Commit[]) => void = () => undefined;
  const lag = new Lag({ heads, onCommitted: (listener) => ((tell = listener), () => undefined) }, clock);
  const commit = (log: number, position: number, facts: number): Commit => ({ log, position, token: 't', events: Array.from({ length: facts }, () => ({ type: 'x', key: 'i/x', time: 0, data: {} })) });
  return { clock, lag, committed: (...commits: [log: number, position: number, facts: number][]) => tell(commits.map((one) => commit(...one))) };
}

test('whoever has everything is not behind, however old the newest commit is', () => {
  const { clock, lag, committed } = given([3, 0]);
  committed([1, 1, 5]);
  clock.advance(60_000);
  expect(lag.of([3, 1])).toEqual({ commits: 0, facts: 0, seconds: 0 });
});

test('the lag is the age of the oldest missing commit, and counts what came after it', () => {
  const { clock, lag, committed } = given([0, 0]);
  committed([0, 1, 2]);
  clock.advance(1_000);
  committed([1, 1, 3]);
  clock.advance(1_000);
  committed([0, 2, 4], [1, 2, 1]);
  clock.advance(500);
  expect(lag.of([0, 0])).toEqual({ commits: 4, facts: 10, seconds: 2.5 });
  expect(lag.of([1, 0])).toEqual({ commits: 3, facts: 8, seconds: 1.5 });
  expect(lag.of([1, 1])).toEqual({ commits: 2, facts: 5, seconds: 0.5 });
  expect(lag.of([2, 2])).toEqual({ commits: 0, facts: 0, seconds: 0 });
});

test('one log that stands still is enough to be behind', () => {
  const { clock, lag, committed } = given([0, 0]);
  committed([0, 1, 1]);
  clock.advance(1_000);
  for (let position = 1; position <= 5; position++) {
    committed([1, position, 1]);
    clock.advance(100);
  }
  expect(lag.of([0, 5])).toMatchObject({ commits: 1, seconds: 1.5 });
});

test('what was not consumed before the process began counts from its beginning', () => {
  const { clock, lag } = given([10]);
  clock.advance(2_000);
  expect(lag.of([4])).toEqual({ commits: 6, facts: 0, seconds: 2 });
});

test('after days of commits the newest are still told apart and the oldest still known', () => {
  const { clock, lag, committed } = given([0]);
  const commits = LAG_MARKS_MAX * 5;
  for (let position = 1; position <= commits; position++) {
    committed([0, position, 1]);
    clock.advance(100);
  }
  expect(lag.of([commits - 10]).seconds).toBeGreaterThanOrEqual(1);
  expect(lag.of([commits - 10]).seconds).toBeLessThanOrEqual(1.2);
  expect(lag.of([0]).seconds).toBeCloseTo(commits / 10, 5);
  expect(lag.of([0]).facts).toBe(commits);
});
