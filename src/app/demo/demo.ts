/**
 * A sample shop and the people in it. Shoppers come over HTTP like everybody's: a flash sale of a few hot items for
 * which far more ask than there is and whose prices follow their stock, carts that are filled and abandoned, orders that
 * are paid and shipped, deliveries now and then. It goes on in rounds until it is told to stop.
 */
import { below, chance, pick, systemRandom, type Random } from '../../base/random.ts';
import { HoldfastClient } from '../../client/client.ts';
import { book, deliver, furnish, HOT, isForeign, restock } from './shop.ts';
import { Shoppers } from './shoppers.ts';

export interface DemoOptions {
  readonly baseUrl: string;
  /** May write. */
  readonly key: string;
  readonly signal: AbortSignal;
  readonly random?: Random;
  /** Told where to look, and of trouble. */
  readonly say?: (line: string) => void;
}

/** Shoppers a second when a round opens, and when everybody has come who would: a lively page on a small machine. */
const RUSH_PER_SECOND = 260;
const STROLL_PER_SECOND = 90;
/** The rush is over after about this long. */
const RUSH_MS = 25_000;
const ROUND_MS = 90_000;
const TICK_MS = 50;
/** Unanswered requests beyond which nobody else comes in: a slow service gets fewer shoppers, not a queue. */
const ASKING_MAX = 64;
/** A small delivery of one hot item comes about this often. */
const DELIVERY_EVERY_MS = 9_000;
/** Orders leave the house this long after they were paid, so many at a time. */
const PACKING_MS = 8_000;
const PARCELS_PER_TICK_MAX = 4;
/** After a failure of the service everybody waits this long. */
const PAUSE_MS = 2_000;

/** Runs until the signal aborts. Rejects where the shop cannot be set up. */
export async function runDemo({ baseUrl, key, signal, random = systemRandom(), say = () => undefined }: DemoOptions): Promise<void> {
  const client = new HoldfastClient({ baseUrl, key, attemptsMax: 4 });
  try {
    if (await isForeign(client, signal)) throw new Error('the demo does not play with the stock of a real shop: start it with another --data');
    await furnish(client, signal);
    say(`demo: a flash sale is on, watch it at ${baseUrl.replace(/\/+$/, '')}/`);
    const shoppers = new Shoppers({ client, random, signal, sleep: (ms) => pause(ms, signal) });
    for (let round = 1; !signal.aborted; round++) await playRound({ client, shoppers, random, signal, round, say });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

interface Round {
  readonly client: HoldfastClient;
  readonly shoppers: Shoppers;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly round: number;
  readonly say: (line: string) => void;
}

/** One sale: the shelves are filled, the crowd rushes in and thins out. */
async function playRound({ client, shoppers, random, signal, round, say }: Round): Promise<void> {
  let troubled = false;
  let said = '';
  const trouble = (error: unknown): void => {
    if (signal.aborted) return;
    troubled = true;
    const reason = error instanceof Error ? error.message : String(error);
    if (reason !== said) say(`demo: the shoppers wait, ${reason}`);
    said = reason;
  };
  await restock(client, `demo-round-${round}`, signal).catch(trouble);
  const began = Date.now();
  let due = 0;
  let shipping: Promise<void> | undefined;
  while (!signal.aborted && Date.now() - began < ROUND_MS) {
    if (troubled) {
      await pause(PAUSE_MS, signal);
      troubled = false;
    }
    due += (arrivalsPerSecond(Date.now() - began) * TICK_MS) / 1_000;
    for (; due >= 1; due--) if (shoppers.asking < ASKING_MAX) shoppers.enter().catch(trouble);
    if (chance(random, TICK_MS / DELIVERY_EVERY_MS)) book(client, deliver(pick(random, HOT).sku, 10 + below(random, 30), 'demo-delivery'), signal).catch(trouble);
    shipping ??= ship(client, shoppers, signal)
      .catch(trouble)
      .finally(() => (shipping = undefined));
    await pause(TICK_MS, signal);
  }
  await shipping;
}

function arrivalsPerSecond(sinceMs: number): number {
  return STROLL_PER_SECOND + (RUSH_PER_SECOND - STROLL_PER_SECOND) * Math.exp(-sinceMs / RUSH_MS);
}

/** Sends off some of the orders that have been paid for a while. */
async function ship(client: HoldfastClient, shoppers: Shoppers, signal: AbortSignal): Promise<void> {
  for (let parcels = 0; parcels < PARCELS_PER_TICK_MAX; parcels++) {
    const [order] = shoppers.unshipped;
    if (order === undefined || Date.now() - order.paidAtMs < PACKING_MS) return;
    shoppers.unshipped.shift();
    await client.allocations.fulfil(order.orderId, order.lines, { signal });
  }
}

/** Waits, or ends early where the signal aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
