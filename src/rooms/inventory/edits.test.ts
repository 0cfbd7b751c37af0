import { describe, expect, test } from 'vitest';
import { HOLDS_PER_CART_MAX } from './limits.ts';
import { cart, confirm, counted, edit, expire, extend, given, item, moveHold, place, received, release, reserve, wait, type Lines, type Story } from './testing.ts';

/** A hold of some of ten. */
function held(of: Lines = [['A', 4]], wishes: Parameters<typeof reserve>[1] = {}, definition: Parameters<typeof item>[1] = {}): { story: Story; id: string } {
  const story = given(item('A', definition), item('B'), place('L2', { rank: 2 }), place('main', { rank: 1 }), received('A', 10), received('B', 3), reserve(of, wishes));
  return { story, id: story.hold.id };
}

describe('an edit', () => {
  test.each([1, 4, 9, 10])('to %i of ten goes through, because its own units do not stand in its way', (quantity) => {
    const { story, id } = held();
    story.when(edit(id, { lines: [['A', quantity]] }));
    expect(story.hold).toMatchObject({ id, version: 2, lines: [{ sku: 'A', quantity }] });
    expect(story.figures('A')).toMatchObject({ reserved: quantity, available: 10 - quantity });
  });

  test('that asks for one too many is refused, and the hold stays as it was', () => {
    const { story, id } = held();
    const before = story.reservation(id);
    story.when(edit(id, { lines: [['A', 11]] })).thenRefused('insufficient-stock', { lines: [{ sku: 'A', requested: 11, available: 10 }] });
    expect(story.reservation(id)).toEqual(before);
  });

  test('replaces items, all or nothing', () => {
    const { story, id } = held();
    story.when(edit(id, { lines: [['B', 4]] })).thenRefused('insufficient-stock', { lines: [{ sku: 'B', requested: 4, available: 3 }] });
    story.when(edit(id, { lines: [['B', 3]] })).then(['reservation.released', 'A', { quantity: 4 }], ['reservation.held', 'B', { quantity: 3 }]);
    expect([story.figures('A').available, story.figures('B').available]).toEqual([10, 0]);
  });

  test('leaves the end where it is unless it says another', () => {
    const { story, id } = held([['A', 1]], { ttlSeconds: 60 });
    const { expiresAt } = story.hold;
    story.when(wait(10_000)).when(edit(id, { lines: [['A', 2]] }));
    expect(story.hold.expiresAt).toBe(expiresAt);
    story.when(edit(id, { ttlSeconds: 60 })).then(['reservation.extended', 'A']);
    expect(Date.parse(story.hold.expiresAt ?? '')).toBe(Date.parse(expiresAt ?? '') + 10_000);
    story.when(edit(id, {})).thenNothing();
  });

  test('for another customer looks at what that one may have, and moves no unit', () => {
    const { story, id } = held([['A', 3, 'main']], { customerId: 'x' }, { maxPerCustomer: 5 });
    story.when(reserve([['A', 3]], { customerId: 'y' })).when(edit(id, { customerId: 'y' })).thenRefused('limit-exceeded', { lines: [{ sku: 'A', requested: 3, limit: 5 }] });
    expect(story.reservation(id)?.customerId).toBe('x');
    story.when(edit(id, { customerId: 'z' })).then(['reservation.released', 'A'], ['reservation.held', 'A']);
    expect(story.hold).toMatchObject({ customerId: 'z', lines: [{ quantity: 3, allocations: [{ location: 'main', quantity: 3 }] }] });
    story.when(reserve([['A', 3]], { customerId: 'z' })).thenRefused('limit-exceeded');
    story.when(reserve([['A', 4]], { customerId: 'x' }));
    expect(story.code).toBe('ok');
    story.when(edit(id, { customerId: null }));
    expect(story.hold.customerId).toBeUndefined();
  });

  test('for another channel looks at what may be sold there', () => {
    const { story, id } = held([['A', 4]], {}, { channelBuffers: { web: 7 } });
    story.when(edit(id, { channel: 'web' })).thenRefused('insufficient-stock', { lines: [{ sku: 'A', requested: 4, available: 3 }] });
    story.when(edit(id, { channel: 'till' }));
    expect(story.hold.channel).toBe('till');
  });

  test('is refused at another version than was read, and once the hold is over', () => {
    const { story, id } = held([['A', 1]], { ttlSeconds: 5 });
    story.when(edit(id, { lines: [['A', 2]], ifVersion: 2 })).thenRefused('version-conflict', { version: 1 });
    story.when(wait(5_000)).when(edit(id, { lines: [['A', 2]] })).thenRefused('reservation-expired');
    story.when(expire(id)).when(moveHold(id, { cartId: 'c' })).thenRefused('reservation-expired');
    story.when(edit('res_none', {})).thenRefused('unknown-reservation');
  });
});

describe('a move to another cart', () => {
  test('takes the hold along with its units, and empties the cart it leaves', () => {
    const story = given(item('A'), received('A', 10), cart('guest', [['A', 4]]));
    const { id } = story.hold;
    story.when(moveHold(id, { cartId: 'known', customerId: 'x' }));
    expect(story.hold).toMatchObject({ id, cartId: 'known', customerId: 'x', lines: [{ quantity: 4 }] });
    story.when({ type: 'ReleaseCart', cartId: 'guest' }).thenNothing();
    expect(story.figures('A').reserved).toBe(4);
    story.when(cart('known', [['A', 6]]));
    expect(story.hold.id).toBe(id);
    story.when({ type: 'ReleaseCart', cartId: 'known' }).then(['reservation.released', 'A', { quantity: 6 }]);
  });

  test('counts against the customer of that cart', () => {
    const story = given(item('A', { maxPerCustomer: 5 }), received('A', 10), cart('mine', [['A', 3]], { customerId: 'x' }), reserve([['A', 3]]));
    const { id } = story.hold;
    story.when(moveHold(id, { cartId: 'mine' })).thenRefused('limit-exceeded', { lines: [{ sku: 'A', requested: 3, limit: 5 }] });
    expect(story.reservation(id)).toMatchObject({ status: 'held', version: 1 });
    story.when(release(id, [['A', 1]])).when(moveHold(id, { cartId: 'mine' }));
    expect(story.hold).toMatchObject({ cartId: 'mine', customerId: 'x' });
  });

  test('is refused where the cart has as many holds as a cart may', () => {
    const story = given(item('A', { backorderLimit: null }), ...Array.from({ length: HOLDS_PER_CART_MAX - 1 }, () => reserve([['A', 1]], { cartId: 'full' })), reserve([['A', 1]]));
    const { id: last } = story.hold;
    story.when(reserve([['A', 1]]));
    const { id: over } = story.hold;
    story.when(moveHold(last, { cartId: 'full' }));
    expect(story.code).toBe('ok');
    story.when(moveHold(over, { cartId: 'full' })).thenRefused('limit-exceeded');
    story.when(moveHold(last, { cartId: null })).when(moveHold(over, { cartId: 'full' }));
    expect(story.code).toBe('ok');
  });

  test('to where it is already changes nothing', () => {
    const story = given(item('A'), received('A', 10), cart('c', [['A', 4]]));
    story.when(moveHold(story.hold.id, { cartId: 'c' })).thenNothing();
    expect(story.hold.version).toBe(1);
  });
});

describe('a move to another place', () => {
  test('takes what is free there, and nothing becomes a backorder by it', () => {
    const { story, id } = held([['A', 4]], {}, { backorderLimit: 100 });
    story.when(received('A', 3, 'L2')).when(moveHold(id, { location: 'L2' })).thenRefused('insufficient-stock', { lines: [{ sku: 'A', requested: 4, available: 3 }] });
    expect(story.reservation(id)?.lines[0]?.allocations).toEqual([{ sku: 'A', location: 'main', quantity: 4 }]);
    story.when(received('A', 1, 'L2')).when(moveHold(id, { location: 'L2' })).then(['reservation.changed', 'A', { allocations: [{ location: 'L2', quantity: 4 }], previous: { allocations: [{ location: 'main', quantity: 4 }] } }]);
    expect(story.availability('A', { location: 'L2' })).toMatchObject({ reserved: 4, available: 0 });
    expect(story.availability('A', { location: 'main' })).toMatchObject({ reserved: 0, available: 10 });
    story.when(moveHold(id, { location: 'L2' })).thenNothing();
  });

  test('is refused to where nothing is sold, and to no place at all', () => {
    const { story, id } = held();
    story.when(received('A', 9, 'L2')).when(place('L2', { active: false })).when(moveHold(id, { location: 'L2' })).thenRefused('insufficient-stock', { lines: [{ sku: 'A', requested: 4, available: 0 }] });
    story.when(moveHold(id, { location: 'nowhere' })).thenRefused('unknown-location', { errors: [{ pointer: '/location' }] });
  });

  test('makes good what a count took from under the hold', () => {
    const { story, id } = held();
    story.when(counted('A', 1)).when(received('A', 4, 'L2')).when(moveHold(id, { location: 'L2' }));
    expect(story.availability('A')).toMatchObject({ onHand: 5, reserved: 4, available: 1 });
  });
});

describe('a hold without an end', () => {
  test('counts until somebody ends it, whatever time it is', () => {
    const { story, id } = held([['A', 4]], { ttlSeconds: null });
    expect(story.hold.expiresAt).toBeNull();
    const etag = story.etag('A');
    story.when(wait(100 * 365 * 86_400_000)).when(expire(id)).thenNothing();
    expect([story.reservation(id)?.status, story.figures('A').available, story.etag('A')]).toEqual(['held', 6, etag]);
    story.when(release(id)).then(['reservation.released', 'A']);
    expect(story.figures('A').available).toBe(10);
  });

  test('is given an end, and loses it again', () => {
    const { story, id } = held([['A', 4]], { ttlSeconds: null });
    story.when(extend(id, 5));
    expect(story.figures('A').reserved).toBe(4);
    story.when(extend(id, null)).when(wait(5_000));
    expect(story.figures('A').reserved).toBe(4);
    story.when(edit(id, { ttlSeconds: 5 })).when(wait(5_000));
    expect([story.reservation(id)?.status, story.figures('A').reserved]).toEqual(['expired', 0]);
  });

  test('of a cart is not ended by the cart going on', () => {
    const story = given(item('A'), received('A', 10), cart('c', [['A', 1]], { ttlSeconds: null }), cart('c', [['A', 2]]));
    expect(story.hold.expiresAt).toBeNull();
    story.when(cart('c', [['A', 2]], { ttlSeconds: 60 }));
    expect(story.hold.expiresAt).not.toBeNull();
  });

  test('is confirmed like any other', () => {
    const { story, id } = held([['A', 4]], { ttlSeconds: null });
    story.when(wait(1e12)).when(confirm(id, { orderId: 'o' })).then(['reservation.confirmed', 'A']);
    expect(story.figures('A')).toMatchObject({ allocated: 4, reserved: 0 });
  });
});

test('every movement says who asked, and what time did is nobody\'s', () => {
  const story = given(item('A'), received('A', 10));
  story.when({ ...reserve([['A', 1]], { ttlSeconds: 5 }), actor: 'key_till' } as Parameters<Story['when']>[0]).then(['reservation.held', 'A', { actor: 'key_till' }]);
  const { id } = story.hold;
  story.when(wait(5_000)).when(expire(id));
  expect(story.facts.at(-1)?.data).not.toHaveProperty('actor');
  story.when({ ...counted('A', 3), actor: 'admin' } as Parameters<Story['when']>[0]).then(['stock.adjusted', 'A', { reason: 'counted', actor: 'admin' }]);
});
