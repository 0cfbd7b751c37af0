import { describe, expect, test } from 'vitest';
import type { Candidate } from './candidate.ts';
import { judge, type Judged, type Setting } from './guardrails.ts';
import type { Money } from './money.ts';
import type { Guardrails } from './policy.ts';
import type { Track } from './state.ts';
import { trackTo } from './track.ts';

const HOUR = 3_600_000;
const NOW = 100 * HOUR;
const eur = (amount: number): Money => ({ amount, currency: 'EUR' });

/** A price of 100.00 whose strategy says `model`. */
function asked(model: number, guardrails: Guardrails, more: Partial<Candidate> = {}): Candidate {
  const steps = [{ step: 'scarce', before: eur(10000), after: eur(Math.round(model * 100)), reason: 'few are left' }];
  return { sku: 'lamp', basePrice: eur(10000), cost: eur(6000), stockVersion: 1, signalsAt: NOW, policy: { id: 'p', version: 1, mode: 'live', guardrails }, priced: { model, steps }, frozen: false, ...more };
}

const at = (amount: number, more: Partial<Track> = {}): Track => ({ price: eur(amount), past: [], ...more });
const judged = (candidate: Candidate, track: Track | undefined = at(10000), setting: Partial<Setting> = {}): Judged => judge(candidate, track, { now: NOW, killSwitch: false, shown: track?.price ?? null, ...setting });
const told = ({ price, why }: Judged): [number | undefined, string] => [price?.amount, why.map(({ step, after }) => `${step} ${after?.amount}`).join(', ')];

describe('guardrails', () => {
  test('A4: 100 before, model 140, step 10 % an hour, ceiling 130, ending .99 gives 109.99', () => {
    const { price, why } = judged(asked(140, { ceiling: eur(13000), maxStepPercent: 10, stepWindowSeconds: 3600, ending: 99 }));
    expect(price).toEqual(eur(10999));
    expect(why).toEqual([
      { step: 'base', before: eur(10000), after: eur(10000), reason: 'the base price' },
      { step: 'scarce', before: eur(10000), after: eur(14000), reason: 'few are left' },
      { step: 'ceiling', before: eur(14000), after: eur(13000), reason: 'a ceiling of 130.00 EUR' },
      { step: 'max-step', before: eur(13000), after: eur(11000), reason: 'at most 10 % from the prices of 3600 s' },
      { step: 'ending', before: eur(11000), after: eur(10999), reason: 'the nearest that ends in 99 within the bounds' },
    ]);
  });
  test('without guardrails the price is the model, rounded half-even', () => {
    expect(told(judged(asked(110.125, {})))).toEqual([11012, 'base 10000, scarce 11013, rounding 11012']);
    expect(judged(asked(110.135, {})).price).toEqual(eur(11014));
  });
  test('a floor by margin and by money', () => {
    expect(told(judged(asked(50, { floor: { margin: 0.1 } })))).toEqual([6600, 'base 10000, scarce 5000, floor 6600']);
    expect(told(judged(asked(50, { floor: eur(7000) })))).toEqual([7000, 'base 10000, scarce 5000, floor 7000']);
  });
  test('a floor whose cost is not known says so', () => {
    expect(told(judged(asked(50, { floor: { margin: 0.1 } }, { cost: null })))).toEqual([5000, 'base 10000, scarce 5000, floor 5000']);
    expect(told(judged(asked(50, { floor: { amount: 7000, currency: 'USD' } })))).toEqual([5000, 'base 10000, scarce 5000, floor 5000']);
  });
  test('a ceiling by factor and by money', () => {
    expect(told(judged(asked(200, { ceiling: { factor: 1.1 } })))).toEqual([11000, 'base 10000, scarce 20000, ceiling 11000']);
    expect(told(judged(asked(200, { ceiling: eur(15000) })))).toEqual([15000, 'base 10000, scarce 20000, ceiling 15000']);
  });
  test('a floor above the ceiling is what counts', () => {
    expect(told(judged(asked(90, { floor: { margin: 1 }, ceiling: { factor: 1.1 } })))).toEqual([12000, 'base 10000, scarce 9000, floor 12000']);
    expect(told(judged(asked(200, { floor: { margin: 1 }, ceiling: { factor: 1.1 } })))).toEqual([12000, 'base 10000, scarce 20000, ceiling 12000']);
  });
  test('a floor comes before the largest step', () => {
    expect(told(judged(asked(130, { floor: eur(12000), maxStepPercent: 10 })))).toEqual([12000, 'base 10000, scarce 13000, max-step 11000, floor 12000']);
  });
  test('a step is from every price of the window, and one that ended a window ago is forgotten', () => {
    const guardrails = { maxStepPercent: 10, stepWindowSeconds: 3600 };
    const moved = at(11000, { past: [{ until: NOW - HOUR / 2, low: 10000, high: 10000, count: 1 }] });
    const up = judged(asked(140, guardrails), moved);
    expect(told(up)).toEqual([11000, 'base 10000, scarce 14000, max-step 11000']);
    expect(up.again).toBe(NOW + HOUR / 2);
    expect(judged(asked(50, guardrails), moved).price).toEqual(eur(9900));
    expect(judged(asked(140, guardrails), moved, { now: NOW + HOUR / 2 - 1 }).price).toEqual(eur(11000));
    expect(judged(asked(140, guardrails), moved, { now: NOW + HOUR / 2 }).price).toEqual(eur(12100));
  });
  test('so many changes in a window, and no more', () => {
    const guardrails = { maxChanges: 2, stepWindowSeconds: 3600 };
    const past = [9000, 9500].map((low, i) => ({ until: NOW - HOUR / 2 + i, low, high: low, count: 1 }));
    const held = judged(asked(140, guardrails), at(10000, { past }));
    expect(told(held)).toEqual([10000, 'base 10000, scarce 14000, max-changes 10000']);
    expect([held.held, held.again]).toEqual(['max-changes', NOW + HOUR / 2]);
    expect(judged(asked(140, guardrails), at(10000, { past: past.slice(1) })).price).toEqual(eur(14000));
    expect(judged(asked(140, guardrails), at(10000, { past }), { now: NOW + HOUR / 2 }).price).toEqual(eur(14000));
  });
  test('a cooldown holds until it is over', () => {
    const track = at(10000, { changedAt: NOW - 59_999 });
    const held = judged(asked(140, { cooldownSeconds: 60 }), track);
    expect(told(held)).toEqual([10000, 'base 10000, scarce 14000, cooldown 10000']);
    expect([held.held, held.again]).toEqual(['cooldown', NOW + 1]);
    expect(judged(asked(140, { cooldownSeconds: 60 }), track, { now: NOW + 1 }).price).toEqual(eur(14000));
    expect(judged(asked(100, { cooldownSeconds: 60 }), track).held).toBeUndefined();
  });
  test('a difference below the hysteresis is none, one that is as large is', () => {
    const small = judged(asked(100.49, { hysteresisPercent: 0.5 }));
    expect(told(small)).toEqual([10000, 'base 10000, scarce 10049, hysteresis 10000']);
    expect(small.held).toBeUndefined();
    expect(judged(asked(100.5, { hysteresisPercent: 0.5 })).price).toEqual(eur(10050));
  });
  test('a price outside of floor and ceiling goes there past cooldown, changes and hysteresis', () => {
    const past = [{ until: NOW - 1, low: 9000, high: 9000, count: 1 }];
    const slow = { floor: eur(10020), cooldownSeconds: 60, hysteresisPercent: 1, maxChanges: 1 };
    expect(told(judged(asked(140, slow), at(10000, { changedAt: NOW - 1, past })))).toEqual([10020, 'base 10000, scarce 14000, max-changes 10000, floor 10020']);
    expect(told(judged(asked(90, { floor: eur(10020), hysteresisPercent: 1 })))).toEqual([10020, 'base 10000, scarce 9000, floor 10020']);
  });
  test('what is frozen and what the kill switch holds stays, also outside of its bounds', () => {
    const guardrails = { floor: eur(12000) };
    const frozen = judged(asked(140, guardrails, { frozen: true }));
    expect([told(frozen), frozen.held]).toEqual([[10000, 'base 10000, scarce 14000, freeze 10000'], 'freeze']);
    const killed = judged(asked(140, guardrails), at(10000), { killSwitch: true });
    expect([told(killed), killed.held]).toEqual([[10000, 'base 10000, scarce 14000, kill-switch 10000'], 'kill-switch']);
    expect(judged(asked(0, {}, { policy: null, priced: null, basePrice: eur(9000) }), at(10000), { killSwitch: true })).toMatchObject({ price: eur(10000), held: 'kill-switch' });
  });
  test('a first price has nothing to stay at', () => {
    expect(judge(asked(140, {}, { policy: null, priced: null }), undefined, { now: NOW, killSwitch: true, shown: null }).price).toEqual(eur(10000));
  });
  test('signals that are too old hold the price and say so', () => {
    const stale = judged(asked(140, { staleAfterSeconds: 60 }, { signalsAt: NOW - 60_001 }));
    expect([told(stale), stale.held, stale.degraded]).toEqual([[10000, 'base 10000, scarce 14000, stale 10000'], 'stale', true]);
    expect(judged(asked(140, { staleAfterSeconds: 60 }, { signalsAt: NOW - 60_000 }))).toMatchObject({ price: eur(14000), degraded: false });
    expect(judged(asked(100, { staleAfterSeconds: 60 }, { signalsAt: NOW - 60_001 }))).toMatchObject({ price: eur(10000), degraded: true });
  });
  test('no answer and an answer that is no number hold the price', () => {
    for (const priced of [null, { model: Number.NaN, steps: [] }, { model: Number.POSITIVE_INFINITY, steps: [] }]) {
      expect(judged(asked(0, {}, { priced }), at(12300))).toMatchObject({ price: eur(12300), held: 'model', degraded: true });
    }
  });
  test('a price is never below nothing', () => {
    expect(judged(asked(-5, {})).price).toEqual(eur(0));
  });
  test('an ending that fits within no bounds is left out', () => {
    expect(judged(asked(100.4, { floor: eur(10010), ceiling: eur(10060), ending: 99 })).price).toEqual(eur(10040));
  });
  test('an ending is of two digits where there are no decimals, and of three where there are three', () => {
    const of = (currency: string, amount: number, model: number, ending: number): number | undefined => judge(asked(model, { ending }, { basePrice: { amount, currency }, cost: null }), undefined, { now: NOW, killSwitch: false, shown: null }).price?.amount;
    expect(of('JPY', 1000, 1020, 99)).toBe(999);
    expect(of('KWD', 10000, 10.6, 990)).toBe(10990);
  });
  test('a first price goes from the base price', () => {
    expect(judge(asked(140, { maxStepPercent: 10 }), undefined, { now: NOW, killSwitch: false, shown: null })).toMatchObject({ price: eur(11000), again: NOW + HOUR });
  });
  test('without a policy the price is the base price, and without that there is none', () => {
    expect(told(judged(asked(0, {}, { policy: null, priced: null })))).toEqual([10000, 'base 10000']);
    expect(judged(asked(0, {}, { basePrice: null, priced: null }))).toEqual({ price: null, why: [], degraded: false });
  });
});

test('a track remembers what a window needs, and changes within a part of it together', () => {
  const change = (atMs: number) => ({ at: atMs, by: 'policy' as const, base: eur(100), windowSeconds: 3600 });
  let track = trackTo(undefined, eur(100), { at: 0, by: 'hand', base: eur(100) });
  for (let i = 1; i <= 10_000; i++) track = trackTo(track, eur(100 + (i % 7)), change(i * 1000));
  expect(track.past.length).toBeLessThanOrEqual(33);
  expect(track.past.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThanOrEqual(3600);
  expect(trackTo(track, eur(90), { at: 10_001_000, by: 'hand', base: null })).toEqual({ price: eur(90), past: [] });
});
