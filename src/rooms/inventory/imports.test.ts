import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ImportedLines } from './imports.ts';
import type { ImportLine } from './commands.ts';
import type { Item } from './state.ts';
import { given, item, place, received, reserve, type Step } from './testing.ts';

type Command = ImportLine['commands'][number];
const define = (sku: string, definition: object = {}, mode: 'upsert' | 'replace' | 'create' = 'upsert'): Command => ({ type: 'DefineItem', sku, mode, definition: { ...definition } });
const count = (sku: string, units: number, location = 'main'): Command => ({ type: 'CountStock', sku, location, bucket: 'sellable', count: units, reason: 'counted' });
const change = (sku: string, by: number): Command => ({ type: 'AdjustStock', sku, location: 'main', bucket: 'sellable', change: by, reason: 'other' });
const lines = (after: number, ...of: readonly (readonly Command[])[]): Step => ({ type: 'ImportLines', importId: 'imp', after, upTo: after + of.length, lines: of.map((commands, index) => ({ line: after + index + 1, commands })) });
const answerOf = (answer: unknown): ImportedLines => answer as ImportedLines; // of the last import

describe('the lines of an import', () => {
  test('are decided on what the lines before them left', () => {
    const story = given().when(lines(0, [define('A', { name: 'Lamp' })], [count('A', 5)], [change('A', -2)], [change('A', -4)]));
    expect(answerOf(story.answer)).toMatchObject({ line: 4, described: 1, adjusted: 2, unchanged: 0, repeated: false, refused: [{ line: 4, refusal: { code: 'negative-stock', members: { quantity: 3 } } }] });
    expect(story.figures('A').onHand).toBe(3);
  });

  test('are done as a whole or not at all, and one that is refused stops no other', () => {
    const story = given().when(lines(0, [define('A'), change('A', -1)], [define('B'), count('B', 2)], [count('A', 1)]));
    expect(answerOf(story.answer).refused.map(({ line, refusal }) => [line, refusal.code])).toEqual([[1, 'negative-stock'], [3, 'unknown-item']]);
    expect(story.states.get('i/A')).toBeUndefined();
    expect(story.figures('B').onHand).toBe(2);
  });

  test('that come again are not done again, and what was refused is said again', () => {
    const part = lines(0, [define('A'), count('A', 5)], [change('A', 3)], [change('B', 1)]);
    const story = given().when(part);
    const first = answerOf(story.answer);
    story.when(part).thenNothing();
    expect(answerOf(story.answer)).toEqual({ ...first, repeated: true, described: 0, adjusted: 0 });
    expect(story.figures('A').onHand).toBe(8);
  });

  test('that do not follow what was taken in are refused, with the line to go on after', () => {
    const story = given(lines(0, [define('A')]));
    story.when(lines(2, [define('B')])).thenRefused('import-elsewhere', { line: 1 });
    expect(story.states.get('i/B')).toBeUndefined();
    expect(story.when(lines(1, [define('B')])).item('B').sku).toBe('B');
  });

  test('that say what is known already write nothing but how far the import is', () => {
    const story = given(item('A', { name: 'Lamp', attributes: { colour: 'red' } }), place('north'));
    const known: Command = { type: 'DefineLocation', id: 'north', definition: { name: 'north', rank: 1, active: true } };
    story.when(lines(0, [define('A', { attributes: { colour: 'red' } })], [known], [count('A', 0)])).thenNothing();
    expect(answerOf(story.answer)).toMatchObject({ unchanged: 3, described: 0, adjusted: 0 });
    expect(story.item('A').definitionVersion).toBe(1);
  });

  test('leave what they do not say as it is, attribute by attribute; replacing sets it to its default', () => {
    const story = given(item('A', { name: 'Lamp', safetyStock: 3, attributes: { colour: 'red', size: 4 } }));
    story.when(lines(0, [define('A', { attributes: { colour: 'blue' } })]));
    expect(story.item('A').definition).toMatchObject({ name: 'Lamp', safetyStock: 3, attributes: { colour: 'blue', size: 4 } });
    story.when(lines(1, [define('A', { attributes: { colour: 'blue' } }, 'replace')]));
    expect(story.item('A').definition).toMatchObject({ safetyStock: 0, attributes: { colour: 'blue' } });
    expect(story.item('A').definition?.name).toBeUndefined();
  });

  test('may take stock from under promises, which stand', () => {
    const story = given(item('A'), received('A', 5), reserve([['A', 4]])).when(lines(0, [count('A', 3)], [change('A', -1)]));
    expect(story.facts.filter(({ type }) => type === 'inventory.shortfall.detected')).toHaveLength(2);
    expect(story.figures('A')).toMatchObject({ onHand: 2, reserved: 4 });
  });
});

test('importing lines comes to what their commands come to one after another', () => {
  const sku = fc.constantFrom('A', 'B', 'C');
  const command = fc.oneof(
    fc.tuple(sku, fc.constantFrom({}, { name: 'x' }, { safetyStock: 2 }), fc.constantFrom('upsert', 'replace', 'create')).map(([one, definition, mode]) => define(one, definition, mode as 'upsert')),
    fc.tuple(sku, fc.nat({ max: 5 }), fc.constantFrom('main', 'north', 'nowhere')).map(([one, units, location]) => count(one, units, location)),
    fc.tuple(sku, fc.integer({ min: -3, max: 3 }).filter((by) => by !== 0)).map(([one, by]) => change(one, by)),
  );
  fc.assert(
    fc.property(fc.array(command, { minLength: 1, maxLength: 12 }), (commands) => {
      const together = given(place('north')).when(lines(0, ...commands.map((one) => [one])));
      const apart = given(place('north'));
      const refused = commands.flatMap((one, index) => (apart.when(one).code === 'ok' ? [] : [index + 1]));
      expect(answerOf(together.answer).refused.map(({ line }) => line)).toEqual(refused);
      for (const name of ['A', 'B', 'C']) {
        const [a, b] = [together, apart].map((story) => story.states.get(`i/${name}`) as Item | undefined); // an item's key
        expect(a?.definition).toEqual(b?.definition);
        expect(new Map(a?.levels)).toEqual(new Map(b?.levels));
      }
    }),
  );
});
