import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Step } from './candidate.ts';
import { unpriced } from './evolve.ts';
import { readPrice, writePrice } from './stored-price.ts';

const money = fc.option(fc.record({ amount: fc.integer({ min: -2, max: 3 }), currency: fc.constantFrom('EUR', 'USD') }));
const step = fc.record({ step: fc.constantFrom('base', 'floor'), before: money, after: money, reason: fc.string({ maxLength: 5 }) });

test('a saved price is read as it was, whatever its steps', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 6 }), (why) => {
      const price = { ...unpriced('lamp'), version: 3, price: { amount: 5, currency: 'EUR' }, why };
      expect(readPrice(writePrice(price))).toEqual(price);
    }),
  );
});

test('steps that follow each other are saved once', () => {
  const eur = (amount: number) => ({ amount, currency: 'EUR' });
  const why: Step[] = [{ step: 'base', before: eur(1_000), after: eur(1_000), reason: 'the base price' }, { step: 'low', before: eur(1_000), after: eur(1_050), reason: 'available 3: +5 %' }];
  expect(JSON.parse(writePrice({ ...unpriced('lamp'), why }))).toMatchObject({ whyIn: 'EUR', why: [['base', 1_000, 1_000, 'the base price'], ['low', 1_050, 'available 3: +5 %']] });
});
