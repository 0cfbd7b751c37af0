import { inventory, inventoryWith, type HoldCaps, type InventoryCommand } from '../rooms/inventory/inventory.ts';
import { pricing, type PricingCommand } from '../rooms/pricing/pricing.ts';
import { joined, type Room } from '../runtime/runtime.ts';

/** Whatever may be asked of any room. */
export type Command = InventoryCommand | PricingCommand;

/** All rooms as the runtime sees them: one. */
export const rooms: Room<Command> = joined(inventory, pricing);

/** The same with bounds on what one customer or API key may hold at a time. */
export function roomsWith(caps: HoldCaps): Room<Command> {
  return joined(inventoryWith(caps), pricing);
}
