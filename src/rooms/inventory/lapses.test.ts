import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Lapses } from './lapses.ts';
import type { Place } from './events.ts';

interface Hold {
  readonly at: number;
  readonly places: readonly Place[];
  readonly backordered: number;
}

/** The same by keeping every hold and asking each one. */
class Naive {
  holds: Hold[] = [];
  now = Number.NEGATIVE_INFINITY;

  get gone(): Hold[] {
    return this.holds.filter(({ at }) => at <= this.now);
  }

  lapsedAt(location: string): number {
    return this.gone.flatMap(({ places }) => places).reduce((sum, place) => (place.location === location ? sum + place.quantity : sum), 0);
  }
}

const hold: fc.Arbitrary<Hold> = fc.record({
  at: fc.integer({ min: 0, max: 40 }),
  places: fc.uniqueArray(fc.record({ location: fc.constantFrom('a', 'b', 'c'), quantity: fc.integer({ min: 1, max: 5 }) }), { selector: ({ location }) => location, maxLength: 3 }),
  backordered: fc.nat({ max: 2 }),
}).filter(({ places, backordered }) => places.length > 0 || backordered > 0);

type Step = { readonly add: Hold } | { readonly remove: number } | { readonly advance: number } | { readonly restart: true };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ add: hold }) },
  { weight: 3, arbitrary: fc.record({ remove: fc.nat({ max: 200 }) }) },
  { weight: 2, arbitrary: fc.record({ advance: fc.integer({ min: 0, max: 4 }) }) },
  { weight: 1, arbitrary: fc.constant({ restart: true } as const) },
);

function expectSame(lapses: Lapses, naive: Naive): void {
  lapses.advance(naive.now);
  expect(['a', 'b', 'c'].map((location) => lapses.lapsedAt(location))).toEqual(['a', 'b', 'c'].map((location) => naive.lapsedAt(location)));
  expect(lapses.lapsedBackordered).toBe(naive.gone.reduce((sum, { backordered }) => sum + backordered, 0));
  expect(lapses.lastLapse).toBe(Math.max(0, ...naive.gone.map(({ at }) => at)));
  const coming = naive.holds.filter(({ at }) => at > naive.now).map(({ at }) => at);
  expect(lapses.nextLapse).toBe(coming.length === 0 ? undefined : Math.min(...coming));
}

describe('lapses', () => {
  test('say at every instant what asking every hold says, also after being saved and read again', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
        let lapses = new Lapses();
        const naive = new Naive();
        naive.now = 0;
        for (const one of steps) {
          if ('add' in one) {
            lapses.add(one.add.at, one.add.places, one.add.backordered);
            naive.holds.push(one.add);
          } else if ('remove' in one) {
            const [gone] = naive.holds.splice(one.remove % Math.max(1, naive.holds.length), 1);
            if (gone) lapses.remove(gone.at, gone.places, gone.backordered);
          } else if ('advance' in one) naive.now += one.advance;
          else lapses = Lapses.from(JSON.parse(JSON.stringify(lapses)) as ReturnType<Lapses['toJSON']>); // as a snapshot holds them
          expectSame(lapses, naive);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('thousands that come, go and run out leave nothing behind', () => {
    const lapses = new Lapses();
    for (let at = 1; at <= 5_000; at++) {
      lapses.add(at, [{ location: 'a', quantity: 1 }], 0);
      lapses.advance(at - 10);
      if (at > 20) lapses.remove(at - 20, [{ location: 'a', quantity: 1 }], 0);
    }
    expect(lapses.toJSON().units.map(([location, steps]) => [location, steps.length])).toEqual([['a', 40]]);
    lapses.advance(6_000);
    expect([lapses.lapsedAt('a'), lapses.lastLapse, lapses.nextLapse]).toEqual([20, 5_000, undefined]);
  });
});
