import type { ServerResponse } from 'node:http';
import type { Clock } from '../base/clock.ts';
import type { EndReason, Feed, FeedQuestion, FeedSubscription } from '../distribution/feed/feed.ts';
import { CURSOR_HEAD } from '../store/store.ts';
import type { Caller, Keys } from './keys.ts';
import { HEARTBEAT_MS, KEY_TRUST_MS, SOCKET_IDLE_MS, STREAM_BUFFER_BYTES, STREAMS_PER_KEY_MAX } from './limits.ts';
import { problem } from './problem.ts';
import { StreamOutbox, type Chunk, type Runs, type Writer } from './stream-outbox.ts';

/** Browsers come back this long after a stream has ended. */
const RETRY_MS = 1_000;
const RETRY = Buffer.from(`retry: ${RETRY_MS}\n\n`);
const COMMENT = Buffer.from(':\n\n');
/** A quiet stream is looked at every {@link KEY_TRUST_MS}, so this much silence never grows beyond HEARTBEAT_MS. */
const QUIET_MS = HEARTBEAT_MS - KEY_TRUST_MS;

export interface StreamOwner {
  readonly caller: Caller;
  /** When what the caller showed stops being valid by itself. */
  readonly endsAtMs: number | undefined;
}

/**
 * Everybody who listens over HTTP. The open streams are looked at together, every two seconds: whose key was revoked
 * (on whichever node) or whose token has run out is let go, and who has heard nothing for a while hears that the stream
 * is alive.
 */
export class EventStreams {
  readonly #feed: Feed;
  readonly #clock: Clock;
  readonly #keys: Keys;
  readonly #streams = new Set<EventStream>();
  readonly #waiting = new Set<AbortController>();
  readonly #outbox: StreamOutbox;
  #callOff: (() => void) | undefined;
  #closed = false;

  constructor({ feed, clock }: { feed: Feed; clock: Clock }, keys: Keys) {
    this.#feed = feed;
    this.#clock = clock;
    this.#keys = keys;
    this.#outbox = new StreamOutbox(clock);
    keys.onRevoked((id) => this.#release(id));
  }

  /** Streams that are open. */
  get count(): number {
    return this.#streams.size;
  }

  /** Pages that wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** A stream of facts as Server-Sent Events. Throws where the caller, or everybody together, has too many already. */
  open(question: FeedQuestion, owner: StreamOwner, response: ServerResponse): EventStream {
    if (this.#closed) throw problem('unavailable', 'The service is stopping. Ask again in a moment.', { headers: { 'retry-after': '2' } });
    const leave = this.#enter(owner.caller);
    const onClosed = (closed: EventStream): void => {
      leave();
      this.#streams.delete(closed);
    };
    const stream = new EventStream({ clock: this.#clock, owner, outbox: this.#outbox, response, onClosed });
    try {
      stream.listen(this.#feed, question);
    } catch (error) {
      stream.abandon();
      throw error;
    }
    this.#streams.add(stream);
    this.#callOff ??= this.#clock.after(KEY_TRUST_MS, this.#look);
    return stream;
  }

  /** A place for somebody who waits for a page. The signal tells when there is no more sense in it; `leave` when it was served. */
  wait(caller: Caller): { signal: AbortSignal; giveUp(): void; leave(): void } {
    const leave = this.#enter(caller);
    const waiting = new AbortController();
    this.#waiting.add(waiting);
    if (this.#closed) waiting.abort();
    return {
      signal: waiting.signal,
      giveUp: () => waiting.abort(),
      leave: () => {
        this.#waiting.delete(waiting);
        leave();
      },
    };
  }

  /** Ends every stream in order, and every waiting page with what it has. */
  close(): void {
    this.#closed = true;
    this.#callOff?.();
    for (const stream of this.#streams) stream.finish();
    for (const waiting of this.#waiting) waiting.abort();
  }

  #enter(caller: Caller): () => void {
    if (caller.streams >= STREAMS_PER_KEY_MAX) {
      throw problem('rate-limited', `${STREAMS_PER_KEY_MAX} streams and waiting pages of this key are open already.`, { headers: { 'retry-after': '10' } });
    }
    caller.streams++;
    return () => void caller.streams--;
  }

  readonly #look = (): void => {
    this.#callOff = this.#streams.size === 0 || this.#closed ? undefined : this.#clock.after(KEY_TRUST_MS, this.#look);
    const now = this.#clock.now();
    for (const stream of this.#streams) stream.look(now);
    for (const id of new Set([...this.#streams].map((stream) => stream.owner.caller.id))) void this.#checkKey(id);
  };

  async #checkKey(id: string): Promise<void> {
    try {
      if (!(await this.#keys.alive(id))) this.#release(id);
    } catch {
      // The facts come from the store that does not answer: meanwhile the stream gives nothing away.
    }
  }

  #release(id: string): void {
    for (const stream of this.#streams) if (stream.owner.caller.id === id) stream.finish();
  }
}

/**
 * One reader's stream, which waits for him as long as the feed's buffer lasts and no longer. What is said is gathered
 * until `flush`, so that a reader costs one write for all that came at once, and readers of the same share its bytes.
 */
export class EventStream implements Writer {
  readonly owner: StreamOwner;
  readonly #clock: Clock;
  readonly #outbox: StreamOutbox;
  readonly #response: ServerResponse;
  readonly #onClosed: (stream: EventStream) => void;
  #subscription: FeedSubscription | undefined;
  runs: Runs = [];
  /** Said before the head was written. */
  #early: Buffer[] = [];
  #waitingBytes = 0;
  #saidAt: number;
  #toldCursor = CURSOR_HEAD;
  #fullSince: number | undefined;
  /** The feed was told to wait. */
  #paused = false;
  #finished = false;
  #begun = false;
  #headed = false;

  constructor(options: { clock: Clock; owner: StreamOwner; outbox: StreamOutbox; response: ServerResponse; onClosed: (stream: EventStream) => void }) {
    this.owner = options.owner;
    this.#clock = options.clock;
    this.#outbox = options.outbox;
    this.#response = options.response;
    this.#onClosed = options.onClosed;
    this.#saidAt = options.clock.now();
    options.response.once('close', this.#onClose);
    options.response.on('drain', this.#onDrain);
    // Said at once, so that the reader knows that the stream has begun.
    this.#say(RETRY);
  }

  listen(feed: Feed, question: FeedQuestion): void {
    this.#subscription = feed.subscribe(question, {
      push: (entry) => {
        this.#toldCursor = entry.cursor;
        return this.#sayFrame(this.#outbox.addEntry(entry));
      },
      end: (reason) => void this.#ended(feed, reason),
    });
  }

  /** Where the stream stands. */
  get cursor(): string {
    return this.#subscription?.cursor ?? this.#toldCursor;
  }

  /** The answer's head was written: what was said meanwhile follows. */
  begin(): void {
    this.#begun = true;
    const early = this.#early;
    this.#early = [];
    for (const bytes of early) this.#response.write(bytes);
    this.#headed = early.length > 0;
    if (this.runs.length > 0) this.flush(this.#clock.now());
    else if (this.#finished) this.#response.end();
  }

  /** Writes what was said since the last time. */
  flush(now: number): void {
    if (this.runs.length === 0 || this.#response.destroyed) return;
    const chunk = this.#outbox.chunkOf(this.runs);
    this.runs = [];
    this.#waitingBytes = 0;
    if (!this.#begun) return void this.#early.push(chunk.bytes);
    this.#saidAt = now;
    const hasRoom = this.#write(chunk);
    if (!hasRoom) this.#fullSince ??= now;
    if (this.#finished) this.#response.end();
    else if (hasRoom) this.#resume();
  }

  /**
   * A chunk that many readers get is written as it is, past the response: that would say its length anew for each of
   * them, in a write of four parts. The first goes its way, and the head with it; so does what comes while the response
   * still has something, as while another answer on the same connection is given; and what is for readers of HTTP/1.0,
   * who know no chunks.
   */
  #write({ bytes, chunk }: Chunk): boolean {
    const response = this.#response;
    const { socket } = response;
    if (!this.#headed || socket === null || !response.chunkedEncoding || response.writableLength > socket.writableLength) {
      this.#headed = true;
      return response.write(bytes);
    }
    const hasRoom = socket.write(chunk);
    if (!hasRoom) socket.once('drain', this.#onDrain);
    return hasRoom;
  }

  /** Ends in order: what was said arrives. */
  finish(): void {
    this.#subscription?.close();
    if (this.#finished || this.#response.destroyed) return;
    this.#finished = true;
    if (this.runs.length > 0) this.flush(this.#clock.now());
    else if (this.#begun) this.#response.end();
  }

  /** Nothing was written: the answer will be another one. */
  abandon(): void {
    this.#response.off('close', this.#onClose);
    this.#response.off('drain', this.#onDrain);
    this.#onClose();
  }

  /** Ends at once. */
  destroy(): void {
    this.#finished = true;
    this.#response.destroy();
  }

  look(now: number): void {
    const { endsAtMs } = this.owner;
    if (endsAtMs !== undefined && endsAtMs <= now) this.finish();
    else if (this.#fullSince !== undefined) {
      if (now - this.#fullSince >= SOCKET_IDLE_MS) this.destroy();
    } else if (this.runs.length === 0 && now - this.#saidAt >= QUIET_MS) this.#heartbeat();
  }

  /** A comment, and how far the stream has come without a fact to show for it, so that coming back does not begin far behind. */
  #heartbeat(): void {
    const { cursor } = this;
    this.#say(cursor === this.#toldCursor ? COMMENT : Buffer.from(`:\nid: ${cursor}\n\n`));
    this.#toldCursor = cursor;
  }

  async #ended(feed: Feed, reason: EndReason): Promise<void> {
    if (reason === 'slow') {
      this.destroy();
      return;
    }
    if (reason === 'history-lost') {
      const earliest = await feed.earliest().catch(() => undefined);
      const data = { code: 'history-lost', detail: 'The facts after the cursor are no longer kept.', ...(earliest === undefined ? undefined : { earliest }) };
      // With the id a browser that comes back by itself goes on from the oldest that is kept, instead of asking in vain for ever.
      this.#say(Buffer.from(`event: reset\n${earliest === undefined ? '' : `id: ${earliest}\n`}data: ${JSON.stringify(data)}\n\n`));
    }
    this.finish();
  }

  /** False where so much waits that the reader is full. */
  #say(frame: Buffer): boolean {
    return this.#sayFrame(this.#outbox.add(frame));
  }

  #sayFrame(number: number): boolean {
    if (this.#finished) return false;
    const { runs } = this;
    const last = runs.length - 1;
    if (runs[last] === number) runs[last] = number + 1;
    else if (runs.push(number, number + 1) === 2) this.#outbox.post(this);
    this.#waitingBytes += this.#outbox.bytesIn(number);
    this.#paused = this.#fullSince !== undefined || this.#waitingBytes >= STREAM_BUFFER_BYTES;
    return !this.#paused;
  }

  readonly #onDrain = (): void => {
    this.#fullSince = undefined;
    this.#resume();
  };

  #resume(): void {
    if (this.#finished || !this.#paused) return;
    this.#paused = false;
    this.#subscription?.resume();
  }

  readonly #onClose = (): void => {
    this.#finished = true;
    this.runs = [];
    this.#subscription?.close();
    this.#onClosed(this);
  };
}
