import { CURSOR_HEAD, cursorPart, type Cursor, type LogId, type Position } from '../../store/store.ts';

/**
 * How far somebody has read, as numbers and as a cursor's text. The text is put together from one part a log, and only
 * the parts that changed are written again: the cursors of one commit's facts differ in nothing but its own log's part.
 */
export class Place {
  readonly #positions: Position[];
  /** Of the commit at the position plus one, how many facts were seen. */
  readonly #seen: number[];
  readonly #parts: (string | undefined)[];
  #text: string | undefined;

  constructor(positions: readonly Position[], partial?: ReadonlyMap<LogId, number>) {
    this.#positions = [...positions];
    this.#seen = this.#positions.map((_, log) => partial?.get(log) ?? 0);
    this.#parts = new Array<string | undefined>(positions.length).fill(undefined);
  }

  static of(cursor: Cursor): Place {
    return new Place(cursor.positions, cursor.partial);
  }

  copy(): Place {
    return new Place(this.#positions, new Map(this.#seen.entries()));
  }

  position(log: LogId): Position {
    return this.#positions[log] ?? 0;
  }

  seen(log: LogId): number {
    return this.#seen[log] ?? 0;
  }

  set(log: LogId, position: Position, seen = 0): void {
    this.#positions[log] = position;
    this.#seen[log] = seen;
    this.#parts[log] = undefined;
    this.#text = undefined;
  }

  /** True where exactly everything up to these heads was read. */
  isAt(heads: readonly Position[]): boolean {
    return this.#positions.every((position, log) => position === heads[log] && this.#seen[log] === 0);
  }

  /** How many commits there are between this place and some heads. */
  behind(heads: readonly Position[]): number {
    return this.#positions.reduce((sum, position, log) => sum + Math.max(0, (heads[log] ?? 0) - position), 0);
  }

  get text(): string {
    return (this.#text ??= CURSOR_HEAD + this.#partsOf(0, this.#positions.length));
  }

  /** Writes cursors that differ from this place in one log only. */
  cursorsWithin(log: LogId): (position: Position, seen: number) => string {
    const before = CURSOR_HEAD + this.#partsOf(0, log);
    const after = this.#partsOf(log + 1, this.#positions.length);
    return (position, seen) => before + cursorPart(log, position, seen) + after;
  }

  #partsOf(from: LogId, to: LogId): string {
    let text = '';
    for (let log = from; log < to; log++) text += this.#parts[log] ??= cursorPart(log, this.position(log), this.seen(log));
    return text;
  }
}
