/** The room in the real engine: what it says survives a restart, lies in its tables, and ends when its time has come. */
import { expect, test } from 'vitest';
import { handClock, type HandClock } from '../../base/clock.ts';
import { ids } from '../../base/ids.ts';
import { seededRandom } from '../../base/random.ts';
import { openMemory } from '../../engines/memory/memory.ts';
import { Engine, Projector, Timers } from '../../runtime/runtime.ts';
import { pass } from '../../runtime/testing.ts';
import type { Store } from '../../store/store.ts';
import type { PricingCommand } from './commands.ts';
import { bookOf, findPrice, findQuote, priceView, pricing } from './pricing.ts';
import { based, eur, modelled, SECOND } from './testing.ts';

function engineOn(store: Store, clock: HandClock): Engine<PricingCommand> {
  const random = seededRandom(1);
  return new Engine({ store, room: pricing, clock, random, ids: ids(random), alone: true });
}

async function project(store: Store): Promise<void> {
  const projector = new Projector({ store, room: pricing as never }); // it folds and never decides
  await projector.start();
  await projector.catchUp();
}

const definition = { priority: 1, match: {}, mode: 'live', strategy: { kind: 'rules', rules: [] }, guardrails: {} } as const;

test('prices, policies, controls and quotes are the same after a restart, from saved states and from the log', async () => {
  await using store = openMemory({ partitions: 3 });
  const clock = handClock();
  const engine = engineOn(store, clock);
  await engine.start();
  await engine.execute({ type: 'PutPolicy', id: 'p', definition });
  await engine.execute({ type: 'SetControls', controls: { killSwitch: false, freeze: [{ sku: ['rug'] }] } });
  await engine.execute({ type: 'PublishPrices', revision: 2, items: [based(eur(10000))] });
  await engine.execute({ type: 'PublishPrices', revision: 2, items: [modelled(80, { maxStepPercent: 10 }), modelled(60, {}, { mode: 'shadow', policyId: 's' })] });
  const quoted = await engine.execute({ type: 'CreateQuote', lines: [{ sku: 'lamp', quantity: 2 }] });
  const id = quoted.ok ? (quoted.answer as { id: string }).id : '';
  const look = (from: Engine<PricingCommand>): Promise<string> => from.read((world) => JSON.stringify([findPrice(world, 'lamp'), bookOf(world), findQuote(world, id)]));
  const before = await look(engine);
  await engine.close();
  const fromLog = engineOn(store, clock);
  await fromLog.start();
  expect(JSON.parse(await look(fromLog))).toEqual(JSON.parse(before));
  await fromLog.close();
  await project(store);
  const fromStates = engineOn(store, clock);
  await fromStates.start();
  expect(JSON.parse(await look(fromStates))).toEqual(JSON.parse(before));
  await fromStates.close();
});

test('what was published lies in tables, for whoever asks in SQL', async () => {
  await using store = openMemory({ partitions: 3 });
  const clock = handClock();
  const engine = engineOn(store, clock);
  await engine.start();
  await engine.execute({ type: 'PutPolicy', id: 'p', definition });
  await engine.execute({ type: 'PutPolicy', id: 'p', definition: { ...definition, priority: 2 } });
  for (const items of [[based(eur(10000))], [modelled(80), modelled(60, {}, { mode: 'shadow', policyId: 's' })], [based(null, 2, 'rug')]]) {
    clock.advance(SECOND);
    await engine.execute({ type: 'PublishPrices', revision: 2, items });
  }
  await project(store);
  const all = (table: string): Promise<object[]> => store.projections.sql.selectFrom(table).selectAll().execute();
  expect(await all('prices')).toEqual([{ sku: 'lamp', price: 8000, base_price: 10000, currency: 'EUR', lowest_30d: 10000, policy: 'p', policy_version: 1, degraded: 0, version: 3, stock_version: 1, effective_at: clock.now() - SECOND, again_at: null }]);
  expect(await all('price_history')).toMatchObject([{ shadow: 0, price: 10000, policy: null }, { shadow: 0, price: 8000, policy: 'p' }, { shadow: 1, price: 6000, policy: 's' }]);
  expect(await all('price_policies')).toMatchObject([{ id: 'p', version: 2, mode: 'live', priority: 2 }]);
  expect(await all('price_policy_versions')).toMatchObject([{ id: 'p', version: 1 }, { id: 'p', version: 2 }]);
  await engine.close();
});

test('an override ends by itself, also one that was set before a restart', async () => {
  await using store = openMemory({ partitions: 3 });
  const clock = handClock();
  const first = engineOn(store, clock);
  await first.start();
  await first.execute({ type: 'PublishPrices', revision: 0, items: [based(eur(10000))] });
  await first.execute({ type: 'SetOverride', sku: 'lamp', price: eur(5000), until: clock.now() + 30 * SECOND, reason: 'fair' });
  await first.close();
  await project(store);
  const engine = engineOn(store, clock);
  await engine.start();
  const timers = new Timers({ engine, store, room: pricing, clock });
  await timers.start();
  const shown = (): Promise<unknown> => engine.read((world, now) => priceView(findPrice(world, 'lamp') as never, now)['override'] ?? null); // it is there
  await pass(clock, 29 * SECOND);
  expect(await shown()).toMatchObject({ reason: 'fair' });
  await pass(clock, 2 * SECOND);
  expect(await shown()).toBeNull();
  timers.close();
  await engine.close();
});
