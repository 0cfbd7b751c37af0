import { expect, test } from 'vitest';
import { settle } from './testing.ts';
import { Turns } from './turns.ts';

test('a few work at once, the others in the order they came, and whoever fails makes room too', async () => {
  const turns = new Turns(2);
  const begun: number[] = [];
  const works = Array.from({ length: 5 }, () => Promise.withResolvers<number>());
  const results = works.map(({ promise }, index) =>
    turns.take(() => {
      begun.push(index);
      return promise;
    }),
  );
  await settle(1);
  expect(begun).toEqual([0, 1]);
  works[1]?.reject(new Error('no luck'));
  await expect(results[1]).rejects.toThrow('no luck');
  await settle(1);
  expect(begun).toEqual([0, 1, 2]);
  for (const [index, work] of works.entries()) work.resolve(index);
  expect(await Promise.all([results[0], results[2], results[3], results[4]])).toEqual([0, 2, 3, 4]);
  expect(begun).toEqual([0, 1, 2, 3, 4]);
});
