/**
 * Inventory: what is there, what of it is promised, and to whom until when. Commands ask, `decide` says what follows
 * from them, facts are folded into items, reservations, orders and carts, and one function (`figuresOf`) says what may
 * still be sold. Nothing here waits, looks at a clock or draws lots, so every run can be replayed.
 */
import type { Room } from '../../runtime/runtime.ts';
import { COMMANDS, type InventoryCommand } from './commands.ts';
import type { Cap, HoldCaps } from './caps.ts';
import { decide } from './decide.ts';
import type { Context } from './holds.ts';
import type { InventoryEvent } from './events.ts';
import { births, evolve, keysOf } from './evolve.ts';
import { logOfKey } from './keys.ts';
import { NEVER } from './never.ts';
import { readState, writeState, type Reservation, type Waiting } from './state.ts';
import { before, factRows, form, rowsOf, TABLES } from './views.ts';

export const inventory: Room<InventoryCommand> = {
  name: 'inventory',
  owns: { keys: 'ircotuwhlm', commands: Object.keys(COMMANDS), facts: 'inventory.' },
  form,
  // Facts of this room are written by this room alone, so a record read back is one of its events.
  decide: (command, world, context) => decide(command, world, context) as ReturnType<Room<InventoryCommand>['decide']>,
  keysOf: (event) => keysOf(event as unknown as InventoryEvent),
  births: births as unknown as Room<InventoryCommand>['births'],
  evolve: (event, states) => evolve(event as unknown as InventoryEvent, states),
  logOf: logOfKey,
  write: writeState,
  read: readState,
  dueOf: (key, state) => {
    if (key[0] === 'w') return (state as Waiting).due ?? null; // under `w/` keys there is what waits only
    if (key[0] !== 'r') return null;
    const { status, expiresAt } = state as Reservation; // under `r/` keys there are reservations only
    return status === 'held' && expiresAt !== NEVER ? expiresAt : null;
  },
  wake: (key) => (key[0] === 'w' ? { type: 'SettleItem', sku: key.slice(2) } : { type: 'ExpireReservation', id: key.slice(2) }),
  views: { tables: TABLES, before, rows: rowsOf, facts: factRows },
};

/** The room with bounds on what one customer or API key may hold at a time. */
export function inventoryWith(caps: HoldCaps): Room<InventoryCommand> {
  return { ...inventory, decide: (command, world, context) => inventory.decide(command, world, { ...context, caps } as Context) }; // the room's own context, which has them
}

export type { Cap, HoldCaps };
export * as limits from './limits.ts';
export { etagOf, figuresOf, type Figures } from './availability.ts';
export { bundleRefusal, figuresIn, isBundle, partsOf, tagsIn, type AskingOf } from './bundles.ts';
export { closingDefinition, type Described } from './catalogue.ts';
export {
  REASONS,
  type Bucket,
  type ImportLine,
  type ImportLines,
  type InventoryCommand,
  type ItemDefinition,
  type LineRequest,
  type LocationDefinition,
  type Reason,
  type Strategy,
} from './commands.ts';
export { isPublic, MOVES_STOCK, PUBLIC_TYPES, type InventoryEvent, type Place, type Share } from './events.ts';
export { evolveItemAlone, type ItemEvent } from './evolve.ts';
export type { ImportedLines } from './imports.ts';
export { rehearseImport } from './decide.ts';
export { liveHoldsOf, type CartAnswer } from './holds.ts';
export { itemKey, logOfKey, orderKey, reservationKey, transferKey } from './keys.ts';
export { instantView } from './never.ts';
export { availabilityView, itemView, locationView, nextChange, orderView, reservationView, transferView, type ReservationView, type TransferView } from './resources.ts';
export { emptyItem, findImport, findItem, findOrder, findReservation, findTransfer, locationsBeside, type ImportRecord, type Item, type Location, type Locations, type Order, type RefusedLine, type Reservation, type Transfer, type TransferStatus } from './state.ts';
export type { AdjustmentResult } from './stock.ts';
export { openLine, sharesOf } from './units.ts';
