import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isFault } from '../../base/errors.ts';
import type { Store, Table } from '../../store/store.ts';
import { checksum } from './checksums.ts';
import { openSqlite } from './sqlite.ts';

const T = 1_700_000_000_000;
/** A view with an index, which has some cells a second time. */
const SHELF: Table = {
  name: 'shelf',
  columns: [{ name: 'place', type: 'text' }, { name: 'nth', type: 'int' }, { name: 'label', type: 'text', nullable: true }, { name: 'units', type: 'int' }],
  primaryKey: ['place', 'nth'],
  indexes: [{ name: 'shelf_by_label', columns: ['label', 'place'] }],
};
const IDS = ['msg-done', 'msg-ready', 'msg-later', 'msg-claimed', 'msg-dead', 'msg-batched'];

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-sound-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const open = (): ReturnType<typeof openSqlite> => openSqlite({ directory, partitions: 3, threads: 'inline', scrub: true });

/** A store with a message in every state, a setting, a lease, a trimmed log and a checkpoint. */
async function makeStore(): Promise<void> {
  await using store = await open();
  const { queue, log } = store;
  const claim = async (): Promise<{ id: string; attempt: number }> => (await queue.claim('work-queue', { limit: 1, leaseMs: 1_000, nowMs: T }))[0] ?? { id: '', attempt: 0 };
  const put = (id: string, lane: string, batch?: string): Promise<unknown> => queue.put([{ id, queue: 'work-queue', lane, body: { n: 1 }, ...(batch === undefined ? {} : { batch, line: 1 }) }], T);
  await put('msg-done', 'lane-done');
  await queue.finish([{ ...(await claim()), result: { ok: true } }], T + 5);
  await put('msg-dead', 'lane-dead');
  const dead = await claim();
  await queue.bury(dead.id, dead.attempt, 'no use');
  await put('msg-later', 'lane-later');
  const later = await claim();
  await queue.retry(later.id, later.attempt, T + 60_000, 'not yet');
  await put('msg-claimed', 'lane-claimed');
  await claim();
  await put('msg-ready', 'lane-ready');
  await put('msg-batched', 'lane-ready', 'batch-one');
  await store.settings.swap('setting-one', undefined, { a: 1 });
  await store.leases.acquire('lease-one', 'holder-one', { ttlMs: 1_000, nowMs: T });
  for (let at = 0; at < 3; at++) await log.append([{ log: 1, expected: at, events: [{ type: 'Counted', key: 'k', time: T, data: {} }] }], `token-${at}`);
  await log.trim(1, 2);
  await store.projections.prepare([SHELF]);
  const rows = [['place-one', 1, 'label-one', 7], ['place-one', 2, null, 70_000]] as const;
  await store.projections.apply({ consumer: 'states', checkpoints: [{ log: 1, expected: 0, upTo: 3 }], deletes: [], upserts: [{ table: 'shelf', columns: SHELF.columns.map(({ name }) => name), rows }], states: [{ key: 'state-one', log: 1, body: '{}', dueMs: T }] });
}

/** All that a store says which somebody relies on. */
async function said(store: Store): Promise<unknown> {
  await store.ping();
  return {
    messages: await Promise.all(IDS.map((id) => store.queue.find(id))),
    dead: await store.queue.deadLetters('work-queue', '', 10),
    batch: await store.queue.batch('batch-one', 10),
    depth: await store.queue.depth('work-queue', T + 10),
    queues: await store.queue.queues(),
    setting: await store.settings.get('setting-one'),
    lease: await store.leases.find('lease-one'),
    trimmed: await store.log.trimmedTo(1),
    states: await store.projections.loadStates(1, ['state-one']),
    due: await store.projections.dueStates({ dueMs: 0, key: '' }, T * 2, 10),
    checkpoints: await store.projections.checkpoints('states'),
    shelf: await store.projections.sql.selectFrom('shelf').selectAll().orderBy('place').execute(),
    labelled: await store.projections.sql.selectFrom('shelf').select('units').where('label', '=', 'label-one').execute(),
    claimed: (await store.queue.claim('work-queue', { limit: 10, leaseMs: 1, nowMs: T + 10 })).map(({ id }) => id),
  };
}

async function saidOnceLookedAt(): Promise<unknown> {
  await using store = await open();
  await store.scrubbed;
  return await said(store);
}

describe('a bit that turned over', () => {
  // One wrong character in one of the places where a name is stored: the row of the table, or an entry of an index.
  test.each([
    ['log.db', [...IDS, 'lane-ready', 'lane-later', 'lane-claimed', 'work-queue', 'batch-one', 'setting-one', 'lease-one', 'holder-one']],
    ['views.db', ['state-one', 'place-one', 'label-one']],
  ])('is named, wherever in %s it is and also where an index has it', async (file, names) => {
    await makeStore();
    const whole = readFileSync(join(directory, file));
    for (const name of names) {
      for (let at = whole.indexOf(name); at >= 0; at = whole.indexOf(name, at + 1)) {
        const bytes = Buffer.from(whole);
        bytes.writeUInt8(bytes.readUInt8(at + name.length - 1) ^ 1, at + name.length - 1);
        writeFileSync(join(directory, file), bytes);
        const outcome = await saidOnceLookedAt().then((answer) => JSON.stringify(answer), (error: unknown) => (isFault(error, 'corrupt') && error.message.includes(join(directory, file)) ? 'named' : String(error)));
        writeFileSync(join(directory, file), whole);
        expect([name, at, outcome]).toEqual([name, at, 'named']);
      }
    }
  });

  test.each([
    ['log.db', 'UPDATE messages SET attempts = attempts + 1'],
    ['log.db', 'UPDATE messages SET enqueued_ms = enqueued_ms + 1'],
    ['log.db', `UPDATE messages SET status = 2 WHERE id = 'msg-ready'`],
    ['log.db', `UPDATE messages SET error = 'another' WHERE id = 'msg-dead'`],
    ['log.db', 'UPDATE lanes SET wake_ms = wake_ms + 1024 WHERE wake_ms > 0'],
    ['log.db', 'UPDATE lanes SET head = head + 1'],
    ['log.db', 'UPDATE trims SET up_to = 3'],
    ['log.db', 'UPDATE leases SET until_ms = until_ms * 2'],
    ['views.db', 'UPDATE checkpoints SET position = 2'],
    ['views.db', 'UPDATE shelf SET units = 6 WHERE units = 7'],
    ['views.db', 'UPDATE shelf SET label = place WHERE label IS NULL'],
  ])('of %s is named: %s', async (file, change) => {
    await makeStore();
    const database = new DatabaseSync(join(directory, file));
    database.exec(change);
    database.close();
    await expect(saidOnceLookedAt()).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining(join(directory, file)) });
  });

  test('of a row of a view is named by whoever asks for that row, also before everything was looked at, and by nobody else', async () => {
    await makeStore();
    const database = new DatabaseSync(join(directory, 'views.db'));
    database.exec(`UPDATE shelf SET units = 3 WHERE units = 7`);
    database.close();
    await using store = await openSqlite({ directory, threads: 'inline', scrub: false });
    const units = store.projections.sql.selectFrom('shelf').select('units');
    expect(await units.where('nth', '=', 2).execute()).toEqual([{ units: 70_000 }]);
    await expect(units.where('nth', '=', 1).execute()).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining('a row of shelf') });
    expect((await store.projections.unlike?.('shelf', ['place', 'nth', 'label', 'units'], [['place-one', 1, 'label-one', 3], ['place-one', 2, null, 70_000]])) ?? []).toEqual([0]);
  });

  test('stops appends and accepted work of a store that was opened already', async () => {
    await makeStore();
    const database = new DatabaseSync(join(directory, 'log.db'));
    database.exec('UPDATE lanes SET head = head + 1');
    database.close();
    await using store = await openSqlite({ directory });
    await store.scrubbed;
    await expect(store.ping()).rejects.toMatchObject({ code: 'corrupt' });
    await expect(store.log.append([{ log: 0, expected: 0, events: [{ type: 'Counted', key: 'k', time: T, data: {} }] }], 't')).rejects.toMatchObject({ code: 'corrupt' });
    await expect(store.queue.claim('work-queue', { limit: 1, leaseMs: 1, nowMs: T })).rejects.toMatchObject({ code: 'corrupt' });
  });
});

test('a store of the layout before says what it said, and keeps its checksums from then on', async () => {
  await makeStore();
  const before = await saidOnceLookedAt();
  rmSync(directory, { recursive: true });
  await makeStore();
  toLayoutThree();
  expect(await saidOnceLookedAt()).toEqual({ ...(before as object), lease: undefined });
  const database = new DatabaseSync(join(directory, 'log.db'));
  database.exec('UPDATE messages SET attempts = attempts + 1');
  database.close();
  await expect(saidOnceLookedAt()).rejects.toMatchObject({ code: 'corrupt' });
});

/** As the version before wrote it: messages have a checksum of what was put without its time, and one of the result. */
function toLayoutThree(): void {
  const log = new DatabaseSync(join(directory, 'log.db'));
  log.exec('ALTER TABLE messages RENAME COLUMN standing_crc TO result_crc');
  for (const { id, queue, lane, body, batch, line, result, seq } of log.prepare('SELECT * FROM messages').all()) {
    const crcs = [checksum(...([id, queue, lane, body, batch, line] as string[])), result === null ? null : checksum(String(id), String(result))]; // text, and a number that reads as it
    log.prepare('UPDATE messages SET crc = ?, result_crc = ? WHERE seq = ?').run(...crcs, Number(seq));
  }
  log.exec('ALTER TABLE trims DROP COLUMN crc; ALTER TABLE queues DROP COLUMN crc; ALTER TABLE leases DROP COLUMN crc; PRAGMA user_version = 3');
  log.close();
  const views = new DatabaseSync(join(directory, 'views.db'));
  views.exec('ALTER TABLE checkpoints DROP COLUMN crc; ALTER TABLE shelf DROP COLUMN crc; PRAGMA user_version = 3');
  views.close();
}
