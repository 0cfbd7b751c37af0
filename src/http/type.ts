/**
 * Makes schemas, each as TypeBox would make it and of the type that TypeBox gives it. The builder of TypeBox itself knows
 * much more, in 330 files, which took a start a tenth of its processor time to load.
 */
import type { TSchema, Type as Made } from 'typebox';

type Options = Readonly<Record<string, unknown>>;
type Properties = Readonly<Record<string, TSchema>>;

/** Hidden from whoever lists or prints a schema. */
const OPTIONAL = '~optional';

function optional(schema: TSchema): TSchema {
  return Object.defineProperty({ ...schema }, OPTIONAL, { value: true, enumerable: false });
}

function object(properties: Properties, options?: Options): TSchema {
  const required = Object.keys(properties).filter((name) => !(OPTIONAL in (properties[name] as TSchema))); // a key of its own
  return { type: 'object', ...(required.length > 0 ? { required } : undefined), properties, ...options };
}

const propertiesOf = (schema: TSchema): Properties => (schema as unknown as { readonly properties: Properties }).properties; // what `object` makes
const plain = (type: string) => (options?: Options): TSchema => ({ type, ...options });

const makers = {
  Array: (items: TSchema, options?: Options): TSchema => ({ type: 'array', items, ...options }),
  Boolean: plain('boolean'),
  Enum: (values: readonly unknown[], options?: Options): TSchema => ({ enum: values, ...options }),
  Integer: plain('integer'),
  /** All that the others ask for, and these properties. */
  Interface: (heritage: readonly TSchema[], properties: Properties, options?: Options): TSchema => object(Object.assign({}, ...heritage.map(propertiesOf), properties) as Properties, options),
  Literal: (value: unknown, options?: Options): TSchema => ({ type: typeof value, const: value, ...options }),
  Null: plain('null'),
  Number: plain('number'),
  Object: object,
  Optional: optional,
  Partial: (schema: TSchema, options?: Options): TSchema => object(Object.fromEntries(Object.entries(propertiesOf(schema)).map(([name, property]) => [name, optional(property)])), options),
  Record: (key: TSchema & { readonly pattern: string }, value: TSchema, options?: Options): TSchema => ({ type: 'object', patternProperties: { [key.pattern]: value }, ...options }),
  String: plain('string'),
  Union: (anyOf: readonly TSchema[], options?: Options): TSchema => ({ anyOf, ...options }),
  Unknown: (options?: Options): TSchema => ({ ...options }),
  Unsafe: (schema: TSchema): TSchema => ({ ...schema }),
};

export const Type = makers as unknown as Pick<typeof Made, keyof typeof makers>; // type.test.ts holds them against each other
