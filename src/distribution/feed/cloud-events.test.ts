import { describe, expect, test } from 'vitest';
import { PUBLIC_TYPES } from '../../rooms/inventory/inventory.ts';
import type { EventRecord } from '../../store/store.ts';
import { leavesTheHouse, toCloudEvent } from './cloud-events.ts';

const TIME = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
const at = { log: 3, position: 17, index: 2 };
const fact = (type: string, data: EventRecord['data']): EventRecord => ({ type, key: 'i/A b', time: TIME, data });

const HELD = fact('inventory.reservation.held', {
  reservationId: 'res_1',
  cartId: 'cart',
  customerId: 'customer',
  channel: 'web',
  quantity: 3,
  requested: 4,
  backordered: 1,
  allocations: [{ location: 'main', quantity: 2 }],
  expiresAt: TIME + 1000,
  orderId: undefined,
  solo: 1,
});

describe('a fact as a CloudEvent', () => {
  test('names its item as subject and partition key, and where it stands as id', () => {
    expect(toCloudEvent(HELD, at)).toEqual({
      specversion: '1.0',
      id: '3-17-2',
      source: '/inventory',
      type: 'inventory.reservation.held',
      subject: 'A b',
      time: '2026-01-02T03:04:05.006Z',
      datacontenttype: 'application/json',
      data: { reservationId: 'res_1', cartId: 'cart', quantity: 3, backordered: 1, allocations: [{ location: 'main', quantity: 2 }], expiresAt: '2026-01-02T03:04:06.006Z' },
      sequence: '0000000000017-00000002',
      partitionkey: 'A b',
    });
  });

  test('keeps to itself what is for the books of the room', () => {
    const told = Object.keys(toCloudEvent(HELD, at).data);
    for (const secret of ['customerId', 'channel', 'requested', 'solo']) expect(told).not.toContain(secret);
    const changed = toCloudEvent({ ...HELD, type: 'inventory.reservation.changed', data: { ...HELD.data, previous: { quantity: 1 } } }, at);
    expect(changed.data).not.toHaveProperty('previous');
    const fulfilled = toCloudEvent(fact('inventory.allocation.fulfilled', { orderId: 'o', location: 'main', quantity: 1, onHand: 2, freed: [], backordered: 0, uncounted: 1 }), at);
    expect(fulfilled.data).toEqual({ orderId: 'o', location: 'main', quantity: 1 });
  });

  test('tells instants as text', () => {
    const extended = toCloudEvent({ ...HELD, type: 'inventory.reservation.extended', data: { ...HELD.data, previousExpiresAt: TIME } }, at);
    expect(extended.data).toMatchObject({ expiresAt: '2026-01-02T03:04:06.006Z', previousExpiresAt: '2026-01-02T03:04:05.006Z' });
  });

  test('says the same whether its record comes from memory or from the store', () => {
    const stored = { ...HELD, data: JSON.parse(JSON.stringify(HELD.data)) as EventRecord['data'] };
    expect(JSON.stringify(toCloudEvent(stored, at))).toBe(JSON.stringify(toCloudEvent(HELD, at)));
  });

  test('has a sequence that sorts as the facts of its log do', () => {
    const addresses = [[1, 0], [1, 1], [1, 9], [1, 10], [2, 0], [9, 19_999], [10, 0], [99, 5], [100, 0], [2 ** 43, 9_999_999]] as const;
    const sequences = addresses.map(([position, index]) => toCloudEvent(HELD, { log: 0, position, index }).sequence);
    expect(sequences.toSorted()).toEqual(sequences);
    expect(new Set(sequences.map((sequence) => sequence.length))).toEqual(new Set([22]));
  });

  test('leaves the house where it is public, and only there', () => {
    for (const type of PUBLIC_TYPES) expect(leavesTheHouse(fact(type, {}))).toBe(true);
    for (const type of ['inventory.item.defined', 'inventory.reservation.recorded', 'runtime.command.answered']) expect(leavesTheHouse(fact(type, {}))).toBe(false);
  });
});
