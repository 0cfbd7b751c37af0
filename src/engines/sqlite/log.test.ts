import { mkdtempSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isFault } from '../../base/errors.ts';
import type { Store } from '../../store/store.ts';
import { ROW_CHARACTERS } from './log.ts';
import { openSqlite } from './sqlite.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-log-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const APPENDS = 40;

/** Every append has a commit of log 0, every third one of log 1, and one of them, far on, one of log 2. */
async function fill(store: Store): Promise<void> {
  const heads = [0, 0, 0];
  for (let n = 1; n <= APPENDS; n++) {
    const logs = [0, ...(n % 3 === 0 ? [1] : []), ...(n === 31 ? [2] : [])];
    const commits = logs.map((log) => ({ log, expected: heads[log]!++, events: [{ type: 'Counted', key: `k${log}`, time: n, data: { n } }] }));
    await store.log.append(commits, `t${n}`);
  }
}

async function timesOf(store: Store, log: number, after = 0): Promise<number[]> {
  const times: number[] = [];
  for await (const { events } of store.log.read(log, after)) for (const { time } of events) times.push(time);
  return times;
}

function tamper(sql: string): void {
  const file = new DatabaseSync(join(directory, 'log.db'));
  file.exec(sql);
  file.close();
}

test('a log is found among the appends of others from any position, whatever was read before', async () => {
  await using store = await openSqlite({ directory, threads: 'inline', partitions: 3 });
  await fill(store);
  const thirds = Array.from({ length: Math.floor(APPENDS / 3) }, (_, i) => 3 * (i + 1));
  for (const after of [0, 12, 5, 1, 7, 13, 0]) expect(await timesOf(store, 1, after)).toEqual(thirds.slice(after));
  expect(await timesOf(store, 2)).toEqual([31]);
  expect(await timesOf(store, 0, 38)).toEqual([39, 40]);
});

test('rows go once nothing in them may be read any more, and the heads stay', async () => {
  await using store = await openSqlite({ directory, threads: 'inline', partitions: 3 });
  await fill(store);
  await store.log.trim(0, APPENDS);
  expect(await timesOf(store, 1)).toHaveLength(13);
  await store.log.trim(1, 13);
  await store.log.trim(2, 1);
  expect(await store.log.heads()).toEqual([APPENDS, 13, 1]);
  expect(await timesOf(store, 2, 1)).toEqual([]);
  const file = new DatabaseSync(join(directory, 'log.db'), { readOnly: true });
  expect(file.prepare('SELECT count(*) AS rows, sum(length(body)) AS characters FROM appends').get()).toEqual({ rows: 1, characters: 0 });
  file.close();
  await store.log.append([{ log: 1, expected: 13, events: [{ type: 'Counted', key: 'k1', time: 99, data: {} }] }], 'after');
  expect(await timesOf(store, 1, 13)).toEqual([99]);
});

test.each([
  ['read', 'emptied'],
  ['readTogether', 'emptied'],
  ['read', 'gone'],
  ['readTogether', 'gone'],
] as const)('who had the newest row in memory when it was forgotten reads on with %s, be it %s', async (how, left) => {
  await using store = await openSqlite({ directory, threads: 'inline', partitions: 3 });
  const timesAfter = async (after: number[]): Promise<number[]> => {
    if (how === 'read') return timesOf(store, 0, after[0]);
    const times: number[] = [];
    for await (const page of store.log.readTogether(new Map(after.entries()))) for (const { events } of page) for (const { time } of events) times.push(time);
    return times.toSorted((a, b) => a - b);
  };
  await fill(store);
  expect((await timesAfter([0, 0, 0])).at(-1)).toBe(APPENDS);
  for (const log of [0, 1, 2]) await store.log.trim(log, APPENDS);
  for (const [n, time] of [98, 99].entries()) await store.log.append([{ log: 0, expected: APPENDS + n, events: [{ type: 'Counted', key: 'k0', time, data: {} }] }], 'after');
  if (left === 'gone') await store.log.trim(0, APPENDS);
  expect(await timesAfter([APPENDS, 13, 1])).toEqual([98, 99]);
});

test('a large append is several rows, all or none of them, and reads as it was written', async () => {
  await using store = await openSqlite({ directory, threads: 'inline', partitions: 3 });
  const text = 'x'.repeat(ROW_CHARACTERS);
  const commits = (expected: number, ...sizes: number[]) => sizes.map((size, log) => ({ log, expected, events: [{ type: 'Counted', key: `k${log}`, time: log, data: { text: text.slice(0, size) } }] }));
  await store.log.append(commits(0, 10, ROW_CHARACTERS - 200, 10), 'one row');
  await store.log.append(commits(1, 10, ROW_CHARACTERS, 10), 'two rows');
  await store.log.append(commits(2, ROW_CHARACTERS, ROW_CHARACTERS, ROW_CHARACTERS), 'three rows');
  await expect(store.log.append([...commits(3, ROW_CHARACTERS, ROW_CHARACTERS), { log: 2, expected: 2, events: [{ type: 'Counted', key: 'k2', time: 0, data: {} }] }], 'none')).rejects.toMatchObject({ code: 'conflict' });
  expect(await store.log.heads()).toEqual([3, 3, 3]);
  const file = new DatabaseSync(join(directory, 'log.db'), { readOnly: true });
  expect(file.prepare('SELECT token, logs FROM appends ORDER BY seq').all().map((row) => [row['token'], row['logs']])).toEqual([
    ['one row', '[0,1,2]'], ['two rows', '[0,1]'], ['two rows', '[2]'], ['three rows', '[0]'], ['three rows', '[1]'], ['three rows', '[2]'],
  ]);
  file.close();
  for (const log of [0, 1, 2]) expect(await timesOf(store, log)).toEqual([log, log, log]);
});

test.each([
  ['a body that says something else', `UPDATE appends SET body = replace(body, '"n":7', '"n":8') WHERE seq = 7`, 'row 7 of the log does not match its checksum'],
  ['heads that say something else', `UPDATE appends SET heads = replace(heads, '[7,', '[8,') WHERE seq = 7`, 'row 7 of the log'],
  ['a token that says something else', `UPDATE appends SET token = 't8' WHERE seq = 7`, 'row 7 of the log does not match its checksum'],
  ['a row that is gone', 'DELETE FROM appends WHERE seq = 7', 'row 7 of the log is missing'],
])('%s is found out, and the file and the append are named', async (_, sql, says) => {
  {
    await using store = await openSqlite({ directory, threads: 'inline', partitions: 3 });
    await fill(store);
  }
  tamper(sql);
  await using store = await openSqlite({ directory, threads: 'inline', partitions: 3 });
  const reading = timesOf(store, 0);
  await expect(reading).rejects.toSatisfy((error) => isFault(error, 'corrupt'));
  await expect(reading).rejects.toThrow(says);
  await expect(reading).rejects.toThrow(join(directory, 'log.db'));
});

test('nothing is added to a log whose newest append is damaged', async () => {
  {
    await using store = await openSqlite({ directory, threads: 'inline', partitions: 3 });
    await fill(store);
  }
  tamper(`UPDATE appends SET body = body || ' ' WHERE seq = ${APPENDS}`);
  await expect(openSqlite({ directory })).rejects.toMatchObject({ code: 'corrupt', retry: 'never' });
});
