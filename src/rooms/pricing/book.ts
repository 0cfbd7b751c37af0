/** The policies of one revision of the book, compiled: which of them prices an item. */
import { compilePattern, matches, PatternSet, type Pattern } from '../../base/patterns/patterns.ts';
import type { JsonObject } from '../../base/json.ts';
import { must } from '../../base/assert.ts';
import { SHADOWS_MAX } from './limits.ts';
import type { Money } from './money.ts';
import type { PolicyDefinition } from './policy.ts';
import type { Book } from './state.ts';

/** What `match` and `freeze` are asked about. */
export interface MatchedItem {
  readonly sku: string;
  readonly name?: string | undefined;
  readonly attributes?: { readonly [name: string]: string | number | boolean | null } | undefined;
  readonly price?: Money | undefined;
  readonly cost?: Money | undefined;
}

/** A policy that is not off, in one of its versions. */
export interface BookPolicy {
  readonly id: string;
  readonly version: number;
  readonly definition: PolicyDefinition;
}

/** What prices an item: one policy or none, and beside it those that are only compared. */
export interface Choice {
  readonly live: BookPolicy | null;
  readonly shadows: readonly BookPolicy[];
  readonly frozen: boolean;
}

export class PolicyBook {
  readonly revision: number;
  readonly killSwitch: boolean;
  /** Highest priority first, ties by id. */
  readonly policies: readonly BookPolicy[];
  readonly #patterns = new PatternSet<number>();
  /** Places of the policies that every item fits. */
  readonly #always: readonly number[];
  readonly #freeze: readonly (Pattern | 'everything')[];

  /** `policies`: all that there are, in the versions that the book names. */
  constructor({ revision, controls }: Book, policies: readonly BookPolicy[]) {
    this.revision = revision;
    this.killSwitch = controls.killSwitch;
    this.policies = policies.filter(({ definition }) => definition.mode !== 'off').toSorted(byRank);
    const compiled = this.policies.map(({ definition }) => compiledMatch(definition.match));
    for (const [place, pattern] of compiled.entries()) if (pattern !== 'everything') this.#patterns.set(place, pattern);
    this.#always = compiled.flatMap((pattern, place) => (pattern === 'everything' ? [place] : []));
    this.#freeze = controls.freeze.map(compiledMatch);
  }

  /** The policy of highest priority that fits the item prices it, of equals the one whose id is lower. */
  choose(item: MatchedItem): Choice {
    const event = item as unknown as JsonObject; // plain JSON; an interface lacks the index signature
    const places = [...this.#always, ...(this.#patterns.size > 0 ? this.#patterns.matching(event) : [])].toSorted((a, b) => a - b);
    let live: BookPolicy | null = null;
    const shadows: BookPolicy[] = [];
    for (const place of places) {
      const policy = must(this.policies[place], 'a pattern of no policy fits');
      if (policy.definition.mode === 'live') live ??= policy;
      else if (shadows.length < SHADOWS_MAX) shadows.push(policy);
    }
    return { live, shadows, frozen: this.#freeze.some((pattern) => pattern === 'everything' || matches(pattern, event)) };
  }
}

function byRank(a: BookPolicy, b: BookPolicy): number {
  return b.definition.priority - a.definition.priority || (a.id < b.id ? -1 : 1);
}

/** Patterns in the book were checked before they came there. */
function compiledMatch(json: JsonObject): Pattern | 'everything' {
  if (Object.keys(json).length === 0) return 'everything';
  const compiled = compilePattern(json);
  return must('pattern' in compiled ? compiled.pattern : undefined, 'a pattern in the book does not compile');
}
