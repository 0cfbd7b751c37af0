import { liveHoldsOf, reservationView, type CartAnswer } from '../../rooms/inventory/inventory.ts';
import type { Floor } from '../floor.ts';
import { statesCover } from '../lists.ts';
import { invalidRequest, problem, refusalProblem } from '../problem.ts';
import { route, type Route } from '../route.ts';
import { closed, reservation } from '../schemas.ts';
import { answerTo, ifVersion, versionTag, writeHeaders } from '../settle.ts';
import { foreverFault, HOLD_PROBLEMS, holdMembers, strategyFault } from './reservations.ts';

const CART = { path: '/v1/carts/:cartId/reservation', tag: 'Carts' } as const;

export function cartRoutes(floor: Floor): Route[] {
  return [put(floor), read(floor), release(floor)];
}

function put({ services: { engine }, metrics: { holds } }: Floor): Route {
  return route({
    ...CART,
    method: 'PUT',
    operation: 'putCartReservation',
    summary: 'Make a cart hold exactly these lines; its own hold does not stand in its way',
    access: 'write',
    body: closed(holdMembers, { title: 'CartInput' }),
    headers: ['if-match'],
    answers: { 200: { description: 'Changed.', schema: reservation, headers: ['etag'] }, 201: { description: 'New.', schema: reservation, headers: ['etag', 'location'] } },
    problems: [...HOLD_PROBLEMS, 'version-conflict'],
    async handle(call) {
      const cartId = call.param('cartId');
      const fault = strategyFault(call.body);
      if (fault) throw invalidRequest([fault]);
      const forever = foreverFault(call, call.body);
      if (forever) throw forever;
      const settled = await engine.execute({ type: 'SetCart', cartId, ...call.body, ...ifVersion(call), actor: call.caller?.id }, { once: call.once() });
      if (!settled.ok) holds.refused++;
      else if (!settled.replayed) holds.granted++;
      return answerTo<CartAnswer>(settled, ({ created, reservation: view }, headers) => ({
        status: created ? 201 : 200,
        headers: { ...headers, etag: versionTag(view.version), ...(created ? { location: `/v1/reservations/${view.id}` } : undefined) },
        body: view,
      }));
    },
  });
}

function read({ services }: Floor): Route {
  return route({
    ...CART,
    method: 'GET',
    operation: 'getCartReservation',
    summary: 'What a cart holds',
    access: 'read',
    headers: ['holdfast-cursor'],
    answers: { 200: { description: 'The hold.', schema: reservation, headers: ['etag'] } },
    problems: ['unknown-reservation', 'view-behind'],
    async handle(call) {
      await statesCover(call, services);
      const cartId = call.param('cartId');
      const view = await services.engine.read((world, now) => {
        const [hold] = liveHoldsOf(cartId, world, now);
        return hold && reservationView(hold, now);
      });
      if (!view) throw problem('unknown-reservation', `Cart ${cartId} holds nothing.`);
      return { status: 200, headers: { etag: versionTag(view.version) }, body: view };
    },
  });
}

function release({ services: { engine } }: Floor): Route {
  return route({
    ...CART,
    method: 'DELETE',
    operation: 'releaseCart',
    summary: 'Give back what a cart holds, if anything',
    access: 'write',
    answers: { 204: { description: 'The cart holds nothing.' } },
    async handle(call) {
      const settled = await engine.execute({ type: 'ReleaseCart', cartId: call.param('cartId'), actor: call.caller?.id });
      if (!settled.ok) throw refusalProblem(settled.refusal);
      return { status: 204, headers: writeHeaders(settled) };
    },
  });
}
