/** Events as patterns see them: objects whose names have no dots. */
import type { Json, JsonObject } from '../json.ts';

/** The same event with `{ "a.b": 1 }` as `{ "a": { "b": 1 } }`: a dot in a name is a step into an object. Most events are given back as they are. */
export function undotted(event: Json): Json {
  return hasDots(event) ? rebuilt(event) : event;
}

function hasDots(value: Json): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (isArray(value)) return value.some(hasDots);
  // Every name of every event is looked at: `indexOf` is the faster one.
  for (const name in value) if (name.indexOf('.') >= 0 || hasDots(value[name] ?? null)) return true;
  return false;
}

function rebuilt(value: Json): Json {
  if (isArray(value)) return value.map(rebuilt);
  if (!isObject(value)) return value;
  const made: Record<string, Json> = {};
  for (const [name, inner] of Object.entries(value)) {
    const [first = '', ...steps] = name.split('.');
    const nested = steps.reduceRight<Json>((json, step) => ({ [step]: json }), rebuilt(inner ?? null));
    const before = Object.hasOwn(made, first) ? made[first] : undefined;
    Object.defineProperty(made, first, { value: before === undefined ? nested : merged(before, nested), enumerable: true, configurable: true, writable: true });
  }
  return made;
}

/** Two ways to say one name: objects become one object, and anything else is there besides, as in an array. */
function merged(a: Json, b: Json): Json {
  if (isObject(a) && isObject(b)) return rebuilt(Object.fromEntries([...new Set([...Object.keys(a), ...Object.keys(b)])].map((name) => [name, name in a && name in b ? merged(a[name] ?? null, b[name] ?? null) : (a[name] ?? b[name] ?? null)])));
  return [...(isArray(a) ? a : [a]), ...(isArray(b) ? b : [b])];
}

/** `Array.isArray` does not know arrays that may not be changed. */
export function isArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !isArray(value);
}

/** A member of an object by its own name. What objects inherit is no part of an event: functions, but for the prototype. */
export function memberOf(value: JsonObject, name: string): Json | undefined {
  if (name === '__proto__' && !Object.hasOwn(value, name)) return undefined;
  const member = value[name];
  return typeof member === 'function' ? undefined : member;
}

/** Whether a value stands anywhere at a path, through arrays. An object or an empty array is no value. */
export function isPresent(value: Json | undefined, path: readonly string[], step = 0): boolean {
  if (value === undefined) return false;
  if (isArray(value)) return value.some((element) => isPresent(element, path, step));
  if (step === path.length) return !isObject(value);
  return isObject(value) && isPresent(memberOf(value, path[step] ?? ''), path, step + 1);
}
