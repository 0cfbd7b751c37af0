import { Type } from 'typebox';
import type { Floor } from '../floor.ts';
import { problem } from '../problem.ts';
import { route, type Route } from '../route.ts';
import { closed, instant } from '../schemas.ts';

export function tokenRoutes({ keys }: Floor): Route[] {
  return [
    route({
      method: 'POST',
      path: '/v1/tokens',
      operation: 'createToken',
      summary: 'Trade the key for a token that only reads, for a short while',
      tag: 'Keys',
      access: 'read',
      body: closed({}),
      bodyMode: 'optional',
      answers: { 200: { description: 'A token for the Authorization header, or for `access_token` of the event stream.', schema: closed({ token: Type.String(), expiresAt: instant() }, { title: 'ReadToken' }) } },
      handle(call) {
        const caller = call.caller;
        // Otherwise whoever got hold of one token could renew it for ever.
        if (!caller || caller.isToken) throw problem('forbidden', 'A token is made with a key, not with another token.');
        return { status: 200, headers: { 'cache-control': 'no-store' }, body: keys.token(caller.id) };
      },
    }),
  ];
}
