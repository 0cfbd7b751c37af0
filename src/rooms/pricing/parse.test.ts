import { describe, expect, test } from 'vitest';
import { parseControls, parsePolicy } from './pricing.ts';

const rules = { kind: 'rules', rules: [{ name: 'scarce', when: { available: [{ numeric: ['<', 10] }] }, change: { percent: 5 } }] };
const lamps = { priority: 5, match: { attributes: { category: ['lamp'] } }, mode: 'live', strategy: rules, guardrails: { floor: { margin: 0.1 }, ceiling: { factor: 1.5 }, maxStepPercent: 10, ending: 99 } };

const faultsOf = (json: unknown): string[] => {
  const parsed = parsePolicy(json);
  return 'faults' in parsed ? parsed.faults.map(({ pointer }) => pointer) : [];
};
const withStrategy = (strategy: unknown): object => ({ ...lamps, strategy });
const withGuardrails = (guardrails: unknown): object => ({ ...lamps, guardrails });

describe('a policy', () => {
  test('is what was sent', () => {
    expect(parsePolicy(lamps)).toEqual({ policy: lamps });
  });
  test('is live and without guardrails unless it says otherwise', () => {
    const { priority, match, strategy } = lamps;
    expect(parsePolicy({ priority, match, strategy })).toEqual({ policy: { priority, match, mode: 'live', strategy, guardrails: {} } });
  });
  test('of each kind is taken', () => {
    const kinds = [
      { kind: 'run-out', elasticity: 2, referencePerDay: 12, horizonDays: 10 },
      { kind: 'run-out', elasticity: 2, referencePerDay: 12, seasonEnd: '2027-01-31T00:00:00Z' },
      { kind: 'gallego-van-ryzin', demandPerDay: 100, alpha: 0.1, seasonEnd: '2027-01-31T00:00:00.000Z', salvage: 2 },
      { kind: 'learned', priorElasticity: 2, category: 'brand' },
      { kind: 'function', url: 'https://example.com/price', timeoutMs: 200 },
      { kind: 'module', path: 'prices/lamps.ts' },
    ];
    for (const kind of kinds) expect(parsePolicy(withStrategy(kind))).toEqual({ policy: { ...lamps, strategy: kind } });
  });
  test('fits everything where its match has no fields, and its rules always hold where theirs have none', () => {
    expect(faultsOf({ ...lamps, match: {}, strategy: { kind: 'rules', rules: [{ name: 'a', when: {}, change: { set: 5 } }] } })).toEqual([]);
  });
  test('takes what is set as an amount or as money', () => {
    const set = (value: unknown): unknown => parsePolicy(withStrategy({ kind: 'rules', rules: [{ name: 'a', when: {}, change: value }] }));
    expect(set({ set: { amount: 1999, currency: 'EUR' } })).toEqual(set({ set: 1999, currency: 'EUR' }));
    expect(set({ amount: -500 })).toMatchObject({ policy: { strategy: { rules: [{ change: { amount: -500 } }] } } });
  });
});

describe('what is wrong with a policy is said at its place', () => {
  test('all of it at once', () => {
    expect(faultsOf({ priority: 1.5, match: { attributes: [] }, mode: 'on', strategy: { kind: 'magic' }, guardrails: { ending: -1, x: 1 }, 'a/b': 1 })).toEqual(['/a~1b', '/priority', '/match/attributes', '/mode', '/strategy/kind', '/guardrails/x', '/guardrails/ending']);
  });
  test('missing members point to themselves', () => {
    expect(faultsOf({})).toEqual(['/priority', '/match', '/strategy']);
    expect(faultsOf(withStrategy({ kind: 'gallego-van-ryzin' }))).toEqual(['/strategy/demandPerDay', '/strategy/alpha', '/strategy/seasonEnd']);
    expect(faultsOf(withStrategy({ kind: 'rules' }))).toEqual(['/strategy/rules']);
    expect(faultsOf(withStrategy({ kind: 'rules', rules: [{}] }))).toEqual(['/strategy/rules/0/name', '/strategy/rules/0/when', '/strategy/rules/0/change']);
  });
  test('what is no object is none', () => {
    for (const json of [null, [], 'policy', 3]) expect(faultsOf(json)).toEqual(['']);
    expect(faultsOf({ ...lamps, strategy: 3, guardrails: [] })).toEqual(['/strategy', '/guardrails']);
  });
  test('a pattern of a rule', () => {
    expect(faultsOf(withStrategy({ kind: 'rules', rules: [{ name: 'a', when: { available: [{ numeric: ['<', 'ten'] }] }, change: { percent: 5 } }] }))).toEqual(['/strategy/rules/0/when/available/0/numeric/1']);
  });
  test('a change of two kinds, of none, and out of bounds', () => {
    const of = (change: unknown): string[] => faultsOf(withStrategy({ kind: 'rules', rules: [{ name: 'a', when: {}, change }] }));
    expect(of({ percent: 5, set: 3 })).toEqual(['/strategy/rules/0/change']);
    expect(of({})).toEqual(['/strategy/rules/0/change']);
    expect(of({ percent: -101 })).toEqual(['/strategy/rules/0/change/percent']);
    expect(of({ percent: '5' })).toEqual(['/strategy/rules/0/change/percent']);
    expect(of({ set: 1.5 })).toEqual(['/strategy/rules/0/change/set']);
    expect(of({ set: { amount: -1, currency: 'eur' } })).toEqual(['/strategy/rules/0/change/set/amount', '/strategy/rules/0/change/set/currency']);
  });
  test('a horizon and a season at once, or neither', () => {
    expect(faultsOf(withStrategy({ kind: 'run-out', elasticity: 2, referencePerDay: 1 }))).toEqual(['/strategy/horizonDays']);
    expect(faultsOf(withStrategy({ kind: 'run-out', elasticity: 0, referencePerDay: 1, horizonDays: 1, seasonEnd: 'soon' }))).toEqual(['/strategy/seasonEnd', '/strategy/elasticity', '/strategy/seasonEnd']);
  });
  test('an address that is none, and a path that leads upwards', () => {
    expect(faultsOf(withStrategy({ kind: 'function', url: 'file:///etc/passwd', timeoutMs: 0 }))).toEqual(['/strategy/url', '/strategy/timeoutMs']);
    expect(faultsOf(withStrategy({ kind: 'module', path: '../secret.ts' }))).toEqual(['/strategy/path']);
  });
  test('a floor above the ceiling, or in another currency', () => {
    const eur = (amount: number): object => ({ amount, currency: 'EUR' });
    expect(faultsOf(withGuardrails({ floor: eur(101), ceiling: eur(100) }))).toEqual(['/guardrails/ceiling']);
    expect(faultsOf(withGuardrails({ floor: eur(100), ceiling: eur(100) }))).toEqual([]);
    expect(faultsOf(withGuardrails({ floor: eur(1), ceiling: { amount: 9, currency: 'USD' } }))).toEqual(['/guardrails/ceiling/currency']);
  });
  test('a hysteresis that would ignore every step', () => {
    expect(faultsOf(withGuardrails({ maxStepPercent: 5, hysteresisPercent: 5.1 }))).toEqual(['/guardrails/hysteresisPercent']);
    expect(faultsOf(withGuardrails({ maxStepPercent: 5, hysteresisPercent: 5 }))).toEqual([]);
  });
  test('a bound that is neither a share nor money', () => {
    expect(faultsOf(withGuardrails({ floor: 5, ceiling: { factor: 0 } }))).toEqual(['/guardrails/floor', '/guardrails/ceiling/factor']);
    expect(faultsOf(withGuardrails({ floor: { margin: 0.2, amount: 1 } }))).toEqual(['/guardrails/floor/amount']);
  });
});

test('controls are read with the same care', () => {
  expect(parseControls({ killSwitch: true, freeze: [{ sku: ['a'] }, {}] })).toEqual({ controls: { killSwitch: true, freeze: [{ sku: ['a'] }, {}] } });
  expect(parseControls({})).toEqual({ controls: { killSwitch: false, freeze: [] } });
  expect(parseControls({ killSwitch: 1, freeze: [{ sku: 'a' }], off: true })).toMatchObject({ faults: [{ pointer: '/off' }, { pointer: '/killSwitch' }, { pointer: '/freeze/0/sku' }] });
});
