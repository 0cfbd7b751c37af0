import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { conformance, PARTITIONS } from '../../store/conformance/conformance.ts';
import { openMemory } from '../memory/memory.ts';
import { openSqlite } from './sqlite.ts';

const WRITER = fileURLToPath(new URL('./conformance-writer.ts', import.meta.url));

for (const threads of ['workers', 'inline'] as const) {
  conformance(`SQLite (${threads})`, {
    open: (directory) => openSqlite({ directory, partitions: PARTITIONS, threads }),
    place: () => mkdtemp(join(tmpdir(), 'holdfast-sqlite-')),
    discard: (directory) => rm(directory, { recursive: true }),
    sharing: true,
    durable: true,
    reference: async () => openMemory({ partitions: PARTITIONS }),
    appendInChildProcess: (directory) => [process.execPath, WRITER, directory, String(PARTITIONS), threads],
  });
}
