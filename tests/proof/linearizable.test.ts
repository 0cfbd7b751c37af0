import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contradiction, type StockCall as Call, type StockInput, type StockOutput } from './stock-register.ts';

type Times = readonly [called: number, returned: number];

const call = (input: StockInput, output: StockOutput | undefined, [called, returned]: Times): Call => ({ input, output, called, returned });
const granted = (hold: string, quantity: number, times: Times): Call => call({ type: 'reserve', quantity }, { type: 'granted', hold }, times);
const refused = (quantity: number, available: number, times: Times): Call => call({ type: 'reserve', quantity }, { type: 'insufficient', available }, times);
const silent = (input: StockInput, called: number): Call => call(input, undefined, [called, Number.POSITIVE_INFINITY]);
const released = (hold: string, quantity: number, times: Times): Call => call({ type: 'release', hold, quantity }, { type: 'done' }, times);
const confirmed = (hold: string, quantity: number, times: Times): Call => call({ type: 'confirm', hold, quantity }, { type: 'done' }, times);
const ended = (type: 'release' | 'confirm', hold: string, as: 'released' | 'confirmed', times: Times): Call => call({ type, hold, quantity: 1 }, { type: 'ended', as }, times);
const levels = (onHand: number, reserved: number, allocated: number, times: Times): Call =>
  call({ type: 'read' }, { type: 'levels', onHand, reserved, allocated, available: Math.max(0, onHand - reserved - allocated) }, times);

const verdict = (onHand: number, ...history: Call[]): boolean => contradiction(history, onHand) === undefined;

describe('a history that could have happened one after another is accepted', () => {
  test('where nothing happened', () => expect(verdict(1)).toBe(true));

  test('where calls overlap and only the other order explains the answers', () => {
    expect(verdict(1, refused(1, 0, [1, 10]), granted('a', 1, [2, 9]))).toBe(true);
    expect(verdict(2, levels(2, 2, 0, [1, 10]), granted('a', 1, [2, 9]), granted('b', 1, [3, 8]))).toBe(true);
  });

  test('where a read sees a hold whose call has not returned', () => {
    expect(verdict(3, granted('a', 2, [1, 10]), levels(3, 2, 0, [2, 3]), levels(3, 2, 0, [4, 5]))).toBe(true);
  });

  test('where one of two steps on a hold loses', () => {
    expect(verdict(1, granted('a', 1, [1, 2]), ended('release', 'a', 'confirmed', [3, 8]), confirmed('a', 1, [4, 9]), levels(1, 0, 1, [10, 11]))).toBe(true);
  });

  test('where a call without an answer took effect late, at once, or never', () => {
    const hold = silent({ type: 'reserve', quantity: 1 }, 1);
    expect(verdict(1, hold, levels(1, 0, 0, [2, 3]), levels(1, 1, 0, [4, 5]))).toBe(true);
    expect(verdict(1, hold, refused(1, 0, [2, 3]))).toBe(true);
    expect(verdict(1, hold, granted('b', 1, [2, 3]), levels(1, 1, 0, [4, 5]))).toBe(true);
  });

  test('where a step without an answer took effect', () => {
    const history = [granted('a', 1, [1, 2]), silent({ type: 'release', hold: 'a', quantity: 1 }, 3), levels(1, 1, 0, [4, 5]), levels(1, 0, 0, [6, 7])];
    expect(verdict(1, ...history)).toBe(true);
  });
});

describe('a history that could not is rejected', () => {
  test('for a stale read', () => {
    expect(verdict(2, granted('a', 1, [1, 2]), levels(2, 0, 0, [3, 4]))).toBe(false);
  });

  test('for reads that go back', () => {
    expect(verdict(2, granted('a', 1, [1, 10]), levels(2, 1, 0, [2, 3]), levels(2, 0, 0, [4, 5]))).toBe(false);
  });

  test('for a lost hold', () => {
    expect(verdict(1, granted('a', 1, [1, 2]), granted('b', 1, [3, 4]))).toBe(false);
    expect(verdict(5, granted('a', 1, [1, 2]), granted('b', 1, [3, 4]), levels(5, 1, 0, [5, 6]))).toBe(false);
  });

  test('for an oversell, however much the calls overlap', () => {
    expect(verdict(2, granted('a', 1, [1, 10]), granted('b', 1, [2, 11]), granted('c', 1, [3, 12]))).toBe(false);
  });

  test('for a dirty read of a hold that was refused, or went away again', () => {
    expect(verdict(1, refused(2, 1, [1, 10]), levels(1, 1, 0, [2, 3]))).toBe(false);
    const hold = silent({ type: 'reserve', quantity: 1 }, 1);
    expect(verdict(1, hold, levels(1, 1, 0, [2, 3]), levels(1, 0, 0, [4, 5]))).toBe(false);
  });

  test('for a call without an answer that took effect twice, or before it was made', () => {
    expect(verdict(5, silent({ type: 'reserve', quantity: 1 }, 1), levels(5, 2, 0, [2, 3]))).toBe(false);
    expect(verdict(5, levels(5, 1, 0, [1, 2]), silent({ type: 'reserve', quantity: 1 }, 3))).toBe(false);
  });

  test('for a hold that ended twice', () => {
    expect(verdict(1, granted('a', 1, [1, 2]), released('a', 1, [3, 6]), confirmed('a', 1, [4, 7]))).toBe(false);
  });

  test('for a refusal with a number that never was', () => {
    expect(verdict(3, granted('a', 1, [1, 2]), refused(4, 3, [3, 4]))).toBe(false);
  });

  test('for a release that gives nothing back', () => {
    expect(verdict(1, granted('a', 1, [1, 2]), released('a', 1, [3, 4]), refused(1, 0, [5, 6]))).toBe(false);
  });

  test('for hearing of an end before it could have come, or of another end', () => {
    const hold = granted('a', 1, [1, 2]);
    expect(verdict(1, hold, ended('confirm', 'a', 'released', [3, 4]), released('a', 1, [5, 6]))).toBe(false);
    expect(verdict(1, hold, ended('confirm', 'a', 'confirmed', [3, 8]), released('a', 1, [4, 6]))).toBe(false);
    expect(verdict(1, hold, ended('confirm', 'a', 'released', [3, 8]))).toBe(false);
  });

  test('for seeing a hold after somebody heard of its end', () => {
    const history = [granted('a', 1, [1, 2]), released('a', 1, [3, 20]), ended('release', 'a', 'released', [4, 5]), levels(1, 1, 0, [6, 7])];
    expect(verdict(1, ...history)).toBe(false);
    expect(verdict(1, ...history.slice(0, 3), levels(1, 0, 0, [6, 7]))).toBe(true);
  });

  test('and says where it got stuck', () => {
    expect(contradiction([granted('a', 1, [1, 2]), levels(2, 0, 0, [3, 4])], 2)).toMatch(/^1 of 2 calls are explained, then none of .*"levels"/);
  });
});

/** Calls to a real shelf, one after another, whose instants are then stretched over each other. */
function realHistory(choices: readonly { kind: number; stretch: number }[]): Call[] {
  const history: Call[] = [];
  const held: { hold: string; since: number }[] = [];
  let allocated = 0;
  choices.forEach(({ kind, stretch }, at) => {
    const now = at * 10;
    const times = [now - stretch + 0.1, now + stretch + 0.2] as const;
    const first = held[0];
    // A hold is known to others only once it was handed out.
    const after = first && ([Math.max(times[0], first.since + 0.1), times[1]] as const);
    if (kind === 0) history.push(levels(5, held.length, allocated, times));
    else if ((kind === 1 || kind === 2) && first && after && first.since < now) {
      held.shift();
      if (kind === 2) allocated++;
      history.push(kind === 1 ? released(first.hold, 1, after) : confirmed(first.hold, 1, after));
    } else if (held.length + allocated < 5) {
      held.push({ hold: `h${at}`, since: times[1] });
      history.push(granted(`h${at}`, 1, times));
    } else history.push(refused(1, 0, times));
  });
  return history;
}

const someChoices = fc.array(fc.record({ kind: fc.nat(3), stretch: fc.nat(40) }), { minLength: 1, maxLength: 60 });

test('accepts whatever a real register did, however its calls overlap', () => {
  fc.assert(fc.property(someChoices, (choices) => contradiction(realHistory(choices), 5) === undefined));
});

test('rejects it where one read at the end tells another number', () => {
  fc.assert(
    fc.property(someChoices, (choices) => {
      const history = realHistory(choices);
      const end = Math.max(...history.map(({ returned }) => returned));
      return contradiction([...history, levels(6, 0, 0, [end + 1, end + 2])], 5) !== undefined;
    }),
  );
});

test('decides two thousand calls of which many lack an answer', () => {
  const choices = Array.from({ length: 2_000 }, (_, index) => ({ kind: (index * 7) % 4, stretch: (index * 13) % 60 }));
  const history = realHistory(choices).map((made, index) => (made.input.type === 'reserve' && made.output?.type === 'insufficient' && index % 20 === 0 ? { ...made, output: undefined } : made));
  expect(contradiction(history, 5)).toBeUndefined();
});
