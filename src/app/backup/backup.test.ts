import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSqlite } from '../../engines/sqlite/sqlite.ts';
import type { Commit, Store } from '../../store/store.ts';
import { backUp, restore } from './backup.ts';

let root = '';
const at = (name: string): string => join(root, name);

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-backup-'));
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

/** A store with facts, a message and a setting. */
async function filled(name: string): Promise<string> {
  await using store = await openSqlite({ directory: at(name), partitions: 3, threads: 'inline' });
  for (let n = 0; n < 30; n++) {
    await store.log.append([{ log: n % 3, expected: Math.floor(n / 3), events: [{ type: 'counted', key: `i/${n}`, time: n, data: { n } }] }], `t${n}`);
  }
  await store.queue.put([{ id: 'm1', queue: 'commands', lane: 'a', body: { do: 'it' } }], 7);
  await store.settings.swap('keys/1', undefined, { name: 'till' });
  return at(name);
}

async function commitsOf(store: Store): Promise<Commit[]> {
  const commits: Commit[] = [];
  for (let log = 0; log < store.partitions; log++) for await (const commit of store.log.read(log, 0)) commits.push(commit);
  return commits;
}

test('a restored store has the same facts at the same positions, the same messages and the same settings', async () => {
  const data = await filled('data');
  const manifest = await backUp({ from: data, to: at('copy') });
  expect(manifest).toMatchObject({ heads: [10, 10, 10], cursor: 'c1-0.a-1.a-2.a', partitions: 3 });
  await restore({ from: at('copy'), to: at('again') });
  await using before = await openSqlite({ directory: data, threads: 'inline' });
  await using after = await openSqlite({ directory: at('again'), threads: 'inline' });
  expect(after.partitions).toBe(3);
  expect(await commitsOf(after)).toEqual(await commitsOf(before));
  expect(await after.queue.find('m1')).toEqual(await before.queue.find('m1'));
  expect(await after.settings.list('')).toEqual(await before.settings.list(''));
});

test('archived files are in the backup, and views are not where they are not wanted', async () => {
  const data = await filled('data');
  await mkdir(join(data, 'archive/0'), { recursive: true });
  await writeFile(join(data, 'archive/0/1-10.zst'), 'old facts');
  await backUp({ from: data, to: at('copy'), views: 'without' });
  await restore({ from: at('copy'), to: at('again') });
  expect((await readdir(at('again'))).sort()).toEqual(['archive', 'log.db']);
  expect(await readFile(at('again/archive/0/1-10.zst'), 'utf8')).toBe('old facts');
  const elsewhere = await backUp({ from: data, to: at('other'), archive: at('data/archive/0') });
  expect(elsewhere.files.map(({ path }) => path)).toEqual(['archive/1-10.zst', 'log.db', 'views.db']);
});

test('a directory that is there already is not overwritten, and nothing is left behind', async () => {
  const data = await filled('data');
  await mkdir(at('copy'));
  await expect(backUp({ from: data, to: at('copy') })).rejects.toThrow(/is there already/);
  await expect(backUp({ from: at('nowhere'), to: at('other') })).rejects.toThrow(/there is no store in/);
  expect((await readdir(root)).sort()).toEqual(['copy', 'data']);
});

test('nothing is restored into a directory with anything in it', async () => {
  await backUp({ from: await filled('data'), to: at('copy') });
  await mkdir(at('again'));
  await writeFile(at('again/notes.txt'), 'mine');
  await expect(restore({ from: at('copy'), to: at('again') })).rejects.toThrow(/is not empty/);
  expect(await readdir(at('again'))).toEqual(['notes.txt']);
});

test.each([
  ['one bit is another', async (copy: string) => flip(join(copy, 'log.db'), 4096), /its checksum is another/],
  ['a file is longer', async (copy: string) => appendFile(join(copy, 'log.db'), 'x'), /has \d+ bytes and should have/],
  ['a file is missing', async (copy: string) => rm(join(copy, 'log.db')), /is missing/],
  ['the manifest is missing', async (copy: string) => rm(join(copy, 'manifest.json')), /is no backup/],
  ['the manifest is cut off', async (copy: string) => writeFile(join(copy, 'manifest.json'), '{"format":1,'), /it is not JSON/],
  ['the manifest is of another format', async (copy: string) => writeFile(join(copy, 'manifest.json'), '{"format":2}'), /restore with the Holdfast that made it/],
  ['the manifest lacks parts', async (copy: string) => writeFile(join(copy, 'manifest.json'), '{"format":1,"files":[]}'), /parts of it are missing/],
  ['a path leads out of the directory', async (copy: string) => renameInManifest(copy, '../log.db'), /parts of it are missing/],
])('a backup of which %s is refused, and the target stays empty', async (_, damage, message) => {
  await backUp({ from: await filled('data'), to: at('copy') });
  await damage(at('copy'));
  await mkdir(at('again'));
  await expect(restore({ from: at('copy'), to: at('again') })).rejects.toThrow(message);
  expect(await readdir(at('again'))).toEqual([]);
});

test('a restore that was cut off is no store, and is begun again', async () => {
  await backUp({ from: await filled('data'), to: at('copy') });
  await mkdir(at('again'));
  await cp(at('copy/views.db'), at('again/views.db'));
  await writeFile(at('again/restore-unfinished'), 'cut off');
  await expect(openSqlite({ directory: at('again') })).rejects.toThrow(/was cut off/);
  await restore({ from: at('copy'), to: at('again') });
  await using store = await openSqlite({ directory: at('again'), threads: 'inline' });
  expect(await store.log.heads()).toEqual([10, 10, 10]);
});

async function flip(file: string, place: number): Promise<void> {
  const bytes = await readFile(file);
  bytes[place] = (bytes[place] ?? 0) ^ 1;
  await writeFile(file, bytes);
}

async function renameInManifest(copy: string, path: string): Promise<void> {
  const manifest = JSON.parse(await readFile(join(copy, 'manifest.json'), 'utf8')) as { files: { path: string }[] };
  for (const file of manifest.files) if (file.path === 'log.db') file.path = path;
  await writeFile(join(copy, 'manifest.json'), JSON.stringify(manifest));
}
