/** Concurrent clients over HTTP on a few hot SKUs, and what each of them asked and was told, as a history per SKU. */
import type { Availability, HoldfastClient, Reservation } from '../../src/client/client.ts';
import { below, chance, pick, seededRandom, type Random } from '../../src/base/random.ts';
import { ask, type Reply, type Request } from './ask.ts';
import { contradiction, type StockCall, type StockOutput } from './stock-register.ts';

interface Held {
  readonly id: string;
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
}

export interface Recording {
  readonly random: Random;
  readonly skus: readonly string[];
  /** Holds that anybody may go on with, so that steps race each other. */
  readonly holds: Held[];
  readonly calls: Map<string, StockCall[]>;
  readonly faults: string[];
  /** Orders what this process saw: every call and every return has an instant of its own. */
  instant: number;
  next: number;
}

export function record(seed: number, skus: readonly string[]): Recording {
  return { random: seededRandom(seed), skus, holds: [], calls: new Map(skus.map((sku) => [sku, []])), faults: [], instant: 0, next: 1 };
}

export const STOCK = 12;

/** Shelves of their own for one history, so that every history begins with what is known. */
export async function stockShelves(client: HoldfastClient, skus: readonly string[]): Promise<void> {
  for (const sku of skus) {
    await client.items.put(sku, {});
    await client.items.adjust(sku, { change: STOCK, reason: 'received' }, { waitSeconds: 20 });
  }
}

/** One client, until it made `calls` calls or one stayed unanswered. */
export async function visit(recording: Recording, client: HoldfastClient, calls: number): Promise<void> {
  for (let made = 0; made < calls; made++) {
    if (!(await oneCall(recording, client))) return;
  }
}

function oneCall(recording: Recording, client: HoldfastClient): Promise<boolean> {
  const { random, holds } = recording;
  const dice = below(random, 100);
  if (dice < 30) return read(recording, client);
  if (dice < 65 || holds.length === 0) return reserve(recording, client);
  const at = below(random, holds.length);
  const hold = holds[at] as Held; // the list is not empty
  // Most are taken off the list; others stay, and somebody comes too late.
  if (chance(random, 0.8)) holds.splice(at, 1);
  return step(recording, client, { type: chance(random, 0.3) ? 'confirm' : 'release', hold });
}

async function timed(recording: Recording, client: HoldfastClient, request: Request): Promise<{ reply: Reply; called: number; returned: number }> {
  const called = ++recording.instant;
  const reply = await ask(client, request);
  return { reply, called, returned: reply.known ? ++recording.instant : Number.POSITIVE_INFINITY };
}

async function read(recording: Recording, client: HoldfastClient): Promise<boolean> {
  const sku = pick(recording.random, recording.skus);
  const { reply, ...times } = await timed(recording, client, { method: 'GET', path: `/v1/items/${sku}/availability` });
  if (!reply.known) return false;
  if (reply.code !== undefined) return fault(recording, `availability answered ${JSON.stringify(reply)}`);
  const { onHand, reserved, allocated, available } = reply.body as Availability; // what this path answers
  put(recording, sku, { input: { type: 'read' }, output: { type: 'levels', onHand, reserved, allocated, available }, ...times });
  return true;
}

async function reserve(recording: Recording, client: HoldfastClient): Promise<boolean> {
  const { random, skus } = recording;
  const wanted = new Map([[pick(random, skus), 1 + below(random, 3)]]);
  if (chance(random, 0.25)) wanted.set(pick(random, skus), 1 + below(random, 2));
  const lines = [...wanted].map(([sku, quantity]) => ({ sku, quantity }));
  const request = { method: 'POST', path: '/v1/reservations', idempotencyKey: key(recording), body: { lines, ttlSeconds: 86_400 } } as const;
  const { reply, ...times } = await timed(recording, client, request);
  if (!reply.known) {
    for (const { sku, quantity } of lines) put(recording, sku, { input: { type: 'reserve', quantity }, output: undefined, ...times });
    return false;
  }
  if (reply.status === 201) {
    const { id } = reply.body as Reservation; // what a 201 here holds
    for (const { sku, quantity } of lines) put(recording, sku, { input: { type: 'reserve', quantity }, output: { type: 'granted', hold: id }, ...times });
    recording.holds.push({ id, lines });
    return true;
  }
  if (reply.code !== 'insufficient-stock') return fault(recording, `a reserve answered ${JSON.stringify(reply)}`);
  const { lines: short } = reply.body as { lines: { sku: string; requested: number; available: number }[] }; // what this problem holds
  // The lines that are not named fitted at that instant, and nothing happened to them.
  for (const { sku, requested, available } of short) put(recording, sku, { input: { type: 'reserve', quantity: requested }, output: { type: 'insufficient', available }, ...times });
  return true;
}

async function step(recording: Recording, client: HoldfastClient, { type, hold }: { type: 'release' | 'confirm'; hold: Held }): Promise<boolean> {
  const { reply, ...times } = await timed(recording, client, { method: 'POST', path: `/v1/reservations/${hold.id}/${type}`, idempotencyKey: key(recording), body: {} });
  const output = reply.known ? stepOutput(reply) : undefined;
  if (reply.known && output === undefined) return fault(recording, `a ${type} answered ${JSON.stringify(reply)}`);
  for (const { sku, quantity } of hold.lines) put(recording, sku, { input: { type, hold: hold.id, quantity }, output, ...times });
  return reply.known;
}

function stepOutput({ status, code }: Reply & { known: true }): StockOutput | undefined {
  if (status === 200) return { type: 'done' };
  if (code === 'reservation-released') return { type: 'ended', as: 'released' };
  if (code === 'reservation-confirmed') return { type: 'ended', as: 'confirmed' };
  return undefined;
}

const key = (recording: Recording): string => `call-${recording.skus[0]}-${recording.next++}`;

function put({ calls }: Recording, sku: string, call: StockCall): void {
  calls.get(sku)?.push(call);
}

function fault({ faults }: Recording, what: string): false {
  faults.push(what);
  return false;
}

/** What cannot be explained by one call after another, SKU by SKU. */
export function contradictions(recording: Recording): string[] {
  const found = [...recording.faults];
  for (const [sku, calls] of recording.calls) {
    const what = contradiction(calls, STOCK);
    if (what !== undefined) found.push(`${sku}: ${what}`);
  }
  return found;
}

export function callsMade({ calls }: Recording): number {
  return [...calls.values()].reduce((sum, list) => sum + list.length, 0);
}
