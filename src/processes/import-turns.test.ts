import { describe, expect, test } from 'vitest';
import { handClock } from '../base/clock.ts';
import { ImportTurns, TURN_WAIT_MS } from './import-turns.ts';

function turns(): { clock: ReturnType<typeof handClock>; begun: number[]; part: (after: number, upTo: number, stored?: number) => Promise<void>; end: () => void } {
  const clock = handClock();
  const all = new ImportTurns(clock);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const part = (after: number, upTo: number, stored = 0): Promise<void> =>
    all.take({ importId: 'x', after, upTo }, stored, () => {
      begun.push(after);
      return new Promise((resolve) => ends.push(resolve));
    });
  return { clock, begun, part, end: () => ends.splice(0).forEach((done) => done()) };
}
const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('parts of an import', () => {
  test('begin in their order, whichever comes first, and without waiting for each other to end', async () => {
    const { begun, part } = turns();
    void part(4, 6);
    void part(2, 4);
    await soon();
    expect(begun).toEqual([]);
    void part(0, 2);
    await soon();
    expect(begun).toEqual([0, 2, 4]);
  });

  test('go on after what is stored', async () => {
    const { begun, part } = turns();
    void part(8, 9, 8);
    await soon();
    expect(begun).toEqual([8]);
  });

  test('wait no longer than a while for one that does not come', async () => {
    const { clock, begun, part, end } = turns();
    const late = part(2, 4);
    clock.advance(TURN_WAIT_MS - 1);
    await soon();
    expect(begun).toEqual([]);
    clock.advance(1);
    await soon();
    expect(begun).toEqual([2]);
    end();
    await late;
  });

  test('are forgotten when none is under way', async () => {
    const { clock, begun, part, end } = turns();
    const first = part(0, 2);
    end();
    await first;
    void part(2, 4);
    await soon();
    expect(begun).toEqual([0]);
    clock.advance(TURN_WAIT_MS);
    await soon();
    expect(begun).toEqual([0, 2]);
  });
});
