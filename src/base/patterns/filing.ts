/** Where patterns are filed, so that an event finds those that could match by its own values. */
import type { Leaf, Matcher, Shape } from './pattern.ts';
import type { Pattern } from './patterns.ts';
import { ValueIndex } from './value-index.ts';

/** A pattern among others. `seen`: the last event for which it was looked at. */
export interface Member<Id> {
  readonly id: Id;
  readonly shape: Shape;
  seen: number;
}

/** Fields of events for which something is asked, as a tree of their names. */
export interface Field<Id> {
  readonly fields: Map<string, Field<Id>>;
  values: ValueIndex<Bucket<Id>> | undefined;
}

export interface Index<Id> {
  readonly root: Field<Id>;
  /** Nothing that an event has to have tells of these. */
  readonly always: readonly Member<Id>[];
}

/** Patterns under one matcher of one field. Many of them are filed once more, under what else they ask. */
export interface Bucket<Id> {
  readonly members: Filed<Id>[];
  index: Index<Id> | undefined;
}

/** A pattern with the covers it was not filed under yet, the best first. */
interface Filed<Id> {
  readonly member: Member<Id>;
  readonly covers: readonly Cover[];
}

/** Matchers of fields of which every event that matches the pattern meets one. `weight`: how many events are expected to. */
interface Cover {
  readonly anchors: readonly { readonly leaf: Leaf; readonly matcher: Matcher }[];
  readonly weight: number;
}

/** As many patterns are sooner looked at than found by another of their fields. */
const MEMBERS_FEW = 4;
/** Fields deep: what a pattern still asks then is left to a look at it. */
const LEVELS_MAX = 3;
/** Where patterns of a bucket are filed once more, each may be so in as many places: lists of alternatives would multiply. */
const ANCHORS_AGAIN_MAX = 4;

export function file<Id>(patterns: ReadonlyMap<Id, Pattern>): Index<Id> {
  const popularity = new Popularity();
  for (const { shape } of patterns.values()) popularity.count(shape);
  return filed(
    [...patterns].map(([id, { shape }]) => ({ member: { id, shape, seen: 0 }, covers: popularity.covers(shape) })),
    1,
  );
}

function filed<Id>(all: readonly Filed<Id>[], level: number): Index<Id> {
  const root: Field<Id> = { fields: new Map(), values: undefined };
  const buckets = new Map<string, Bucket<Id>>();
  const always: Member<Id>[] = [];
  for (const { member, covers } of all) {
    const [cover, ...others] = level === 1 ? covers : covers.filter(({ anchors }) => anchors.length <= ANCHORS_AGAIN_MAX);
    if (!cover) always.push(member);
    for (const { leaf, matcher } of cover?.anchors ?? []) {
      const key = keyOf(leaf, matcher);
      let bucket = buckets.get(key);
      if (!bucket) {
        bucket = { members: [], index: undefined };
        buckets.set(key, bucket);
        valuesAt(root, leaf.path).add(matcher, bucket);
      }
      bucket.members.push({ member, covers: others });
    }
  }
  if (level < LEVELS_MAX) for (const bucket of buckets.values()) if (bucket.members.length > MEMBERS_FEW) bucket.index = filed(bucket.members, level + 1);
  return { root, always };
}

function valuesAt<Id>(root: Field<Id>, path: readonly string[]): ValueIndex<Bucket<Id>> {
  const field = path.reduce((above, name) => {
    let inner = above.fields.get(name);
    if (!inner) above.fields.set(name, (inner = { fields: new Map(), values: undefined }));
    return inner;
  }, root);
  return (field.values ??= new ValueIndex());
}

/** How often matchers occur: a pattern is best filed under what few others ask for. */
class Popularity {
  readonly #counts = new Map<string, number>();

  count(shape: Shape): void {
    for (const { leaf } of shape.leaves) for (const matcher of leaf.anyOf) this.#add(keyOf(leaf, matcher));
    for (const { shape: inner } of shape.shapes) this.count(inner);
    for (const branches of shape.choices) for (const branch of branches) this.count(branch);
  }

  /** The best first; none where every field may be absent. */
  covers(shape: Shape): Cover[] {
    const all = [
      ...shape.leaves.map(({ leaf }) => this.#coverOf(leaf)),
      ...shape.shapes.flatMap(({ shape: inner }) => this.covers(inner)),
      ...shape.choices.map((branches) => this.#coverOfChoice(branches)),
    ];
    return all.filter((cover) => cover !== undefined).toSorted((a, b) => a.weight - b.weight);
  }

  #coverOf(leaf: Leaf): Cover | undefined {
    if (leaf.mayBeAbsent) return undefined;
    const anchors = leaf.anyOf.map((matcher) => ({ leaf, matcher }));
    return { anchors, weight: leaf.anyOf.reduce((sum, matcher) => sum + this.#weightOf(leaf, matcher), 0) };
  }

  #coverOfChoice(branches: readonly Shape[]): Cover | undefined {
    const best = branches.map((branch) => this.covers(branch)[0]);
    const covers = best.filter((cover) => cover !== undefined);
    if (covers.length < best.length) return undefined;
    return { anchors: covers.flatMap(({ anchors }) => anchors), weight: covers.reduce((sum, { weight }) => sum + weight, 0) };
  }

  #weightOf(leaf: Leaf, matcher: Matcher): number {
    return Math.min(this.#counts.get(keyOf(leaf, matcher)) ?? 1, POPULARITY_MAX) * LIKELIHOOD[likelihoodOf(matcher)];
  }

  #add(key: string): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }
}

/** A value that however many patterns ask for still tells more than a range of numbers that one alone asks for. */
const POPULARITY_MAX = 64;
/** How many of the values of a field meet a matcher, in no unit: an equal one few, a beginning some, a range maybe half of them. */
const LIKELIHOOD = { few: 1, some: 4, half: 128, most: 1024 } as const;

function likelihoodOf(matcher: Matcher): keyof typeof LIKELIHOOD {
  switch (matcher.type) {
    case 'equals':
    case 'equals-ignore-case':
      return 'few';
    case 'prefix':
    case 'suffix':
      return ofText(matcher.text);
    case 'wildcard':
      return ofText(matcher.wildcard.chunks.reduce((a, b) => (b.length > a.length ? b : a)));
    case 'cidr':
      return matcher.cidr.bits.length >= 8 ? 'some' : 'half';
    case 'numeric':
      return matcher.low === matcher.high ? 'few' : 'half';
    default:
      return 'most';
  }
}

function ofText(text: string): keyof typeof LIKELIHOOD {
  return text === '' ? 'most' : text.length < 3 ? 'half' : 'some';
}

function keyOf({ path }: Leaf, matcher: Matcher): string {
  return JSON.stringify([path, matcher], (_, value: unknown) => (typeof value === 'number' && !Number.isFinite(value) ? { bound: String(value) } : value));
}
