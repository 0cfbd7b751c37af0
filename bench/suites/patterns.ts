import { compilePattern, PatternSet } from '../../src/base/patterns/patterns.ts';
import type { Json } from '../../src/base/json.ts';
import { atLeast, type Line } from '../report.ts';
import { inRounds, type Sample } from '../rounds.ts';
import type { Settings, Suite } from './suite.ts';

/** Facts against a thousand patterns, beside what reading their text as JSON takes, beside ten patterns, and beside a thousand that cannot match. */
export const patterns: Suite = { name: 'patterns', about: 'facts against a thousand patterns', run };

const SKUS = 5_000;
const EVENTS = 2_000;

async function run({ seconds, rounds, warmUpSeconds }: Settings): Promise<Line[]> {
  const texts = Array.from({ length: EVENTS }, (_, i) => JSON.stringify(factOf(i)));
  const facts = texts.map((text) => JSON.parse(text) as Json);
  const thousand = setOf(1_000);
  const ten = setOf(10);
  const strangers = setOf(1_000, [(i) => ({ type: ['inventory.item.defined'], data: { available: [{ numeric: ['>=', 0, '<', 1_000 + i] }] } })]);
  const match = (set: PatternSet<number>) => (fact: Json): number => set.matching(fact).length;
  const found = facts.reduce((sum: number, fact) => sum + match(thousand)(fact), 0);
  if (found === 0) throw new Error('no fact matches any pattern: nothing would be measured');
  for (const set of [thousand, ten, strangers]) repeated(facts, match(set), warmUpSeconds);
  const measured = await inRounds<'thousand' | 'ten' | 'strangers' | 'parse'>(rounds, {
    thousand: async () => repeated(facts, match(thousand), seconds),
    ten: async () => repeated(facts, match(ten), seconds),
    strangers: async () => repeated(facts, match(strangers), seconds),
    parse: async () => repeated(texts, (text) => (JSON.parse(text) as object) && 1, seconds),
  });
  const figure = measured.perSecond('thousand');
  return [
    { name: 'facts against 1,000 patterns', figure, unit: '/s', beside: { name: 'the same facts read from text', figure: measured.perSecond('parse') }, ratio: measured.ratio('thousand', 'parse'), ...atLeast(figure, 200_000) },
    { name: 'facts against 1,000 patterns', figure, unit: '/s', beside: { name: 'against 10 patterns', figure: measured.perSecond('ten') }, ratio: measured.ratio('thousand', 'ten') },
    { name: 'facts against 1,000 patterns of another type', figure: measured.perSecond('strangers'), unit: '/s', beside: { name: 'against 10 patterns', figure: measured.perSecond('ten') }, ratio: measured.ratio('strangers', 'ten') },
  ];
}

function repeated<T>(values: readonly T[], work: (value: T) => number, seconds: number): Sample {
  const start = performance.now();
  let count = 0;
  while (performance.now() < start + seconds * 1000) for (const value of values) count += work(value) >= 0 ? 1 : 0;
  return { perSecond: (count * 1000) / (performance.now() - start) };
}

function factOf(i: number): object {
  return {
    specversion: '1.0',
    id: `fact-${i}`,
    source: '/inventory',
    type: i % 3 === 0 ? 'inventory.stock.adjusted' : 'inventory.reservation.held',
    subject: `SKU-${(i * 7) % SKUS}`,
    time: '2026-01-31T09:30:00.000Z',
    datacontenttype: 'application/json',
    data: { location: `depot-${i % 40}`, available: i % 500, onHand: 500 + (i % 100), reason: ['received', 'sold', 'counted'][i % 3], channel: ['web', 'app', 'store'][i % 3], allocations: [{ location: `depot-${i % 40}`, quantity: (i % 9) + 1 }] },
    sequence: String(i),
    partitionkey: `SKU-${(i * 7) % SKUS}`,
  };
}

/** Of every kind a share; most ask for one item or for a range of it. */
function setOf(count: number, kinds = KINDS): PatternSet<number> {
  const set = new PatternSet<number>();
  for (let i = 0; i < count; i++) {
    const compiled = compilePattern(kinds[i % kinds.length]?.(i));
    if ('faults' in compiled) throw new Error(JSON.stringify(compiled.faults));
    set.set(i, compiled.pattern);
  }
  return set;
}

const KINDS: readonly ((i: number) => object)[] = [
  (i) => ({ type: ['inventory.stock.adjusted'], subject: [`SKU-${i}`] }),
  (i) => ({ subject: [{ prefix: `SKU-${i}` }], data: { available: [{ numeric: ['<', 10] }] } }),
  (i) => ({ data: { available: [{ numeric: ['>=', i, '<', i + 3] }], channel: ['web'] } }),
  (i) => ({ data: { location: [`depot-${i}`], reason: [{ 'anything-but': 'counted' }] } }),
  (i) => ({ subject: [{ wildcard: `*-${i}*9` }] }),
  (i) => ({ $or: [{ subject: [`SKU-${i}`] }, { data: { location: [{ suffix: `t-${i}` }] } }] }),
  (i) => ({ data: { allocations: { location: [{ 'equals-ignore-case': `DEPOT-${i}` }], quantity: [9] } } }),
  (i) => ({ type: [{ prefix: 'inventory.' }], data: { available: [i % 500], channel: [{ exists: true }] } }),
];
