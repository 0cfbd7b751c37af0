import type { Json, JsonObject } from '../../../base/json.ts';
import { compilePattern, PatternSet, type Pattern } from '../../../base/patterns/patterns.ts';
import type { Step } from '../candidate.ts';
import type { Money } from '../money.ts';
import type { Change, RulesStrategy } from '../policy.ts';
import type { Signals } from '../signals.ts';
import { Trace, written, type PriceModel } from './trace.ts';

/**
 * Rules in their order, each on the result of the one before, where its condition holds for the signals. All conditions
 * are asked at once, so that rules which cannot apply cost next to nothing. Throws for a pattern that is none: policies
 * are checked before they are kept.
 */
export function compileRules({ rules }: RulesStrategy): PriceModel {
  const conditions = new PatternSet<number>();
  const always: number[] = [];
  const compiled = rules.map(({ name, when, change }, index) => {
    if (Object.keys(when).length === 0) always.push(index);
    else conditions.set(index, patternOf(when));
    return { name, change, asks: signalsNamed(when) };
  });
  return (known) => {
    const applying = [...always, ...conditions.matching(known.signals as unknown as Json)].sort((a, b) => a - b); // signals are plain JSON; an interface lacks the index that says so
    const trace = new Trace(known.basePrice);
    for (const index of applying) {
      const rule = compiled[index];
      if (rule && isFor(rule.change, known.basePrice)) trace.step(rule.name, changed(trace.value, rule.change), reasonOf(rule.asks, known.signals, rule.change, known.basePrice));
    }
    return trace.priced('rules', 'no rule applies');
  };
}

function patternOf(when: JsonObject): Pattern {
  const compiled = compilePattern(when);
  if ('pattern' in compiled) return compiled.pattern;
  throw new TypeError(`a rule's condition is no pattern: ${compiled.faults.map(({ detail }) => detail).join('; ')}`);
}

/** An amount is for its own currency only. */
function isFor(change: Change, { currency }: Money): boolean {
  return !('currency' in change) || change.currency === undefined || change.currency === currency;
}

/** In minor units, unrounded and never below 0. */
function changed(value: number, change: Change): number {
  if ('percent' in change) return Math.max(0, (value * (100 + change.percent)) / 100);
  return Math.max(0, 'amount' in change ? value + change.amount : change.set);
}

function reasonOf(asks: readonly (keyof Signals)[], signals: Signals, change: Change, { currency }: Money): Step['reason'] {
  const facts = asks.map((name) => factOf(name, signals)).join(', ');
  return facts === '' ? wordsOf(change, currency) : `${facts}: ${wordsOf(change, currency)}`;
}

function wordsOf(change: Change, currency: string): string {
  if ('percent' in change) return `${signed(change.percent)} %`;
  return 'amount' in change ? `${change.amount < 0 ? '−' : '+'}${written({ amount: Math.abs(change.amount), currency })}` : `set to ${written({ amount: change.set, currency })}`;
}

function factOf(name: keyof Signals, signals: Signals): string {
  const value = signals[name];
  if (typeof value === 'number') return `${name} ${Number(value.toPrecision(4))}`;
  if (value === null) return `${name} unknown`;
  return 'currency' in value && 'amount' in value ? `${name} ${written(value as Money)}` : name; // attributes have scalars, and no two of these names unless they look like money
}

function signed(value: number): string {
  return value < 0 ? `−${-value}` : `+${value}`;
}

/** The signals that a condition asks for by name, also within `$or`. */
function signalsNamed(when: JsonObject): (keyof Signals)[] {
  const names = Object.entries(when).flatMap(([name, value]) => (name === '$or' && Array.isArray(value) ? value.flatMap((choice: JsonObject) => signalsNamed(choice)) : [name.split('.')[0] ?? name]));
  return [...new Set(names)].filter((name): name is keyof Signals => SIGNALS.has(name));
}

const SIGNALS: ReadonlySet<string> = new Set<keyof Signals>(['available', 'onHand', 'reserved', 'daysOfCover', 'velocityHour', 'velocityDay', 'sellThrough', 'ageDays', 'price', 'basePrice', 'cost', 'hour', 'weekday', 'attributes']);
