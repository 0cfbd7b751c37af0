/** Which matchers of one field a value meets, found from the value. */
import { parseAddress } from './cidr.ts';
import { Intervals, type Interval } from './intervals.ts';
import type { Matcher } from './pattern.ts';

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
  readonly #prefixes = new Texts<T>();
  readonly #suffixes = new Texts<T>();
  readonly #foldedPrefixes = new Texts<T>();
  readonly #foldedSuffixes = new Texts<T>();
  readonly #addresses = { 4: new Texts<T>(), 6: new Texts<T>() };
  readonly #grams = new Texts<T>();
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
        return (matcher.fold ? this.#foldedSuffixes : this.#suffixes).add(reversed(matcher.text), value);
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
    each(this.#equals.get(value), found);
    each(this.#whatever, found);
    if (typeof value === 'number' && this.#ranges.length > 0) (this.#intervals ??= new Intervals(this.#ranges)).around(value, found);
    if (typeof value === 'string') this.#findText(value, found);
  }

  #addWildcard(chunks: readonly string[], value: T): void {
    const [first = ''] = chunks;
    const last = chunks.at(-1) ?? '';
    if (chunks.length === 1) push(this.#equals, first, value);
    else if (first !== '') this.#prefixes.add(first, value);
    else if (last !== '') this.#suffixes.add(reversed(last), value);
    else {
      const longest = chunks.reduce((a, b) => (b.length > a.length ? b : a));
      if (longest === '') this.#whatever.push(value);
      else this.#grams.add(longest.slice(0, GRAM_CHARACTERS_MAX), value);
    }
  }

  #findText(text: string, found: (value: T) => void): void {
    this.#prefixes.find(text, found);
    if (!this.#suffixes.isEmpty) this.#suffixes.find(reversed(text), found);
    if (this.#folded.size > 0 || !this.#foldedPrefixes.isEmpty || !this.#foldedSuffixes.isEmpty) this.#findFolded(text.toLowerCase(), found);
    if (!this.#grams.isEmpty) for (let at = 0; at < text.length; at++) this.#grams.find(text.slice(at, at + GRAM_CHARACTERS_MAX), found);
    if (!this.#addresses[4].isEmpty || !this.#addresses[6].isEmpty) {
      const address = parseAddress(text);
      if (address) this.#addresses[address.version].find(address.bits, found);
    }
  }

  #findFolded(text: string, found: (value: T) => void): void {
    each(this.#folded.get(text), found);
    this.#foldedPrefixes.find(text, found);
    if (!this.#foldedSuffixes.isEmpty) this.#foldedSuffixes.find(reversed(text), found);
  }
}

/** Texts by which longer texts may begin: one look-up for each length there is. */
class Texts<T> {
  readonly #byLength = new Map<number, Map<string, T[]>>();

  get isEmpty(): boolean {
    return this.#byLength.size === 0;
  }

  add(text: string, value: T): void {
    let texts = this.#byLength.get(text.length);
    if (!texts) this.#byLength.set(text.length, (texts = new Map()));
    push(texts, text, value);
  }

  /** Those that the text begins with. */
  find(text: string, found: (value: T) => void): void {
    for (const [length, texts] of this.#byLength) if (length <= text.length) each(texts.get(text.slice(0, length)), found);
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

/** By code unit: both sides are turned the same way. */
function reversed(text: string): string {
  let turned = '';
  for (let i = text.length - 1; i >= 0; i--) turned += text[i];
  return turned;
}
