import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Holdfast } from './app.ts';
import { openHoldfast } from './app.ts';
import { openStore } from './open-store.ts';

async function archived(stock: Holdfast): Promise<void> {
  for (let looked = 0; looked < 200; looked++) {
    const { figures } = stock.archiving ?? {};
    const commits = stock.engine.heads.reduce((sum, head) => sum + head, 0);
    if (figures && figures.lastRunMs > 0 && figures.commits === commits) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`nothing was archived: ${JSON.stringify(stock.archiving?.figures)}`);
}

async function read(directory: string, log: 'live' | 'log'): Promise<number> {
  await using store = await openStore({ engine: 'sqlite', directory });
  let facts = 0;
  for (let id = 0; id < store.partitions; id++) for await (const { events } of store[log].read(id, await store[log].trimmedTo(id))) facts += events.length;
  return facts;
}

test('an embedded store archives in a thread, sells on, and starts again with nothing but the archive to read', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-archiving-'));
  const place = { engine: 'sqlite', directory } as const;
  const facts = 1 + 1 + 20;
  {
    await using stock = await openHoldfast({ place, partitions: 2, archive: { afterMs: 0 } });
    await stock.engine.execute({ type: 'DefineItem', sku: 'lamp', mode: 'create', definition: { name: 'Lamp' } });
    await stock.engine.execute({ type: 'AdjustStock', sku: 'lamp', location: 'main', bucket: 'sellable', change: 50, reason: 'received' });
    for (let n = 0; n < 20; n++) await stock.engine.execute({ type: 'ReserveStock', lines: [{ sku: 'lamp', quantity: 1 }] });
    await archived(stock);
    const { entries } = await stock.feed.page({ after: 'earliest', limit: 100, waitMs: 0 });
    expect(entries.length).toBe(facts - 1);
  }
  expect((await readdir(join(directory, 'archive'))).sort()).toContain('archive.json');
  expect(await read(directory, 'live')).toBe(0);
  expect(await read(directory, 'log')).toBe(facts);
  // The views are made again from the archive alone.
  for (const file of await readdir(directory)) if (file.startsWith('views.db')) await rm(join(directory, file));
  {
    await using stock = await openHoldfast({ place, archive: 'off' });
    await stock.views.covers([...stock.engine.heads], 10_000);
    const held = await stock.engine.execute({ type: 'ReserveStock', lines: [{ sku: 'lamp', quantity: 31 }] });
    expect(held).toMatchObject({ ok: false, refusal: { code: 'insufficient-stock' } });
    expect(await stock.engine.execute({ type: 'ReserveStock', lines: [{ sku: 'lamp', quantity: 30 }] })).toMatchObject({ ok: true });
  }
  await rm(directory, { recursive: true });
}, 60_000);
