import type { Adjustment, HoldfastClient, ItemInput, PricingPolicyInput } from '../../client/client.ts';
import { isProblem } from '../../client/client.ts';

/** The places of the sample shop; `main` is always there. */
const PLACES = [
  { id: 'main', name: 'Main warehouse', rank: 10, lat: 53.55, lon: 9.99 },
  { id: 'harbour', name: 'Harbour depot', rank: 20, lat: 53.07, lon: 8.81 },
  { id: 'north', name: 'Northern store', rank: 30, lat: 54.32, lon: 10.13 },
] as const;

/** What the flash sale is about: few of each, and many who want them. */
export const HOT = [
  { sku: 'LANTERN-MOONRISE', name: 'Moonrise lantern', category: 'lamps', price: 3900, units: 900 },
  { sku: 'ROBOT-TIN', name: 'Wind-up tin robot', category: 'toys', price: 2450, units: 750 },
  { sku: 'KITE-WHALE', name: 'Paper whale kite', category: 'toys', price: 1800, units: 600 },
  { sku: 'KETTLE-COPPER', name: 'Copper whistling kettle', category: 'kitchen', price: 6400, units: 480 },
  { sku: 'HAMMOCK-CLOUD', name: 'Cloud hammock', category: 'garden', price: 8900, units: 360 },
  { sku: 'RADIO-POCKET', name: 'Pocket radio', category: 'desk', price: 5200, units: 240 },
] as const;

const COLOURS = ['Amber', 'Birch', 'Coral', 'Dune', 'Ember', 'Fjord', 'Granite', 'Heather', 'Indigo'] as const;
const THINGS = [
  { name: 'mug', category: 'kitchen', price: 1150 },
  { name: 'blanket', category: 'home', price: 4900 },
  { name: 'lamp', category: 'lamps', price: 5900 },
  { name: 'notebook', category: 'desk', price: 890 },
  { name: 'basket', category: 'home', price: 2300 },
  { name: 'apron', category: 'kitchen', price: 2700 },
] as const;

/** The quiet rest of the shop. */
export const ORDINARY = COLOURS.flatMap((colour) =>
  THINGS.map((thing) => ({ ...thing, sku: `${thing.name}-${colour}`.toUpperCase(), name: `${colour} ${thing.name}` })),
);
const ORDINARY_UNITS = 240;

/** What the shop pays of a price. */
const COST_SHARE = 0.6;

/**
 * Prices of the hot items follow their stock: cheaper than usual while more is left than what a sale is meant to begin with,
 * dearer as it runs out. The day stands for the minutes of a round, so that the price looks at the stock alone.
 */
const FLASH_SALE: PricingPolicyInput = {
  priority: 1,
  match: { attributes: { hot: [true] } },
  mode: 'live',
  strategy: { kind: 'run-out', elasticity: 4, referencePerDay: 240, horizonDays: 1 },
  guardrails: { floor: { margin: 0.1 }, ceiling: { factor: 1.6 }, hysteresisPercent: 0.5 },
};

/** Shares of a delivery by place, in the order of PLACES. */
const SHARES = [0.5, 0.3, 0.2] as const;

/** Describes the places, the items and how they are priced. Doing it again changes nothing, so that a demo can be started on old data. */
export async function furnish(client: HoldfastClient, signal: AbortSignal): Promise<void> {
  for (const { id, ...place } of PLACES) await client.locations.put(id, place, { signal });
  await client.pricing.putPolicy('flash-sale', FLASH_SALE, { signal });
  const hot = HOT.map(({ sku, name, category, price }) => ({ sku, item: itemOf({ name, category, price, hot: true }) }));
  const ordinary = ORDINARY.map(({ sku, name, category, price }) => ({ sku, item: itemOf({ name, category, price, hot: false }) }));
  await Promise.all([...hot, ...ordinary].map(({ sku, item }) => client.items.put(sku, item, { signal })));
}

function itemOf({ name, category, price, hot }: { name: string; category: string; price: number; hot: boolean }): ItemInput {
  const money = (amount: number) => ({ amount, currency: 'EUR' });
  return { name, price: money(price), cost: money(Math.round(price * COST_SHARE)), attributes: { category, hot }, thresholds: [0, 20] };
}

type Delivery = Adjustment & { readonly sku: string };

/** Brings the hot items back to what a round begins with, and the others up again where half of it is gone. */
export async function restock(client: HoldfastClient, reference: string, signal: AbortSignal): Promise<void> {
  const wanted = new Map<string, number>([...HOT.map(({ sku, units }) => [sku, units] as const), ...ORDINARY.map(({ sku }) => [sku, ORDINARY_UNITS] as const)]);
  const hot: ReadonlySet<string> = new Set(HOT.map(({ sku }) => sku));
  const { items } = await client.availability([...wanted.keys()], { signal });
  const deliveries = items.flatMap(({ sku, available }) => {
    const target = wanted.get(sku) ?? 0;
    return hot.has(sku) || available < target / 2 ? deliver(sku, target - available, reference) : [];
  });
  await book(client, deliveries, signal);
}

/** Units that arrive at all places. */
export function deliver(sku: string, units: number, reference: string): Delivery[] {
  return PLACES.map(({ id }, index) => ({ sku, location: id, change: Math.round(units * (SHARES[index] ?? 0)), reason: 'received' as const, reference })).filter(({ change }) => change > 0);
}

export async function book(client: HoldfastClient, deliveries: readonly Delivery[], signal: AbortSignal): Promise<void> {
  if (deliveries.length > 0) await client.adjust(deliveries, { signal });
}

/** Whether the shop may be used as it is: somebody else's stock is not for playing with. */
export async function isForeign(client: HoldfastClient, signal: AbortSignal): Promise<boolean> {
  try {
    const { items } = await client.items.list({ limit: 1 }, { signal });
    if (items.length === 0) return false;
    await client.items.get(HOT[0].sku, { signal });
    return false;
  } catch (error) {
    if (isProblem(error, 'unknown-item')) return true;
    throw error;
  }
}
