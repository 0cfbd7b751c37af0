import { rfc3339 } from '../../base/clock.ts';
import type { JsonObject } from '../../base/json.ts';
import { bookOf, bookView, findPolicy, parseControls, parsePolicy, policyView, versionView, type Described, type PolicyDefinition } from '../../rooms/pricing/pricing.ts';
import type { Call } from '../call.ts';
import type { Floor } from '../floor.ts';
import { LEVEL } from '../keys.ts';
import { PAGE_DEFAULT } from '../limits.ts';
import { page, readCursor, statesCover, viewsCover } from '../lists.ts';
import { invalidRequest, problem, refusalProblem } from '../problem.ts';
import { route, type Route } from '../route.ts';
import { closed, listOf, paging } from '../schemas.ts';
import { answerTo, ifVersion, isUnchanged, versionTag, writeHeaders } from '../settle.ts';
import { controls, controlsInput, policy, policyInput, policyVersion, sweep } from './price-schemas.ts';
import { Type } from '../type.ts';

export function pricePolicyRoutes(floor: Floor): Route[] {
  return [put(floor), read(floor), list(floor), versions(floor), rollback(floor), remove(floor), putControls(floor), getControls(floor), getSweep(floor)];
}

type AnyCall = Call<never, never> | Call;
const PRICING = { tag: 'Pricing' } as const;
const POLICY = '/v1/pricing/policies/:id';

/** The policy in a body, or all that is wrong with it. */
export function policyIn(call: AnyCall, json: unknown, at = ''): PolicyDefinition {
  const parsed = parsePolicy(json);
  if ('faults' in parsed) throw invalidRequest(parsed.faults.map(({ pointer, detail }) => ({ pointer: `${at}${pointer}`, detail })));
  const { kind } = parsed.policy.strategy;
  // They reach into the network and run code here.
  if ((kind === 'function' || kind === 'module') && (call.caller?.level ?? 0) < LEVEL.admin) throw problem('forbidden', `A ${kind} needs a key with the scope admin.`);
  return parsed.policy;
}

function unknownPolicy(id: string): ReturnType<typeof problem> {
  return problem('unknown-policy', `There is no policy ${id}.`);
}

function put({ services: { engine } }: Floor): Route {
  return route({
    ...PRICING,
    method: 'PUT',
    path: POLICY,
    operation: 'putPricingPolicy',
    summary: 'Say how the items that fit a pattern are priced; every change makes a version',
    access: 'write',
    body: policyInput,
    bodyMode: 'own',
    headers: ['if-match'],
    answers: { 200: { description: 'Changed.', schema: policy, headers: ['etag'] }, 201: { description: 'New.', schema: policy, headers: ['etag', 'location'] } },
    problems: ['version-conflict', 'limit-exceeded'],
    async handle(call) {
      const id = call.param('id');
      const definition = policyIn(call, call.body);
      const condition = call.header('if-match')?.trim() === '*' ? { ifVersion: (await engine.read((world) => findPolicy(world, id)))?.version ?? -1 } : ifVersion(call);
      const settled = await engine.execute({ type: 'PutPolicy', id, definition, ...condition, actor: call.caller?.id }, { once: call.once() });
      return answerTo<Described>(settled, ({ created, resource }, headers) => ({
        status: created ? 201 : 200,
        headers: { ...headers, etag: versionTag(Number(resource['version'])), ...(created ? { location: `/v1/pricing/policies/${encodeURIComponent(id)}` } : undefined) },
        body: resource,
      }));
    },
  });
}

function read({ services }: Floor): Route {
  return route({
    ...PRICING,
    method: 'GET',
    path: POLICY,
    operation: 'getPricingPolicy',
    summary: 'Read a policy',
    access: 'read',
    headers: ['holdfast-cursor', 'if-none-match'],
    answers: { 200: { description: 'The policy.', schema: policy, headers: ['etag'] }, 304: { description: 'The reader has it already.' } },
    problems: ['unknown-policy', 'view-behind'],
    async handle(call) {
      await statesCover(call, services);
      const id = call.param('id');
      const known = await services.engine.read((world) => findPolicy(world, id));
      if (!known?.definition) throw unknownPolicy(id);
      const etag = versionTag(known.version);
      if (isUnchanged(call, etag)) return { status: 304, headers: { etag } };
      return { status: 200, headers: { etag }, body: policyView(id, known.version, known.definition) };
    },
  });
}

function list({ services }: Floor): Route {
  return route({
    ...PRICING,
    method: 'GET',
    path: '/v1/pricing/policies',
    operation: 'listPricingPolicies',
    summary: 'All policies, in the order of their ids',
    access: 'read',
    query: closed({ ...paging }),
    headers: ['holdfast-cursor'],
    answers: { 200: { description: 'A page.', schema: listOf(policy, 'PricingPolicyList') } },
    problems: ['invalid-cursor', 'view-behind'],
    async handle(call) {
      const { limit = PAGE_DEFAULT, cursor } = call.query;
      const after = String(readCursor('policies', cursor)?.[0] ?? '');
      await statesCover(call, services);
      const rows = await services.engine.read((world) => {
        const ids = Object.keys(bookOf(world).policies).filter((id) => id > after).toSorted((a, b) => (a < b ? -1 : 1));
        return ids.slice(0, limit + 1).flatMap((id) => {
          const known = findPolicy(world, id);
          return known?.definition ? [policyView(id, known.version, known.definition)] : [];
        });
      });
      return { status: 200, body: page(rows, limit, { list: 'policies', placeOf: (row) => [row['id'] as string] }) };
    },
  });
}

function versions({ services }: Floor): Route {
  return route({
    ...PRICING,
    method: 'GET',
    path: `${POLICY}/versions`,
    operation: 'listPricingPolicyVersions',
    summary: 'All versions of a policy, newest first, also of one that was removed',
    access: 'read',
    query: closed({ ...paging }),
    headers: ['holdfast-cursor'],
    answers: { 200: { description: 'A page.', schema: listOf(policyVersion, 'PricingPolicyVersionList') } },
    problems: ['unknown-policy', 'invalid-cursor', 'view-behind'],
    async handle(call) {
      const { limit = PAGE_DEFAULT, cursor } = call.query;
      const id = call.param('id');
      const before = Number(readCursor(`versions of ${id}`, cursor)?.[0] ?? Number.MAX_SAFE_INTEGER);
      await viewsCover(call, services);
      if (!(await services.engine.read((world) => findPolicy(world, id)))) throw unknownPolicy(id);
      const rows = await versionsIn(services, id, { sign: '<', version: before, limit: limit + 1 });
      return { status: 200, body: page(rows.map((row) => versionView(id, row)), limit, { list: `versions of ${id}`, placeOf: (row) => [Number(row['version'])] }) };
    },
  });
}

function rollback({ services }: Floor): Route {
  const { engine } = services;
  return route({
    ...PRICING,
    method: 'POST',
    path: `${POLICY}/rollback`,
    operation: 'rollbackPricingPolicy',
    summary: 'Go back to an earlier version, which becomes a new one',
    access: 'write',
    body: closed({ version: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }) }, { title: 'PricingPolicyRollback' }),
    answers: { 200: { description: 'The policy as it is now.', schema: policy, headers: ['etag'] } },
    problems: ['unknown-policy'],
    async handle(call) {
      const id = call.param('id');
      const known = await engine.read((world) => findPolicy(world, id));
      const { version } = call.body;
      const [old] = known && version < (known.versions[0]?.version ?? 0) ? await versionsIn(services, id, { sign: '=', version, limit: 1 }) : [];
      const earlier = old ? old.definition : known?.versions.find((one) => one.version === version)?.definition;
      if (earlier) policyIn(call, earlier);
      const settled = await engine.execute({ type: 'RollbackPolicy', id, version, ...(old?.definition && { definition: old.definition }), actor: call.caller?.id }, { once: call.once() });
      return answerTo<Described>(settled, ({ resource }, headers) => ({ status: 200, headers: { ...headers, etag: versionTag(Number(resource['version'])) }, body: resource }));
    },
  });
}

/** Versions from the view, which has all of them, newest first. */
async function versionsIn({ store }: Floor['services'], id: string, { sign, version, limit }: { sign: '<' | '='; version: number; limit: number }): Promise<Parameters<typeof versionView>[1][]> {
  const rows = (await store.projections.sql.selectFrom('price_policy_versions').select(['version', 'time', 'body']).where('id', '=', id).where('version', sign, version).orderBy('version', 'desc').limit(limit).execute()) as { version: number | string; time: number | string; body: string }[]; // the columns selected
  return rows.map((row) => ({ ...(JSON.parse(row.body) as Omit<Parameters<typeof versionView>[1], 'at'>), version: Number(row.version), at: Number(row.time) })); // a fact's data
}

function remove({ services: { engine } }: Floor): Route {
  return route({
    ...PRICING,
    method: 'DELETE',
    path: POLICY,
    operation: 'deletePricingPolicy',
    summary: 'Remove a policy; its versions stay, and one of them may come back',
    access: 'write',
    headers: ['if-match'],
    answers: { 204: { description: 'Gone.' } },
    problems: ['unknown-policy', 'version-conflict'],
    async handle(call) {
      const settled = await engine.execute({ type: 'RemovePolicy', id: call.param('id'), ...ifVersion(call), actor: call.caller?.id });
      if (!settled.ok) throw refusalProblem(settled.refusal);
      return { status: 204, headers: writeHeaders(settled) };
    },
  });
}

function putControls({ services: { engine } }: Floor): Route {
  return route({
    ...PRICING,
    method: 'PUT',
    path: '/v1/pricing/controls',
    operation: 'putPricingControls',
    summary: 'Hold all prices where they are, or those of some items',
    access: 'write',
    body: controlsInput,
    bodyMode: 'own',
    answers: { 200: { description: 'As they are now.', schema: controls } },
    async handle(call) {
      const parsed = parseControls(call.body);
      if ('faults' in parsed) throw invalidRequest(parsed.faults);
      const settled = await engine.execute({ type: 'SetControls', controls: parsed.controls, actor: call.caller?.id }, { once: call.once() });
      return answerTo<JsonObject>(settled, (body, headers) => ({ status: 200, headers, body }));
    },
  });
}

function getControls({ services }: Floor): Route {
  return route({
    ...PRICING,
    method: 'GET',
    path: '/v1/pricing/controls',
    operation: 'getPricingControls',
    summary: 'What holds prices where they are',
    access: 'read',
    headers: ['holdfast-cursor'],
    answers: { 200: { description: 'The controls.', schema: controls } },
    problems: ['view-behind'],
    async handle(call) {
      await statesCover(call, services);
      return { status: 200, body: await services.engine.read((world) => bookView(bookOf(world))) };
    },
  });
}

function getSweep({ services: { consumers } }: Floor): Route {
  return route({
    ...PRICING,
    method: 'GET',
    path: '/v1/pricing/sweep',
    operation: 'getPricingSweep',
    summary: 'How looking at all items after a change of policies or controls stands',
    access: 'read',
    answers: { 200: { description: 'The sweep.', schema: sweep } },
    handle() {
      const { state, done, total, startedAt } = consumers.pricing.sweep;
      const { priced, due } = consumers.pricing.figures;
      return { status: 200, body: { state, done, total, startedAt: startedAt === null ? null : rfc3339(startedAt), pricedItems: priced, dueItems: due } };
    },
  });
}
