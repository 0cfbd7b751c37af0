import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../../base/errors.ts';
import { parseCursor } from '../../store/store.ts';

/** What is in a backup. */
export interface Manifest {
  readonly format: 1;
  /** The version that took it. */
  readonly holdfast: string;
  readonly engine: 'sqlite';
  /** When its log was copied: whatever was acknowledged before is in it. RFC 3339. */
  readonly takenAt: string;
  readonly partitions: number;
  /** The position of each log's newest commit. */
  readonly heads: readonly number[];
  /** The same as a cursor: events after it are not in the backup. */
  readonly cursor: string;
  readonly files: readonly ManifestFile[];
}

export interface ManifestFile {
  /** Below the directory, with `/` between its parts. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export const MANIFEST = 'manifest.json';

/** Reads a backup's manifest, or says what is wrong with it. */
export async function loadManifest(directory: string): Promise<Manifest> {
  const file = join(directory, MANIFEST);
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw unfit(`${file} cannot be read, so ${directory} is no backup, or not a whole one`, cause);
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw unfit(`${file} is damaged: it is not JSON`, cause);
  }
  if (typeof value !== 'object' || value === null || !('format' in value)) throw unfit(`${file} is damaged: it is not an object`);
  if (value.format !== 1) throw unfit(`${file} has format ${String(value.format)} and this Holdfast reads 1: restore with the Holdfast that made it`);
  const manifest = value as Manifest; // checked below as far as it is used
  const whole = Array.isArray(manifest.files) && manifest.files.every(isFile) && Number.isInteger(manifest.partitions);
  if (!whole || typeof manifest.cursor !== 'string' || parseCursor(manifest.cursor, manifest.partitions) === undefined) throw unfit(`${file} is damaged: parts of it are missing`);
  return manifest;
}

/** A path must stay below the directory: a manifest may come from anywhere. */
function isFile(file: ManifestFile): boolean {
  return typeof file.path === 'string' && /^[a-z0-9][\w.-]*(\/[\w-][\w.-]*)*$/i.test(file.path) && Number.isSafeInteger(file.bytes) && /^[0-9a-f]{64}$/.test(file.sha256);
}

export function unfit(message: string, cause?: unknown): Fault {
  return new Fault('corrupt', message, { retry: 'never', cause });
}
