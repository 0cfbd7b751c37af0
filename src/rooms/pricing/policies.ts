/** Policies with their versions, and the controls over all of them. */
import { accepted, refused, type Decision } from '../../base/decision.ts';
import { canonicalJson, type Json, type JsonObject } from '../../base/json.ts';
import type { PutPolicy, RemovePolicy, RollbackPolicy, SetControls } from './commands.ts';
import type { BookEvent } from './events.ts';
import { BOOK_KEY, policyKey } from './keys.ts';
import { POLICIES_MAX } from './limits.ts';
import type { Controls, PolicyDefinition } from './policy.ts';
import { bookView, policyView } from './resources.ts';
import { bookOf, findPolicy, type Policy, type World } from './state.ts';

/** Answers to describing a policy: whether it is new, and how it stands now. */
export interface Described {
  readonly created: boolean;
  readonly resource: JsonObject;
}

type Wanted = { readonly actor?: string | undefined };

export function putPolicy({ id, definition, ifVersion, actor }: PutPolicy & Wanted, world: World, now: number): Decision<BookEvent, Described> {
  const policy = findPolicy(world, id);
  const book = bookOf(world);
  const stale = staleVersion(policy, ifVersion, id);
  if (stale) return stale;
  if (!policy?.definition && Object.keys(book.policies).length >= POLICIES_MAX) return refused('conflict', 'limit-exceeded', `There may be ${POLICIES_MAX} policies.`);
  return become(id, policy, { definition, actor }, now);
}

/** Makes a new version, unless the policy is like that already. */
function become(id: string, policy: Policy | undefined, { definition, ...more }: { definition: PolicyDefinition; rolledBackTo?: number } & Wanted, now: number): Decision<BookEvent, Described> {
  const created = policy?.definition === undefined;
  if (policy?.definition && sameJson(policy.definition, definition)) return accepted([], { created, resource: policyView(id, policy.version, definition) });
  const version = (policy?.version ?? 0) + 1;
  return accepted([policyFact({ policy: id, version, definition, ...withoutUndefined(more) }, now)], { created, resource: policyView(id, version, definition) });
}

const policyFact = (data: Extract<BookEvent, { type: 'pricing.policy.changed' }>['data'], now: number): BookEvent => ({ type: 'pricing.policy.changed', key: policyKey(data.policy), time: now, data });

/** Goes back to the definition of an earlier version, also of a policy that was removed. */
export function rollbackPolicy({ id, version, definition: fromView, actor }: RollbackPolicy & Wanted, world: World, now: number): Decision<BookEvent, Described> {
  const policy = findPolicy(world, id);
  bookOf(world); // a fact about a policy folds into the book too
  if (!policy) return unknownPolicy(id);
  const isOlder = version < (policy.versions[0]?.version ?? 0);
  const definition = isOlder ? fromView : policy.versions.find((one) => one.version === version)?.definition;
  if (!definition) return refused('invalid', 'unknown-version', `Policy ${id} has no version ${version} to go back to.`, { errors: [{ pointer: '/version', detail: 'is no version of this policy' }] });
  return become(id, policy, { definition, rolledBackTo: version, actor }, now);
}

/** Its versions stay, and one of them may come back. */
export function removePolicy({ id, ifVersion, actor }: RemovePolicy & Wanted, world: World, now: number): Decision<BookEvent, null> {
  const policy = findPolicy(world, id);
  bookOf(world); // as above
  if (!policy?.definition) return unknownPolicy(id);
  return staleVersion(policy, ifVersion, id) ?? accepted([policyFact({ policy: id, version: policy.version + 1, definition: null, ...withoutUndefined({ actor }) }, now)], null);
}

export function setControls({ controls, actor }: SetControls & Wanted, world: World, now: number): Decision<BookEvent, JsonObject> {
  const book = bookOf(world);
  if (sameJson(book.controls, controls)) return accepted([], bookView(book));
  const event: BookEvent = { type: 'pricing.controls.set', key: BOOK_KEY, time: now, data: { controls, ...withoutUndefined({ actor }) } };
  return accepted([event], bookView({ ...book, controls, revision: book.revision + 1 }));
}

function unknownPolicy(id: string): ReturnType<typeof refused> {
  return refused('not-found', 'unknown-policy', `There is no policy ${id}.`);
}

function staleVersion(policy: Policy | undefined, wanted: number | undefined, id: string): ReturnType<typeof refused> | undefined {
  const actual = policy?.definition ? policy.version : undefined;
  if (wanted === undefined || wanted === actual) return undefined;
  return refused('precondition', 'version-conflict', `The policy ${id} has changed since it was read. Read it again.`, actual === undefined ? undefined : { version: actual });
}

/** Both are plain JSON. */
const sameJson = (a: PolicyDefinition | Controls, b: PolicyDefinition | Controls): boolean => canonicalJson(a as unknown as Json) === canonicalJson(b as unknown as Json);

function withoutUndefined<Members extends object>(members: Members): { [Name in keyof Members]?: Exclude<Members[Name], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as { [Name in keyof Members]?: Exclude<Members[Name], undefined> }; // those that are undefined were left out
}
