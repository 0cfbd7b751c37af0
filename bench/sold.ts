/** A store that a shop has sold from: orders of three lines, each held, confirmed and shipped. */
import { openHoldfast } from '../src/app/app.ts';
import type { Command } from '../src/processes/processes.ts';

const ITEMS = 1_000;
const LINES = 3;
const CALLERS = 64;
const STOCK = 1_000_000;

type Execute = (command: Command) => Promise<unknown>;

/** Makes it in an empty directory; its views are as far as its log. */
export async function sellFrom(directory: string, orders: number): Promise<void> {
  await using holdfast = await openHoldfast({ place: { engine: 'sqlite', directory } });
  const execute: Execute = async (command) => {
    const outcome = await holdfast.engine.execute(command);
    if (!outcome.ok) throw new Error(`refused: ${JSON.stringify(outcome)}`);
    return outcome.answer;
  };
  await Promise.all(Array.from({ length: ITEMS }, (_, i) => receive(execute, skuOf(i))));
  let order = 0;
  const caller = async (): Promise<void> => {
    while (order < orders) await sell(execute, order++);
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  if (!(await holdfast.views.covers([...holdfast.engine.heads], 600_000))) throw new Error('the views did not catch up in ten minutes');
}

const skuOf = (i: number): string => `item-${i % ITEMS}`;

async function receive(execute: Execute, sku: string): Promise<void> {
  await execute({ type: 'DefineItem', sku, mode: 'replace', definition: { name: `Item ${sku}` } });
  await execute({ type: 'AdjustStock', sku, location: 'main', bucket: 'sellable', change: STOCK, reason: 'received' });
}

async function sell(execute: Execute, order: number): Promise<void> {
  const lines = Array.from({ length: LINES }, (_, line) => ({ sku: skuOf(order * 7 + line * 331), quantity: 1 + line }));
  const { id } = (await execute({ type: 'ReserveStock', lines })) as { id: string }; // the answer to a hold is the reservation
  await execute({ type: 'ConfirmReservation', id, orderId: `order-${order}`, fulfil: true });
}
