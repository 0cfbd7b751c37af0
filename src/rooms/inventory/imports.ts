import { accepted, refused, type Decision, type Refusal } from '../../base/decision.ts';
import { canonicalJson, type Json } from '../../base/json.ts';
import type { ImportLine, ImportLines, InventoryCommand } from './commands.ts';
import type { InventoryEvent } from './events.ts';
import { evolve, keysOf, type States } from './evolve.ts';
import type { Context } from './holds.ts';
import { importKey } from './keys.ts';
import { findImport, findItem, locationsBeside, readState, writeState, type RefusedLine, type World } from './state.ts';

/** What became of some lines. */
export interface ImportedLines {
  readonly importId: string;
  /** How far the import has come now. */
  readonly line: number;
  /** These lines had been taken in before: nothing was done now. */
  readonly repeated: boolean;
  /** Lines that described something, that changed stock only, and that found everything so already. */
  readonly described: number;
  readonly adjusted: number;
  readonly unchanged: number;
  readonly refused: readonly RefusedLine[];
}

/** The room's other decisions, handed in because they are made in the file that makes this one. */
type Decide = (command: InventoryCommand, world: World, context: Context) => Decision<InventoryEvent, Json>;

/**
 * Takes in some lines of an import: each is decided on what the lines before it left, and is done as a whole or
 * refused as a whole. The record of how far the import has come is one more fact of the same decision.
 */
export function importLines(command: ImportLines, world: World, context: Context, decide: Decide): Decision<InventoryEvent, ImportedLines> {
  const { importId, after, upTo, lines } = command;
  const before = findImport(world, importId);
  const reached = before?.line ?? 0;
  if (upTo <= reached) return accepted([], { importId, line: reached, repeated: true, ...NONE, refused: (before?.refusals ?? []).filter(({ line }) => line > after && line <= upTo) });
  if (after !== reached) return refused('conflict', 'import-elsewhere', `Import ${importId} has come to line ${reached}, so that lines after ${after} cannot be next.`, { line: reached });
  const { events, ...counts } = takeIn(lines, world, context, decide);
  const advanced = { importId, line: upTo, ...counts };
  return accepted([...events, { type: 'inventory.import.advanced', key: importKey(importId), time: context.now, data: advanced }], { ...advanced, repeated: false });
}

/** What the lines of an import would come to on the states as they are, whatever was imported before. */
export function rehearse({ importId, upTo, lines }: ImportLines, world: World, context: Context, decide: Decide): ImportedLines {
  const { events: _, ...counts } = takeIn(lines, world, context, decide);
  return { importId, line: upTo, repeated: false, ...counts };
}

function takeIn(lines: readonly ImportLine[], world: World, context: Context, decide: Decide): Counts & { readonly events: readonly InventoryEvent[]; readonly refused: readonly RefusedLine[] } {
  const draft = new Draft(world, lines);
  const counts = { ...NONE };
  const refusals: RefusedLine[] = [];
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] as ImportLine; // within bounds
    const done = draft.take(index, line, context, decide);
    if (typeof done === 'string') counts[done]++;
    else refusals.push({ line: line.line, refusal: done });
  }
  return { ...counts, events: draft.events, refused: refusals };
}

type Counts = Pick<ImportedLines, 'described' | 'adjusted' | 'unchanged'>;
const NONE = { described: 0, adjusted: 0, unchanged: 0 };

/**
 * The world as the lines taken so far leave it. States that a later line may look at are copied before facts are
 * folded into them, because nothing here is decided yet; an item that no later line is about is not folded at all,
 * which is the usual case and half the cost of a line.
 */
class Draft implements World, States {
  readonly partitions: number;
  readonly events: InventoryEvent[] = [];
  readonly #world: World;
  readonly #states = new Map<string, unknown>();
  /** What the line under way changed, and forgets where it is refused. */
  readonly #line = new Map<string, unknown>();
  /** What the world was asked for last: it stays as it is while this is decided. */
  readonly #lookedAt = { key: '', state: undefined as unknown };
  readonly #lookedAtPlaces = { key: '', state: undefined as unknown };
  /** The last line about each SKU: before it, what a line changed is to be at hand. */
  readonly #last = new Map<string, number>();

  constructor(world: World, lines: readonly ImportLine[]) {
    this.#world = world;
    this.partitions = world.partitions;
    for (const [index, { commands }] of lines.entries()) {
      const sku = skuOf(commands[0]);
      if (sku !== undefined) this.#last.set(sku, index);
    }
  }

  get(key: string): unknown {
    if (this.#line.size > 0 && this.#line.has(key)) return this.#line.get(key);
    if (this.#states.size > 0 && this.#states.has(key)) return this.#states.get(key);
    return this.#lookAt(key);
  }

  /** A line asks for its item, and for the places, half a dozen times: a look into the world costs ten times this. */
  #lookAt(key: string): unknown {
    const looked = key[0] === 'l' ? this.#lookedAtPlaces : this.#lookedAt;
    if (looked.key === key) return looked.state;
    looked.state = this.#world.get(key);
    looked.key = key;
    return looked.state;
  }

  set(key: string, state: unknown): void {
    this.#line.set(key, state);
  }

  /** What the line did, or why it is refused. */
  take(index: number, { commands }: ImportLine, context: Context, decide: Decide): 'described' | 'adjusted' | 'unchanged' | Refusal {
    const events: InventoryEvent[] = [];
    const sku = skuOf(commands[0]);
    let matters = sku === undefined || (this.#last.get(sku) ?? 0) > index;
    for (let next = 0; next < commands.length; ) {
      const decision = decide(commands[next++] as InventoryCommand, this, context); // within bounds
      if (!decision.ok) {
        this.#line.clear();
        return decision.refusal;
      }
      const known = events.length;
      for (const event of decision.events) if (isNews(event, this)) events.push(event);
      // Facts about more than the item may concern any later line.
      for (let fact = known; fact < events.length && !matters; fact++) matters = events[fact]?.key !== `i/${sku}`;
      if (matters || next < commands.length) this.#fold(events, known);
    }
    if (matters) for (const [key, state] of this.#line) this.#states.set(key, state);
    this.#line.clear();
    this.events.push(...events);
    if (events.length === 0) return 'unchanged';
    return events.some(({ type }) => type === 'inventory.item.defined' || type === 'inventory.location.defined') ? 'described' : 'adjusted';
  }

  #fold(events: readonly InventoryEvent[], from: number): void {
    for (let fact = from; fact < events.length; fact++) {
      const event = events[fact] as InventoryEvent; // within bounds
      for (const key of keysOf(event)) this.#own(key);
      evolve(event, this);
    }
  }

  #own(key: string): void {
    if (this.#line.has(key)) return;
    const state = this.get(key);
    if (state !== undefined) this.#line.set(key, readState(key, writeState(key, state)));
  }
}

/** All commands of a line are about one item, or about a place. */
function skuOf(command: ImportLine['commands'][number] | undefined): string | undefined {
  return command === undefined || command.type === 'DefineLocation' ? undefined : command.sku;
}

/** False for a description of what is known already: importing the same again is not to write the same facts again. */
function isNews(event: InventoryEvent, world: World): boolean {
  switch (event.type) {
    case 'inventory.item.defined':
      return !isSame(findItem(world, event.data.sku)?.definition, event.data.definition);
    case 'inventory.location.defined': {
      const known = locationsBeside(world, event.key).get(event.data.id);
      if (!known) return true;
      const { id: _, version: __, ...definition } = known;
      return !isSame(definition, event.data.definition);
    }
    default:
      return true;
  }
}

function isSame(a: object | undefined, b: object): boolean {
  return a !== undefined && canonicalJson(a as Json) === canonicalJson(b as Json); // descriptions are plain JSON
}
