import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Disk } from '../http/http.ts';

/** How much is in a data directory, by database with what belongs to it, and how much more fits. */
export async function diskOf(directory: string): Promise<Disk> {
  const { bavail, blocks, bsize } = await statfs(directory);
  const bytes = new Map<string, number>();
  for (const path of await readdir(directory, { recursive: true })) {
    const size = await sizeOf(join(directory, path));
    const name = nameOf(path);
    bytes.set(name, (bytes.get(name) ?? 0) + size);
  }
  return { freeBytes: bavail * bsize, capacityBytes: blocks * bsize, files: [...bytes].map(([name, size]) => ({ name, bytes: size })) };
}

/** `log.db-wal` is a part of `log.db`; what is no database is counted together, so that names are few. */
function nameOf(path: string): string {
  const name = path.replace(/-(?:wal|shm|journal)$/, '');
  return /^[a-z]+\.db$/.test(name) ? name : 'other';
}

async function sizeOf(path: string): Promise<number> {
  try {
    const entry = await stat(path);
    return entry.isFile() ? entry.size : 0;
  } catch {
    return 0; // it went away between the listing and the look, as a WAL does
  }
}
