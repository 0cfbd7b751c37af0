import { inventory, inventoryWith, type HoldCaps, type InventoryCommand } from '../rooms/inventory/inventory.ts';
import { joined, type Room } from '../runtime/runtime.ts';

/** Whatever may be asked of any room. */
export type Command = InventoryCommand;

/** All rooms as the runtime sees them: one. */
export const rooms: Room<Command> = joined(inventory);

/** The same with bounds on what one customer or API key may hold at a time. */
export function roomsWith(caps: HoldCaps): Room<Command> {
  return joined(inventoryWith(caps));
}
