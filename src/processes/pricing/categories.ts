import type { Item } from '../../rooms/inventory/inventory.ts';
import { scatterOf, type Choice, type PriceScatter, type PriceSums } from '../../rooms/pricing/pricing.ts';
import { policiesOf } from './book.ts';
import type { Priced } from './items.ts';
import type { PricedItems } from './priced-items.ts';

/** How long what a category has shown is believed before it is added up again. */
const BELIEVED_MS = 60_000;

/** What the items of a category have shown of how demand answers to the price: for items that have shown little themselves. */
export class Categories {
  readonly #members = new Map<string, Set<string>>();
  readonly #scatters = new Map<string, { readonly at: number; readonly scatter: PriceScatter }>();

  /** The scatter of an item's category; undefined where its policies do not learn, or it is in none. */
  of(kept: Priced, choice: Choice, { definition }: Item, items: Pick<PricedItems, 'salesOf'>, now: number): PriceScatter | undefined {
    const strategy = policiesOf(choice).find((policy) => policy.definition.strategy.kind === 'learned')?.definition.strategy;
    if (strategy?.kind !== 'learned') return undefined;
    const attribute = strategy.category ?? 'category';
    const name = `${attribute}=${String(definition?.attributes?.[attribute] ?? '')}`;
    let members = this.#members.get(name);
    if (!members) this.#members.set(name, (members = new Set()));
    // One that sold nothing has nothing to show, and is looked at again when it sells.
    if (kept.sales) members.add(kept.sku);
    const known = this.#scatters.get(name);
    if (known && now - known.at < BELIEVED_MS) return known.scatter;
    const scatter = scatterOf([...members].flatMap((sku): PriceSums[] => {
      const sums = items.salesOf(sku)?.sums;
      return sums ? [sums] : [];
    }));
    this.#scatters.set(name, { at: now, scatter });
    return scatter;
  }
}
