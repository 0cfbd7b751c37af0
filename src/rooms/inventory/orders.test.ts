import { describe, expect, test } from 'vitest';
import { cancel, cart, confirm, counted, extend, fulfil, given, item, place, received, release, reserve, unfulfil, wait, type Lines, type Step, type Story } from './testing.ts';

/** A story in which everything of a hold was confirmed onto an order `o`. */
function ordered(of: Lines, ...before: Step[]): Story {
  const story = given(...before).when(reserve(of));
  return story.when(confirm(story.hold.id, { orderId: 'o' }));
}

const line = (story: Story, sku = 'A'): unknown => (story.order('o')?.['lines'] as { sku: string }[] | undefined)?.find((one) => one.sku === sku);

describe('confirm', () => {
  test('turns a hold into an allocation that time does not end', () => {
    const story = given(item('A'), received('A', 10)).when(reserve([['A', 4]]));
    const { id } = story.hold;
    story.when(confirm(id)).then(['reservation.confirmed', 'A', { reservationId: id, quantity: 4 }]);
    expect(story.hold).toMatchObject({ status: 'confirmed', orderId: expect.stringMatching(/^ord_/) as string });
    story.when(wait(86_400_000));
    expect(story.figures('A')).toMatchObject({ onHand: 10, allocated: 4, reserved: 0, available: 6 });
    for (const command of [confirm(id), release(id), extend(id, 60)]) story.when(command).thenRefused('reservation-confirmed');
    story.when(confirm('res_unknown')).thenRefused('unknown-reservation');
  });

  test('a part of it frees the rest at once, and what is at no place is left over first', () => {
    const story = given(item('A', { backorderLimit: 5 }), received('A', 8)).when(reserve([['A', 10]]));
    story.when(confirm(story.hold.id, { orderId: 'o', lines: [['A', 7]] }));
    story.then(['reservation.released', 'A', { quantity: 3, backordered: 2 }], ['reservation.confirmed', 'A', { quantity: 7, backordered: 0 }]);
    expect(story.figures('A')).toMatchObject({ allocated: 7, reserved: 0, backordered: 0, available: 1 });
    expect(line(story)).toMatchObject({ quantity: 7, allocations: [{ location: 'main', quantity: 7 }] });
  });

  test('a part of several items', () => {
    const story = given(item('A'), item('B'), received('A', 5), received('B', 5)).when(reserve([['A', 2], ['B', 2], ['A', 1]]));
    story.when(confirm(story.hold.id, { orderId: 'o', lines: [['A', 2]] }));
    story.then(['reservation.released', 'B', { quantity: 2 }], ['reservation.released', 'A', { quantity: 1 }], ['reservation.confirmed', 'A', { quantity: 2 }]);
    expect([story.figures('A').allocated, story.figures('B').allocated, story.figures('B').reserved]).toEqual([2, 0, 0]);
  });

  test('more than is held is refused, and nothing happens', () => {
    const story = given(item('A'), received('A', 10)).when(reserve([['A', 4]]));
    story.when(confirm(story.hold.id, { lines: [['A', 3], ['A', 2]] })).thenRefused('exceeds-reserved', { lines: [{ sku: 'A', requested: 5, available: 4 }] });
    expect(story.figures('A')).toMatchObject({ reserved: 4, allocated: 0 });
  });

  test('onto an order that is there adds to it', () => {
    const story = ordered([['A', 2]], item('A'), item('B'), received('A', 10), received('B', 10)).when(reserve([['A', 3], ['B', 1]]));
    story.when(confirm(story.hold.id, { orderId: 'o' }));
    expect(line(story)).toMatchObject({ quantity: 5, allocations: [{ location: 'main', quantity: 5 }] });
    expect([line(story, 'B'), story.order('o')?.['version']]).toMatchObject([{ quantity: 1 }, 2]);
  });

  test('with fulfil the goods leave at once, from every place they were held at', () => {
    const story = given(item('A'), place('L', { rank: 200 }), received('A', 2), received('A', 2, 'L')).when(reserve([['A', 3]]));
    story.when(confirm(story.hold.id, { orderId: 'o', fulfil: true }));
    story.then(['reservation.confirmed', 'A'], ['allocation.fulfilled', 'A', { location: 'main', quantity: 2, onHand: 0 }], ['allocation.fulfilled', 'A', { location: 'L', quantity: 1, onHand: 1 }]);
    expect(story.figures('A')).toMatchObject({ onHand: 1, allocated: 0, reserved: 0, available: 1 });
    expect([line(story), story.order('o')?.['status']]).toMatchObject([{ quantity: 0, fulfilled: 3 }, 'fulfilled']);
  });

  test('with fulfil what is at no place stays outstanding', () => {
    const story = given(item('A', { backorderLimit: 5 }), received('A', 2)).when(reserve([['A', 3]]));
    story.when(confirm(story.hold.id, { orderId: 'o', fulfil: true }));
    expect([line(story), story.order('o')?.['status']]).toMatchObject([{ quantity: 1, backordered: 1, fulfilled: 2 }, 'partially-fulfilled']);
  });

  test('with fulfil an item that nobody counts leaves altogether', () => {
    const story = given(item('A', { tracked: false }), received('A', 1)).when(reserve([['A', 3]]));
    story.when(confirm(story.hold.id, { orderId: 'o', fulfil: true }));
    expect([line(story), story.figures('A').onHand, story.figures('A').backordered]).toMatchObject([{ quantity: 0, fulfilled: 3 }, 0, 0]);
  });

  test('with fulfil it is refused where the goods are missing by now, and the hold stays', () => {
    const story = given(item('A'), received('A', 3)).when(reserve([['A', 3]]));
    const { id } = story.hold;
    story.when(counted('A', 2)).when(confirm(id, { fulfil: true })).thenRefused('insufficient-on-hand', { lines: [{ sku: 'A', requested: 3, available: 2 }] });
    expect(story.reservation(id)?.status).toBe('held');
    story.when(confirm(id)).then(['reservation.confirmed', 'A']);
  });

  test('of a hold whose cart was changed confirms what it holds now', () => {
    const story = given(item('A'), item('B'), received('A', 5), received('B', 5), cart('c', [['A', 1]])).when(cart('c', [['B', 2]]));
    story.when(confirm(story.hold.id)).then(['reservation.confirmed', 'B', { quantity: 2 }]);
  });
});

describe('fulfil', () => {
  const TWO_PLACES = [item('A'), place('L', { rank: 200 }), received('A', 3), received('A', 3, 'L')];

  test('uses the order\'s own units where they are', () => {
    const story = ordered([['A', 4]], ...TWO_PLACES).when(fulfil('o', [['A', 4]]));
    story.then(['allocation.fulfilled', 'A', { location: 'main', quantity: 3, freed: [{ location: 'main', quantity: 3 }] }], ['allocation.fulfilled', 'A', { location: 'L', quantity: 1, onHand: 2 }]);
    expect(story.figures('A')).toMatchObject({ onHand: 2, allocated: 0, available: 2 });
    expect(story.answer).toMatchObject({ status: 'fulfilled', lines: [{ sku: 'A', quantity: 0, fulfilled: 4, cancelled: 0 }] });
  });

  test('from another place takes free units there and gives up the promise elsewhere', () => {
    const story = ordered([['A', 2]], ...TWO_PLACES).when(fulfil('o', [['A', 2, 'L']]));
    story.then(['allocation.fulfilled', 'A', { location: 'L', quantity: 2, freed: [{ location: 'main', quantity: 2 }] }]);
    expect(story.availability('A')['locations']).toMatchObject([{ location: 'main', onHand: 3, allocated: 0 }, { location: 'L', onHand: 1, allocated: 0 }]);
  });

  test('never takes what is promised to others', () => {
    const story = ordered([['A', 3]], ...TWO_PLACES).when(reserve([['A', 2, 'L']]));
    story.when(fulfil('o', [['A', 2, 'L']])).thenRefused('insufficient-on-hand', { lines: [{ sku: 'A', location: 'L', requested: 2, available: 1 }] });
    story.when(fulfil('o', [['A', 1, 'L'], ['A', 2, 'main']])).then(['allocation.fulfilled', 'A'], ['allocation.fulfilled', 'A']);
    expect(story.availability('A')['locations']).toMatchObject([{ onHand: 1, allocated: 0 }, { onHand: 2, reserved: 2 }]);
  });

  test('two lines of one request do not take the same free unit', () => {
    const story = ordered([['A', 3]], ...TWO_PLACES).when(fulfil('o', [['A', 2, 'L'], ['A', 1, 'L']]));
    story.then(['allocation.fulfilled', 'A', { onHand: 1 }], ['allocation.fulfilled', 'A', { onHand: 0 }]);
    const other = ordered([['A', 3]], item('A'), place('L', { rank: 200 }), received('A', 3), received('A', 1, 'L'));
    other.when(fulfil('o', [['A', 1, 'L'], ['A', 1, 'L']])).thenRefused('insufficient-on-hand', { lines: [{ requested: 1, available: 0 }] });
  });

  test('what was at no place is shipped once it has come in', () => {
    const story = ordered([['A', 5]], item('A', { backorderLimit: 5 }), received('A', 2));
    story.when(fulfil('o', [['A', 5]])).thenRefused('insufficient-on-hand', { lines: [{ requested: 5, available: 2 }] });
    story.when(received('A', 4)).when(fulfil('o', [['A', 5]]));
    expect(story.figures('A')).toMatchObject({ onHand: 1, allocated: 0, backordered: 0, available: 1 });
  });

  test('more than is outstanding is refused', () => {
    const story = ordered([['A', 2]], ...TWO_PLACES);
    story.when(fulfil('o', [['A', 2], ['A', 1], ['B', 1]])).thenRefused('exceeds-allocated', { lines: [{ sku: 'A', requested: 3, available: 2 }, { sku: 'B', requested: 1, available: 0 }] });
    story.when(fulfil('p', [['A', 1]])).thenRefused('unknown-order');
  });

  test('goods that a count has lost cannot be shipped, those that are there can', () => {
    const story = ordered([['A', 3]], item('A'), received('A', 3)).when(counted('A', 1));
    story.when(fulfil('o', [['A', 2]])).thenRefused('insufficient-on-hand', { lines: [{ requested: 2, available: 1 }] });
    story.when(fulfil('o', [['A', 1]])).then(['allocation.fulfilled', 'A', { onHand: 0 }]);
  });

  test('an item that nobody counts is shipped without having been there', () => {
    const story = ordered([['A', 5]], item('A', { tracked: false }), received('A', 1)).when(fulfil('o', [['A', 5]]));
    story.then(['allocation.fulfilled', 'A', { quantity: 1, onHand: 0 }], ['allocation.fulfilled', 'A', { quantity: 4, uncounted: 1 }]);
    expect(story.figures('A')).toMatchObject({ onHand: 0, allocated: 0, backordered: 0, sellable: null });
  });
});

describe('unfulfil', () => {
  test('brings goods and promise back, the newest shipment first', () => {
    const story = ordered([['A', 4]], item('A'), place('L', { rank: 200 }), received('A', 3), received('A', 3, 'L'));
    story.when(fulfil('o', [['A', 3, 'main'], ['A', 1, 'L']])).when(unfulfil('o', [['A', 2]]));
    story.then(['allocation.restored', 'A', { location: 'main', quantity: 1, onHand: 1 }], ['allocation.restored', 'A', { location: 'L', quantity: 1, onHand: 3 }]);
    expect(story.figures('A')).toMatchObject({ onHand: 4, allocated: 2, available: 2 });
    expect(story.answer).toMatchObject({ status: 'partially-fulfilled', lines: [{ quantity: 2, fulfilled: 2 }] });
  });

  test('from a place that is named, in several lines, as much as left from there', () => {
    const story = ordered([['A', 4]], item('A'), place('L', { rank: 200 }), received('A', 3), received('A', 3, 'L')).when(fulfil('o', [['A', 4]]));
    story.when(unfulfil('o', [['A', 2, 'L']])).thenRefused('exceeds-fulfilled');
    story.when(unfulfil('o', [['A', 1, 'main'], ['A', 2, 'main']])).then(['allocation.restored', 'A', { onHand: 1 }], ['allocation.restored', 'A', { onHand: 3 }]);
    story.when(unfulfil('o', [['A', 2]])).thenRefused('exceeds-fulfilled', { lines: [{ sku: 'A', requested: 2, available: 1 }] });
    story.when(unfulfil('p', [['A', 2]])).thenRefused('unknown-order');
  });

  test('what had never been on hand comes back as a promise alone', () => {
    const story = ordered([['A', 5]], item('A', { tracked: false }), received('A', 1)).when(fulfil('o', [['A', 5]])).when(unfulfil('o', [['A', 3]]));
    story.then(['allocation.restored', 'A', { location: 'main', quantity: 1, onHand: 1 }], ['allocation.restored', 'A', { quantity: 2, uncounted: 1 }]);
    expect(story.figures('A')).toMatchObject({ onHand: 1, allocated: 1, backordered: 2 });
    story.when(unfulfil('o', [['A', 3]])).thenRefused('exceeds-fulfilled').when(unfulfil('o', [['A', 2]]));
    expect(line(story)).toMatchObject({ quantity: 5, fulfilled: 0, backordered: 4 });
  });

  test('nothing comes back to an item or a place that was removed', () => {
    const story = ordered([['A', 1]], item('A'), place('L'), received('A', 1, 'L')).when(fulfil('o', [['A', 1]]));
    story.when(place('L', { active: false, closing: true })).when({ type: 'RemoveLocation', id: 'L' }).when(unfulfil('o', [['A', 1]])).thenRefused('unknown-location');
    story.when({ type: 'RemoveItem', sku: 'A' }).when(unfulfil('o', [['A', 1]])).thenRefused('unknown-item');
  });
});

describe('cancel', () => {
  test('all that is outstanding becomes free; what was shipped stays shipped', () => {
    const story = ordered([['A', 4]], item('A'), received('A', 5)).when(fulfil('o', [['A', 1]])).when(cancel('o'));
    story.then(['allocation.cancelled', 'A', { orderId: 'o', location: 'main', quantity: 3 }]);
    expect(story.figures('A')).toMatchObject({ onHand: 4, allocated: 0, available: 4 });
    expect(story.answer).toMatchObject({ status: 'fulfilled', lines: [{ quantity: 0, fulfilled: 1, cancelled: 3 }] });
    story.when(cancel('o')).thenNothing();
  });

  test('a part: what is at no place first, then the place chosen last', () => {
    const story = ordered([['A', 6]], item('A', { backorderLimit: 9 }), place('L', { rank: 200 }), received('A', 2), received('A', 2, 'L')).when(cancel('o', [['A', 3]]));
    story.then(['allocation.cancelled', 'A', { quantity: 3, backordered: 2, allocations: [{ location: 'L', quantity: 1 }] }]);
    expect(line(story)).toMatchObject({ quantity: 3, backordered: 0, cancelled: 3 });
    story.when(cancel('o', [['A', 4]])).thenRefused('exceeds-allocated', { lines: [{ sku: 'A', requested: 4, available: 3 }] });
    story.when(cancel('p')).thenRefused('unknown-order');
  });

  test('nothing shipped and nothing left is a cancelled order', () => {
    expect(ordered([['A', 4]], item('A'), received('A', 5)).when(cancel('o')).answer).toMatchObject({ status: 'cancelled' });
  });
});
