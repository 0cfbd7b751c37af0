import { describe, expect, test } from 'vitest';
import { Ledger, type LedgerEvent } from './ledger.ts';

const key = 'i/tea';
const place = (quantity: number, location = 'main'): { location: string; quantity: number } => ({ location, quantity });

function fact(type: LedgerEvent['type'], data: object, time = 0): LedgerEvent {
  return { type, key, time, data } as LedgerEvent; // each test gives the members of that type
}
const received = (change: number, bucket = 'sellable'): LedgerEvent => fact('inventory.stock.adjusted', { location: 'main', bucket, change, onHand: change, reason: 'received' });
const defined = (backorderLimit: number | null, tracked = true): LedgerEvent => fact('inventory.item.defined', { sku: 'tea', definition: { tracked, backorderLimit } });
const hold = (type: 'held' | 'released' | 'expired' | 'confirmed', id: string, quantity: number, rest: { expiresAt?: number; backordered?: number; time?: number } = {}): LedgerEvent =>
  fact(
    `inventory.reservation.${type}`,
    { reservationId: id, quantity, backordered: rest.backordered ?? 0, allocations: quantity > (rest.backordered ?? 0) ? [place(quantity - (rest.backordered ?? 0))] : [], expiresAt: rest.expiresAt ?? 100 },
    rest.time ?? 0,
  );

function books(...facts: LedgerEvent[]): Ledger {
  const ledger = new Ledger();
  for (const one of facts) ledger.add(one);
  return ledger;
}

describe('the ledger adds up', () => {
  test('stock by bucket, holds until they end, allocations until they leave', () => {
    const ledger = books(defined(0), received(10), received(2, 'damaged'), hold('held', 'a', 4), hold('held', 'b', 3), hold('released', 'a', 1), hold('confirmed', 'b', 3));
    expect(ledger.at('main')).toEqual({ sellable: 10, damaged: 2, qualityControl: 0, inTransit: 0, allocated: 3, reserved: 3 });
    ledger.add(fact('inventory.allocation.fulfilled', { orderId: 'o', location: 'main', quantity: 2, onHand: 8, freed: [place(2)], backordered: 0 }));
    ledger.add(fact('inventory.allocation.restored', { orderId: 'o', location: 'main', quantity: 1, onHand: 9 }));
    ledger.add(fact('inventory.allocation.cancelled', { orderId: 'o', quantity: 1, backordered: 0, allocations: [place(1)] }));
    expect(ledger.at('main')).toEqual({ sellable: 9, damaged: 2, qualityControl: 0, inTransit: 0, allocated: 1, reserved: 3 });
    expect([ledger.version, ledger.oversold, ledger.backordered]).toEqual([10, 0, 0]);
  });
});

describe('the ledger finds what was oversold', () => {
  test('a hold of more than is free at its place', () => {
    expect(books(defined(0), received(5), hold('held', 'a', 3), hold('held', 'b', 3)).oversold).toBe(1);
    expect(books(defined(0), received(5), hold('held', 'a', 3), hold('confirmed', 'a', 3), hold('held', 'b', 3)).oversold).toBe(1);
    expect(books(defined(0), received(5), hold('held', 'a', 3), hold('released', 'a', 3), hold('held', 'b', 5)).oversold).toBe(0);
  });

  test('more without a place than may be backordered, and none where nothing limits it', () => {
    const beyond = (limit: number | null, tracked = true): number => books(defined(limit, tracked), hold('held', 'a', 3, { backordered: 3 }), hold('held', 'b', 2, { backordered: 2 })).oversold;
    expect([beyond(4), beyond(5), beyond(0), beyond(null), beyond(0, false)]).toEqual([1, 0, 5, 0, 0]);
  });

  test('but not where a hold had run out and its end was written later', () => {
    const taken = (time: number): number => books(defined(0), received(5), hold('held', 'a', 5, { expiresAt: 100 }), hold('held', 'b', 5, { time, expiresAt: 900 }), hold('expired', 'a', 5, { time: time + 5 })).oversold;
    expect([taken(99), taken(100)]).toEqual([5, 0]);
  });

  test('and not where a count takes the stock from under a promise', () => {
    expect(books(defined(0), received(5), hold('held', 'a', 5), received(-3)).oversold).toBe(0);
  });
});
