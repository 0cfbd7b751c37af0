/** The proof of backups: taken at random moments under load, each is restored, started, and held to the ledger. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { HoldfastClient } from '../../src/client/client.ts';
import { below } from '../../src/base/random.ts';
import { forEach } from './ask.ts';
import { sqlitePlace } from './places.ts';
import { ServerProcess } from './server-process.ts';
import { newShop, openShop, type Shop } from './shoppers.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const SKUS = ['HOT-1', 'HOT-2', 'WARM-1'];
const run = promisify(execFile);

interface Backup {
  readonly directory: string;
  /** Holds acknowledged before it was asked for. */
  readonly holds: readonly string[];
}

export interface BackupReport {
  readonly backups: number;
  readonly acknowledged: number;
  /** Facts of the restored stores that were compared with those of the server. */
  readonly facts: number;
  readonly faults: readonly string[];
}

/** Takes some backups of a busy server, kills it, and looks at what each backup makes. */
export async function backupRounds(count: number, seed: number): Promise<BackupReport> {
  await using place = await sqlitePlace();
  const shop = newShop(SKUS, seed);
  const scratch = await mkdtemp(join(tmpdir(), 'holdfast-backups-'));
  const server = await ServerProcess.start(place);
  try {
    await stock(server.client());
    const { backups, over } = await takeUnderLoad({ server, shop, data: place.flags[1] ?? '', scratch, count });
    await over;
    const live = await factsOf(server.client());
    const faults = [...shop.ledger.faults];
    let facts = 0;
    for (const backup of backups) {
      const found = await inspect(backup, live, join(scratch, 'restored'));
      facts += found.facts;
      faults.push(...found.faults);
    }
    return { backups: backups.length, acknowledged: shop.ledger.answered.length, facts, faults };
  } finally {
    await server.kill();
    await rm(scratch, { recursive: true, force: true });
  }
}

async function stock(client: HoldfastClient): Promise<void> {
  for (const sku of SKUS) {
    await client.items.put(sku, {});
    await client.items.adjust(sku, { change: 1_000_000, reason: 'received' }, { waitSeconds: 10 });
  }
}

async function takeUnderLoad({ server, shop, data, scratch, count }: { server: ServerProcess; shop: Shop; data: string; scratch: string; count: number }): Promise<{ backups: Backup[]; over: Promise<void> }> {
  let leaving = false;
  const over = openShop(shop, server.client(), () => leaving);
  const backups: Backup[] = [];
  try {
    for (let n = 1; n <= count; n++) {
      await new Promise((resolve) => setTimeout(resolve, below(shop.random, 800)));
      const directory = join(scratch, `backup-${n}`);
      const holds = [...shop.ledger.holds.keys()];
      await holdfast('backup', directory, '--data', data);
      backups.push({ directory, holds });
    }
  } finally {
    leaving = true;
  }
  return { backups, over };
}

async function inspect({ directory, holds }: Backup, live: readonly string[], target: string): Promise<{ facts: number; faults: string[] }> {
  await holdfast('restore', directory, '--data', target);
  const faults: string[] = [];
  const server = await ServerProcess.start({ engine: 'sqlite', flags: ['--data', target], env: {}, [Symbol.asyncDispose]: async () => undefined });
  try {
    const client = server.client();
    await forEach([...holds], 16, async (id) => {
      await client.reservations.get(id).catch((error: unknown) => faults.push(`${directory} lacks ${id}, acknowledged before it was taken: ${String(error)}`));
    });
    // What was accepted and not done yet is done by the restored store, too: facts of its own, after those of the backup.
    const { heads } = JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')) as { heads: number[] };
    const facts = upTo(heads, await factsOf(client));
    const known = new Set(upTo(heads, live));
    for (const fact of facts) if (!known.delete(fact)) faults.push(`${directory} has a fact that the server has not: ${fact}`);
    for (const fact of known) faults.push(`${directory} lacks a fact before its heads: ${fact}`);
    for (const sku of SKUS) {
      const check = await client.items.check(sku);
      if (!check.ok) faults.push(`${directory}: the books of ${sku} do not add up: ${JSON.stringify(check)}`);
    }
    return { facts: facts.length, faults };
  } finally {
    await server.kill();
    await rm(target, { recursive: true });
  }
}

function upTo(heads: readonly number[], facts: readonly string[]): string[] {
  return facts.filter((fact) => {
    const [log = 0, position = 0] = (JSON.parse(fact) as { id: string }).id.split('-').map(Number);
    return position <= (heads[log] ?? 0);
  });
}

/** All facts so far, each as text with its place in the log. */
async function factsOf(client: HoldfastClient): Promise<string[]> {
  const facts: string[] = [];
  for (let after = 'earliest'; ; ) {
    const page = await client.request<{ events: { id: string }[]; cursor: string }>('GET', '/v1/events', { query: { after, limit: '500' } });
    if (page.events.length === 0) return facts;
    facts.push(...page.events.map((fact) => JSON.stringify(fact)));
    after = page.cursor;
  }
}

async function holdfast(...args: string[]): Promise<void> {
  await run(process.execPath, [MAIN, ...args]);
}
