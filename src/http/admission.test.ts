import { describe, expect, test } from 'vitest';
import { handClock } from '../base/clock.ts';
import { Admission } from './admission.ts';
import { ADMITTED_PER_TURN_MS } from './limits.ts';
import { openHoldfast } from './testing.ts';

describe('admission', () => {
  test('lets in whoever comes within the time of a turn, and nobody after it', () => {
    const admission = new Admission(() => undefined);
    expect([0, ADMITTED_PER_TURN_MS - 1, ADMITTED_PER_TURN_MS, ADMITTED_PER_TURN_MS + 1].map((ms) => admission.admits(1_000 + ms))).toEqual([true, true, true, false]);
  });

  test('begins anew with each turn', () => {
    const ends: (() => void)[] = [];
    const admission = new Admission((task) => void ends.push(task));
    expect([admission.admits(0), admission.admits(10_000)]).toEqual([true, false]);
    ends.shift()?.();
    expect([admission.admits(10_000), admission.admits(10_001), ends.length]).toEqual([true, true, 1]);
  });

  test('answers 503 with Retry-After to those it does not let in, and the others as ever; health is always told', async () => {
    const clock = handClock();
    // Each look at the clock takes as long as a turn may.
    const slow = { ...clock, now: () => (clock.advance(ADMITTED_PER_TURN_MS), clock.now()) };
    await using shop = await openHoldfast({ clock: slow });
    const answers = await Promise.all([...Array.from({ length: 4 }, () => shop.get('/v1/locations')), shop.get('/healthz')]);
    const refused = answers.filter(({ status }) => status === 503);
    expect(refused.length).toBeGreaterThan(0);
    for (const { body, headers } of refused) expect([body.code, headers['retry-after']]).toEqual(['overloaded', '1']);
    expect([answers[0]?.status, answers.at(-1)?.status]).toEqual([200, 200]);
    expect((await shop.get('/v1/locations')).status).toBe(200);
  });
});
