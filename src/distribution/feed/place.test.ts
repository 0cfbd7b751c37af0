import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatCursor, parseCursor } from '../../store/store.ts';
import { Place } from './place.ts';

const LOGS = 5;
const move = fc.record({ log: fc.nat(LOGS - 1), position: fc.nat(100_000), seen: fc.nat(3) });

describe('a place', () => {
  test('writes the cursor of its positions, however it came there', () => {
    fc.assert(
      fc.property(fc.array(move), (moves) => {
        const place = new Place(new Array<number>(LOGS).fill(0));
        const positions = new Array<number>(LOGS).fill(0);
        const partial = new Map<number, number>();
        for (const { log, position, seen } of moves) {
          place.set(log, position, seen);
          positions[log] = position;
          partial.set(log, seen);
          expect(place.text).toBe(formatCursor(positions, partial));
        }
        const cursor = parseCursor(place.text, LOGS);
        expect(cursor && Place.of(cursor).text).toBe(place.text);
        expect(place.copy().text).toBe(place.text);
      }),
    );
  });

  test('writes cursors that differ in one log as if it had moved there', () => {
    fc.assert(
      fc.property(fc.array(move, { minLength: 1 }), move, (moves, { log, position, seen }) => {
        const place = new Place(new Array<number>(LOGS).fill(0));
        for (const one of moves) place.set(one.log, one.position, one.seen);
        const text = place.cursorsWithin(log)(position, seen);
        place.set(log, position, seen);
        expect(text).toBe(place.text);
      }),
    );
  });

  test('is at some heads when it has seen all of them and nothing more', () => {
    const place = new Place([3, 4]);
    expect(place.isAt([3, 4])).toBe(true);
    expect(place.isAt([3, 5])).toBe(false);
    expect(place.isAt([3, 3])).toBe(false);
    place.set(1, 4, 1);
    expect(place.isAt([3, 4])).toBe(false);
  });
});
