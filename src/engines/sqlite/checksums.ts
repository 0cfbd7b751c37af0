/** Checksums of rows, because SQLite has none: a bit that turned over in a file is found when the row is read. */
import { crc32 } from 'node:zlib';
import { Fault } from '../../base/errors.ts';
import type { Bindable } from './database.ts';
import { wayBack } from './faults.ts';

export function checksum(...cells: readonly (Bindable | bigint)[]): number {
  return crc32(cells.join('\0'));
}

/** Throws where what was read is not what was written. */
export function verify(file: string, what: string, crc: unknown, ...cells: readonly Bindable[]): void {
  if (Number(crc) !== checksum(...cells)) throw mismatch(file, what);
}

export function mismatch(file: string, what: string): Fault {
  return new Fault('corrupt', `${file}: ${what} does not match its checksum; ${wayBack(file)}`, { retry: 'never' });
}
