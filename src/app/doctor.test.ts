import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readConfig } from './config.ts';
import { examine, type Finding } from './doctor.ts';
import { openHoldfast } from './holdfast.ts';
import type { Violation } from '../processes/processes.ts';
import { openStore, type StorePlace } from './open-store.ts';
import { verify } from './verify.ts';

async function inScratch<T>(body: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-doctor-'));
  try {
    return await body(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const look = (place: StorePlace, env: Record<string, string> = {}, args: string[] = ['--port', '0']): Promise<Finding[]> => examine(readConfig(args, {}), place, env);
const of = (findings: readonly Finding[], check: string): Finding | undefined => findings.find((finding) => finding.check === check);

test('a sound store is found sound, and who works in it is told', () =>
  inScratch(async (directory) => {
    const place = { engine: 'sqlite', directory } as const;
    {
      await using _open = await openHoldfast({ place });
      expect(of(await look(place), 'lock')?.message).toContain('works in it');
    }
    const findings = await look(place);
    expect(findings.filter(({ level }) => level === 'error')).toEqual([]);
    expect(of(findings, 'log.db')).toMatchObject({ level: 'ok', message: expect.stringContaining('sound') });
    expect(of(findings, 'views')).toMatchObject({ level: 'ok' });
  }));

test('a file that is no database is an error, with the way back', () =>
  inScratch(async (directory) => {
    await writeFile(join(directory, 'log.db'), 'this was never a database'.repeat(100));
    expect(of(await look({ engine: 'sqlite', directory }), 'log.db')).toMatchObject({ level: 'error', message: expect.stringContaining('damaged'), next: expect.stringContaining('restore') });
  }));

test('an index that says something else than its table is an error to doctor and to verify', () =>
  inScratch(async (directory) => {
    const place = { engine: 'sqlite', directory } as const;
    {
      await using store = await openStore(place, { threads: 'inline' });
      await store.queue.put([{ id: 'cmd_hidden', queue: 'commands', lane: 'one', body: {} }], 1);
    }
    const file = join(directory, 'log.db');
    const bytes = await readFile(file);
    const at = bytes.indexOf('cmd_hidden');
    bytes.write('cmd_hiddeo', at);
    await writeFile(file, bytes);
    expect(of(await look(place), 'log.db')).toMatchObject({ level: 'error', message: expect.stringContaining('index') });
    const violations: Violation[] = [];
    await verify({ place, onViolation: (violation) => violations.push(violation) });
    expect(violations).toEqual([expect.objectContaining({ check: 'files', key: 'log.db' })]);
  }));

test('a port that is taken, a database and a broker that do not answer, and an open address are told', () =>
  inScratch(async (directory) => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', () => resolve()));
    const { port } = taken.address() as AddressInfo; // it listens on a port
    const findings = await look({ engine: 'sqlite', directory }, { HOLDFAST_REDIS_URL: 'redis://127.0.0.1:1', HOLDFAST_NATS_URL: `nats://127.0.0.1:${port}` }, ['--port', String(port)]);
    expect(of(findings, 'port')).toMatchObject({ level: 'warning', next: expect.stringContaining('--port') });
    expect(of(findings, 'HOLDFAST_REDIS_URL')).toMatchObject({ level: 'error' });
    expect(of(findings, 'HOLDFAST_NATS_URL')).toMatchObject({ level: 'ok' });
    expect(of(await look({ engine: 'postgres', url: 'postgres://nobody@127.0.0.1:1/none' }), 'postgres')).toMatchObject({ level: 'error', message: expect.stringContaining('cannot be reached') });
    expect(of(await look({ engine: 'sqlite', directory }, {}, ['--port', '0', '--host', '0.0.0.0']), 'network')).toMatchObject({ level: 'warning' });
    await new Promise((resolve) => taken.close(resolve));
  }));

test('a row of a view that is not what was written is an error to doctor and to verify', () =>
  inScratch(async (directory) => {
    const place = { engine: 'sqlite', directory } as const;
    {
      await using open = await openHoldfast({ place });
      await open.engine.execute({ type: 'DefineItem', sku: 'lamp', mode: 'replace', definition: {} });
      await open.views.covers([...open.engine.heads], 10_000);
    }
    const file = join(directory, 'views.db');
    const database = new DatabaseSync(file);
    database.exec(`UPDATE item_facts SET time = time + 1; UPDATE items SET search = 'lump'`);
    database.close();
    expect(of(await look(place), 'views.db')).toMatchObject({ level: 'error', message: expect.stringContaining('rows of item_facts that do not match their checksums: 1, the first of lamp'), next: expect.stringContaining('holdfast rebuild') });
    const violations: Violation[] = [];
    await expect(verify({ place, onViolation: (violation) => violations.push(violation) })).rejects.toThrow('a row of items (lamp) does not match its checksum');
    expect(violations).toEqual([expect.objectContaining({ check: 'files', key: 'views.db', message: expect.stringContaining('item_facts') })]);
  }));
