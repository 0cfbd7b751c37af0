import { expect, test } from 'vitest';
import { must } from '../../base/assert.ts';
import type { Lease, Leases } from '../store.ts';
import { onFreshPlace, onFreshStore, type Harness } from './harness.ts';
import { onlyIf } from './lifecycle.ts';

const T = 1_000_000;
const TEN = { ttlMs: 10, nowMs: T };

async function take(leases: Leases, name: string): Promise<Lease> {
  return must(await leases.acquire(name, 'a', TEN), `${name} was free`);
}

export function leasePromises(harness: Harness): void {
  const withLeases = (body: (leases: Leases) => Promise<void>) => () => onFreshStore(harness, ({ leases }) => body(leases));

  test('a free lease is taken, and stays out of the reach of others until it runs out', withLeases(async (leases) => {
    expect(await leases.find('owner/3')).toBeUndefined();
    expect(await leases.acquire('owner/3', 'a', TEN)).toEqual({ name: 'owner/3', holder: 'a', epoch: 1, untilMs: T + 10 });
    expect(await leases.acquire('owner/3', 'b', { ttlMs: 10, nowMs: T + 9 })).toBeUndefined();
    expect(await leases.find('owner/3')).toEqual({ name: 'owner/3', holder: 'a', epoch: 1, untilMs: T + 10 });
    expect(await leases.acquire('owner/4', 'b', TEN)).toMatchObject({ holder: 'b', epoch: 1 });
  }));

  test('a lease that ran out goes to another from that instant, with a greater epoch', withLeases(async (leases) => {
    await leases.acquire('l', 'a', TEN);
    expect(await leases.acquire('l', 'b', { ttlMs: 10, nowMs: T + 10 })).toEqual({ name: 'l', holder: 'b', epoch: 2, untilMs: T + 20 });
    expect(await leases.acquire('l', 'a', { ttlMs: 10, nowMs: T + 15 })).toBeUndefined();
    expect(await leases.acquire('l', 'a', { ttlMs: 10, nowMs: T + 20 })).toMatchObject({ holder: 'a', epoch: 3 });
  }));

  test('taking a lease again prolongs it and keeps its epoch, also after it ran out', withLeases(async (leases) => {
    await leases.acquire('l', 'a', TEN);
    expect(await leases.acquire('l', 'a', { ttlMs: 10, nowMs: T + 5 })).toMatchObject({ epoch: 1, untilMs: T + 15 });
    expect(await leases.acquire('l', 'a', { ttlMs: 10, nowMs: T + 40 })).toMatchObject({ epoch: 1, untilMs: T + 50 });
  }));

  test('a lease given back is free at once, and whoever takes it next exceeds its epoch', withLeases(async (leases) => {
    await leases.release(await take(leases, 'l'));
    expect(await leases.acquire('l', 'b', TEN)).toMatchObject({ holder: 'b', epoch: 2 });
    await leases.release(await take(leases, 'm'));
    expect(await leases.acquire('m', 'a', TEN)).toMatchObject({ holder: 'a', epoch: 2 });
  }));

  test('giving back a lease that is no longer ours changes nothing', withLeases(async (leases) => {
    const old = await take(leases, 'l');
    await leases.acquire('l', 'b', { ttlMs: 10, nowMs: T + 10 });
    await leases.release(old);
    expect(await leases.find('l')).toMatchObject({ holder: 'b', epoch: 2 });
    await leases.acquire('l', 'a', { ttlMs: 10, nowMs: T + 20 });
    await leases.release(old);
    expect(await leases.find('l')).toEqual({ name: 'l', holder: 'a', epoch: 3, untilMs: T + 30 });
    await leases.release({ ...old, name: 'never taken' });
  }));

  onlyIf(harness.sharing, 'stores on one place do not see each other')('of many who want a lease at once exactly one has it, and every change of holder raises the epoch', () =>
    onFreshPlace(harness, async (place) => {
      await using mine = await harness.open(place);
      await using theirs = await harness.open(place);
      for (let round = 1; round <= 10; round++) {
        const nowMs = T + round * 10;
        const names = Array.from({ length: 8 }, (_, n) => `r${round}h${n}`);
        const leases = await Promise.all(names.map((holder, n) => (n % 2 === 0 ? mine : theirs).leases.acquire('l', holder, { ttlMs: 10, nowMs })));
        const [won, ...rest] = leases.filter((lease) => lease !== undefined);
        expect(rest).toEqual([]);
        expect(won).toMatchObject({ epoch: round, untilMs: nowMs + 10 });
        expect(await theirs.leases.find('l')).toEqual(won);
      }
    }));
}
