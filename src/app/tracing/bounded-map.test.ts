import { expect, test } from 'vitest';
import { BoundedMap } from './bounded-map.ts';

test('the oldest is forgotten when there is one more than the bound, and not before', () => {
  const map = new BoundedMap<string, number>(2);
  map.set('a', 1);
  map.set('b', 2);
  expect([map.get('a'), map.get('b')]).toEqual([1, 2]);
  map.set('c', 3);
  expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([undefined, 2, 3]);
});
