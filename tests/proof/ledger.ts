/**
 * What the service has promised, kept by another process than the service: every acknowledged hold, what became of
 * it, and every adjustment. What was asked and not answered is kept apart until it is known.
 */
import type { Reservation } from '../../src/client/client.ts';
import type { Reply, Request } from './ask.ts';

export type Units = ReadonlyMap<string, number>;

export type Intent =
  | { readonly kind: 'hold'; readonly cartId: string; readonly lines: Units }
  | { readonly kind: 'cart'; readonly cartId: string; readonly lines: Units }
  | { readonly kind: 'confirm'; readonly id: string; readonly lines: Units; readonly fulfil: boolean }
  | { readonly kind: 'release'; readonly id: string; readonly lines: Units; readonly whole: boolean }
  | { readonly kind: 'adjust'; readonly sku: string; readonly change: number; readonly reference: string };

export interface Operation {
  readonly request: Request;
  readonly intent: Intent;
}

type Answer = Reply & { readonly known: true };

export interface Hold {
  readonly id: string;
  readonly cartId: string;
  status: 'held' | 'confirmed' | 'released';
  lines: Units;
  fulfilled: boolean;
}

interface Level {
  readonly onHand: number;
  reserved: number;
  allocated: number;
}

/** The codes by which the business may refuse, per kind; anything else is a fault of the service. */
const REFUSALS = {
  hold: ['insufficient-stock'],
  cart: ['insufficient-stock'],
  // Shipping at once needs the goods, which a loss may have taken.
  confirm: ['insufficient-on-hand'],
  release: [],
  adjust: ['negative-stock'],
} as const satisfies Record<Intent['kind'], readonly string[]>;

export class Ledger {
  readonly holds = new Map<string, Hold>();
  readonly onHand = new Map<string, number>();
  /** Accepted adjustments that were not seen applied yet, by command. */
  readonly pending = new Map<string, Intent & { kind: 'adjust' }>();
  /** Adjustments that may have been accepted, and are not asked for again. */
  readonly doubtful = new Map<string, Intent & { kind: 'adjust' }>();
  readonly answered: { operation: Operation; answer: Answer }[] = [];
  readonly unanswered: Operation[] = [];
  readonly faults: string[] = [];
  readonly touched = new Set<string>();

  /** Writes down what was answered; gives the hold that it is about. */
  record(operation: Operation, reply: Reply): Hold | undefined {
    if (!reply.known) {
      this.unanswered.push(operation);
      return undefined;
    }
    this.answered.push({ operation, answer: reply });
    const { intent } = operation;
    if (reply.code === undefined) return this.#apply(intent, reply.body);
    if (!(REFUSALS[intent.kind] as readonly string[]).includes(reply.code)) this.faults.push(`${intent.kind} was refused with ${reply.status} ${reply.code}: ${JSON.stringify(operation.request)}`);
    return undefined;
  }

  #apply(intent: Intent, body: unknown): Hold | undefined {
    switch (intent.kind) {
      case 'hold':
      case 'cart': {
        const { id } = body as Reservation; // what these calls answer
        this.expectLines(body as Reservation, intent.lines);
        return this.held(id, intent.cartId, intent.lines);
      }
      case 'confirm':
        return this.confirmed(intent);
      case 'release':
        return this.released(intent);
      case 'adjust': {
        const { commandId, status } = body as { commandId: string; status: string }; // a command's resource
        if (status === 'applied') this.adjusted(intent);
        else this.pending.set(commandId, intent);
        return undefined;
      }
      default:
        return intent satisfies never;
    }
  }

  held(id: string, cartId: string, lines: Units): Hold {
    const hold: Hold = this.holds.get(id) ?? { id, cartId, status: 'held', lines, fulfilled: false };
    hold.lines = lines;
    this.holds.set(id, hold);
    this.touched.add(id);
    return hold;
  }

  confirmed({ id, lines, fulfil }: Intent & { kind: 'confirm' }): Hold {
    const hold = this.#hold(id);
    hold.status = 'confirmed';
    hold.lines = lines;
    hold.fulfilled = fulfil;
    if (fulfil) for (const [sku, quantity] of lines) this.#move(sku, -quantity);
    return hold;
  }

  released({ id, lines, whole }: Intent & { kind: 'release' }): Hold {
    const hold = this.#hold(id);
    if (whole) hold.status = 'released';
    else hold.lines = minus(hold.lines, lines);
    return hold;
  }

  adjusted({ sku, change }: Intent & { kind: 'adjust' }): void {
    this.#move(sku, change);
  }

  /** What the levels of SKUs ought to be, but for adjustments on their way. */
  levels(skus: readonly string[]): ReadonlyMap<string, Level> {
    const levels = new Map(skus.map((sku) => [sku, { onHand: this.onHand.get(sku) ?? 0, reserved: 0, allocated: 0 }]));
    for (const { status, lines, fulfilled } of this.holds.values()) {
      const bucket = status === 'held' ? 'reserved' : status === 'confirmed' && !fulfilled ? 'allocated' : undefined;
      if (bucket === undefined) continue;
      for (const [sku, quantity] of lines) {
        const level = levels.get(sku);
        if (level) level[bucket] += quantity;
      }
    }
    return levels;
  }

  /** By how much a SKU may differ from its level because of adjustments on their way: from, to. */
  slackOf(sku: string): readonly [number, number] {
    let [from, to] = [0, 0];
    for (const intent of [...this.pending.values(), ...this.doubtful.values()]) {
      if (intent.sku !== sku) continue;
      from += Math.min(0, intent.change);
      to += Math.max(0, intent.change);
    }
    return [from, to];
  }

  /** Whether a reservation is what was promised; says what is wrong. */
  expectHold(hold: Hold, seen: Reservation): void {
    if (seen.status !== hold.status) this.faults.push(`${hold.id} is ${seen.status}, and was acknowledged as ${hold.status}`);
    else if (hold.status !== 'released') this.expectLines(seen, hold.lines);
  }

  expectLines(seen: Reservation, lines: Units): void {
    if (!sameUnits(unitsOf(seen), lines)) this.faults.push(`${seen.id} has ${JSON.stringify(seen.lines)}, and ${JSON.stringify([...lines])} was asked for`);
  }

  #hold(id: string): Hold {
    const hold = this.holds.get(id);
    if (!hold) throw new Error(`the ledger has no hold ${id}`);
    this.touched.add(id);
    return hold;
  }

  #move(sku: string, change: number): void {
    this.onHand.set(sku, (this.onHand.get(sku) ?? 0) + change);
  }
}

/** What a reservation holds per SKU; lines without units count for nothing. */
export function unitsOf(reservation: Reservation): Units {
  const units = new Map<string, number>();
  for (const { sku, quantity } of reservation.lines) if (quantity > 0) units.set(sku, (units.get(sku) ?? 0) + quantity);
  return units;
}

export function sameUnits(a: Units, b: Units): boolean {
  return a.size === b.size && [...a].every(([sku, quantity]) => b.get(sku) === quantity);
}

export function minus(a: Units, b: Units): Units {
  return new Map([...a].map(([sku, quantity]) => [sku, quantity - (b.get(sku) ?? 0)] as const).filter(([, quantity]) => quantity > 0));
}
