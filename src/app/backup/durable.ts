/** Files made durable by hand, and checksums of what is in them. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, open, readdir } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';

/** Bytes read or written at a time. */
const CHUNK_BYTES = 1024 * 1024;

/** Makes what is in a file, or which names are in a directory, survive a power loss. */
export async function sync(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}

export async function checksum(path: string, onBytes: (count: number) => void): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
    onBytes(chunk.length);
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Copies a file durably into a directory that may have to be made, and says what it copied. */
export async function copyDurably(from: string, to: string, onBytes: (count: number) => void): Promise<{ bytes: number; sha256: string }> {
  await mkdir(dirname(to), { recursive: true });
  const hash = createHash('sha256');
  let bytes = 0;
  await using handle = await open(to, 'wx');
  for await (const chunk of createReadStream(from, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    await handle.writeFile(chunk);
    bytes += chunk.length;
    onBytes(chunk.length);
  }
  await handle.sync();
  return { bytes, sha256: hash.digest('hex') };
}

/** All files below a directory, in order; none where there is no such directory. */
export async function filesBelow(directory: string): Promise<string[]> {
  if (!existsSync(directory)) return [];
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => relative(directory, join(entry.parentPath, entry.name)));
  return files.map((file) => file.split(sep).join('/')).sort();
}

/** Every directory from one down to those of the files named, so that their names can be made durable. */
export function directoriesOf(root: string, files: readonly string[]): string[] {
  const all = new Set([root]);
  for (const file of files) for (let path = dirname(join(root, file)); path.startsWith(root) && path !== root; path = dirname(path)) all.add(path);
  return [...all].sort((a, b) => b.length - a.length);
}
