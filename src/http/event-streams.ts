import { Readable } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import type { EndReason, Feed, FeedEntry, FeedQuestion, FeedSubscription } from '../distribution/feed/feed.ts';
import { CURSOR_HEAD } from '../store/store.ts';
import type { Caller, Keys } from './keys.ts';
import { HEARTBEAT_MS, KEY_TRUST_MS, SOCKET_IDLE_MS, STREAM_BUFFER_BYTES, STREAMS_PER_KEY_MAX } from './limits.ts';
import { problem } from './problem.ts';

/** Browsers come back this long after a stream has ended. */
const RETRY_MS = 1_000;
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
  readonly #open = new Set<EventStream>();
  readonly #waiting = new Set<AbortController>();
  /** One fact goes to many: it is put into words once. */
  readonly #frames = new WeakMap<FeedEntry, Buffer>();
  #callOff: (() => void) | undefined;
  #closed = false;

  constructor({ feed, clock }: { feed: Feed; clock: Clock }, keys: Keys) {
    this.#feed = feed;
    this.#clock = clock;
    this.#keys = keys;
    keys.onRevoked((id) => this.#release(id));
  }

  /** Streams that are open. */
  get open(): number {
    return this.#open.size;
  }

  /** Pages that wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** A stream of facts as Server-Sent Events. Throws where the caller, or everybody together, has too many already. */
  begin(question: FeedQuestion, owner: StreamOwner): EventStream {
    if (this.#closed) throw problem('unavailable', 'The service is stopping. Ask again in a moment.', { headers: { 'retry-after': '2' } });
    const leave = this.#enter(owner.caller);
    const stream = new EventStream({ clock: this.#clock, owner, frameOf: (entry) => this.#frameOf(entry) });
    stream.once('close', () => {
      leave();
      this.#open.delete(stream);
    });
    try {
      stream.listen(this.#feed, question);
    } catch (error) {
      stream.destroy();
      throw error;
    }
    this.#open.add(stream);
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
    for (const stream of this.#open) stream.finish();
    for (const waiting of this.#waiting) waiting.abort();
  }

  #enter(caller: Caller): () => void {
    if (caller.streams >= STREAMS_PER_KEY_MAX) {
      throw problem('rate-limited', `${STREAMS_PER_KEY_MAX} streams and waiting pages of this key are open already.`, { headers: { 'retry-after': '10' } });
    }
    caller.streams++;
    return () => void caller.streams--;
  }

  #frameOf(entry: FeedEntry): Buffer {
    let frame = this.#frames.get(entry);
    if (!frame) {
      frame = Buffer.from(`id: ${entry.cursor}\ndata: ${entry.json}\n\n`);
      this.#frames.set(entry, frame);
    }
    return frame;
  }

  readonly #look = (): void => {
    this.#callOff = this.#open.size === 0 || this.#closed ? undefined : this.#clock.after(KEY_TRUST_MS, this.#look);
    const now = this.#clock.now();
    for (const stream of this.#open) stream.look(now);
    for (const id of new Set([...this.#open].map((stream) => stream.owner.caller.id))) void this.#checkKey(id);
  };

  async #checkKey(id: string): Promise<void> {
    try {
      if (!(await this.#keys.alive(id))) this.#release(id);
    } catch {
      // The facts come from the store that does not answer: meanwhile the stream gives nothing away.
    }
  }

  #release(id: string): void {
    for (const stream of this.#open) if (stream.owner.caller.id === id) stream.finish();
  }
}

/** One reader's stream, which waits for him as long as the feed's buffer lasts and no longer. */
export class EventStream extends Readable {
  readonly owner: StreamOwner;
  readonly #clock: Clock;
  readonly #frameOf: (entry: FeedEntry) => Buffer;
  #subscription: FeedSubscription | undefined;
  #saidAt: number;
  #toldCursor = CURSOR_HEAD;
  #fullSince: number | undefined;
  #finished = false;

  constructor(options: { clock: Clock; owner: StreamOwner; frameOf: (entry: FeedEntry) => Buffer }) {
    super({ highWaterMark: STREAM_BUFFER_BYTES });
    this.owner = options.owner;
    this.#clock = options.clock;
    this.#frameOf = options.frameOf;
    this.#saidAt = options.clock.now();
    // Said at once, so that the reader knows that the stream has begun.
    this.#say(`retry: ${RETRY_MS}\n\n`);
  }

  listen(feed: Feed, question: FeedQuestion): void {
    this.#subscription = feed.subscribe(question, {
      push: (entry) => {
        this.#toldCursor = entry.cursor;
        return this.#say(this.#frameOf(entry));
      },
      end: (reason) => void this.#ended(feed, reason),
    });
  }

  /** Where the stream stands. */
  get cursor(): string {
    return this.#subscription?.cursor ?? this.#toldCursor;
  }

  /** Ends in order: what was said arrives. */
  finish(): void {
    this.#subscription?.close();
    if (this.#finished || this.destroyed) return;
    this.#finished = true;
    this.push(null);
  }

  look(now: number): void {
    const { endsAtMs } = this.owner;
    if (endsAtMs !== undefined && endsAtMs <= now) this.finish();
    else if (this.#fullSince !== undefined) {
      if (now - this.#fullSince >= SOCKET_IDLE_MS) this.destroy();
    } else if (now - this.#saidAt >= QUIET_MS) this.#heartbeat();
  }

  /** A comment, and how far the stream has come without a fact to show for it, so that coming back does not begin far behind. */
  #heartbeat(): void {
    const { cursor } = this;
    if (cursor === this.#toldCursor) this.#say(':\n\n');
    else this.#say(`:\nid: ${cursor}\n\n`);
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
      this.#say(`event: reset\n${earliest === undefined ? '' : `id: ${earliest}\n`}data: ${JSON.stringify(data)}\n\n`);
    }
    this.finish();
  }

  #say(text: string | Buffer): boolean {
    if (this.#finished || this.destroyed) return false;
    this.#saidAt = this.#clock.now();
    const hasRoom = this.push(text);
    if (!hasRoom) this.#fullSince ??= this.#saidAt;
    return hasRoom;
  }

  override _read(): void {
    this.#fullSince = undefined;
    this.#subscription?.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#subscription?.close();
    callback(error);
  }
}
