import type { Refusal } from '../../base/decision.ts';
import { bundleRefusal, etagOf, findItem, isBundle, itemKey, locationsBeside } from '../../rooms/inventory/inventory.ts';
import type { World } from '../../runtime/runtime.ts';
import { reportDocument, unknownCommand } from '../accepted.ts';
import { adjustmentInput, readAdjustment, type AdjustmentCommand } from '../adjustment.ts';
import type { Floor } from '../floor.ts';
import { invalidRequest } from '../problem.ts';
import { route, type Route } from '../route.ts';
import { accepted, bucket, closed, id, optional, problemSchema } from '../schemas.ts';
import { answerTo } from '../settle.ts';
import { Type } from '../type.ts';

const result = closed({ sku: id(), location: id(), bucket, change: Type.Integer(), onHand: Type.Integer(), version: Type.Integer() }, { title: 'AdjustmentResult' });
const command = closed(
  {
    commandId: id(),
    status: Type.Enum(['accepted', 'applied', 'refused']),
    result: optional(Type.Unknown({ description: 'What the command came to: an AdjustmentResult, or the resource that it changed.' })),
    problem: optional(problemSchema),
    deadLettered: optional(Type.Boolean({ description: 'It failed again and again and waits for somebody to look at it.' })),
  },
  { title: 'Command' },
);

export function adjustmentRoutes(floor: Floor): Route[] {
  return [adjust(floor), readCommand(floor)];
}

function adjust(floor: Floor): Route {
  return route({
    method: 'POST',
    path: '/v1/items/:sku/adjustments',
    operation: 'adjustItem',
    summary: 'Change, count or move stock of an item, through the durable queue',
    tag: 'Adjustments',
    access: 'write',
    body: adjustmentInput,
    bodyMode: 'own',
    headers: ['if-match', 'prefer'],
    answers: {
      202: { description: 'Accepted.', schema: accepted, headers: ['location'] },
      200: { description: 'Applied within the wait that was asked for.', schema: closed({ commandId: id(), status: Type.Literal('applied'), result }), headers: ['location', 'preference-applied'] },
    },
    problems: ['unknown-item', 'unknown-location', 'version-conflict', 'unexpected-count', 'negative-stock', 'limit-exceeded'],
    async handle(call) {
      const sku = call.param('sku');
      const ifEtag = call.header('if-match')?.trim();
      const command = readAdjustment(sku, call.body, ifEtag === '*' ? undefined : ifEtag);
      if (Array.isArray(command)) throw invalidRequest(command);
      return floor.accepted.take(call, { command: { ...command, actor: call.caller?.id }, lane: sku, check: (world, now) => refusalOf(command, world, now) }, (settled) => answerTo(settled, (body, headers) => ({ status: 200, headers, body })));
    },
  });
}

/** What can be said at the door: the queue will find the same again, later and for sure. */
function refusalOf(command: AdjustmentCommand, world: World, now: number): Refusal | undefined {
  const { sku, location, ifEtag } = command;
  const item = findItem(world, sku);
  if (!item) return { kind: 'not-found', code: 'unknown-item', detail: `There is no item ${sku}.` };
  if (isBundle(item.definition)) return bundleRefusal(sku);
  const locations = locationsBeside(world, itemKey(sku));
  const unknown = unknownLocation(location, locations);
  if (unknown) return unknown;
  if (ifEtag === undefined || ifEtag === etagOf(item, locations, now)) return undefined;
  return { kind: 'precondition', code: 'version-conflict', detail: `Item ${sku} has changed since it was read. Read it again.`, members: { version: item.version } };
}

export function unknownLocation(location: string, locations: ReturnType<typeof locationsBeside>): Refusal | undefined {
  const known = locations.get(location);
  if (known && known.closing !== true) return undefined;
  const detail = `There is no location ${location}.`;
  return { kind: 'invalid', code: 'unknown-location', detail, members: { errors: [{ pointer: '/location', detail }] } };
}

function readCommand({ services: { store, engine } }: Floor): Route {
  return route({
    method: 'GET',
    path: '/v1/commands/:id',
    operation: 'getCommand',
    summary: 'How accepted work stands',
    tag: 'Adjustments',
    access: 'read',
    answers: { 200: { description: 'The command.', schema: command } },
    problems: ['unknown-command'],
    async handle(call) {
      const id = call.param('id');
      const report = await store.queue.find(id);
      if (!report) throw unknownCommand(id);
      return { status: 200, headers: { 'holdfast-cursor': engine.cursor }, body: reportDocument(report, call.requestId) };
    },
  });
}
