/** Which matchers of one field a value meets, found from the value. */
import { parseAddress } from './cidr.ts';
import { Intervals, type Interval } from './intervals.ts';
import type { Matcher } from './pattern.ts';
import { Trie } from './trie.ts';

type Scalar = string | number | boolean | null;

/** Characters of a wildcard's chunk by which it is found: six tell most texts apart, and bound what a long text costs. */
const GRAM_CHARACTERS_MAX = 6;

/**
 * Matchers of one field, each with something to it. What is found may be more than what is met (a wildcard is found by
 * one of its chunks), and never less.
 */
export class ValueIndex<T> {
  readonly #equals = new Map<Scalar, T[]>();
  readonly #folded = new Map<string, T[]>();
  readonly #prefixes = new Trie<T>();
  readonly #suffixes = new Trie<T>();
  readonly #foldedPrefixes = new Trie<T>();
  readonly #foldedSuffixes = new Trie<T>();
  readonly #addresses = { 4: new Trie<T>(), 6: new Trie<T>() };
  readonly #grams = new Trie<T>();
  readonly #whatever: T[] = [];
  readonly #ranges: { range: Interval; value: T }[] = [];
  #intervals: Intervals<T> | undefined;

  add(matcher: Matcher, value: T): void {
    switch (matcher.type) {
      case 'equals':
        return push(this.#equals, matcher.value, value);
      case 'equals-ignore-case':
        return push(this.#folded, matcher.folded, value);
      case 'prefix':
        return (matcher.fold ? this.#foldedPrefixes : this.#prefixes).add(matcher.text, value);
      case 'suffix':
        return (matcher.fold ? this.#foldedSuffixes : this.#suffixes).add(matcher.text, value, -1);
      case 'cidr':
        return this.#addresses[matcher.cidr.version].add(matcher.cidr.bits, value);
      case 'wildcard':
        return this.#addWildcard(matcher.wildcard.chunks, value);
      case 'numeric':
        this.#intervals = undefined;
        this.#ranges.push({ range: matcher, value });
        return;
      default:
        this.#whatever.push(value);
    }
  }

  find(value: Scalar, found: (value: T) => void): void {
    if (this.#equals.size > 0) each(this.#equals.get(value), found);
    each(this.#whatever, found);
    if (typeof value === 'number' && this.#ranges.length > 0) (this.#intervals ??= new Intervals(this.#ranges)).around(value, found);
    if (typeof value === 'string') this.#findText(value, found);
  }

  /** By its longest chunk: it is rarest. */
  #addWildcard(chunks: readonly string[], value: T): void {
    const longest = chunks.reduce((a, b) => (b.length > a.length ? b : a));
    if (chunks.length === 1) push(this.#equals, longest, value);
    else if (longest === '') this.#whatever.push(value);
    else if (longest === chunks[0]) this.#prefixes.add(longest, value);
    else if (longest === chunks.at(-1)) this.#suffixes.add(longest, value, -1);
    else this.#grams.add(longest.slice(0, GRAM_CHARACTERS_MAX), value);
  }

  #findText(text: string, found: (value: T) => void): void {
    if (!this.#prefixes.isEmpty) this.#prefixes.along(text, found);
    if (!this.#suffixes.isEmpty) this.#suffixes.backwards(text, found);
    if (this.#folded.size > 0 || !this.#foldedPrefixes.isEmpty || !this.#foldedSuffixes.isEmpty) this.#findFolded(text.toLowerCase(), found);
    if (!this.#grams.isEmpty) for (let at = 0; at < text.length; at++) this.#grams.along(text, found, at);
    if (!this.#addresses[4].isEmpty || !this.#addresses[6].isEmpty) {
      const address = parseAddress(text);
      if (address) this.#addresses[address.version].along(address.bits, found);
    }
  }

  #findFolded(text: string, found: (value: T) => void): void {
    each(this.#folded.get(text), found);
    if (!this.#foldedPrefixes.isEmpty) this.#foldedPrefixes.along(text, found);
    if (!this.#foldedSuffixes.isEmpty) this.#foldedSuffixes.backwards(text, found);
  }
}

function push<K, T>(map: Map<K, T[]>, key: K, value: T): void {
  const values = map.get(key);
  if (values) values.push(value);
  else map.set(key, [value]);
}

function each<T>(values: readonly T[] | undefined, found: (value: T) => void): void {
  if (values) for (const value of values) found(value);
}
