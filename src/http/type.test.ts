import { expect, test } from 'vitest';
import { Type as Made } from 'typebox';
import { Type } from './type.ts';

/** The same schemas by either maker: with options, inside each other, and what is made from what was made. */
function schemasBy(type: typeof Type): unknown[] {
  const word = type.String({ pattern: '^[a-z]+$', description: 'A word.' });
  const thing = type.Object({ id: word, size: type.Optional(type.Integer({ minimum: 1 })) }, { title: 'Thing', additionalProperties: false });
  return [
    word,
    thing,
    type.Array(thing, { maxItems: 3 }),
    type.Boolean({ default: false }),
    type.Enum(['small', 'large'], { description: 'How large.' }),
    type.Interface([thing], { weight: type.Number({ exclusiveMinimum: 0 }) }, { title: 'HeavyThing' }),
    type.Interface([thing], { note: type.Optional(type.String()) }),
    type.Literal('yes'),
    type.Literal(7, { title: 'Seven' }),
    type.Literal(true),
    type.Null(),
    type.Object({}),
    type.Object({ maybe: type.Optional(type.Unknown()) }),
    type.Object({ twice: type.Optional(type.Optional(word)) }),
    type.Partial(thing, { title: 'Part', additionalProperties: false }),
    type.Record(type.String({ pattern: '^x' }), type.Integer(), { maxProperties: 2 }),
    type.Union([word, type.Null(), type.Literal(1)], { title: 'WordOrNot' }),
    type.Unknown({ description: 'Anything.' }),
    type.Unsafe<string>({ type: 'string', format: 'date-time' }),
  ];
}

test('schemas are those that TypeBox makes, to the letter', () => {
  const letters = (type: typeof Type): string[] => schemasBy(type).map((schema) => JSON.stringify(schema));
  expect(letters(Type)).toEqual(letters(Made));
});
