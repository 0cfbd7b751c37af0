import type { ServerResponse } from 'node:http';
import type { Clock } from '../base/clock.ts';
import type { EndReason, Feed, FeedEntry, FeedQuestion, FeedSubscription } from '../distribution/feed/feed.ts';
import type { Call } from './call.ts';
import { HEARTBEAT_MS, STREAM_BUFFER_BYTES } from './limits.ts';

export interface EventStreamOptions {
  readonly feed: Feed;
  readonly clock: Clock;
  readonly call: Call;
  readonly question: FeedQuestion;
  /** Asked with every heartbeat: another node may have revoked the key. */
  readonly isAlive: () => Promise<boolean>;
}

/** How often the key is looked at: a revoked one ends its streams within this, wherever it was revoked. */
const LOOK_MS = 3_000;

/**
 * One listener on the other end of a connection. Facts are written as they come, those of one moment in one go; a reader
 * who does not take them is given a bounded buffer by the feed and then cut off, which hurts nobody else.
 */
export class EventStream {
  readonly #options: EventStreamOptions;
  readonly #raw: ServerResponse;
  readonly #onEnd: (() => void)[] = [];
  #subscription: FeedSubscription | undefined;
  #text = '';
  #flushPlanned = false;
  #quietMs = 0;
  #stuckMs = 0;
  #callOff: (() => void) | undefined;
  #ended = false;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    this.#raw = options.call.reply.raw;
  }

  onEnd(listener: () => void): void {
    this.#onEnd.push(listener);
  }

  start(): void {
    const { feed, question, call } = this.#options;
    // Too many listeners is said before the head of the answer is gone.
    this.#subscription = feed.subscribe(question, { push: (entry) => this.#push(entry), end: (reason) => void this.#cut(reason) });
    call.reply.hijack();
    const headers = call.reply.getHeaders() as Record<string, string>; // set by the server, as text
    this.#raw.writeHead(200, { ...headers, 'x-request-id': call.requestId, 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
    this.#raw.write('retry: 1000\n\n');
    this.#raw.on('drain', () => this.#drained());
    this.#raw.on('close', () => this.end());
    this.#raw.on('error', () => this.end());
    this.#raw.socket?.setTimeout(0); // the heartbeat finds readers who are gone
    this.#tick();
  }

  end(): void {
    if (this.#ended) return;
    this.#flush();
    this.#ended = true;
    this.#subscription?.close();
    this.#callOff?.();
    for (const listener of this.#onEnd) listener();
    this.#raw.end();
    if (this.#raw.writableNeedDrain) this.#raw.destroy(); // what waits for a reader who does not read would wait for ever
  }

  #push({ json, cursor }: FeedEntry): boolean {
    this.#text += `id: ${cursor}\ndata: ${json}\n\n`;
    if (!this.#flushPlanned) {
      this.#flushPlanned = true;
      queueMicrotask(() => this.#flush());
    }
    return this.#raw.writableLength + this.#text.length < STREAM_BUFFER_BYTES;
  }

  #flush(): void {
    this.#flushPlanned = false;
    if (this.#ended || this.#text === '') return;
    this.#raw.write(this.#text);
    this.#text = '';
    this.#quietMs = 0;
  }

  #drained(): void {
    this.#stuckMs = 0;
    this.#subscription?.resume();
  }

  /** Every second: a comment on a quiet line, the end for a reader who takes nothing, a look at the key. */
  #tick(ticks = 1): void {
    this.#callOff = this.#options.clock.after(1_000, () => {
      if (this.#ended) return;
      this.#quietMs += 1_000;
      this.#stuckMs = this.#raw.writableNeedDrain ? this.#stuckMs + 1_000 : 0;
      if (this.#stuckMs >= HEARTBEAT_MS) {
        this.#raw.destroy();
        return;
      }
      if (this.#stuckMs === 0) this.#subscription?.resume();
      if (this.#quietMs >= HEARTBEAT_MS) {
        this.#raw.write(': still here\n\n');
        this.#quietMs = 0;
      }
      if ((ticks * 1_000) % LOOK_MS === 0) this.#look();
      this.#tick(ticks + 1);
    });
  }

  #look(): void {
    this.#options.isAlive().then(
      (alive) => {
        if (!alive) this.end();
      },
      () => undefined, // the store is away: that says nothing about the key, and the next look is soon
    );
  }

  async #cut(reason: EndReason): Promise<void> {
    if (reason === 'history-lost') {
      const earliest = await this.#options.feed.earliest().catch(() => 'earliest'); // the store is away: the word says the same
      this.#text += `event: reset\ndata: ${JSON.stringify({ earliest })}\n\n`;
    }
    this.end();
  }
}
