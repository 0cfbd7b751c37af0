import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../base/random.ts';
import { afterSale, afterStock, DAY_MS, daysOfCover, daysSince, newVelocity, sellThrough, velocityAt } from './demand.ts';

const HALF_LIFE = DAY_MS;

describe('velocity', () => {
  it('gives a unit ln 2 per half-life, and halves with every half-life after', () => {
    const sold = afterSale(newVelocity(0, true), HALF_LIFE, { units: 1, atMs: 0 });
    expect(velocityAt(sold, HALF_LIFE, 0) * DAY_MS).toBeCloseTo(Math.LN2, 12);
    expect(velocityAt(sold, HALF_LIFE, DAY_MS) * DAY_MS).toBeCloseTo(Math.LN2 / 2, 12);
    expect(velocityAt(sold, HALF_LIFE, 3 * DAY_MS) * DAY_MS).toBeCloseTo(Math.LN2 / 8, 12);
  });

  it('finds the rate of sales that come by chance', () => {
    const random = seededRandom(7);
    const perDay = 48;
    let velocity = newVelocity(0, true);
    let [sum, count] = [0, 0];
    for (let at = 0; at < 400 * DAY_MS; ) {
      at += (-Math.log((random.u32() + 1) / 2 ** 32) / perDay) * DAY_MS;
      if (at > 10 * DAY_MS) [sum, count] = [sum + velocityAt(velocity, HALF_LIFE, at) * DAY_MS, count + 1];
      velocity = afterSale(velocity, HALF_LIFE, { units: 1, atMs: at });
    }
    expect(sum / count / perDay).toBeCloseTo(1, 1);
  });

  it('rests while there is no stock', () => {
    const sold = afterSale(newVelocity(0, true), HALF_LIFE, { units: 5, atMs: 0 });
    const out = afterStock(sold, HALF_LIFE, { inStock: false, atMs: 0 });
    const back = afterStock(out, HALF_LIFE, { inStock: true, atMs: 30 * DAY_MS });
    expect(velocityAt(out, HALF_LIFE, 29 * DAY_MS)).toBe(sold.perMs);
    expect(velocityAt(back, HALF_LIFE, 31 * DAY_MS)).toBeCloseTo(sold.perMs / 2, 15);
  });

  it('is the same however often it is asked or told what it knows, and never less than nothing', () => {
    const instants = fc.array(fc.integer({ min: 0, max: 20 * DAY_MS }), { maxLength: 20 });
    fc.assert(
      fc.property(instants, instants, (sales, asked) => {
        let plain = newVelocity(0, true);
        for (const atMs of sales.toSorted((a, b) => a - b)) plain = afterSale(plain, HALF_LIFE, { units: 1, atMs });
        let told = newVelocity(0, true);
        const steps = [...sales.map((atMs) => ({ atMs, units: 1 })), ...asked.map((atMs) => ({ atMs, units: 0 }))].toSorted((a, b) => a.atMs - b.atMs);
        for (const { atMs, units } of steps) told = units > 0 ? afterSale(told, HALF_LIFE, { units, atMs }) : afterStock(told, HALF_LIFE, { inStock: true, atMs });
        const end = 21 * DAY_MS;
        expect(velocityAt(told, HALF_LIFE, end)).toBeCloseTo(velocityAt(plain, HALF_LIFE, end), 15);
        expect(velocityAt(told, HALF_LIFE, end)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('does not run backwards for a sale that is told late', () => {
    const sold = afterSale(newVelocity(0, true), HALF_LIFE, { units: 1, atMs: DAY_MS });
    const late = afterSale(sold, HALF_LIFE, { units: 1, atMs: 0 });
    expect(late.atMs).toBe(DAY_MS);
    expect(late.perMs).toBeCloseTo(2 * sold.perMs, 15);
  });
});

describe('what follows from velocity', () => {
  it('is how many days the stock lasts: for ever where nothing sells, none where there is none', () => {
    expect(daysOfCover(60, 12)).toBe(5);
    expect(daysOfCover(60, 0)).toBeNull();
    expect(daysOfCover(0, 0)).toBe(0);
    expect(daysOfCover(-3, 12)).toBe(0);
  });

  it('is the share that was sold', () => {
    expect(sellThrough(30, 70)).toBe(0.3);
    expect(sellThrough(0, 0)).toBe(0);
    expect(sellThrough(10, -2)).toBe(1);
  });

  it('is how old the stock is', () => {
    expect(daysSince(0, 36 * 3_600_000)).toBe(1.5);
    expect(daysSince(10, 0)).toBe(0);
  });
});
