import { describe, expect, test } from 'vitest';
import { openHoldfast, type TestHoldfast } from '../../http/testing.ts';
import { inventory } from '../../rooms/inventory/inventory.ts';
import type { Commit, Store } from '../../store/store.ts';
import { auditLogs, compareCounts, settle, type Violation } from './audit.ts';

/** A shop in which everything happened that leaves records: holds, orders, carts, customers, transfers, remembered answers. */
async function busyShop(): Promise<TestHoldfast> {
  const shop = await openHoldfast();
  await shop.put('/v1/locations/north', { name: 'North', rank: 1 });
  for (const sku of ['lamp', 'vase', 'chair']) await shop.stock(sku, 20, { backorderLimit: 5, attributes: { colour: 'red' } });
  const hold = async (body: object): Promise<string> => ((await shop.post('/v1/reservations', body)).body as { id: string }).id; // as the contract says
  const lines = [{ sku: 'lamp', quantity: 2 }, { sku: 'vase', quantity: 3 }];
  await hold({ lines, customerId: 'ann', cartId: 'cart' });
  await hold({ lines: [{ sku: 'chair', quantity: 22 }] });
  const sold = await hold({ lines, customerId: 'bob' });
  await shop.post(`/v1/reservations/${sold}/confirm`, { orderId: 'order' }, { 'idempotency-key': 'once' });
  await shop.post('/v1/allocations/order/fulfil', { lines: [{ sku: 'lamp', quantity: 1 }] });
  const released = await hold({ lines: [{ sku: 'lamp', quantity: 1 }] });
  await shop.post(`/v1/reservations/${released}/release`, {});
  const transfer = (await shop.post('/v1/transfers', { from: 'main', to: 'north', lines: [{ sku: 'vase', quantity: 4 }] })).body as { id: string }; // as the contract says
  await shop.post(`/v1/transfers/${transfer.id}/ship`, {});
  await shop.settled();
  return shop;
}

async function audit(store: Store): Promise<Violation[]> {
  const violations: Violation[] = [];
  const tell = (violation: Violation): void => void violations.push(violation);
  const [heads, checkpoints] = [await store.log.heads(), await store.projections.checkpoints('states')];
  const asked = heads.map((head, log) => ({ log, head, checkpoint: checkpoints[log] ?? 0 }));
  const audits = await auditLogs(store, asked, { nowMs: 0, tell, onFacts: () => undefined });
  settle(audits, tell);
  await compareCounts(store, audits, tell, 'elsewhere');
  return violations;
}

/** The same store with some commits as they never were. */
function tampered(store: Store, change: (commit: Commit) => Commit | undefined): Store {
  const read = async function* (log: number, after: number): AsyncGenerator<Commit> {
    for await (const commit of store.log.read(log, after)) {
      const changed = change(commit);
      if (changed) yield changed;
    }
  };
  const readTogether = async function* (after: ReadonlyMap<number, number>): AsyncGenerator<readonly Commit[]> {
    for await (const page of store.log.readTogether(after)) yield page.flatMap((commit) => change(commit) ?? []);
  };
  const { partitions, projections, queue } = store;
  const log = { read, readTogether, heads: () => store.log.heads() };
  return { partitions, projections, queue, log } as unknown as Store; // what an audit asks of a store
}

/** An item that belongs to another log. */
const strayKey = (log: number): string => Array.from({ length: 50 }, (_, n) => `i/stray-${n}`).find((key) => inventory.logOf(key, 4) !== log) ?? '';
const withData = (commit: Commit, type: string, data: object): Commit => ({ ...commit, events: commit.events.map((event) => (event.type === type ? { ...event, data: { ...event.data, ...data } } : event)) });
const checksOf = (violations: readonly Violation[]): string[] => [...new Set(violations.map(({ check }) => check))].toSorted((a, b) => (a < b ? -1 : 1));

describe('the audit of a store', () => {
  test('finds nothing in a busy shop where nothing is wrong', async () => {
    await using shop = await busyShop();
    expect(await audit(shop.store)).toEqual([]);
  });

  test('names a fact that says another sum than the facts before it', async () => {
    await using shop = await busyShop();
    const found = await audit(tampered(shop.store, (commit) => withData(commit, 'inventory.stock.adjusted', { onHand: 21 })));
    expect(found).toContainEqual(expect.objectContaining({ check: 'sums', key: 'i/lamp', expected: '20', found: '21', message: expect.stringContaining('21 are on hand at main') }));
  });

  test('names a saved state and a view that are not what the facts fold to', async () => {
    await using shop = await busyShop();
    const found = await audit(tampered(shop.store, (commit) => withData(commit, 'inventory.stock.adjusted', { change: 19, onHand: 19 })));
    expect(checksOf(found)).toEqual(expect.arrayContaining(['states', 'views']));
    expect(found).toContainEqual(expect.objectContaining({ check: 'views', key: 'levels vase/main', expected: expect.any(String), found: expect.any(String) }));
  });

  test('names a promise beyond what there was', async () => {
    await using shop = await busyShop();
    const found = await audit(tampered(shop.store, (commit) => withData(commit, 'inventory.stock.adjusted', { change: 3, onHand: 3 })));
    expect(found).toContainEqual(expect.objectContaining({ check: 'promises', key: 'i/vase', position: expect.any(Number) }));
  });

  test('names a record that has more than its item counts, across logs', async () => {
    await using shop = await busyShop();
    const found = await audit(tampered(shop.store, (commit) => ({ ...commit, events: commit.events.filter(({ type }) => type !== 'inventory.order.recorded') })));
    expect(found).toContainEqual(expect.objectContaining({ check: 'records', key: 'i/vase', found: '3' }));
  });

  test('names a commit that is missing, and a fact in a log that it does not belong to', async () => {
    await using shop = await busyShop();
    const gap = await audit(tampered(shop.store, (commit) => (commit.position === 2 ? undefined : commit)));
    expect(gap).toContainEqual(expect.objectContaining({ check: 'positions', position: 3, expected: '2', found: '3' }));
    const moved = await audit(tampered(shop.store, (commit) => ({ ...commit, events: commit.events.map((event) => (event.key === 'i/lamp' ? { ...event, key: strayKey(commit.log) } : event)) })));
    expect(checksOf(moved)).toContain('placement');
  });

  test('names a request that was answered twice', async () => {
    await using shop = await busyShop();
    const found = await audit(tampered(shop.store, (commit) => ({ ...commit, events: commit.events.flatMap((event) => (event.key.startsWith('k/') ? [event, event] : [event])) })));
    expect(checksOf(found)).toContain('answers');
  });
});
