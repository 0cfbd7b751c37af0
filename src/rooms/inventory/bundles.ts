import { refused, type Refusal } from '../../base/decision.ts';
import { etagOf, figuresOf, freeAt, type Asking, type Figures } from './availability.ts';
import type { Component, ItemDefinition } from './commands.ts';
import type { Share } from './events.ts';
import { itemKey } from './keys.ts';
import { BUNDLE_DEPTH_MAX, BUNDLE_PARTS_MAX } from './limits.ts';
import { findItem, locationsBeside, type Item, type World } from './state.ts';

/** Units of an item with stock that one unit of a bundle takes. */
export interface Part {
  readonly item: Item;
  readonly quantity: number;
}

export function isBundle(definition: ItemDefinition | undefined): boolean {
  return definition?.components !== undefined && definition.components.length > 0;
}

/** What a bundle takes, bundles among its components opened, each item once. */
export function partsOf(bundle: Item, world: World): readonly Part[] {
  const parts = new Map<string, Part>();
  open(bundle.definition?.components ?? [], 1, 1, world, parts);
  return [...parts.values()];
}

function open(components: readonly Component[], times: number, depth: number, world: World, parts: Map<string, Part>): void {
  for (const { sku, quantity } of components) {
    const item = findItem(world, sku);
    if (!item) continue; // not at hand yet: whatever is asked is asked again when it is
    const units = times * quantity;
    if (isBundle(item.definition) && depth < BUNDLE_DEPTH_MAX) open(item.definition?.components ?? [], units, depth + 1, world, parts);
    else parts.set(sku, { item, quantity: (parts.get(sku)?.quantity ?? 0) + units });
  }
}

/** What an asker may leave out depends on the item. */
export type AskingOf = Omit<Asking, 'own'> & { readonly own?: ((sku: string) => readonly Share[] | undefined) | undefined };

/**
 * The figures of any item: of one with stock {@link figuresOf}, of a bundle the minimum over its parts of how many times
 * each suffices. A bundle has nothing on hand and no promises of its own.
 */
export function figuresIn(world: World, item: Item, now: number, { channel, own }: AskingOf = {}): Figures {
  const figures = (one: Item): Figures => figuresOf(one, locationsBeside(world, itemKey(one.sku)), now, { channel, own: own?.(one.sku) });
  if (!isBundle(item.definition)) return figures(item);
  let net = Number.POSITIVE_INFINITY;
  let sellable = Number.POSITIVE_INFINITY;
  for (const { item: part, quantity } of partsOf(item, world)) {
    const of = figures(part);
    net = Math.min(net, Math.floor(of.net / quantity));
    if (of.sellable !== null) sellable = Math.min(sellable, Math.floor(of.sellable / quantity));
  }
  if (net === Number.POSITIVE_INFINITY) net = 0;
  return { onHand: 0, allocated: 0, reserved: 0, backordered: 0, physical: 0, net, available: Math.max(0, net), sellable: sellable === Number.POSITIVE_INFINITY ? null : sellable };
}

/** What is left of a bundle to nobody in particular, '', and to each channel that something is, or was, withheld from of its parts. */
export function netsByChannel(world: World, bundle: Item, now: number): ReadonlyMap<string, number> {
  const withheld = partsOf(bundle, world).flatMap(({ item }) => Object.keys(item.definition?.channelBuffers ?? {}));
  const nets = new Map<string, number>();
  for (const channel of ['', ...withheld, ...bundle.exceeded.map(([channel]) => channel)]) nets.set(channel, figuresIn(world, bundle, now, channel === '' ? {} : { channel }).net);
  return nets;
}

/** How many of a bundle one place has the parts for. */
export function bundlesAt(world: World, bundle: Item, location: string, now: number, { own }: AskingOf): number {
  const at = partsOf(bundle, world).map(({ item, quantity }) => Math.floor(freeAt(item, location, locationsBeside(world, itemKey(item.sku)), now, own?.(item.sku)) / quantity));
  return at.length === 0 ? 0 : Math.min(...at);
}

/** A text that changes whenever the figures of an item, or of what it is made of, may have changed. */
export function tagsIn(world: World, item: Item, now: number): string {
  const tag = (one: Item): string => etagOf(one, locationsBeside(world, itemKey(one.sku)), now);
  return isBundle(item.definition) ? `"${[item, ...partsOf(item, world).map((part) => part.item)].map((one) => tag(one).slice(1, -1)).join('.')}"` : tag(item);
}

type Fault = { readonly pointer: string; readonly detail: string };

/** Why an item may not have these components; undefined where it may. */
export function componentsRefusal(sku: string, definition: ItemDefinition, world: World): Refusal | undefined {
  const { components } = definition;
  if (!components || components.length === 0) return undefined;
  const pointer = (index: number): string => `/components/${index}/sku`;
  const unknown = components.flatMap((one, index): Fault[] => (one.sku === sku || findItem(world, one.sku) ? [] : [{ pointer: pointer(index), detail: `There is no item ${one.sku}.` }]));
  if (unknown.length > 0) return refused('invalid', 'unknown-item', 'Some components name items that do not exist.', { errors: unknown }).refusal;
  const faults = components.flatMap((one, index): Fault[] => {
    const below = closureOf(one.sku, world);
    if (one.sku === sku || below === 'too deep' || below.has(sku)) return [{ pointer: pointer(index), detail: below === 'too deep' ? `bundles may contain each other ${BUNDLE_DEPTH_MAX} deep` : 'must not contain the bundle itself' }];
    return [];
  });
  const made = { sku, definition } as Item; // what `partsOf` reads
  if (faults.length === 0 && partsOf(made, world).some(({ quantity }) => quantity > BUNDLE_PARTS_MAX)) faults.push({ pointer: '/components', detail: `a bundle takes at most ${BUNDLE_PARTS_MAX} units of an item` });
  if (definition.maxPerCustomer !== undefined) faults.push({ pointer: '/maxPerCustomer', detail: 'is counted for the components of a bundle, not for the bundle' });
  return faults.length === 0 ? undefined : refused('invalid', 'invalid-request', 'The bundle cannot be made of these components.', { errors: faults }).refusal;
}

/** An item and all that it is made of. */
export function closureOf(sku: string, world: World, depth = 1): ReadonlySet<string> | 'too deep' {
  const found = new Set([sku]);
  for (const component of findItem(world, sku)?.definition?.components ?? []) {
    const below = depth >= BUNDLE_DEPTH_MAX ? 'too deep' : closureOf(component.sku, world, depth + 1);
    if (below === 'too deep') return below;
    for (const one of below) found.add(one);
  }
  return found;
}

/** A bundle has no stock that could be changed, counted or moved. */
export function bundleRefusal(sku: string): Refusal {
  const detail = `Item ${sku} is a bundle and has no stock of its own. Adjust its components.`;
  return refused('invalid', 'invalid-request', detail, { errors: [{ pointer: '', detail: 'must not be about a bundle' }] }).refusal;
}
