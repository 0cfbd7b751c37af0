/**
 * The ceiling of every durable log: as many bytes as the holds took, in batches as large as theirs, written to a plain
 * file and fdatasynced, with nothing decided and nothing looked up.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { answer, ask } from '../child.ts';

interface Spec {
  readonly bytesPerHold: number;
  readonly holdsPerBatch: number;
  readonly seconds: number;
}

export const plainFile = (spec: Spec): Promise<{ perSecond: number }> => ask(new URL(import.meta.url), spec);

/** Written over and over, as a database does with its log: a file that only grows is slower to sync. */
const FILE_BYTES = 4 * 1024 * 1024;

async function run({ bytesPerHold, holdsPerBatch, seconds }: Spec): Promise<{ perSecond: number }> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-file-'));
  const file = openSync(join(directory, 'log'), 'w');
  try {
    const bytes = Buffer.alloc(Math.round(bytesPerHold * holdsPerBatch), 'x');
    const start = performance.now();
    let rounds = 0;
    for (; performance.now() - start < seconds * 1000; rounds++) {
      writeSync(file, bytes, 0, bytes.length, (rounds * bytes.length) % FILE_BYTES);
      fdatasyncSync(file);
    }
    return { perSecond: (rounds * holdsPerBatch * 1000) / (performance.now() - start) };
  } finally {
    closeSync(file);
    rmSync(directory, { recursive: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) answer(run);
