import { below, chance, pick, type Random } from '../../base/random.ts';
import { isProblem, type HoldfastClient, type PlacedLine } from '../../client/client.ts';
import { HOT, ORDINARY } from './shop.ts';

/** Seconds a hold lasts in the demo: short, so that abandoned carts are seen to come back. */
const TTL_SECONDS_MIN = 5;
const TTL_SECONDS_SPREAD = 9;
/** A shopper thinks for up to this long before paying. */
const THINKING_MS = 4_000;
/** Of those who hold something: the share who pay, and the share who put it back. The others walk away. */
const PAYING = 0.62;
const PUTTING_BACK = 0.12;
/** Of those who were refused: the share who come back, and how long they wait. */
const STUBBORN = 0.35;
const SULKING_MS = 5_000;
/** Shares of shoppers who fill a cart, and of those who came for the sale. */
const CARTS = 0.12;
const SALE = 0.85;
/** Orders that wait to be shipped; beyond it the oldest stay allocated. */
const UNSHIPPED_MAX = 5_000;

export interface Order {
  readonly orderId: string;
  readonly lines: readonly PlacedLine[];
  readonly paidAtMs: number;
}

interface Floor {
  readonly client: HoldfastClient;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly sleep: (ms: number) => Promise<void>;
}

/** Everybody in the shop. */
export class Shoppers {
  readonly #floor: Floor;
  readonly unshipped: Order[] = [];
  #inside = 0;
  #asking = 0;
  #carts = 0;

  constructor(floor: Floor) {
    this.#floor = floor;
  }

  /** Shoppers between their first request and their last. */
  get inside(): number {
    return this.#inside;
  }

  /** Requests that have not been answered. */
  get asking(): number {
    return this.#asking;
  }

  /** Resolves when the shopper has left; rejects where the service failed. */
  async enter(): Promise<void> {
    this.#inside++;
    try {
      const { random } = this.#floor;
      if (chance(random, CARTS)) await this.#fillCart();
      else await this.#grab(this.#onething(), 1);
    } finally {
      this.#inside--;
    }
  }

  /** One item, held at once, perhaps paid; perhaps tried again. */
  async #grab(line: PlacedLine, attempt: number): Promise<void> {
    const { client, random, signal, sleep } = this.#floor;
    const held = await this.#ask(() => client.reservations.create({ lines: [line], ttlSeconds: this.#ttl() }, { signal }));
    if (held !== undefined) return this.#decide(held.id, [line]);
    if (attempt >= 3 || !chance(random, STUBBORN)) return;
    await sleep(1_000 + below(random, SULKING_MS));
    return this.#grab(line, attempt + 1);
  }

  /** A cart that grows by one line after another, as carts do. */
  async #fillCart(): Promise<void> {
    const { client, random, signal, sleep } = this.#floor;
    const cartId = `cart-${Date.now().toString(36)}-${++this.#carts}`;
    const lines = new Map<string, PlacedLine>();
    let id: string | undefined;
    const visits = 2 + below(random, 3);
    for (let visit = 0; visit < visits; visit++) {
      const wanted = this.#onething();
      const next = new Map(lines).set(wanted.sku, wanted);
      const held = await this.#ask(() => client.carts.put(cartId, { lines: [...next.values()], ttlSeconds: this.#ttl() }, { signal }));
      if (held !== undefined) {
        id = held.id;
        lines.set(wanted.sku, wanted);
      }
      await sleep(300 + below(random, 1_200));
    }
    if (id !== undefined) await this.#decide(id, [...lines.values()]);
  }

  async #decide(id: string, lines: readonly PlacedLine[]): Promise<void> {
    const { client, random, signal, sleep } = this.#floor;
    await sleep(500 + below(random, THINKING_MS));
    if (chance(random, PAYING)) {
      const paid = await this.#ask(() => client.reservations.confirm(id, {}, { signal }));
      if (paid?.orderId === undefined) return;
      if (this.unshipped.length >= UNSHIPPED_MAX) this.unshipped.shift();
      this.unshipped.push({ orderId: paid.orderId, lines, paidAtMs: Date.now() });
    } else if (chance(random, PUTTING_BACK / (1 - PAYING))) {
      await this.#ask(() => client.reservations.release(id, {}, { signal }));
    }
  }

  /** The answer, or undefined where the service refused for a reason of business: that is what shoppers expect. */
  async #ask<T>(request: () => Promise<T>): Promise<T | undefined> {
    this.#asking++;
    try {
      return await request();
    } catch (error) {
      if (isProblem(error) && error.status === 409) return undefined;
      throw error;
    } finally {
      this.#asking--;
    }
  }

  #onething(): PlacedLine {
    const { random } = this.#floor;
    const { sku } = chance(random, SALE) ? pick(random, HOT) : pick(random, ORDINARY);
    return { sku, quantity: chance(random, 0.75) ? 1 : 2 };
  }

  #ttl(): number {
    return TTL_SECONDS_MIN + below(this.#floor.random, TTL_SECONDS_SPREAD);
  }
}
