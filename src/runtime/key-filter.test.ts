import { expect, test } from 'vitest';
import { KeyFilter } from './key-filter.ts';

test('a key that was added is never denied, and of others none is taken for it', () => {
  const filter = new KeyFilter();
  const keys = Array.from({ length: 100_000 }, (_, n) => `i/SKU-${n}`);
  for (const key of keys) filter.add(key);
  expect(keys.every((key) => filter.mayHave(key))).toBe(true);
  expect(keys.filter((key) => filter.mayHave(`${key}x`))).toEqual([]);
});
