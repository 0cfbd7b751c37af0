/**
 * How far a price may go: what a strategy makes of it, step by step through the bounds of its policy. The order: floor,
 * ceiling, largest step, changes a window, cooldown, hysteresis, freeze, kill switch, stale signals; an ending last, and
 * inside the bounds. Each leaves its reason where it has a say.
 *
 * Floor and ceiling come before pace. A price that is outside of them goes to the nearer one at once, past largest step,
 * changes a window, cooldown and hysteresis; only freeze, kill switch and stale signals keep it where it is.
 */
import type { Candidate, Step } from './candidate.ts';
import { withEnding, type Bounds } from './ending.ts';
import type { Hold } from './events.ts';
import { AMOUNT_MAX, STEP_WINDOW_SECONDS } from './limits.ts';
import { halfEven, minorPerUnit, type Money } from './money.ts';
import type { Guardrails } from './policy.ts';
import type { Track } from './state.ts';
import { written } from './strategies/trace.ts';
import { paceOf, type Pace } from './track.ts';

/** What a candidate comes to. */
export interface Judged {
  readonly price: Money | null;
  /** From the base price; the last step's `after` is the price. */
  readonly why: readonly Step[];
  readonly degraded: boolean;
  readonly held?: Hold;
  /** The instant from which the price could go on, where pace keeps it. */
  readonly again?: number;
}

/** What besides the candidate has a say. `shown`: the price that stays where it is kept. */
export interface Setting {
  readonly now: number;
  readonly killSwitch: boolean;
  readonly shown: Money | null;
}

/** Judges a candidate. `track`: the price as policies have left it; without one the base price stands in for it. */
export function judge(candidate: Candidate, track: Track | undefined, setting: Setting): Judged {
  const { basePrice, policy, priced } = candidate;
  if (basePrice === null || policy === null) return kept(candidate, setting, undefined) ?? { price: basePrice, why: basePrice ? [baseStep(basePrice)] : [], degraded: false };
  const from: Track = track?.price?.currency === basePrice.currency ? track : { price: basePrice, past: [] };
  const previous = from.price?.amount ?? basePrice.amount;
  const minor = priced === null ? Number.NaN : priced.model * minorPerUnit(basePrice.currency);
  const course = new Course(basePrice, priced?.steps ?? []);
  if (!Number.isFinite(minor)) return course.holds('model', previous, 'the strategy gave no price', { degraded: true });
  course.rounds(Math.min(AMOUNT_MAX, Math.max(0, halfEven(minor))));
  const bounds = boundsOf(candidate, basePrice, policy.guardrails, course);
  course.within(bounds);
  const paced = new Paced(course, policy.guardrails, bounds, from, previous, setting.now);
  paced.judge();
  const stale = policy.guardrails.staleAfterSeconds !== undefined && setting.now - candidate.signalsAt > policy.guardrails.staleAfterSeconds * 1000;
  const degraded = stale || priced?.degraded === true;
  return kept(candidate, setting, { course, stale, degraded }) ?? course.done({ degraded, held: paced.held, again: paced.again });
}

const baseStep = (price: Money): Step => ({ step: 'base', before: price, after: price, reason: 'the base price' });

/** The price that stays because nothing may move it, where it would move. */
function kept(candidate: Candidate, { shown, killSwitch, now }: Setting, judged: { course: Course; stale: boolean; degraded: boolean } | undefined): Judged | undefined {
  const amount = judged ? judged.course.amount : (candidate.basePrice?.amount ?? null);
  if (shown === null || (amount === shown.amount && candidate.basePrice?.currency === shown.currency)) return undefined;
  const hold = candidate.frozen ? 'freeze' : killSwitch ? 'kill-switch' : judged?.stale ? 'stale' : undefined;
  if (hold === undefined) return undefined;
  const steps = judged ? judged.course.steps : candidate.basePrice ? [baseStep(candidate.basePrice)] : [];
  const step: Step = { step: hold, before: steps.at(-1)?.after ?? candidate.basePrice, after: shown, reason: hold === 'stale' ? `the signals are ${Math.round((now - candidate.signalsAt) / 1000)} s old` : KEPT[hold] };
  return { price: shown, why: [...steps, step], degraded: judged?.degraded ?? false, held: hold };
}

const KEPT = { freeze: 'the item is frozen', 'kill-switch': 'all prices are held' } as const;

/** An amount on its way, with the steps that it took. */
class Course {
  amount: number;
  readonly steps: Step[];
  readonly #currency: string;

  constructor(base: Money, steps: readonly Step[]) {
    this.#currency = base.currency;
    this.steps = [baseStep(base), ...steps];
    this.amount = steps.at(-1)?.after?.amount ?? base.amount;
  }

  get price(): Money {
    return { amount: this.amount, currency: this.#currency };
  }

  to(step: string, amount: number, reason: string): void {
    const before = this.price;
    this.amount = amount;
    this.steps.push({ step, before, after: amount === before.amount ? before : this.price, reason });
  }

  /** Says so where what was told of the strategy's answer is not what it comes to. */
  rounds(amount: number): void {
    if (amount !== this.amount) this.to('rounding', amount, 'to minor units, half-even');
  }

  within({ low, high, floor, ceiling }: PriceBounds): void {
    if (this.amount < low && floor) this.to('floor', low, floor);
    if (this.amount > high && ceiling) this.to('ceiling', high, ceiling);
  }

  holds(held: Hold, amount: number, reason: string, rest: { degraded: boolean }): Judged {
    this.to(held, amount, reason);
    return this.done({ held, again: undefined, ...rest });
  }

  done({ degraded, held, again }: { degraded: boolean; held: Hold | undefined; again: number | undefined }): Judged {
    return { price: this.price, why: this.steps, degraded, ...(held === undefined ? undefined : { held }), ...(again === undefined ? undefined : { again }) };
  }
}

/** Floor and ceiling with what is said where they have a say. */
interface PriceBounds extends Bounds {
  readonly floor?: string;
  readonly ceiling?: string;
}

/** How far binary fractions may lie beside the number that was meant. */
const NOISE = 1e-12;
const upwards = (value: number): number => Math.ceil(value - Math.abs(value) * NOISE);
const downwards = (value: number): number => Math.floor(value + Math.abs(value) * NOISE);

function boundsOf(candidate: Candidate, base: Money, { floor, ceiling }: Guardrails, course: Course): PriceBounds {
  const lowest = floor && floorOf(floor, candidate.cost, base, course);
  const highest = ceiling && ceilingOf(ceiling, base, course);
  const low = Math.min(AMOUNT_MAX, lowest?.amount ?? 0);
  if (highest && highest.amount < low) return { low, high: low, floor: lowest?.reason ?? '', ceiling: 'the floor, which is above the ceiling' };
  return { low, high: highest?.amount ?? AMOUNT_MAX, ...(lowest && { floor: lowest.reason }), ...(highest && { ceiling: highest.reason }) };
}

interface Bound {
  readonly amount: number;
  readonly reason: string;
}

function floorOf(floor: NonNullable<Guardrails['floor']>, cost: Money | null, base: Money, course: Course): Bound | undefined {
  if ('amount' in floor) return moneyBound('floor', floor, base, course);
  if (cost?.currency === base.currency) return { amount: upwards(cost.amount * (1 + floor.margin)), reason: `a margin of ${percentOf(floor.margin)} % on cost` };
  course.to('floor', course.amount, 'no cost in the currency of the price is known, and so no margin');
  return undefined;
}

function ceilingOf(ceiling: NonNullable<Guardrails['ceiling']>, base: Money, course: Course): Bound | undefined {
  if ('amount' in ceiling) return moneyBound('ceiling', ceiling, base, course);
  return { amount: downwards(base.amount * ceiling.factor), reason: `${ceiling.factor} times the base price` };
}

function moneyBound(step: 'floor' | 'ceiling', { amount, currency }: Money, base: Money, course: Course): Bound | undefined {
  if (currency === base.currency) return { amount, reason: `a ${step} of ${written({ amount, currency })}` };
  course.to(step, course.amount, `the ${step} is in ${currency}`);
  return undefined;
}

const percentOf = (share: number): number => Number((share * 100).toFixed(4));

/** How fast a price may move. */
class Paced {
  held: Hold | undefined;
  again: number | undefined;
  readonly #windowMs: number;
  readonly #pace: Pace;
  readonly #course: Course;
  readonly #guardrails: Guardrails;
  readonly #bounds: PriceBounds;
  readonly #track: Track;
  readonly #previous: number;
  readonly #now: number;

  constructor(course: Course, guardrails: Guardrails, bounds: PriceBounds, track: Track, previous: number, now: number) {
    this.#course = course;
    this.#guardrails = guardrails;
    this.#bounds = bounds;
    this.#track = track;
    this.#previous = previous;
    this.#now = now;
    this.#windowMs = (guardrails.stepWindowSeconds ?? STEP_WINDOW_SECONDS) * 1000;
    this.#pace = paceOf(track, now, this.#windowMs);
  }

  judge(): void {
    const reach = this.#step();
    const course = this.#course;
    const ended = this.#ended(course.amount, reach);
    if ((ended ?? course.amount) !== this.#previous && (this.#changes() || this.#cooldown() || this.#hysteresis())) return;
    const { ending } = this.#guardrails;
    if (ending === undefined || ended === course.amount) return;
    if (ended !== undefined) course.to('ending', ended, `the nearest that ends in ${ending} within the bounds`);
  }

  /** Keeps the price near those of the window; gives what is within reach of them. */
  #step(): Bounds {
    const { maxStepPercent } = this.#guardrails;
    const { low, high } = this.#bounds;
    if (maxStepPercent === undefined) return { low, high };
    const { amount } = this.#course;
    const nearest = nearestTo(this.#pace, maxStepPercent, this.#previous);
    const wanted = clamp(amount, nearest);
    if (wanted === amount) return { low: Math.max(low, nearest.low), high: Math.min(high, nearest.high) };
    this.#course.to('max-step', wanted, `at most ${maxStepPercent} % from the prices of ${this.#windowMs / 1000} s`);
    this.again = this.#pace.oldestLeavesAt ?? (wanted === this.#previous ? undefined : this.#now + this.#windowMs);
    const allowed = clamp(wanted, this.#bounds);
    if (allowed === wanted) return { low: Math.max(low, nearest.low), high: Math.min(high, nearest.high) };
    this.#course.to(wanted < allowed ? 'floor' : 'ceiling', allowed, `comes before the largest step`);
    return { low: allowed, high: allowed };
  }

  #ended(amount: number, bounds: Bounds): number | undefined {
    const { ending } = this.#guardrails;
    return ending === undefined ? undefined : withEnding({ ...this.#course.price, amount }, ending, bounds);
  }

  #changes(): boolean {
    const { maxChanges } = this.#guardrails;
    if (maxChanges === undefined || this.#pace.changes < maxChanges) return false;
    return this.#hold('max-changes', `${maxChanges} changes in ${this.#windowMs / 1000} s are made`, this.#pace.oldestLeavesAt);
  }

  #cooldown(): boolean {
    const { cooldownSeconds } = this.#guardrails;
    const { changedAt } = this.#track;
    if (cooldownSeconds === undefined || changedAt === undefined || this.#now - changedAt >= cooldownSeconds * 1000) return false;
    return this.#hold('cooldown', `no change within ${cooldownSeconds} s of the last`, changedAt + cooldownSeconds * 1000);
  }

  #hysteresis(): boolean {
    const { hysteresisPercent } = this.#guardrails;
    if (hysteresisPercent === undefined || Math.abs(this.#course.amount - this.#previous) * 100 >= hysteresisPercent * this.#previous) return false;
    if (clamp(this.#previous, this.#bounds) !== this.#previous) return false;
    this.#course.to('hysteresis', this.#previous, `less than ${hysteresisPercent} % is no change`);
    this.again = undefined;
    return true;
  }

  /** Stays, or goes to the nearer of floor and ceiling where it is outside of them. */
  #hold(held: Hold, reason: string, again: number | undefined): boolean {
    this.#course.to(held, this.#previous, reason);
    this.held = held;
    this.again = again;
    const allowed = clamp(this.#previous, this.#bounds);
    if (allowed !== this.#previous) this.#course.to(this.#previous < allowed ? 'floor' : 'ceiling', allowed, `comes before ${held}`);
    return true;
  }
}

const clamp = (amount: number, { low, high }: Bounds): number => Math.min(high, Math.max(low, amount));

/** What is within a step of every price of the window; the previous price where nothing is. */
function nearestTo({ low, high }: Pace, percent: number, previous: number): Bounds {
  const reach = { low: upwards((high * (100 - percent)) / 100), high: downwards((low * (100 + percent)) / 100) };
  return reach.low <= reach.high && reach.low <= previous && previous <= reach.high ? reach : { low: previous, high: previous };
}
