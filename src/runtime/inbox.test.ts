import { describe, expect, test } from 'vitest';
import { Inbox, type Waiting } from './inbox.ts';

interface One extends Waiting {
  readonly name: string;
}

/** An inbox, and what became of those who failed. */
function opened() {
  const inbox = new Inbox<One>();
  const failed: string[] = [];
  const one = (name: string, rest: Partial<One> = {}): One => ({
    name,
    kind: 'command',
    lane: undefined,
    turn: 'own',
    order: 0,
    fail: (error) => void failed.push(`${name}: ${error instanceof Error ? error.message.split(';')[0] : String(error)}`),
    ...rest,
  });
  const take = (...ones: One[]): void => ones.forEach((each) => inbox.take(each));
  const round = (memory: 'free' | 'full' | 'hopeless' = 'free'): string[][] => {
    const { own, last } = inbox.beginRound(memory);
    return [own.map(({ name }) => name), last.map(({ name }) => name)];
  };
  return { inbox, failed, one, take, round };
}

const BEHIND = 'an earlier command of the same lane failed';

describe('a round', () => {
  test('has those who came, in their order, and at the end those who wanted to be last', () => {
    const { inbox, one, take, round } = opened();
    take(one('a'), one('wake', { turn: 'last' }), one('b'));
    expect([inbox.size, inbox.hasTurns]).toEqual([3, true]);
    expect(round()).toEqual([['a', 'b'], ['wake']]);
    expect([inbox.size, inbox.hasTurns, round()]).toEqual([0, false, [[], []]]);
  });

  test('that was cut short goes on where it ended', () => {
    const { inbox, one, take, round } = opened();
    const [a, b, c] = [one('a'), one('b'), one('c')];
    take(a, b);
    round();
    take(c);
    inbox.cutRound([b]);
    expect(round()).toEqual([['b', 'c'], []]);
  });

  test('has questions only while memory is full, and commands are told when that is hopeless', () => {
    const { inbox, failed, one, take, round } = opened();
    take(one('command'), one('question', { kind: 'question' }));
    expect([round('full'), inbox.size]).toEqual([[['question'], []], 1]);
    take(one('another', { kind: 'question' }));
    expect([round('hopeless'), inbox.size]).toEqual([[['another'], []], 0]);
    expect(failed).toEqual(['command: the views are too far behind for memory to take more']);
  });
});

describe('who is parked', () => {
  test('is loaded for together with all that are, once at a time, and comes back in the order of arrival', () => {
    const { inbox, one, take, round } = opened();
    const [a, b, c, d] = [one('a'), one('b'), one('c'), one('d')];
    take(a, b, c);
    round();
    expect(inbox.beginLoading()).toBeUndefined();
    inbox.park(a, ['x', 'y'], 'load');
    inbox.park(c, ['y'], 'verify');
    expect(inbox.beginLoading()).toMatchObject({ waiting: [a, c], keys: ['x', 'y'], verify: true });
    inbox.park(b, ['z'], 'load');
    expect(inbox.beginLoading()).toBeUndefined();
    take(d);
    expect(inbox.size).toBe(4);
    inbox.loaded();
    expect(round()).toEqual([['a', 'b', 'c', 'd'], []]);
    inbox.park(d, ['x'], 'load');
    expect(inbox.beginLoading()).toMatchObject({ waiting: [d], keys: ['x'], verify: false });
  });

  test('is followed by whoever comes after in its lane, until it is loaded for', () => {
    const { inbox, one } = opened();
    const [first, second] = [one('first', { lane: 'cart' }), one('second', { lane: 'cart' })];
    inbox.park(first, ['x'], 'load');
    expect([inbox.laneOf(second), inbox.laneOf(one('other', { lane: 'another' })), inbox.laneOf(one('free'))]).toEqual(['parked', 'free', 'free']);
    inbox.beginLoading();
    expect(inbox.laneOf(second)).toBe('parked');
    inbox.loaded();
    expect(inbox.laneOf(second)).toBe('free');
  });

  test('fails with the question to the store, and with it whoever waits behind it in its lane', () => {
    const { inbox, failed, one, take, round } = opened();
    const [first, second, third, other] = [one('first', { lane: 'cart' }), one('second', { lane: 'cart' }), one('third', { lane: 'cart' }), one('other')];
    inbox.park(first, ['x'], 'load');
    inbox.beginLoading();
    inbox.park(second, [], 'load');
    take(third, other);
    inbox.notLoaded(new Error('away'));
    expect(failed).toEqual(['first: away', `third: ${BEHIND}`, `second: ${BEHIND}`]);
    expect([round(), inbox.size]).toEqual([[['other'], []], 0]);
  });
});

describe('who fails', () => {
  test('takes those of its lane along that come after it in the round, and no others', () => {
    const { inbox, one } = opened();
    inbox.failLane(one('first', { lane: 'cart' }));
    inbox.failLane(one('alone'));
    expect([inbox.laneOf(one('second', { lane: 'cart' })), inbox.laneOf(one('other', { lane: 'another' })), inbox.laneOf(one('free'))]).toEqual(['failed', 'free', 'free']);
    inbox.endRound();
    expect(inbox.laneOf(one('second', { lane: 'cart' }))).toBe('free');
  });

  test('takes those of its lane along that wait, that are parked and that are being loaded for, each told once', () => {
    const { inbox, failed, one, take, round } = opened();
    const cart = { lane: 'cart' };
    inbox.park(one('loading', cart), ['x'], 'load');
    inbox.park(one('stays', { lane: 'another' }), ['x'], 'load');
    inbox.beginLoading();
    inbox.park(one('parked', cart), [], 'load');
    take(one('waiting', cart), one('free'));
    inbox.fail([one('appended', cart)], new Error('full'));
    expect(failed).toEqual(['appended: full', `waiting: ${BEHIND}`, `parked: ${BEHIND}`, `loading: ${BEHIND}`]);
    inbox.fail([one('another', cart)], new Error('full'));
    expect(failed.slice(4)).toEqual(['another: full']);
    inbox.loaded();
    expect([round(), inbox.size]).toEqual([[['stays', 'free'], []], 0]);
  });
});

test('what is decided again has its old place', () => {
  const { inbox, one, take, round } = opened();
  const [a, b] = [one('a'), one('b')];
  take(a, b);
  round();
  take(one('c'));
  inbox.putBack([b, a]);
  expect(round()).toEqual([['a', 'b', 'c'], []]);
});

test('clearing it takes everybody out but those who are being loaded for', () => {
  const { inbox, one, take } = opened();
  inbox.park(one('loading'), ['x'], 'load');
  inbox.beginLoading();
  inbox.park(one('parked'), ['y'], 'load');
  take(one('waiting'));
  expect(inbox.clear().map(({ name }) => name)).toEqual(['waiting', 'parked']);
  expect(inbox.size).toBe(1);
});
