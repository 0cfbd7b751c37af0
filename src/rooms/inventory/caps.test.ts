import { describe, expect, test } from 'vitest';
import type { HoldCaps } from './caps.ts';
import { cart, confirm, edit, expire, extend, item, moveHold, received, release, reserve, Story, wait, type Lines, type Step } from './testing.ts';

/** A shop with bounds on live holds. */
function bounded(caps: HoldCaps): Story {
  const story = new Story(caps);
  return story.when(item('A', { backorderLimit: null })).when(item('B')).when(received('A', 100)).when(received('B', 100));
}
const by = (customerId: string, of: Lines, wishes: Parameters<typeof reserve>[1] = {}): Step => reserve(of, { customerId, ...wishes });
const keyed = (step: Step, actor: string): Step => ({ ...step, actor }) as Step; // steps of time are not keyed here
const tallies = (story: Story): string[] => [...story.states].filter(([key, state]) => key.startsWith('h/') && state !== undefined).map(([key]) => key);

describe('a bound on the live holds of a customer', () => {
  test.each([1, 2, 3])('lets %i through and not one more', (holds) => {
    const story = bounded({ customer: { holds } });
    for (let made = 0; made < holds; made++) expect(story.when(by('x', [['A', 1]])).code).toBe('ok');
    story.when(by('x', [['B', 1]])).thenRefused('limit-exceeded', { limit: { of: 'customer', what: 'holds', most: holds, has: holds, more: 1 } });
    expect(story.when(by('y', [['A', 1]])).code).toBe('ok');
    expect(story.when(reserve([['A', 1]])).code).toBe('ok');
  });

  test('counts a hold no longer from the instant it runs out, was released or confirmed', () => {
    const story = bounded({ customer: { holds: 1 } }).when(by('x', [['A', 1]], { ttlSeconds: 5 }));
    story.when(wait(4_999)).when(by('x', [['A', 1]])).thenRefused('limit-exceeded');
    story.when(wait(1)).when(by('x', [['A', 1], ['B', 1]]));
    const both = story.hold.id;
    story.when(by('x', [['A', 1]])).thenRefused('limit-exceeded');
    story.when(release(both, [['A', 1]])).when(by('x', [['A', 1]])).thenRefused('limit-exceeded');
    story.when(release(both)).when(by('x', [['A', 3]]));
    const { id } = story.hold;
    story.when(confirm(id, { lines: [['A', 1]] })).when(by('x', [['A', 1]]));
    expect(story.code).toBe('ok');
  });

  test('keeps nothing of holds that are over', () => {
    const story = bounded({ customer: { holds: 9 } }).when(by('x', [['A', 1]], { ttlSeconds: 1 }));
    const { id } = story.hold;
    story.when(by('x', [['A', 2]]));
    const { id: other } = story.hold;
    story.when(wait(1_000)).when(expire(id)).when(release(other));
    expect(tallies(story)).toEqual([]);
  });

  test('counts units where it has a bound on them, over all items', () => {
    const story = bounded({ customer: { holds: 5, units: 10 } }).when(by('x', [['A', 4], ['B', 4]]));
    const { id } = story.hold;
    story.when(by('x', [['A', 3]])).thenRefused('limit-exceeded', { limit: { of: 'customer', what: 'units', most: 10, has: 8, more: 3 } });
    story.when(by('x', [['A', 2]])).when(edit(id, { lines: [['A', 9]] })).thenRefused('limit-exceeded', { limit: { has: 10, more: 1 } });
    story.when(edit(id, { lines: [['A', 8]] })).when(release(id, [['A', 1]])).when(edit(id, { lines: [['A', 8]] }));
    expect(story.code).toBe('ok');
    story.when(extend(id, 1)).when(wait(1_000)).when(by('x', [['A', 8]]));
    expect(story.code).toBe('ok');
  });

  test('a cart that changes what it holds is one hold', () => {
    const story = bounded({ customer: { holds: 1 } });
    for (const quantity of [1, 5, 2]) expect(story.when(cart('c', [['A', quantity]], { customerId: 'x' })).code).toBe('ok');
    story.when(cart('d', [['A', 1]], { customerId: 'x' })).thenRefused('limit-exceeded');
    story.when({ type: 'ReleaseCart', cartId: 'c' }).when(cart('d', [['A', 1]], { customerId: 'x' }));
    expect(story.code).toBe('ok');
  });

  test('a hold that becomes another customer\'s counts against that one', () => {
    const story = bounded({ customer: { holds: 1 } }).when(by('x', [['A', 1]]));
    const { id: first } = story.hold;
    story.when(reserve([['A', 1]]));
    const { id: second } = story.hold;
    story.when(edit(second, { customerId: 'x' })).thenRefused('limit-exceeded');
    story.when(moveHold(second, { cartId: 'c', customerId: 'x' })).thenRefused('limit-exceeded');
    story.when(edit(first, { customerId: 'y' })).when(edit(second, { customerId: 'x' }));
    expect(story.code).toBe('ok');
    story.when(by('y', [['A', 1]])).thenRefused('limit-exceeded');
  });

  test('a hold without an end is an operator\'s and counts against nobody', () => {
    const story = bounded({ customer: { holds: 1 } }).when(by('x', [['A', 1]], { ttlSeconds: null }));
    const { id } = story.hold;
    story.when(by('x', [['A', 1]]));
    expect(story.code).toBe('ok');
    story.when(extend(id, 60)).thenRefused('limit-exceeded');
  });
});

describe('a bound on the live holds of an API key', () => {
  test('counts what that key made, whoever ends it', () => {
    const story = bounded({ key: { holds: 2 } });
    for (const step of [reserve([['A', 1]]), cart('c', [['A', 1], ['B', 1]])]) expect(story.when(keyed(step, 'key_a')).code).toBe('ok');
    const { id } = story.hold;
    story.when(keyed(reserve([['A', 1]]), 'key_a')).thenRefused('limit-exceeded', { limit: { of: 'key', what: 'holds', most: 2, has: 2, more: 1 } });
    expect(story.when(keyed(reserve([['A', 1]]), 'key_b')).code).toBe('ok');
    expect(story.when(keyed(cart('c', [['A', 2]]), 'key_b')).code).toBe('ok');
    story.when(keyed(release(id), 'key_b')).when(keyed(reserve([['A', 1]]), 'key_a'));
    expect(story.code).toBe('ok');
  });
});

test('without bounds nothing is tallied', () => {
  const story = new Story().when(item('A')).when(received('A', 9)).when(by('x', [['A', 1]])).when(keyed(reserve([['A', 1]]), 'key_a'));
  expect([tallies(story), story.facts.some(({ type }) => type === 'inventory.holder.tallied')]).toEqual([[], false]);
});
