/** What holds for every course of prices, whatever strategies say and whenever they say it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Candidate } from './candidate.ts';
import type { Money } from './money.ts';
import { paceOf } from './track.ts';
import type { Guardrails } from './policy.ts';
import { pricing, type Price } from './pricing.ts';
import { readWhy } from './stored.ts';
import { eur, modelled, SECOND, START, Till } from './testing.ts';

interface Move {
  readonly waitMs: number;
  readonly model: number;
  readonly frozen: boolean;
  readonly stale: boolean;
  /** Minor units. */
  readonly cost: number;
  /** How many versions of the stock it is behind. */
  readonly behind: number;
}

const move: fc.Arbitrary<Move> = fc.record({
  waitMs: fc.oneof(fc.integer({ min: 0, max: 5 * SECOND }), fc.integer({ min: 0, max: 600 * SECOND })),
  model: fc.oneof({ weight: 9, arbitrary: fc.double({ min: 0, max: 400, noNaN: true }) }, { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1, 1e300) }),
  frozen: fc.boolean(),
  stale: fc.nat(9).map((n) => n === 0),
  cost: fc.integer({ min: 1000, max: 20000 }),
  behind: fc.nat(3),
});

const guardrails: fc.Arbitrary<Guardrails> = fc
  .record(
    {
      floor: fc.oneof(fc.record({ margin: fc.double({ min: 0, max: 0.5, noNaN: true }) }), fc.integer({ min: 0, max: 9000 }).map(eur)),
      ceiling: fc.oneof(fc.record({ factor: fc.double({ min: 1, max: 3, noNaN: true }) }), fc.integer({ min: 9000, max: 30000 }).map(eur)),
      maxStepPercent: fc.integer({ min: 1, max: 50 }),
      stepWindowSeconds: fc.integer({ min: 1, max: 900 }),
      maxChanges: fc.integer({ min: 1, max: 5 }),
      cooldownSeconds: fc.integer({ min: 1, max: 300 }),
      hysteresisPercent: fc.integer({ min: 0, max: 3 }),
      ending: fc.constantFrom(0, 5, 95, 99),
      staleAfterSeconds: fc.constant(60),
    },
    { requiredKeys: [] },
  )
  .map((some) => some as Guardrails); // what is not there is left out

interface Options {
  readonly frozen?: boolean;
  readonly costs?: boolean;
  readonly behind?: boolean;
}

/** One move after the other. The base price is within all floors and ceilings above, as long as costs stay. */
function run(guardrails: Guardrails, moves: readonly Move[], options: Options = {}): { till: Till; courses: { at: number; price: Money | null; state: Price }[] } {
  const till = new Till();
  const courses = moves.map((move, i) => {
    till.wait(move.waitMs).publish(candidateOf(guardrails, move, { ...options, stockVersion: options.behind === true ? Math.max(0, i - move.behind) : i, now: till.now }));
    const state = till.price();
    return { at: till.now, price: state.price, state };
  });
  return { till, courses };
}

function candidateOf(guardrails: Guardrails, { model, cost, frozen, stale }: Move, { stockVersion, now, ...options }: Options & { stockVersion: number; now: number }): Candidate {
  return modelled(model, guardrails, { stockVersion, basePrice: eur(9000), cost: eur(options.costs === true ? cost : 6000), frozen: options.frozen === true && frozen, signalsAt: now - (stale ? 61 : 0) * SECOND });
}

const cases = fc.tuple(guardrails, fc.array(move, { minLength: 1, maxLength: 60 }));

/** Changes one after the other, so that several fall into each part of a window. */
const dense = fc.tuple(
  fc.record({ stepWindowSeconds: fc.integer({ min: 100, max: 300 }) }),
  fc.array(fc.tuple(move, fc.integer({ min: 0, max: 8 * SECOND })).map(([one, waitMs]) => ({ ...one, waitMs })), { minLength: 60, maxLength: 120 }),
);

describe('whatever is asked', () => {
  test('no price is outside of floor and ceiling, whatever becomes of the cost', () => {
    fc.assert(
      fc.property(cases, ([{ staleAfterSeconds: _, ...rails }, moves]) => {
        const sane = moves.filter(({ model }) => Number.isFinite(model));
        for (const [i, { price }] of run(rails, sane, { costs: true }).courses.entries()) {
          const { floor, ceiling } = rails;
          const low = floor === undefined ? 0 : 'amount' in floor ? floor.amount : (sane[i]?.cost ?? 0) * (1 + floor.margin);
          const high = ceiling === undefined ? Number.MAX_SAFE_INTEGER : 'amount' in ceiling ? ceiling.amount : 9000 * ceiling.factor;
          expect(price?.amount).toBeGreaterThanOrEqual(low - 1e-6);
          expect(price?.amount).toBeLessThanOrEqual(Math.max(high, Math.ceil(low)) + 1e-6);
        }
      }),
    );
  });

  test('a price that is frozen or whose signals are old stays what it was', () => {
    fc.assert(
      fc.property(cases, ([rails, moves]) => {
        let last: Money | null = null;
        for (const { price, state } of run(rails, moves, { frozen: true }).courses) {
          if (last !== null && (state.held === 'freeze' || state.held === 'stale')) expect(price).toEqual(last);
          last = price;
        }
      }),
    );
  });

  test('nothing is published of older stock than before', () => {
    fc.assert(
      fc.property(cases, ([rails, moves]) => {
        const versions = run(rails, moves, { behind: true }).till.facts.flatMap((fact) => ('stockVersion' in fact.data ? [fact.data.stockVersion] : []));
        expect(versions).toEqual(versions.toSorted((a, b) => a - b));
      }),
    );
  });

  test('no two prices of a window differ by more than a step', () => {
    fc.assert(
      fc.property(fc.oneof(cases, dense), fc.integer({ min: 1, max: 50 }), ([rails, moves], maxStepPercent) => {
        const { stepWindowSeconds = 3600 } = rails;
        const { till } = run({ ...rails, maxStepPercent }, moves, { frozen: true });
        const shown = till.facts.flatMap((fact) => (fact.type === 'pricing.price.changed' ? [{ from: fact.time, amount: fact.data.price?.amount ?? 0 }] : []));
        for (const [i, earlier] of shown.entries()) {
          const until = shown[i + 1]?.from ?? Number.POSITIVE_INFINITY;
          for (const later of shown.slice(i + 1)) {
            if (later.from >= until + stepWindowSeconds * SECOND) break;
            expect(Math.abs(later.amount - earlier.amount)).toBeLessThanOrEqual((earlier.amount * maxStepPercent) / 100 + 1e-6);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  test('no window has more changes than allowed, and no two are nearer than the cooldown', () => {
    fc.assert(
      fc.property(cases, ([rails, moves]) => {
        const { stepWindowSeconds = 3600, maxChanges = Number.POSITIVE_INFINITY, cooldownSeconds = 0 } = rails;
        const times = run(rails, moves).till.facts.flatMap((fact) => (fact.type === 'pricing.price.changed' && fact.data.before !== null ? [fact.time] : []));
        for (const [i, time] of times.entries()) {
          expect(times.filter((other) => other > time - stepWindowSeconds * SECOND && other <= time).length).toBeLessThanOrEqual(maxChanges);
          if (i > 0) expect(time - (times[i - 1] ?? 0)).toBeGreaterThanOrEqual(cooldownSeconds * SECOND);
        }
      }),
    );
  });

  test('the reasons lead from the base price to the price without a gap', () => {
    fc.assert(
      fc.property(cases, ([rails, moves]) => {
        for (const { state } of run(rails, moves, { frozen: true }).courses) {
          const why = readWhy(state.why);
          expect(why[0]).toMatchObject({ step: 'base', before: eur(9000) });
          expect(why.at(-1)?.after).toEqual(state.price);
          for (const [i, step] of why.entries()) if (i > 1) expect(step.before).toEqual(why[i - 1]?.after);
        }
      }),
    );
  });

  test('prices that end so end so, unless no such price is within bounds', () => {
    fc.assert(
      fc.property(fc.array(move, { minLength: 1, maxLength: 30 }), fc.constantFrom(0, 95, 99), (moves, ending) => {
        for (const { state } of run({ ending, floor: eur(3000), ceiling: eur(20000) }, moves).courses) if (readWhy(state.why).some(({ step }) => step === 'ending')) expect((state.price?.amount ?? 0) % 100).toBe(ending);
      }),
    );
  });

  test('the same facts give the same prices, versions and reasons, and the same questions the same facts', () => {
    fc.assert(
      fc.property(cases, ([rails, moves]) => {
        const [first, second] = [run(rails, moves, { frozen: true }), run(rails, moves, { frozen: true })];
        expect(second.till.facts).toEqual(first.till.facts);
        const folded = new Till();
        folded.fold(first.till.facts as unknown as Parameters<Till['fold']>[0]); // facts as records
        expect([...folded.states]).toEqual([...first.till.states]);
        expect(first.courses.at(-1)?.state.version).toBe(first.till.facts.length);
      }),
    );
  });

  test('what was answered once is answered again with nothing', () => {
    fc.assert(
      fc.property(cases, ([rails, moves]) => {
        const { till } = run(rails, moves, { frozen: true });
        const last = moves.at(-1);
        if (!last) return;
        const again = candidateOf(rails, last, { frozen: true, stockVersion: moves.length, now: till.now });
        const count = till.facts.length;
        till.publish(again);
        if (till.facts.length > count) expect(till.facts.length).toBe(count + 1);
        till.publish(again);
        expect(till.facts.length - count).toBeLessThanOrEqual(1);
      }),
    );
  });
});

test('the state of a price that never rests stays small', () => {
  const till = new Till();
  for (let i = 0; i < 3_000; i++) till.wait(20 * SECOND).publish(modelled(50 + ((i * 37) % 100), { maxStepPercent: 50, stepWindowSeconds: 86_400 }, { stockVersion: i }));
  expect(pricing.write('p/lamp', till.price()).length).toBeLessThan(8_000);
  expect(paceOf(till.price(), till.now, 86_400 * SECOND).changes).toBeGreaterThan(0);
  expect(till.now).toBeGreaterThan(START);
});
