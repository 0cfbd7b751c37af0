/** Lines of holds and orders, and what may be done to their units one by one. */

export interface At {
  readonly location: string;
  quantity: number;
}

/** Units of one item in a line: `each` of them for one of what the line names. */
export interface Part {
  readonly sku: string;
  readonly each: number;
  quantity: number;
  /** Of the units, those that are nowhere yet. */
  backordered: number;
  at: At[];
  /** The channel that they were preordered through. */
  through: string | undefined;
}

/** A line of an item has one part, the item itself; a line of a bundle has all that the bundle was made of then. */
export interface Line {
  readonly sku: string;
  quantity: number;
  requested: number | undefined;
  readonly parts: Part[];
  /** Where units that are nowhere yet have to come from, if that was said. */
  location: string | undefined;
}

/** What a line names, and what one of it is made of. */
export interface Asked {
  readonly sku: string;
  readonly quantity: number;
  readonly location?: string | undefined;
  readonly parts: readonly { readonly sku: string; readonly each: number }[];
}

export type Wanted = readonly { readonly sku: string; readonly quantity: number }[];

export const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
export const unitsAt = (places: readonly At[]): number => sum(places.map(({ quantity }) => quantity));
/** Of what a line names, how many lack something. */
export const lacking = (line: Line): number => Math.max(0, ...line.parts.map((part) => Math.ceil(part.backordered / part.each)));
export const partsOf = (lines: readonly Line[], sku: string): Part[] => lines.flatMap(({ parts }) => parts.filter((part) => part.sku === sku));
export const unitsOf = (lines: readonly Line[], sku: string): number => sum(partsOf(lines, sku).map(({ quantity }) => quantity));
export const waitingUnits = (lines: readonly Line[], sku: string): number => sum(partsOf(lines, sku).map(({ backordered }) => backordered));
export const skusOf = (lines: readonly Line[]): Set<string> => new Set(lines.flatMap(({ parts }) => parts.map(({ sku }) => sku)));

/** Adds units at a place, or takes some away; a place with none left goes. */
export function bump(places: At[], location: string, by: number): void {
  const known = places.find((place) => place.location === location);
  if (known) known.quantity += by;
  else places.push({ location, quantity: by });
  const empty = places.findIndex(({ quantity }) => quantity === 0);
  if (empty >= 0) places.splice(empty, 1);
}

/** Takes one unit off a part: one that is nowhere yet if there is any, else one of the place chosen last. */
export function loseOne(part: Part): 'waiting' | 'placed' {
  part.quantity--;
  if (part.backordered > 0) {
    part.backordered--;
    return 'waiting';
  }
  bump(part.at, (part.at.at(-1) as At).location, -1); // a unit is at a place or nowhere yet
  return 'placed';
}

/** Units that all have a place wait for none. */
export function unbind(line: Line): void {
  if (lacking(line) === 0) line.location = undefined;
}

/** Lines without some of what they name, the last line's first; undefined where they have not so much. */
export function without(lines: readonly Line[], wanted: Wanted): Line[] | undefined {
  const kept = structuredClone(lines) as Line[];
  for (const { sku, quantity } of wanted) {
    for (let n = 0; n < quantity; n++) {
      const line = kept.findLast((one) => one.sku === sku && one.quantity > 0);
      if (!line) return undefined;
      line.quantity--;
      for (const part of line.parts) for (let unit = 0; unit < part.each; unit++) loseOne(part);
    }
  }
  for (const line of kept) unbind(line);
  return kept.filter(({ quantity }) => quantity > 0);
}
