import { existsSync } from 'node:fs';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { rfc3339 } from '../../base/clock.ts';
import { Fault } from '../../base/errors.ts';
import { copySqlite } from '../../engines/sqlite/sqlite.ts';
import { formatCursor } from '../../store/store.ts';
import { VERSION } from '../version.ts';
import { checksum, copyDurably, directoriesOf, filesBelow, sync } from './durable.ts';
import { MANIFEST, type Manifest, type ManifestFile } from './manifest.ts';

/** Told what is being done and how much of it. */
export type Progress = (what: string, done: number, total: number) => void;

export interface BackupOptions {
  /** The directory of a store; a server may be working in it. */
  readonly from: string;
  /** The directory that becomes the backup: it must not exist yet. */
  readonly to: string;
  /** Views can be made again from the log: without them a backup is smaller, and the first start on it longer. */
  readonly views?: 'with' | 'without';
  /** Where the archive is, where it is not below the store's directory. In the backup it is always `archive/`. */
  readonly archive?: string | undefined;
  readonly onProgress?: Progress;
}

/** Where archived history is, below the directory of a store. */
const ARCHIVE = 'archive';

/**
 * Takes a backup of a store, while a server works in it or not. Run it in a process of its own (`holdfast backup`
 * does): a process that has the store open must not open its files a second time.
 */
export async function backUp({ from, to, views = 'with', archive = join(from, ARCHIVE), onProgress = () => undefined }: BackupOptions): Promise<Manifest> {
  if (existsSync(to)) throw new Fault('unavailable', `${to} is there already: name a directory that is not`, { retry: 'never' });
  const unfinished = `${resolve(to)}.unfinished-${process.pid}`;
  await mkdir(unfinished, { recursive: true });
  try {
    const takenAt = rfc3339(Date.now());
    const copied = await copySqlite(from, unfinished, { views, onProgress });
    // After the log: what was trimmed from it by then is in the archive by then.
    await copyArchive(archive, join(unfinished, ARCHIVE), onProgress);
    const files = await describe(unfinished, onProgress);
    const { partitions, heads } = copied;
    const manifest: Manifest = { format: 1, holdfast: VERSION, engine: 'sqlite', takenAt, partitions, heads, cursor: formatCursor(heads), files };
    await writeFile(join(unfinished, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, { flag: 'wx' });
    await makeDurable(unfinished, [...files.map(({ path }) => path), MANIFEST]);
    await rename(unfinished, to);
    await sync(dirname(resolve(to)));
    return manifest;
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
}

async function copyArchive(from: string, to: string, onProgress: Progress): Promise<void> {
  // A part is an object that is being written: its commits are in the log.
  const files = (await filesBelow(from)).filter((file) => !file.endsWith('.part'));
  let total = 0;
  for (const file of files) total += (await stat(join(from, file))).size;
  let done = 0;
  for (const file of files) await copyDurably(join(from, file), join(to, file), (count) => onProgress(ARCHIVE, (done += count), total));
}

async function describe(directory: string, onProgress: Progress): Promise<ManifestFile[]> {
  const files = await filesBelow(directory);
  let total = 0;
  for (const file of files) total += (await stat(join(directory, file))).size;
  let done = 0;
  const described: ManifestFile[] = [];
  for (const path of files) described.push({ path, ...(await checksum(join(directory, path), (count) => onProgress('checksums', (done += count), total))) });
  return described;
}

async function makeDurable(directory: string, files: readonly string[]): Promise<void> {
  for (const file of files) await sync(join(directory, file));
  for (const path of directoriesOf(directory, files)) await sync(path);
}
