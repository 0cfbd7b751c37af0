/** What guardrails on pace remember of a price: which prices policies have replaced within a window. */
import { WINDOW_PARTS } from './limits.ts';
import type { Money } from './money.ts';
import type { PastPrice, Track } from './state.ts';

/**
 * Another price from an instant on. One set by hand is where pace begins anew; a policy's first goes on from the base
 * price. Without a window nothing before is remembered.
 */
export function trackTo(track: Track | undefined, price: Money | null, change: { readonly at: number; readonly by: 'policy' | 'hand'; readonly base: Money | null; readonly windowSeconds?: number | undefined }): Track {
  const { at, by, base, windowSeconds } = change;
  if (by === 'hand' || price === null) return { price, past: [] };
  const first = track?.price?.currency !== price.currency;
  const before = first ? base : track.price;
  if (before?.amount === price.amount) return { ...track, price, past: track?.past ?? [] };
  const past = windowSeconds === undefined || before === null ? [] : remembered(first ? [] : track.past, { amount: before.amount, at, count: first ? 0 : 1, windowMs: windowSeconds * 1000 });
  return first ? { price, past } : { price, past, changedAt: at };
}

function remembered(past: readonly PastPrice[], ended: { amount: number; at: number; count: number; windowMs: number }): readonly PastPrice[] {
  const { amount, at, count, windowMs } = ended;
  const kept = past.filter(({ until }) => until > at - windowMs);
  const last = kept.at(-1);
  const partOf = (instant: number): number => Math.floor(instant / (windowMs / WINDOW_PARTS));
  if (!last || partOf(last.until) !== partOf(at)) return [...kept, { until: at, low: amount, high: amount, count }];
  kept[kept.length - 1] = { until: at, low: Math.min(last.low, amount), high: Math.max(last.high, amount), count: last.count + count };
  return kept;
}

/** The prices of a window up to an instant, but for the present one: how often it changed, and when the first of them leaves. */
export interface Pace {
  readonly low: number;
  readonly high: number;
  readonly changes: number;
  readonly oldestLeavesAt: number | undefined;
}

export function paceOf({ price, past }: Track, now: number, windowMs: number): Pace {
  let low = price?.amount ?? 0;
  let high = low;
  let changes = 0;
  let oldestLeavesAt: number | undefined;
  for (const one of past) {
    if (one.until <= now - windowMs) continue;
    low = Math.min(low, one.low);
    high = Math.max(high, one.high);
    changes += one.count;
    oldestLeavesAt ??= one.until + windowMs;
  }
  return { low, high, changes, oldestLeavesAt };
}
