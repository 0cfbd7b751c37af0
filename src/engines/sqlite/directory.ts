/** The directory of a store, made so that it outlives a power cut: a name lasts once the directory that it is in was synced. */
import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Fault } from '../../base/errors.ts';

export function makeDirectory(directory: string): void {
  try {
    const firstMade = mkdirSync(directory, { recursive: true });
    syncNames(directory, firstMade === undefined ? undefined : dirname(resolve(firstMade)));
  } catch (cause) {
    throw new Fault('unavailable', `the directory ${directory} cannot be made; check its path and owner`, { retry: 'never', cause });
  }
}

/**
 * Makes what is in a directory, its own name and those above it as durable as the content. All the way up, because who
 * made the directories may have been killed before it came to this; above `mustReach` only where we may.
 */
export function syncNames(directory: string, mustReach?: string): void {
  let optional = false;
  for (let path = resolve(directory); ; path = dirname(path)) {
    try {
      syncDirectory(path);
    } catch (error) {
      if (!optional) throw error;
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
