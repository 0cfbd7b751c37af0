import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { coldStoreConformance } from '../../store/conformance/conformance.ts';
import { openDirectory } from './directory.ts';

const fresh = (): Promise<string> => mkdtemp(join(tmpdir(), 'holdfast-cold-'));
const discard = (place: string): Promise<void> => rm(place, { recursive: true, force: true });

coldStoreConformance('a directory', { place: async () => join(await fresh(), 'archive'), open: openDirectory, discard: (place) => discard(join(place, '..')) });

describe('a directory', () => {
  test('has objects as files of the same name, so that people find them', async () => {
    const place = await fresh();
    await openDirectory(place).put('0001/a.zst', Buffer.from('hello'));
    expect(await readFile(join(place, '0001', 'a.zst'), 'utf8')).toBe('hello');
    await discard(place);
  });

  test('does not take what a crash left half written for an object, and clears it away after an hour', async () => {
    const place = await fresh();
    const cold = openDirectory(place);
    await cold.put('0001/a.zst', Buffer.from('a'));
    const [young, old] = [join(place, '0001', 'b.zst.0a.part'), join(place, '0001', 'c.zst.0b.part')];
    await writeFile(young, 'half');
    await writeFile(old, 'half');
    const before = new Date(Date.now() - 3_700_000);
    await utimes(old, before, before);
    expect((await cold.list('')).map(({ name }) => name)).toEqual(['0001/a.zst']);
    expect((await readdir(join(place, '0001'))).sort()).toEqual(['a.zst', 'b.zst.0a.part']);
    await discard(place);
  });

  test('says where it failed, and leaves no part behind', async () => {
    const place = await fresh();
    await writeFile(join(place, '0001'), 'a file where a directory should be');
    const put = openDirectory(place).put('0001/a.zst', Buffer.from('a'));
    await expect(put).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining(`put 0001/a.zst in ${place}`) as string });
    expect(await readdir(place)).toEqual(['0001']);
    await discard(place);
  });
});
