/** A state's key, and the instant at which it wants waking. */
export interface DueKey {
  readonly dueMs: number;
  readonly key: string;
}

/** A binary heap by instant and then key, so that what is in it twice comes out one after the other. */
export class DueHeap {
  readonly #items: DueKey[] = [];

  get size(): number {
    return this.#items.length;
  }

  get nextDue(): number | undefined {
    return this.#items[0]?.dueMs;
  }

  push(dueMs: number, key: string): void {
    const items = this.#items;
    const item = { dueMs, key };
    let hole = items.push(item) - 1;
    while (hole > 0) {
      const parent = (hole - 1) >>> 1;
      const above = items[parent] as DueKey; // within bounds
      if (!isBefore(item, above)) break;
      items[hole] = above;
      hole = parent;
    }
    items[hole] = item;
  }

  /** Removes up to `limit` items that are due, each key once. */
  take(now: number, limit: number): DueKey[] {
    const taken = new Map<string, DueKey>();
    while (taken.size < limit) {
      const first = this.#items[0];
      if (!first || first.dueMs > now) break;
      taken.set(first.key, first);
      this.#pop();
    }
    return [...taken.values()];
  }

  #pop(): void {
    const items = this.#items;
    const last = items.pop();
    if (!last || items.length === 0) return;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= items.length) break;
      const right = items[child + 1];
      if (right && isBefore(right, items[child] as DueKey)) child++; // `child` is within bounds
      const below = items[child] as DueKey; // likewise
      if (!isBefore(below, last)) break;
      items[hole] = below;
      hole = child;
    }
    items[hole] = last;
  }
}

function isBefore(a: DueKey, b: DueKey): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.key < b.key);
}
