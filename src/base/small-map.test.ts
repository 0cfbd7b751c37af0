import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SmallMap } from './small-map.ts';

test('is a map, in the order in which keys came', () => {
  const entries = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', ''), fc.option(fc.integer(), { nil: undefined })), { maxLength: 6 });
  fc.assert(
    fc.property(entries, (sets) => {
      const [small, map] = [new SmallMap<number | undefined>(), new Map<string, number | undefined>()];
      for (const [key, value] of sets) {
        small.set(key, value);
        map.set(key, value);
        expect([...small]).toEqual([...map]);
        expect([...small.keys()]).toEqual([...map.keys()]);
        expect(small.size).toBe(map.size);
        for (const asked of ['a', 'b', 'c', '', 'd']) expect([small.get(asked), small.has(asked)]).toEqual([map.get(asked), map.has(asked)]);
      }
      expect([...SmallMap.of(sets)]).toEqual([...new Map(sets)]);
    }),
  );
});
