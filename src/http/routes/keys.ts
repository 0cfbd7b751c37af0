import type { Json } from '../../base/json.ts';
import { accepted } from '../../base/decision.ts';
import type { Call } from '../call.ts';
import type { Floor } from '../floor.ts';
import { SCOPES } from '../keys.ts';
import { TOKEN_TTL_SECONDS } from '../limits.ts';
import { page, readCursor } from '../lists.ts';
import { problem, refusalProblem } from '../problem.ts';
import { route, type Route } from '../route.ts';
import { closed, id, instant, listOf, paging } from '../schemas.ts';
import { Type } from '../type.ts';

const scope = Type.Enum([...SCOPES], { description: 'Whoever may write may read; an admin may do everything.' });

export function keyRoutes(floor: Floor): Route[] {
  return [create(floor), list(floor), revoke(floor), token(floor)];
}

function create({ keys }: Floor): Route {
  return route({
    method: 'POST',
    path: '/v1/keys',
    operation: 'createKey',
    summary: 'Make an API key; it is shown this once',
    tag: 'Keys',
    access: 'admin',
    body: closed({ name: Type.String({ minLength: 1, maxLength: 200, format: 'holdfast-text' }), scopes: Type.Array(scope, { minItems: 1, maxItems: SCOPES.length, uniqueItems: true }) }, { title: 'KeyInput' }),
    answers: { 201: { description: 'The key.', schema: closed({ id: id(), key: Type.String() }, { title: 'NewKey' }) } },
    async handle(call) {
      const once = call.once();
      const made = await keys.create(call.body, once && { makerSecret: call.request.headers.authorization ?? '', ...once });
      if (made === 'reused') throw problem('idempotency-key-reused', 'This Idempotency-Key was used for another request. Use a new key.');
      const { replayed, ...answer } = made;
      return { status: 201, headers: { 'cache-control': 'no-store', ...(replayed ? { 'idempotent-replayed': 'true' } : undefined) }, body: answer };
    },
  });
}

function list({ keys }: Floor): Route {
  return route({
    method: 'GET',
    path: '/v1/keys',
    operation: 'listKeys',
    summary: 'All keys, without their secrets',
    tag: 'Keys',
    access: 'admin',
    query: closed(paging),
    answers: { 200: { description: 'A page.', schema: listOf(closed({ id: id(), name: Type.String(), scopes: Type.Array(scope), createdAt: instant() }, { title: 'Key' }), 'KeyList') } },
    problems: ['invalid-cursor'],
    async handle(call) {
      const { limit, cursor } = call.query;
      const after = String(readCursor('keys', cursor)?.[0] ?? '');
      const all = (await keys.list()).filter((key) => key.id > after).sort((a, b) => (a.id < b.id ? -1 : 1));
      const { items, nextCursor } = page(all, limit, { list: 'keys', placeOf: (key) => [key.id] });
      return { status: 200, body: { items: items.map(({ id, name, scopes, createdAt }) => ({ id, name, scopes, createdAt })), nextCursor } };
    },
  });
}

function revoke({ keys }: Floor): Route {
  return route({
    method: 'DELETE',
    path: '/v1/keys/:id',
    operation: 'deleteKey',
    summary: 'End a key at once, with the streams it has open',
    tag: 'Keys',
    access: 'admin',
    answers: { 204: { description: 'Ended.' } },
    problems: ['unknown-key'],
    async handle(call) {
      const id = call.param('id');
      if (!(await keys.revoke(id))) throw problem('unknown-key', `There is no key ${id}.`);
      return { status: 204 };
    },
  });
}

function token({ keys, services: { engine } }: Floor): Route {
  return route({
    method: 'POST',
    path: '/v1/tokens',
    operation: 'createToken',
    summary: 'A token that only reads, for some minutes: for a browser, whose EventSource sends no headers',
    tag: 'Keys',
    access: 'read',
    body: closed({}),
    bodyMode: 'optional',
    answers: { 201: { description: 'The token.', schema: closed({ token: Type.String(), expiresAt: instant() }, { title: 'Token' }) } },
    async handle(call: Call<undefined, object>) {
      const { caller } = call;
      // Otherwise whoever got hold of one token could renew it for ever.
      if (!caller || caller.isToken) throw problem('forbidden', 'A token is made with a key, not with another token.');
      // What is remembered is when it runs out; the token follows from that, so that nothing secret is stored.
      const settled = await engine.ask<Json>((_world, now) => accepted([], now + TOKEN_TTL_SECONDS * 1000), call.once());
      if (!settled.ok) throw refusalProblem(settled.refusal);
      return { status: 201, headers: { 'cache-control': 'no-store', ...(settled.replayed ? { 'idempotent-replayed': 'true' } : undefined) }, body: keys.token(caller.id, Number(settled.answer)) };
    },
  });
}
