import { expect, test } from 'vitest';
import { handClock } from '../../base/clock.ts';
import { ids } from '../../base/ids.ts';
import { seededRandom } from '../../base/random.ts';
import { openMemory } from '../../engines/memory/memory.ts';
import { Engine } from '../../runtime/runtime.ts';
import { rooms } from '../rooms.ts';
import { MARKED_TOGETHER_MAX } from './limits.ts';
import { Pipeline } from './pipeline.ts';

async function pricing(priced = 0) {
  const clock = handClock();
  const store = openMemory({ partitions: 2, clock });
  const random = seededRandom(1);
  const engine = new Engine({ store, room: rooms, clock, random, ids: ids(random) });
  const pipeline = new Pipeline({ store, engine, clock, views: { covers: async () => true } });
  await store.projections.prepare([...rooms.views.tables, ...pipeline.tables]);
  await engine.start();
  engine.onCommitted((commits) => {
    for (const commit of commits) pipeline.hear(commit);
  });
  const rows = Array.from({ length: priced }, (_, i) => [`sku-${i}`, 0, JSON.stringify({ log: i % 2, firstAt: 0 })]);
  if (priced > 0) await store.projections.apply({ consumer: 'a test', checkpoints: [], states: [], deletes: [], upserts: [{ table: 'priced_items', columns: ['sku', 'dirty', 'body'], rows }] });
  await pipeline.open(store.projections.sql);
  return {
    pipeline,
    openLocation: (location: string) => engine.execute({ type: 'DefineLocation', id: location, definition: { name: location, rank: 1, active: true } }),
    describe: (sku: string) => engine.execute({ type: 'DefineItem', sku, mode: 'replace', definition: { name: sku } }),
    /** What the next saving writes of the items. */
    saved(): Record<string, unknown> {
      const rows: Record<string, unknown> = {};
      pipeline.save({
        put: (table, [sku, dirty]) => void (table === 'priced_items' && (rows[String(sku)] = dirty === 1 ? 'waits' : 'is priced')),
        remove: (table, sku) => void (table === 'priced_items' && (rows[String(sku)] = 'is gone')),
      });
      return rows;
    },
  };
}

test('an item that waits to be priced is saved once, and once more when it does not wait any longer', async () => {
  const { pipeline, describe, saved } = await pricing();
  await describe('tea');
  await describe('pot');
  expect(saved()).toEqual({ tea: 'waits', pot: 'waits' });
  expect(saved()).toEqual({});
  await describe('tea');
  expect(saved()).toEqual({});
  pipeline.caughtUp();
  for (let turn = 0; turn < 50 && !pipeline.isIdle; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect([pipeline.isIdle, saved(), saved()]).toEqual([true, { tea: 'is gone', pot: 'is gone' }, {}]);
  await pipeline.close();
});

test('a location that changes makes priced items due, and where they are too many all items are looked at', async () => {
  for (const more of [0, 1]) {
    const { pipeline, openLocation } = await pricing(MARKED_TOGETHER_MAX + more);
    await openLocation('attic');
    expect([pipeline.figures, pipeline.sweep.state]).toEqual([{ priced: MARKED_TOGETHER_MAX + more, due: more === 0 ? MARKED_TOGETHER_MAX : 0 }, more === 0 ? 'idle' : 'running']);
    await pipeline.close();
  }
});
