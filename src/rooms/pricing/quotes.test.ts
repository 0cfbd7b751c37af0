import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../base/json.ts';
import { findQuote, limits, pricing, quoteKey, quoteRefusal, quoteView } from './pricing.ts';
import { based, eur, SECOND, Till } from './testing.ts';

const quote = (lines: readonly { sku: string; quantity: number }[], more: object = {}) => ({ type: 'CreateQuote', lines, ...more }) as const;

function stocked(): Till {
  const till = new Till();
  till.publish(based(eur(1000)), based(eur(250), 1, 'bulb'), based({ amount: 9, currency: 'USD' }, 1, 'tube'), based(eur(Number.MAX_SAFE_INTEGER), 1, 'palace'));
  return till;
}

describe('a quote', () => {
  test('honours the prices of its moment until it expires', () => {
    const till = stocked();
    const view = till.ask<JsonObject & { id: string }>(quote([{ sku: 'lamp', quantity: 3 }, { sku: 'bulb', quantity: 2 }], { channel: 'web', ttlSeconds: 60 }));
    expect(view).toMatchObject({
      id: expect.stringMatching(/^quo_/),
      status: 'open',
      lines: [{ sku: 'lamp', quantity: 3, unitPrice: eur(1000), total: eur(3000) }, { sku: 'bulb', quantity: 2, unitPrice: eur(250), total: eur(500) }],
      total: eur(3500),
      channel: 'web',
      expiresAt: '2027-01-01T00:01:00.000Z',
    });
    till.publish(based(eur(5000), 2));
    const kept = findQuote(till, view.id);
    if (!kept) throw new Error('the quote is not there');
    expect(quoteView(kept, till.now + 60 * SECOND - 1)).toEqual(view);
    expect(quoteRefusal(kept, till.now + 60 * SECOND - 1)).toBeUndefined();
    expect(quoteRefusal(kept, till.now + 60 * SECOND)).toMatchObject({ kind: 'conflict', code: 'quote-expired', members: { expiresAt: '2027-01-01T00:01:00.000Z' } });
    expect(quoteView(kept, till.now + 60 * SECOND)).toMatchObject({ status: 'expired' });
    expect(till.rows.get(`quotes ${kept.id}`)).toEqual([kept.id, 3500, 'EUR', till.now, till.now + 60 * SECOND]);
  });
  test('is forgotten a month after it ended, with its row, and no sooner', () => {
    const till = stocked();
    const { id } = till.ask<JsonObject & { id: string }>(quote([{ sku: 'lamp', quantity: 1 }], { ttlSeconds: 60 }));
    const kept = findQuote(till, id);
    const due = pricing.dueOf(quoteKey(id), kept);
    expect(due).toBe(till.now + 60 * SECOND + limits.QUOTE_RETENTION_MS);
    const wake = pricing.wake(quoteKey(id));
    till.wait((due ?? 0) - till.now - 1);
    expect(till.do(wake)).toMatchObject({ ok: true, events: [] });
    till.wait(1);
    till.do(wake);
    expect(findQuote(till, id)).toBeUndefined();
    expect(till.rows.has(`quotes ${id}`)).toBe(false);
    expect(till.do(wake)).toMatchObject({ ok: true, events: [] });
  });
  test('lasts a quarter of an hour unless asked otherwise', () => {
    expect(stocked().ask(quote([{ sku: 'lamp', quantity: 1 }]))).toMatchObject({ expiresAt: '2027-01-01T00:15:00.000Z' });
  });
  test('names every line without a price', () => {
    expect(stocked().do(quote([{ sku: 'x', quantity: 1 }, { sku: 'lamp', quantity: 1 }, { sku: 'y', quantity: 1 }]))).toMatchObject({ refusal: { kind: 'invalid', code: 'unknown-price', members: { errors: [{ pointer: '/lines/0/sku' }, { pointer: '/lines/2/sku' }] } } });
  });
  test('is in one currency, and comes to what can be counted', () => {
    expect(stocked().do(quote([{ sku: 'lamp', quantity: 1 }, { sku: 'tube', quantity: 1 }]))).toMatchObject({ refusal: { members: { errors: [{ pointer: '/lines/1/sku' }] } } });
    expect(stocked().do(quote([{ sku: 'palace', quantity: 2 }]))).toMatchObject({ refusal: { members: { errors: [{ pointer: '/lines' }] } } });
    expect(stocked().ask(quote([{ sku: 'palace', quantity: 1 }]))).toMatchObject({ total: eur(Number.MAX_SAFE_INTEGER) });
  });
});
