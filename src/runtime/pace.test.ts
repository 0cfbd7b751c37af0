import { expect, test } from 'vitest';
import { Pace } from './pace.ts';

test('more at a time while they are quick, fewer when they are slow, within bounds', () => {
  const pace = new Pace({ ms: 10, min: 25, max: 500 });
  const perMs = (rate: number): number => {
    for (let go = 0; go < 100; go++) pace.took(pace.size / rate, pace.size);
    return pace.size;
  };
  expect(pace.size).toBe(25);
  expect([perMs(1_000), perMs(0.01)]).toEqual([500, 25]);
  const middle = perMs(10);
  expect([middle >= 75, middle <= 130]).toEqual([true, true]);
});

test('a few that were quick say nothing about many', () => {
  const pace = new Pace({ ms: 10, min: 25, max: 500 });
  for (let go = 0; go < 100; go++) pace.took(0, 3);
  expect(pace.size).toBe(25);
});
