import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { Fault } from '../../base/errors.ts';
import { makeDirectory } from './directory.ts';

/**
 * Makes this process the only one that works in a directory, until it disposes of the lock or ends, however it ends:
 * the operating system holds the lock, in SQLite's way, on a file that has no other use. (Not on log.db, which several
 * connections of this process need to share.) Rejects with `unavailable` where another process has it.
 */
export async function lockDirectory(directory: string): Promise<AsyncDisposable> {
  makeDirectory(directory);
  try {
    const lock = new DatabaseSync(join(directory, 'lock.db'), { timeout: 0 });
    try {
      lock.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      lock.close();
      throw error;
    }
    return { [Symbol.asyncDispose]: async () => lock.close() };
  } catch (cause) {
    const message = `the directory ${directory} cannot be locked, probably because another Holdfast works in it: stop that one, or choose another directory`;
    throw new Fault('unavailable', message, { retry: 'later', cause });
  }
}
