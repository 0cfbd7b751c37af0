import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json } from '../json.ts';
import { compilePattern, explain, matches, PatternSet, type Pattern } from './patterns.ts';

function compiled(json: unknown): Pattern {
  const result = compilePattern(json);
  if ('faults' in result) throw new Error(JSON.stringify(result.faults));
  return result.pattern;
}

/** One by one, among others, and in words: three ways that have to agree. */
function answer(pattern: unknown, event: Json): boolean {
  const one = compiled(pattern);
  const among = new PatternSet<string>();
  among.set('nothing', compiled({ 'not there': ['x'] }));
  among.set('this', one);
  const matched = matches(one, event);
  expect(among.matching(event), 'among others').toEqual(matched ? ['this'] : []);
  expect(explain(one, event).length === 0, 'in words').toBe(matched);
  return matched;
}

const lamp = { sku: 'lamp', available: 7, price: { amount: 1999, currency: 'EUR' }, tags: ['hot', 'new'], note: null, open: true, ip: '10.0.0.77' };

describe('what matches', () => {
  test.each<[string, unknown, boolean]>([
    ['a value', { sku: ['lamp'] }, true],
    ['one of several values', { sku: ['desk', 'lamp'] }, true],
    ['none of the values', { sku: ['desk', 'chair'] }, false],
    ['every field', { sku: ['lamp'], available: [7] }, true],
    ['every field but one', { sku: ['lamp'], available: [8] }, false],
    ['a field of an object', { price: { currency: ['EUR'] } }, true],
    ['a name with a dot is a step', { 'price.currency': ['EUR'] }, true],
    ['text is no number', { available: ['7'] }, false],
    ['null', { note: [null] }, true],
    ['null is not missing', { missing: [null] }, false],
    ['true', { open: [true] }, true],
    ['an element of an array', { tags: ['new'] }, true],
    ['no element of an array', { tags: ['old'] }, false],
    ['an object is no value', { price: ['EUR'] }, false],
    ['prefix', { sku: [{ prefix: 'la' }] }, true],
    ['prefix in another case', { sku: [{ prefix: 'LA' }] }, false],
    ['prefix in whatever case', { sku: [{ prefix: { 'equals-ignore-case': 'LA' } }] }, true],
    ['suffix', { sku: [{ suffix: 'mp' }] }, true],
    ['suffix in whatever case', { sku: [{ suffix: { 'equals-ignore-case': 'MP' } }] }, true],
    ['equals in whatever case', { sku: [{ 'equals-ignore-case': 'LaMp' }] }, true],
    ['wildcard', { sku: [{ wildcard: 'l*p' }] }, true],
    ['wildcard around', { sku: [{ wildcard: '*am*' }] }, true],
    ['wildcard that overlaps itself', { sku: [{ wildcard: 'lam*amp' }] }, false],
    ['wildcard without a star', { sku: [{ wildcard: 'lamp' }] }, true],
    ['numeric below', { available: [{ numeric: ['<', 10] }] }, true],
    ['numeric below, the bound itself', { available: [{ numeric: ['<', 7] }] }, false],
    ['numeric range', { available: [{ numeric: ['>=', 7, '<', 8] }] }, true],
    ['numeric equal', { available: [{ numeric: ['=', 7] }] }, true],
    ['numeric of text', { sku: [{ numeric: ['>', 0] }] }, false],
    ['cidr', { ip: [{ cidr: '10.0.0.0/25' }] }, true],
    ['cidr elsewhere', { ip: [{ cidr: '10.0.0.128/25' }] }, false],
    ['cidr of the other version', { ip: [{ cidr: '::/0' }] }, false],
    ['exists', { note: [{ exists: true }] }, true],
    ['exists says nothing of objects', { price: [{ exists: true }] }, false],
    ['does not exist', { missing: [{ exists: false }] }, true],
    ['does not exist, but does', { sku: [{ exists: false }] }, false],
    ['an object does not exist as a value', { price: [{ exists: false }] }, true],
    ['anything but', { sku: [{ 'anything-but': 'desk' }] }, true],
    ['anything but this', { sku: [{ 'anything-but': ['desk', 'lamp'] }] }, false],
    ['anything but, of null', { note: [{ 'anything-but': 'x' }] }, true],
    ['anything but, of nothing', { missing: [{ 'anything-but': 'x' }] }, false],
    ['anything but a prefix', { sku: [{ 'anything-but': { prefix: ['de', 'la'] } }] }, false],
    ['anything but a wildcard', { sku: [{ 'anything-but': { wildcard: '*k' } }] }, true],
    ['a choice', { $or: [{ sku: ['desk'] }, { available: [{ numeric: ['<', 10] }] }] }, true],
    ['a choice and a field', { sku: ['desk'], $or: [{ available: [7] }, { open: [true] }] }, false],
    ['a choice of which nothing matches', { $or: [{ sku: ['desk'] }, { open: [false] }] }, false],
    ['a choice within a choice', { $or: [{ sku: ['desk'] }, { $or: [{ open: [false] }, { available: [7] }] }] }, true],
  ])('%s', (_, pattern, expected) => {
    expect(answer(pattern, lamp)).toBe(expected);
  });

  test('two fields within an array of objects match in the same object', () => {
    const order = { lines: [{ sku: 'lamp', quantity: 1 }, { sku: 'desk', quantity: 2 }] };
    expect(answer({ lines: { sku: ['desk'], quantity: [2] } }, order)).toBe(true);
    expect(answer({ lines: { sku: ['desk'], quantity: [1] } }, order)).toBe(false);
    expect(answer({ lines: { $or: [{ sku: ['desk'], quantity: [1] }, { sku: ['lamp'], quantity: [1] }] } }, order)).toBe(true);
  });

  test('what must not be there must not be there in any element', () => {
    expect(answer({ lines: { gift: [{ exists: false }] } }, { lines: [{ sku: 'lamp' }, { sku: 'desk', gift: true }] })).toBe(false);
    expect(answer({ lines: { gift: [{ exists: false }] } }, { lines: [] })).toBe(true);
    expect(answer({ lines: { gift: [{ exists: false }] } }, {})).toBe(true);
  });

  test('a name with dots in an event is a path', () => {
    expect(answer({ price: { currency: ['EUR'] } }, { 'price.currency': 'EUR' })).toBe(true);
    expect(answer({ price: { currency: ['EUR'], amount: [1] } }, { 'price.currency': 'EUR', price: { amount: 1 } })).toBe(true);
  });

  test('names that objects have anyway are not in an event that does not say them', () => {
    expect(answer({ constructor: [{ exists: true }] }, {})).toBe(false);
    expect(answer({ toString: { name: ['toString'] } }, {})).toBe(false);
    expect(answer(JSON.parse('{ "__proto__": ["x"] }'), JSON.parse('{ "__proto__": "x" }') as Json)).toBe(true);
  });
});

describe('what is refused, and where', () => {
  test.each<[string, unknown, string]>([
    ['no object', [], ''],
    ['no field', {}, ''],
    ['an empty object', { price: {} }, '/price'],
    ['a bare value', { sku: 'lamp' }, '/sku'],
    ['an empty array', { sku: [] }, '/sku'],
    ['an unknown operator', { sku: ['x', { Prefix: 'a' }] }, '/sku/1/Prefix'],
    ['two operators in one', { sku: [{ prefix: 'a', suffix: 'b' }] }, '/sku/0'],
    ['an array in an array', { sku: [['lamp']] }, '/sku/0'],
    ['a prefix of a number', { sku: [{ prefix: 1 }] }, '/sku/0/prefix'],
    ['two stars', { sku: [{ wildcard: 'a**b' }] }, '/sku/0/wildcard'],
    ['a wildcard too complex', { sku: [{ wildcard: '*:*:*:*:*:*' }] }, '/sku/0/wildcard'],
    ['an escape of something else', { sku: [{ wildcard: 'a\\b' }] }, '/sku/0/wildcard'],
    ['half a comparison', { n: [{ numeric: ['>', 0, '<'] }] }, '/n/0/numeric'],
    ['two lower bounds', { n: [{ numeric: ['>', 0, '>', 1] }] }, '/n/0/numeric'],
    ['bounds the wrong way round', { n: [{ numeric: ['>', 5, '<', 1] }] }, '/n/0/numeric'],
    ['a comparison with text', { n: [{ numeric: ['>', '0'] }] }, '/n/0/numeric/1'],
    ['no address', { ip: [{ cidr: '10.0.0/24' }] }, '/ip/0/cidr'],
    ['too many bits', { ip: [{ cidr: '10.0.0.0/33' }] }, '/ip/0/cidr'],
    ['existing perhaps', { sku: [{ exists: 'yes' }] }, '/sku/0/exists'],
    ['anything but null', { sku: [{ 'anything-but': null }] }, '/sku/0/anything-but'],
    ['anything but a mixture', { sku: [{ 'anything-but': ['a', 1] }] }, '/sku/0/anything-but'],
    ['anything but an empty prefix', { sku: [{ 'anything-but': { prefix: '' } }] }, '/sku/0/anything-but/prefix'],
    ['a choice of which one branch is wrong', { $or: [{ sku: ['a'] }, { sku: [] }] }, '/$or/1/sku'],
  ])('%s', (_, pattern, pointer) => {
    const result = compilePattern(pattern);
    expect('faults' in result && result.faults.map((fault) => fault.pointer)).toEqual([pointer]);
  });

  test('every fault is told', () => {
    const result = compilePattern({ sku: [], price: { amount: 'x' }, n: [{ numeric: 3 }] });
    expect('faults' in result && result.faults.map((fault) => fault.pointer)).toEqual(['/sku', '/price/amount', '/n/0/numeric']);
  });

  test('a pattern that is too deep or too long', () => {
    const deep = Array.from({ length: 100 }).reduce<object>((inner) => ({ a: inner }), { a: ['x'] });
    expect(compilePattern(deep)).toHaveProperty('faults');
    expect(compilePattern({ a: Array.from({ length: 5_000 }, (_, i) => `value ${i}`) })).toHaveProperty('faults');
  });
});

test('why an event does not match is said of each field', () => {
  expect(explain(compiled({ sku: ['desk'], available: [{ numeric: ['<', 5] }], price: { currency: ['EUR'] }, missing: [{ exists: true }] }), lamp)).toEqual([
    { field: 'sku', detail: 'is "lamp"; wanted "desk"' },
    { field: 'available', detail: 'is 7; wanted a number < 5' },
    { field: 'missing', detail: 'is missing; wanted any value' },
  ]);
});

describe('many patterns', () => {
  const text = fc.constantFrom('', 'a', 'b', 'ab', 'ba', 'abc', 'cab', 'A', '10.0.0.1', '10.0.1.1', '::1');
  const number = fc.integer({ min: -3, max: 3 });
  const scalar = fc.oneof(text, number, fc.boolean(), fc.constant(null));
  const numeric = fc.oneof(
    fc.tuple(fc.constantFrom('<', '<=', '>', '>=', '='), number),
    fc.tuple(fc.constantFrom('>', '>='), number, fc.constantFrom('<', '<='), number).filter(([, low, , high]) => low < high),
  );
  const matcher = fc.oneof(
    scalar,
    fc.record({ prefix: text }),
    fc.record({ suffix: text }),
    fc.record({ prefix: fc.record({ 'equals-ignore-case': text }) }),
    fc.record({ suffix: fc.record({ 'equals-ignore-case': text }) }),
    fc.record({ 'equals-ignore-case': text }),
    fc.record({ wildcard: fc.constantFrom('*', 'a*', '*b', '*a*', 'a*b', '*b*c', '*a*b*', 'ab') }),
    fc.record({ numeric }),
    fc.record({ exists: fc.boolean() }),
    fc.record({ cidr: fc.constantFrom('10.0.0.0/24', '10.0.0.0/15', '::/64', '0.0.0.0/0') }),
    fc.record({ 'anything-but': fc.oneof(text, number, fc.uniqueArray(text, { minLength: 1 }), fc.record({ prefix: fc.constantFrom('a', 'b') }), fc.record({ wildcard: fc.constantFrom('*a', '') })) }),
  );
  const leaf = fc.array(matcher, { minLength: 1, maxLength: 3 });
  const name = fc.constantFrom('x', 'y', 'z', 'x.y');
  const { pattern } = fc.letrec<{ pattern: object }>((tie) => ({
    pattern: fc.oneof(
      { depthSize: 'small' },
      fc.dictionary(name, leaf, { minKeys: 1, maxKeys: 3 }),
      fc.dictionary(name, fc.oneof(leaf, tie('pattern')), { minKeys: 1, maxKeys: 3 }),
      fc.record({ $or: fc.array(tie('pattern'), { minLength: 2, maxLength: 3 }) }),
    ),
  }));
  const { event } = fc.letrec<{ event: Json; value: Json }>((tie) => ({
    value: fc.oneof({ depthSize: 'small' }, scalar, fc.array(tie('value'), { maxLength: 3 }), tie('event')),
    event: fc.dictionary(name, tie('value'), { maxKeys: 4 }),
  }));

  test('a set finds exactly the patterns that match one by one, and words are found for the others', () => {
    fc.assert(
      fc.property(fc.array(pattern, { minLength: 1, maxLength: 40 }), fc.array(event, { minLength: 1, maxLength: 6 }), (patterns, events) => {
        const all = patterns.map(compiled);
        const set = new PatternSet<number>();
        all.forEach((one, id) => set.set(id, one));
        for (const happened of events) {
          const expected = all.flatMap((one, id) => (matches(one, happened) ? [id] : []));
          expect(set.matching(happened).toSorted((a, b) => a - b)).toEqual(expected);
          all.forEach((one, id) => expect(explain(one, happened).length === 0).toBe(expected.includes(id)));
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('patterns come, change and go', () => {
    const set = new PatternSet<string>();
    set.set('a', compiled({ sku: ['lamp'] }));
    set.set('b', compiled({ sku: ['desk'] }));
    expect(set.matching({ sku: 'lamp' })).toEqual(['a']);
    set.set('b', compiled({ sku: [{ prefix: 'l' }] }));
    expect(set.matching({ sku: 'lamp' }).toSorted()).toEqual(['a', 'b']);
    expect(set.delete('a')).toBe(true);
    expect(set.matching({ sku: 'lamp' })).toEqual(['b']);
    expect(set.size).toBe(1);
  });

  /** How often members of an event are read while it is matched against many patterns. */
  function readsOf(patterns: readonly object[], event: Json): { reads: number; found: number } {
    let reads = 0;
    const watched = (value: Json): Json =>
      typeof value !== 'object' || value === null
        ? value
        : new Proxy(value, { get: (target, name) => ((reads += 1), watched(Reflect.get(target, name) as Json)) });
    const set = new PatternSet<number>();
    patterns.forEach((one, id) => set.set(id, compiled(one)));
    set.matching({});
    return { found: set.matching(watched(event)).length, reads };
  }

  test.each<[string, (i: number) => object]>([
    ['of another type, by a range that fits', (i) => ({ type: ['sold'], available: [{ numeric: ['<', 100 + i] }] })],
    ['of another type, each for one item', (i) => ({ type: ['sold'], sku: [`item-${i}`] })],
    ['of the type, each for another item', (i) => ({ type: ['held'], sku: [`item-${i}`] })],
    ['of the type, each for other items', (i) => ({ type: ['held'], sku: [{ prefix: `item-${i}` }] })],
    ['of the type, each in another range', (i) => ({ type: ['held'], available: [{ numeric: ['>=', 100 + i] }] })],
    ['of the type and channel, each in another range', (i) => ({ type: ['held'], channel: ['web'], available: [{ numeric: ['>=', 100 + i, '<', 200 + i] }] })],
    ['of the type, with something else in the middle', (i) => ({ type: ['held'], sku: [{ wildcard: `*em-${i}*` }] })],
    ['of the type, with one of two things', (i) => ({ type: ['held'], $or: [{ sku: [`item-${i}`] }, { available: [1_000 + i] }] })],
  ])('a thousand that cannot match cost no more than ten: %s', (_, patternOf) => {
    const event: Json = { type: 'held', sku: 'lamp', available: 7, channel: 'web' };
    const ten = readsOf(Array.from({ length: 10 }, (__, i) => patternOf(i)), event);
    const thousand = readsOf(Array.from({ length: 1_000 }, (__, i) => patternOf(i)), event);
    expect(thousand).toEqual(ten);
    expect(thousand.found).toBe(0);
  });
});
