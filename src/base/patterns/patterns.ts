/**
 * Patterns that events match or not, in the language of Amazon EventBridge: an object whose fields are arrays of what
 * matches (`{ "sku": ["lamp"], "available": [{ "numeric": ["<", 10] }] }`). All fields have to match, of an array one
 * entry; two fields within an array of objects match in the same object; `$or` lists shapes of which one has to match.
 * One pattern is asked by itself, many in a `PatternSet`. Matching takes time that grows with the event, never with what
 * a pattern could have meant.
 */
import type { Json } from '../json.ts';
import { undotted } from './event.ts';
import { mismatchesOf, type Mismatch } from './explain.ts';
import { matchesShape } from './match.ts';
import { parsePattern } from './parse.ts';
import type { PatternFault, Shape } from './pattern.ts';

export type { Mismatch } from './explain.ts';
export type { PatternFault } from './pattern.ts';
export { PatternSet } from './pattern-set.ts';

/** A compiled pattern. */
export interface Pattern {
  readonly shape: Shape;
}

/** Compiles a pattern, or says what is wrong with it and where. */
export function compilePattern(json: unknown): { readonly pattern: Pattern } | { readonly faults: readonly PatternFault[] } {
  const parsed = parsePattern(json);
  return 'faults' in parsed ? parsed : { pattern: parsed };
}

export function matches({ shape }: Pattern, event: Json): boolean {
  const plain = undotted(event);
  return matchesShape(shape, plain, plain);
}

/** Why the event does not match; empty where it does. */
export function explain({ shape }: Pattern, event: Json): Mismatch[] {
  const plain = undotted(event);
  return mismatchesOf(shape, plain, plain);
}
