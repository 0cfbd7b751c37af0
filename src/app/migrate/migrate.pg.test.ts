import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { must } from '../../base/assert.ts';
import { asOperator, testDatabaseUrl } from '../../engines/postgres/testing.ts';
import { parseCursor } from '../../store/store.ts';
import { openHoldfast, type Holdfast } from '../holdfast.ts';
import { openStore, type StorePlace } from '../open-store.ts';
import { migrate } from './migrate.ts';

const server = await testDatabaseUrl();
const name = `holdfast_migrate_${randomBytes(6).toString('hex')}`;
const url = server === undefined ? '' : Object.assign(new URL(server), { pathname: `/${name}` }).href;
let root = '';
const sqliteAt = (directory: string): StorePlace => ({ engine: 'sqlite', directory: join(root, directory) });

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-migrate-'));
  if (server !== undefined) await asOperator(server, `create database ${name}`);
});

afterAll(async () => {
  await rm(root, { recursive: true });
  if (server !== undefined) await asOperator(server, `drop database if exists ${name} with (force)`);
});

async function trade({ engine, store, clock }: Holdfast): Promise<string> {
  for (let i = 0; i < 20; i++) {
    const sku = `item-${i}`;
    await engine.execute({ type: 'DefineItem', sku, mode: 'create', definition: { name: `Item ${i}, "quoted" \u0001 😀` } });
    await engine.execute({ type: 'AdjustStock', sku, location: 'main', bucket: 'sellable', change: 10, reason: 'received' });
  }
  const half = engine.cursor;
  await Promise.all(Array.from({ length: 20 }, (_, i) => engine.execute({ type: 'ReserveStock', lines: [{ sku: `item-${i}`, quantity: 3 }] })));
  const now = clock.now();
  await store.queue.put(['done', 'dead', 'retried', 'ready'].map((id) => ({ id, queue: 'other', lane: id === 'ready' ? 'retried' : id, body: { id, text: 'é"\\' }, batch: 'b1', line: 1 })), now);
  await store.queue.claim('other', { limit: 3, leaseMs: 60_000, nowMs: now });
  await store.queue.finish([{ id: 'done', attempt: 1, result: { ok: false, code: 'no' } }], now);
  await store.queue.bury('dead', 1, 'it was at fault');
  await store.queue.retry('retried', 1, now + 3_600_000, 'later');
  await store.settings.swap('keys/1', undefined, { name: 'till', hash: 'abc' });
  return half;
}

/** What a listener is told that goes on from a cursor: each fact with the cursor after it. */
async function eventsAfter({ feed }: Holdfast, cursor: string, partitions = 4): Promise<{ cursor: string }[]> {
  const after = must(parseCursor(cursor, partitions), 'a cursor');
  return (await feed.page({ after, limit: 500, waitMs: 0 })).entries.map((entry) => ({ ...entry }));
}

test.skipIf(server === undefined)('a store goes to PostgreSQL and back: the same facts at the same positions, the same queues and settings, and cursors go on', { timeout: 240_000 }, async () => {
  let half = '';
  let page: unknown[] = [];
  {
    await using holdfast = await openHoldfast({ place: sqliteAt('a'), partitions: 4 });
    half = await trade(holdfast);
    page = await eventsAfter(holdfast, half);
    await expect(migrate({ from: sqliteAt('a'), to: { engine: 'postgres', url } })).rejects.toThrow(/another Holdfast works in it/);
  }
  const there = await migrate({ from: sqliteAt('a'), to: { engine: 'postgres', url } });
  expect(there).toMatchObject({ messages: 4 });
  expect(there.facts).toBeGreaterThan(40);
  {
    await using holdfast = await openHoldfast({ place: { engine: 'postgres', url } });
    expect(await eventsAfter(holdfast, half)).toEqual(page);
    expect(holdfast.engine.partitions).toBe(4);
    expect(await holdfast.store.queue.depth('other', holdfast.clock.now())).toMatchObject({ scheduled: 1, deadLettered: 1 });
    expect(await holdfast.store.queue.batch('b1', 10)).toMatchObject({ done: 1, refused: 1, dead: 1 });
    expect(await holdfast.store.settings.get('keys/1')).toEqual({ name: 'till', hash: 'abc' });
    expect(await holdfast.store.settings.get('migration')).toBeUndefined();
    await expect(migrate({ from: { engine: 'postgres', url }, to: sqliteAt('b') })).rejects.toThrow(/a server works on this store/);
    await expect(migrate({ from: sqliteAt('a'), to: { engine: 'postgres', url } })).rejects.toThrow(/a server works on this store|something in it/);
  }
  await new Promise((resolve) => setTimeout(resolve, 3_500)); // the server's lease runs out
  const back = await migrate({ from: { engine: 'postgres', url }, to: sqliteAt('c') });
  await using again = await openHoldfast({ place: sqliteAt('c') });
  expect(again.engine.cursor).not.toBe('c1');
  expect(back.facts).toBeGreaterThanOrEqual(there.facts);
  expect((await eventsAfter(again, half)).slice(0, page.length)).toEqual(page);
  expect(page.length).toBeGreaterThan(15);
  expect(await again.engine.execute({ type: 'ReserveStock', lines: [{ sku: 'item-1', quantity: 8 }] })).toMatchObject({ ok: false });
});

test('a migration that was cut off serves nobody, and goes on where it was', { timeout: 120_000 }, async () => {
  {
    await using holdfast = await openHoldfast({ place: sqliteAt('d'), partitions: 4 });
    await trade(holdfast);
  }
  {
    await using source = await openStore(sqliteAt('d'));
    await using target = await openStore(sqliteAt('e'), { partitions: 4 });
    await target.settings.swap('migration', undefined, { from: 'sqlite', heads: [] });
    for (let log = 0; log < 4; log += 2) {
      for await (const commit of source.log.read(log, 0)) {
        await target.transfer.addCommits(log, [commit]);
        break;
      }
    }
  }
  await expect(openHoldfast({ place: sqliteAt('e') })).rejects.toThrow(/was cut off/);
  await migrate({ from: sqliteAt('d'), to: sqliteAt('e') });
  await using holdfast = await openHoldfast({ place: sqliteAt('e') });
  expect(await holdfast.store.projections.sql.selectFrom('items').select('sku').execute()).toHaveLength(20);
});

test('nothing goes into a store with something in it, nor into one that was begun from another', { timeout: 120_000 }, async () => {
  for (const place of ['f', 'g']) {
    await using holdfast = await openHoldfast({ place: sqliteAt(place), partitions: 4 });
    await trade(holdfast);
  }
  await expect(migrate({ from: sqliteAt('f'), to: sqliteAt('g') })).rejects.toThrow(/something in it/);
  {
    await using target = await openStore(sqliteAt('g'));
    await target.settings.swap('migration', undefined, { from: 'sqlite', heads: [] });
  }
  await expect(migrate({ from: sqliteAt('f'), to: sqliteAt('g') })).rejects.toThrow(/begun from another store/);
});
