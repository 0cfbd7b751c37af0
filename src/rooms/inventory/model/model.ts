/**
 * Inventory as a child would do it: every promise is kept as it was made, every figure is counted afresh each time it
 * is asked for, nothing is remembered twice. Slow, short, and the measure of the room.
 */
import type { InventoryCommand, ItemDefinition } from '../commands.ts';
import { adjust, count, defineItem, moveStock, removeItem } from './catalogue.ts';
import { confirm, edit, extend, makeHold, moveHold, release, setCart } from './holds.ts';
import { changeOrder } from './orders.ts';
import type { Shop } from './shop.ts';
import { changeTransfer, planTransfer } from './transfers.ts';
import { meet } from './waiting.ts';

/** Names that the room made up for what a command made. */
export interface Names {
  readonly hold?: string | undefined;
  readonly order?: string | undefined;
  readonly transfer?: string | undefined;
  /** Items that its facts are about: what is free of them goes to those who wait. */
  readonly touched: readonly string[];
}

/** Does what a command asks and what follows from it, or says by its code why not. */
export function obey(shop: Shop, command: InventoryCommand, names: Names): string {
  shop.turn++;
  shop.met = new Set();
  shop.later = new Set();
  const own = command.type === 'SetCart' ? shop.cartHolds(command.cartId).map(({ id }) => id) : [];
  const code = doAsAsked(shop, command, names);
  if (code !== 'ok') return code;
  const named = ['id', 'orderId'].flatMap((name) => (command as unknown as Record<string, string | undefined>)[name] ?? []); // commands are plain objects
  const except = new Set([...named, ...own, ...[names.hold, names.order].flatMap((name) => name ?? []), ...shop.met]);
  for (const sku of names.touched) if (shop.items.has(sku) && !shop.later.has(sku)) meet(shop, sku, except);
  return 'ok';
}

function doAsAsked(shop: Shop, command: InventoryCommand, names: Names): string {
  switch (command.type) {
    case 'DefineItem':
      return defineItem(shop, command.sku, command.definition as unknown as ItemDefinition); // tests describe items in full
    case 'RemoveItem':
      return removeItem(shop, command.sku);
    case 'DefineLocation':
      shop.places.set(command.id, command.definition);
      return 'ok';
    case 'AdjustStock':
      return adjust(shop, command);
    case 'CountStock':
      return count(shop, command);
    case 'MoveStock':
      return moveStock(shop, command);
    case 'ReserveStock':
      return makeHold(shop, command, names);
    case 'SetCart':
      return setCart(shop, command, names);
    case 'ReleaseCart':
      for (const hold of shop.cartHolds(command.cartId)) hold.status = 'released';
      return 'ok';
    case 'ExpireReservation':
    case 'SettleItem':
      return 'ok';
    case 'ExtendReservation':
      return extend(shop, command);
    case 'ReleaseReservation':
      return release(shop, command);
    case 'ConfirmReservation':
      return confirm(shop, command, names);
    case 'EditReservation':
      return edit(shop, command);
    case 'MoveReservation':
      return moveHold(shop, command);
    case 'FulfilOrder':
    case 'UnfulfilOrder':
    case 'CancelOrder':
      return changeOrder(shop, command);
    case 'CreateTransfer':
      return planTransfer(shop, command, names.transfer ?? '');
    case 'ShipTransfer':
    case 'ReceiveTransfer':
    case 'CancelTransfer':
      return changeTransfer(shop, command);
    default:
      throw new RangeError(`the model knows nothing of ${command.type}`);
  }
}

export { lacking, type Line } from './lines.ts';
export { Shop } from './shop.ts';
