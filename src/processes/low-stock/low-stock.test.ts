import { describe, expect, test } from 'vitest';
import type { Commit } from '../../store/store.ts';
import { lowStock } from './low-stock.ts';

const T0 = Date.UTC(2026, 0, 1);

/** What the alert's table holds after some facts about the item `lamp`. */
function tableAfter(facts: readonly { type: string; data: object }[]): Record<string, readonly unknown[]> {
  const table: Record<string, readonly unknown[]> = {};
  const rows = { put: (_: string, row: readonly unknown[]) => void (table[String(row[0])] = row.slice(1, 4)), remove: (_: string, key: string | number) => void delete table[key] };
  const commit: Commit = { log: 0, position: 1, token: '', events: facts.map(({ type, data }, n) => ({ type, key: 'i/lamp', time: T0 + n, data: data as Commit['events'][number]['data'] })) };
  lowStock().hear(commit, rows);
  return table;
}

const crossed = (threshold: number, direction: 'up' | 'down', available: number, channel?: string) => ({ type: 'inventory.threshold.crossed', data: { threshold, direction, available, ...(channel === undefined ? undefined : { channel }) } });
const defined = (thresholds: readonly number[]) => ({ type: 'inventory.item.defined', data: { sku: 'lamp', definition: { thresholds } } });

describe('low-stock alert', () => {
  test('names an item by the lowest threshold that it came down to, until it is above all of them again', () => {
    expect(tableAfter([crossed(10, 'down', 9)])).toEqual({ lamp: [10, 9, T0] });
    expect(tableAfter([crossed(10, 'down', 9), crossed(0, 'down', 0)])).toEqual({ lamp: [0, 0, T0 + 1] });
    expect(tableAfter([crossed(10, 'down', 9), crossed(0, 'down', 0), crossed(0, 'up', 5)])).toEqual({ lamp: [10, 9, T0] });
    expect(tableAfter([crossed(10, 'down', 9), crossed(10, 'up', 11)])).toEqual({});
  });

  test('leaves out what only one channel is short of', () => {
    expect(tableAfter([crossed(10, 'down', 9, 'web')])).toEqual({});
  });

  test('forgets thresholds that an item has no longer, and items that are no longer there', () => {
    expect(tableAfter([crossed(10, 'down', 9), defined([5])])).toEqual({});
    expect(tableAfter([crossed(10, 'down', 9), defined([5, 10])])).toEqual({ lamp: [10, 9, T0] });
    expect(tableAfter([crossed(10, 'down', 9), { type: 'inventory.item.removed', data: { sku: 'lamp' } }])).toEqual({});
  });
});
