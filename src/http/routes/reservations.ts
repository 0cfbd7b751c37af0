import { findReservation, limits, reservationKey, reservationView, type InventoryCommand, type ReservationView } from '../../rooms/inventory/inventory.ts';
import type { TSchema } from 'typebox';
import type { Settled } from '../../runtime/runtime.ts';
import type { Answer, Call } from '../call.ts';
import type { Floor } from '../floor.ts';
import { WAIT_SECONDS_MAX } from '../limits.ts';
import { page, readCursor, statesCover, viewsCover } from '../lists.ts';
import { LEVEL } from '../keys.ts';
import { invalidRequest, problem, refusalProblem, type Problem } from '../problem.ts';
import { route, type Route } from '../route.ts';
import { accepted, applied, channel, closed, id, lineUnits, listOf, nullable, optional, paging, reservation } from '../schemas.ts';
import { sendAnswer, failCall } from '../server.ts';
import { answerTo, ifVersion, preferenceOf, versionTag, writeHeaders } from '../settle.ts';
import { listReservations } from './reservation-list.ts';
import { Type } from '../type.ts';

const ttlSeconds = nullable<number>('integer', { minimum: limits.TTL_SECONDS_MIN, maximum: limits.TTL_SECONDS_MAX, description: 'null: until somebody ends it; needs the scope admin.' });
export const lines = <Line extends TSchema>(line: Line) => Type.Array(line, { minItems: 1, maxItems: limits.LINES_MAX });
export const quantityLine = closed({ sku: id(), quantity: lineUnits() });

/** What a hold is asked with, but for the cart. */
export const holdMembers = {
  customerId: optional(id()),
  channel: optional(channel()),
  ttlSeconds: optional(ttlSeconds),
  lines: lines(closed({ sku: id(), quantity: lineUnits(), location: optional(id()) })),
  strategy: optional(Type.Enum(['rank', 'most-stock', 'nearest'], { description: 'From which places first; `nearest` needs `near`.' })),
  near: optional(closed({ lat: Type.Number({ minimum: -90, maximum: 90 }), lon: Type.Number({ minimum: -180, maximum: 180 }) })),
  partial: optional(Type.Boolean({ description: 'Grant what there is.' })),
};

export const reservationInput = closed({ cartId: optional(id()), ...holdMembers }, { title: 'ReservationInput' });
export const HOLD_PROBLEMS = ['insufficient-stock', 'limit-exceeded', 'unknown-item', 'unknown-location'];
const STEP_PROBLEMS = ['unknown-reservation', 'reservation-confirmed', 'reservation-released', 'reservation-expired'];

/** What the strategy asks for besides, which a schema cannot say of one member by another. */
export function strategyFault(input: { strategy?: string; near?: unknown }): { pointer: string; detail: string } | undefined {
  return input.strategy === 'nearest' && input.near === undefined ? { pointer: '/near', detail: 'is required with the strategy nearest' } : undefined;
}

/** Only an operator may set stock aside without an end. */
export function foreverFault(call: Call<never, never> | Call, { ttlSeconds: seconds }: { ttlSeconds?: number | null | undefined }): Problem | undefined {
  if (seconds !== null || (call.caller?.level ?? 0) >= LEVEL.admin) return undefined;
  return problem('forbidden', 'A hold without an end needs a key with the scope admin.');
}

export function reservationRoutes(floor: Floor): Route[] {
  return [make(floor), read(floor), list(floor), edit(floor), move(floor), extend(floor), release(floor), confirm(floor)];
}

function make({ services: { engine }, metrics: { holds } }: Floor): Route {
  return route({
    method: 'POST',
    path: '/v1/reservations',
    operation: 'createReservation',
    summary: 'Hold stock: all lines or nothing',
    tag: 'Reservations',
    access: 'write',
    body: reservationInput,
    answers: { 201: { description: 'Held.', schema: reservation, headers: ['location'] } },
    problems: HOLD_PROBLEMS,
    handle(call) {
      const { body } = call;
      const fault = strategyFault(body);
      if (fault) throw problem('invalid-request', fault.detail, { members: { errors: [fault] } });
      const forever = foreverFault(call, body);
      if (forever) throw forever;
      // The hot path: callbacks, because a promise and its reactions cost more than the decision.
      engine.submit(
        { type: 'ReserveStock', ...body, actor: call.caller?.id },
        { once: call.once() },
        (outcome, replayed, cursor) => {
          if (!outcome.ok) {
            holds.refused++;
            failCall(call, refusalProblem(outcome.refusal, writeHeaders({ cursor, replayed })));
            return;
          }
          if (!replayed) holds.granted++;
          const made = outcome.answer as unknown as ReservationView; // what this command answers
          sendAnswer(call, { status: 201, headers: createdHeaders(made.id, cursor, replayed), text: JSON.stringify(made) });
        },
        (error) => failCall(call, error),
      );
      return 'later';
    },
  });
}

function createdHeaders(id: string, cursor: string, replayed: boolean): Record<string, string> {
  const location = `/v1/reservations/${id}`;
  return replayed ? { 'holdfast-cursor': cursor, location, 'idempotent-replayed': 'true' } : { 'holdfast-cursor': cursor, location };
}

function read({ services }: Floor): Route {
  return route({
    method: 'GET',
    path: '/v1/reservations/:id',
    operation: 'getReservation',
    summary: 'Read a reservation',
    tag: 'Reservations',
    access: 'read',
    headers: ['holdfast-cursor'],
    answers: { 200: { description: 'The reservation.', schema: reservation, headers: ['etag'] } },
    problems: ['unknown-reservation', 'view-behind'],
    async handle(call) {
      await statesCover(call, services);
      const id = call.param('id');
      const view = await services.engine.read((world, now) => {
        const record = findReservation(world, id);
        return record && reservationView(record, now);
      });
      if (!view) throw problem('unknown-reservation', `There is no reservation ${id}.`);
      return { status: 200, headers: { etag: view.status === 'expired' ? `"${view.version}-expired"` : versionTag(view.version) }, body: view };
    },
  });
}

function list({ services }: Floor): Route {
  return route({
    method: 'GET',
    path: '/v1/reservations',
    operation: 'listReservations',
    summary: 'Find reservations, oldest first',
    tag: 'Reservations',
    access: 'read',
    query: closed({ cartId: optional(id()), sku: optional(id()), status: optional(Type.Enum(['held', 'confirmed', 'released', 'expired'])), ...paging }),
    headers: ['holdfast-cursor'],
    answers: { 200: { description: 'A page.', schema: listOf(reservation, 'ReservationList') } },
    problems: ['invalid-cursor', 'view-behind'],
    async handle(call) {
      const { limit, cursor, ...filter } = call.query;
      const after = readCursor('reservations', cursor)?.[0];
      await viewsCover(call, services);
      const rows = await listReservations(services, { ...filter, after: after === undefined ? '' : String(after), limit });
      return { status: 200, body: page(rows, limit, { list: 'reservations', placeOf: (row) => [row.id] }) };
    },
  });
}

type Step = (id: string) => InventoryCommand;

/** A step in the life of a hold: at once, or through the queue where the caller prefers that. */
async function take(floor: Floor, call: Call<never, never> | Call, step: Step): Promise<Answer> {
  const { engine } = floor.services;
  const id = call.param('id');
  const command = { ...step(id), actor: call.caller?.id };
  const shape = (settled: Settled): Answer => answerTo<ReservationView>(settled, (view, headers) => ({ status: 200, headers: { ...headers, etag: versionTag(view.version) }, body: view }));
  if (preferenceOf(call, WAIT_SECONDS_MAX).respondAsync) {
    const check: Parameters<typeof floor.accepted.take>[1]['check'] = (world) =>
      findReservation(world, id) ? undefined : { kind: 'not-found', code: 'unknown-reservation', detail: `There is no reservation ${id}.` };
    return floor.accepted.take(call, { command, lane: reservationKey(id), check }, shape);
  }
  const settled = await engine.execute(command, { once: call.once() });
  return (settled.ok ? floor.accepted.replay(settled) : undefined) ?? shape(settled);
}

const STEP = { method: 'POST', tag: 'Reservations', access: 'write', headers: ['prefer'], answers: { 200: { description: 'The reservation as it now is; with `Prefer: respond-async, wait=N` the command that did it.', schema: Type.Union([reservation, applied]) }, 202: { description: 'Accepted.', schema: accepted } } } as const;

const asker = {
  customerId: optional(Type.Union([id(), Type.Null()], { description: 'null: nobody’s.' })),
  channel: optional(Type.Union([channel(), Type.Null()], { description: 'null: through none.' })),
};

function edit(floor: Floor): Route {
  const { lines: newLines, strategy, near, partial } = holdMembers;
  const placing = ['strategy', 'near', 'partial'] as const;
  return route({
    ...STEP,
    method: 'PATCH',
    path: '/v1/reservations/:id',
    operation: 'patchReservation',
    summary: 'Change a hold; its own units do not stand in its way, and where the change is refused it stays as it was',
    headers: ['if-match', 'prefer'],
    body: closed({ lines: optional(newLines), ...asker, ttlSeconds: optional(ttlSeconds), strategy, near, partial }, { title: 'ReservationChanges', description: 'What is left out stays as it is: without lines the units stay where they are, without ttlSeconds the end stays.' }),
    problems: [...STEP_PROBLEMS, ...HOLD_PROBLEMS, 'version-conflict'],
    handle(call) {
      const { body } = call;
      const homeless = body.lines ? undefined : placing.find((member) => body[member] !== undefined);
      const fault = homeless === undefined ? strategyFault(body) : { pointer: '/lines', detail: `is required with ${homeless}` };
      if (fault) throw invalidRequest([fault]);
      const forever = foreverFault(call as never, body);
      if (forever) throw forever;
      return take(floor, call as never, (id) => ({ type: 'EditReservation', id, ...body, ...ifVersion(call) }));
    },
  });
}

function move(floor: Floor): Route {
  return route({
    ...STEP,
    path: '/v1/reservations/:id/move',
    operation: 'moveReservation',
    summary: 'Give a hold to another cart, or let its units lie at another location; what the target allows is looked at anew',
    headers: ['if-match', 'prefer'],
    body: closed(
      { cartId: optional(Type.Union([id(), Type.Null()], { description: 'null: to no cart.' })), location: optional(id()), ...asker },
      { title: 'ReservationMove', description: 'A cartId, a location, or both. Customer and channel are those of the target cart’s hold, unless said.' },
    ),
    problems: [...STEP_PROBLEMS, 'insufficient-stock', 'limit-exceeded', 'unknown-location', 'version-conflict'],
    handle(call) {
      const { body } = call;
      if (body.cartId === undefined && body.location === undefined) {
        throw invalidRequest(['/cartId', '/location'].map((pointer) => ({ pointer, detail: 'one of cartId and location is required' })));
      }
      return take(floor, call as never, (id) => ({ type: 'MoveReservation', id, ...body, ...ifVersion(call) }));
    },
  });
}

function extend(floor: Floor): Route {
  return route({
    ...STEP,
    path: '/v1/reservations/:id/extend',
    operation: 'extendReservation',
    summary: 'Let a hold run out at now + ttlSeconds, later or sooner',
    body: closed({ ttlSeconds }),
    problems: STEP_PROBLEMS,
    handle(call) {
      const forever = foreverFault(call as never, call.body);
      if (forever) throw forever;
      return take(floor, call as never, (id) => ({ type: 'ExtendReservation', id, ...call.body }));
    },
  });
}

function release(floor: Floor): Route {
  return route({
    ...STEP,
    path: '/v1/reservations/:id/release',
    operation: 'releaseReservation',
    summary: 'Give back a hold, or some units of it',
    body: closed({ lines: optional(lines(quantityLine)) }),
    bodyMode: 'optional',
    problems: [...STEP_PROBLEMS, 'exceeds-reserved'],
    handle: (call) => take(floor, call as never, (id) => ({ type: 'ReleaseReservation', id, ...call.body })),
  });
}

function confirm(floor: Floor): Route {
  return route({
    ...STEP,
    path: '/v1/reservations/:id/confirm',
    operation: 'confirmReservation',
    summary: 'Check out: the hold becomes an allocation of an order',
    body: closed({ orderId: optional(id()), lines: optional(lines(quantityLine)), fulfil: optional(Type.Boolean({ description: 'The goods leave at once.' })) }),
    bodyMode: 'optional',
    problems: [...STEP_PROBLEMS, 'exceeds-reserved', 'insufficient-on-hand'],
    handle: (call) => take(floor, call as never, (id) => ({ type: 'ConfirmReservation', id, ...call.body })),
  });
}
