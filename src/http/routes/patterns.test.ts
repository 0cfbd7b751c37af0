import { afterEach, beforeEach, expect, test } from 'vitest';
import { openHoldfast, type TestHoldfast } from '../testing.ts';

let holdfast: TestHoldfast;
beforeEach(async () => {
  holdfast = await openHoldfast();
});
afterEach(() => holdfast[Symbol.asyncDispose]());

const ask = (pattern: unknown, event: unknown) => holdfast.post('/v1/patterns/test', { pattern, event });

test('an event that matches needs no reasons', async () => {
  const { status, body } = await ask({ data: { available: [{ numeric: ['<', 10] }] } }, { data: { available: 3 } });
  expect([status, body]).toEqual([200, { matches: true, why: [] }]);
});

test('an event that does not match is told what is missing', async () => {
  const { status, body } = await ask({ type: ['a'], data: { available: [{ numeric: ['<', 10] }] } }, { type: 'a', data: { available: 30 } });
  expect([status, body]).toEqual([200, { matches: false, why: [{ field: 'data.available', detail: 'is 30; wanted a number < 10' }] }]);
});

test('a pattern that is none is refused with every place at which it is wrong', async () => {
  const { status, body } = await ask({ sku: [], 'price/net': [{ numeric: ['>'] }] }, {});
  expect([status, body.code]).toEqual([422, 'invalid-request']);
  expect(body.errors).toEqual([
    { pointer: '/pattern/sku', detail: 'must not be empty: nothing would match' },
    { pointer: '/pattern/price~1net/0/numeric', detail: expect.stringContaining('[">", 0]') },
  ]);
});

test.each([
  ['a pattern that is no object', [], {}, '/pattern'],
  ['an event that is no object', { sku: ['a'] }, 3, '/event'],
])('%s is refused', async (_, pattern, event, pointer) => {
  const { status, body } = await ask(pattern, event);
  expect([status, body.errors.map((fault: { pointer: string }) => fault.pointer)]).toEqual([422, [pointer]]);
});

test('whoever may not read may not try patterns either', async () => {
  expect((await holdfast.ask('POST', '/v1/patterns/test', { body: { pattern: { a: [1] }, event: {} }, key: null })).status).toBe(401);
});
