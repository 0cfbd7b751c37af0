import { isProblem, type Adjustment, type BatchAccepted, type HoldfastClient, type Reservation } from '../../client/client.ts';
import type { Invoice } from './invoices.ts';
import { Latencies } from './latencies.ts';
import type { SalesLine } from './sales-file.ts';

/** What came of a file so far. Quantities are units. */
export interface Takings {
  orders: number;
  holds: number;
  sold: number;
  refused: number;
  ordersRefused: number;
  returned: number;
  writtenOff: number;
  /** Adjustments that the service refused, such as writing off more than is there. */
  adjustmentsRefused: number;
}

/** The service takes this many lines in a hold, and this many adjustments in a JSON array. */
const HOLD_LINES_MAX = 500;
const ADJUSTMENTS_MAX = 1_000;
/** Long enough for any pause between hold and confirmation but that of a killed replay, which then holds again. */
const HOLD_TTL_SECONDS = 3_600;
const HOLD_ATTEMPTS_MAX = 3;
/** Batches whose outcome has not been asked for yet. */
const OPEN_BATCHES_MAX = 64;
const BATCH_POLL_MS = 100;

interface TillOptions {
  readonly client: HoldfastClient;
  /** Begins every Idempotency-Key: names the file. */
  readonly prefix: string;
  /** Whether an order takes what there is, or all or nothing. */
  readonly orders: 'partial' | 'whole';
  readonly signal: AbortSignal;
}

/** Turns invoices into holds, confirmations and adjustments. Doing one again, also in another process, changes nothing. */
export class Till {
  readonly takings: Takings = { orders: 0, holds: 0, sold: 0, refused: 0, ordersRefused: 0, returned: 0, writtenOff: 0, adjustmentsRefused: 0 };
  readonly holding = new Latencies();
  readonly confirming = new Latencies();
  readonly #options: TillOptions;
  #openBatches: string[] = [];

  constructor(options: TillOptions) {
    this.#options = options;
  }

  async ring(invoice: Invoice): Promise<void> {
    let granted = 0;
    // One after another: they confirm onto the same order.
    for (let from = 0; from < invoice.sold.length; from += HOLD_LINES_MAX) granted += await this.#sell(invoice.number, invoice.sold.slice(from, from + HOLD_LINES_MAX));
    if (granted > 0) this.takings.orders++;
    else if (invoice.sold.length > 0) this.takings.ordersRefused++;
    await this.#adjust(invoice);
  }

  /** Waits until the service has applied every adjustment. */
  async close(): Promise<void> {
    while (this.#openBatches.length > 0) await this.#settleOldest();
  }

  /** Adjustments that are applied before this resolves. */
  async book(lines: readonly (Adjustment & { readonly sku: string })[], key: string): Promise<void> {
    const { client, prefix, signal } = this.#options;
    await this.#follow(await client.adjustMany(lines, { idempotencyKey: `${prefix}-${key}`, signal }));
    await this.close();
  }

  async #sell(orderId: string, lines: readonly SalesLine[]): Promise<number> {
    const asked = unitsOf(lines);
    const held = await this.#hold(orderId, lines);
    const granted = held === undefined ? 0 : held.lines.reduce((sum, line) => sum + line.quantity, 0);
    this.takings.sold += granted;
    this.takings.refused += asked - granted;
    return granted;
  }

  /** A confirmed reservation, or undefined where there is nothing to be had. */
  async #hold(orderId: string, lines: readonly SalesLine[]): Promise<Reservation | undefined> {
    const line = lines[0]?.line ?? 0;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#holdAndConfirm(orderId, lines, `${this.#options.prefix}-${line}-${attempt}`);
      } catch (error) {
        if (isProblem(error, 'insufficient-stock')) return undefined;
        // Held by a replay that was stopped here, and taken up again too late.
        if (!isProblem(error, 'reservation-expired') || attempt >= HOLD_ATTEMPTS_MAX) throw error;
      }
    }
  }

  async #holdAndConfirm(orderId: string, lines: readonly SalesLine[], key: string): Promise<Reservation | undefined> {
    const { client, orders, signal } = this.#options;
    const wanted = lines.map(({ sku, quantity }) => ({ sku, quantity }));
    const input = { lines: wanted, ttlSeconds: HOLD_TTL_SECONDS, ...(orders === 'partial' ? { partial: true } : undefined) };
    const began = performance.now();
    const held = await client.reservations.create(input, { idempotencyKey: `${key}-hold`, signal });
    this.holding.add(performance.now() - began);
    this.takings.holds++;
    const heldAt = performance.now();
    try {
      await client.reservations.confirm(held.id, { orderId, fulfil: true }, { idempotencyKey: `${key}-confirm`, signal });
    } catch (error) {
      if (!isProblem(error, 'insufficient-on-hand')) throw error;
      // What was held for this order was written off meanwhile: it cannot be shipped, and the rest goes back.
      await client.reservations.release(held.id, {}, { idempotencyKey: `${key}-release`, signal });
      return undefined;
    }
    this.confirming.add(performance.now() - heldAt);
    return held;
  }

  async #adjust(invoice: Invoice): Promise<void> {
    const { client, prefix, signal } = this.#options;
    const lines = [
      ...invoice.returned.map((line) => ({ sku: line.sku, change: -line.quantity, reason: 'returned' as const, reference: invoice.number })),
      ...invoice.writtenOff.map((line) => ({ sku: line.sku, change: line.quantity, reason: whyGone(line.name), reference: invoice.number })),
    ];
    for (let from = 0; from < lines.length; from += ADJUSTMENTS_MAX) {
      const key = `${prefix}-${invoice.line}-adjust-${from}`;
      await this.#follow(await client.adjust(lines.slice(from, from + ADJUSTMENTS_MAX), { idempotencyKey: key, signal }));
    }
    this.takings.returned -= unitsOf(invoice.returned);
    this.takings.writtenOff -= unitsOf(invoice.writtenOff);
  }

  async #follow({ batchId, rejected }: BatchAccepted): Promise<void> {
    this.takings.adjustmentsRefused += rejected.length;
    this.#openBatches.push(batchId);
    if (this.#openBatches.length > OPEN_BATCHES_MAX) await this.#settleOldest();
  }

  async #settleOldest(): Promise<void> {
    const batchId = this.#openBatches.shift();
    if (batchId === undefined) return;
    const { client, signal } = this.#options;
    for (;;) {
      const { pending, refused } = await client.commands.batch(batchId, { signal });
      if (pending === 0) {
        this.takings.adjustmentsRefused += refused;
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, BATCH_POLL_MS));
    }
  }
}

function unitsOf(lines: readonly SalesLine[]): number {
  return lines.reduce((sum, line) => sum + line.quantity, 0);
}

/** Such lines carry a clerk's remark instead of a name. */
function whyGone(remark: string): 'damaged' | 'lost' {
  return /damage|faulty|broken|crush|wet|smash|rust|mould|throw/i.test(remark) ? 'damaged' : 'lost';
}
