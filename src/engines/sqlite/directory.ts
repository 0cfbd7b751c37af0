/** The directory of a store, made so that it outlives a power cut: a name lasts once the directory that it is in was synced. */
import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Fault } from '../../base/errors.ts';

export function makeDirectory(directory: string): void {
  const firstMade = made(directory);
  syncNames(directory, firstMade === undefined ? undefined : dirname(resolve(firstMade)));
}

function made(directory: string): string | undefined {
  try {
    return mkdirSync(directory, { recursive: true });
  } catch (cause) {
    throw new Fault('unavailable', `the directory ${directory} cannot be made; check its path and owner`, { retry: 'never', cause });
  }
}

/** What is said of directories that belong to others, or are of a kind that is not synced. */
const NOT_OURS: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EINVAL', 'ENOTSUP', 'EROFS']);

/**
 * Makes what is in a directory, its own name and those above it as durable as the content. All the way up, because who
 * made the directories may have been killed before it came to this; above `mustReach` only where we may.
 */
export function syncNames(directory: string, mustReach?: string): void {
  let optional = false;
  for (let path = resolve(directory); ; path = dirname(path)) {
    try {
      syncDirectory(path);
    } catch (cause) {
      const notOurs = NOT_OURS.has((cause as NodeJS.ErrnoException).code ?? '');
      if (!optional || !notOurs) throw new Fault('storage-failed', `syncing the directory ${path} failed; check the disk, then start again`, { retry: 'later', cause });
    }
    if (path === (mustReach ?? resolve(directory))) optional = true;
    if (path === dirname(path)) return;
  }
}

function syncDirectory(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
