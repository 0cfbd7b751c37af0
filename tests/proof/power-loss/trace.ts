/** What `watched-disk.c` wrote down, and how a process is started so that it does. */
import { existsSync, readFileSync } from 'node:fs';
import { preloaded } from '../preloaded.ts';

const KINDS = ['made', 'written', 'truncated', 'synced', 'renamed', 'removed', 'said', 'directorySynced', 'directoryMade', 'failed'] as const;

/** One thing that a process did to its disk, or said to others. */
export interface Deed {
  readonly kind: (typeof KINDS)[number];
  /** The file; of what was said the number of the connection. */
  readonly path: string;
  /** Where it was written, or the size that it was truncated to, or the error that it failed with. */
  readonly offset: number;
  readonly data: Buffer;
}

const HEAD_BYTES = 20;

export function readTrace(file: string): Deed[] {
  const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
  const deeds: Deed[] = [];
  for (let at = 0; at + HEAD_BYTES <= bytes.length; ) {
    const [kind, pathBytes, dataBytes] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4), bytes.readUInt32LE(at + 8)];
    const path = at + HEAD_BYTES;
    const data = path + pathBytes;
    if (data + dataBytes > bytes.length) break; // killed while it wrote this down
    const name = KINDS[kind - 1];
    if (name === undefined) throw new Error(`${file} is no trace: there is no kind ${kind}`);
    deeds.push({ kind: name, path: bytes.toString('utf8', path, data), offset: Number(bytes.readBigInt64LE(at + 12)), data: bytes.subarray(data, data + dataBytes) });
    at = data + dataBytes;
  }
  return deeds;
}

export interface Watch {
  readonly root: string;
  readonly trace?: string;
  /** As DISK_FAIL, DISK_FULL and DISK_SKIP of `watched-disk.c`. */
  readonly fail?: string;
  readonly full?: string;
  readonly skip?: string;
}

/** The environment of a process whose disk is watched. */
export function watching({ root, trace, fail, full, skip }: Watch): Record<string, string> {
  const library = preloaded('power-loss/watched-disk.c');
  if (library === undefined) throw new Error('the watched disk needs gcc and Linux');
  const optional = { DISK_TRACE: trace, DISK_FAIL: fail, DISK_FULL: full, DISK_SKIP: skip };
  const given = Object.fromEntries(Object.entries(optional).filter((entry): entry is [string, string] => entry[1] !== undefined));
  return { LD_PRELOAD: library, UV_USE_IO_URING: '0', DISK_ROOT: root, ...given };
}
