import { describe, expect, test } from 'vitest';
import { QUANTITY_MAX } from './limits.ts';
import { cancelTransfer, counted, expire, given, item, place, planned, receive, received, reserve, ship, wait, type Story } from './testing.ts';

const NORTH = place('north');
const SOUTH = place('south', { rank: 2 });
/** Ten of an item in the north, and a transfer of some of them to the south. */
const draft = (quantity = 4): Story => given(item('A'), NORTH, SOUTH, received('A', 10, 'north'), planned('north', 'south', [['A', quantity]]));
const shipped = (quantity = 4): Story => {
  const story = draft(quantity);
  return story.when(ship(story.id));
};
const entry = (location: string, bucket: string, change: number, reference: string): object => ({ location, bucket, change, reason: 'transfer', reference });

describe('a draft', () => {
  test('sets nothing aside', () => {
    const story = draft();
    expect(story.answer).toMatchObject({ status: 'draft', from: 'north', to: 'south', lines: [{ sku: 'A', quantity: 4, shipped: 0, received: 0 }], version: 1 });
    expect(story.figures('A')).toMatchObject({ onHand: 10, available: 10 });
    story.when(reserve([['A', 10]])).then(['reservation.held', 'A']);
  });

  test('has one line for an item that was named twice', () => {
    expect(given(item('A'), item('B'), NORTH, planned('main', 'north', [['A', 2], ['B', 1], ['A', 3]])).answer['lines']).toMatchObject([{ sku: 'A', quantity: 5 }, { sku: 'B', quantity: 1 }]);
  });

  test('is refused for what does not exist, for a bundle, and from a place to itself', () => {
    const story = given(item('A'), NORTH);
    story.when(planned('main', 'north', [['A', 1], ['no', 1]])).thenRefused('unknown-item', { errors: [{ pointer: '/lines/1/sku' }] });
    story.when(planned('no', 'never', [['A', 1]])).thenRefused('unknown-location', { errors: [{ pointer: '/from' }, { pointer: '/to' }] });
    story.when(planned('north', 'north', [['A', 1]])).thenRefused('invalid-request', { errors: [{ pointer: '/to' }] });
    story.when(planned('main', 'north', [['A', QUANTITY_MAX], ['A', 1]])).thenRefused('limit-exceeded', { lines: [{ sku: 'A', requested: QUANTITY_MAX + 1, limit: QUANTITY_MAX }] });
    story.when(planned('main', 'north', [['A', QUANTITY_MAX]]));
    expect(story.code).toBe('ok');
  });

  test('is cancelled without a word about its units', () => {
    const story = draft();
    story.when(cancelTransfer(story.id)).thenNothing();
    expect(story.answer).toMatchObject({ status: 'cancelled', version: 2 });
    story.when(ship(story.transfer.id)).thenRefused('transfer-cancelled');
  });
});

describe('shipping', () => {
  test('takes the units from the one place and counts them on their way to the other, where they sell nowhere', () => {
    const story = shipped();
    const { id } = story.transfer;
    story.then(['stock.adjusted', 'A', { ...entry('north', 'sellable', -4, id), onHand: 6 }], ['stock.adjusted', 'A', { ...entry('south', 'inTransit', 4, id), onHand: 0 }]);
    expect(story.answer).toMatchObject({ status: 'in-transit', lines: [{ shipped: 4, received: 0 }], version: 2 });
    expect(story.availability('A')).toMatchObject({ onHand: 6, available: 6, sellable: 6, buckets: { inTransit: 4 } });
    expect(story.availability('A', { location: 'south' })).toMatchObject({ onHand: 0, available: 0, buckets: { inTransit: 4 } });
    expect(story.availability('A', { location: 'north' })).toMatchObject({ onHand: 6, buckets: { inTransit: 0 } });
    story.when(reserve([['A', 7]])).thenRefused('insufficient-stock', { lines: [{ sku: 'A', requested: 7, available: 6 }] });
  });

  test('takes only what nobody was promised, all lines or none', () => {
    const story = given(item('A'), item('B'), NORTH, received('A', 5), received('B', 5), reserve([['A', 2], ['B', 5]], { ttlSeconds: 60 }), planned('main', 'north', [['A', 3], ['B', 1]]));
    const { id } = story;
    story.when(ship(id)).thenRefused('insufficient-stock', { lines: [{ sku: 'B', requested: 1, available: 0 }] });
    expect(story.figures('A')).toMatchObject({ onHand: 5 });
    story.when(wait(60_000)).when(ship(id)).then(['stock.adjusted', 'A'], ['stock.adjusted', 'A'], ['stock.adjusted', 'B'], ['stock.adjusted', 'B']);
    expect(story.figures('A')).toMatchObject({ onHand: 2, available: 2 });
  });

  test.each([
    [4, 'ok'],
    [5, 'insufficient-stock'],
  ])('of %i where four are free: %s', (quantity, code) => {
    const story = given(item('A'), NORTH, received('A', 6), reserve([['A', 2]]), planned('main', 'north', [['A', quantity]]));
    expect(story.when(ship(story.id)).code).toBe(code);
  });

  test('works from a place that sells nothing', () => {
    const story = given(item('A'), NORTH, place('old', { active: true }), received('A', 3, 'old'), place('old', { active: false }), planned('old', 'north', [['A', 3]]));
    story.when(ship(story.id));
    expect(story.availability('A', { location: 'old' })).toMatchObject({ onHand: 0 });
    expect(story.availability('A')).toMatchObject({ buckets: { inTransit: 3 } });
  });

  test('is refused twice, at another version than was read, and while a place is being closed', () => {
    const story = draft();
    const { id } = story.transfer;
    story.when({ type: 'ShipTransfer', id, ifVersion: 2 }).thenRefused('version-conflict', { version: 1 });
    story.when(place('south', { active: false, closing: true })).when(ship(id)).thenRefused('in-use');
    story.when(place('south')).when({ type: 'ShipTransfer', id, ifVersion: 1 });
    expect(story.code).toBe('ok');
    story.when(ship(id)).thenRefused('transfer-in-transit');
    story.when(ship('trf_none')).thenRefused('unknown-transfer');
  });
});

describe('receipts', () => {
  test('count all deliveries together, until everything is there', () => {
    const story = shipped();
    const { id } = story.transfer;
    story.when(receive(id, [['A', 1]])).then(['stock.adjusted', 'A', entry('south', 'inTransit', -1, id)], ['stock.adjusted', 'A', { ...entry('south', 'sellable', 1, id), onHand: 1 }]);
    expect(story.answer).toMatchObject({ status: 'partially-received', lines: [{ received: 1 }] });
    expect(story.availability('A')).toMatchObject({ onHand: 7, available: 7, buckets: { inTransit: 3 } });
    story.when(receive(id, [['A', 3]])).then(['stock.adjusted', 'A', { change: -2 }], ['stock.adjusted', 'A', { change: 2, onHand: 3 }]);
    story.when(receive(id, [['A', 4]]));
    expect(story.answer).toMatchObject({ status: 'received', lines: [{ received: 4 }] });
    expect(story.availability('A')).toMatchObject({ onHand: 10, available: 10, buckets: { inTransit: 0 } });
    story.when(receive(id, [['A', 4]])).thenRefused('transfer-received');
    story.when(cancelTransfer(id, 'restock')).thenRefused('transfer-received');
  });

  test('said again change nothing and write no fact', () => {
    const story = shipped();
    const { id } = story.transfer;
    const { version } = story.transfer;
    story.when(receive(id, [['A', 0]])).thenNothing();
    expect(story.answer).toMatchObject({ status: 'in-transit', version });
    story.when(receive(id, [['A', 2]])).when(receive(id, [['A', 2]])).thenNothing();
    expect(story.answer).toMatchObject({ status: 'partially-received', version: version + 1 });
  });

  test('are never less than before nor more than was shipped', () => {
    const story = shipped();
    const { id } = story.transfer;
    story.when(receive(id, [['A', 5]])).thenRefused('exceeds-shipped', { lines: [{ sku: 'A', received: 5, shipped: 4 }] });
    story.when(receive(id, [['A', 2]])).when(receive(id, [['A', 1]])).thenRefused('receipt-decreased', { lines: [{ sku: 'A', received: 1, before: 2 }] });
    story.when(receive(id, [['Z', 1]])).thenRefused('unknown-item', { errors: [{ pointer: '/lines/0/sku' }] });
    expect(story.availability('A')).toMatchObject({ onHand: 8, buckets: { inTransit: 2 } });
  });

  test('leave lines alone that they do not name', () => {
    const story = given(item('A'), item('B'), NORTH, received('A', 2), received('B', 2), planned('main', 'north', [['A', 2], ['B', 2]]));
    const { id } = story;
    story.when(ship(id)).when(receive(id, [['B', 2]]));
    expect(story.answer).toMatchObject({ status: 'partially-received', lines: [{ sku: 'A', received: 0 }, { sku: 'B', received: 2 }] });
    story.when(receive(id, [['A', 2]]));
    expect(story.answer).toMatchObject({ status: 'received' });
  });

  test('come only after shipping, and not where the place would have more than a place may', () => {
    const story = draft();
    const { id } = story.transfer;
    story.when(receive(id, [['A', 1]])).thenRefused('transfer-draft');
    story.when(ship(id)).when(counted('A', QUANTITY_MAX - 2, 'south')).when(receive(id, [['A', 3]])).thenRefused('limit-exceeded');
    story.when(receive(id, [['A', 2]]));
    expect(story.code).toBe('ok');
  });
});

describe('cancelling what is on its way', () => {
  test('asks what becomes of it', () => {
    const story = shipped();
    story.when(cancelTransfer(story.transfer.id)).thenRefused('invalid-request', { errors: [{ pointer: '/disposition' }] });
  });

  test('puts back what has not arrived', () => {
    const story = shipped();
    const { id } = story.transfer;
    story.when(receive(id, [['A', 1]])).when(cancelTransfer(id, 'restock'));
    story.then(['stock.adjusted', 'A', entry('south', 'inTransit', -3, id)], ['stock.adjusted', 'A', { ...entry('north', 'sellable', 3, id), onHand: 9 }]);
    expect(story.answer).toMatchObject({ status: 'cancelled', lines: [{ shipped: 4, received: 1, restocked: 3, writtenOff: 0 }] });
    expect(story.availability('A')).toMatchObject({ onHand: 10, buckets: { inTransit: 0 } });
    story.when(cancelTransfer(id, 'restock')).thenRefused('transfer-cancelled');
  });

  test('or writes it off, and says so in the books', () => {
    const story = shipped();
    const { id } = story.transfer;
    story.when(cancelTransfer(id, 'write-off')).then(['stock.adjusted', 'A', { location: 'south', bucket: 'inTransit', change: -4, reason: 'lost', reference: id }]);
    expect(story.answer).toMatchObject({ status: 'cancelled', lines: [{ restocked: 0, writtenOff: 4 }] });
    expect(story.availability('A')).toMatchObject({ onHand: 6, buckets: { inTransit: 0 } });
  });
});

describe('an item on its way', () => {
  test('is not removed', () => {
    const story = given(item('A'), NORTH, received('A', 2), planned('main', 'north', [['A', 2]]));
    const { id } = story;
    story.when(ship(id)).when({ type: 'RemoveItem', sku: 'A' }).thenRefused('in-use', { blockers: [{ kind: 'transfer', location: 'north', quantity: 2 }] });
    story.when(cancelTransfer(id, 'write-off')).when({ type: 'RemoveItem', sku: 'A' });
    expect(story.code).toBe('ok');
  });

  test('that was removed while it was only planned cannot be shipped', () => {
    const story = given(item('A'), NORTH, planned('main', 'north', [['A', 1]]));
    const { id } = story;
    story.when({ type: 'RemoveItem', sku: 'A' }).when(ship(id)).thenRefused('unknown-item');
  });

  test('counts no promise that was made of it: a hold keeps what it has', () => {
    const story = given(item('A'), NORTH, received('A', 5), reserve([['A', 3]], { ttlSeconds: 60 }), planned('main', 'north', [['A', 2]]));
    const hold = story.states.keys().find((key) => key.startsWith('r/'))?.slice(2) ?? '';
    const transfer = story.states.keys().find((key) => key.startsWith('t/'))?.slice(2) ?? '';
    story.when(ship(transfer));
    expect(story.figures('A')).toMatchObject({ onHand: 3, reserved: 3, available: 0 });
    story.when(wait(60_000)).when(expire(hold)).when(receive(transfer, [['A', 2]]));
    expect(story.figures('A')).toMatchObject({ onHand: 5, available: 5 });
  });
});
