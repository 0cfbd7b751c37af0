/** What items are, what they are made of, and what is counted of them. */
import type { ItemDefinition } from '../commands.ts';
import type { Bucket, Shop } from './shop.ts';

export function defineItem(shop: Shop, sku: string, definition: ItemDefinition): string {
  const { components = [], maxPerCustomer } = definition;
  if (components.some((one) => one.sku !== sku && !shop.items.has(one.sku))) return 'unknown-item';
  if (components.some((one) => one.sku === sku || contains(shop, one.sku, sku))) return 'invalid-request';
  if (components.length > 0 && maxPerCustomer !== undefined) return 'invalid-request';
  if (components.length > 0 && !shop.isBundle(sku) && hasOwn(shop, sku)) return 'in-use';
  shop.items.set(sku, definition);
  return 'ok';
}

function contains(shop: Shop, bundle: string, sku: string): boolean {
  return (shop.item(bundle).components ?? []).some((one) => one.sku === sku || contains(shop, one.sku, sku));
}

/** Stock, promises, or units on their way: what a bundle has none of. */
function hasOwn(shop: Shop, sku: string): boolean {
  const places = [...shop.places.keys()];
  const counted = [...(shop.stock.get(sku)?.values() ?? [])].flatMap((buckets) => Object.values(buckets));
  return [...counted, shop.backordered(sku), ...places.flatMap((place) => [shop.promisedAt(sku, place, 'reserved'), shop.promisedAt(sku, place, 'allocated'), shop.inTransit(sku, place)])].some((units) => units > 0);
}

export function removeItem(shop: Shop, sku: string): string {
  if (!shop.items.has(sku)) return 'unknown-item';
  const isPart = [...shop.items.values()].some(({ components = [] }) => components.some((one) => one.sku === sku));
  if (isPart || hasOwn(shop, sku)) return 'in-use';
  shop.items.delete(sku);
  return 'ok';
}

type Spot = { readonly sku: string; readonly location: string };

/** Why nothing can be counted of an item at a place. */
function uncountable(shop: Shop, { sku, location }: Spot): string | undefined {
  if (!shop.items.has(sku)) return 'unknown-item';
  if (shop.isBundle(sku)) return 'invalid-request';
  return shop.places.has(location) ? undefined : 'unknown-location';
}

export function adjust(shop: Shop, { sku, location, bucket, change }: Spot & { bucket: Bucket; change: number }): string {
  const code = uncountable(shop, { sku, location });
  if (code !== undefined) return code;
  if (counted(shop, { sku, location }, bucket) + change < 0) return 'negative-stock';
  if (change !== 0) shop.put(sku, location, bucket, change);
  return 'ok';
}

export function count(shop: Shop, { count: found, expected, bucket, ...spot }: Spot & { bucket: Bucket; count: number; expected?: number | undefined }): string {
  const known = counted(shop, spot, bucket);
  if (expected !== undefined && expected !== known) return uncountable(shop, spot) ?? 'unexpected-count';
  return adjust(shop, { ...spot, bucket, change: found - known });
}

export function moveStock(shop: Shop, { from, to, move, ...spot }: Spot & { from: Bucket; to: Bucket; move: number }): string {
  const code = adjust(shop, { ...spot, bucket: from, change: -move });
  return code === 'ok' ? adjust(shop, { ...spot, bucket: to, change: move }) : code;
}

function counted(shop: Shop, { sku, location }: Spot, bucket: Bucket): number {
  return shop.stock.get(sku)?.get(location)?.[bucket] ?? 0;
}
