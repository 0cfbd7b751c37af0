import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Fault } from '../../base/errors.ts';
import { lockDirectory, RESTORING } from '../../engines/sqlite/sqlite.ts';
import { copyDurably, directoriesOf, sync } from './durable.ts';
import { loadManifest, unfit, type Manifest } from './manifest.ts';
import type { Progress } from './take.ts';

export interface RestoreOptions {
  /** A backup. */
  readonly from: string;
  /** The directory that becomes a store: it must be empty, or not there yet, or left by a restore that was cut off. */
  readonly to: string;
  readonly onProgress?: Progress;
}

/**
 * Makes a store of a backup. Every file is compared with its checksum on the way. While it is under way a note lies
 * in the directory, and no server starts there: it goes last, when all is on the disk.
 */
export async function restore({ from, to, onProgress = () => undefined }: RestoreOptions): Promise<Manifest> {
  const manifest = await loadManifest(from);
  await checkSizes(from, manifest);
  await clear(to);
  const note = join(to, RESTORING);
  await writeFile(note, `A restore from ${resolve(from)} is under way, or was cut off: run it again.\n`);
  await sync(to);
  try {
    await copyAll(from, to, manifest, onProgress);
  } catch (error) {
    for (const { path } of manifest.files) await rm(join(to, path), { force: true });
    await rm(note);
    throw error;
  }
  for (const path of directoriesOf(to, manifest.files.map((file) => file.path))) await sync(path);
  await rm(note);
  await sync(to);
  await sync(dirname(resolve(to)));
  return manifest;
}

/** Before anything is written: a file that is missing is said at once, and not after minutes of copying. */
async function checkSizes(from: string, { files }: Manifest): Promise<void> {
  for (const { path, bytes } of files) {
    const size = await stat(join(from, path)).then((found) => found.size, () => undefined);
    if (size === undefined) throw unfit(`${join(from, path)} is missing: the backup is not whole, use another`);
    if (size !== bytes) throw unfit(`${join(from, path)} has ${size} bytes and should have ${bytes}: the backup is damaged, use another`);
  }
}

/** Makes sure that nothing that somebody might miss is in the way. */
async function clear(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const names = await readdir(directory);
  if (names.length === 0) return;
  if (!names.includes(RESTORING)) {
    throw new Fault('unavailable', `${directory} is not empty: restore into an empty directory, and move it into place when it has been looked at`, { retry: 'never' });
  }
  await using lock = await lockDirectory(directory); // nobody else restores here at this moment
  void lock;
  for (const name of names) if (name !== RESTORING && !name.startsWith('lock.db')) await rm(join(directory, name), { recursive: true });
}

async function copyAll(from: string, to: string, { files }: Manifest, onProgress: Progress): Promise<void> {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  for (const { path, bytes, sha256 } of files) {
    const copied = await copyDurably(join(from, path), join(to, path), (count) => onProgress('restoring', (done += count), total));
    if (copied.bytes !== bytes || copied.sha256 !== sha256) throw unfit(`${join(from, path)} is not what was backed up: its checksum is another. Nothing was restored; use another backup`);
  }
}
