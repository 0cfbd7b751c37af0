/** A pattern as it is compiled. */
import type { Cidr } from './cidr.ts';
import type { Wildcard } from './wildcard.ts';

/** What is asked of one value. `equals` compares type and value; text is never a number. */
export type Matcher =
  | { readonly type: 'equals'; readonly value: string | number | boolean | null }
  | { readonly type: 'equals-ignore-case'; readonly folded: string }
  | { readonly type: 'prefix' | 'suffix'; readonly text: string; readonly fold: boolean }
  | { readonly type: 'wildcard'; readonly wildcard: Wildcard }
  /** Bounds that are open are not met by the bound itself. */
  | { readonly type: 'numeric'; readonly low: number; readonly lowOpen: boolean; readonly high: number; readonly highOpen: boolean }
  | { readonly type: 'cidr'; readonly cidr: Cidr }
  | { readonly type: 'present' }
  | { readonly type: 'absent' }
  /** None of these. */
  | { readonly type: 'anything-but'; readonly none: readonly Matcher[] };

/** A field whose value has to meet one of the matchers. */
export interface Leaf {
  readonly path: readonly string[];
  readonly anyOf: readonly Matcher[];
  /** One of `anyOf` is `absent`. */
  readonly mayBeAbsent: boolean;
}

/** All leaves, all objects and of each choice one have to match, in the same element where the event has an array of objects. */
export interface Shape {
  readonly leaves: readonly { readonly field: string; readonly leaf: Leaf }[];
  readonly shapes: readonly { readonly field: string; readonly shape: Shape }[];
  readonly choices: readonly (readonly Shape[])[];
}

/** What is wrong with a pattern, and where (RFC 6901). */
export interface PatternFault {
  readonly pointer: string;
  readonly detail: string;
}
