import { describe, expect, test } from 'vitest';
import { handClock } from '../../base/clock.ts';
import { ids } from '../../base/ids.ts';
import { seededRandom } from '../../base/random.ts';
import { openMemory } from '../../engines/memory/memory.ts';
import { Engine, type Settled } from '../../runtime/runtime.ts';
import { inventory, type InventoryCommand } from './inventory.ts';
import { FILLS_MAX } from './limits.ts';
import { findItem, findWaiting, type Waiting } from './state.ts';
import { cancel, cart, confirm, counted, expire, extend, fulfil, given, item, place, received, release, reserve, wait, type Step, type Story } from './testing.ts';

/** Which units of the holds are at places, and how many wait. */
const waiting = (story: Story, ...ids: string[]): number[] => ids.map((id) => story.reservation(id)?.lines.reduce((sum, line) => sum + line.backordered, 0) ?? -1);

/** A story with an item without stock, and holds of it that wait, oldest first. */
function queue(quantities: readonly number[], { before = [], limit = 20, ttlSeconds = 900 }: { before?: Step[]; limit?: number | null; ttlSeconds?: number } = {}): { story: Story; ids: string[] } {
  const story = given(item('A', { backorderLimit: limit }), ...before);
  return { story, ids: quantities.map((quantity) => story.when(reserve([['A', quantity]], { ttlSeconds })).hold.id) };
}

const settled = (sku: string): Step => ({ type: 'SettleItem', sku });

describe('units that come in', () => {
  test('go to those who wait, the oldest first, and to a part of a promise where they do not suffice', () => {
    const { story, ids: [a = '', b = '', c = ''] } = queue([2, 3, 1]);
    story.when(received('A', 4)).then(
      ['stock.adjusted', 'A', { onHand: 4 }],
      ['reservation.changed', 'A', { reservationId: a, quantity: 2, backordered: 0, allocations: [{ location: 'main', quantity: 2 }] }],
      ['reservation.changed', 'A', { reservationId: b, quantity: 3, backordered: 1, allocations: [{ location: 'main', quantity: 2 }] }],
    );
    expect(waiting(story, a, b, c)).toEqual([0, 1, 1]);
    expect(story.figures('A')).toMatchObject({ reserved: 4, backordered: 2, net: -2, available: 0, sellable: 18 });
    expect(story.reservation(a)).toMatchObject({ status: 'held', version: 2, lines: [{ quantity: 2, backordered: 0, allocations: [{ sku: 'A', location: 'main', quantity: 2 }] }] });
    story.when(received('A', 5));
    expect(waiting(story, a, b, c)).toEqual([0, 0, 0]);
    expect(story.figures('A')).toMatchObject({ reserved: 6, backordered: 0, net: 3, available: 3 });
  });

  test('say how the item\'s version stands with all that followed', () => {
    const { story } = queue([1, 1]);
    story.when(received('A', 2));
    expect(story.answer['version']).toBe(story.item('A').version);
  });

  test('go to an order as old as the hold that it was', () => {
    const { story, ids: [a = '', b = ''] } = queue([2, 2]);
    story.when(confirm(a, { orderId: 'o' })).when(received('A', 3)).then(
      ['stock.adjusted', 'A'],
      ['allocation.placed', 'A', { orderId: 'o', quantity: 2, location: 'main', allocations: [{ location: 'main', quantity: 2 }] }],
      ['reservation.changed', 'A', { reservationId: b, backordered: 1 }],
    );
    expect(story.order('o')).toMatchObject({ version: 2, lines: [{ sku: 'A', quantity: 2, backordered: 0, allocations: [{ location: 'main', quantity: 2 }] }] });
    story.when(fulfil('o', [['A', 2]])).then(['allocation.fulfilled', 'A', { onHand: 1 }]);
    expect(story.figures('A')).toMatchObject({ onHand: 1, allocated: 0, reserved: 1, backordered: 1 });
  });

  test('are taken from the places of the lowest rank', () => {
    const { story, ids: [a = ''] } = queue([5], { before: [place('near', { rank: 1 }), place('far', { rank: 2 }), place('shut', { rank: 0, active: false })] });
    story.when(received('A', 4, 'shut')).then(['stock.adjusted', 'A']).when(received('A', 2, 'far')).when(received('A', 2, 'near'));
    expect(story.reservation(a)?.lines[0]).toMatchObject({ backordered: 1, allocations: [{ location: 'far', quantity: 2 }, { location: 'near', quantity: 2 }] });
    story.when(place('shut', { rank: 0 })).when(settled('A')).then(['reservation.changed', 'A', { reservationId: a, backordered: 0 }]);
    expect(story.figures('A')).toMatchObject({ available: 3 });
  });

  test('first make up for what the place is short of', () => {
    const { story, ids: [a = ''] } = queue([2], { before: [received('A', 4), reserve([['A', 4]]), counted('A', 1)] });
    story.when(received('A', 2)).then(['stock.adjusted', 'A']).when(received('A', 2)).then(['stock.adjusted', 'A'], ['reservation.changed', 'A', { reservationId: a, backordered: 1 }]);
  });

  test('go to whom asked for one place only from there, and past them to the next', () => {
    const story = given(item('A', { backorderLimit: 9 }), place('shop'), received('A', 1, 'shop')).when(reserve([['A', 3, 'shop']]));
    const { id: bound, lines } = story.hold;
    expect(lines).toMatchObject([{ backordered: 2, location: 'shop', allocations: [{ location: 'shop', quantity: 1 }] }]);
    const { id: free } = story.when(reserve([['A', 2]])).hold;
    story.when(received('A', 3)).then(['stock.adjusted', 'A'], ['reservation.changed', 'A', { reservationId: free, backordered: 0 }]);
    expect(waiting(story, bound, free)).toEqual([2, 0]);
    story.when(received('A', 1, 'shop')).then(['stock.adjusted', 'A'], ['reservation.changed', 'A', { reservationId: bound, backordered: 1 }]);
    story.when(confirm(bound, { orderId: 'o' })).when(received('A', 1, 'shop')).then(['stock.adjusted', 'A'], ['allocation.placed', 'A', { orderId: 'o', location: 'shop' }]);
  });
});

describe('whatever frees units', () => {
  /** A hold of everything, and one that waits for two. */
  function scarce(): { story: Story; has: string; waits: string } {
    const story = given(item('A', { backorderLimit: 5 }), received('A', 3)).when(reserve([['A', 3]], { ttlSeconds: 60 }));
    const has = story.hold.id;
    return { story, has, waits: story.when(reserve([['A', 2]], { ttlSeconds: 600 })).hold.id };
  }

  test('a release, of all or of a part', () => {
    const { story, has, waits } = scarce();
    story.when(release(has, [['A', 1]])).then(['reservation.released', 'A'], ['reservation.changed', 'A', { reservationId: waits, backordered: 1 }]);
    story.when(release(has)).then(['reservation.released', 'A'], ['reservation.changed', 'A', { reservationId: waits, backordered: 0 }]);
    expect(story.figures('A')).toMatchObject({ reserved: 2, available: 1 });
  });

  test('the fact that a hold ran out', () => {
    const { story, has, waits } = scarce();
    story.when(wait(60_000)).when(expire(has)).then(['reservation.expired', 'A'], ['reservation.changed', 'A', { reservationId: waits, backordered: 0 }]);
  });

  test('a cart that wants less, and one that is given up', () => {
    const story = given(item('A', { backorderLimit: 5 }), received('A', 3), cart('c', [['A', 3]])).when(reserve([['A', 2]]));
    const { id } = story.hold;
    story.when(cart('c', [['A', 2]])).then(['reservation.changed', 'A'], ['reservation.changed', 'A', { reservationId: id, backordered: 1 }]);
    story.when({ type: 'ReleaseCart', cartId: 'c' }).then(['reservation.released', 'A'], ['reservation.changed', 'A', { reservationId: id, backordered: 0 }]);
  });

  test('what is left over at checkout, and an order that is cancelled', () => {
    const { story, has, waits } = scarce();
    story.when(confirm(has, { orderId: 'o', lines: [['A', 2]] })).then(['reservation.released', 'A'], ['reservation.confirmed', 'A'], ['reservation.changed', 'A', { reservationId: waits, backordered: 1 }]);
    story.when(cancel('o')).then(['allocation.cancelled', 'A'], ['reservation.changed', 'A', { reservationId: waits, backordered: 0 }]);
  });

  test('a count that finds more, and units that come out of quality control', () => {
    const { story, waits } = scarce();
    story.when(counted('A', 4)).then(['stock.adjusted', 'A'], ['reservation.changed', 'A', { reservationId: waits, backordered: 1 }]);
    story.when({ type: 'AdjustStock', sku: 'A', location: 'main', bucket: 'qualityControl', change: 1, reason: 'returned' }).then(['stock.adjusted', 'A']);
    story.when({ type: 'MoveStock', sku: 'A', location: 'main', move: 1, from: 'qualityControl', to: 'sellable', reason: 'found' }).then(['stock.adjusted', 'A'], ['stock.adjusted', 'A'], ['reservation.changed', 'A', { reservationId: waits, backordered: 0 }]);
    expect(story.answer['version']).toBe(story.item('A').version);
  });

  test('an order served from another place leaves its own units to those who wait', () => {
    const story = given(item('A', { backorderLimit: 5 }), place('L', { rank: 1 }), place('M', { rank: 2 }), received('A', 2, 'L')).when(reserve([['A', 2]]));
    story.when(confirm(story.hold.id, { orderId: 'o' })).when(reserve([['A', 1, 'L']]));
    const { id } = story.hold;
    story.when(received('A', 2, 'M')).then(['stock.adjusted', 'A']);
    story.when(fulfil('o', [['A', 2, 'M']])).then(['allocation.fulfilled', 'A', { location: 'M' }], ['reservation.changed', 'A', { reservationId: id, allocations: [{ location: 'L', quantity: 1 }] }]);
  });
});

describe('nobody overtakes those who wait', () => {
  test('not even in the moment between the instant at which a hold runs out and the fact of it', () => {
    const story = given(item('A', { backorderLimit: 5 }), received('A', 2), reserve([['A', 2]], { ttlSeconds: 60 })).when(reserve([['A', 1]]));
    const older = story.hold.id;
    story.when(wait(60_000)).when(reserve([['A', 2]])).then(['reservation.changed', 'A', { reservationId: older, backordered: 0 }], ['reservation.held', 'A', { backordered: 1, allocations: [{ quantity: 1 }] }]);
    expect(story.figures('A')).toMatchObject({ reserved: 2, backordered: 1, sellable: 4 });
  });

  test('and putting a cart again keeps its place', () => {
    const story = given(item('A', { backorderLimit: 9 }), cart('c', [['A', 1]])).when(reserve([['A', 1]]));
    const later = story.hold.id;
    story.when(cart('c', [['A', 2]]));
    const first = story.hold.id;
    story.when(received('A', 2)).then(['stock.adjusted', 'A'], ['reservation.changed', 'A', { reservationId: first, backordered: 0 }]);
    expect(waiting(story, first, later)).toEqual([0, 1]);
  });

  test('who gives up units for fewer does not keep them from the older promise that got a part only', () => {
    const story = given(item('A', { backorderLimit: 9 }), received('A', 4), reserve([['A', 1]], { ttlSeconds: 60 }), cart('c', [['A', 3]])).when(reserve([['A', 3]]));
    const { id } = story.hold;
    story.when(wait(60_000)).when(cart('c', [['A', 1]])).when(settled('A'));
    expect(waiting(story, id)).toEqual([0]);
  });
});

test('nor does a younger promise get what somebody gives up while an older one that got a part still waits', () => {
  const story = given(item('A', { backorderLimit: 9 }), received('A', 4), reserve([['A', 1]], { ttlSeconds: 60 }), cart('c', [['A', 3]])).when(reserve([['A', 3]]));
  const older = story.hold.id;
  const younger = story.when(reserve([['A', 2]])).hold.id;
  story.when(wait(60_000)).when(cart('c', [['A', 1]])).when(settled('A'));
  expect(waiting(story, older, younger)).toEqual([0, 2]);
});

describe('a promise that ends or changes', () => {
  test('waits no more', () => {
    const { story, ids: [a = '', b = '', c = ''] } = queue([1, 2, 1], { ttlSeconds: 60 });
    story.when(release(a)).when(extend(c, 600)).when(wait(60_000)).when(received('A', 5)).then(['stock.adjusted', 'A'], ['reservation.changed', 'A', { reservationId: c }]);
    story.when(expire(b)).then(['reservation.expired', 'A']);
    expect(story.figures('A')).toMatchObject({ reserved: 1, available: 4 });
  });

  test('over several items is met item by item, its record with it', () => {
    const story = given(item('A', { backorderLimit: 5 }), item('B', { backorderLimit: 5 })).when(reserve([['A', 2], ['B', 1]]));
    const { id } = story.hold;
    story.when(received('B', 1)).when(received('A', 1)).then(['stock.adjusted', 'A'], ['reservation.changed', 'A', { reservationId: id, backordered: 1 }]);
    expect(story.reservation(id)).toMatchObject({ version: 3, lines: [{ sku: 'A', backordered: 1, allocations: [{ sku: 'A', location: 'main', quantity: 1 }] }, { sku: 'B', backordered: 0, allocations: [{ sku: 'B', quantity: 1 }] }] });
  });

  test('names the place that it waits for only as long as it waits', () => {
    const story = given(item('A', { backorderLimit: 9 }), received('A', 2)).when(reserve([['A', 4, 'main']]));
    const { id } = story.hold;
    expect(story.hold.lines).toMatchObject([{ backordered: 2, location: 'main' }]);
    story.when(confirm(id, { lines: [['A', 1]], orderId: 'o' }));
    expect(story.hold.lines[0]?.location).toBeUndefined();
    const other = given(item('A', { backorderLimit: 9 }), received('A', 2)).when(reserve([['A', 4, 'main']]));
    expect(other.when(release(other.hold.id, [['A', 2]])).hold.lines).toEqual([{ sku: 'A', quantity: 2, backordered: 0, allocations: [{ sku: 'A', location: 'main', quantity: 2 }] }]);
  });

  test('and waits for two items of an order that is cancelled is met for both in one step', () => {
    const story = given(item('A', { backorderLimit: 5 }), item('B', { backorderLimit: 5 }), received('A', 1), received('B', 1)).when(reserve([['A', 1], ['B', 1]]));
    story.when(confirm(story.hold.id, { orderId: 'o' })).when(reserve([['A', 1], ['B', 1]]));
    const { id } = story.hold;
    story.when(cancel('o'));
    expect(story.reservation(id)).toMatchObject({ version: 2, lines: [{ backordered: 0 }, { backordered: 0 }] });
  });
});

test('more promises than one decision meets are met in several, one after another', async () => {
  const random = seededRandom(1);
  const engine = new Engine({ store: openMemory(), room: inventory, clock: handClock(), random, ids: ids(random) });
  await engine.start();
  const count = FILLS_MAX + 1;
  const ask = (command: Step): Promise<Settled> => engine.execute(command as InventoryCommand); // no waiting among them
  const state = (): Promise<Waiting | undefined> => engine.read((world) => findWaiting(world, 'A'));
  await ask(item('A', { backorderLimit: null }));
  await Promise.all(Array.from({ length: count }, () => ask(reserve([['A', 1]]))));
  await ask(received('A', count));
  const left = await state();
  expect([left?.promises.size, inventory.dueOf('w/A', left) === null]).toEqual([1, false]);
  await engine.execute(inventory.wake('w/A'));
  expect(await state()).toBeUndefined();
  expect(await engine.read((world) => findItem(world, 'A')?.backordered)).toBe(0);
  await engine.close();
});
