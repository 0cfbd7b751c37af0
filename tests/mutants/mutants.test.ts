import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { mutated, MUTANTS } from './mutants.ts';

test.each(Object.entries(MUTANTS))('%s finds in the source what it changes', (name, mutant) => {
  const source = readFileSync(new URL(`../../${mutant.file}`, import.meta.url), 'utf8');
  expect(mutated(name, mutant, source)).not.toBe(source);
});

test('a mutant that no longer fits the source says so', () => {
  expect(() => mutated('sample', { file: 'a.ts', from: 'b', to: 'c' }, 'b b')).toThrow(/a\.ts has 2 times/);
});
