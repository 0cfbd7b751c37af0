/** Cases that users of inventory systems rely on, and that such systems got wrong. H: on hand, A: allocated, R: reserved. */
import { describe, expect, test } from 'vitest';
import { handClock } from '../../base/clock.ts';
import { ids } from '../../base/ids.ts';
import { seededRandom } from '../../base/random.ts';
import { openMemory, type MemoryStore } from '../../engines/memory/memory.ts';
import { Engine } from '../../runtime/runtime.ts';
import { inventory, type InventoryCommand } from './inventory.ts';
import { cart, confirm, counted, given, item, place, received, reserve, wait, type Step } from './testing.ts';

/** A shop that decides as in production, for what several people do at once or after a restart. */
async function shop(store: MemoryStore, ...before: Step[]): Promise<Engine<InventoryCommand>> {
  const random = seededRandom(1);
  const engine = new Engine({ store, room: inventory, clock: handClock(), random, ids: ids(random) });
  await engine.start();
  for (const step of before) await engine.execute(step as InventoryCommand); // no waiting among them
  return engine;
}

const reserved = (of: Step): InventoryCommand => of as InventoryCommand; // as above

describe('a shop', () => {
  test('exact fit and one too many', () => {
    expect(given(item('A'), received('A', 2)).when(reserve([['A', 2]])).figures('A')).toMatchObject({ reserved: 2, available: 0 });
    expect(given(item('A'), received('A', 2)).when(reserve([['A', 3]])).thenRefused('insufficient-stock').figures('A').reserved).toBe(0);
  });

  test('a hold grows within its own stock', () => {
    const story = given(item('A'), received('A', 10), cart('c', [['A', 3]]));
    for (const quantity of [7, 2, 10]) expect(story.when(cart('c', [['A', quantity]])).figures('A').reserved).toBe(quantity);
    expect(story.when(cart('c', [['A', 11]])).thenRefused('insufficient-stock').figures('A').reserved).toBe(10);
  });

  test('repeating is not additive', () => {
    expect(given(item('A'), received('A', 10), cart('c', [['A', 3]]), cart('c', [['A', 3]])).figures('A')).toMatchObject({ reserved: 3, available: 7 });
  });

  test('expired is gone at the instant', () => {
    const story = given(item('A'), received('A', 10), reserve([['A', 6]], { ttlSeconds: 1 }), reserve([['A', 4]], { ttlSeconds: 60 }), wait(1_000));
    expect(story.figures('A').available).toBe(6);
    story.when(reserve([['A', 6]])).then(['reservation.held', 'A']);
  });

  test('two lines, one item', () => {
    given(item('A'), received('A', 5)).when(reserve([['A', 3], ['A', 3]])).thenRefused('insufficient-stock', { lines: [{ sku: 'A', requested: 6, available: 5 }] });
  });

  test('all or nothing', () => {
    const story = given(item('A'), item('B'), received('A', 10), received('B', 1)).when(cart('c', [['A', 2], ['B', 2]]));
    expect(story.thenRefused('insufficient-stock', { lines: [{ sku: 'B' }] }).figures('A').reserved).toBe(0);
  });

  test('the last unit has one winner, every time', async () => {
    const engine = await shop(openMemory(), item('A'));
    for (let round = 0; round < 200; round++) {
      await engine.execute(reserved(counted('A', round + 1)));
      const both = await Promise.all([1, 2].map(() => engine.execute(reserved(reserve([['A', 1]], { ttlSeconds: 2_678_400 })))));
      expect(both.filter(({ ok }) => ok).length).toBe(1);
    }
  });

  test('split by rank, by most stock, never more than the remaining need', () => {
    const before = [item('A'), place('L1', { rank: 2 }), place('L2', { rank: 1 }), received('A', 4, 'L1'), received('A', 3, 'L2')];
    const places = (step: Step): unknown => given(...before).when(step).hold.lines.map((line) => line.allocations.map(({ location, quantity }) => [location, quantity]));
    expect(places(reserve([['A', 5]]))).toEqual([[['L2', 3], ['L1', 2]]]);
    expect(places(reserve([['A', 5]], { strategy: 'most-stock' }))).toEqual([[['L1', 4], ['L2', 1]]]);
  });

  test('the backorder limit is exact with fifty buyers at once', async () => {
    const engine = await shop(openMemory(), item('A', { backorderLimit: 5 }));
    const buyers = await Promise.all(Array.from({ length: 50 }, () => engine.execute(reserved(reserve([['A', 1]])))));
    expect(buyers.filter(({ ok }) => ok).length).toBe(5);
  });

  test('safety stock and backorder limit', () => {
    expect(given(item('A', { safetyStock: 2 }), received('A', 3)).figures('A').available).toBe(1);
    const story = given(item('A', { backorderLimit: 5 }), received('A', 3));
    expect([story.figures('A').sellable, story.when(reserve([['A', 8]])).figures('A').sellable]).toEqual([8, 0]);
    story.when(reserve([['A', 1]])).thenRefused('insufficient-stock');
  });

  test('counting is truth', () => {
    const story = given(item('A'), received('A', 10)).when(reserve([['A', 9]]));
    const { id } = story.hold;
    story.when(counted('A', 7)).then(['stock.adjusted', 'A', { onHand: 7 }], ['shortfall.detected', 'A', { shortfall: 2 }]);
    expect(story.reservation(id)?.status).toBe('held');
    story.when(counted('A', 7)).thenNothing();
  });

  test('partial confirm, and again: refused with another key, the first answer with the same one', async () => {
    const engine = await shop(openMemory(), item('A'), received('A', 10));
    const held = await engine.execute(reserved(reserve([['A', 10]])));
    const { id } = (held.ok ? held.answer : null) as { id: string }; // a reservation
    const command = reserved(confirm(id, { lines: [['A', 7]] }));
    const first = await engine.execute(command, { once: { key: 'k/1', fingerprint: 'p' } });
    expect(first).toMatchObject({ ok: true, answer: { status: 'confirmed', lines: [{ quantity: 7 }] } });
    expect(await engine.execute(command, { once: { key: 'k/2', fingerprint: 'p' } })).toMatchObject({ ok: false, refusal: { code: 'reservation-confirmed' } });
    expect(await engine.execute(command, { once: { key: 'k/1', fingerprint: 'p' } })).toEqual({ ...first, replayed: true, cursor: expect.any(String) as string });
    expect(await engine.execute(reserved(reserve([['A', 3]])))).toMatchObject({ ok: true });
  });

  test('the same key with another body is refused; with the same one it is answered a day later, after a restart', async () => {
    const store = openMemory();
    const engine = await shop(store, item('A'), received('A', 10));
    const first = await engine.execute(reserved(reserve([['A', 1]])), { once: { key: 'k/1', fingerprint: 'one' } });
    const again = await shop(openMemory({ from: store.image() }));
    expect(await again.execute(reserved(reserve([['A', 2]])), { once: { key: 'k/1', fingerprint: 'two' } })).toMatchObject({ ok: false, refusal: { code: 'idempotency-key-reused' } });
    expect(await again.execute(reserved(reserve([['A', 1]])), { once: { key: 'k/1', fingerprint: 'one' } })).toMatchObject({ replayed: true, ...(first.ok ? { answer: JSON.parse(JSON.stringify(first.answer)) as object } : {}) });
  });

  test('late checkout', () => {
    const story = given(item('A'), received('A', 1)).when(reserve([['A', 1]]));
    const { id } = story.hold;
    story.when(wait(900_000)).when(reserve([['A', 1]])).when(confirm(id)).thenRefused('reservation-expired');
  });

  test('a place that is short does not mask another', () => {
    const story = given(item('A'), place('L1', { rank: 1 }), place('L2', { rank: 2 }), received('A', 10, 'L1'), reserve([['A', 10]]), received('A', 6, 'L2'), counted('A', 6, 'L1'));
    expect(story.figures('A').available).toBe(6);
  });
});
