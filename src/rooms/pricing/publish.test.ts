import { describe, expect, test } from 'vitest';
import { priceView, PUBLIC_TYPES } from './pricing.ts';
import { based, DAY, eur, HOUR, modelled, SECOND, Till } from './testing.ts';

describe('prices without a policy', () => {
  test('are base prices, and every one that is set is a fact', () => {
    const till = new Till();
    expect(till.publish(based(eur(10000)))).toEqual({ outcomes: [{ sku: 'lamp', outcome: 'changed' }] });
    till.publish(based(eur(9000), 2));
    expect(till.facts.map(({ data }) => data)).toEqual([
      { before: null, price: eur(10000), basePrice: eur(10000), policy: null, policyVersion: null, why: '["EUR",["base",10000,10000,"the base price"]]', stockVersion: 1, by: 'hand' },
      { before: eur(10000), price: eur(9000), basePrice: eur(9000), policy: null, policyVersion: null, why: '["EUR",["base",9000,9000,"the base price"]]', stockVersion: 2, by: 'hand' },
    ]);
  });
  test('are none where there is no base price, and go with it', () => {
    const till = new Till();
    expect(till.publish(based(null)).outcomes[0]?.outcome).toBe('unchanged');
    till.publish(based(eur(10000)));
    till.publish(based(null, 2));
    expect(priceView(till.price(), till.now)).toMatchObject({ price: null, basePrice: null, lowest30d: null, reductionPercent: null, why: [], version: 2 });
  });
});

describe('what is published', () => {
  test('says what it is, why, and since when', () => {
    const till = new Till();
    till.publish(based(eur(10000)));
    till.wait(DAY).publish(modelled(80, { ending: 99 }, { stockVersion: 7 }));
    expect(priceView(till.price(), till.now)).toEqual({
      sku: 'lamp',
      price: eur(7999),
      basePrice: eur(10000),
      lowest30d: eur(10000),
      reductionPercent: 20.01,
      policy: 'p',
      policyVersion: 1,
      degraded: false,
      why: [
        { step: 'base', before: eur(10000), after: eur(10000), reason: 'the base price' },
        { step: 'model', before: eur(10000), after: eur(8000), reason: 'as the test says' },
        { step: 'ending', before: eur(8000), after: eur(7999), reason: 'the nearest that ends in 99 within the bounds' },
      ],
      version: 2,
      stockVersion: 7,
      effectiveAt: '2027-01-02T00:00:00.000Z',
    });
  });
  test('is written where something is another, and only there', () => {
    const till = new Till();
    till.publish(modelled(80));
    const outcomes = [modelled(80, {}, { stockVersion: 9 }), modelled(80, {}, { policyVersion: 2 }), modelled(80, {}, { policyVersion: 2 }), modelled(80, {}, { policyVersion: 2, basePrice: eur(10100) }), based(eur(8000), 9), based(eur(8000), 9)].map((candidate) => till.publish(candidate).outcomes[0]?.outcome);
    expect(outcomes).toEqual(['unchanged', 'noted', 'unchanged', 'noted', 'noted', 'unchanged']);
    expect(till.factsFrom(0)).toEqual(['price.changed', 'price.noted', 'price.noted', 'price.noted']);
  });
  test('is never of older stock than what is there, of the same it may be', () => {
    const till = new Till();
    till.publish(modelled(80, {}, { stockVersion: 5 }));
    expect(till.publish(modelled(70, {}, { stockVersion: 4 })).outcomes).toEqual([{ sku: 'lamp', outcome: 'outdated' }]);
    expect(till.publish(modelled(70, {}, { stockVersion: 5 })).outcomes).toEqual([{ sku: 'lamp', outcome: 'changed' }]);
    expect(till.price().price).toEqual(eur(7000));
  });
  test('was computed with the policies and controls that there are', () => {
    const till = new Till();
    till.do({ type: 'SetControls', controls: { killSwitch: false, freeze: [{ sku: ['x'] }] } });
    const { outcomes } = till.ask<{ outcomes: unknown }>({ type: 'PublishPrices', revision: 0, items: [modelled(80), based(eur(1), 1, 'chair')] });
    expect(outcomes).toEqual([{ sku: 'lamp', outcome: 'outdated' }, { sku: 'chair', outcome: 'outdated' }]);
    expect(till.factsFrom(1)).toEqual([]);
  });
  test('is one price for each item of a command', () => {
    const till = new Till();
    expect(till.publish(modelled(80), modelled(70), based(eur(500), 1, 'chair')).outcomes.map(({ outcome }) => outcome)).toEqual(['changed', 'outdated', 'changed']);
    expect(till.price('chair').price).toEqual(eur(500));
  });
});

describe('a price that is kept', () => {
  test('says so once, and when it could go on', () => {
    const till = new Till();
    till.publish(based(eur(10000)));
    const guardrails = { cooldownSeconds: 60 };
    till.publish(modelled(90, guardrails));
    expect(till.wait(SECOND).publish(modelled(80, guardrails)).outcomes).toEqual([{ sku: 'lamp', outcome: 'noted', again: till.now + 59 * SECOND }]);
    expect(till.wait(SECOND).publish(modelled(80, guardrails)).outcomes).toEqual([{ sku: 'lamp', outcome: 'unchanged', again: till.now + 58 * SECOND }]);
    expect(priceView(till.price(), till.now)).toMatchObject({ price: eur(9000), held: 'cooldown', why: [{ step: 'base' }, { step: 'model' }, { step: 'cooldown', after: eur(9000) }] });
    till.wait(58 * SECOND).publish(modelled(80, guardrails));
    expect(priceView(till.price(), till.now)).toMatchObject({ price: eur(8000) });
    expect(till.price().held).toBeUndefined();
    expect(till.rows.get('prices lamp')?.at(-1)).toBeNull();
  });
  test('by its largest step goes on window by window', () => {
    const till = new Till();
    till.publish(based(eur(10000)));
    const prices: unknown[] = [];
    for (let i = 0; i < 5; i++) {
      const [item] = till.publish(modelled(140, { maxStepPercent: 10 })).outcomes;
      prices.push(till.price().price?.amount);
      expect(till.rows.get('prices lamp')?.at(-1)).toBe(till.price().again ?? null);
      till.now = item?.again ?? till.now + HOUR;
    }
    expect(prices).toEqual([11000, 12100, 13310, 14000, 14000]);
    expect(till.now).toBe(till.price().effectiveAt + 2 * HOUR);
  });
  test('by the kill switch stays whatever happens, and moves when it is lifted', () => {
    const till = new Till();
    till.publish(based(eur(10000)));
    till.do({ type: 'SetControls', controls: { killSwitch: true, freeze: [] } });
    till.publish(modelled(80));
    till.publish(based(eur(5000), 2));
    expect(till.price()).toMatchObject({ price: eur(10000), held: 'kill-switch' });
    till.do({ type: 'SetControls', controls: { killSwitch: false, freeze: [] } });
    till.publish(based(eur(5000), 2));
    expect(till.price()).toMatchObject({ price: eur(5000) });
  });
  test('because the strategy gave none is degraded, until it gives one', () => {
    const till = new Till();
    till.publish(modelled(80));
    till.publish(modelled(0, {}, { priced: null }));
    expect(till.price()).toMatchObject({ price: eur(8000), degraded: true, held: 'model' });
    till.publish(modelled(80));
    expect(till.price()).toMatchObject({ price: eur(8000), degraded: false });
    expect(till.factsFrom(0)).toEqual(['price.changed', 'price.noted', 'price.noted']);
  });
});

describe('a shadow policy', () => {
  test('is computed and recorded beside the price, and not shown', () => {
    const till = new Till();
    const shadow = { mode: 'shadow', policyId: 's' } as const;
    till.publish(modelled(90), modelled(70, {}, shadow));
    till.publish(modelled(90, {}, { stockVersion: 2 }), modelled(70, {}, { ...shadow, stockVersion: 2 }));
    till.publish(modelled(95, {}, { stockVersion: 3 }), modelled(60, {}, { ...shadow, stockVersion: 3 }));
    expect(till.factsFrom(0)).toEqual(['price.changed', 'shadow.priced', 'price.changed', 'shadow.priced']);
    expect(till.facts[3]?.data).toMatchObject({ policy: 's', before: eur(7000), price: eur(6000), live: eur(9500), model: 60, stockVersion: 3 });
    expect(till.price()).toMatchObject({ price: eur(9500), policy: 'p', shadows: { s: { price: eur(6000) } } });
    expect([...till.rows].filter(([key]) => key.startsWith('price_history')).map(([, row]) => [row[3], row[5], row[7]])).toEqual([[0, 9000, 'p'], [1, 7000, 's'], [0, 9500, 'p'], [1, 6000, 's']]);
  });
  test('keeps its own pace, and is not held by the kill switch', () => {
    const till = new Till();
    till.do({ type: 'SetControls', controls: { killSwitch: true, freeze: [] } });
    for (const name of ['a', 'b', 'c', 'd', '__proto__', '5']) till.publish(modelled(70, { maxStepPercent: 10 }, { mode: 'shadow', policyId: name }));
    expect(Object.keys(till.price().shadows).toSorted()).toEqual(['5', '__proto__', 'c', 'd']);
    till.wait(HOUR).publish(modelled(70, { maxStepPercent: 10 }, { mode: 'shadow', policyId: 'd' }));
    expect(till.price().shadows['d']?.price).toEqual(eur(8100));
    expect(till.price().price).toBeNull();
    expect(till.publish(modelled(60, {}, { mode: 'shadow', policyId: 'd', stockVersion: 0 })).outcomes[0]?.outcome).toBe('outdated');
    expect(till.publish({ ...modelled(60, {}, { mode: 'shadow', policyId: 'd' }), basePrice: null }).outcomes[0]?.outcome).toBe('unchanged');
  });
});

test('the world hears of prices that changed, and of policies', () => {
  expect(PUBLIC_TYPES).toEqual(['pricing.price.changed', 'pricing.policy.changed']);
});
