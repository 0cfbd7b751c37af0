import { bookOf, compileStrategy, findPolicy, PolicyBook, type BookPolicy, type Choice, type MatchedItem, type PriceModel, type Strategy } from '../../rooms/pricing/pricing.ts';
import type { World } from '../../runtime/runtime.ts';

/** The policies of one revision, with what is made of them once: models, and which depend on time. */
export class CompiledBook {
  readonly revision: number;
  readonly #policies: PolicyBook;
  readonly #models = new Map<BookPolicy, PriceModel>();
  readonly #choices = new Map<string, Choice>();

  constructor(policies: PolicyBook) {
    this.revision = policies.revision;
    this.#policies = policies;
  }

  /** What prices an item; one object for all items that are priced alike. */
  choose(item: MatchedItem): Choice {
    const choice = this.#policies.choose(item);
    const name = `${choice.live?.id ?? ''}\n${choice.shadows.map(({ id }) => id).join('\n')}\n${choice.frozen}`;
    const known = this.#choices.get(name);
    if (known) return known;
    this.#choices.set(name, choice);
    return choice;
  }

  /** The model of a policy's strategy; undefined where somebody outside computes it. */
  modelOf(policy: BookPolicy): PriceModel | undefined {
    const { strategy } = policy.definition;
    if (strategy.kind === 'function' || strategy.kind === 'module') return undefined;
    let model = this.#models.get(policy);
    if (!model) this.#models.set(policy, (model = compileStrategy(strategy)));
    return model;
  }
}

/** All that price an item or are compared for it, the one that shows its price first. */
export const policiesOf = ({ live, shadows }: Choice): readonly BookPolicy[] => (live ? [live, ...shadows] : shadows);

/** The book of a world, where it is another than the one at hand; undefined where it is the same. */
export function newerBook(world: World, atHand: number | undefined): CompiledBook | undefined {
  const book = bookOf(world);
  if (book.revision === atHand) return undefined;
  const policies = Object.entries(book.policies).flatMap(([id, version]): BookPolicy[] => {
    const definition = findPolicy(world, id)?.definition;
    return definition ? [{ id, version, definition }] : []; // not at hand yet: the question is asked again when it is
  });
  return new CompiledBook(new PolicyBook(book, policies));
}

/** Signals that change with time alone. */
const TIMED_SIGNALS = ['hour', 'weekday', 'ageDays', 'daysOfCover', 'velocityHour', 'velocityDay'];

/** Whether time alone can change what a strategy says. */
export function dependsOnTime(strategy: Strategy): boolean {
  if (strategy.kind !== 'rules') return true;
  return strategy.rules.some(({ when }) => TIMED_SIGNALS.some((name) => JSON.stringify(when).includes(`"${name}"`)));
}
