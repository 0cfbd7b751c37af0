import { findTransfer, limits, transferKey, transferView, type InventoryCommand, type TransferView } from '../../rooms/inventory/inventory.ts';
import type { Settled } from '../../runtime/runtime.ts';
import type { Answer, Call } from '../call.ts';
import type { Floor } from '../floor.ts';
import { WAIT_SECONDS_MAX } from '../limits.ts';
import { page, readCursor, statesCover, viewsCover } from '../lists.ts';
import { invalidRequest, problem } from '../problem.ts';
import { route, type Route } from '../route.ts';
import { accepted, applied, closed, id, instant, listOf, optional, paging, text, units } from '../schemas.ts';
import { answerTo, ifVersion, preferenceOf, versionTag } from '../settle.ts';
import { lines, quantityLine } from './reservations.ts';
import { listTransfers } from './transfer-list.ts';
import { Type } from '../type.ts';

const statuses = ['draft', 'in-transit', 'partially-received', 'received', 'cancelled'] as const;
const told = { reference: optional(text(limits.REFERENCE_LENGTH_MAX)), note: optional(text(limits.NOTE_LENGTH_MAX)) };
const transferInput = closed({ from: id(), to: id(), lines: lines(quantityLine), ...told }, { title: 'TransferInput' });
const line = closed({
  sku: id(),
  quantity: units(),
  shipped: units(),
  received: Type.Integer({ description: 'So far, all deliveries together.' }),
  restocked: Type.Integer({ description: 'Came back when the transfer was cancelled.' }),
  writtenOff: Type.Integer({ description: 'Was lost when the transfer was cancelled.' }),
});
const transfer = closed(
  { id: id(), status: Type.Enum([...statuses]), from: id(), to: id(), lines: Type.Array(line), reference: optional(Type.String()), note: optional(Type.String()), createdAt: instant(), shippedAt: optional(instant()), version: Type.Integer() },
  { title: 'Transfer', description: 'What was shipped and neither received, restocked nor written off is on its way and sells nowhere.' },
);

const TRANSFER = { tag: 'Transfers' } as const;

export function transferRoutes(floor: Floor): Route[] {
  return [make(floor), read(floor), list(floor), ship(floor), receive(floor), cancel(floor)];
}

function make({ services: { engine } }: Floor): Route {
  return route({
    ...TRANSFER,
    method: 'POST',
    path: '/v1/transfers',
    operation: 'createTransfer',
    summary: 'Plan to bring units from one location to another; nothing moves before it is shipped',
    access: 'write',
    body: transferInput,
    answers: { 201: { description: 'A draft.', schema: transfer, headers: ['etag', 'location'] } },
    problems: ['unknown-item', 'unknown-location', 'limit-exceeded'],
    async handle(call) {
      const settled = await engine.execute({ type: 'CreateTransfer', ...call.body, actor: call.caller?.id }, { once: call.once() });
      return answerTo<TransferView>(settled, (view, headers) => ({ status: 201, headers: { ...headers, etag: versionTag(view.version), location: `/v1/transfers/${view.id}` }, body: view }));
    },
  });
}

function read({ services }: Floor): Route {
  return route({
    ...TRANSFER,
    method: 'GET',
    path: '/v1/transfers/:id',
    operation: 'getTransfer',
    summary: 'Read a transfer',
    access: 'read',
    headers: ['holdfast-cursor'],
    answers: { 200: { description: 'The transfer.', schema: transfer, headers: ['etag'] } },
    problems: ['unknown-transfer', 'view-behind'],
    async handle(call) {
      await statesCover(call, services);
      const id = call.param('id');
      const view = await services.engine.read((world) => {
        const known = findTransfer(world, id);
        return known && transferView(known);
      });
      if (!view) throw problem('unknown-transfer', `There is no transfer ${id}.`);
      return { status: 200, headers: { etag: versionTag(view.version) }, body: view };
    },
  });
}

function list({ services }: Floor): Route {
  return route({
    ...TRANSFER,
    method: 'GET',
    path: '/v1/transfers',
    operation: 'listTransfers',
    summary: 'Find transfers, oldest first',
    access: 'read',
    query: closed({ status: optional(Type.Enum([...statuses])), sku: optional(id()), location: optional(id('Where they come from or go to.')), ...paging }),
    headers: ['holdfast-cursor'],
    answers: { 200: { description: 'A page.', schema: listOf(transfer, 'TransferList') } },
    problems: ['invalid-cursor', 'view-behind'],
    async handle(call) {
      const { limit, cursor, status, ...filter } = call.query;
      const after = readCursor('transfers', cursor)?.[0];
      await viewsCover(call, services);
      const rows = await listTransfers(services, { ...filter, statuses: status === undefined ? undefined : [status], after: after === undefined ? '' : String(after), limit });
      return { status: 200, body: page(rows, limit, { list: 'transfers', placeOf: (row) => [row.id] }) };
    },
  });
}

/** A step in the life of a transfer: at once, or through the queue where the caller prefers that. */
async function take(floor: Floor, call: Call<never, never> | Call, step: (id: string) => InventoryCommand): Promise<Answer> {
  const id = call.param('id');
  const command = { ...step(id), actor: call.caller?.id };
  const shape = (settled: Settled): Answer => answerTo<TransferView>(settled, (view, headers) => ({ status: 200, headers: { ...headers, etag: versionTag(view.version) }, body: view }));
  if (preferenceOf(call, WAIT_SECONDS_MAX).respondAsync) {
    const check: Parameters<typeof floor.accepted.take>[1]['check'] = (world) =>
      findTransfer(world, id) ? undefined : { kind: 'not-found', code: 'unknown-transfer', detail: `There is no transfer ${id}.` };
    return floor.accepted.take(call, { command, lane: transferKey(id), check }, shape);
  }
  const settled = await floor.services.engine.execute(command, { once: call.once() });
  return (settled.ok ? floor.accepted.replay(settled) : undefined) ?? shape(settled);
}

const STEP = {
  ...TRANSFER,
  method: 'POST',
  access: 'write',
  headers: ['if-match', 'prefer'],
  answers: { 200: { description: 'The transfer as it now is; with `Prefer: respond-async, wait=N` the command that did it.', schema: Type.Union([transfer, applied]) }, 202: { description: 'Accepted.', schema: accepted } },
} as const;
const STEP_PROBLEMS = ['unknown-transfer', 'version-conflict', ...statuses.map((status) => `transfer-${status}`)];

function ship(floor: Floor): Route {
  return route({
    ...STEP,
    path: '/v1/transfers/:id/ship',
    operation: 'shipTransfer',
    summary: 'Send the units off: only those that nobody was promised, all or none',
    body: closed({}),
    bodyMode: 'optional',
    problems: [...STEP_PROBLEMS.filter((code) => code !== 'transfer-draft'), 'insufficient-stock', 'in-use'],
    handle: (call) => take(floor, call as never, (id) => ({ type: 'ShipTransfer', id, ...ifVersion(call) })),
  });
}

function receive(floor: Floor): Route {
  return route({
    ...STEP,
    path: '/v1/transfers/:id/receive',
    operation: 'receiveTransfer',
    summary: 'Say what has arrived so far, all deliveries together',
    body: closed({ lines: lines(closed({ sku: id(), received: units() })) }),
    problems: [...STEP_PROBLEMS.filter((code) => !['transfer-in-transit', 'transfer-partially-received'].includes(code)), 'unknown-item', 'receipt-decreased', 'exceeds-shipped', 'limit-exceeded'],
    handle(call) {
      const skus = call.body.lines.map(({ sku }) => sku);
      const twice = skus.findIndex((sku, index) => skus.indexOf(sku) < index);
      if (twice >= 0) throw invalidRequest([{ pointer: `/lines/${twice}/sku`, detail: 'is named twice; what was received is cumulative, so one line says it all' }]);
      return take(floor, call as never, (id) => ({ type: 'ReceiveTransfer', id, ...call.body, ...ifVersion(call) }));
    },
  });
}

function cancel(floor: Floor): Route {
  return route({
    ...STEP,
    path: '/v1/transfers/:id/cancel',
    operation: 'cancelTransfer',
    summary: 'End a transfer; units on their way go back or are lost',
    body: closed({ disposition: optional(Type.Enum(['restock', 'write-off'], { description: 'Required once it was shipped.' })) }),
    bodyMode: 'optional',
    problems: ['unknown-transfer', 'version-conflict', 'transfer-received', 'transfer-cancelled', 'limit-exceeded'],
    handle: (call) => take(floor, call as never, (id) => ({ type: 'CancelTransfer', id, ...call.body, ...ifVersion(call) })),
  });
}
