import { expect, test } from 'vitest';
import { handClock } from '../base/clock.ts';
import { openMemory, type Faults } from '../engines/memory/memory.ts';
import { boxEngine, pass } from './testing.ts';

test('a command does not go before one of its lane that fails while states are loaded for it', async () => {
  const clock = handClock();
  let full = false;
  let loads = 0;
  const faults: Faults = {
    before(asked) {
      if (asked === 'append' && full) return { type: 'fail', code: 'storage-full', beforeMs: 10 };
      return asked === 'load' && full && ++loads === 1 ? { type: 'ok', beforeMs: 100 } : { type: 'ok' };
    },
  };
  await using store = openMemory({ partitions: 2, clock, faults });
  const engine = boxEngine(store, { clock, alone: true });
  await engine.start();
  await engine.execute({ type: 'Put', box: 'known', units: 1 });
  full = true;
  const first = engine.execute({ type: 'Put', box: 'known', units: 1 }, { lane: 'one' });
  const second = engine.execute({ type: 'Put', box: 'unknown', units: 1 }, { lane: 'one' });
  const outcomes = Promise.allSettled([first, second]);
  await pass(clock, 50);
  full = false;
  await pass(clock, 200);
  expect(await outcomes).toMatchObject([{ status: 'rejected', reason: { code: 'storage-full' } }, { status: 'rejected', reason: { code: 'overloaded' } }]);
  await engine.close();
});
