/**
 * The low-stock alert: which items are at or below one of their thresholds now, since when, and at how many units they
 * were when they came there. A consumer of the log like any other: neither inventory nor pricing knows of it.
 */
import type { ItemDefinition } from '../../rooms/inventory/inventory.ts';
import type { Listener } from '../../runtime/runtime.ts';

/** A threshold at or below which an item is, and how it came there. */
interface Low {
  readonly threshold: number;
  readonly available: number;
  readonly since: number;
}

const columns = [{ name: 'sku', type: 'text' }, { name: 'threshold', type: 'int' }, { name: 'available', type: 'int' }, { name: 'since', type: 'int' }, { name: 'low', type: 'text' }] as const;

export function lowStock(): Listener {
  let lows = new Map<string, readonly Low[]>();
  return {
    name: 'low-stock',
    tables: [{ name: 'low_stock', columns, primaryKey: ['sku'] }],
    async open(saved) {
      const rows = (await saved.selectFrom('low_stock').select(['sku', 'low']).execute()) as { sku: string; low: string }[]; // the columns above
      lows = new Map(rows.map(({ sku, low }) => [sku, JSON.parse(low) as Low[]]));
    },
    hear({ events }, rows) {
      for (const { type, key, time, data } of events) {
        if (!TELLING.has(type)) continue;
        const sku = key.slice(2);
        const before = lows.get(sku) ?? NONE;
        const after = lowsAfter(before, type, time, data);
        if (after === before) continue;
        const [lowest] = after.toSorted((a, b) => a.threshold - b.threshold);
        if (lowest) rows.put('low_stock', [sku, lowest.threshold, lowest.available, lowest.since, JSON.stringify(after)]);
        else rows.remove('low_stock', sku);
        lows.set(sku, after);
        if (!lowest) lows.delete(sku);
      }
    },
  };
}

const NONE: readonly Low[] = [];
/** Facts that may say that an item is low, or no longer. */
const TELLING: ReadonlySet<string> = new Set(['inventory.threshold.crossed', 'inventory.item.removed', 'inventory.item.defined']);

/** What an item is low by after a fact about it; the very same where the fact says nothing of it. */
function lowsAfter(before: readonly Low[], type: string, time: number, data: object): readonly Low[] {
  if (type === 'inventory.threshold.crossed') {
    const { threshold, direction, available, channel } = data as { threshold: number; direction: 'up' | 'down'; available: number; channel?: string }; // the fact's own members
    if (channel !== undefined) return before;
    const others = before.filter((low) => low.threshold !== threshold);
    return direction === 'up' ? others : [...others, { threshold, available, since: time }];
  }
  if (before.length === 0) return before;
  if (type === 'inventory.item.removed') return NONE;
  if (type !== 'inventory.item.defined') return before;
  const { thresholds } = (data as { definition: ItemDefinition }).definition; // likewise
  return before.every(({ threshold }) => thresholds.includes(threshold)) ? before : before.filter(({ threshold }) => thresholds.includes(threshold));
}
