import type { Clock } from '../base/clock.ts';
import type { FeedEntry } from '../distribution/feed/feed.ts';
import { STREAM_WRITES_PER_TURN } from './limits.ts';

const LINE_END = Buffer.from('\r\n');

/** Bytes to be said, and the same as a chunk of an answer whose length nobody knows (RFC 9112, 7.1). */
export interface Chunk {
  readonly bytes: Buffer;
  readonly chunk: Buffer;
}

/** Frames by their numbers, in runs: a first one and the one after the last, in turn. Most streams have one run. */
export type Runs = number[];

/** Who has something to write. */
export interface Writer {
  /** Frames that wait to be written; empty where there are none. */
  readonly runs: Runs;
  flush(now: number): void;
}

function chunkOf(bytes: Buffer): Chunk {
  return { bytes, chunk: Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, LINE_END]) };
}

function areSame(runs: Runs, others: Runs): boolean {
  if (runs.length !== others.length) return false;
  for (let i = 0; i < runs.length; i++) if (runs[i] !== others[i]) return false;
  return true;
}

/**
 * What streams say, and the streams that have something to write. A frame is made once and has a number; a stream keeps
 * numbers only, and a hundred in a row are two of them, because a list of frames for each of a thousand streams takes
 * longer to keep than the frames take to be written. Streams of the same question say the same, one after another, so
 * that the bytes are put together once.
 */
export class StreamOutbox {
  readonly #clock: Clock;
  /** Numbered from `#first` on. */
  #frames: Buffer[] = [];
  #first = 0;
  #dirty: Writer[] = [];
  #planned = false;
  #entry: FeedEntry | undefined;
  #runs: Runs = [];
  #chunk: Chunk | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The number of a frame. */
  add(frame: Buffer): number {
    return this.#first + this.#frames.push(frame) - 1;
  }

  /** The number of a fact in words. One goes to many, one after another, and is the newest frame meanwhile. */
  addEntry(entry: FeedEntry): number {
    if (entry === this.#entry) return this.#first + this.#frames.length - 1;
    const number = this.add(Buffer.from(`id: ${entry.cursor}\ndata: ${entry.json}\n\n`));
    this.#entry = entry;
    return number;
  }

  bytesIn(number: number): number {
    return this.#frames[number - this.#first]?.length ?? 0;
  }

  /** Some frames as one. */
  chunkOf(runs: Runs): Chunk {
    if (this.#chunk && areSame(runs, this.#runs)) return this.#chunk;
    const frames: Buffer[] = [];
    for (let i = 0; i < runs.length; i += 2) frames.push(...this.#frames.slice((runs[i] ?? 0) - this.#first, (runs[i + 1] ?? 0) - this.#first));
    this.#runs = runs;
    return (this.#chunk = chunkOf(Buffer.concat(frames)));
  }

  /** A stream has something to write: it does when what is at hand was handed out. */
  post(writer: Writer): void {
    this.#dirty.push(writer);
    this.#plan();
  }

  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    setImmediate(this.#flushSome);
  }

  readonly #flushSome = (): void => {
    this.#planned = false;
    const now = this.#clock.now();
    for (const writer of this.#dirty.splice(0, STREAM_WRITES_PER_TURN)) writer.flush(now);
    this.#forget();
    if (this.#dirty.length > 0) this.#plan();
  };

  /** Frames older than what any stream has yet to write. */
  #forget(): void {
    const next = this.#first + this.#frames.length;
    let oldest = next;
    for (const { runs } of this.#dirty) oldest = Math.min(oldest, runs[0] ?? next);
    this.#frames.splice(0, oldest - this.#first);
    this.#first = oldest;
    if (oldest === next) [this.#entry, this.#chunk] = [undefined, undefined];
  }
}
