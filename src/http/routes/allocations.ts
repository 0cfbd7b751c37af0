import type { JsonObject } from '../../base/json.ts';
import { findOrder, orderKey, orderView, type InventoryCommand } from '../../rooms/inventory/inventory.ts';
import type { Settled } from '../../runtime/runtime.ts';
import type { Answer, Call } from '../call.ts';
import type { Floor } from '../floor.ts';
import { WAIT_SECONDS_MAX } from '../limits.ts';
import { statesCover } from '../lists.ts';
import { problem } from '../problem.ts';
import { route, type Route } from '../route.ts';
import { accepted, applied, closed, id, lineUnits, optional, order } from '../schemas.ts';
import { answerTo, preferenceOf, versionTag } from '../settle.ts';
import { lines, quantityLine } from './reservations.ts';
import { Type } from '../type.ts';

const placedLine = closed({ sku: id(), quantity: lineUnits(), location: optional(id()) });

export function allocationRoutes(floor: Floor): Route[] {
  return [read(floor), fulfil(floor), unfulfil(floor), cancel(floor)];
}

function read({ services }: Floor): Route {
  return route({
    method: 'GET',
    path: '/v1/allocations/:orderId',
    operation: 'getAllocation',
    summary: 'What an order still has to get, and what became of the rest',
    tag: 'Allocations',
    access: 'read',
    headers: ['holdfast-cursor'],
    answers: { 200: { description: 'The allocation.', schema: order, headers: ['etag'] } },
    problems: ['unknown-order', 'view-behind'],
    async handle(call) {
      await statesCover(call, services);
      const orderId = call.param('orderId');
      const view = await services.engine.read((world) => {
        const known = findOrder(world, orderId);
        return known && orderView(known);
      });
      if (!view) throw problem('unknown-order', `There is no order ${orderId}.`);
      return { status: 200, headers: { etag: versionTag(Number(view['version'])) }, body: view };
    },
  });
}

/** A step of an order's goods: at once, or through the queue where the caller prefers that. */
async function take(floor: Floor, call: Call<never, never> | Call, step: (orderId: string) => InventoryCommand): Promise<Answer> {
  const orderId = call.param('orderId');
  const command = { ...step(orderId), actor: call.caller?.id };
  const shape = (settled: Settled): Answer => answerTo<JsonObject>(settled, (view, headers) => ({ status: 200, headers: { ...headers, etag: versionTag(Number(view['version'])) }, body: view }));
  if (preferenceOf(call, WAIT_SECONDS_MAX).respondAsync) {
    const check: Parameters<typeof floor.accepted.take>[1]['check'] = (world) =>
      findOrder(world, orderId) ? undefined : { kind: 'not-found', code: 'unknown-order', detail: `There is no order ${orderId}.` };
    return floor.accepted.take(call, { command, lane: orderKey(orderId), check }, shape);
  }
  const settled = await floor.services.engine.execute(command, { once: call.once() });
  return (settled.ok ? floor.accepted.replay(settled) : undefined) ?? shape(settled);
}

const STEP = { method: 'POST', tag: 'Allocations', access: 'write', headers: ['prefer'], answers: { 200: { description: 'The allocation as it now is; with `Prefer: respond-async, wait=N` the command that did it.', schema: Type.Union([order, applied]) }, 202: { description: 'Accepted.', schema: accepted } } } as const;

function fulfil(floor: Floor): Route {
  return route({
    ...STEP,
    path: '/v1/allocations/:orderId/fulfil',
    operation: 'fulfilAllocation',
    summary: 'Ship units of an order: its own first, then free ones, never those promised to others',
    body: closed({ lines: lines(placedLine) }),
    problems: ['unknown-order', 'exceeds-allocated', 'insufficient-on-hand'],
    handle: (call) => take(floor, call as never, (orderId) => ({ type: 'FulfilOrder', orderId, ...call.body })),
  });
}

function unfulfil(floor: Floor): Route {
  return route({
    ...STEP,
    path: '/v1/allocations/:orderId/unfulfil',
    operation: 'unfulfilAllocation',
    summary: 'Undo a shipment: on hand and allocation come back',
    body: closed({ lines: lines(placedLine) }),
    problems: ['unknown-order', 'exceeds-fulfilled'],
    handle: (call) => take(floor, call as never, (orderId) => ({ type: 'UnfulfilOrder', orderId, ...call.body })),
  });
}

function cancel(floor: Floor): Route {
  return route({
    ...STEP,
    path: '/v1/allocations/:orderId/cancel',
    operation: 'cancelAllocation',
    summary: 'Give up what is outstanding of an order, or some of it',
    body: closed({ lines: optional(lines(quantityLine)) }),
    bodyMode: 'optional',
    problems: ['unknown-order', 'exceeds-allocated'],
    handle: (call) => take(floor, call as never, (orderId) => ({ type: 'CancelOrder', orderId, ...call.body })),
  });
}
