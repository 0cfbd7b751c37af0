import { describe, expect, test } from 'vitest';
import { openHoldfast } from '../testing.ts';

const line = (number: number, value: unknown): object => ({ line: number, value });

describe('imports over HTTP', () => {
  test('take in lines of places, items and stock, each done or refused by itself', async () => {
    await using shop = await openHoldfast();
    const answer = await shop.post('/v1/imports/first/lines', {
      after: 0,
      upTo: 6,
      lines: [
        line(1, { location: 'north', name: 'North', rank: 2 }),
        line(2, { sku: 'lamp', name: 'Lamp', price: { amount: 1999, currency: 'EUR' }, location: 'north', count: 5 }),
        line(3, { sku: 'lamp', change: 2, reason: 'received' }),
        line(4, { sku: 'lamp', change: 2 }),
        line(5, { sku: 'vase', count: 2 }),
        line(6, { sku: 'lamp', price: 3, safetyStock: -1 }),
      ],
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ importId: 'first', line: 6, repeated: false, described: 2, adjusted: 1, unchanged: 0 });
    const refused = answer.body.refused as { line: number; problem: { code: string; errors?: { pointer: string }[] } }[];
    expect(refused.map((one) => [one.line, one.problem.code, ...(one.problem.errors ?? []).map(({ pointer }) => pointer)])).toEqual([
      [4, 'invalid-request', '/reason'],
      [5, 'unknown-item'],
      [6, 'invalid-request', '/price', '/safetyStock'],
    ]);
    expect((await shop.get('/v1/items/lamp/availability')).body).toMatchObject({ onHand: 7, available: 7 });
    expect((await shop.get('/v1/imports/first')).body).toMatchObject({ line: 6, described: 2, adjusted: 1, refused: 1, refusals: [{ line: 5, problem: { code: 'unknown-item' } }] });
  });

  test('do nothing twice, and nothing out of turn', async () => {
    await using shop = await openHoldfast();
    const part = { after: 0, upTo: 2, createItems: true, lines: [line(1, { sku: 'lamp', change: 3, reason: 'received' }), line(2, { sku: 'lamp', change: -9, reason: 'lost' })] };
    const first = await shop.post('/v1/imports/x/lines', part);
    const again = await shop.post('/v1/imports/x/lines', part);
    expect(again.body).toMatchObject({ repeated: true, refused: [{ line: 2, problem: { code: 'negative-stock' } }] });
    expect(first.body.refused).toHaveLength(1);
    const waiting = shop.post('/v1/imports/x/lines', { ...part, after: 5, upTo: 9, lines: [] });
    let gap: Awaited<typeof waiting> | undefined;
    for (void waiting.then((answer) => (gap = answer)); !gap; shop.clock.advance(1_000)) await new Promise(setImmediate);
    expect([gap.status, gap.body.code, gap.body.line]).toEqual([409, 'import-elsewhere', 2]);
    expect((await shop.get('/v1/items/lamp/availability')).body.onHand).toBe(3);
  });

  test('rehearse without storing anything', async () => {
    await using shop = await openHoldfast();
    const answer = await shop.post('/v1/imports/x/lines', { after: 0, upTo: 2, dryRun: true, lines: [line(1, { sku: 'lamp' }), line(2, { sku: 'vase', change: 1, reason: 'found' })] });
    expect(answer.body).toMatchObject({ described: 1, refused: [{ line: 2, problem: { code: 'unknown-item' } }] });
    expect((await shop.get('/v1/items/lamp')).status).toBe(404);
    expect((await shop.get('/v1/imports/x')).body.code).toBe('unknown-import');
  });

  test('refuse lines whose numbers are in no order', async () => {
    await using shop = await openHoldfast();
    const answer = await shop.post('/v1/imports/x/lines', { after: 3, upTo: 3, lines: [line(5, { sku: 'a' }), line(4, { sku: 'b' })] });
    expect([answer.status, answer.body.errors.map((fault: { pointer: string }) => fault.pointer)]).toEqual([422, ['/upTo', '/lines/0/line', '/lines/1/line']]);
  });
});
