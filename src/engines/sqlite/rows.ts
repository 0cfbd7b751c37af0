/** The rows of the log as they are stored and found. */
import { crc32 } from 'node:zlib';
import { Fault } from '../../base/errors.ts';
import type { LogId, Position } from '../../store/envelope.ts';
import type { Database } from './database.ts';
import type { EncodedAppend } from './log.ts';

/**
 * A row that was read and found whole. `before` is the checksum of the row before it, so that no row can be exchanged
 * or taken from between two others unnoticed; `lines` are the bodies of the commits of `logs`, in that order.
 */
export interface Row {
  readonly seq: number;
  readonly token: string;
  readonly before: number;
  readonly crc: number;
  readonly heads: readonly Position[];
  readonly logs: readonly LogId[];
  readonly lines: readonly string[];
  readonly characters: number;
}

/** What of a row the checksum covers besides the body, as it is stored. */
interface Head {
  readonly seq: number;
  readonly before: number;
  readonly token: string;
  readonly logs: string;
  readonly heads: string;
}

/** Rows kept after they were read, in characters: readers of several logs go through the same rows side by side. */
const KEPT_CHARACTERS_MAX = 16 * 1024 * 1024;

/** JSON has no bare line breaks, so one separates the commits. */
export function bodyOf(commits: readonly EncodedAppend[]): string {
  const [first] = commits;
  return first && commits.length === 1 ? first[2] : commits.map(([, , body]) => body).join('\n');
}

/** CRC-32 over all that a row says. */
export function checksumOf({ seq, before, token, logs, heads }: Head, body: string): number {
  return crc32(body, crc32(`${seq} ${before} ${token} ${logs} ${heads}\n`));
}

/** Finds and reads rows, keeping those read last. Rows never change, but for the newest when all of it is forgotten. */
export class AppendRows {
  readonly #database: Database;
  readonly #newest;
  readonly #first;
  readonly #heads;
  readonly #row;
  /** What stands before the body. */
  readonly #outline;
  readonly #none: { readonly seq: 0; readonly crc: 0; readonly heads: readonly Position[] };
  #last: { readonly seq: number; readonly crc: number; readonly heads: readonly Position[] };
  readonly #kept = new Map<number, Row>();
  /** The row that was looked at last. */
  #checked = { seq: Number.NaN, crc: 0 };
  #keptCharacters = 0;

  constructor(database: Database, partitions: number) {
    const { connection } = database;
    this.#database = database;
    this.#newest = connection.prepare('SELECT seq, crc FROM appends ORDER BY seq DESC LIMIT 1');
    this.#first = connection.prepare('SELECT min(seq) AS seq FROM appends');
    this.#heads = connection.prepare('SELECT heads FROM appends WHERE seq = ?');
    this.#row = connection.prepare('SELECT seq, before, crc, token, logs, heads, body FROM appends WHERE seq = ?');
    this.#outline = connection.prepare('SELECT before, crc, logs FROM appends WHERE seq = ?');
    this.#none = { seq: 0, crc: 0, heads: new Array<Position>(partitions).fill(0) };
    this.#last = this.#none;
  }

  /** What the newest row says of heads; in an empty log they are all 0. */
  newest(): { readonly seq: number; readonly crc: number; readonly heads: readonly Position[] } {
    const row = this.#newest.get();
    if (row === undefined) return this.#none;
    const seq = Number(row['seq']);
    const crc = Number(row['crc']);
    // Another connection may have written meanwhile, or the row may be the one written last.
    if (seq !== this.#last.seq || crc !== this.#last.crc) this.#last = { seq, crc, heads: this.headsAt(seq) };
    return this.#last;
  }

  first(): number | undefined {
    const seq = this.#first.get()?.['seq'];
    return seq === null || seq === undefined ? undefined : Number(seq);
  }

  /** The heads of all logs after a row. */
  headsAt(seq: number): readonly Position[] {
    const kept = this.#kept.get(seq);
    if (kept) return kept.heads;
    const row = this.#heads.get(seq);
    if (row === undefined) throw this.damaged(seq, 'is missing');
    return this.#parse<Position>(String(row['heads']), seq);
  }

  /** The row with a log's commit at a position that is there: looked for from a row near it, in steps that double. */
  find(log: LogId, position: Position, near: number): number {
    const has = (seq: number): boolean => (this.headsAt(seq)[log] ?? 0) >= position;
    const first = this.first() ?? 1;
    const newest = this.newest().seq;
    let low = Math.max(first, Math.min(near, newest));
    let high = low;
    if (has(low)) {
      for (let step = 1; low > first && has(low); step *= 2) [low, high] = [Math.max(first, low - step), low];
      if (has(low)) return low;
    } else {
      for (let step = 1; !has(high); step *= 2) {
        if (high === newest) throw this.damaged(high, `does not reach position ${position} of log ${log}`);
        [low, high] = [high, Math.min(newest, high + step)];
      }
    }
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (has(middle)) high = middle;
      else low = middle;
    }
    return high;
  }

  /** A row, once it was found to be whole. */
  load(seq: number): Row {
    const kept = this.#kept.get(seq);
    if (kept) return kept;
    const row = this.#check(seq);
    this.#kept.set(seq, row);
    this.#keptCharacters += row.characters;
    for (const [oldest, { characters }] of this.#kept) {
      if (this.#keptCharacters <= KEPT_CHARACTERS_MAX || oldest === seq) break;
      this.#kept.delete(oldest);
      this.#keptCharacters -= characters;
    }
    return row;
  }

  /** A row that is not likely to be asked for again, once it was found to be whole. */
  loadOnce(seq: number): Row {
    return this.#kept.get(seq) ?? this.#check(seq);
  }

  /** The same; undefined where it has commits, and none of the logs that are wanted: then its body, which is most of it, is not read. */
  loadOf(seq: number, wanted: ReadonlyMap<LogId, Position>): Row | undefined {
    const isPassedOver = wanted.size < this.#none.heads.length && !this.#kept.has(seq) && !this.#hasAny(seq, wanted);
    return isPassedOver ? undefined : this.loadOnce(seq);
  }

  #hasAny(seq: number, wanted: ReadonlyMap<LogId, Position>): boolean {
    const row = this.#outline.get(seq);
    if (row === undefined) throw this.damaged(seq, 'is missing');
    const logs = this.#parse<LogId>(String(row['logs']), seq);
    if (logs.length === 0 || logs.some((log) => wanted.has(log))) return true;
    this.#follows(seq, Number(row['before']), Number(row['crc']));
    return false;
  }

  /** A row as it is stored. */
  stored(seq: number): Head & { readonly crc: number; readonly body: string } {
    const row = this.#row.get(seq);
    if (row === undefined) throw this.damaged(seq, 'is missing');
    return { seq, before: Number(row['before']), crc: Number(row['crc']), token: String(row['token']), logs: String(row['logs']), heads: String(row['heads']), body: String(row['body']) };
  }

  /** Throws where the newest row is not whole: nothing may be added to what is damaged. */
  verifyNewest(): void {
    const { seq } = this.newest();
    if (seq === 0) return;
    const { heads } = this.#check(seq);
    if (heads.length !== this.#none.heads.length) throw this.damaged(seq, `is of ${heads.length} logs, and the file says that it has ${this.#none.heads.length}`);
  }

  damaged(seq: number, what: string): Fault {
    return new Fault('corrupt', `${this.#database.file}: row ${seq} of the log ${what}; restore it from a backup`, { retry: 'never' });
  }

  #check(seq: number): Row {
    const stored = this.stored(seq);
    if (checksumOf(stored, stored.body) !== stored.crc) throw this.damaged(seq, 'does not match its checksum');
    this.#follows(seq, stored.before, stored.crc);
    const logs = this.#parse<LogId>(stored.logs, seq);
    return {
      seq,
      token: stored.token,
      before: stored.before,
      crc: stored.crc,
      heads: this.#parse<Position>(stored.heads, seq),
      logs,
      lines: logs.length === 1 ? [stored.body] : stored.body.split('\n'),
      characters: stored.body.length,
    };
  }

  /** Throws where a row was put in, exchanged or taken away before this one; goes on to it. */
  #follows(seq: number, before: number, crc: number): void {
    const previous = this.#checked.seq === seq - 1 ? this.#checked : this.#kept.get(seq - 1);
    if (previous && previous.crc !== before && !this.#wasForgotten(seq - 1, before)) throw this.damaged(seq, 'does not follow the one before it');
    this.#checked = { seq, crc };
  }

  /** Whether a row was emptied since it was read, and has this checksum now, or is gone with those before it. */
  #wasForgotten(seq: number, crc: number): boolean {
    const row = this.#outline.get(seq);
    return row === undefined ? seq < (this.first() ?? 0) : Number(row['crc']) === crc;
  }

  #parse<T extends number>(text: string, seq: number): T[] {
    try {
      return JSON.parse(text) as T[]; // arrays of numbers, as `append` wrote them; whatever else fails the checksum when the row is read
    } catch {
      throw this.damaged(seq, 'is not readable');
    }
  }
}
