/** Transfers: planned, on their way, received little by little. */
import type { InventoryCommand } from '../commands.ts';
import type { Shop } from './shop.ts';

type Of<Type extends InventoryCommand['type']> = Extract<InventoryCommand, { type: Type }>;

export function planTransfer(shop: Shop, { from, to, lines }: Of<'CreateTransfer'>, id: string): string {
  if (lines.some(({ sku }) => !shop.items.has(sku))) return 'unknown-item';
  if (lines.some(({ sku }) => shop.isBundle(sku))) return 'invalid-request';
  if (!shop.places.has(from) || !shop.places.has(to)) return 'unknown-location';
  if (from === to) return 'invalid-request';
  const wanted = new Map<string, { quantity: number; received: number }>();
  for (const { sku, quantity } of lines) wanted.set(sku, { quantity: quantity + (wanted.get(sku)?.quantity ?? 0), received: 0 });
  shop.transfers.push({ id, status: 'draft', from, to, lines: wanted });
  return 'ok';
}

export function changeTransfer(shop: Shop, command: Of<'ShipTransfer'> | Of<'ReceiveTransfer'> | Of<'CancelTransfer'>): string {
  const transfer = shop.transfers.find(({ id }) => id === command.id);
  if (!transfer) return 'unknown-transfer';
  const { from, to, status, lines } = transfer;
  const onItsWay = status === 'in-transit' || status === 'partially-received';
  const fits = command.type === 'ShipTransfer' ? status === 'draft' : onItsWay || (command.type === 'CancelTransfer' && status === 'draft');
  if (!fits) return `transfer-${status}`;
  switch (command.type) {
    case 'ShipTransfer':
      if ([...lines.keys()].some((sku) => !shop.items.has(sku))) return 'unknown-item';
      if ([...lines].some(([sku, { quantity }]) => quantity > shop.spare(sku, from))) return 'insufficient-stock';
      for (const [sku, { quantity }] of lines) shop.put(sku, from, 'sellable', -quantity);
      transfer.status = 'in-transit';
      return 'ok';
    case 'ReceiveTransfer': {
      if (command.lines.some(({ sku }) => !lines.has(sku))) return 'unknown-item';
      if (command.lines.some(({ sku, received }) => received < (lines.get(sku)?.received ?? 0))) return 'receipt-decreased';
      if (command.lines.some(({ sku, received }) => received > (lines.get(sku)?.quantity ?? 0))) return 'exceeds-shipped';
      for (const { sku, received } of command.lines) {
        const line = lines.get(sku) as { quantity: number; received: number }; // looked for above
        if (received > line.received) shop.put(sku, to, 'sellable', received - line.received);
        line.received = received;
      }
      const all = [...lines.values()];
      if (all.every(({ quantity, received }) => received === quantity)) transfer.status = 'received';
      else if (all.some(({ received }) => received > 0)) transfer.status = 'partially-received';
      return 'ok';
    }
    case 'CancelTransfer':
      if (onItsWay && command.disposition === undefined) return 'invalid-request';
      transfer.status = 'cancelled';
      if (onItsWay && command.disposition === 'restock') for (const [sku, { quantity, received }] of lines) shop.put(sku, from, 'sellable', quantity - received);
      return 'ok';
    default:
      return command satisfies never;
  }
}
