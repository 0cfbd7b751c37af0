import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isFault } from '../../base/errors.ts';
import type { Store } from '../../store/store.ts';
import { lockDirectory, openSqlite } from './sqlite.ts';

const CHILD = fileURLToPath(new URL('./testing-writer.ts', import.meta.url));
const ENGINE = new URL('./sqlite.ts', import.meta.url).href;

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-sqlite-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function append(store: Store, log: number, expected: number): Promise<string> {
  const events = [{ type: 'Counted', key: 'k', time: 0, data: {} }];
  return store.log.append([{ log, expected, events }], 't').then(() => 'ok', (error: unknown) => (isFault(error) ? error.code : String(error)));
}

describe('the queue', () => {
  const put = (store: Store, ids: readonly string[]) => store.queue.put(ids.map((id) => ({ id, queue: 'q', lane: id, body: { id } })), 1, { queue: 'q', limit: 2, leaseMs: 10 });

  test('what is put with a claim is handed out in the same write, but where something else is ready', async () => {
    await using store = await openSqlite({ directory });
    await store.scrubbed;
    expect((await put(store, ['a', 'b', 'c'])).map(({ id }) => id)).toEqual(['a', 'b']);
    expect(await put(store, ['d'])).toEqual([]);
    expect((await store.queue.claim('q', { limit: 9, leaseMs: 10, nowMs: 1 })).map(({ id }) => id)).toEqual(['c', 'd']);
    expect((await put(store, ['e'])).map(({ id }) => id)).toEqual(['e']);
  });

  test('nothing is handed out with a put before accepted work was looked at', async () => {
    await using store = await openSqlite({ directory, scrub: true });
    const [handedOut] = await Promise.all([put(store, ['a']), store.scrubbed]);
    expect(handedOut).toEqual([]);
    expect(await store.queue.claim('q', { limit: 9, leaseMs: 10, nowMs: 1 })).toMatchObject([{ id: 'a', attempt: 1 }]);
  });
});

describe('opening', () => {
  test('a store keeps the number of partitions that it was made with, and says so where another is asked for', async () => {
    await (await openSqlite({ directory, partitions: 3 }))[Symbol.asyncDispose]();
    await expect(openSqlite({ directory, partitions: 4 })).rejects.toThrow('was made with 3 partitions and cannot be opened with 4: set partitions to 3');
    await using store = await openSqlite({ directory });
    expect(store.partitions).toBe(3);
  });

  test('a new store has 16 partitions, in a directory that need not exist', async () => {
    await using store = await openSqlite({ directory: join(directory, 'not', 'yet') });
    expect(await store.log.heads()).toEqual(new Array(16).fill(0));
  });

  test.each(['log.db', 'views.db'])('a %s of a newer layout is refused', async (name) => {
    await (await openSqlite({ directory }))[Symbol.asyncDispose]();
    const file = new DatabaseSync(join(directory, name));
    file.exec('PRAGMA user_version = 99');
    file.close();
    await expect(openSqlite({ directory })).rejects.toThrow(/schema 99 .* run the newer Holdfast/);
  });

  test.each([['log.db', 'restore it from a backup'], ['views.db', 'delete it']])('a %s that is no database is named, with the way back', async (name, wayBack) => {
    writeFileSync(join(directory, name), 'these bytes are no database '.repeat(1000));
    const opening = openSqlite({ directory });
    await expect(opening).rejects.toMatchObject({ code: 'corrupt', retry: 'never' });
    await expect(opening).rejects.toThrow(join(directory, name));
    await expect(opening).rejects.toThrow(wayBack);
  });

  test('two that make the same store at once get one store', async () => {
    const [a, b] = await Promise.all([openSqlite({ directory }), openSqlite({ directory, threads: 'inline' })]);
    expect([await append(a, 0, 0), await append(b, 0, 0), await append(b, 0, 1)]).toEqual(['ok', 'conflict', 'ok']);
    await Promise.all([a[Symbol.asyncDispose](), b[Symbol.asyncDispose]()]);
  });
});

describe.each(['workers', 'inline'] as const)('with %s', (threads) => {
  test('closing answers every pending write: those with `closed` are not stored, the others are', async () => {
    const store = await openSqlite({ directory, partitions: 64, threads });
    const early = Array.from({ length: 32 }, (_, log) => append(store, log, 0));
    await new Promise((resolve) => setImmediate(resolve)); // the early ones were handed over
    const late = Array.from({ length: 32 }, (_, log) => append(store, 32 + log, 0));
    await store[Symbol.asyncDispose]();
    const answers = await Promise.all([...early, ...late]);
    expect(answers.filter((answer) => answer !== 'ok' && answer !== 'closed')).toEqual([]);
    expect(answers.slice(32)).toEqual(new Array(32).fill('closed'));
    await using again = await openSqlite({ directory });
    expect(await again.log.heads()).toEqual(answers.map((answer) => (answer === 'ok' ? 1 : 0)));
  });

  test('what is asked in one turn is done in order, also where each depends on the one before', async () => {
    await using store = await openSqlite({ directory, threads });
    const answers = [append(store, 0, 0), append(store, 0, 1), append(store, 0, 1), append(store, 0, 2)];
    expect(await Promise.all(answers)).toEqual(['ok', 'ok', 'conflict', 'ok']);
  });

  test('a question that would write is refused', async () => {
    await using store = await openSqlite({ directory, threads });
    await store.projections.prepare([{ name: 'view', columns: [{ name: 'a', type: 'text' }], primaryKey: ['a'] }]);
    const { sql } = store.projections;
    await expect(sql.deleteFrom('view').execute()).rejects.toThrow('it is a view');
    await expect(sql.insertInto('view').values({ a: 'x' }).returning('a').execute()).rejects.toThrow();
    expect(await sql.selectFrom('view').selectAll().execute()).toEqual([]);
  });

  test('a commit by a store on another thread of this process is announced', async () => {
    await using store = await openSqlite({ directory, threads });
    const advanced = new Promise<void>((resolve) => void store.log.watch(resolve));
    const source = `
      const { openSqlite } = await import(${JSON.stringify(ENGINE)});
      const store = await openSqlite({ directory: ${JSON.stringify(directory)}, threads: 'inline' });
      await store.log.append([{ log: 0, expected: 0, events: [{ type: 'A', key: 'k', time: 0, data: {} }] }], 't');
      await store[Symbol.asyncDispose]();`;
    const thread = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`));
    await Promise.all([advanced, once(thread, 'exit')]);
    expect(await store.log.head(0)).toBe(1);
  });
});

describe('when the disk fails', () => {
  // The system's limit on a file's size makes the write itself fail, as a broken disk would: EFBIG is an I/O error to SQLite.
  test('the batch gets `storage-failed`, later writes are refused, reads go on, and nothing acknowledged is lost', async () => {
    const child = spawn('sh', ['-c', 'ulimit -f 4000; exec "$@"', 'sh', process.execPath, CHILD, directory, 'fill'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const said = JSON.parse(line.toString()) as { acknowledged: number };
    expect(said).toEqual({ acknowledged: said.acknowledged, answer: 'storage-failed', small: 'storage-failed', ping: 'storage-failed', head: said.acknowledged });
    expect(said.acknowledged).toBeGreaterThan(0);
    if (child.exitCode === null) await once(child, 'exit');
    await using store = await openSqlite({ directory });
    expect(await store.log.head(0)).toBe(said.acknowledged);
    expect(await append(store, 0, said.acknowledged)).toBe('ok');
  });
});

describe('the lock of a directory', () => {
  test('keeps a second taker out until the first gives it back', async () => {
    {
      await using _held = await lockDirectory(directory);
      await expect(lockDirectory(directory)).rejects.toMatchObject({ code: 'unavailable' });
    }
    await using _again = await lockDirectory(directory);
  });

  test('keeps another process out, and is free once that was killed', async () => {
    const child = spawn(process.execPath, [CHILD, directory, 'lock'], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    await expect(lockDirectory(directory)).rejects.toThrow('another Holdfast works in it');
    child.kill('SIGKILL');
    await once(child, 'exit');
    await using _held = await lockDirectory(directory);
  });

  test('does not keep the stores of its own process out', async () => {
    await using _held = await lockDirectory(directory);
    await using store = await openSqlite({ directory });
    expect(await append(store, 0, 0)).toBe('ok');
  });
});
