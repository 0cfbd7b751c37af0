/** Load that keeps a ledger: shoppers and a storekeeper, each seeing to holds of its own, until the server falls silent. */
import type { HoldfastClient } from '../../src/client/client.ts';
import { below, chance, pick, seededRandom, type Random } from '../../src/base/random.ts';
import { ask } from './ask.ts';
import { Ledger, type Hold, type Operation, type Units } from './ledger.ts';

const SHOPPERS = 16;
const STOREKEEPERS = 4;

export interface Shop {
  readonly ledger: Ledger;
  readonly random: Random;
  readonly skus: readonly string[];
  /** Numbers the requests of the whole run, so that every key is new. */
  next: number;
}

/** A shopper goes on until a request stays unanswered or `leave` says that it is over. */
async function shopper(shop: Shop, client: HoldfastClient, leave: () => boolean): Promise<void> {
  const own: Hold[] = [];
  while (!leave()) {
    const { answered, hold } = await perform(shop, nextOperation(shop, own), client);
    if (!answered) return;
    if (hold) remember(shop.random, hold, own);
  }
}

/** Somebody who takes deliveries in and writes losses off; apart from shoppers, because some of it is waited for. */
async function storekeeper(shop: Shop, client: HoldfastClient, leave: () => boolean): Promise<void> {
  while (!leave()) {
    const { answered } = await perform(shop, adjust(shop), client);
    if (!answered) return;
    await new Promise((resolve) => setTimeout(resolve, below(shop.random, 10)));
  }
}

export function newShop(skus: readonly string[], seed: number): Shop {
  return { ledger: new Ledger(), random: seededRandom(seed), skus, next: 1 };
}

/** Runs them all until the server falls silent or `leave` says that it is over. */
export async function openShop(shop: Shop, client: HoldfastClient, leave: () => boolean = () => false): Promise<void> {
  const shoppers = Array.from({ length: SHOPPERS }, () => shopper(shop, client, leave));
  await Promise.all([...shoppers, ...Array.from({ length: STOREKEEPERS }, () => storekeeper(shop, client, leave))]);
}

async function perform({ ledger, random }: Shop, operation: Operation, client: HoldfastClient): Promise<{ answered: boolean; hold: Hold | undefined }> {
  // Some are sent twice at once: both must be answered alike, and be done once.
  const copies = chance(random, 0.05) ? 2 : 1;
  const [first, second] = await Promise.all(Array.from({ length: copies }, () => ask(client, operation.request)));
  if (first === undefined) throw new Error('nothing was asked');
  if (first.known && second?.known === true && operation.intent.kind !== 'adjust' && JSON.stringify(first.body) !== JSON.stringify(second.body)) {
    ledger.faults.push(`simultaneous duplicates were answered differently: ${JSON.stringify(first)} and ${JSON.stringify(second)}`);
  }
  const hold = ledger.record(operation, first.known ? first : (second ?? first));
  return { answered: first.known, hold };
}

/** Which holds this shopper may go on with. */
function remember(random: Random, hold: Hold, own: Hold[]): void {
  const at = own.indexOf(hold);
  if (hold.status === 'held' && at < 0) own.push(hold);
  if (hold.status !== 'held' && at >= 0) own.splice(at, 1);
  // Abandoned: nobody sees to it any more.
  if (own.length > 8) own.splice(below(random, own.length), 1);
}

function nextOperation(shop: Shop, own: readonly Hold[]): Operation {
  const { random } = shop;
  const mine = own.length > 0 ? pick(random, own) : undefined;
  const dice = below(random, 100);
  if (mine === undefined || dice < 50) return hold(shop);
  if (dice < 60 && mine.cartId.startsWith('basket-')) return cart(shop, mine.cartId);
  if (dice < 68) return cart(shop, `basket-${shop.next}`);
  if (dice < 84) return confirm(shop, mine);
  return release(shop, mine);
}

function someLines({ random, skus }: Shop): Units {
  const lines = new Map([[pick(random, skus), 1 + below(random, 3)]]);
  if (chance(random, 0.3)) lines.set(pick(random, skus), 1 + below(random, 3));
  return lines;
}

const asLines = (lines: Units): { sku: string; quantity: number }[] => [...lines].map(([sku, quantity]) => ({ sku, quantity }));

function hold(shop: Shop): Operation {
  const number = shop.next++;
  const [cartId, lines] = [`once-${number}`, someLines(shop)];
  return {
    intent: { kind: 'hold', cartId, lines },
    request: { method: 'POST', path: '/v1/reservations', idempotencyKey: `k${number}`, body: { cartId, lines: asLines(lines), ttlSeconds: 86_400 } },
  };
}

function cart(shop: Shop, cartId: string): Operation {
  const number = shop.next++;
  const lines = someLines(shop);
  return {
    intent: { kind: 'cart', cartId, lines },
    request: { method: 'PUT', path: `/v1/carts/${cartId}/reservation`, idempotencyKey: `k${number}`, body: { lines: asLines(lines), ttlSeconds: 86_400 } },
  };
}

function confirm(shop: Shop, { id, lines: held }: Hold): Operation {
  const number = shop.next++;
  const part = chance(shop.random, 0.25) ? new Map([...held].slice(0, 1).map(([sku]) => [sku, 1] as const)) : undefined;
  const fulfil = chance(shop.random, 0.3);
  return {
    intent: { kind: 'confirm', id, lines: part ?? held, fulfil },
    request: { method: 'POST', path: `/v1/reservations/${id}/confirm`, idempotencyKey: `k${number}`, body: { orderId: `order-${number}`, fulfil, ...(part === undefined ? undefined : { lines: asLines(part) }) } },
  };
}

function release(shop: Shop, { id, lines: held }: Hold): Operation {
  const number = shop.next++;
  const units = [...held.values()].reduce((sum, quantity) => sum + quantity, 0);
  const part = units > 1 && chance(shop.random, 0.3) ? new Map([...held].slice(0, 1).map(([sku]) => [sku, 1] as const)) : undefined;
  return {
    intent: { kind: 'release', id, lines: part ?? held, whole: part === undefined },
    request: { method: 'POST', path: `/v1/reservations/${id}/release`, idempotencyKey: `k${number}`, body: part === undefined ? {} : { lines: asLines(part) } },
  };
}

function adjust(shop: Shop): Operation {
  const { random, skus } = shop;
  const number = shop.next++;
  const sku = pick(random, skus);
  const change = chance(random, 0.2) ? -1 - below(random, 4) : 1 + below(random, 12);
  const prefer = chance(random, 0.5) ? { prefer: 'wait=5' } : undefined;
  return {
    intent: { kind: 'adjust', sku, change, reference: `k${number}` },
    request: { method: 'POST', path: `/v1/items/${sku}/adjustments`, idempotencyKey: `k${number}`, body: { change, reason: change > 0 ? 'received' : 'lost', reference: `k${number}` }, ...prefer },
  };
}
