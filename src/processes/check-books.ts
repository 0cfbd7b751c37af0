import { rfc3339 } from '../base/clock.ts';
import { Fault } from '../base/errors.ts';
import { findItem, itemKey, type InventoryCommand } from '../rooms/inventory/inventory.ts';
import type { Engine } from '../runtime/runtime.ts';
import type { Store } from '../store/store.ts';
import { commitsOfItem } from './item-facts.ts';
import { Ledger, type LedgerEvent } from './ledger.ts';

export interface CheckServices {
  readonly engine: Engine<InventoryCommand>;
  readonly store: Store;
  readonly views: { covers(positions: readonly number[], waitMs: number): Promise<boolean> };
}

/** One sum, as the engine has it and as the facts add up. */
export interface CheckedLevel {
  readonly location: string;
  readonly bucket: string;
  readonly level: number;
  readonly facts: number;
  readonly difference: number;
}

export interface BooksCheck {
  readonly sku: string;
  readonly ok: boolean;
  readonly levels: readonly CheckedLevel[];
  /** Units promised that are at no place, by the engine and by the facts. */
  readonly backordered: { readonly level: number; readonly facts: number; readonly difference: number };
  /** Units that were promised, at the moment of promising, beyond what was free and what may be backordered. */
  readonly oversold: number;
  readonly version: number;
  readonly asOf: string;
}

const VIEWS_WAIT_MS = 10_000;
/** What a place keeps count of, and the names of these in the check. */
const BUCKETS = ['sellable', 'damaged', 'qualityControl', 'inTransit', 'allocated', 'reserved'] as const;

interface Picture {
  readonly version: number;
  readonly levels: ReadonlyMap<string, readonly number[]>;
  readonly backordered: number;
  readonly at: number;
}

/**
 * Adds up every fact of an item, with arithmetic of its own, and compares with the sums that the engine decides on.
 * Facts are counted up to the version that the sums had, so the check is exact while shoppers go on. undefined: there
 * is no such item.
 */
export async function checkBooks(services: CheckServices, sku: string): Promise<BooksCheck | undefined> {
  const { engine, store, views } = services;
  const picture = await pictureOf(engine, sku);
  if (!picture) return undefined;
  // The views say in which commits the item's facts are; the picture is of durable facts, so the heads have them all.
  if (!(await views.covers([...engine.heads], VIEWS_WAIT_MS))) throw new Fault('overloaded', 'the views are too far behind for a check', { retry: 'later' });
  const ledger = await addUp(store, sku, picture.version);
  return compare(sku, picture, ledger);
}

function pictureOf(engine: CheckServices['engine'], sku: string): Promise<Picture | undefined> {
  return engine.read((world, now) => {
    const item = findItem(world, sku);
    if (!item) return undefined;
    const levels = new Map([...item.levels].map(([id, { onHand, damaged, qualityControl, inTransit = 0, allocated, reserved }]) => [id, [onHand, damaged, qualityControl, inTransit, allocated, reserved]]));
    return { version: item.version, levels, backordered: item.backordered, at: now };
  });
}

async function addUp(store: Store, sku: string, version: number): Promise<Ledger> {
  const ledger = new Ledger();
  const key = itemKey(sku);
  for await (const { events } of commitsOfItem(store, sku, 0)) {
    for (const event of events) {
      if (event.key !== key) continue;
      ledger.add(event as unknown as LedgerEvent); // facts under an item's key are the room's facts about it
      if (ledger.version === version) return ledger;
    }
  }
  return ledger;
}

function compare(sku: string, picture: Picture, ledger: Ledger): BooksCheck {
  const places = new Set([...picture.levels.keys(), ...ledger.places()]);
  const levels: CheckedLevel[] = [];
  for (const location of [...places].sort()) {
    const known = picture.levels.get(location);
    const added = ledger.at(location);
    for (const [index, bucket] of BUCKETS.entries()) {
      const level = known?.[index] ?? 0;
      const facts = added[bucket];
      levels.push({ location, bucket, level, facts, difference: level - facts });
    }
  }
  const backordered = { level: picture.backordered, facts: ledger.backordered, difference: picture.backordered - ledger.backordered };
  const adds = levels.every(({ difference }) => difference === 0) && backordered.difference === 0 && ledger.version === picture.version;
  return { sku, ok: adds && ledger.oversold === 0, levels, backordered, oversold: ledger.oversold, version: picture.version, asOf: rfc3339(picture.at) };
}
