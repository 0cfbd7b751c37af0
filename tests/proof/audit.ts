/** Holds the service to the ledger: after each restart, everything that was acknowledged, and nothing else. */
import { isProblem, type CommandStatus, type HoldfastClient, type Page, type Reservation } from '../../src/client/client.ts';
import { chance, below, pick, type Random } from '../../src/base/random.ts';
import { ask, askUntilAnswered, forEach } from './ask.ts';
import { Books } from './books.ts';
import { sameUnits, unitsOf, minus, type Intent, type Ledger, type Operation } from './ledger.ts';

const WIDTH = 16;

/** The three numbers that are zero, and what stands behind them. */
export interface Verdict {
  oversoldUnits: number;
  lostHolds: number;
  factsThatDoNotAddUp: number;
}

export class Audit {
  readonly books = new Books();
  readonly verdict: Verdict = { oversoldUnits: 0, lostHolds: 0, factsThatDoNotAddUp: 0 };
  readonly #ledger: Ledger;
  readonly #random: Random;
  readonly #skus: readonly string[];

  constructor(ledger: Ledger, random: Random, skus: readonly string[]) {
    this.#ledger = ledger;
    this.#random = random;
    this.#skus = skus;
  }

  /** Everything that can be known at once after a restart. */
  async afterRestart(client: HoldfastClient): Promise<void> {
    await this.#resolveUnanswered(client);
    await this.#repeatSome(client);
    await this.#lookAtHolds(client, this.#ledger.touched);
    this.#ledger.touched.clear();
    // The service's own check adds up all that ever happened to an item: of one of them each time.
    await this.#closeBooks(client, [pick(this.#random, this.#skus)]);
  }

  /** Waits for the queue besides, then looks at everything that was ever promised. */
  async whole(client: HoldfastClient): Promise<void> {
    await this.#settleAdjustments(client);
    await this.#lookAtHolds(client, this.#ledger.holds.keys());
    await this.#lookForStrangers(client);
    await this.#closeBooks(client, this.#skus);
  }

  /** Requests without an answer: most are made again with their key, others are looked at from outside. */
  async #resolveUnanswered(client: HoldfastClient): Promise<void> {
    const operations = this.#ledger.unanswered.splice(0);
    await forEach(operations, WIDTH, async (operation) => {
      if (chance(this.#random, 0.7)) {
        const reply = await askUntilAnswered(client, { ...operation.request, ...(operation.request.prefer === undefined ? undefined : { prefer: 'wait=1' }) });
        this.#ledger.record(operation, reply);
      } else await this.#observe(client, operation);
    });
  }

  /** Nobody asks again: it was done wholly and once, or not at all. */
  async #observe(client: HoldfastClient, { intent, request }: Operation): Promise<void> {
    const ledger = this.#ledger;
    switch (intent.kind) {
      case 'adjust':
        ledger.doubtful.set(intent.reference, intent);
        return;
      case 'hold':
      case 'cart': {
        const seen = await this.#cartOf(client, intent.cartId);
        const before = seen && ledger.holds.get(seen.id);
        if (!seen || (before && sameUnits(before.lines, unitsOf(seen)) && before.status === seen.status)) return;
        ledger.expectLines(seen, intent.lines);
        if (seen.status !== 'held') ledger.faults.push(`${seen.id} is ${seen.status} although only ${request.method} was asked`);
        ledger.held(seen.id, intent.cartId, intent.lines);
        return;
      }
      case 'confirm':
      case 'release':
        return this.#observeStep(client, intent);
      default:
        intent satisfies never;
    }
  }

  async #observeStep(client: HoldfastClient, intent: Intent & { kind: 'confirm' | 'release' }): Promise<void> {
    const before = this.#ledger.holds.get(intent.id);
    const seen = await client.reservations.get(intent.id);
    if (!before || (seen.status === before.status && sameUnits(unitsOf(seen), before.lines))) return;
    const asked = intent.kind === 'confirm' ? { status: 'confirmed', lines: intent.lines } : intent.whole ? { status: 'released', lines: undefined } : { status: 'held', lines: minus(before.lines, intent.lines) };
    if (seen.status !== asked.status || (asked.lines && !sameUnits(unitsOf(seen), asked.lines))) {
      this.#ledger.faults.push(`${intent.kind} without an answer was done in part: ${JSON.stringify(seen)}`);
    }
    if (intent.kind === 'confirm') this.#ledger.confirmed(intent);
    else this.#ledger.released(intent);
  }

  /** The one reservation of a cart, whatever became of it. */
  async #cartOf(client: HoldfastClient, cartId: string): Promise<Reservation | undefined> {
    const { items } = await this.#list(client, { cartId, limit: '10' });
    const live = items.filter(({ id, status }) => status === 'held' || !this.#ledger.holds.has(id));
    if (live.length > 1) this.#ledger.faults.push(`the cart ${cartId} has ${live.length} reservations: ${JSON.stringify(live)}`);
    return live[0];
  }

  /** Lists follow the log a moment later: a cursor of now makes them wait until they have it all. */
  async #list(client: HoldfastClient, query: Readonly<Record<string, string>>): Promise<Page<Reservation>> {
    const { cursor } = await client.operation.system() as { cursor: string }; // as the page of the operation says
    for (let attempt = 1; ; attempt++) {
      try {
        return await client.request('GET', '/v1/reservations', { query, after: cursor });
      } catch (error) {
        if (!isProblem(error, 'view-behind') || attempt === 20) throw error;
      }
    }
  }

  /** The identical request again: the first answer again. */
  async #repeatSome(client: HoldfastClient): Promise<void> {
    const { answered, faults } = this.#ledger;
    const chosen = Array.from({ length: Math.min(10, answered.length) }, () => answered[below(this.#random, answered.length)]);
    await forEach(chosen, WIDTH, async (one) => {
      if (!one) return;
      const { operation, answer } = one;
      const again = await askUntilAnswered(client, { ...operation.request, ...(operation.request.prefer === undefined ? undefined : { prefer: 'wait=1' }) });
      const same = operation.intent.kind === 'adjust' ? sameCommand(again.body, answer.body) : JSON.stringify(again.body) === JSON.stringify(answer.body) && again.status === answer.status;
      if (!same || !again.replayed) faults.push(`${JSON.stringify(operation.request)} was answered ${JSON.stringify(answer)}, and again ${JSON.stringify(again)}`);
    });
  }

  async #lookAtHolds(client: HoldfastClient, ids: Iterable<string>): Promise<void> {
    await forEach([...ids], WIDTH, async (id) => {
      const hold = this.#ledger.holds.get(id);
      if (!hold) return;
      const before = this.#ledger.faults.length;
      const reply = await ask(client, { method: 'GET', path: `/v1/reservations/${id}` });
      if (!reply.known || reply.code !== undefined) this.#ledger.faults.push(`the acknowledged hold ${id} is gone: ${JSON.stringify(reply)}`);
      else this.#ledger.expectHold(hold, reply.body as Reservation); // what this path answers
      if (this.#ledger.faults.length > before) this.verdict.lostHolds++;
    });
  }

  /** Waits until every accepted adjustment was applied or refused, then knows which of the doubtful ones happened. */
  async #settleAdjustments(client: HoldfastClient): Promise<void> {
    const { pending, doubtful, faults } = this.#ledger;
    await forEach([...pending], WIDTH, async ([commandId, intent]) => {
      const command = await settled(client, commandId);
      if (command.status === 'applied') this.#ledger.adjusted(intent);
      else if (command.status === 'accepted') faults.push(`the accepted adjustment ${commandId} was not applied in time`);
      else if (command.problem?.['code'] !== 'negative-stock') faults.push(`the accepted adjustment ${commandId} was refused: ${JSON.stringify(command.problem)}`);
      pending.delete(commandId);
    });
    await drained(client);
    await this.books.readOn(client);
    for (const [reference, intent] of doubtful) if (this.books.adjustments.has(reference)) this.#ledger.adjusted(intent);
    doubtful.clear();
  }

  /** Reservations that nobody asked for, or that were made twice. */
  async #lookForStrangers(client: HoldfastClient): Promise<void> {
    let cursor: string | null = null;
    let found = 0;
    do {
      const page: Page<Reservation> = await this.#list(client, { limit: '500', ...(cursor === null ? undefined : { cursor }) });
      for (const { id } of page.items) if (!this.#ledger.holds.has(id)) this.#ledger.faults.push(`nobody was promised ${id}`);
      found += page.items.length;
      cursor = page.nextCursor;
    } while (cursor !== null);
    if (found !== this.#ledger.holds.size) this.#ledger.faults.push(`${found} reservations are listed and ${this.#ledger.holds.size} were made`);
    for (const [line, times] of this.books.made) if (times !== 1) this.#ledger.faults.push(`${line} was held ${times} times`);
    for (const [reference, times] of this.books.adjustments) if (times !== 1) this.#ledger.faults.push(`the adjustment ${reference} was applied ${times} times`);
  }

  /** Ledger, feed, levels and, for some items, the service's own check agree. */
  async #closeBooks(client: HoldfastClient, checked: readonly string[]): Promise<void> {
    const levels = this.#ledger.levels(this.#skus);
    for (const [sku, expected] of levels) {
      const [from, to] = this.#ledger.slackOf(sku);
      const seen = await client.items.availability(sku);
      const right = seen.reserved === expected.reserved && seen.allocated === expected.allocated && seen.onHand >= expected.onHand + from && seen.onHand <= expected.onHand + to;
      if (!right) this.#bookError(`${sku}: the ledger has ${JSON.stringify(expected)} (${from} to ${to} on the way), the service says ${JSON.stringify(seen)}`);
    }
    for (const sku of checked) {
      const check = await client.items.check(sku);
      if (!check.ok || check.levels.some(({ difference }) => difference !== 0)) this.#bookError(`${sku}: the check is not ok: ${JSON.stringify(check)}`);
    }
    await this.books.readOn(client);
    for (const [sku, expected] of levels) {
      const [from, to] = this.#ledger.slackOf(sku);
      const facts = this.books.levelOf(sku);
      const right = facts.reserved === expected.reserved && facts.allocated === expected.allocated && facts.onHand >= expected.onHand + from && facts.onHand <= expected.onHand + to;
      if (!right) this.#bookError(`${sku}: the ledger has ${JSON.stringify(expected)}, the facts of the feed add up to ${JSON.stringify(facts)}`);
    }
    for (const fault of this.books.faults.splice(0)) this.#bookError(fault);
    this.verdict.oversoldUnits = this.books.oversold;
  }

  #bookError(fault: string): void {
    this.verdict.factsThatDoNotAddUp++;
    this.#ledger.faults.push(fault);
  }
}

function sameCommand(a: unknown, b: unknown): boolean {
  const id = (body: unknown): unknown => (body as { commandId?: unknown }).commandId; // looked at before use
  // A refusal has no command: the answer is a problem, which must be the same.
  return id(a) === undefined && id(b) === undefined ? JSON.stringify(a) === JSON.stringify(b) : id(a) === id(b);
}

async function settled(client: HoldfastClient, commandId: string): Promise<CommandStatus> {
  for (let attempt = 1; ; attempt++) {
    const command = await client.commands.get(commandId);
    if (command.status !== 'accepted' || attempt === 450) return command;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Waits until no accepted work is left: what a killed server had claimed is handed out again when its lease has run out. */
export async function drained(client: HoldfastClient): Promise<void> {
  for (let attempt = 1; attempt <= 450; attempt++) {
    const queues = await client.operation.queues();
    if (queues.every(({ ready, scheduled, inFlight }) => ready + scheduled + inFlight === 0)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the command queue did not drain');
}
