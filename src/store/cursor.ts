import type { LogId, Position } from './envelope.ts';

/**
 * How far somebody has read: for each log the position of the last commit seen, and how many events of the commit
 * after it. As text: `c1` and then `-<log>.<position>` or `-<log>.<position>.<events>` in base 36, logs ascending,
 * logs at their start left out.
 */
export interface Cursor {
  /** Index = log. */
  readonly positions: readonly Position[];
  /** Events already seen of the commit at `positions[log] + 1`, for the logs where that is not 0. */
  readonly partial: ReadonlyMap<LogId, number>;
}

const NO_PARTIAL: ReadonlyMap<LogId, number> = new Map();

/** What every cursor begins with; the parts of its logs follow. */
export const CURSOR_HEAD = 'c1';

/** One log's part of a cursor's text, for those who write many cursors that differ in little. */
export function cursorPart(log: LogId, position: Position, events: number): string {
  if (position === 0 && events === 0) return '';
  return `-${log.toString(36)}.${position.toString(36)}${events === 0 ? '' : `.${events.toString(36)}`}`;
}

export function formatCursor(positions: readonly Position[], partial: ReadonlyMap<LogId, number> = NO_PARTIAL): string {
  let text = CURSOR_HEAD;
  for (let log = 0; log < positions.length; log++) text += cursorPart(log, positions[log] ?? 0, partial.get(log) ?? 0);
  return text;
}

/** Undefined where the text is not a cursor for a store with this many logs. */
export function parseCursor(text: string, partitions: number): Cursor | undefined {
  if (text.length > 32 * (partitions + 1) || !/^c1(-[0-9a-z]+\.[0-9a-z]+(\.[0-9a-z]+)?)*$/.test(text)) return undefined;
  const positions = new Array<Position>(partitions).fill(0);
  const partial = new Map<LogId, number>();
  let previous = -1;
  for (const part of text.split('-').slice(1)) {
    const [log, position, events] = part.split('.').map((digits) => Number.parseInt(digits, 36));
    if (log === undefined || position === undefined || log <= previous || log >= partitions) return undefined;
    if (!Number.isSafeInteger(position) || (events !== undefined && !(events > 0 && Number.isSafeInteger(events)))) return undefined;
    positions[log] = position;
    if (events !== undefined) partial.set(log, events);
    previous = log;
  }
  return { positions, partial };
}

/** True where `positions` has everything that the cursor has seen. */
export function cursorCovers(positions: readonly Position[], cursor: Cursor): boolean {
  return cursor.positions.every((position, log) => {
    const needed = position + (cursor.partial.has(log) ? 1 : 0);
    return (positions[log] ?? 0) >= needed;
  });
}
