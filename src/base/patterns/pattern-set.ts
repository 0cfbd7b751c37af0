/** Many patterns at once: which of them an event matches, at a cost that follows those that could match. */
import type { Json } from '../json.ts';
import { isArray, isObject, memberOf, undotted } from './event.ts';
import { matchesShape } from './match.ts';
import type { Leaf, Matcher, Shape } from './pattern.ts';
import type { Pattern } from './patterns.ts';
import { ValueIndex } from './value-index.ts';

/** A pattern among others. `seen`: the last event for which it was looked at. */
interface Member<Id> {
  readonly id: Id;
  readonly shape: Shape;
  seen: number;
}

/** Fields of events for which something is asked, as a tree of their names. */
interface Field<Id> {
  readonly fields: Map<string, Field<Id>>;
  values: ValueIndex<Member<Id>> | undefined;
}

/** Of the matchers at one field, one is met by every event that matches the pattern. */
interface Anchor {
  readonly path: readonly string[];
  readonly matchers: readonly Matcher[];
}

/**
 * Each pattern is filed under what every event that matches it must have: a value of a field, the rarer among the
 * patterns the better. An event looks up its own values there, and only the patterns it finds are looked at in full.
 */
export class PatternSet<Id> {
  readonly #patterns = new Map<Id, Pattern>();
  #index: { readonly root: Field<Id>; readonly always: readonly Member<Id>[] } | undefined;
  #events = 0;

  get size(): number {
    return this.#patterns.size;
  }

  /** Adds a pattern, or replaces the one of the same id. The next match files all of them anew. */
  set(id: Id, pattern: Pattern): void {
    this.#patterns.set(id, pattern);
    this.#index = undefined;
  }

  delete(id: Id): boolean {
    this.#index = undefined;
    return this.#patterns.delete(id);
  }

  /** The ids of the patterns that an event matches, in no particular order. */
  matching(event: Json): Id[] {
    this.#index ??= file(this.#patterns);
    const plain = undotted(event);
    const ids: Id[] = [];
    const number = ++this.#events;
    const look = (member: Member<Id>): void => {
      if (member.seen === number) return;
      member.seen = number;
      if (matchesShape(member.shape, plain, plain)) ids.push(member.id);
    };
    lookUp(this.#index.root, plain, look);
    for (const member of this.#index.always) look(member);
    return ids;
  }
}

function lookUp<Id>(field: Field<Id>, value: Json, found: (member: Member<Id>) => void): void {
  if (isArray(value)) for (const element of value) lookUp(field, element, found);
  else if (isObject(value)) lookUpMembers(field, value, found);
  else field.values?.find(value, found);
}

/** Goes through the shorter of the two: what is asked, or what there is. */
const FIELDS_FEW = 8;
function lookUpMembers<Id>({ fields }: Field<Id>, object: Readonly<Record<string, Json | undefined>>, found: (member: Member<Id>) => void): void {
  if (fields.size <= FIELDS_FEW) {
    for (const [name, inner] of fields) {
      const value = memberOf(object, name);
      if (value !== undefined) lookUp(inner, value, found);
    }
    return;
  }
  for (const name in object) {
    const inner = fields.get(name);
    const value = inner && memberOf(object, name);
    if (inner && value !== undefined) lookUp(inner, value, found);
  }
}

function file<Id>(patterns: ReadonlyMap<Id, Pattern>): { root: Field<Id>; always: Member<Id>[] } {
  const popularity = new Popularity();
  for (const { shape } of patterns.values()) popularity.count(shape);
  const root: Field<Id> = { fields: new Map(), values: undefined };
  const always: Member<Id>[] = [];
  for (const [id, { shape }] of patterns) {
    const member = { id, shape, seen: 0 };
    const anchors = popularity.rarest(shape)?.anchors;
    if (!anchors) always.push(member);
    for (const { path, matchers } of anchors ?? []) {
      const field = path.reduce<Field<Id>>((above, name) => {
        let inner = above.fields.get(name);
        if (!inner) above.fields.set(name, (inner = { fields: new Map(), values: undefined }));
        return inner;
      }, root);
      field.values ??= new ValueIndex();
      for (const matcher of matchers) field.values.add(matcher, member);
    }
  }
  return { root, always };
}

/** How often matchers occur: a pattern is best filed under what few others ask for. */
class Popularity {
  readonly #counts = new Map<string, number>();

  count(shape: Shape): void {
    for (const { leaf } of shape.leaves) for (const matcher of leaf.anyOf) this.#add(keyOf(leaf, matcher));
    for (const { shape: inner } of shape.shapes) this.count(inner);
    for (const branches of shape.choices) for (const branch of branches) this.count(branch);
  }

  /** Anchors of which every matching event meets one; undefined where there are none, as where a field may be absent. */
  rarest(shape: Shape): { anchors: Anchor[]; weight: number } | undefined {
    const covers = [
      ...shape.leaves.map(({ leaf }) => this.#coverOf(leaf)),
      ...shape.shapes.map(({ shape: inner }) => this.rarest(inner)),
      ...shape.choices.map((branches) => this.#coverOfChoice(branches)),
    ];
    return covers.reduce((best, cover) => (cover && (!best || cover.weight < best.weight) ? cover : best), undefined);
  }

  #coverOf(leaf: Leaf): { anchors: Anchor[]; weight: number } | undefined {
    if (leaf.mayBeAbsent) return undefined;
    const weight = leaf.anyOf.reduce((sum, matcher) => sum + (this.#counts.get(keyOf(leaf, matcher)) ?? 0) * PENALTY[matcher.type], 0);
    return { anchors: [{ path: leaf.path, matchers: leaf.anyOf }], weight };
  }

  #coverOfChoice(branches: readonly Shape[]): { anchors: Anchor[]; weight: number } | undefined {
    const covers = branches.map((branch) => this.rarest(branch));
    if (covers.some((cover) => !cover)) return undefined;
    return { anchors: covers.flatMap((cover) => cover?.anchors ?? []), weight: covers.reduce((sum, cover) => sum + (cover?.weight ?? 0), 0) };
  }

  #add(key: string): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }
}

/** How much an occurrence weighs: what a single value meets tells patterns apart, what most values meet does not. */
const PENALTY: Readonly<Record<Matcher['type'], number>> = {
  equals: 1,
  'equals-ignore-case': 1,
  prefix: 4,
  suffix: 4,
  cidr: 4,
  numeric: 16,
  wildcard: 16,
  present: 64,
  'anything-but': 64,
  absent: 64,
};

function keyOf({ path }: Leaf, matcher: Matcher): string {
  switch (matcher.type) {
    case 'equals':
      return JSON.stringify([path, matcher.value]);
    case 'equals-ignore-case':
      return JSON.stringify([path, matcher.type, matcher.folded]);
    case 'prefix':
    case 'suffix':
      return JSON.stringify([path, matcher.type, matcher.text]);
    default:
      return JSON.stringify([path, matcher.type]);
  }
}
