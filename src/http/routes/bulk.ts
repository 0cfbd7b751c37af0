import { createHash, type Hash } from 'node:crypto';
import { accepted } from '../../base/decision.ts';
import { canonicalJson, type Json, type JsonObject } from '../../base/json.ts';
import { findItem, itemKey, limits, locationsBeside, type InventoryCommand } from '../../rooms/inventory/inventory.ts';
import type { Once } from '../../runtime/runtime.ts';
import type { Message } from '../../store/store.ts';
import { adjustmentLine, readAdjustment, type AdjustmentCommand } from '../adjustment.ts';
import type { Answer, Call } from '../call.ts';
import type { Floor } from '../floor.ts';
import { isId } from '../input.ts';
import { jsonLines, type JsonLine } from '../json-lines.ts';
import { BULK_STEP, BULK_TIMEOUT_MS, LINE_PROBLEMS_MAX } from '../limits.ts';
import { invalidRequest, problem, problemDocument, refusalDocument, refusalProblem, type InputFault, type Problem } from '../problem.ts';
import { route, type Route } from '../route.ts';
import { closed, id, lineProblem, optional } from '../schemas.ts';
import { writeHeaders } from '../settle.ts';
import { unknownLocation } from './adjustments.ts';
import { Type } from '../type.ts';

const batchAccepted = closed({ batchId: id(), accepted: Type.Integer(), rejected: Type.Array(lineProblem), rejectedTotal: optional(Type.Integer()) }, { title: 'BatchAccepted' });
const batch = closed({ accepted: Type.Integer(), applied: Type.Integer(), refused: Type.Integer(), pending: Type.Integer(), refusals: Type.Array(lineProblem) }, { title: 'Batch' });

export function bulkRoutes(floor: Floor): Route[] {
  return [bulk(floor), readBatch(floor)];
}

function bulk(floor: Floor): Route {
  return route({
    method: 'POST',
    path: '/v1/adjustments',
    operation: 'adjustMany',
    summary: 'Adjust many items: a JSON array of up to 1,000 lines, or NDJSON of up to 100,000',
    tag: 'Adjustments',
    access: 'write',
    query: closed({ createItems: optional(Type.Boolean({ description: 'Items that are not known are made.' })) }),
    body: Type.Array(adjustmentLine, { maxItems: limits.ADJUSTMENTS_JSON_MAX }),
    bodyMode: 'own',
    ndjson: true,
    answers: { 202: { description: 'Accepted, but for the lines that were rejected.', schema: batchAccepted, headers: ['location'] } },
    problems: ['payload-too-large'],
    handle: (call) => take(floor, call as unknown as BulkCall), // the body is looked at here
  });
}

type BulkCall = Call<{ createItems?: boolean }>;

/** Lines that may be put in the queue, and what is wrong with the others. */
class Sorted {
  readonly commands: { line: number; command: AdjustmentCommand }[] = [];
  readonly rejected: { line: number; problem: JsonObject }[] = [];
  rejectedTotal = 0;

  reject(line: number, what: Problem, requestId: string): void {
    this.rejectedTotal++;
    if (this.rejected.length < LINE_PROBLEMS_MAX) this.rejected.push({ line, problem: problemDocument(what, requestId) });
  }
}

async function take(floor: Floor, call: BulkCall): Promise<Answer> {
  const sorted = new Sorted();
  const digest = call.header('idempotency-key') === undefined ? undefined : createHash('sha256');
  for await (const lines of linesOf(call)) {
    if (digest) for (const line of lines) update(digest, line);
    await sort(floor, call, lines, sorted);
  }
  call.waitFor(BULK_TIMEOUT_MS);
  const once = digest && call.onceFor(digest.digest('base64url'));
  return store(floor, call, sorted, once);
}

/** The lines of either kind of body. Nothing is stored until the last of them was read. */
function linesOf(call: BulkCall): AsyncIterable<JsonLine[]> | JsonLine[][] {
  const { body } = call;
  if (isStream(body)) return jsonLines(body, limits.ADJUSTMENTS_NDJSON_MAX);
  if (!Array.isArray(body)) throw invalidRequest([{ pointer: '', detail: 'must be an array of adjustments' }]);
  if (body.length > limits.ADJUSTMENTS_JSON_MAX) throw invalidRequest([{ pointer: '', detail: `must have at most ${limits.ADJUSTMENTS_JSON_MAX} lines; send more as application/x-ndjson` }]);
  return [body.map((value, index) => ({ line: index + 1, value }))];
}

function isStream(body: unknown): body is AsyncIterable<Buffer> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

/** Equal values count as equal, however they are written. */
function update(digest: Hash, line: JsonLine): void {
  digest.update(`${line.line} ${'value' in line ? canonicalJson(line.value as Json) : line.problem.message}\n`); // it was parsed from JSON
}

/** Tells good lines from bad ones: first by their form, then by what is known of items and places. */
async function sort(floor: Floor, call: BulkCall, lines: readonly JsonLine[], sorted: Sorted): Promise<void> {
  const formed: { line: number; command: AdjustmentCommand }[] = [];
  for (const one of lines) {
    if ('problem' in one) {
      sorted.reject(one.line, one.problem, call.requestId);
      continue;
    }
    const command = readLine(one.value);
    if (Array.isArray(command)) sorted.reject(one.line, invalidRequest(command), call.requestId);
    else formed.push({ line: one.line, command });
  }
  for (let from = 0; from < formed.length; from += BULK_STEP) await sortKnown(floor, call, formed.slice(from, from + BULK_STEP), sorted);
}

function readLine(value: unknown): AdjustmentCommand | InputFault[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [{ pointer: '', detail: 'must be a JSON object' }];
  const { sku, ...adjustment } = value as { sku?: unknown }; // looked at before use
  const known = typeof sku === 'string' && isId(sku);
  const command = readAdjustment(known ? sku : '', Object.hasOwn(value, '__proto__') ? value : adjustment);
  if (known) return command;
  const fault: InputFault = { pointer: '/sku', detail: sku === undefined ? 'is required' : 'must be a SKU' };
  return Array.isArray(command) ? [fault, ...command.filter(({ pointer }) => pointer !== '/sku')] : [fault];
}

async function sortKnown({ services: { engine } }: Floor, call: BulkCall, lines: readonly { line: number; command: AdjustmentCommand }[], sorted: Sorted): Promise<void> {
  const create = call.query.createItems === true;
  const doubts = await engine.read((world) =>
    lines.map(({ command: { sku, location } }) => unknownLocation(location, locationsBeside(world, itemKey(sku))) ?? (create || findItem(world, sku) ? undefined : 'unknown-item')),
  );
  lines.forEach((one, index) => {
    const doubt = doubts[index];
    if (doubt === undefined) sorted.commands.push(one);
    else if (doubt === 'unknown-item') sorted.reject(one.line, problem('unknown-item', `There is no item ${one.command.sku}.`), call.requestId);
    else sorted.reject(one.line, refusalProblem(doubt), call.requestId);
  });
}

async function store(floor: Floor, call: BulkCall, sorted: Sorted, once: Once | undefined): Promise<Answer> {
  const { services, accepted: work } = floor;
  const count = sorted.commands.length;
  // A batch of nothing is not in the queue: its name says so.
  const batchId = work.newId(count === 0 ? EMPTY : 'bat', once);
  const rejectedTotal = sorted.rejectedTotal > sorted.rejected.length ? { rejectedTotal: sorted.rejectedTotal } : undefined;
  const document = { batchId, accepted: count, rejected: sorted.rejected.toSorted((a, b) => a.line - b.line), ...rejectedTotal };
  const settled = await services.engine.ask<Json>(() => accepted([], document), once);
  if (!settled.ok) throw refusalProblem(settled.refusal, writeHeaders(settled));
  const first = settled.answer as unknown as typeof document; // what is remembered under this key is such a document
  // A repeat puts what was accepted the first time, whatever has become of items and places since.
  const rejected = new Set(first.rejected.map(({ line }) => line));
  const lines = settled.replayed ? sorted.commands.filter(({ line }) => !rejected.has(line)) : sorted.commands;
  if (call.query.createItems === true) await createMissing(floor, lines);
  await putAll(floor, first.batchId, lines, call.caller?.id);
  return { status: 202, headers: { ...writeHeaders(settled), location: `/v1/batches/${first.batchId}` }, body: first };
}

/** Makes the items that are not there; one that somebody made meanwhile stays as it is. */
async function createMissing({ services: { engine } }: Floor, lines: readonly { command: AdjustmentCommand }[]): Promise<void> {
  const skus = [...new Set(lines.map(({ command }) => command.sku))];
  for (let from = 0; from < skus.length; from += BULK_STEP) {
    const step = skus.slice(from, from + BULK_STEP);
    const missing = await engine.read((world) => step.filter((sku) => !findItem(world, sku)));
    await Promise.all(missing.map((sku) => engine.execute({ type: 'DefineItem', sku, mode: 'create', definition: {} } satisfies InventoryCommand)));
  }
}

/**
 * In steps, so that a large batch holds nobody else up. The names of the messages follow from the batch, so that the
 * same request again, after a crash in the middle, adds what is missing and nothing else.
 */
async function putAll({ accepted: work }: Floor, batchId: string, lines: readonly { line: number; command: AdjustmentCommand }[], actor: string | undefined): Promise<void> {
  for (let from = 0; from < lines.length; from += BULK_STEP) {
    const messages: Omit<Message, 'queue'>[] = lines
      .slice(from, from + BULK_STEP)
      .map(({ line, command }) => ({ id: `${batchId}-${line}`, lane: command.sku, body: { ...command, actor } as unknown as Json, batch: batchId, line })); // commands are plain JSON
    await work.put(messages);
  }
}

/** The beginning of the name of a batch that has no line in the queue. */
const EMPTY = 'bat0';

function readBatch({ services: { store, engine } }: Floor): Route {
  return route({
    method: 'GET',
    path: '/v1/batches/:id',
    operation: 'getBatch',
    summary: 'How a batch of adjustments stands',
    tag: 'Adjustments',
    access: 'read',
    answers: { 200: { description: 'The batch.', schema: batch } },
    problems: ['unknown-batch'],
    async handle(call) {
      const id = call.param('id');
      const { done, refused, pending, dead, refusals } = await store.queue.batch(id, LINE_PROBLEMS_MAX);
      const total = done + pending + dead;
      if (total === 0 && !id.startsWith(`${EMPTY}_`)) throw problem('unknown-batch', `There is no batch ${id}.`);
      const named = refusals.map(({ line, result }) => ({ line: line ?? 0, problem: refusalDocument((result as unknown as { refusal: Parameters<typeof refusalDocument>[0] }).refusal, call.requestId) })); // recorded by the worker
      return { status: 200, headers: { 'holdfast-cursor': engine.cursor }, body: { accepted: total, applied: done - refused, refused, pending: pending + dead, refusals: named } };
    },
  });
}
