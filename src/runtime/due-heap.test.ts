import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DueHeap } from './due-heap.ts';

test('what is due comes out by instant and key, each once although it went in twice, and nothing that is not due', () => {
  const item = fc.record({ dueMs: fc.nat({ max: 5 }), key: fc.constantFrom('a', 'b', 'c', 'd') });
  fc.assert(
    fc.property(fc.array(item, { maxLength: 40 }), fc.nat({ max: 6 }), (items, now) => {
      const heap = new DueHeap();
      for (const { dueMs, key } of items) heap.push(dueMs, key);
      const names = new Set(items.filter(({ dueMs }) => dueMs <= now).map(({ dueMs, key }) => `${dueMs}${key}`));
      const taken: string[] = [];
      for (let one = heap.take(now, 1); one.length > 0; one = heap.take(now, 1)) taken.push(...one.map(({ dueMs, key }) => `${dueMs}${key}`));
      expect(taken.filter((name, index) => name !== taken[index - 1])).toEqual([...names].toSorted());
      expect(heap.size).toBe(items.filter(({ dueMs }) => dueMs > now).length);
      expect(heap.nextDue ?? now + 1).toBeGreaterThan(now);
    }),
  );
});

test('one round takes a key once, also where it is due at several instants', () => {
  const heap = new DueHeap();
  for (const dueMs of [3, 1, 2, 1]) heap.push(dueMs, 'a');
  heap.push(2, 'b');
  expect(heap.take(9, 5).map(({ key }) => key)).toEqual(['a', 'b']);
  expect(heap.size).toBe(0);
});
