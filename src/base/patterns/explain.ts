/** Why an event does not match a pattern, in words. */
import type { Json } from '../json.ts';
import { isArray, isObject, memberOf } from './event.ts';
import { matchesLeaf, matchesShape } from './match.ts';
import type { Leaf, Matcher, Shape } from './pattern.ts';

/** One thing that kept an event from matching. `field` is its place in the event, with dots. */
export interface Mismatch {
  readonly field: string;
  readonly detail: string;
}

/** Everything that keeps the event from matching; nothing where it matches. Of an array, what keeps its closest element. */
export function mismatchesOf(shape: Shape, value: Json | undefined, root: Json, path: readonly string[] = []): Mismatch[] {
  if (matchesShape(shape, value, root)) return [];
  if (isArray(value) && value.length > 0) {
    const each = value.map((element, index) => mismatchesOf(shape, element, root, [...path, String(index)]));
    return each.reduce((closest, next) => (next.length < closest.length ? next : closest));
  }
  const object = isObject(value) ? value : undefined;
  const at = (field: string): string[] => [...path, field];
  return [
    ...shape.leaves.flatMap(({ field, leaf }) => leafMismatch(leaf, object && memberOf(object, field), root, at(field))),
    ...shape.shapes.flatMap(({ field, shape: inner }) => mismatchesOf(inner, object && memberOf(object, field), root, at(field))),
    ...shape.choices.flatMap((branches) => choiceMismatch(branches, value, root, path)),
  ];
}

function leafMismatch(leaf: Leaf, value: Json | undefined, root: Json, path: readonly string[]): Mismatch[] {
  if (matchesLeaf(leaf, value, root)) return [];
  const found = value === undefined ? 'is missing' : isObject(value) ? 'is an object' : `is ${shortened(JSON.stringify(value))}`;
  return [{ field: path.join('.'), detail: `${found}; wanted ${leaf.anyOf.map(wordsOf).join(', or ')}` }];
}

function choiceMismatch(branches: readonly Shape[], value: Json | undefined, root: Json, path: readonly string[]): Mismatch[] {
  const each = branches.map((branch) => mismatchesOf(branch, value, root, path));
  if (each.some((mismatches) => mismatches.length === 0)) return [];
  const reasons = each.map((mismatches) => mismatches.map(({ field, detail }) => `${field} ${detail}`).join(' and '));
  return [{ field: path.join('.'), detail: `none of the ${branches.length} choices matches: ${reasons.join('; or ')}` }];
}

function wordsOf(matcher: Matcher): string {
  switch (matcher.type) {
    case 'equals':
      return JSON.stringify(matcher.value);
    case 'equals-ignore-case':
      return `${JSON.stringify(matcher.folded)} in whatever case`;
    case 'prefix':
    case 'suffix':
      return `text that ${matcher.type === 'prefix' ? 'begins' : 'ends'} with ${JSON.stringify(matcher.text)}${matcher.fold ? ' in whatever case' : ''}`;
    case 'wildcard':
      return `text like ${JSON.stringify(matcher.wildcard.chunks.join('*'))}`;
    case 'numeric':
      return rangeWords(matcher);
    case 'cidr':
      return `an IPv${matcher.cidr.version} address of the range`;
    case 'present':
      return 'any value';
    case 'absent':
      return 'no value';
    case 'anything-but':
      return `anything but ${matcher.none.map(wordsOf).join(' and ')}`;
    default:
      return matcher satisfies never;
  }
}

function rangeWords({ low, lowOpen, high, highOpen }: Extract<Matcher, { type: 'numeric' }>): string {
  if (low === high) return `the number ${low}`;
  const bounds = [Number.isFinite(low) ? `${lowOpen ? '>' : '>='} ${low}` : '', Number.isFinite(high) ? `${highOpen ? '<' : '<='} ${high}` : ''];
  return `a number ${bounds.filter((bound) => bound !== '').join(' and ')}`;
}

const SHOWN_CHARACTERS_MAX = 80;
function shortened(text: string): string {
  return text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}…` : text;
}
