import { describe, expect, test } from 'vitest';
import { bookOf, findPolicy, policyView, versionView, bookView, limits, pricing } from './pricing.ts';
import type { PolicyDefinition } from './policy.ts';
import { Till } from './testing.ts';

const definition = (priority: number): PolicyDefinition => ({ priority, match: { sku: ['lamp'] }, mode: 'live', strategy: { kind: 'rules', rules: [] }, guardrails: {} });
const put = (priority: number, more: object = {}) => ({ type: 'PutPolicy', id: 'p', definition: definition(priority), actor: 'key_1', ...more }) as const;

const newestFirst = ({ id, versions }: NonNullable<ReturnType<typeof findPolicy>>) => versions.toReversed().map((version) => versionView(id, version));

describe('a policy', () => {
  test('gets a version with every change, and none without', () => {
    const till = new Till();
    expect(till.ask(put(1))).toEqual({ created: true, resource: { id: 'p', version: 1, ...definition(1) } });
    expect(till.ask(put(2))).toMatchObject({ created: false, resource: { version: 2, priority: 2 } });
    expect(till.ask(put(2))).toMatchObject({ created: false, resource: { version: 2 } });
    expect(bookOf(till)).toMatchObject({ revision: 2, policies: { p: 2 } });
    expect(till.rows.get('price_policies p')?.slice(0, 4)).toEqual(['p', 2, 'live', 2]);
  });
  test('goes back to an earlier version, as a new one', () => {
    const till = new Till();
    till.do(put(1));
    till.do(put(2));
    expect(till.ask({ type: 'RollbackPolicy', id: 'p', version: 1 })).toMatchObject({ created: false, resource: { version: 3, priority: 1 } });
    expect(till.ask({ type: 'RollbackPolicy', id: 'p', version: 1 })).toMatchObject({ resource: { version: 3 } });
    const policy = findPolicy(till, 'p');
    expect(policy && newestFirst(policy)).toMatchObject([{ version: 3, rolledBackTo: 1, priority: 1 }, { version: 2, actor: 'key_1' }, { version: 1, at: '2027-01-01T00:00:00.000Z' }]);
    expect(till.do({ type: 'RollbackPolicy', id: 'p', version: 9 })).toMatchObject({ refusal: { kind: 'invalid', code: 'unknown-version' } });
    expect(till.do({ type: 'RollbackPolicy', id: 'x', version: 1 })).toMatchObject({ refusal: { kind: 'not-found', code: 'unknown-policy' } });
  });
  test('is removed, keeps its versions, and may come back', () => {
    const till = new Till();
    till.do(put(1));
    till.do({ type: 'RemovePolicy', id: 'p' });
    expect(bookOf(till).policies).toEqual({});
    expect(till.rows.has('price_policies p')).toBe(false);
    expect(till.do({ type: 'RemovePolicy', id: 'p' })).toMatchObject({ refusal: { code: 'unknown-policy' } });
    expect(till.do({ type: 'RollbackPolicy', id: 'p', version: 2 })).toMatchObject({ refusal: { code: 'unknown-version' } });
    expect(till.ask({ type: 'RollbackPolicy', id: 'p', version: 1 })).toMatchObject({ created: true, resource: { version: 3 } });
    const policy = findPolicy(till, 'p');
    expect(policy && newestFirst(policy).map(({ version, removed }) => [version, removed])).toEqual([[3, undefined], [2, true], [1, undefined]]);
  });
  test('is changed in the version that was read, or not at all', () => {
    const till = new Till();
    expect(till.do(put(1, { ifVersion: 1 }))).toMatchObject({ refusal: { kind: 'precondition', code: 'version-conflict' } });
    till.do(put(1));
    expect(till.do(put(2, { ifVersion: 2 }))).toMatchObject({ refusal: { members: { version: 1 } } });
    expect(till.do({ type: 'RemovePolicy', id: 'p', ifVersion: 2 })).toMatchObject({ refusal: { kind: 'precondition' } });
    expect(till.ask(put(2, { ifVersion: 1 }))).toMatchObject({ resource: { version: 2 } });
  });
  test('keeps as many versions as its bound, and one policy more than the bound is refused', () => {
    const till = new Till();
    for (let i = 0; i <= limits.POLICY_VERSIONS_MAX; i++) till.do(put(i));
    expect(findPolicy(till, 'p')?.versions.map(({ version }) => version)).toEqual(Array.from({ length: limits.POLICY_VERSIONS_MAX }, (_, i) => i + 2));
    const full = { ...bookOf(till), policies: Object.fromEntries(Array.from({ length: limits.POLICIES_MAX }, (_, i) => [`p${i}`, 1])) };
    till.set('y/', full);
    expect(till.do({ ...put(1), id: 'one-more' })).toMatchObject({ refusal: { code: 'limit-exceeded' } });
    expect(till.ask(put(9_999))).toMatchObject({ created: false });
  });
  test('goes back to a version that its state does not keep, where it is told what that says', () => {
    const till = new Till();
    for (let i = 1; i <= limits.POLICY_VERSIONS_MAX + 1; i++) till.do(put(i));
    const first = put(1);
    expect(till.do({ type: 'RollbackPolicy', id: 'p', version: 1 })).toMatchObject({ refusal: { code: 'unknown-version' } });
    // What the state has is believed, and nobody's word for it.
    expect(till.ask({ type: 'RollbackPolicy', id: 'p', version: 3, definition: first.definition })).toMatchObject({ resource: { priority: 3 } });
    expect(till.ask({ type: 'RollbackPolicy', id: 'p', version: 1, definition: first.definition })).toMatchObject({ resource: { priority: 1 } });
  });
  test('may have any name', () => {
    const till = new Till();
    for (const id of ['__proto__', 'constructor', '7']) till.do({ ...put(1), id });
    expect(Object.keys(bookOf(till).policies).toSorted()).toEqual(['7', '__proto__', 'constructor']);
    expect(findPolicy(till, '__proto__')).toMatchObject({ id: '__proto__', version: 1 });
    expect(policyView('7', 1, definition(1))).toMatchObject({ id: '7' });
  });
});

test('controls are set for all prices, and setting them again is nothing new', () => {
  const till = new Till();
  const controls = { killSwitch: true, freeze: [{ sku: ['a'] }] };
  expect(till.ask({ type: 'SetControls', controls })).toEqual({ ...controls, revision: 1 });
  expect(till.ask({ type: 'SetControls', controls })).toEqual({ ...controls, revision: 1 });
  expect(bookView(bookOf(till))).toEqual({ ...controls, revision: 1 });
  expect(till.facts.length).toBe(1);
  expect(pricing.dueOf('y/', bookOf(till))).toBeNull();
});
