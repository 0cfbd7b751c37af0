import type { QuantityLine } from './commands.ts';
import type { Place } from './events.ts';
import type { Allocation, LinePart } from './state.ts';

/** Units of one item with the places they are at; `backordered` of them are at none. */
export interface Units {
  readonly sku: string;
  readonly quantity: number;
  readonly backordered: number;
  readonly allocations: readonly Allocation[];
  /** Where the units at no place have to come from, if that was said. */
  readonly location?: string | undefined;
  /** See `Share`. */
  readonly preorderChannel?: string | undefined;
  /** What a bundle takes. */
  readonly components?: readonly LinePart[] | undefined;
}

/** What is taken of one item, places merged. */
export interface ItemShare {
  readonly sku: string;
  readonly quantity: number;
  readonly backordered: number;
  readonly allocations: readonly Place[];
  /** See `Share`. */
  readonly bound?: readonly Place[] | undefined;
  readonly preorderChannel?: string | undefined;
}

/** Units asked for beyond what there is, by item. */
export type Excess = {
  readonly sku: string;
  readonly requested: number;
  readonly available: number;
};

/**
 * Splits units off lines: those at no place first, then from the place chosen last, the last line first.
 * Gives what stays and what goes (lines with nothing left go missing), or by which items more was asked than there is.
 */
export function splitOff<Line extends Units>(lines: readonly Line[], wanted: readonly QuantityLine[]): { kept: Line[]; split: Line[] } | { excess: Excess[] } {
  const left = new Map<string, number>();
  for (const { sku, quantity } of wanted) left.set(sku, (left.get(sku) ?? 0) + quantity);
  const excess = excessOf(lines, left);
  if (excess.length > 0) return { excess };
  const kept: Line[] = [];
  const split: Line[] = [];
  for (const line of lines.toReversed()) {
    const quantity = Math.min(line.quantity, left.get(line.sku) ?? 0);
    left.set(line.sku, (left.get(line.sku) ?? 0) - quantity);
    const parts = cut(line, quantity);
    if (parts.kept.quantity > 0) kept.unshift(parts.kept);
    if (quantity > 0) split.unshift(parts.split);
  }
  return { kept, split };
}

function excessOf(lines: readonly Units[], wanted: ReadonlyMap<string, number>): Excess[] {
  const excess: Excess[] = [];
  for (const [sku, requested] of wanted) {
    const available = lines.reduce((sum, line) => (line.sku === sku ? sum + line.quantity : sum), 0);
    if (requested > available) excess.push({ sku, requested, available });
  }
  return excess;
}

/** Takes `quantity` units off one line. */
export function cut<Line extends Units>(line: Line, quantity: number): { kept: Line; split: Line } {
  if (!line.components) return cutPlain(line, quantity);
  const parts = openLine(line).map((part, index) => cutPlain(part, quantity * (line.components?.[index]?.quantity ?? 0)));
  return { kept: closeLine(line, line.quantity - quantity, parts.map(({ kept }) => kept)), split: closeLine(line, quantity, parts.map(({ split }) => split)) };
}

/** A line by the items that it takes: itself, or what its bundle is made of. */
export function openLine(line: Units): Units[] {
  if (!line.components) return [line];
  return line.components.map(({ sku, quantity, backordered, preorderChannel }) => {
    const allocations = line.allocations.filter((allocation) => allocation.sku === sku);
    return { sku, quantity: line.quantity * quantity, backordered, preorderChannel, location: backordered > 0 ? line.location : undefined, allocations };
  });
}

/** The opposite of {@link openLine}, for so many bundles of what its parts now are, in the order of its components. */
export function closeLine<Line extends Units>(line: Line, quantity: number, parts: readonly Units[]): Line {
  const components = (line.components ?? []).map((component, index) => ({ ...component, backordered: parts[index]?.backordered ?? 0 }));
  return settled({ ...line, quantity, components, backordered: incomplete(components), allocations: parts.flatMap(({ allocations }) => allocations) });
}

/** Bundles that lack a part. Parts that lie ready go together, whichever hold they were taken by. */
export function incomplete(components: readonly LinePart[]): number {
  return Math.max(0, ...components.map(({ backordered, quantity }) => Math.ceil(backordered / quantity)));
}

/** Units that all have a place wait for none. */
export function settled<Line extends { readonly backordered: number; readonly location?: string | undefined }>(line: Line): Line {
  return line.backordered > 0 || line.location === undefined ? line : { ...line, location: undefined };
}

function cutPlain<Line extends Units>(line: Line, quantity: number): { kept: Line; split: Line } {
  const backordered = Math.min(line.backordered, quantity);
  let rest = quantity - backordered;
  const kept: Allocation[] = [];
  const split: Allocation[] = [];
  for (const allocation of line.allocations.toReversed()) {
    const taken = Math.min(allocation.quantity, rest);
    rest -= taken;
    if (taken > 0) split.unshift({ ...allocation, quantity: taken });
    if (taken < allocation.quantity) kept.unshift({ ...allocation, quantity: allocation.quantity - taken });
  }
  return {
    kept: settled({ ...line, quantity: line.quantity - quantity, backordered: line.backordered - backordered, allocations: kept }),
    split: settled({ ...line, quantity, backordered, allocations: split }),
  };
}

/** What the lines take of each item, places merged. */
export function sharesOf(lines: readonly Units[]): ItemShare[] {
  const [only] = lines;
  if (only && lines.length === 1 && !only.components && only.allocations.length <= 1) return [shareOf(only)];
  const shares: { sku: string; quantity: number; backordered: number; allocations: { location: string; quantity: number }[]; bound: Place[] | undefined; preorderChannel: string | undefined }[] = [];
  const opened = lines.some(({ components }) => components) ? lines.flatMap(openLine) : lines;
  for (const line of opened) {
    let share = shares.find((other) => other.sku === line.sku);
    if (!share) shares.push((share = { sku: line.sku, quantity: 0, backordered: 0, allocations: [], bound: undefined, preorderChannel: line.preorderChannel }));
    share.quantity += line.quantity;
    share.backordered += line.backordered;
    if (line.location !== undefined && line.backordered > 0) share.bound = addPlace(share.bound, line.location, line.backordered);
    for (const { location, quantity } of line.allocations) {
      const place = share.allocations.find((other) => other.location === location);
      if (place) place.quantity += quantity;
      else share.allocations.push({ location, quantity });
    }
  }
  return shares;
}

/** What a line takes of its own item, from one place at most. */
function shareOf({ sku, quantity, backordered, allocations, location, preorderChannel }: Units): ItemShare {
  return { sku, quantity, backordered, allocations: allocations.map(placeOf), bound: location !== undefined && backordered > 0 ? addPlace(undefined, location, backordered) : undefined, preorderChannel };
}

export function placeOf(allocation: Place): Place {
  return { location: allocation.location, quantity: allocation.quantity };
}

function addPlace(places: readonly Place[] = [], location: string, quantity: number): Place[] {
  const index = places.findIndex((place) => place.location === location);
  const known = places[index];
  return known ? places.with(index, { location, quantity: known.quantity + quantity }) : [...places, { location, quantity }];
}
