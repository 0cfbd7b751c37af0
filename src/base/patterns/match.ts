/** Whether an event matches a pattern, looked at one pattern at a time. */
import type { Json } from '../json.ts';
import { isArray, isObject, isPresent, memberOf } from './event.ts';
import type { Leaf, Matcher, Shape } from './pattern.ts';
import { contains, parseAddress, type Cidr } from './cidr.ts';
import { matchesWildcard } from './wildcard.ts';

type Scalar = string | number | boolean | null;

/** `root` is the whole event, without dots in its names: that something is absent is said of all of it. */
export function matchesShape(shape: Shape, value: Json | undefined, root: Json): boolean {
  if (isArray(value) && value.length > 0) return value.some((element) => matchesShape(shape, element, root));
  const object = isObject(value) ? value : undefined;
  for (const { field, leaf } of shape.leaves) if (!matchesLeaf(leaf, object && memberOf(object, field), root)) return false;
  for (const { field, shape: inner } of shape.shapes) if (!matchesShape(inner, object && memberOf(object, field), root)) return false;
  for (const branches of shape.choices) if (!branches.some((branch) => matchesShape(branch, value, root))) return false;
  return true;
}

export function matchesLeaf(leaf: Leaf, value: Json | undefined, root: Json): boolean {
  return (value !== undefined && meetsAny(leaf.anyOf, value)) || (leaf.mayBeAbsent && !isPresent(root, leaf.path));
}

/** An array has many values, one of which is enough; objects and empty arrays have none. */
function meetsAny(matchers: readonly Matcher[], value: Json): boolean {
  if (isArray(value)) return value.some((element) => meetsAny(matchers, element));
  if (isObject(value)) return false;
  for (const matcher of matchers) if (meets(matcher, value)) return true;
  return false;
}

export function meets(matcher: Matcher, value: Scalar): boolean {
  switch (matcher.type) {
    case 'equals':
      return value === matcher.value;
    case 'equals-ignore-case':
      return typeof value === 'string' && value.toLowerCase() === matcher.folded;
    case 'prefix':
      return typeof value === 'string' && (matcher.fold ? value.toLowerCase() : value).startsWith(matcher.text);
    case 'suffix':
      return typeof value === 'string' && (matcher.fold ? value.toLowerCase() : value).endsWith(matcher.text);
    case 'wildcard':
      return typeof value === 'string' && matchesWildcard(matcher.wildcard, value);
    case 'numeric':
      return typeof value === 'number' && (matcher.lowOpen ? value > matcher.low : value >= matcher.low) && (matcher.highOpen ? value < matcher.high : value <= matcher.high);
    case 'cidr':
      return typeof value === 'string' && isWithin(matcher.cidr, value);
    case 'present':
      return true;
    case 'absent':
      return false; // said of the whole event, not of a value
    case 'anything-but':
      return !matcher.none.some((excluded) => meets(excluded, value));
    default:
      return matcher satisfies never;
  }
}

function isWithin(range: Cidr, value: string): boolean {
  const address = parseAddress(value);
  return address !== undefined && contains(range, address);
}
