import { Fault, isFault, type FaultCode, type Retry } from '../../base/errors.ts';
import { Bug } from '../../base/assert.ts';

/** A fault or a bug as it crosses from one thread to another; `code` is null for a bug. */
export interface FaultParts {
  readonly code: FaultCode | null;
  readonly message: string;
  readonly retry: Retry;
  readonly cause: string | null;
}

/** The low byte of SQLite's result codes: the family that an extended code belongs to. */
const FAMILY = { busy: 5, locked: 6, nomem: 7, readonly: 8, ioerr: 10, corrupt: 11, full: 13, cantopen: 14, constraint: 19, notadb: 26 } as const;

function familyOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}

/**
 * Whether an error says something about the file, the disk or the machine, so that the whole transaction is lost;
 * any other error is about the one call that met it.
 */
export function isStorageWide(error: unknown): boolean {
  const family = familyOf(error);
  return family !== undefined && family in TRANSLATIONS && family !== FAMILY.constraint;
}

/** What SQLite's errors mean to the floors above; whatever is not in this table is a mistake in our own SQL. */
const TRANSLATIONS: Readonly<Record<number, { code: FaultCode; retry: Retry; says: (file: string) => string }>> = {
  [FAMILY.busy]: { code: 'unavailable', retry: 'soon', says: (file) => `${file} stayed locked by another connection; nothing was done, try again` },
  [FAMILY.locked]: { code: 'unavailable', retry: 'soon', says: (file) => `${file} stayed locked by another connection; nothing was done, try again` },
  [FAMILY.nomem]: { code: 'unavailable', retry: 'later', says: (file) => `there was no memory left to work on ${file}; give the process more` },
  [FAMILY.readonly]: { code: 'storage-failed', retry: 'later', says: (file) => `${file} may not be written; check its owner and how its file system is mounted, then restart` },
  [FAMILY.ioerr]: { code: 'storage-failed', retry: 'later', says: (file) => `reading, writing or syncing ${file} failed; check the disk, then restart` },
  [FAMILY.corrupt]: { code: 'corrupt', retry: 'never', says: (file) => `${file} is damaged; ${wayBack(file)}` },
  [FAMILY.notadb]: { code: 'corrupt', retry: 'never', says: (file) => `${file} is not a database; ${wayBack(file)}` },
  [FAMILY.full]: { code: 'storage-full', retry: 'later', says: (file) => `there is no room left to write ${file}; nothing was stored, make room on its disk` },
  [FAMILY.cantopen]: { code: 'unavailable', retry: 'later', says: (file) => `${file} cannot be opened; check that its directory exists and belongs to this user` },
  [FAMILY.constraint]: { code: 'conflict', retry: 'soon', says: (file) => `${file}: another writer was first; read again and decide again` },
};

export function wayBack(file: string): string {
  return /views(-\d+)?\.db$/.test(file) ? 'delete it and its -wal, and it is made again from the log' : 'restore it from a backup';
}

/** Gives faults and bugs back as they are, and puts the driver's errors into our words. */
export function faultOf(error: unknown, file: string): Fault | Bug {
  if (isFault(error) || error instanceof Bug) return error;
  const translation = TRANSLATIONS[familyOf(error) ?? -1];
  if (translation === undefined) {
    const bug = new Bug(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    bug.cause = error;
    return bug;
  }
  return new Fault(translation.code, translation.says(file), { retry: translation.retry, cause: error });
}

export function toParts(error: Fault | Bug): FaultParts {
  const cause = error.cause instanceof Error ? error.cause.message : null;
  return isFault(error)
    ? { code: error.code, message: error.message, retry: error.retry, cause }
    : { code: null, message: error.message, retry: 'never', cause };
}

export function fromParts(parts: FaultParts): Fault | Bug {
  if (parts.code === null) return new Bug(parts.message);
  const cause = parts.cause === null ? undefined : new Error(parts.cause);
  return new Fault(parts.code, parts.message, { retry: parts.retry, cause });
}

export function closedFault(): Fault {
  return new Fault('closed', 'the store was closed before it could do this; open it again', { retry: 'never' });
}
