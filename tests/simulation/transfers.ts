/** What has to be true of transfers, from the books of the items and from the transfers' own records. */
import type { InventoryEvent, Transfer } from '../../src/rooms/inventory/inventory.ts';

/** Units of one item in one transfer, by what the item's books say. */
interface Moved {
  left: number;
  onWay: number;
  arrived: number;
  back: number;
  lost: number;
}

/** Where the records of transfers and the books of items do not agree. Each unit that left is on its way, arrived, went back, or is lost. */
export function brokenTransfers(facts: readonly InventoryEvent[]): string[] {
  const records = new Map<string, Transfer>();
  for (const { type, data } of facts) if (type === 'inventory.transfer.recorded' && (records.get(data.transfer.id)?.version ?? 0) < data.transfer.version) records.set(data.transfer.id, data.transfer);
  const moved = new Map<string, Moved>();
  for (const { type, key, data } of facts) {
    if (type !== 'inventory.stock.adjusted' || data.reference === undefined) continue;
    const transfer = records.get(data.reference);
    if (!transfer) continue;
    const name = `${transfer.id} ${key.slice(2)}`;
    const units = moved.get(name) ?? { left: 0, onWay: 0, arrived: 0, back: 0, lost: 0 };
    moved.set(name, units);
    enter(units, transfer, data);
  }
  const errors = [...records.values()].flatMap((transfer) => transfer.lines.flatMap((line) => compare(transfer, line, moved.get(`${transfer.id} ${line.sku}`))));
  const unknown = [...moved.keys()].filter((name) => !records.get(name.split(' ')[0] ?? '')?.lines.some(({ sku }) => name.endsWith(` ${sku}`)));
  return [...errors, ...unknown.map((name) => `${name} moved, and is on no transfer`)];
}

function enter(units: Moved, { from, to }: Transfer, { bucket, change, location, reason }: Extract<InventoryEvent, { type: 'inventory.stock.adjusted' }>['data']): void {
  if (bucket === 'inTransit') units.onWay += change;
  if (bucket === 'inTransit' && reason === 'lost') units.lost -= change;
  if (bucket === 'sellable' && location === from && change < 0) units.left -= change;
  if (bucket === 'sellable' && location === from && change > 0) units.back += change;
  if (bucket === 'sellable' && location === to) units.arrived += change;
}

function compare({ id, status }: Transfer, { sku, quantity, shipped, received, restocked, writtenOff }: Transfer['lines'][number], moved: Moved = { left: 0, onWay: 0, arrived: 0, back: 0, lost: 0 }): string[] {
  const onWay = shipped - received - restocked - writtenOff;
  const said = [shipped, onWay, received, restocked, writtenOff].join();
  const done = [moved.left, moved.onWay, moved.arrived, moved.back, moved.lost].join();
  const over = (status === 'received' || status === 'cancelled') && onWay !== 0;
  const all = shipped === 0 || shipped === quantity;
  return [
    ...(said === done ? [] : [`${sku} of ${id}: the record says ${said} left, are on the way, arrived, went back, are lost; the books say ${done}`]),
    ...(over || !all ? [`${sku} of ${id}: ${onWay} of ${shipped} are on the way, and it is ${status}`] : []),
  ];
}
