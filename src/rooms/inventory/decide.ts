import type { Decision } from '../../base/decision.ts';
import type { Json } from '../../base/json.ts';
import { withAftermath } from './aftermath.ts';
import { settle } from './backorders.ts';
import { withTallies } from './caps.ts';
import { defineItem, defineLocation, removeItem, removeLocation } from './catalogue.ts';
import type { ImportLines, InventoryCommand } from './commands.ts';
import { edit, moveHold } from './edits.ts';
import { isPublic, type InventoryEvent } from './events.ts';
import { expire, extend, release, releaseCart, reserve, setCart, type Context } from './holds.ts';
import { importLines, rehearse, type ImportedLines } from './imports.ts';
import { cancel, confirm, fulfil, unfulfil } from './orders.ts';
import { itemKey } from './keys.ts';
import { adjust, count, move, transferAway, type AdjustmentResult } from './stock.ts';
import { cancelTransfer, createTransfer, receiveTransfer, shipTransfer } from './transfers.ts';
import type { World } from './state.ts';

/** Says what follows from a command in this world: facts with the answer, or a refusal. Pure: it changes nothing and waits for nothing. */
export function decide(command: InventoryCommand, world: World, context: Context): Decision<InventoryEvent, Json> {
  // Its lines are decisions of their own, with all that follows from them: nothing follows from them once more.
  if (command.type === 'ImportLines') return signed(importLines(command, world, context, decide), command.actor) as Decision<InventoryEvent, Json>; // plain JSON, as below
  const asked = route(command, world, context);
  const decision = withAftermath(signed(withTallies(asked, world, context.now, context.caps), command.actor), world, context.now, command.type === 'SettleItem' ? command.sku : undefined);
  return (command.type in ADJUSTMENTS ? withVersion(decision, asked) : decision) as Decision<InventoryEvent, Json>; // every answer below is plain JSON; interfaces lack its index signature
}

/** Says in every movement that was asked for who asked. */
function signed(decision: Decision<InventoryEvent, unknown>, actor: string | undefined): Decision<InventoryEvent, unknown> {
  if (actor === undefined || !decision.ok) return decision;
  for (const event of decision.events) if (isPublic(event.type)) (event.data as { actor?: string }).actor = actor; // made by this decision and not yet given away
  return decision;
}

const ADJUSTMENTS: Readonly<Record<string, true>> = { AdjustStock: true, CountStock: true, MoveStock: true };

/** An adjustment's answer says the version that its item has afterwards: with what followed besides. */
function withVersion(decision: Decision<InventoryEvent, unknown>, asked: Decision<InventoryEvent, unknown>): Decision<InventoryEvent, unknown> {
  if (!decision.ok || !asked.ok) return decision;
  const { sku, version } = decision.answer as AdjustmentResult; // what adjustments answer
  const key = itemKey(sku);
  const besides = decision.events.reduce((count, event) => (event.key === key ? count + 1 : count), 0) - asked.events.length;
  return besides === 0 ? decision : { ...decision, answer: { ...(decision.answer as AdjustmentResult), version: version + besides } };
}

function route(command: Exclude<InventoryCommand, ImportLines>, world: World, context: Context): Decision<InventoryEvent, unknown> {
  switch (command.type) {
    case 'ReserveStock':
      return reserve(command, world, context);
    case 'SetCart':
      return setCart(command, world, context);
    case 'ReleaseCart':
      return releaseCart(command, world, context);
    case 'ExtendReservation':
      return extend(command, world, context);
    case 'EditReservation':
      return edit(command, world, context);
    case 'MoveReservation':
      return moveHold(command, world, context);
    case 'ReleaseReservation':
      return release(command, world, context);
    case 'ConfirmReservation':
      return confirm(command, world, context);
    case 'ExpireReservation':
      return expire(command, world, context);
    case 'AdjustStock':
      return adjust(command, world, context);
    case 'CountStock':
      return count(command, world, context);
    case 'MoveStock':
      return move(command, world, context);
    case 'TransferAway':
      return transferAway(command, world, context);
    case 'FulfilOrder':
      return fulfil(command, world, context);
    case 'UnfulfilOrder':
      return unfulfil(command, world, context);
    case 'CancelOrder':
      return cancel(command, world, context);
    case 'CreateTransfer':
      return createTransfer(command, world, context);
    case 'ShipTransfer':
      return shipTransfer(command, world, context);
    case 'ReceiveTransfer':
      return receiveTransfer(command, world, context);
    case 'CancelTransfer':
      return cancelTransfer(command, world, context);
    case 'SettleItem':
      return settle(command, world, context);
    case 'DefineItem':
      return defineItem(command, world, context);
    case 'RemoveItem':
      return removeItem(command, world, context);
    case 'DefineLocation':
      return defineLocation(command, world, context);
    case 'RemoveLocation':
      return removeLocation(command, world, context);
    default:
      return command satisfies never;
  }
}

/** What an import's lines would come to on the states as they are. */
export function rehearseImport(command: ImportLines, world: World, context: Context): ImportedLines {
  return rehearse(command, world, context, decide);
}
