import { describe, expect, test } from 'vitest';
import { nextChange } from './resources.ts';
import { cart, confirm, counted, extend, given, item, place, received, release, reserve, wait } from './testing.ts';

describe('figures', () => {
  test('available is what nobody was promised, less safety stock', () => {
    expect(given(item('A', { safetyStock: 2 }), received('A', 3)).figures('A')).toMatchObject({ onHand: 3, net: 1, available: 1, sellable: 1 });
    expect(given(item('A', { safetyStock: 5 }), received('A', 3)).figures('A')).toMatchObject({ net: -2, available: 0, sellable: 0 });
  });

  test('the backorder limit is sold down to, in one hold or many, and not one unit further', () => {
    const story = given(item('A', { backorderLimit: 5 }), received('A', 3));
    expect(story.figures('A')).toMatchObject({ available: 3, sellable: 8 });
    story.when(reserve([['A', 9]])).thenRefused('insufficient-stock', { lines: [{ requested: 9, available: 8 }] });
    story.when(reserve([['A', 7]])).then(['reservation.held', 'A', { quantity: 7, backordered: 4, allocations: [{ location: 'main', quantity: 3 }] }]);
    story.when(reserve([['A', 1]])).then(['reservation.held', 'A', { backordered: 1, allocations: [] }]);
    expect(story.figures('A')).toMatchObject({ reserved: 3, backordered: 5, net: -5, available: 0, sellable: 0 });
    story.when(reserve([['A', 1]])).thenRefused('insufficient-stock');
    story.when(wait(900_000));
    expect(story.figures('A')).toMatchObject({ reserved: 0, backordered: 0, available: 3, sellable: 8 });
  });

  test('safety stock and backorder limit together', () => {
    const story = given(item('A', { safetyStock: 2, backorderLimit: 5 }), received('A', 3));
    expect(story.figures('A')).toMatchObject({ available: 1, sellable: 6 });
    expect(story.when(reserve([['A', 6]])).figures('A')).toMatchObject({ net: -5, sellable: 0 });
  });

  test('no limit, or nobody counting, means that nothing limits what is sold', () => {
    for (const definition of [{ backorderLimit: null }, { tracked: false }]) {
      const story = given(item('A', definition), received('A', 3)).when(reserve([['A', 1000]]));
      expect(story.figures('A')).toMatchObject({ sellable: null, available: 0, reserved: 3, backordered: 997 });
    }
  });

  test('a channel\'s buffer is withheld from that channel alone, once per item', () => {
    const story = given(item('A', { channelBuffers: { web: 2 } }), place('L'), received('A', 2), received('A', 1, 'L'));
    expect([story.figures('A', { channel: 'web' }).sellable, story.figures('A', { channel: 'till' }).sellable, story.figures('A').sellable]).toEqual([1, 3, 3]);
    story.when(reserve([['A', 2]], { channel: 'web' })).thenRefused('insufficient-stock', { lines: [{ available: 1 }] });
    story.when(reserve([['A', 1]], { channel: 'web' })).when(reserve([['A', 2]], { channel: 'till' })).then(['reservation.held', 'A']);
  });

  test('a short place does not mask another one', () => {
    const story = given(item('A'), place('L1', { rank: 1 }), place('L2', { rank: 2 }), received('A', 10, 'L1'), received('A', 6, 'L2'), reserve([['A', 10]]), counted('A', 6, 'L1'));
    expect(story.figures('A')).toMatchObject({ onHand: 12, reserved: 10, physical: 6, available: 6 });
    story.when(reserve([['A', 6]])).then(['reservation.held', 'A', { allocations: [{ location: 'L2', quantity: 6 }] }]);
  });

  test('units at no place are net of a short place too', () => {
    const story = given(item('A', { backorderLimit: 4 }), received('A', 2), reserve([['A', 4]]), counted('A', 0));
    expect(story.figures('A')).toMatchObject({ physical: 0, backordered: 2, net: -2, sellable: 2 });
  });
});

describe('the answer', () => {
  test('says all figures, by place too', () => {
    const story = given(item('A', { safetyStock: 1, backorderLimit: 2 }), place('L', { rank: 1 }), received('A', 4), received('A', 3, 'L')).when(reserve([['A', 2]]));
    story.when(confirm(story.hold.id)).when(reserve([['A', 2]]));
    expect(story.availability('A')).toEqual({
      sku: 'A', onHand: 7, allocated: 2, reserved: 2, backordered: 0, safetyStock: 1, net: 2, available: 2, sellable: 4,
      buckets: { damaged: 0, qualityControl: 0, inTransit: 0 },
      locations: [
        { location: 'main', onHand: 4, allocated: 0, reserved: 1, available: 3 },
        { location: 'L', onHand: 3, allocated: 2, reserved: 1, available: 0 },
      ],
      version: story.item('A').version,
      asOf: new Date(story.clock.now()).toISOString(),
    });
  });

  test('for one place says that place\'s figures', () => {
    const story = given(item('A'), place('L'), received('A', 4), received('A', 3, 'L'), reserve([['A', 1, 'L']]), counted('A', 2));
    expect(story.availability('A', { location: 'L' })).toMatchObject({ onHand: 3, reserved: 1, available: 2 });
    expect(story.availability('A', { location: 'main' })).toMatchObject({ onHand: 2, reserved: 0, available: 2 });
    story.when(reserve([['A', 2, 'main']])).when(counted('A', 1));
    expect(story.availability('A', { location: 'main' })).toMatchObject({ onHand: 1, reserved: 2, available: 0 });
  });

  test('for a cart leaves its own holds out', () => {
    const story = given(item('A'), received('A', 10), reserve([['A', 1]])).when(cart('c', [['A', 4]]));
    const own = [{ quantity: 4, backordered: 0, allocations: [{ location: 'main', quantity: 4 }], expiresAt: Date.parse(story.hold.expiresAt ?? '') }];
    expect(story.availability('A', { own })).toMatchObject({ reserved: 1, available: 9, locations: [{ reserved: 1, available: 9 }] });
  });
});

describe('the entity tag', () => {
  test('changes with every fact, with the places, and at the instant a hold runs out', () => {
    const story = given(item('A'), received('A', 5));
    const tags = [story.etag('A')];
    const note = (): unknown => tags.push(story.etag('A'));
    story.when(reserve([['A', 1]], { ttlSeconds: 10 })).when(reserve([['A', 1]], { ttlSeconds: 20 }));
    note();
    note();
    story.when(wait(9_999));
    note();
    expect(new Set(tags).size).toBe(2);
    story.when(wait(1));
    note();
    story.when(wait(10_000));
    note();
    story.when(place('L'));
    note();
    story.when(place('main', { rank: 7 }));
    note();
    story.when(received('A', 1));
    note();
    expect(new Set(tags).size).toBe(7);
  });

  test('a place redefined and another removed do not cancel out', () => {
    const story = given(item('A'), received('A', 5), place('L'));
    const before = story.etag('A');
    story.when(place('L', { active: false, closing: true })).when({ type: 'RemoveLocation', id: 'L' });
    for (const rank of [1, 2, 3, 4]) {
      story.when(place('main', { rank, active: false }));
      expect(story.etag('A')).not.toBe(before);
    }
  });

  test('holds until the next hold runs out', () => {
    const story = given(item('A'), received('A', 5));
    expect(nextChange(story.item('A'), story.clock.now())).toBeUndefined();
    story.when(reserve([['A', 1]], { ttlSeconds: 20 }));
    const { id } = story.hold;
    story.when(reserve([['A', 1]], { ttlSeconds: 10 })).when(wait(4_000));
    expect(nextChange(story.item('A'), story.clock.now())).toBe(6_000);
    story.when(wait(6_000));
    expect(nextChange(story.item('A'), story.clock.now())).toBe(10_000);
    story.when(extend(id, 100));
    expect(nextChange(story.item('A'), story.clock.now())).toBe(100_000);
    story.when(release(id));
    expect(nextChange(story.item('A'), story.clock.now())).toBeUndefined();
  });
});
