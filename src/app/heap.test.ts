import v8 from 'node:v8';
import { expect, test } from 'vitest';
import { garbageCollector } from './heap.ts';

const usedMb = (): number => v8.getHeapStatistics().used_heap_size / 2 ** 20;

test('much garbage is collected at once', () => {
  const collect = garbageCollector();
  const garbage = Array.from({ length: 2_500_000 }, (_, i) => ({ of: [i] }));
  const before = usedMb();
  expect(before).toBeGreaterThan(150);
  garbage.length = 0;
  collect();
  expect(usedMb()).toBeLessThan(before - 100);
});
