import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Residents } from './residents.ts';

const LOGS = 2;

type Step =
  | { readonly do: 'change' | 'drop'; readonly key: number }
  | { readonly do: 'commit' }
  | { readonly do: 'save'; readonly log: number; readonly upTo: number }
  | { readonly do: 'evict'; readonly max: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('change' as const), key: fc.nat({ max: 30 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const), key: fc.nat({ max: 30 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('commit' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('save' as const), log: fc.nat({ max: LOGS - 1 }), upTo: fc.nat({ max: 40 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('evict' as const), max: fc.nat({ max: 20 }) }) },
);

describe('residents', () => {
  test('know how many of them are not saved, and none of those leaves', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
        const residents = new Residents(LOGS);
        const known = new Map<string, { log: number; position: number }>();
        const saved = new Array<number>(LOGS).fill(0);
        let position = 1;
        const unsaved = (): string[] => [...known].filter(([, entry]) => entry.position > (saved[entry.log] ?? 0)).map(([key]) => key);
        for (const one of steps) {
          const key = 'key' in one ? `i/SKU-${one.key}` : '';
          const log = 'key' in one ? one.key % LOGS : 0;
          if (one.do === 'change') {
            const entry = residents.find(key) ?? residents.put(key, log, one.key, position);
            residents.touch(entry, position);
            known.set(key, { log, position });
          } else if (one.do === 'drop') {
            residents.drop(key);
            known.delete(key);
          } else if (one.do === 'commit') position++;
          else if (one.do === 'save') {
            saved[one.log] = Math.max(saved[one.log] ?? 0, Math.min(one.upTo, position));
            residents.noteSaved(one.log, saved[one.log] ?? 0);
          } else if (one.do === 'evict') {
            residents.evict(one.max, saved);
            for (const name of known.keys()) if (!residents.peek(name) && !unsaved().includes(name)) known.delete(name);
          }
          expect([residents.size, residents.unsaved, residents.saved]).toEqual([known.size, unsaved().length, known.size - unsaved().length]);
          expect([...known.keys()].every((name) => residents.peek(name))).toBe(true);
        }
      }),
    );
  });

  test('that have to stay take no room from those that need not', () => {
    const residents = new Residents(1);
    for (let i = 0; i < 1_000; i++) residents.put(`i/NEW-${i}`, 0, i, 7);
    for (let i = 0; i < 50; i++) residents.put(`i/OLD-${i}`, 0, i, 0);
    for (let round = 0; round < 10; round++) residents.evict(50, [6]);
    expect([residents.size, residents.saved]).toEqual([1_050, 50]);
  });

  test('that nobody used leave in a few rounds, however many there are', () => {
    const residents = new Residents(1);
    for (let i = 0; i < 20_000; i++) residents.put(`i/SKU-${i}`, 0, i, 0);
    for (let round = 0; round < 10 && residents.size > 100; round++) residents.evict(100, [0]);
    expect(residents.size).toBe(100);
  });
});
