import { hash32 } from '../base/hash.ts';
import type { Consumer } from '../runtime/runtime.ts';
import { cursorCovers, parseCursor, type Cursor } from '../store/store.ts';
import type { Call } from './call.ts';
import { COURTESY_WAIT_MS, CURSORS_MAX, FRESHNESS_WAIT_MS, PAGE_DEFAULT } from './limits.ts';
import { problem } from './problem.ts';
import type { Services } from './services.ts';

/** Where the next page of a list begins, as text that says which list it is of and whether it is whole. */
export function writeCursor(list: string, place: readonly (string | number)[]): string {
  const content = JSON.stringify([list, ...place]);
  return Buffer.from(`${hash32(content).toString(36)} ${content}`).toString('base64url');
}

export function readCursor(list: string, text: string | undefined): (string | number)[] | undefined {
  if (text === undefined) return undefined;
  const [check, content] = split(Buffer.from(text, 'base64url').toString());
  if (!/^[\w-]+$/.test(text) || hash32(content).toString(36) !== check) throw invalidCursor('The cursor is not one of ours.');
  const [of, ...place] = JSON.parse(content) as (string | number)[]; // the check says that it was written by `writeCursor`
  if (of !== list) throw invalidCursor('The cursor is of another list.');
  return place;
}

function split(text: string): [string, string] {
  const space = text.indexOf(' ');
  return space < 0 ? ['', ''] : [text.slice(0, space), text.slice(space + 1)];
}

export function invalidCursor(detail: string): ReturnType<typeof problem> {
  return problem('invalid-cursor', detail, { members: { errors: [{ pointer: '/cursor', detail, in: 'query' }] } });
}

/** One page of a list, given up to one more than it may have. */
export function page<Row>(rows: readonly Row[], limit: number | undefined, options: { list: string; placeOf: (row: Row) => (string | number)[] }): { items: Row[]; nextCursor: string | null } {
  const most = limit ?? PAGE_DEFAULT;
  const items = rows.slice(0, most);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > most && last !== undefined ? writeCursor(options.list, options.placeOf(last)) : null };
}

/** A position in the log as clients write it. */
export function parsePosition(text: string, partitions: number): Cursor {
  const cursor = parseCursor(text, partitions);
  if (!cursor) throw invalidCursor('The cursor is not one of ours.');
  return cursor;
}

/** Reading one's own writes: the cursors that a read came with, joined to the farthest of each log. */
function wanted(call: Call<never, never> | Call, partitions: number): number[] | undefined {
  const header = call.request.headers['holdfast-cursor'];
  if (header === undefined) return undefined;
  const texts = String(header).split(',');
  if (texts.length > CURSORS_MAX) throw invalidCursor(`At most ${CURSORS_MAX} cursors may be joined.`);
  const positions = new Array<number>(partitions).fill(0);
  for (const text of texts) {
    const cursor = parsePosition(text.trim(), partitions);
    cursor.positions.forEach((position, log) => {
      positions[log] = Math.max(positions[log] ?? 0, position + (cursor.partial.has(log) ? 1 : 0));
    });
  }
  return positions;
}

const FOLLOW_INTERVAL_MS = 20;

/** Waits until this node's states have everything that the reader has seen. Costs nothing where the reader does not say. */
export async function statesCover(call: Call<never, never> | Call, { engine, clock }: Services): Promise<void> {
  const positions = wanted(call, engine.partitions);
  if (!positions) return;
  const cursor: Cursor = { positions, partial: new Map() };
  for (let waited = 0; !cursorCovers(engine.heads, cursor); waited += FOLLOW_INTERVAL_MS) {
    if (waited >= FRESHNESS_WAIT_MS) throw viewBehind();
    await engine.follow();
    if (cursorCovers(engine.heads, cursor)) return;
    await new Promise<void>((resolve) => void clock.after(FOLLOW_INTERVAL_MS, resolve));
  }
}

/**
 * The same for the views, which lists and searches read. Who does not say what they have seen is likely to have written
 * a moment ago all the same: the views get a moment to have what there is, and are read as they are then.
 */
export async function viewsCover(call: Call<never, never> | Call, { engine, views }: Services): Promise<void> {
  const positions = wanted(call, engine.partitions);
  if (!positions) await views.covers([...engine.heads], COURTESY_WAIT_MS);
  else if (!(await views.covers(positions, FRESHNESS_WAIT_MS))) throw viewBehind();
}

/** The same for the rows that a consumer of the log keeps. Without a cursor they are read as they are after `courtesyMs` at most. */
export async function consumerCovers(call: Call<never, never> | Call, { engine }: Services, consumer: Pick<Consumer, 'covers'>, courtesyMs: number): Promise<void> {
  const positions = wanted(call, engine.partitions);
  if (!positions) await consumer.covers([...engine.heads], courtesyMs);
  else if (!(await consumer.covers(positions, FRESHNESS_WAIT_MS))) throw viewBehind();
}

/** The same for the prices of some items: everything the reader has seen has had its effect on them. Costs nothing where the reader does not say. */
export async function pricesCover(call: Call<never, never> | Call, services: Services, skus: readonly string[]): Promise<void> {
  await statesCover(call, services);
  const positions = wanted(call, services.engine.partitions);
  if (positions && !(await services.consumers.pricing.covers(skus, positions, FRESHNESS_WAIT_MS))) throw viewBehind();
}

function viewBehind(): ReturnType<typeof problem> {
  return problem('view-behind', 'This view does not have what the Holdfast-Cursor covers yet. Ask again in a moment.', { headers: { 'retry-after': '1' } });
}
