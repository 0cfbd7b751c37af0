/** Those who wait for units, and how free units come to them: the oldest first, unit by unit. */
import { bump, partsOf, skusOf, unbind, type Line, type Part } from './lines.ts';
import type { Aside, Hold, Order, Shop, Wait } from './shop.ts';

/** The units of lines that wait, those that must come from one place first, place by place. */
export function waitsOf(lines: readonly Line[], sku: string, since: number): Wait[] {
  const bounds = lines.filter((line) => partsOf([line], sku).some(({ backordered }) => backordered > 0)).flatMap(({ location }) => location ?? []);
  return [...new Set(bounds), undefined].flatMap((bound) =>
    partsOf(lines.filter(({ location }) => location === bound), sku).flatMap(({ backordered }) => Array.from({ length: backordered }, () => ({ since, bound }))),
  );
}

/** Notes which items a hold waits for, and since when. */
export function waitsNow(shop: Shop, hold: Hold): void {
  for (const sku of new Set([...hold.since.keys(), ...skusOf(hold.lines)])) {
    if (waitsOf(hold.lines, sku, 0).length === 0) hold.since.delete(sku);
    else if (!hold.since.has(sku)) hold.since.set(sku, shop.turn);
  }
}

/** Of an order's units that wait one is no more needed: the newest that may come from anywhere, else the newest. */
export function dropWait({ waits }: Order, sku: string): void {
  const mine = waits.get(sku) ?? [];
  const index = mine.findLastIndex(({ bound }) => bound === undefined);
  mine.splice(index < 0 ? mine.length - 1 : index, 1);
}

/** Plans for a wish behind those who waited for its items before it: where it is refused after all, they wait as before. */
export function planBehindOlder(shop: Shop, skus: Iterable<string>, own: readonly Hold[], how: (aside: Aside) => Line[] | string): Line[] | string {
  const [holds, orders] = [structuredClone(shop.holds), structuredClone(shop.orders)];
  const aside = new Set(own.map(({ id }) => id));
  for (const sku of new Set(skus)) {
    const before = Math.min(...own.map((hold) => hold.since.get(sku) ?? Number.POSITIVE_INFINITY));
    const { met, last } = meet(shop, sku, aside, before);
    for (const id of met) shop.met.add(id);
    // What the asker gives up may be for whom got a part only.
    if (own.length > 0 && last === 'got a part') shop.later.add(sku);
  }
  const lines = how(aside);
  if (typeof lines === 'string') {
    shop.holds = holds;
    shop.orders = orders;
  }
  return lines;
}

interface Queued {
  readonly id: string;
  readonly wait: Wait;
  place(location: string): void;
}

/** Gives free units to the promises that wait; says which got some, and whether the last of them still lacks some. */
export function meet(shop: Shop, sku: string, except: ReadonlySet<string>, before = Number.POSITIVE_INFINITY): { met: Set<string>; last: 'got a part' | 'got all' } {
  const free = new Map(shop.inOrder({}, () => 0).map((place) => [place, shop.free(sku, place)]));
  const met = new Set<string>();
  const lacking = queueFor(shop, sku, except);
  let last: Queued | undefined;
  for (const queued of [...lacking]) {
    const { id, wait, place } = queued;
    const from = [...free.keys()].find((location) => (free.get(location) ?? 0) > 0 && (wait.bound === undefined || wait.bound === location));
    if (from === undefined || wait.since >= before) continue;
    free.set(from, (free.get(from) ?? 0) - 1);
    place(from);
    met.add(id);
    lacking.splice(lacking.indexOf(queued), 1);
    last = queued;
  }
  for (const hold of shop.holds) if (met.has(hold.id)) waitsNow(shop, hold);
  const stillLacks = lacking.some(({ id, wait }) => id === last?.id && wait.since === last.wait.since && wait.bound === last.wait.bound);
  return { met, last: stillLacks ? 'got a part' : 'got all' };
}

function queueFor(shop: Shop, sku: string, except: ReadonlySet<string>): Queued[] {
  const held = shop.liveHolds(except).flatMap((hold) => waitsOf(hold.lines, sku, hold.since.get(sku) ?? 0).map((wait): Queued => ({ id: hold.id, wait, place: (location) => placeOnHold(hold, sku, wait, location) })));
  const ordered = [...shop.orders].filter(([id]) => !except.has(id)).flatMap(([id, order]) => (order.waits.get(sku) ?? []).map((wait): Queued => ({ id, wait, place: (location) => placeOnOrder(order, sku, wait, location) })));
  return [...held, ...ordered].sort((a, b) => a.wait.since - b.wait.since);
}

function placeOnHold(hold: Hold, sku: string, wait: Wait, location: string): void {
  const line = hold.lines.find((one) => one.location === wait.bound && waitingPart(one, sku)) as Line; // it waits, so that there is such a line
  placeOne(waitingPart(line, sku) as Part, location); // found just above
  unbind(line);
}

function placeOnOrder(order: Order, sku: string, wait: Wait, location: string): void {
  const waits = order.waits.get(sku) ?? [];
  waits.splice(waits.indexOf(wait), 1);
  const parts = [...order.lines.values()].map(({ line }) => waitingPart(line, sku));
  placeOne(parts.find((part) => part !== undefined) as Part, location); // it waits, so that there is such a part
}

function waitingPart(line: Line, sku: string): Part | undefined {
  return line.parts.find((part) => part.sku === sku && part.backordered > 0);
}

function placeOne(part: Part, location: string): void {
  part.backordered--;
  bump(part.at, location, 1);
}
