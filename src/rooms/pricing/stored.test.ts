import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Step } from './candidate.ts';
import { priceAfter, unpriced } from './evolve.ts';
import type { PriceEvent } from './events.ts';
import type { Price } from './state.ts';
import { readPrice, readSaid, readWhy, writePrice, writeSaid, writeWhy } from './stored.ts';
import { factRows } from './views.ts';

const eur = (amount: number) => ({ amount, currency: 'EUR' });
const money = fc.option(fc.record({ amount: fc.integer({ min: -2, max: 3 }), currency: fc.constantFrom('EUR', 'USD') }));
const step = fc.record({ step: fc.constantFrom('base', 'floor'), before: money, after: money, reason: fc.string({ maxLength: 5 }) });

test('kept steps are read as they were, whatever they are', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 6 }), (why) => {
      expect(readWhy(writeWhy(why))).toEqual(why);
    }),
  );
});

test('steps that follow each other are kept once', () => {
  const why: Step[] = [{ step: 'base', before: eur(1_000), after: eur(1_000), reason: 'the base price' }, { step: 'low', before: eur(1_000), after: eur(1_050), reason: 'available 3: +5 %' }];
  expect(writeWhy(why)).toBe('["EUR",["base",1000,1000,"the base price"],["low",1050,"available 3: +5 %"]]');
});

test('a saved price is read as it was, whatever of it there is', () => {
  const track = { price: eur(3), past: [{ until: 4, low: 1, high: 2, count: 1 }] };
  const optional = fc.record<Partial<Price>>(
    {
      past: fc.constant(track.past),
      changedAt: fc.constant(5),
      held: fc.constant('freeze'),
      again: fc.constant(6),
      override: fc.constant({ price: eur(7), reason: 'fair', since: 8 }),
      resume: fc.constant({ ...track, changedAt: undefined }),
      lows: fc.constant([{ ...eur(9), until: 10 }]),
      reduction: fc.constant({ since: 11, prior: 12 }),
      shadows: fc.constant({ s: { ...track, changedAt: 13, policyVersion: 1, model: 0.1, stockVersion: 2, degraded: false } }),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(optional, money, fc.boolean(), (more, price, degraded) => {
      const saved: Price = { ...unpriced('lamp'), version: 3, price, basePrice: price, policy: 'p', policyVersion: 2, stockVersion: 4, effectiveAt: 5, degraded, why: writeWhy([]), ...more };
      expect(readPrice(writePrice(saved))).toEqual(saved);
    }),
  );
});

test('the history keeps all that a fact said', () => {
  const why: Step[] = [{ step: 'base', before: eur(5), after: eur(5), reason: 'the base price' }];
  const data = { before: null, price: eur(5), basePrice: eur(5), policy: null, policyVersion: null, stockVersion: 1, by: 'hand' };
  expect(readSaid(writeSaid({ ...data, why: writeWhy(why) }))).toEqual({ ...data, why });
});

test('facts of the layout before, with their steps as a list, fold to the same and are shown the same', () => {
  const why: Step[] = [{ step: 'base', before: eur(5), after: eur(5), reason: 'the base price' }];
  const factWith = (steps: string): PriceEvent => ({ type: 'pricing.price.changed', key: 'p/lamp', time: 1, data: { before: null, price: eur(5), basePrice: eur(5), policy: null, policyVersion: null, why: steps, stockVersion: 1, by: 'hand' } });
  const [now, before] = [factWith(writeWhy(why)), factWith(why as never)];
  expect(priceAfter(before, undefined)).toEqual(priceAfter(now, undefined));
  const rowsOf = (event: PriceEvent): unknown[] => {
    const rows: unknown[] = [];
    factRows({ position: 1 }, [event as never], { upsert: (table, row) => void rows.push([table, ...row.slice(0, -1), readSaid(String(row.at(-1)))]), delete: () => undefined });
    return rows;
  };
  expect(rowsOf(before)).toEqual(rowsOf(now));
  expect(readWhy(why as never)).toEqual(readWhy(writeWhy(why)));
});
