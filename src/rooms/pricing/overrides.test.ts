import { describe, expect, test } from 'vitest';
import { priceView, pricing } from './pricing.ts';
import { based, DAY, eur, HOUR, modelled, Till } from './testing.ts';

const set = (amount: number, more: object = {}) => ({ type: 'SetOverride', sku: 'lamp', price: eur(amount), reason: 'fair', actor: 'key_1', ...more }) as const;

describe('a price set by hand', () => {
  test('is shown at once, and stays whatever a policy says', () => {
    const till = new Till();
    till.publish(modelled(90));
    expect(till.ask(set(5000))).toMatchObject({ price: eur(5000), policy: null, override: { until: null, reason: 'fair' }, reductionPercent: 44.44, why: [{ step: 'base', after: eur(10000) }, { step: 'override', before: eur(10000), after: eur(5000), reason: 'fair' }] });
    expect(till.publish(modelled(80, {}, { stockVersion: 2 })).outcomes[0]?.outcome).toBe('unchanged');
    expect(till.publish(modelled(80, {}, { stockVersion: 3, basePrice: eur(12000) })).outcomes[0]?.outcome).toBe('noted');
    expect(till.price()).toMatchObject({ price: eur(5000), basePrice: eur(12000), policy: null });
    expect(till.factsFrom(0)).toEqual(['price.changed', 'override.set', 'price.changed', 'price.noted']);
  });
  test('may be set again, and over an item without a price', () => {
    const till = new Till();
    till.do(set(5000));
    till.do(set(6000));
    till.do(set(6000, { reason: 'still' }));
    expect(till.factsFrom(0)).toEqual(['override.set', 'price.changed', 'override.set', 'price.changed', 'override.set', 'price.noted']);
    till.do({ type: 'EndOverride', sku: 'lamp', why: 'asked' });
    till.publish(modelled(90));
    expect(till.price().price).toEqual(eur(9000));
  });
  test('ends, and the policy goes on from where it was, at its own pace', () => {
    const till = new Till();
    const guardrails = { maxStepPercent: 10, cooldownSeconds: 3600 };
    till.publish(based(eur(10000)));
    till.publish(modelled(105, guardrails));
    till.do(set(5000));
    till.do({ type: 'EndOverride', sku: 'lamp', why: 'asked' });
    expect(till.price().price).toEqual(eur(5000));
    till.publish(modelled(120, guardrails));
    expect(till.price()).toMatchObject({ price: eur(10500), held: 'cooldown' });
    till.wait(HOUR).publish(modelled(120, guardrails));
    expect(till.price().price).toEqual(eur(11550));
    expect(till.price().resume).toBeUndefined();
  });
  test('that is the price anyway leaves nothing behind', () => {
    const till = new Till();
    till.publish(modelled(90));
    till.do(set(9000));
    till.do({ type: 'EndOverride', sku: 'lamp', why: 'asked' });
    expect(till.publish(modelled(90)).outcomes[0]?.outcome).toBe('noted');
    expect(till.publish(modelled(90)).outcomes[0]?.outcome).toBe('unchanged');
    expect(till.price().resume).toBeUndefined();
  });
  test('until an instant wakes then, and counts no more from then on', () => {
    const till = new Till();
    till.publish(based(eur(10000)));
    const until = till.now + DAY;
    till.do(set(5000, { until }));
    expect(pricing.dueOf('p/lamp', till.price())).toBe(until);
    expect(pricing.wake('p/lamp')).toEqual({ type: 'EndOverride', sku: 'lamp', why: 'lapsed' });
    till.wait(DAY - 1).do(pricing.wake('p/lamp'));
    till.publish(based(eur(10000)));
    expect(priceView(till.price(), till.now)).toMatchObject({ price: eur(5000), override: { until: '2027-01-02T00:00:00.000Z' } });
    const count = till.facts.length;
    till.wait(1).publish(based(eur(10000)));
    expect(till.factsFrom(count)).toEqual(['override.ended', 'price.changed']);
    expect(till.price().price).toEqual(eur(10000));
    till.do(pricing.wake('p/lamp'));
    expect(till.factsFrom(count + 2)).toEqual([]);
    expect(pricing.dueOf('p/lamp', till.price())).toBeNull();
  });
  test('ends by its timer', () => {
    const till = new Till();
    till.do(set(5000, { until: till.now + 5 }));
    till.wait(5).do(pricing.wake('p/lamp'));
    expect(till.factsFrom(2)).toEqual(['override.ended']);
  });
  test('is refused in another currency than the base price, with an end that is past, and where there is none to end', () => {
    const till = new Till();
    till.publish(based(eur(10000)));
    expect(till.do({ ...set(1), price: { amount: 1, currency: 'USD' }, until: till.now })).toMatchObject({ ok: false, refusal: { kind: 'invalid', members: { errors: [{ pointer: '/price/currency' }, { pointer: '/until' }] } } });
    expect(till.do({ type: 'EndOverride', sku: 'lamp', why: 'asked' })).toMatchObject({ ok: false, refusal: { kind: 'not-found' } });
  });
});
