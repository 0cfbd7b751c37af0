import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { CrashPoint } from '../../src/base/crash-points.ts';
import { holdfast } from '../proof/killed-commands.ts';
import { sqlitePlace } from '../proof/places.ts';
import { ServerProcess } from '../proof/server-process.ts';

const PROOF_MS = 300_000;
const SKUS = 100;
const LINES = 60_000;

interface Scratch extends AsyncDisposable {
  readonly at: (name: string) => string;
}

async function scratch(): Promise<Scratch> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-kills-'));
  return { at: (name) => join(directory, name), [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
}

/** Changes, not counts: whatever was lost or done twice is seen. */
async function changesAt(file: string, lines = LINES): Promise<string> {
  await writeFile(file, `sku,change,reason\n${Array.from({ length: lines }, (_, index) => `item-${index % SKUS},1,received\n`).join('')}`);
  return file;
}

async function expectAll(server: ServerProcess, units: number): Promise<void> {
  const { items } = await server.client().availability(Array.from({ length: SKUS }, (_, index) => `item-${index}`));
  expect(new Set(items.map(({ onHand }) => onHand))).toEqual(new Set([units]));
}

const IMPORT_KILLS: readonly (readonly [CrashPoint, number])[] = [
  ['import.begun', 1], ['import.taken', 1], ['import.told', 1], ['log.append', 2], ['log.committed', 1], ['import.begun', 3],
  ['import.taken', 2], ['import.told', 3], ['views.apply', 1], ['log.committed', 3], ['import.begun', 2], ['import.taken', 3],
];

test('an import into a store that is killed at a dozen points takes every line once', { timeout: PROOF_MS }, async () => {
  await using place = await scratch();
  const file = await changesAt(place.at('changes.csv'));
  const args = ['import', file, '--data', place.at('data'), '--create-items'];
  const kills: string[] = [];
  for (const at of IMPORT_KILLS) if ((await holdfast(args, at)).code === null) kills.push(at.join(':'));
  const { code, out } = await holdfast(args);
  console.log(`import: ${kills.length} kills; ${out.trim().replaceAll('\n', ';')}`);
  expect(code).toBe(0);
  expect(out).toMatch(new RegExp(`lines in all: described ${SKUS}, stock changed ${(LINES - SKUS).toLocaleString('en')}, as it was 0, refused 0|nothing to do`));
  expect(kills.length).toBeGreaterThan(IMPORT_KILLS.length / 2);
  expect((await holdfast(args)).out).toContain('nothing to do');
  expect((await holdfast(['verify', '--data', place.at('data')])).code).toBe(0);
  await using server = await ServerProcess.start({ engine: 'sqlite', flags: ['--data', place.at('data')], env: {}, [Symbol.asyncDispose]: async () => undefined });
  await expectAll(server, LINES / SKUS);
});

const SERVICE_KILLS: readonly (readonly ['server' | 'command', CrashPoint, number])[] = [
  ['server', 'import.begun', 2], ['command', 'import.told', 1], ['server', 'import.taken', 1], ['server', 'log.committed', 3],
  ['command', 'import.told', 3], ['server', 'import.taken', 3], ['server', 'log.append', 2], ['server', 'import.begun', 3],
];

test('an import through a service takes every line once, whichever of the two is killed', { timeout: PROOF_MS }, async () => {
  await using place = await scratch();
  await using data = await sqlitePlace();
  const file = await changesAt(place.at('changes.csv'));
  const command = (server: ServerProcess): string[] => ['import', file, '--url', server.url, '--key', server.key, '--create-items'];
  let kills = 0;
  for (const [who, ...at] of SERVICE_KILLS) {
    const server = await ServerProcess.start(data, who === 'server' ? { HOLDFAST_CRASH_AT: at.join(':') } : {});
    try {
      const { code } = await holdfast(command(server), who === 'command' ? at : undefined);
      if (!server.alive || code === null) kills++;
    } finally {
      await server.kill();
    }
  }
  await using server = await ServerProcess.start(data);
  const { code, out } = await holdfast(command(server));
  console.log(`import through a service: ${kills} kills; ${out.trim().replaceAll('\n', ';')}`);
  expect(code).toBe(0);
  expect(kills).toBeGreaterThan(SERVICE_KILLS.length / 2);
  expect((await holdfast(command(server))).out).toContain('nothing to do');
  await expectAll(server, LINES / SKUS);
});

const MIGRATION_KILLS: readonly (readonly [CrashPoint, number])[] = [
  ['migrate.noted', 1], ['migrate.commits', 1], ['migrate.commits', 2], ['log.append', 3], ['migrate.commits', 4], ['migrate.commits', 1],
  ['migrate.messages', 1], ['migrate.settings', 1], ['migrate.compared', 1], ['views.apply', 1], ['migrate.views', 1], ['migrate.released', 1],
];

test('a migration that is killed at a dozen points serves nobody before its end, and then has everything', { timeout: PROOF_MS }, async () => {
  await using place = await scratch();
  await using data = await sqlitePlace();
  const [from, to] = [data.flags[1] ?? '', place.at('target')];
  {
    await using server = await ServerProcess.start(data);
    const file = await changesAt(place.at('changes.csv'), 2_000);
    expect((await holdfast(['import', file, '--url', server.url, '--key', server.key, '--create-items'])).code).toBe(0);
    await server.client().items.adjust('item-0', { change: 5, reason: 'received' }, { waitSeconds: 20 });
    await server.stop();
  }
  const args = ['migrate', '--from', from, '--to', to];
  let kills = 0;
  for (const at of MIGRATION_KILLS) {
    const { code, err } = await holdfast(args, at);
    expect([at, code, err.slice(-500)]).toEqual([at, null, expect.anything()]);
    kills++;
    if (at[0] === 'migrate.compared') expect((await holdfast(['serve', '--port', '0', '--data', to])).err).toMatch(/was cut off/);
  }
  console.log(`migration: ${kills} kills`);
  // The last kill was after its end: what there is may be served, and nothing is put into it again.
  expect((await holdfast(args)).err).toMatch(/something in it/);
  expect((await holdfast(['verify', '--data', to])).code).toBe(0);
  await using server = await ServerProcess.start({ ...data, flags: ['--data', to] });
  const { items } = await server.client().availability(['item-0', 'item-1']);
  expect(items.map(({ onHand }) => onHand)).toEqual([25, 20]);
});
