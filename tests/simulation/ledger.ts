/** What was acknowledged, kept outside of everything that can crash, and what has to be true of the facts because of it. */
import type { Command } from '../../src/processes/processes.ts';
import type { InventoryEvent, Transfer } from '../../src/rooms/inventory/inventory.ts';
import { canonicalJson, type Json } from '../../src/base/json.ts';
import type { Outcome } from '../../src/runtime/runtime.ts';
import type { Node } from './node.ts';
import { SKUS, type Known } from './shoppers.ts';

/** One thing that somebody asked for, once or more often. */
export interface Order {
  readonly number: number;
  readonly command: Command;
  /** Without one it is asked for once only. */
  readonly key: string | undefined;
  /** The answer, as text: the first, or the one that is remembered. */
  answer: string | undefined;
  /** What makes no sense is not remembered: asked again later, it may make some. */
  isRemembered: boolean;
  /** It is known that nothing of it was stored. */
  refused: boolean;
  sent: number;
  doubt: boolean;
  /** Those that were asked and have not answered yet. */
  open: Node[];
}

export interface Adjustment {
  readonly id: string;
  readonly sku: string;
  readonly location: string;
  readonly change: number;
  pending: boolean;
  acknowledged: boolean;
}

/** Commands after which a hold need not be as it was. */
const TOUCHING: ReadonlySet<string> = new Set(['ExtendReservation', 'EditReservation', 'MoveReservation', 'ReleaseReservation', 'ConfirmReservation']);

export class Ledger implements Known {
  readonly errors: string[] = [];
  readonly holds: string[] = [];
  readonly drafts = new Set<string>();
  readonly onWay = new Map<string, readonly string[]>();
  /** When each hold was last said to run out. */
  readonly ends = new Map<string, number>();
  readonly counts = { acknowledged: 0, refused: 0, doubtful: 0, replayed: 0 };
  readonly #orders: Order[] = [];
  readonly #adjustments: Adjustment[] = [];
  readonly #touched = new Set<string>();
  #carts = 0;

  nextCart(): string {
    return `own${++this.#carts}`;
  }

  order(command: Command, withKey: boolean): Order {
    const number = this.#orders.length + 1;
    const order: Order = { number, command, key: withKey ? `k/${number}` : undefined, answer: undefined, isRemembered: false, refused: false, sent: 0, doubt: false, open: [] };
    this.#orders.push(order);
    if (TOUCHING.has(command.type)) this.#touched.add((command as { id: string }).id);
    return order;
  }

  /** Nobody was there to ask. */
  lost(order: Order): void {
    if (order.key === undefined) order.refused = true;
    else order.doubt = true;
  }

  sent(order: Order, node: Node): void {
    order.sent++;
    order.open.push(node);
  }

  answered(order: Order, node: Node, { replayed, ...outcome }: Outcome & { replayed: boolean }): void {
    const answer = canonicalJson(outcome as unknown as Json); // an outcome is plain JSON
    this.#close(order, node);
    if (replayed) this.counts.replayed++;
    const remembered = isRemembered(outcome);
    if (order.answer !== answer && order.isRemembered && remembered) this.errors.push(`order ${order.number} was answered ${order.answer} and then ${answer}`);
    const first = order.answer === undefined;
    if (first || remembered) order.answer = answer;
    order.isRemembered ||= remembered;
    if (first) {
      if (outcome.ok) this.counts.acknowledged++;
      else this.counts.refused++;
    }
    order.doubt = false;
    const id = outcome.ok ? this.idIn(outcome.answer) : undefined;
    if (id !== undefined && !this.holds.includes(id)) this.holds.push(id);
    if (outcome.ok && idOf(outcome.answer, 'trf_') !== undefined) this.#noteTransfer(outcome.answer as unknown as Transfer);
    const end = outcome.ok ? endIn(outcome.answer) : undefined;
    if (id !== undefined && end !== undefined) this.ends.set(id, end);
  }

  #noteTransfer({ id, status, lines }: Pick<Transfer, 'id' | 'status' | 'lines'>): void {
    if (status === 'draft') this.drafts.add(id);
    else this.drafts.delete(id);
    if (status === 'in-transit' || status === 'partially-received') this.onWay.set(id, lines.filter(({ shipped, received }) => received < shipped).map(({ sku }) => sku));
    else this.onWay.delete(id);
  }

  /** An attempt failed: with some faults it is known that nothing happened, with the others nothing is known. */
  failed(order: Order, node: Node, code: string): void {
    this.#close(order, node);
    this.counts.doubtful++;
    const nothing = code === 'storage-full' || code === 'overloaded';
    if (order.key !== undefined) order.doubt = order.answer === undefined;
    else if (nothing) order.refused = true;
  }

  /** A process stands still: who waits for it asks again, perhaps another, while nobody knows what comes of the first time. */
  impatient(node: Node): void {
    for (const order of this.#orders) if (order.key !== undefined && order.answer === undefined && order.open.includes(node)) order.doubt = true;
    for (const adjustment of this.#adjustments) if (!adjustment.acknowledged) adjustment.pending = false;
  }

  /** A process is gone: what it was asked stays unanswered. */
  gone(node: Node): void {
    for (const order of this.#orders) {
      if (!order.open.includes(node)) continue;
      order.open = order.open.filter((one) => one !== node);
      if (order.answer === undefined && order.key !== undefined) order.doubt = true;
    }
    for (const adjustment of this.#adjustments) if (!adjustment.acknowledged) adjustment.pending = false;
  }

  repeatable(): Order[] {
    return this.#orders.filter((order) => order.key !== undefined && (order.doubt || order.answer !== undefined)).slice(-40);
  }

  doubtful(): Order[] {
    return this.#orders.filter((order) => order.key !== undefined && order.doubt && order.answer === undefined);
  }

  get waiting(): number {
    return this.doubtful().length + this.unacknowledged().length;
  }

  /** What living nodes were asked and never answered, neither with an outcome nor with a fault. */
  get hanging(): number {
    return this.#orders.filter((order) => order.open.length > 0).length + this.#adjustments.filter((one) => one.pending && !one.acknowledged).length;
  }

  /** The next delivery of a lane, or the last one again where nobody knows whether it arrived. */
  nextAdjustment(sku: string, location: string, change: number): Adjustment | undefined {
    const last = this.#adjustments.findLast((one) => one.sku === sku);
    if (last?.pending === true) return undefined;
    if (last && !last.acknowledged) return last;
    const adjustment: Adjustment = { id: `delivery-${sku}-${this.#adjustments.length + 1}`, sku, location, change, pending: false, acknowledged: false };
    this.#adjustments.push(adjustment);
    return adjustment;
  }

  unacknowledged(): Adjustment[] {
    return this.#adjustments.filter((one) => !one.acknowledged && !one.pending);
  }

  #close(order: Order, node: Node): void {
    const index = order.open.indexOf(node);
    if (index >= 0) order.open.splice(index, 1);
  }

  idIn(answer: Json): string | undefined {
    return idOf(answer, 'res_');
  }

  /** Where facts and acknowledgements do not agree. */
  compare(facts: readonly InventoryEvent[], answered: readonly string[], now: number): string[] {
    return [...this.#compareHolds(facts, now), ...this.#compareAdjustments(facts), ...this.#compareKeys(answered)];
  }

  /** Every order for a hold of its own has as many holds as it was acknowledged: one or none, and as it was told. */
  #compareHolds(facts: readonly InventoryEvent[], now: number): string[] {
    const made = new Map<string, Set<string>>();
    const ended = new Map<string, string>();
    const units = new Map<string, number>();
    for (const { type, key, data, time } of facts) {
      if (type === 'inventory.reservation.held' && data.cartId !== undefined) {
        made.set(data.cartId, (made.get(data.cartId) ?? new Set()).add(data.reservationId));
        const name = `${data.reservationId} ${key}`;
        if (!units.has(name)) units.set(name, data.quantity); // what comes later somebody changed
      }
      if (type === 'inventory.reservation.released' || type === 'inventory.reservation.confirmed') ended.set(data.reservationId, type);
      if (type === 'inventory.reservation.expired' && !(data.expiresAt <= time && data.expiresAt <= now)) ended.set(data.reservationId, type);
    }
    return this.#orders.flatMap((order): string[] => {
      const { command, answer, number, key, sent, refused } = order;
      if (command.type !== 'ReserveStock') return [];
      const ids = [...(made.get(command.cartId ?? '') ?? [])];
      const name = `order ${number} (${command.cartId})`;
      if (ids.length > 1) return [`${name} made ${ids.length} holds: it was sent ${sent} times with ${key ?? 'no key'}`];
      const outcome = answer === undefined ? undefined : (JSON.parse(answer) as Outcome);
      if (outcome === undefined) return refused && ids.length > 0 ? [`${name} was said to have failed and made ${ids.join()}`] : [];
      if (!outcome.ok) return ids.length > 0 ? [`${name} was refused and made ${ids.join()}`] : [];
      const id = this.idIn(outcome.answer) ?? '';
      if (ids[0] !== id) return [`${name} was acknowledged as ${id}, which is lost; there is ${ids.join() || 'nothing'}`];
      const end = this.#touched.has(id) ? undefined : ended.get(id);
      const { lines } = outcome.answer as unknown as { lines: AnsweredLine[] }; // a reservation
      const wrong = [...unitsOf(lines)].filter(([sku, some]) => units.get(`${id} i/${sku}`) !== some);
      return [...(end === undefined ? [] : [`${id} was ended by ${end}, which nobody asked for`]), ...wrong.map(([sku]) => `${id} holds ${units.get(`${id} i/${sku}`)} of ${sku}, not what was acknowledged`)];
    });
  }

  /** Every delivery that was put arrives once, those of one item in their order. */
  #compareAdjustments(facts: readonly InventoryEvent[]): string[] {
    const arrived = new Map<string, string[]>(SKUS.map((sku) => [sku, []]));
    for (const { type, key, data } of facts) {
      if (type === 'inventory.stock.adjusted' && data.reference?.startsWith('delivery-') === true) arrived.get(key.slice(2))?.push(data.reference);
    }
    return SKUS.flatMap((sku) => {
      const put = this.#adjustments.filter((one) => one.sku === sku).map(({ id }) => id);
      const seen = arrived.get(sku) ?? [];
      return put.slice(0, seen.length).join() === seen.join() ? [] : [`deliveries of ${sku} arrived as ${seen.join()}, and were put as ${put.join()}`];
    });
  }

  /** At the end nothing that was acknowledged is still to come. */
  missingAdjustments(facts: readonly InventoryEvent[]): string[] {
    const arrived = new Set(facts.flatMap(({ type, data }) => (type === 'inventory.stock.adjusted' && data.reference !== undefined ? [data.reference] : [])));
    return this.#adjustments.filter(({ id, acknowledged }) => acknowledged && !arrived.has(id)).map(({ id }) => `${id} was accepted and never arrived`);
  }

  /** A key is answered once. */
  #compareKeys(answered: readonly string[]): string[] {
    const seen = new Set<string>();
    return answered.flatMap((key) => {
      const again = seen.has(key);
      seen.add(key);
      return again ? [`${key} was decided twice`] : [];
    });
  }
}

function idOf(answer: Json, prefix: 'res_' | 'trf_'): string | undefined {
  const { id, reservation } = (answer ?? {}) as { id?: unknown; reservation?: { id?: unknown } }; // answers are objects or null
  const found = reservation?.id ?? id;
  return typeof found === 'string' && found.startsWith(prefix) ? found : undefined;
}

/** Units of each item that lines come to, bundles opened. */
function unitsOf(lines: readonly AnsweredLine[]): Map<string, number> {
  const units = new Map<string, number>();
  for (const { sku, quantity, components = [{ sku, quantity: 1 }] } of lines) {
    for (const part of components) units.set(part.sku, (units.get(part.sku) ?? 0) + quantity * part.quantity);
  }
  return units;
}

interface AnsweredLine {
  readonly sku: string;
  readonly quantity: number;
  readonly components?: readonly { readonly sku: string; readonly quantity: number }[];
}

function endIn(answer: Json): number | undefined {
  const { expiresAt, reservation } = (answer ?? {}) as { expiresAt?: unknown; reservation?: { expiresAt?: unknown } }; // answers are objects or null
  const found = reservation?.expiresAt ?? expiresAt;
  return typeof found === 'string' ? Date.parse(found) : undefined;
}

/** Bad input is decided anew each time it comes. */
function isRemembered(outcome: Outcome): boolean {
  return outcome.ok || outcome.refusal.kind !== 'invalid';
}
