import { describe, expect, test } from 'vitest';
import { BUNDLE_DEPTH_MAX } from './limits.ts';
import { nextChange } from './resources.ts';
import { cancel, cart, confirm, edit, expire, fulfil, given, item, moveHold, place, planned, received, release, reserve, ship, unfulfil, wait, type Step, type Story } from './testing.ts';

const bundle = (sku: string, of: readonly (readonly [sku: string, quantity: number])[], more: object = {}): Step => item(sku, { components: of.map(([name, quantity]) => ({ sku: name, quantity })), ...more });
/** B takes two of A and one of C. */
const set = (a: number, c: number, ...more: Step[]): Story => given(item('A'), item('C'), bundle('B', [['A', 2], ['C', 1]]), received('A', a), received('C', c), ...more);

describe('a bundle', () => {
  test('has as many as its scarcest component suffices for, and nothing on hand itself', () => {
    const story = set(5, 9);
    expect(story.figures('B')).toMatchObject({ onHand: 0, reserved: 0, net: 2, available: 2, sellable: 2 });
    expect(story.availability('B')).toMatchObject({ sku: 'B', onHand: 0, available: 2, sellable: 2, locations: [{ location: 'main', onHand: 0, available: 2 }] });
    expect(set(5, 1).figures('B').available).toBe(1);
    expect(given(item('A', { safetyStock: 3 }), bundle('B', [['A', 2]]), received('A', 2)).figures('B')).toMatchObject({ net: -1, available: 0, sellable: 0 });
    expect(given(item('A', { backorderLimit: 5 }), item('D', { tracked: false }), bundle('B', [['A', 2], ['D', 1]])).figures('B')).toMatchObject({ available: 0, sellable: 2 });
    expect(given(item('D', { tracked: false }), bundle('B', [['D', 3]])).figures('B').sellable).toBeNull();
  });

  test('and loose lines of its components are one demand: exact fit, and one too many', () => {
    const story = set(5, 9).when(cart('c', [['B', 1], ['A', 3]])).then(['reservation.held', 'A', { quantity: 5 }], ['reservation.held', 'C', { quantity: 1 }]);
    expect(story.hold.lines).toMatchObject([
      { sku: 'B', quantity: 1, backordered: 0, components: [{ sku: 'A', quantity: 2, backordered: 0 }, { sku: 'C', quantity: 1 }], allocations: [{ sku: 'A', location: 'main', quantity: 2 }, { sku: 'C', location: 'main', quantity: 1 }] },
      { sku: 'A', quantity: 3 },
    ]);
    expect([story.figures('A').available, story.figures('B').available]).toEqual([0, 0]);
    set(5, 9).when(reserve([['B', 1], ['A', 4]])).thenRefused('insufficient-stock', { lines: [{ sku: 'A', requested: 6, available: 5 }] });
    set(5, 1).when(reserve([['B', 3]])).thenRefused('insufficient-stock', { lines: [{ sku: 'A', requested: 6, available: 5 }, { sku: 'C', requested: 3, available: 1 }] });
  });

  test('is held in whole bundles where a part will do', () => {
    const story = set(5, 9).when(reserve([['B', 4]], { partial: true }));
    expect(story.hold.lines).toMatchObject([{ sku: 'B', quantity: 2, requested: 4 }]);
    story.when(reserve([['B', 1]], { partial: true })).thenRefused('insufficient-stock');
  });

  test('takes its parts from where they are, or from one place', () => {
    const story = set(2, 0, place('L', { rank: 1 }), received('A', 2, 'L'), received('C', 3, 'L'));
    expect(story.availability('B', { location: 'L' })).toMatchObject({ location: 'L', available: 1, sellable: 1 });
    story.when(reserve([['B', 1, 'L']])).then(['reservation.held', 'A', { allocations: [{ location: 'L', quantity: 2 }] }], ['reservation.held', 'C', { allocations: [{ location: 'L' }] }]);
    story.when(reserve([['B', 1, 'L']])).thenRefused('insufficient-stock').when(reserve([['B', 1]])).then(['reservation.held', 'A'], ['reservation.held', 'C']);
  });

  test('is given back, confirmed, shipped, brought back and cancelled in bundles', () => {
    const story = set(10, 10).when(reserve([['B', 4]]));
    const { id } = story.hold;
    story.when(release(id, [['B', 1]])).then(['reservation.released', 'A', { quantity: 2 }], ['reservation.released', 'C', { quantity: 1 }]);
    story.when(release(id, [['A', 1]])).thenRefused('exceeds-reserved');
    story.when(confirm(id, { orderId: 'o', lines: [['B', 2]] }));
    expect(story.figures('A')).toMatchObject({ allocated: 4, reserved: 0 });
    story.when(fulfil('o', [['B', 3]])).thenRefused('exceeds-allocated').when(fulfil('o', [['B', 1]])).then(['allocation.fulfilled', 'A', { quantity: 2, onHand: 8 }], ['allocation.fulfilled', 'C', { quantity: 1, onHand: 9 }]);
    expect(story.order('o')).toMatchObject({ lines: [{ sku: 'B', quantity: 1, fulfilled: 1, allocations: [{ sku: 'A', quantity: 2 }, { sku: 'C', quantity: 1 }] }] });
    story.when(unfulfil('o', [['B', 1]])).then(['allocation.restored', 'A', { quantity: 2 }], ['allocation.restored', 'C', { quantity: 1 }]);
    story.when(cancel('o', [['B', 1]])).when(cancel('o')).then(['allocation.cancelled', 'A', { quantity: 2 }], ['allocation.cancelled', 'C', { quantity: 1 }]);
    expect(story.order('o')).toMatchObject({ status: 'cancelled', lines: [{ sku: 'B', quantity: 0, cancelled: 2 }] });
    expect([story.figures('A').available, story.figures('C').available]).toEqual([10, 10]);
  });

  test('leaves at once in whole bundles, or not at all', () => {
    const story = set(4, 4).when(reserve([['B', 2]]));
    story.when(confirm(story.hold.id, { orderId: 'o', fulfil: true })).then(['reservation.confirmed', 'A'], ['reservation.confirmed', 'C'], ['allocation.fulfilled', 'A', { quantity: 4 }], ['allocation.fulfilled', 'C', { quantity: 2 }]);
    const short = set(4, 4).when(reserve([['B', 2]]));
    short.when(confirm(short.hold.id, { orderId: 'o' })).when(received('C', -3)).when(fulfil('o', [['B', 2]])).thenRefused('insufficient-on-hand', { lines: [{ sku: 'B', requested: 2, available: 1 }] });
  });

  test('waits for what it lacks, part by part', () => {
    const story = given(item('A', { backorderLimit: 9 }), item('C'), bundle('B', [['A', 2], ['C', 1]]), received('A', 1), received('C', 5)).when(reserve([['B', 2]]));
    const { id, lines } = story.hold;
    expect(lines).toMatchObject([{ backordered: 2, components: [{ sku: 'A', backordered: 3 }, { sku: 'C', backordered: 0 }] }]);
    story.when(received('A', 1)).then(['stock.adjusted', 'A'], ['reservation.changed', 'A', { reservationId: id, quantity: 4, backordered: 2 }]);
    expect(story.reservation(id)?.lines).toMatchObject([{ backordered: 1 }]);
    story.when(confirm(id, { orderId: 'o' })).when(received('A', 2)).then(['stock.adjusted', 'A'], ['allocation.placed', 'A', { orderId: 'o', quantity: 2 }]);
    story.when(fulfil('o', [['B', 2]])).then(['allocation.fulfilled', 'A'], ['allocation.fulfilled', 'C']);
  });

  test('of an order lacks parts for as many as its holds together cannot make up', () => {
    const waits = { backorderLimit: 9 };
    const story = given(item('A', waits), item('C', waits), bundle('B', [['A', 2], ['C', 1]]), place('L', { rank: 200 }), received('C', 1, 'L')).when(reserve([['B', 1, 'L']]));
    const lacksA = story.hold;
    story.when(received('A', 2)).when(reserve([['B', 1]]));
    const lacksC = story.hold;
    expect([lacksA, lacksC].map(({ lines }) => lines[0]?.backordered)).toEqual([1, 1]);
    story.when(confirm(lacksA.id, { orderId: 'o' })).when(confirm(lacksC.id, { orderId: 'o' }));
    expect(story.order('o')).toMatchObject({ lines: [{ sku: 'B', quantity: 2, backordered: 1 }] });
  });

  test('is free again at the instant its hold runs out, with its tag', () => {
    const story = set(2, 1).when(reserve([['B', 1]], { ttlSeconds: 60 }));
    const { id } = story.hold;
    const tag = story.etag('B');
    story.when(wait(59_999));
    expect([story.figures('B').available, story.etag('B')]).toEqual([0, tag]);
    story.when(wait(1));
    expect(story.figures('B').available).toBe(1);
    expect(story.etag('B')).not.toBe(tag);
    story.when(expire(id)).then(['reservation.expired', 'A'], ['reservation.expired', 'C']);
    expect(nextChange(story.item('B'), story.clock.now())).toBeUndefined();
  });

  test('grows within its own hold, beside loose units of the same cart', () => {
    const story = set(6, 6, cart('c', [['B', 2]]));
    story.when(cart('c', [['B', 3]])).then(['reservation.changed', 'A', { quantity: 6 }], ['reservation.changed', 'C', { quantity: 3 }]);
    story.when(cart('c', [['A', 6]])).then(['reservation.released', 'C'], ['reservation.changed', 'A', { quantity: 6 }]);
    story.when(cart('c', [['B', 4]])).thenRefused('insufficient-stock');
  });

  test('counts against what a customer may have of its components, and has its own bound for a reservation', () => {
    const story = given(item('A', { maxPerCustomer: 4 }), bundle('B', [['A', 2]], { maxPerReservation: 2 }), received('A', 20));
    story.when(reserve([['B', 3]])).thenRefused('limit-exceeded', { lines: [{ sku: 'B', requested: 3, limit: 2 }] });
    story.when(reserve([['B', 2]], { customerId: 'x' })).then(['reservation.held', 'A']);
    const { id } = story.hold;
    story.when(reserve([['A', 1]], { customerId: 'x' })).thenRefused('limit-exceeded', { lines: [{ sku: 'A', requested: 1, limit: 4 }] });
    story.when(confirm(id, { orderId: 'o' })).when(cancel('o', [['B', 1]])).when(reserve([['B', 1]], { customerId: 'x' })).then(['reservation.held', 'A']);
  });
});

describe('what bundles are made of', () => {
  test('may be bundles, and the same item over and over', () => {
    const story = given(item('A'), bundle('B', [['A', 2]]), bundle('D', [['B', 3], ['A', 1]]), received('A', 15));
    expect(story.figures('D').available).toBe(2);
    story.when(reserve([['D', 2]])).then(['reservation.held', 'A', { quantity: 14 }]);
  });

  test('never closes a circle, and goes only so deep', () => {
    const story = given(item('A'), item('X'), bundle('B', [['A', 1]]));
    story.when(bundle('B', [['B', 1]])).thenRefused('invalid-request', { errors: [{ pointer: '/components/0/sku' }] });
    story.when(bundle('A', [['X', 1], ['B', 1]])).thenRefused('invalid-request', { errors: [{ pointer: '/components/1/sku' }] });
    story.when(bundle('N', [['none', 1]])).thenRefused('unknown-item', { errors: [{ pointer: '/components/0/sku' }] });
    for (let depth = 1; depth < BUNDLE_DEPTH_MAX; depth++) expect(story.when(bundle(`${depth}`, [[depth === 1 ? 'A' : `${depth - 1}`, 1]])).code).toBe('ok');
    story.when(bundle('deep', [[`${BUNDLE_DEPTH_MAX - 1}`, 1]])).then();
    story.when(bundle('deeper', [['deep', 1]])).thenRefused('invalid-request');
  });

  test('cannot go while a bundle takes it, and is told by its bundle', () => {
    const story = given(item('A'), item('C'), bundle('B', [['A', 2], ['C', 1]]));
    story.when({ type: 'RemoveItem', sku: 'A' }).thenRefused('in-use', { blockers: [{ kind: 'bundle', id: 'B', quantity: 2 }] });
    story.when(bundle('B', [['C', 1]])).when({ type: 'RemoveItem', sku: 'A' }).thenNothing();
    story.when({ type: 'RemoveItem', sku: 'B' }).thenNothing().when({ type: 'RemoveItem', sku: 'C' }).thenNothing();
  });

  test('has the stock: a bundle has none, cannot be adjusted, and an item with stock becomes none', () => {
    const story = set(5, 5);
    story.when(received('B', 1)).thenRefused('invalid-request');
    story.when(bundle('A', [['C', 1]])).thenRefused('in-use', { blockers: [{ kind: 'stock', location: 'main', quantity: 5 }] });
    story.when(bundle('B', [['A', 1]], { maxPerCustomer: 1 })).thenRefused('invalid-request', { errors: [{ pointer: '/maxPerCustomer' }] });
  });

  test('that goes leaves nothing said of its thresholds', () => {
    const story = given(item('A'), bundle('B', [['A', 1]]), received('A', 3)).when({ type: 'RemoveItem', sku: 'B' }).when(item('B'));
    expect(story.item('B')).toMatchObject({ stocked: false, exceeded: [] });
  });

  test('with an empty list of components is an item like any other', () => {
    const story = given(item('A', { components: [] }), place('L'), received('A', 2)).when(planned('main', 'L', [['A', 2]]));
    story.when(ship(story.id)).then(['stock.adjusted', 'A'], ['stock.adjusted', 'A']);
  });

  test('that was sold by itself cannot come back once it has become a bundle', () => {
    const story = given(item('A'), item('B'), received('B', 1)).when(reserve([['B', 1]]));
    story.when(confirm(story.hold.id, { orderId: 'o', fulfil: true })).when(bundle('B', [['A', 1]])).when(unfulfil('o', [['B', 1]])).thenRefused('invalid-request');
    expect(story.figures('B')).toMatchObject({ onHand: 0, allocated: 0 });
  });

  test('may change: a hold that becomes another customer\'s or channel\'s is looked at as it was made', () => {
    const story = given(item('A', { maxPerCustomer: 1, channelBuffers: { web: 8 } }), item('C'), bundle('B', [['A', 2]]), received('A', 9)).when(reserve([['B', 1]]));
    const { id } = story.hold;
    story.when(bundle('B', [['C', 1]]));
    story.when(edit(id, { customerId: 'x' })).thenRefused('limit-exceeded', { lines: [{ sku: 'A', requested: 2, limit: 1 }] });
    story.when(edit(id, { channel: 'web' })).thenRefused('insufficient-stock', { lines: [{ sku: 'A', requested: 2, available: 1 }] });
    story.when(edit(id, { channel: 'till' })).then(['reservation.changed', 'A', { quantity: 2, channel: 'till' }]);
  });

  test('may change: a hold that moves takes what it was made of along', () => {
    const story = given(item('A'), item('C'), place('L'), bundle('B', [['A', 2], ['C', 1]]), received('A', 2), received('C', 1), received('A', 2, 'L'), received('C', 1, 'L')).when(reserve([['B', 1, 'main']]));
    const { id } = story.hold;
    story.when(bundle('B', [['C', 1]])).when(moveHold(id, { location: 'L' }));
    expect(story.hold.lines).toMatchObject([{ sku: 'B', quantity: 1, components: [{ sku: 'A', quantity: 2 }, { sku: 'C', quantity: 1 }], allocations: [{ sku: 'A', location: 'L', quantity: 2 }, { sku: 'C', location: 'L', quantity: 1 }] }]);
  });

  test('may change: what was promised before stays as it was made', () => {
    const story = set(9, 9).when(reserve([['B', 1]]));
    const { id } = story.hold;
    story.when(bundle('B', [['C', 2]])).when(confirm(id, { orderId: 'o' })).when(fulfil('o', [['B', 1]])).then(['allocation.fulfilled', 'A', { quantity: 2 }], ['allocation.fulfilled', 'C', { quantity: 1 }]);
    story.when(reserve([['B', 1]])).then(['reservation.held', 'C', { quantity: 2 }]);
    story.when(confirm(story.hold.id, { orderId: 'o' })).thenRefused('in-use');
  });
});
