/**
 * Cold storage in a directory: one file an object, its name the path below the directory. A file is written beside its
 * place, fsynced, and renamed into it, and then the directory is fsynced, because only that makes the name durable.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { assert } from '../../base/assert.ts';
import { Fault } from '../../base/errors.ts';
import { isColdName, type ColdObject, type ColdStore } from '../../store/store.ts';

/** What is being written ends like this and is nobody's object yet. */
const PART = '.part';
/** A part this old was left behind by a process that is gone. */
const PART_LEFT_MS = 3_600_000;

export function openDirectory(directory: string): ColdStore {
  return new Directory(resolve(directory));
}

class Directory implements ColdStore {
  readonly place: string;

  constructor(place: string) {
    this.place = place;
  }

  async put(name: string, body: Uint8Array): Promise<void> {
    const file = this.#fileOf(name);
    const part = `${file}.${randomBytes(6).toString('hex')}${PART}`;
    await this.#translated('put', name, async () => {
      await makeDurably(dirname(file));
      try {
        await writeSynced(part, body);
        await rename(part, file);
      } catch (error) {
        await rm(part, { force: true }).catch(() => undefined); // the first error is the one that says something
        throw error;
      }
      await syncDirectory(dirname(file));
    });
  }

  async get(name: string, range?: { readonly from: number; readonly length: number }): Promise<Uint8Array | undefined> {
    const file = this.#fileOf(name);
    return this.#translated('get', name, async () => {
      const handle = await open(file).catch(unlessMissing);
      if (!handle) return undefined;
      try {
        return await readRange(handle, range);
      } finally {
        await handle.close();
      }
    });
  }

  async list(prefix: string): Promise<ColdObject[]> {
    // What comes after the last slash may be the beginning of a name; what comes before it is a directory.
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    const found = await this.#translated('list', prefix, () => this.#walk(folder));
    return found.filter(({ name }) => name.startsWith(prefix)).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async delete(name: string): Promise<void> {
    const file = this.#fileOf(name);
    await this.#translated('delete', name, async () => {
      await rm(file, { force: true });
      await syncDirectory(dirname(file)).catch(unlessMissing);
    });
  }

  async #walk(folder: string): Promise<ColdObject[]> {
    const entries = (await readdir(join(this.place, folder), { withFileTypes: true }).catch(unlessMissing)) ?? [];
    const found = await Promise.all(
      entries.map(async (entry): Promise<ColdObject[]> => {
        const name = folder + entry.name;
        if (entry.isDirectory()) return isColdName(entry.name) ? this.#walk(`${name}/`) : [];
        if (entry.name.endsWith(PART)) return this.#sweep(name);
        if (!isColdName(name)) return [];
        const file = await stat(join(this.place, name)).catch(unlessMissing);
        return file ? [{ name, bytes: file.size }] : [];
      }),
    );
    return found.flat();
  }

  async #sweep(name: string): Promise<[]> {
    const file = join(this.place, name);
    const left = await stat(file).catch(unlessMissing);
    if (left && Date.now() - left.mtimeMs > PART_LEFT_MS) await rm(file, { force: true });
    return [];
  }

  #fileOf(name: string): string {
    assert(isColdName(name) && !name.endsWith(PART), `${name} is not a name of an object`);
    return join(this.place, name);
  }

  async #translated<T>(operation: string, name: string, body: () => Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException; // whatever it is, it may have a code
      const full = code === 'ENOSPC' || code === 'EDQUOT';
      throw new Fault(full ? 'storage-full' : 'unavailable', `${operation} ${name} in ${this.place} failed (${code ?? String(cause)}); ${full ? 'make room there' : 'look at the disk and at who owns the directory'}`, { retry: 'later', cause });
    }
  }
}

function unlessMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined; // as above
  throw error;
}

async function readRange(handle: FileHandle, range: { readonly from: number; readonly length: number } | undefined): Promise<Uint8Array> {
  const { size } = await handle.stat();
  const from = Math.min(size, range?.from ?? 0);
  const length = Math.min(size - from, range?.length ?? size);
  const body = Buffer.allocUnsafe(length);
  let read = 0;
  while (read < length) {
    const { bytesRead } = await handle.read(body, read, length - read, from + read);
    if (bytesRead === 0) break; // it was made shorter meanwhile
    read += bytesRead;
  }
  return body.subarray(0, read);
}

async function writeSynced(file: string, body: Uint8Array): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    await handle.writeFile(body);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a directory, and the names of those that had to be made durable in those above them. */
async function makeDurably(directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true });
  if (first === undefined) return;
  for (let made = directory; ; made = dirname(made)) {
    await syncDirectory(dirname(made));
    if (made === resolve(first)) return;
  }
}

async function syncDirectory(directory: string): Promise<void> {
  // Windows opens no directories, and writes their entries through by itself.
  if (process.platform === 'win32') return;
  const handle = await open(directory);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
