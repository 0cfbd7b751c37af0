import { describe, expect, test } from 'vitest';
import { Latencies } from './latencies.ts';
import { atMost, Pace } from './pacing.ts';

describe('tasks run so many at a time', () => {
  test('and begin in order', async () => {
    const begun: number[] = [];
    let [running, most] = [0, 0];
    await atMost(3, [1, 2, 3, 4, 5, 6, 7], async (one) => {
      begun.push(one);
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
    });
    expect([begun, most, running]).toEqual([[1, 2, 3, 4, 5, 6, 7], 3, 0]);
  });

  test('the first failure stops the rest, after those under way have ended', async () => {
    let ended = 0;
    const run = atMost(2, [1, 2, 3, 4, 5, 6, 7, 8], async (one) => {
      await new Promise((resolve) => setImmediate(resolve));
      if (one === 2) throw new Error('two');
      ended++;
    });
    await expect(run).rejects.toThrow('two');
    expect(ended).toBeLessThan(7);
  });
});

describe('the pace', () => {
  test('stops waiting when the replay is stopped', async () => {
    const stop = new AbortController();
    const pace = new Pace({ speed: 1, firstMs: 0, signal: stop.signal });
    const waiting = pace.until(3_600_000);
    stop.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow('stopped');
    await expect(pace.until(0)).rejects.toThrow('stopped');
  });

  test('does not wait for what is over, nor at full speed', async () => {
    const { signal } = new AbortController();
    await new Pace({ speed: 600, firstMs: 1_000, signal }).until(0);
    await new Pace({ speed: 'max', firstMs: 0, signal }).until(Number.MAX_SAFE_INTEGER);
    expect(signal.aborted).toBe(false);
  });
});

describe('latencies', () => {
  test('are off by at most one bucket of 5 %', () => {
    const latencies = new Latencies();
    for (let ms = 1; ms <= 1_000; ms++) latencies.add(ms);
    for (const share of [0.5, 0.9, 0.99]) {
      expect(latencies.quantile(share)).toBeGreaterThanOrEqual(share * 1_000 * 0.999);
      expect(latencies.quantile(share)).toBeLessThanOrEqual(share * 1_000 * 1.051);
    }
    expect(latencies.count).toBe(1_000);
  });

  test('of nothing are nothing, and the shortest stay in the first bucket', () => {
    const latencies = new Latencies();
    expect(latencies.quantile(0.99)).toBe(0);
    latencies.add(0);
    expect(latencies.quantile(0.5)).toBe(0.01);
  });
});
