import { describe, expect, test } from 'vitest';
import { HOLDS_PER_CART_MAX } from './limits.ts';
import { cart, confirm, counted, expire, extend, given, item, place, received, release, reserve, wait, type Story } from './testing.ts';

const MINUTES_15 = 900_000;

/** A story with one item, so many units of it, and a hold. */
function holding(quantity: number, onHand = 10): { story: Story; id: string } {
  const story = given(item('A'), received('A', onHand)).when(reserve([['A', quantity]]));
  return { story, id: story.hold.id };
}

const shares = (story: Story): [string, number][] => story.hold.lines.flatMap((line) => line.allocations.map(({ location, quantity }): [string, number] => [location, quantity]));

describe('reserve', () => {
  test('sets units aside until the item\'s time is over', () => {
    const { story } = holding(3);
    story.then(['reservation.held', 'A', { quantity: 3, backordered: 0, allocations: [{ location: 'main', quantity: 3 }], expiresAt: story.clock.now() + MINUTES_15 }]);
    expect(story.hold).toMatchObject({ status: 'held', version: 1, lines: [{ sku: 'A', quantity: 3, backordered: 0 }] });
    expect(story.figures('A')).toMatchObject({ onHand: 10, reserved: 3, available: 7, sellable: 7 });
  });

  test('the caller\'s time goes before the item\'s, and the shortest of several items\' times counts', () => {
    const story = given(item('A', { reservationTtlSeconds: 60 }), item('B', { reservationTtlSeconds: 30 }), received('A', 9), received('B', 9));
    const lasts = (): number => Date.parse(story.hold.expiresAt ?? '') - story.clock.now();
    expect([story.when(reserve([['A', 1], ['B', 1]])) && lasts(), story.when(reserve([['A', 1]], { ttlSeconds: 7 })) && lasts()]).toEqual([30_000, 7_000]);
  });

  test('sums the demand for an item over all lines before it decides', () => {
    given(item('A'), received('A', 5))
      .when(reserve([['A', 3], ['A', 3]]))
      .thenRefused('insufficient-stock', { lines: [{ sku: 'A', requested: 6, available: 5 }] })
      .when(reserve([['A', 3], ['A', 2]]))
      .then(['reservation.held', 'A', { quantity: 5 }]);
  });

  test('gives everything or nothing, and names every item that is short', () => {
    const story = given(item('A'), item('B'), item('C'), received('A', 10), received('B', 1))
      .when(reserve([['A', 2], ['B', 2], ['C', 1]]))
      .thenRefused('insufficient-stock', { lines: [{ sku: 'B', requested: 2, available: 1 }, { sku: 'C', requested: 1, available: 0 }] });
    expect(story.figures('A').reserved).toBe(0);
    story.when(reserve([['A', 2], ['B', 1]])).then(['reservation.held', 'A', { quantity: 2 }], ['reservation.held', 'B', { quantity: 1 }]);
  });

  test('names every line whose item or location is unknown', () => {
    given(item('A'), received('A', 1))
      .when(reserve([['X', 1], ['A', 1], ['Y', 1]]))
      .thenRefused('unknown-item', { errors: [{ pointer: '/lines/0/sku' }, { pointer: '/lines/2/sku' }] })
      .when(reserve([['A', 1], ['A', 1, 'nowhere']]))
      .thenRefused('unknown-location', { errors: [{ pointer: '/lines/1/location' }] });
  });

  test('grants what there is where a part will do, and says how much was asked for', () => {
    const story = given(item('A'), item('B'), received('A', 4)).when(reserve([['A', 6], ['B', 1]], { partial: true }));
    story.then(['reservation.held', 'A', { quantity: 4, requested: 6 }]);
    expect(story.hold.lines).toMatchObject([{ sku: 'A', quantity: 4, requested: 6 }]);
    story.when(reserve([['A', 1]], { partial: true })).thenRefused('insufficient-stock', { lines: [{ sku: 'A', requested: 1, available: 0 }] });
  });

  test('what was asked for stays written on a partly granted line for good', () => {
    const { story, id } = ((): { story: Story; id: string } => {
      const told = given(item('A'), received('A', 4)).when(reserve([['A', 6]], { partial: true }));
      return { story: told, id: told.hold.id };
    })();
    story.when(extend(id, 60)).when(release(id, [['A', 1]])).when(confirm(id));
    expect(story.reservation(id)?.lines).toMatchObject([{ quantity: 3, requested: 6 }]);
  });

  test('posting for a cart again always makes another hold', () => {
    const story = given(item('A'), received('A', 10), reserve([['A', 2]], { cartId: 'c' }), reserve([['A', 2]], { cartId: 'c' }));
    expect(story.figures('A').reserved).toBe(4);
  });

  test(`a cart has at most ${HOLDS_PER_CART_MAX} holds`, () => {
    const story = given(item('A'), received('A', 1000), ...Array.from({ length: HOLDS_PER_CART_MAX }, () => reserve([['A', 1]], { cartId: 'c' })));
    story.when(reserve([['A', 1]], { cartId: 'c' })).thenRefused('limit-exceeded');
    story.when(wait(MINUTES_15)).when(reserve([['A', 1]], { cartId: 'c' })).then(['reservation.held', 'A']);
  });
});

describe('places', () => {
  const L1_L2 = [item('A'), place('L1', { rank: 2 }), place('L2', { rank: 1 })];

  test('the lowest rank goes first, then the next, and never more than the remaining need', () => {
    const story = given(...L1_L2, received('A', 4, 'L1'), received('A', 3, 'L2')).when(reserve([['A', 5]]));
    expect(shares(story)).toEqual([['L2', 3], ['L1', 2]]);
    const other = given(item('A'), place('L1', { rank: 1 }), place('L2', { rank: 2 }), received('A', 10, 'L1'), received('A', 15, 'L2')).when(reserve([['A', 13]]));
    expect(shares(other)).toEqual([['L1', 10], ['L2', 3]]);
  });

  test('equal ranks go by id', () => {
    const story = given(item('A'), place('b'), place('a'), received('A', 1, 'b'), received('A', 1, 'a')).when(reserve([['A', 2]]));
    expect(shares(story)).toEqual([['a', 1], ['b', 1]]);
  });

  test('most stock goes where most is free, not where most lies', () => {
    const story = given(...L1_L2, received('A', 4, 'L1'), received('A', 3, 'L2')).when(reserve([['A', 5]], { strategy: 'most-stock' }));
    expect(shares(story)).toEqual([['L1', 4], ['L2', 1]]);
    const freed = given(...L1_L2, received('A', 4, 'L1'), received('A', 3, 'L2'), reserve([['A', 2, 'L1']])).when(reserve([['A', 1]], { strategy: 'most-stock' }));
    expect(shares(freed)).toEqual([['L2', 1]]);
  });

  test('the nearest goes first, over the date line too, and places without coordinates last', () => {
    const story = given(
      item('A'), place('nowhere', { rank: 0 }), place('Suva', { lat: -18.1, lon: 178.4, rank: 9 }), place('Lima', { lat: -12, lon: -77 }),
      received('A', 1, 'nowhere'), received('A', 1, 'Suva'), received('A', 1, 'Lima'),
    ).when(reserve([['A', 3]], { strategy: 'nearest', near: { lat: -14, lon: -171 } }));
    expect(shares(story).map(([location]) => location)).toEqual(['Suva', 'Lima', 'nowhere']);
  });

  test('a line that names its place is served from there alone', () => {
    const story = given(...L1_L2, received('A', 2, 'L1'), received('A', 9, 'L2'))
      .when(reserve([['A', 3, 'L1']]))
      .thenRefused('insufficient-stock', { lines: [{ sku: 'A', requested: 3, available: 2 }] })
      .when(reserve([['A', 2, 'L1'], ['A', 1]]));
    expect(shares(story)).toEqual([['L1', 2], ['L2', 1]]);
    story.when(reserve([['A', 3, 'L1'], ['A', 4, 'L2']])).thenRefused('insufficient-stock', { lines: [{ sku: 'A', requested: 7, available: 4 }] });
  });

  test('a line that may be served from anywhere leaves a place to one that wants no other, whichever is named first', () => {
    const story = given(item('A'), place('L', { rank: 1 }), received('A', 1, 'L'), received('A', 1)).when(reserve([['A', 1], ['A', 1, 'L']]));
    expect(story.hold.lines).toMatchObject([{ allocations: [{ location: 'main' }] }, { allocations: [{ location: 'L' }] }]);
    story.when(reserve([['A', 1], ['A', 1, 'L']])).thenRefused('insufficient-stock');
  });

  test('an inactive place gives nothing', () => {
    given(...L1_L2, received('A', 5, 'L1'), received('A', 1, 'L2'), place('L1', { rank: 2, active: false }))
      .when(reserve([['A', 2]]))
      .thenRefused('insufficient-stock', { lines: [{ sku: 'A', requested: 2, available: 1 }] })
      .when(reserve([['A', 1, 'L1']]))
      .thenRefused('insufficient-stock', { lines: [{ sku: 'A', requested: 1, available: 0 }] });
  });
});

describe('a cart', () => {
  test('holds exactly what was put last: its own hold does not stand in its way', () => {
    const story = given(item('A'), received('A', 10)).when(cart('c', [['A', 3]]));
    const { id } = story.hold;
    expect(story.answer['created']).toBe(true);
    for (const quantity of [7, 2, 10, 3, 3]) {
      story.when(cart('c', [['A', quantity]])).then(['reservation.changed', 'A', { quantity, reservationId: id }]);
      expect([story.answer['created'], story.hold.id, story.figures('A').reserved]).toEqual([false, id, quantity]);
    }
    story.when(cart('c', [['A', 11]])).thenRefused('insufficient-stock', { lines: [{ sku: 'A', requested: 11, available: 10 }] });
    expect(story.figures('A').reserved).toBe(3);
  });

  test('its time begins again with each change', () => {
    const story = given(item('A'), received('A', 10), cart('c', [['A', 3]]), wait(MINUTES_15 - 1), cart('c', [['A', 3]]), wait(MINUTES_15 - 1));
    expect(story.figures('A').reserved).toBe(3);
    expect(story.when(wait(1)).figures('A').reserved).toBe(0);
  });

  test('an expired hold is not taken up again: the cart gets a new one', () => {
    const story = given(item('A'), received('A', 10)).when(cart('c', [['A', 3]]));
    const { id } = story.hold;
    story.when(wait(MINUTES_15)).when(cart('c', [['A', 10]])).then(['reservation.held', 'A', { quantity: 10 }]);
    expect([story.answer['created'], story.hold.id === id]).toEqual([true, false]);
  });

  test('items come and go: one is released, one held, one changed', () => {
    given(item('A'), item('B'), item('C'), received('A', 5), received('B', 5), received('C', 5), cart('c', [['A', 1], ['B', 2]]))
      .when(cart('c', [['B', 3], ['C', 1]]))
      .then(['reservation.released', 'A', { quantity: 1 }], ['reservation.changed', 'B', { quantity: 3 }], ['reservation.held', 'C', { quantity: 1 }]);
  });

  test('several holds of one cart become one, which takes what the others gave up', () => {
    const story = given(item('A'), received('A', 10), reserve([['A', 4]], { cartId: 'c' }), reserve([['A', 4]], { cartId: 'c' }))
      .when(cart('c', [['A', 10]]))
      .then(['reservation.released', 'A', { quantity: 4 }], ['reservation.changed', 'A', { quantity: 10 }]);
    expect(story.figures('A')).toMatchObject({ reserved: 10, available: 0 });
  });

  test('moves to another customer and another channel with what it holds', () => {
    const story = given(item('A', { maxPerCustomer: 4 }), received('A', 10), cart('c', [['A', 3]], { customerId: 'x', channel: 'web' }))
      .when(cart('c', [['A', 4]], { customerId: 'y', channel: 'till' }))
      .then(['reservation.released', 'A', { customerId: 'x', quantity: 3 }], ['reservation.held', 'A', { customerId: 'y', channel: 'till', quantity: 4 }]);
    story.when(reserve([['A', 4]], { customerId: 'x' })).then(['reservation.held', 'A']);
    story.when(reserve([['A', 1]], { customerId: 'y' })).thenRefused('limit-exceeded');
  });

  test('stays its customer\'s and its channel\'s where a change does not say', () => {
    const story = given(item('A', { maxPerCustomer: 3, channelBuffers: { web: 8 } }), item('B'), received('A', 10), received('B', 10), cart('c', [['B', 1]], { customerId: 'x', channel: 'web' }));
    story.when(cart('c', [['A', 4]])).thenRefused('limit-exceeded').when(cart('c', [['A', 3]])).thenRefused('insufficient-stock', { lines: [{ available: 2 }] });
    story.when(cart('c', [['A', 2]])).then(['reservation.released', 'B'], ['reservation.held', 'A', { customerId: 'x', channel: 'web' }]);
    story.when(reserve([['A', 2]], { customerId: 'x' })).thenRefused('limit-exceeded');
  });

  test('gives everything back when it is emptied, and again does nothing', () => {
    const story = given(item('A'), received('A', 10), cart('c', [['A', 3]]), reserve([['A', 1]], { cartId: 'c' }))
      .when({ type: 'ReleaseCart', cartId: 'c' })
      .then(['reservation.released', 'A', { quantity: 3 }], ['reservation.released', 'A', { quantity: 1 }]);
    expect(story.figures('A').reserved).toBe(0);
    story.when({ type: 'ReleaseCart', cartId: 'c' }).thenNothing();
  });
});

describe('a hold\'s time', () => {
  test('is over at its instant, not a millisecond sooner, fact or no fact', () => {
    const { story, id } = holding(6);
    story.when(wait(MINUTES_15 - 1));
    expect([story.reservation(id)?.status, story.figures('A').available]).toEqual(['held', 4]);
    story.when(wait(1));
    expect([story.reservation(id)?.status, story.figures('A').available]).toEqual(['expired', 10]);
    story.when(reserve([['A', 10]])).then(['reservation.held', 'A']);
    story.when(expire(id)).then(['reservation.expired', 'A', { quantity: 6 }]);
    expect(story.figures('A')).toMatchObject({ reserved: 10, available: 0 });
    story.when(expire(id)).thenNothing();
  });

  test('what is woken too early, or is gone, stays as it is', () => {
    const { story, id } = holding(6);
    story.when(expire(id)).thenNothing().when(expire('res_unknown')).thenNothing();
    expect(story.figures('A').reserved).toBe(6);
  });

  test('can be extended, also to a shorter one, but not once it is over', () => {
    const { story, id } = holding(6);
    story.when(extend(id, 3600)).then(['reservation.extended', 'A', { quantity: 6, expiresAt: story.clock.now() + 3_600_000 }]);
    expect(story.when(wait(MINUTES_15)).figures('A').reserved).toBe(6);
    story.when(extend(id, 1)).when(wait(999));
    expect(story.figures('A').reserved).toBe(6);
    expect(story.when(wait(1)).figures('A').reserved).toBe(0);
    story.when(extend(id, 60)).thenRefused('reservation-expired');
  });

  test('once it is over nothing can be done with it, and nothing is oversold', () => {
    const { story, id } = holding(10);
    story.when(wait(MINUTES_15)).when(reserve([['A', 10]]));
    for (const command of [confirm(id), release(id), extend(id, 60)]) story.when(command).thenRefused('reservation-expired');
  });
});

describe('release', () => {
  test('gives all of it back, once', () => {
    const { story, id } = holding(6);
    story.when(release(id)).then(['reservation.released', 'A', { quantity: 6 }]);
    expect([story.hold.status, story.figures('A').available]).toEqual(['released', 10]);
    for (const command of [release(id), confirm(id), extend(id, 60)]) story.when(command).thenRefused('reservation-released');
  });

  test('gives a part back: first what is at no place, then from the place chosen last', () => {
    const story = given(item('A', { backorderLimit: 2 }), place('near', { rank: 1 }), place('far', { rank: 2 }), received('A', 3, 'near'), received('A', 3, 'far')).when(reserve([['A', 8]]));
    const { id } = story.hold;
    story.when(release(id, [['A', 1]])).then(['reservation.released', 'A', { quantity: 1, backordered: 1, allocations: [] }]);
    story.when(release(id, [['A', 3]])).then(['reservation.released', 'A', { quantity: 3, backordered: 1, allocations: [{ location: 'far', quantity: 2 }] }]);
    expect(shares(story)).toEqual([['near', 3], ['far', 1]]);
    story.when(release(id, [['A', 4]])).then(['reservation.released', 'A', { quantity: 4 }]);
    expect(story.hold.status).toBe('released');
  });

  test('of one item leaves the others held', () => {
    const story = given(item('A'), item('B'), received('A', 5), received('B', 5)).when(reserve([['A', 2], ['B', 2]]));
    const { id } = story.hold;
    story.when(release(id, [['A', 2]])).then(['reservation.released', 'A', { quantity: 2 }]);
    expect(story.hold.lines).toMatchObject([{ sku: 'B', quantity: 2 }]);
    story.when(release(id)).then(['reservation.released', 'B', { quantity: 2 }]);
  });

  test('asking for more than is held is refused, never clamped', () => {
    const { story, id } = holding(6);
    story.when(release(id, [['A', 4], ['A', 3], ['B', 1]])).thenRefused('exceeds-reserved', { lines: [{ sku: 'A', requested: 7, available: 6 }, { sku: 'B', requested: 1, available: 0 }] });
    expect(story.figures('A').reserved).toBe(6);
    story.when(release('res_unknown')).thenRefused('unknown-reservation');
  });

  test('works on a hold whose units are missing by now', () => {
    const { story, id } = holding(9);
    story.when(counted('A', 2)).when(release(id, [['A', 8]]));
    expect(story.figures('A')).toMatchObject({ onHand: 2, reserved: 1, available: 1 });
  });
});

describe('limits', () => {
  test('per reservation: on it and one above, summed over lines', () => {
    given(item('A', { maxPerReservation: 3 }), received('A', 10))
      .when(reserve([['A', 2], ['A', 1]])).then(['reservation.held', 'A'])
      .when(reserve([['A', 2], ['A', 2]])).thenRefused('limit-exceeded', { lines: [{ sku: 'A', requested: 4, limit: 3 }] });
  });

  test('per customer: live holds, allocations and shipped units count; released, expired and cancelled ones do not', () => {
    const story = given(item('A', { maxPerCustomer: 3 }), received('A', 100));
    const buys = (quantity: number): Story => story.when(reserve([['A', quantity]], { customerId: 'x' }));
    const { id } = buys(3).hold;
    buys(1).thenRefused('limit-exceeded', { lines: [{ sku: 'A', requested: 1, limit: 3 }] });
    story.when(reserve([['A', 3]], { customerId: 'y' })).then(['reservation.held', 'A']);
    story.when(release(id, [['A', 1]]));
    buys(1).then(['reservation.held', 'A']);
    story.when(wait(MINUTES_15));
    const order = story.when(reserve([['A', 3]], { customerId: 'x' })).when(confirm(story.hold.id, { fulfil: true })).hold.orderId ?? '';
    buys(1).thenRefused('limit-exceeded');
    story.when({ type: 'UnfulfilOrder', orderId: order, lines: [{ sku: 'A', quantity: 2 }] });
    buys(1).thenRefused('limit-exceeded');
    story.when({ type: 'CancelOrder', orderId: order });
    buys(3).thenRefused('limit-exceeded');
    buys(2).then(['reservation.held', 'A']);
  });

  test('per customer: a cart that changes hands counts in full against its new owner', () => {
    given(item('A', { maxPerCustomer: 4 }), received('A', 100), reserve([['A', 3]], { customerId: 'y' }), cart('c', [['A', 3]], { customerId: 'x' }))
      .when(cart('c', [['A', 3]], { customerId: 'y' }))
      .thenRefused('limit-exceeded', { lines: [{ sku: 'A', requested: 3, limit: 4 }] });
  });

  test('per customer: units confirmed onto an order of somebody else are given back to whom they counted against', () => {
    const story = given(item('A', { maxPerCustomer: 2 }), received('A', 100));
    story.when(reserve([['A', 2]], { customerId: 'x' })).when(confirm(story.hold.id, { orderId: 'o' }));
    story.when(reserve([['A', 2]], { customerId: 'y' })).when(confirm(story.hold.id, { orderId: 'o' }));
    story.when({ type: 'CancelOrder', orderId: 'o' });
    for (const customerId of ['x', 'y']) {
      story.when(reserve([['A', 3]], { customerId })).thenRefused('limit-exceeded');
      story.when(reserve([['A', 2]], { customerId })).then(['reservation.held', 'A']);
    }
  });
});
