/** A server whose disk fails once, at its n-th write or sync, or has no room for a while. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '../../../src/base/random.ts';
import type { HoldfastClient } from '../../../src/client/client.ts';
import { ask } from '../ask.ts';
import { Audit } from '../audit.ts';
import type { Place } from '../places.ts';
import { ServerProcess } from '../server-process.ts';
import { newShop, openShop, type Shop } from '../shoppers.ts';
import { cutPower } from './states.ts';
import { readTrace, watching, type Deed } from './trace.ts';

const SKUS = ['HOT-1', 'COLD-1'];
const EIO = 5;
const NOT_READY_WITHIN_MS = 5_000;
/** Enough for two hundred syncs. */
const ANSWERS = 150;

interface Home extends Disposable {
  readonly root: string;
  readonly trace: string;
  readonly place: Place;
}

function newHome(): Home {
  const home = mkdtempSync(join(tmpdir(), 'holdfast-failing-'));
  const root = join(home, 'disk');
  mkdirSync(root);
  const place: Place = { engine: 'sqlite', flags: ['--data', join(root, 'data')], env: {}, async [Symbol.asyncDispose]() {} };
  return { root, trace: join(home, 'trace'), place, [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }) };
}

export interface Failure {
  /** Which file failed, and what was wrong with what the server did then. */
  readonly file: string | undefined;
  readonly faults: readonly string[];
}

/** Lets the n-th write or sync of a new server fail, and holds it to what it said until then and after it. */
export async function failAt(call: 'write' | 'sync', nth: number, seed: number): Promise<Failure> {
  using home = newHome();
  const shop = newShop(SKUS, seed);
  const { started, faults } = await untilItFails(home, shop, `${call}:${nth}:${EIO}`);
  const deeds = readTrace(home.trace);
  const at = deeds.findIndex(({ kind }) => kind === 'failed');
  const file = deeds[at]?.path.slice(home.root.length + 1);
  if (file === undefined) return { file, faults: ['the server did not come so far'] };
  // A process that ends without having said anything to anybody may sync what it leaves behind.
  if (started) faults.push(...retries(deeds, at));
  const { violations } = await cutPower({ deeds, root: home.root, data: join(home.root, 'data'), [Symbol.dispose]() {} }, 4, { fileSystem: 'posix', seed, moments: 'end' });
  return { file, faults: [...faults, ...violations, ...(await afterRestart(home.place, shop))] };
}

/** Runs until the failure shows; says what was wrong with how it showed. */
async function untilItFails({ root, trace, place }: Home, shop: Shop, fail: string): Promise<{ started: boolean; faults: string[] }> {
  let server: ServerProcess;
  try {
    server = await ServerProcess.start(place, watching({ root, trace, fail }));
  } catch (error) {
    // Failing to start is a good answer where it names what failed.
    const reason = error instanceof Error ? error.message : String(error);
    return { started: false, faults: reason.includes(root) ? [] : [`it did not start, and did not say which file failed: ${reason}`] };
  }
  try {
    const client = server.client();
    await stock(client, shop);
    const until = shop.ledger.answered.length + ANSWERS;
    await openShop(shop, client, () => shop.ledger.answered.length >= until);
    const failed = readTrace(trace).find(({ kind }) => kind === 'failed');
    return { started: true, faults: failed === undefined ? [] : await saidSo(server, failed, root) };
  } finally {
    await server.kill();
  }
}

async function stock(client: HoldfastClient, { ledger }: Shop): Promise<void> {
  for (const sku of SKUS) {
    if (!(await ask(client, { method: 'PUT', path: `/v1/items/${sku}`, body: {} })).known) return;
    const intent = { kind: 'adjust', sku, change: 200, reference: `first-${sku}` } as const;
    const request = { method: 'POST', path: `/v1/items/${sku}/adjustments`, idempotencyKey: intent.reference, prefer: 'wait=10', body: { change: intent.change, reason: 'received', reference: intent.reference } } as const;
    ledger.record({ intent, request }, await ask(client, request));
  }
}

/** Not ready, and no write accepted where it was the log that failed. */
async function saidSo(server: ServerProcess, { path }: Deed, root: string): Promise<string[]> {
  // SQLite keeps it to itself where it could not sync a directory. What is named in it is then on the disk with the next sync: the power cut shows it.
  if (path === join(root, 'data')) return [];
  // An older note of what was acknowledged is as true as a newer one.
  if (path === join(root, 'data', 'acknowledged')) return [];
  const ready = await settlesAt(server, 503);
  if (!ready) return [`${path} failed and it stayed ready`];
  if (path.includes('views.db')) return [];
  const write = await fetch(`${server.url}/v1/reservations`, { method: 'POST', headers: headersOf(server), body: JSON.stringify({ lines: [{ sku: SKUS[0], quantity: 1 }] }) });
  return write.status < 500 ? [`${path} failed, and a hold was answered with ${write.status}`] : [];
}

const headersOf = ({ key }: ServerProcess): Record<string, string> => ({ authorization: `Bearer ${key}`, 'content-type': 'application/json' });

/** Whether the server comes to answer `/readyz` with a status. */
async function settlesAt({ url }: ServerProcess, status: number): Promise<boolean> {
  const late = performance.now() + NOT_READY_WITHIN_MS;
  while (performance.now() < late) {
    if ((await fetch(`${url}/readyz`)).status === status) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

/** A file whose sync failed is not synced again by the same process. */
function retries(deeds: readonly Deed[], at: number): string[] {
  const failed = deeds[at];
  if (failed?.data.toString() !== 'sync') return [];
  const again = deeds.slice(at + 1).some(({ kind, path }) => kind === 'synced' && path === failed.path);
  return again ? [`${failed.path} was synced again after its sync had failed`] : [];
}

async function afterRestart(place: Place, { ledger }: Shop): Promise<readonly string[]> {
  const server = await ServerProcess.start(place);
  try {
    // Where it failed before there was stock, there is nothing to hold it to.
    if (ledger.onHand.size < SKUS.length && ledger.holds.size === 0) return [];
    const audit = new Audit(ledger, seededRandom(1), SKUS.filter((sku) => ledger.onHand.has(sku)));
    await audit.afterRestart(server.client());
    await audit.whole(server.client());
    return ledger.faults;
  } finally {
    await server.stop();
  }
}

export interface FullDisk {
  /** What writes were answered with while there was no room, and how reads and readiness were. */
  readonly refusals: ReadonlySet<string>;
  readonly readsAnswered: number;
  readonly readsFailed: number;
  /** From when there was room again until a write was acknowledged. */
  readonly healedMs: number;
  readonly faults: readonly string[];
}

/** A disk that has no room for some seconds, under load. */
export async function fillUp(seed: number, seconds: number): Promise<FullDisk> {
  using home = newHome();
  const { root, place } = home;
  const full = join(root, '..', 'full');
  const shop = newShop(SKUS, seed);
  const { ledger } = shop;
  const server = await ServerProcess.start(place, watching({ root, full }));
  try {
    const client = server.client();
    await stock(client, shop);
    await openShop(shop, client, () => ledger.answered.length >= ANSWERS);
    writeFileSync(full, '');
    const during = await whileFull(server, seconds);
    rmSync(full);
    const began = performance.now();
    while ((await hold(server)).status >= 500) if (performance.now() - began > 30_000) break;
    const healedMs = performance.now() - began;
    const until = ledger.answered.length + ANSWERS;
    await openShop(shop, client, () => ledger.answered.length >= until);
    const ready = (await settlesAt(server, 200)) ? [] : ['it did not become ready again'];
    return { ...during, healedMs, faults: [...ready, ...(await booksOf(client))] };
  } finally {
    await server.stop();
  }
}

async function whileFull(server: ServerProcess, seconds: number): Promise<Pick<FullDisk, 'refusals' | 'readsAnswered' | 'readsFailed'>> {
  const refusals = new Set<string>();
  let [readsAnswered, readsFailed] = [0, 0];
  for (const until = performance.now() + seconds * 1000; performance.now() < until; ) {
    const write = await hold(server);
    refusals.add(`${write.status} ${((await write.json()) as { code?: string }).code ?? ''}`);
    const read = await fetch(`${server.url}/v1/items/${SKUS[0]}/availability`);
    if (read.status === 200) readsAnswered++;
    else readsFailed++;
  }
  return { refusals, readsAnswered, readsFailed };
}

function hold(server: ServerProcess): Promise<Response> {
  return fetch(`${server.url}/v1/reservations`, { method: 'POST', headers: headersOf(server), body: JSON.stringify({ lines: [{ sku: SKUS[0], quantity: 1 }], ttlSeconds: 3_600 }) });
}

async function booksOf(client: HoldfastClient): Promise<string[]> {
  const checks = await Promise.all(SKUS.map((sku) => client.items.check(sku)));
  return checks.filter(({ ok }) => !ok).map((check) => `the books do not add up: ${JSON.stringify(check)}`);
}
