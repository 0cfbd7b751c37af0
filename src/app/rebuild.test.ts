import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Rebuilding } from '../http/http.ts';
import { openHoldfast, type Holdfast } from './holdfast.ts';
import { rebuildPlace } from './rebuild.ts';

let directory = '';
const place = (): { engine: 'sqlite'; directory: string } => ({ engine: 'sqlite', directory });

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-rebuild-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function stockUp({ engine }: Holdfast, items: number): Promise<void> {
  await Promise.all(Array.from({ length: items }, async (_, i) => {
    await engine.execute({ type: 'DefineItem', sku: `item-${i}`, mode: 'create', definition: { name: `Item ${i}` } });
    await engine.execute({ type: 'AdjustStock', sku: `item-${i}`, location: 'main', bucket: 'sellable', change: 10, reason: 'received' });
    await engine.execute({ type: 'ReserveStock', lines: [{ sku: `item-${i}`, quantity: 3 }] });
  }));
}

/** Every row of every view, and every saved state. */
async function everything({ store, engine, views }: Holdfast): Promise<unknown> {
  expect(await views.covers([...engine.heads], 20_000)).toBe(true);
  const rows: Record<string, unknown[]> = {};
  for (const table of ['items', 'levels', 'reservations', 'reservation_lines', 'item_facts', 'states', 'checkpoints']) {
    rows[table] = (await store.projections.sql.selectFrom(table).selectAll().execute()).map((row) => JSON.stringify(row)).sort();
  }
  // Consumers save how far they have heard in their own time.
  rows['checkpoints'] = rows['checkpoints']?.filter((row) => String(row).includes('"consumer":"states"')) ?? [];
  return rows;
}

test('a running engine makes its views again, the same as before, and goes on with them', { timeout: 120_000 }, async () => {
  await using holdfast = await openHoldfast({ place: place() });
  await stockUp(holdfast, 40);
  const before = await everything(holdfast);
  holdfast.views.rebuild();
  expect(holdfast.views.rebuilding.state).toBe('running');
  await vi.waitFor(() => expect(holdfast.views.rebuilding.state).toBe('idle'), { timeout: 60_000 });
  expect(await everything(holdfast)).toEqual(before);
  expect((await readdir(directory)).filter((name) => /^views.*db$/.test(name))).toEqual(['views-1.db']);
  const held = await holdfast.engine.execute({ type: 'ReserveStock', lines: [{ sku: 'item-0', quantity: 8 }] });
  expect(held).toMatchObject({ ok: false });
  await stockUp(holdfast, 41);
  await everything(holdfast);
  expect((await holdfast.store.projections.sql.selectFrom('items').select('sku').execute())).toHaveLength(41);
});

test('where no server runs the command makes them again, and where one does it says so', { timeout: 120_000 }, async () => {
  let before: unknown;
  {
    await using holdfast = await openHoldfast({ place: place() });
    await stockUp(holdfast, 20);
    before = await everything(holdfast);
    await expect(rebuildPlace(place())).rejects.toThrow(/another Holdfast works in it/);
  }
  const progress: number[] = [];
  const { commits } = await rebuildPlace(place(), (_, done) => void progress.push(done));
  expect(commits).toBeGreaterThan(0);
  expect(progress.at(-1)).toBe(commits);
  await using holdfast = await openHoldfast({ place: place() });
  expect(await everything(holdfast)).toEqual(before);
});

test('views that another version saved are made again before anything is decided', { timeout: 120_000 }, async () => {
  {
    await using holdfast = await openHoldfast({ place: place() });
    await stockUp(holdfast, 20);
    await everything(holdfast);
  }
  const views = new DatabaseSync(join(directory, 'views.db'));
  views.exec(`UPDATE form SET name = 'of another time'; DELETE FROM states; DROP TABLE items`);
  views.close();
  const seen: Rebuilding[] = [];
  await using holdfast = await openHoldfast({ place: place(), onRebuilding: (status) => void seen.push(status) });
  expect(seen.map(({ state }) => state)).toContain('running');
  expect(seen.at(-1)).toMatchObject({ state: 'idle' });
  expect(await holdfast.engine.execute({ type: 'ReserveStock', lines: [{ sku: 'item-0', quantity: 8 }] })).toMatchObject({ ok: false });
  await everything(holdfast);
  expect(await holdfast.store.projections.sql.selectFrom('items').select('sku').execute()).toHaveLength(20);
});
