import { describe, expect, test } from 'vitest';
import { openHoldfast, type TestHoldfast } from '../testing.ts';

const WAIT = { prefer: 'wait=10' };
const ndjson = (shop: TestHoldfast, content: string, query = '', headers = {}) => shop.ask('POST', `/v1/adjustments${query}`, { raw: { type: 'application/x-ndjson', content }, headers });

async function batchDone(shop: TestHoldfast, location: string | undefined): Promise<{ accepted: number; applied: number; refused: number; pending: number; refusals: { line: number; problem: { code: string } }[] }> {
  for (;;) {
    const { body } = await shop.get(String(location));
    if (body.pending === 0) return body;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('an adjustment', () => {
  test('is accepted, worked off, and its result is found under its command', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 0);
    const accepted = await shop.post('/v1/items/tea/adjustments', { change: 5, reason: 'received' });
    expect([accepted.status, accepted.headers['location'], accepted.body]).toEqual([202, `/v1/commands/${accepted.body.commandId}`, { commandId: expect.stringMatching(/^cmd_/), status: 'accepted' }]);
    const waited = await shop.post('/v1/items/tea/adjustments', { count: 8, expected: 5, reason: 'counted' }, WAIT);
    expect([waited.status, waited.headers['preference-applied'], waited.body.result]).toEqual([200, 'wait=10', { sku: 'tea', location: 'main', bucket: 'sellable', change: 3, onHand: 8, version: expect.any(Number) }]);
    expect((await shop.get(String(accepted.headers['location']))).body).toEqual({ commandId: accepted.body.commandId, status: 'applied', result: expect.objectContaining({ change: 5, onHand: 5 }) });
    expect((await shop.get('/v1/commands/cmd_none')).body.code).toBe('unknown-command');
  });

  test('moves between buckets, and one that changes nothing leaves no fact', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 8);
    expect((await shop.post('/v1/items/tea/adjustments', { move: 3, from: 'sellable', to: 'damaged', reason: 'damaged' }, WAIT)).body.result).toMatchObject({ bucket: 'damaged', change: 3, onHand: 5 });
    const same = await shop.post('/v1/items/tea/adjustments', { count: 5, reason: 'counted' }, WAIT);
    expect(same.body.result).toMatchObject({ change: 0, onHand: 5 });
    expect((await shop.get('/v1/items/tea/availability')).body).toMatchObject({ onHand: 5, buckets: { damaged: 3 }, version: same.body.result.version });
  });

  test('that a rule refuses says so to who waits, and to who asks later', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 2);
    const waited = await shop.post('/v1/items/tea/adjustments', { change: -3, reason: 'lost' }, WAIT);
    expect(waited.body).toMatchObject({ status: 409, code: 'negative-stock' });
    const later = await shop.get(String(waited.headers['location']));
    expect(later.body).toMatchObject({ status: 'refused', problem: { status: 409, code: 'negative-stock' } });
    expect((await shop.post('/v1/items/tea/adjustments', { count: 9, expected: 1, reason: 'counted' }, WAIT)).body.code).toBe('unexpected-count');
  });

  test.each([
    [{ change: 0, reason: 'other' }, ['/change']],
    [{ change: 1.5, reason: 'other' }, ['/change']],
    [{ change: 1 }, ['/reason']],
    [{}, ['/change', '/reason']],
    [{ change: 1, reason: 'because' }, ['/reason']],
    [{ change: 1, count: 2, reason: 'other' }, ['/change']],
    [{ count: -1, reason: 'counted' }, ['/count']],
    [{ move: 0, from: 'sellable', to: 'shelf', reason: 'other' }, ['/move', '/to']],
    [{ move: 1, from: 'damaged', to: 'damaged', reason: 'other' }, ['/to']],
    [{ change: 1, reason: 'other', sku: 'tea' }, ['/sku']],
    [{ change: 1, reason: 'other', note: 'a\u0007' }, ['/note']],
    [[], ['']],
  ])('%j is refused at the door', async (body, pointers) => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 2);
    const answer = await shop.post('/v1/items/tea/adjustments', body);
    expect([answer.status, answer.body.errors.map(({ pointer }: { pointer: string }) => pointer).sort()]).toEqual([422, pointers]);
  });

  test('of what is not there, at a place that is not, or on an old picture is refused at the door', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 2);
    const body = { change: 1, reason: 'found' };
    expect((await shop.post('/v1/items/none/adjustments', body)).body).toMatchObject({ status: 404, code: 'unknown-item' });
    expect((await shop.post('/v1/items/tea/adjustments', { ...body, location: 'moon' })).body).toMatchObject({ status: 422, code: 'unknown-location', errors: [{ pointer: '/location' }] });
    const etag = String((await shop.get('/v1/items/tea/availability')).headers['etag']);
    expect((await shop.post('/v1/items/tea/adjustments', body, { ...WAIT, 'if-match': etag })).status).toBe(200);
    expect((await shop.post('/v1/items/tea/adjustments', body, { ...WAIT, 'if-match': etag })).body).toMatchObject({ status: 412, code: 'version-conflict' });
  });
});

describe('many adjustments', () => {
  test('as an array: good lines are accepted, bad ones named by their number', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 1);
    const answer = await shop.post('/v1/adjustments', [
      { sku: 'tea', change: 4, reason: 'received' },
      { sku: 'none', change: 1, reason: 'received' },
      { sku: 'tea', change: 'x', reason: 'received' },
      { change: 1, reason: 'received' },
      7,
      { sku: 'tea', change: -9, reason: 'lost' },
      { sku: 'tea', change: 1, reason: 'found', location: 'moon' },
    ]);
    expect([answer.status, answer.body.accepted]).toEqual([202, 2]);
    expect(answer.body.rejected.map(({ line, problem }: { line: number; problem: { code: string } }) => [line, problem.code]).sort()).toEqual([[2, 'unknown-item'], [3, 'invalid-request'], [4, 'invalid-request'], [5, 'invalid-request'], [7, 'unknown-location']]);
    const done = await batchDone(shop, answer.headers['location']);
    expect(done).toMatchObject({ accepted: 2, applied: 1, refused: 1, refusals: [{ line: 6, problem: { code: 'negative-stock' } }] });
  });

  test('as lines: CRLF and blank lines are fine, lines of one item are applied in order', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 0);
    const lines = Array.from({ length: 300 }, (_, i) => JSON.stringify({ sku: 'tea', count: i + 1, expected: i, reason: 'counted' }));
    const answer = await ndjson(shop, `\r\n  \n${lines.join('\r\n\n')}\n{"sku":`);
    expect(answer.body).toMatchObject({ accepted: 300, rejected: [{ line: 602, problem: { code: 'malformed-json' } }] });
    const done = await batchDone(shop, answer.headers['location']);
    expect(done).toMatchObject({ applied: 300, refused: 0 });
    expect((await shop.get('/v1/items/tea/availability')).body.onHand).toBe(300);
  });

  test('make items that are not there where they were asked to, and leave those that are as they are', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 1, { safetyStock: 7 });
    const answer = await ndjson(shop, '{"sku":"tea","change":1,"reason":"found"}\n{"sku":"new","change":2,"reason":"received"}', '?createItems=true');
    await batchDone(shop, answer.headers['location']);
    expect((await shop.get('/v1/items/tea')).body.safetyStock).toBe(7);
    expect((await shop.get('/v1/items/new/availability')).body.available).toBe(2);
  });

  test('are bounded, and beyond the bound nothing is stored', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 0);
    const line = '{"sku":"tea","change":1,"reason":"received"}\n';
    expect((await ndjson(shop, line.repeat(100_001))).body).toMatchObject({ status: 413, code: 'payload-too-large' });
    expect((await ndjson(shop, `{"sku":"tea","change":1,"reason":"received","note":"${'x'.repeat(70_000)}"}`)).status).toBe(413);
    expect((await shop.post('/v1/adjustments', Array.from({ length: 1_001 }, () => ({ sku: 'tea', change: 1, reason: 'received' })))).status).toBe(422);
    expect((await shop.post('/v1/adjustments', {})).status).toBe(422);
    expect((await shop.get('/v1/queues')).body.find(({ name }: { name: string }) => name === 'commands') ?? { ready: 0 }).toMatchObject({ ready: 0 });
    expect((await shop.get('/v1/items/tea/availability')).body.onHand).toBe(0);
  });

  test('of which none was accepted still have a batch', async () => {
    await using shop = await openHoldfast();
    const answer = await shop.post('/v1/adjustments', [{ sku: 'none', change: 1, reason: 'found' }]);
    expect(answer.body).toMatchObject({ accepted: 0, rejected: [{ line: 1 }] });
    expect((await shop.get(String(answer.headers['location']))).body).toEqual({ accepted: 0, applied: 0, refused: 0, pending: 0, refusals: [] });
    expect((await shop.get('/v1/batches/bat_none')).body.code).toBe('unknown-batch');
  });
});

describe('work asked to be done later', () => {
  test('is done, through the queue', async () => {
    await using shop = await openHoldfast();
    await shop.stock('tea', 5);
    const { id } = (await shop.post('/v1/reservations', { lines: [{ sku: 'tea', quantity: 2 }] })).body as { id: string };
    const path = `/v1/reservations/${id}/confirm`;
    const accepted = await shop.post(path, { orderId: 'o' }, { prefer: 'respond-async' });
    expect([accepted.status, accepted.body.status]).toEqual([202, 'accepted']);
    const waited = await shop.post('/v1/allocations/o/fulfil', { lines: [{ sku: 'tea', quantity: 2 }] }, { prefer: 'respond-async, wait=10' });
    expect([waited.status, waited.body.result]).toMatchObject([200, { orderId: 'o', status: 'fulfilled' }]);
    expect((await shop.post('/v1/reservations/res_none/confirm', {}, { prefer: 'respond-async' })).body).toMatchObject({ status: 404, code: 'unknown-reservation' });
    expect((await shop.post(path, {}, { prefer: 'wait=soon' })).body.errors[0]).toMatchObject({ pointer: '/prefer', in: 'header' });
  });
});
