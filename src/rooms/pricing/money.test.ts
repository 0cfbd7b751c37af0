import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decimalsOf, halfEven, minorPerUnit } from './money.ts';

test('halves go to the even neighbour, and what is no half to the nearest', () => {
  expect([0.5, 1.5, 2.5, 2.4999, 2.5001, -0.5, -1.5].map((value) => halfEven(value) + 0)).toEqual([0, 2, 2, 2, 3, 0, -2]);
});

test('what a binary fraction adds to a half does not count', () => {
  expect(halfEven(10.25 * 1.1 * 100)).toBe(1128); // 1127.5000000000002
  expect(halfEven(1.005 * 100)).toBe(100); // 100.49999999999999, written as 100.5
});

test('whole numbers stay, and every other is moved by a half at most', () => {
  fc.assert(fc.property(fc.integer({ min: -1e12, max: 1e12 }), fc.double({ min: -0.5, max: 0.5, noNaN: true }), (whole, part) => {
    expect(halfEven(whole)).toBe(whole);
    expect(Math.abs(halfEven(whole + part) - (whole + part))).toBeLessThanOrEqual(0.5 + 1e-3);
  }));
});

test('currencies have the decimals of ISO 4217', () => {
  expect(['EUR', 'JPY', 'KWD', 'CHF'].map(decimalsOf)).toEqual([2, 0, 3, 2]);
  expect(['EUR', 'JPY', 'KWD'].map(minorPerUnit)).toEqual([100, 1, 1000]);
});
