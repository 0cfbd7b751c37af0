import { expect, test } from 'vitest';
import type { JsonObject } from '../../base/json.ts';
import { PolicyBook } from './pricing.ts';
import type { PolicyDefinition, PolicyMode } from './policy.ts';

const policy = (id: string, priority: number, match: JsonObject = {}, mode: PolicyMode = 'live') => ({ id, version: 1, definition: { priority, match, mode, strategy: { kind: 'rules', rules: [] }, guardrails: {} } satisfies PolicyDefinition });
const bookOf = (...policies: ReturnType<typeof policy>[]): PolicyBook => new PolicyBook({ revision: 3, policies: {}, controls: { killSwitch: false, freeze: [{ attributes: { held: [true] } }] } }, policies);
const lamp = { sku: 'lamp', attributes: { category: 'light' } };
const chosen = (book: PolicyBook): string | undefined => book.choose(lamp).live?.id;

test('the highest priority that fits prices an item, and of equals the lower id', () => {
  expect(chosen(bookOf(policy('a', 1), policy('b', 2, { sku: ['lamp'] }), policy('c', 3, { sku: ['chair'] })))).toBe('b');
  expect(chosen(bookOf(policy('b', 1), policy('a', 1), policy('c', 1, { sku: ['lamp'] })))).toBe('a');
  expect(chosen(bookOf(policy('a', 1, { attributes: { category: ['chair'] } })))).toBeUndefined();
  expect(chosen(bookOf())).toBeUndefined();
});

test('a policy that is off prices nothing, and shadows are chosen beside it', () => {
  const book = bookOf(policy('off', 9, {}, 'off'), policy('live', 1), policy('shadow', 8, {}, 'shadow'), policy('other', 9, { sku: ['chair'] }, 'shadow'), policy('last', 0, { sku: ['lamp'] }, 'shadow'));
  expect(book.choose(lamp)).toMatchObject({ live: { id: 'live' }, shadows: [{ id: 'shadow' }, { id: 'last' }], frozen: false });
  expect(bookOf(...Array.from({ length: 9 }, (_, i) => policy(`s${i}`, i, {}, 'shadow'))).choose(lamp).shadows.map(({ id }) => id)).toEqual(['s8', 's7', 's6', 's5']);
});

test('an item that fits a freeze pattern is frozen', () => {
  expect(bookOf().choose({ sku: 'lamp', attributes: { held: true } }).frozen).toBe(true);
  expect([bookOf().revision, bookOf().killSwitch]).toEqual([3, false]);
});
