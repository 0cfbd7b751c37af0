import { fileURLToPath } from 'node:url';
import { test } from 'vitest';
import { conformance, PARTITIONS } from '../../store/conformance/conformance.ts';
import { openMemory } from '../memory/memory.ts';
import { openPostgres } from './postgres.ts';
import { dropSchema, freshSchema, testDatabaseUrl } from './testing.ts';

const url = await testDatabaseUrl();

if (url === undefined) {
  test.skip('the PostgreSQL engine keeps the promises: no server answers');
} else {
  conformance('postgres', {
    sharing: true,
    durable: true,
    place: async () => freshSchema(),
    open: (place) => openPostgres({ url, schema: place, partitions: PARTITIONS }),
    discard: (place) => dropSchema(url, place),
    reference: async () => openMemory({ partitions: PARTITIONS }),
    appendInChildProcess: (place) => [process.execPath, fileURLToPath(new URL('conformance-writer.ts', import.meta.url)), url, place],
  });
}
