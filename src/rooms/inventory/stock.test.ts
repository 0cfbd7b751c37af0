import { describe, expect, test } from 'vitest';
import { BLOCKERS_MAX, QUANTITY_MAX } from './limits.ts';
import { confirm, counted, fulfil, given, item, place, received, reserve, wait, type Step, type Story } from './testing.ts';

const change = (by: number, more: object = {}): Step => ({ type: 'AdjustStock', sku: 'A', location: 'main', bucket: 'sellable', change: by, reason: 'other', ...more });
const count = (units: number, more: object = {}): Step => ({ type: 'CountStock', sku: 'A', location: 'main', bucket: 'sellable', count: units, reason: 'counted', ...more });
const move = (units: number, from: string, to: string): Step => ({ type: 'MoveStock', sku: 'A', location: 'main', move: units, from, to, reason: 'damaged' }) as Step; // from and to are buckets in every call below
const buckets = (story: Story): unknown => [story.figures('A').onHand, story.availability('A')['buckets']];

describe('change', () => {
  test('adds to a bucket and says what is there now', () => {
    const story = given(item('A')).when(change(5, { reason: 'received', reference: 'PO 7', note: 'two boxes' }));
    story.then(['stock.adjusted', 'A', { location: 'main', bucket: 'sellable', change: 5, onHand: 5, reason: 'received', reference: 'PO 7', note: 'two boxes' }]);
    expect(story.answer).toEqual({ sku: 'A', location: 'main', bucket: 'sellable', change: 5, onHand: 5, version: story.item('A').version });
    story.when(change(2, { bucket: 'damaged' })).then(['stock.adjusted', 'A', { bucket: 'damaged', change: 2, onHand: 5 }]);
    expect([buckets(story), story.figures('A').available]).toEqual([[5, { damaged: 2, qualityControl: 0, inTransit: 0 }], 5]);
  });

  test('no bucket falls below zero: down to it, and not one below', () => {
    const story = given(item('A'), received('A', 5));
    story.when(change(-6)).thenRefused('negative-stock', { quantity: 5, change: -6 });
    story.when(change(-1, { bucket: 'qualityControl' })).thenRefused('negative-stock');
    expect(story.when(change(-5)).figures('A').onHand).toBe(0);
  });

  test('no bucket grows beyond its bound: one below, on it, one above', () => {
    const story = given(item('A'), received('A', QUANTITY_MAX - 1), change(1));
    story.when(change(1)).thenRefused('limit-exceeded');
    story.when(change(QUANTITY_MAX, { bucket: 'damaged' })).when(move(1, 'sellable', 'damaged')).thenRefused('limit-exceeded');
    expect(story.figures('A').onHand).toBe(QUANTITY_MAX);
  });

  test('an unknown item or place is refused', () => {
    given(item('A')).when(change(1, { sku: 'B' })).thenRefused('unknown-item').when(change(1, { location: 'L' })).thenRefused('unknown-location');
  });

  test('is refused on another picture of the item than its asker had', () => {
    const story = given(item('A'), received('A', 5));
    const ifEtag = story.etag('A');
    story.when(change(1, { ifEtag })).then(['stock.adjusted', 'A']).when(change(1, { ifEtag })).thenRefused('version-conflict');
    const held = story.when(reserve([['A', 1]])).etag('A');
    story.when(wait(900_000)).when(change(1, { ifEtag: held })).thenRefused('version-conflict');
  });

  test('that breaks promises is accepted, and says by how much', () => {
    const story = given(item('A'), received('A', 10), reserve([['A', 2]])).when(reserve([['A', 6]]));
    story.when(confirm(story.hold.id)).when(change(-2)).then(['stock.adjusted', 'A', { onHand: 8 }]);
    story.when(change(-1)).then(['stock.adjusted', 'A', { onHand: 7 }], ['shortfall.detected', 'A', { location: 'main', shortfall: 1, onHand: 7, promised: 8 }]);
  });
});

describe('count', () => {
  test('is the truth: it breaks promises, says by how much, and no hold is lost', () => {
    const story = given(item('A'), received('A', 10), reserve([['A', 9]])).when(counted('A', 7));
    story.then(['stock.adjusted', 'A', { change: -3, onHand: 7, reason: 'counted' }], ['shortfall.detected', 'A', { location: 'main', shortfall: 2, onHand: 7, promised: 9 }]);
    expect(story.figures('A')).toMatchObject({ onHand: 7, reserved: 9, net: 0, available: 0 });
  });

  test('of more than was known that is still less than was promised says by how much', () => {
    const story = given(item('A'), received('A', 10), reserve([['A', 9]]), counted('A', 5));
    story.when(counted('A', 7)).then(['stock.adjusted', 'A', { change: 2 }], ['shortfall.detected', 'A', { shortfall: 2, onHand: 7, promised: 9 }]);
    story.when(counted('A', 9)).then(['stock.adjusted', 'A', { change: 2 }]);
  });

  test('a hold that has run out is no promise any more', () => {
    given(item('A'), received('A', 10), reserve([['A', 9]]), wait(900_000)).when(counted('A', 7)).then(['stock.adjusted', 'A']);
  });

  test('that finds what is known writes nothing', () => {
    const story = given(item('A'), received('A', 10));
    const { version } = story.item('A');
    story.when(counted('A', 10)).thenNothing();
    expect(story.answer).toMatchObject({ change: 0, onHand: 10, version });
    story.when(count(0, { bucket: 'damaged' })).thenNothing();
  });

  test('that expected something else is refused', () => {
    const story = given(item('A'), received('A', 10));
    story.when(count(4, { expected: 9 })).thenRefused('unexpected-count', { expected: 9, actual: 10 });
    story.when(count(4, { expected: 10 })).then(['stock.adjusted', 'A', { change: -6 }]);
  });

  test('goes up to the bound and not one further', () => {
    given(item('A')).when(count(QUANTITY_MAX + 1)).thenRefused('limit-exceeded').when(count(QUANTITY_MAX)).then(['stock.adjusted', 'A']);
  });
});

describe('move', () => {
  test('takes from one bucket what it gives to the other, in two facts', () => {
    const story = given(item('A'), received('A', 10)).when(move(3, 'sellable', 'damaged'));
    story.then(['stock.adjusted', 'A', { bucket: 'sellable', change: -3, onHand: 7 }], ['stock.adjusted', 'A', { bucket: 'damaged', change: 3, onHand: 7 }]);
    expect([buckets(story), story.answer]).toMatchObject([[7, { damaged: 3 }], { bucket: 'damaged', change: 3, onHand: 7, version: story.item('A').version }]);
    story.when(move(2, 'damaged', 'sellable')).then(['stock.adjusted', 'A', { bucket: 'damaged', change: -2, onHand: 7 }], ['stock.adjusted', 'A', { bucket: 'sellable', change: 2, onHand: 9 }]);
    story.when(move(1, 'damaged', 'qualityControl'));
    expect(buckets(story)).toEqual([9, { damaged: 0, qualityControl: 1, inTransit: 0 }]);
  });

  test('of more than is there is refused, of promised units accepted with a shortfall', () => {
    const story = given(item('A'), received('A', 10), reserve([['A', 9]]));
    story.when(move(11, 'sellable', 'damaged')).thenRefused('negative-stock');
    story.when(move(3, 'sellable', 'damaged')).then(['stock.adjusted', 'A'], ['stock.adjusted', 'A'], ['shortfall.detected', 'A', { shortfall: 2 }]);
  });
});

describe('items', () => {
  test('have defaults, are replaced as a whole and merged in part', () => {
    const story = given().when(item('A', { name: 'Ant', safetyStock: 3 }));
    expect(story.answer).toMatchObject({ created: true, resource: { sku: 'A', name: 'Ant', tracked: true, safetyStock: 3, backorderLimit: 0, reservationTtlSeconds: 900, thresholds: [0], version: 1 } });
    story.when({ type: 'DefineItem', sku: 'A', mode: 'merge', definition: { backorderLimit: null, name: null, maxPerCustomer: 2 } });
    expect([story.answer['created'], story.item('A').definition]).toMatchObject([false, { safetyStock: 3, backorderLimit: null, maxPerCustomer: 2 }]);
    expect(story.item('A').definition?.name).toBeUndefined();
    story.when({ type: 'DefineItem', sku: 'A', mode: 'merge', definition: { safetyStock: null, maxPerCustomer: null } });
    expect([story.item('A').definition?.safetyStock, story.item('A').definition?.maxPerCustomer]).toEqual([0, undefined]);
    story.when(item('A', { name: 'Bee' }));
    expect(story.item('A').definition).toMatchObject({ name: 'Bee', backorderLimit: 0 });
  });

  test('are changed only in the version that was read', () => {
    const story = given(item('A'));
    story.when({ type: 'DefineItem', sku: 'A', mode: 'replace', definition: {}, ifVersion: 2 }).thenRefused('version-conflict', { version: 1 });
    story.when({ type: 'DefineItem', sku: 'A', mode: 'replace', definition: {}, ifVersion: 1 });
    story.when({ type: 'RemoveItem', sku: 'A', ifVersion: 1 }).thenRefused('version-conflict');
    story.when({ type: 'DefineItem', sku: 'B', mode: 'merge', definition: {} }).thenRefused('unknown-item');
    story.when({ type: 'DefineItem', sku: 'B', mode: 'replace', definition: {}, ifVersion: 1 }).thenRefused('version-conflict');
  });

  test('go only when nothing depends on them, and blockers are named', () => {
    const story = given(item('A', { backorderLimit: 1 }), received('A', 3), reserve([['A', 1]])).when(reserve([['A', 3]]));
    story.when(confirm(story.hold.id, { orderId: 'o' })).when({ type: 'RemoveItem', sku: 'A' });
    story.thenRefused('in-use', { blockers: [{ kind: 'stock', location: 'main', quantity: 3 }, { kind: 'reservation', quantity: 1 }, { kind: 'allocation', quantity: 2 }, { kind: 'reservation', quantity: 1 }] });
    story.when({ type: 'CancelOrder', orderId: 'o' }).when(wait(900_000)).when(counted('A', 0)).when({ type: 'RemoveItem', sku: 'A' }).thenNothing();
    story.when(received('A', 1)).thenRefused('unknown-item').when(reserve([['A', 1]])).thenRefused('unknown-item');
    story.when(item('A'));
    expect(story.answer).toMatchObject({ created: true, resource: { version: 3 } });
  });

  test(`at most ${BLOCKERS_MAX} blockers are named`, () => {
    const places = Array.from({ length: BLOCKERS_MAX + 1 }, (_, n) => [place(`L${n}`), received('A', 1, `L${n}`)]).flat();
    const story = given(item('A'), ...places).when({ type: 'RemoveItem', sku: 'A' }).thenRefused('in-use');
    story.thenRefused('in-use', { blockers: Array.from({ length: BLOCKERS_MAX }, () => ({ kind: 'stock' })) });
  });
});

describe('places', () => {
  test('main is there from the start and can be described', () => {
    const story = given(item('A'), received('A', 1)).when(place('main', { rank: 5 }));
    expect(story.answer).toMatchObject({ created: false, resource: { id: 'main', rank: 5, version: 2 } });
  });

  test('every log knows them, so that every decision about an item sees the same places', () => {
    const skus = Array.from({ length: 20 }, (_, n) => `sku${n}`);
    const story = given(place('L'), ...skus.flatMap((sku) => [item(sku), received(sku, 1, 'L')]));
    story.when(place('L', { active: false }));
    expect(skus.map((sku) => story.figures(sku).available)).toEqual(skus.map(() => 0));
  });

  test('an inactive place keeps its stock, which neither sells nor counts, and its promises stay', () => {
    const story = given(item('A'), place('L', { rank: 1 }), received('A', 5, 'L'), received('A', 2)).when(reserve([['A', 4]]));
    const { id } = story.hold;
    story.when(place('L', { active: false }));
    expect(story.figures('A')).toMatchObject({ onHand: 2, reserved: 0, available: 2 });
    expect(story.availability('A', { location: 'L' })).toMatchObject({ onHand: 5, reserved: 4, available: 0 });
    story.when(received('A', 1, 'L')).when(confirm(id, { orderId: 'o' })).when(fulfil('o', [['A', 4]])).then(['allocation.fulfilled', 'A', { location: 'L', onHand: 2 }]);
    story.when(place('L', { active: true }));
    expect(story.figures('A')).toMatchObject({ onHand: 4, available: 4 });
  });

  test('are changed only in the version that was read', () => {
    given(place('L')).when({ type: 'DefineLocation', id: 'L', definition: { name: 'L', rank: 1, active: true }, ifVersion: 2 }).thenRefused('version-conflict');
  });

  test('are emptied in pairs of facts, and not while somebody was promised what is there', () => {
    const story = given(item('A'), place('L'), received('A', 5, 'L'), received('A', 1), change(2, { location: 'L', bucket: 'damaged' })).when(reserve([['A', 1, 'L']]));
    const empty: Step = { type: 'TransferAway', sku: 'A', from: 'L', to: 'main' };
    story.when(empty).thenRefused('in-use').when(wait(900_000)).when(empty);
    story.then(
      ['stock.adjusted', 'A', { location: 'L', bucket: 'sellable', change: -5, onHand: 0, reason: 'transfer' }],
      ['stock.adjusted', 'A', { location: 'main', bucket: 'sellable', change: 5, onHand: 6 }],
      ['stock.adjusted', 'A', { location: 'L', bucket: 'damaged', change: -2, onHand: 0 }],
      ['stock.adjusted', 'A', { location: 'main', bucket: 'damaged', change: 2, onHand: 6 }],
    );
    expect(buckets(story)).toEqual([6, { damaged: 2, qualityControl: 0, inTransit: 0 }]);
    story.when(empty).thenNothing().when({ ...empty, sku: 'unknown' }).thenNothing();
  });

  test('go only once they take nothing new', () => {
    const story = given(item('A'), place('L')).when({ type: 'RemoveLocation', id: 'L' }).thenRefused('in-use');
    story.when({ type: 'RemoveLocation', id: 'X' }).thenRefused('unknown-location');
    story.when(place('L', { active: false, closing: true })).when(received('A', 1, 'L')).thenRefused('unknown-location');
    story.when({ type: 'RemoveLocation', id: 'L' }).thenNothing().when(reserve([['A', 1, 'L']])).thenRefused('unknown-location');
  });
});
