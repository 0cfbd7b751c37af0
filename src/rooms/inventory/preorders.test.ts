import { describe, expect, test } from 'vitest';
import { limitOf } from './availability.ts';
import { nextChange } from './resources.ts';
import { cancel, cart, confirm, expire, extend, fulfil, given, item, received, release, reserve, wait, type Step, type Story } from './testing.ts';

const DAY = 86_400_000;

/** An item that is sold before its date, a day after the story begins, with 5 in all, 3 of them on the web. */
function preorder(...steps: Step[]): Story {
  const story = given();
  const availableFrom = new Date(story.clock.now() + DAY).toISOString();
  story.when(item('A', { backorderLimit: 1, preorder: { availableFrom, limit: 5, channelLimits: { web: 3 } } }));
  for (const step of steps) story.when(step);
  return story;
}

const sellable = (story: Story, channel?: string): number | null => story.figures('A', { channel }).sellable;
const web = (quantity: number, ttlSeconds = 900): Step => reserve([['A', quantity]], { channel: 'web', ttlSeconds });

describe('a preorder', () => {
  test('has a limit of its own until its date, one unit below, on it and above', () => {
    const story = preorder();
    expect(sellable(story)).toBe(5);
    story.when(reserve([['A', 6]])).thenRefused('insufficient-stock', { lines: [{ sku: 'A', requested: 6, available: 5 }] });
    story.when(reserve([['A', 4]])).then(['reservation.held', 'A', { backordered: 4 }]).when(reserve([['A', 1]])).then(['reservation.held', 'A']);
    story.when(reserve([['A', 1]])).thenRefused('insufficient-stock');
  });

  test('ends by itself: at its instant, with its tag, and no cache keeps an answer beyond', () => {
    const story = preorder();
    const before = story.etag('A');
    story.when(wait(DAY - 1));
    expect([sellable(story), story.etag('A'), nextChange(story.item('A'), story.clock.now())]).toEqual([5, before, 1]);
    story.when(wait(1));
    expect([sellable(story), nextChange(story.item('A'), story.clock.now())]).toEqual([1, undefined]);
    expect(story.etag('A')).not.toBe(before);
  });

  test('keeps what was promised after its date, and sells on only when there is something', () => {
    const story = preorder(web(2, 2 * DAY / 1000), wait(DAY));
    expect(story.figures('A')).toMatchObject({ net: -2, sellable: 0 });
    story.when(received('A', 3)).then(['stock.adjusted', 'A'], ['reservation.changed', 'A', { backordered: 0 }]);
    expect(story.figures('A')).toMatchObject({ available: 1, sellable: 2 });
  });

  test('of an item that nobody counts limits nothing', () => {
    const story = preorder();
    expect(limitOf({ ...story.item('A').definition, tracked: false } as never, story.clock.now())).toBeNull();
  });
});

describe('a channel', () => {
  test('promises no more than its own limit before the date', () => {
    const story = preorder(web(2));
    expect([sellable(story), sellable(story, 'web'), sellable(story, 'till')]).toEqual([3, 1, 3]);
    story.when(web(2)).thenRefused('insufficient-stock', { lines: [{ requested: 2, available: 1 }] });
    story.when(web(1)).then(['reservation.held', 'A']).when(web(1)).thenRefused('insufficient-stock');
    story.when(reserve([['A', 2]], { channel: 'till' })).then(['reservation.held', 'A']);
  });

  test('gets back what a hold gives up: by release, in part, at its instant, once', () => {
    const story = preorder(web(3, 60));
    const { id } = story.hold;
    expect(sellable(story.when(release(id, [['A', 1]])), 'web')).toBe(1);
    expect(sellable(story.when(extend(id, 120)).when(wait(119_999)), 'web')).toBe(1);
    expect(sellable(story.when(wait(1)), 'web')).toBe(3);
    expect(sellable(story.when(expire(id)), 'web')).toBe(3);
  });

  test('counts what was ordered, shipped or not, until it is cancelled', () => {
    const story = preorder(web(3));
    story.when(confirm(story.hold.id, { orderId: 'o' })).when(received('A', 1)).when(fulfil('o', [['A', 1]]));
    expect(sellable(story, 'web')).toBe(0);
    expect(sellable(story.when(cancel('o', [['A', 1]])), 'web')).toBe(1);
    expect(sellable(story.when(cancel('o')), 'web')).toBe(2);
  });

  test('is not stood in the way by a cart\'s own hold, and a hold through another channel counts there', () => {
    const story = preorder(cart('c', [['A', 3]], { channel: 'web' }));
    story.when(cart('c', [['A', 2]])).then(['reservation.changed', 'A', { quantity: 2 }]);
    expect(sellable(story, 'web')).toBe(1);
    story.when(cart('c', [['A', 3]])).then(['reservation.changed', 'A']).when(cart('c', [['A', 4]])).thenRefused('insufficient-stock', { lines: [{ available: 3 }] });
    story.when(cart('c', [['A', 4]], { channel: 'till' })).then(['reservation.changed', 'A']);
    expect([sellable(story, 'web'), sellable(story)]).toEqual([1, 1]);
  });

  test('that nobody limited may sell what the item may', () => {
    expect(sellable(preorder(), 'constructor')).toBe(5);
  });
});
