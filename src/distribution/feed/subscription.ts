import type { Interest } from './audience.ts';
import type { LiveCommit } from './live-commit.ts';
import type { Place } from './place.ts';

/** A fact on its way out. */
export interface FeedEntry {
  /** The CloudEvent as JSON text. */
  readonly json: string;
  readonly type: string;
  readonly subject: string;
  /** Resumes after this fact: covers everything that was delivered before it too. */
  readonly cursor: string;
}

/** `slow`: too much waited for the listener. `closed`: the feed was closed, or could not go on for the reason given as cause. */
export type EndReason = 'slow' | 'history-lost' | 'closed';

export interface FeedListener {
  /** Takes an entry, which it may not refuse; false says that it is full until `resume` is called. Must not throw. */
  push(entry: FeedEntry): boolean;
  /** Nothing is pushed any more. Not called for those who closed the subscription themselves. */
  end(reason: EndReason, cause?: unknown): void;
}

/** What the feed itself wants to know besides, to make a page of what is pushed. */
export interface Listener extends FeedListener {
  /** Everything up to now was pushed. May be said more than once. */
  caughtUp?(): void;
  /** Would rather be told of a fault of the store than wait until it has passed. */
  readonly impatient?: true;
}

/**
 * One listener, and what waits for it while it is full.
 *
 *   behind ──everything up to now was pushed, nothing waits──► live ──too much waits──► ended
 *     ▲                                                          │
 *     └──────────────── the feed itself fell behind ─────────────┘
 *
 * Who is behind reads the store at his own pace; only who is live can be too slow.
 */
export class Subscription implements Interest {
  readonly types: ReadonlySet<string> | undefined;
  readonly key: string | undefined;
  /** How far this listener had read when he was last behind. */
  place: Place;
  /** Live from this round of commits on; undefined while behind. */
  liveFrom: number | undefined;
  /** What was committed while the store is read; undefined where nobody collects, or it became too much. */
  collected: LiveCommit[] | undefined;
  collectedEvents = 0;
  readonly #listener: Listener;
  readonly #bufferMax: number;
  readonly #onEnd: (reason: EndReason | undefined) => void;
  #waiting: FeedEntry[] = [];
  #waitingFrom = 0;
  #newestRound = 0;
  #full = false;
  #ended = false;
  #pushed: string | undefined;
  #pushing = false;
  #cursorAtEnd: string | undefined;
  #onDrained: (() => void) | undefined;

  constructor(options: { interest: Interest; place: Place; listener: Listener; bufferMax: number; onEnd: (reason: EndReason | undefined) => void }) {
    this.types = options.interest.types;
    this.key = options.interest.key;
    this.place = options.place;
    this.#listener = options.listener;
    this.#bufferMax = options.bufferMax;
    this.#onEnd = options.onEnd;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** How many entries wait for the listener. */
  get waiting(): number {
    return this.#waiting.length - this.#waitingFrom;
  }

  get impatient(): boolean {
    return this.#listener.impatient === true;
  }

  get wasGivenSome(): boolean {
    return this.#pushed !== undefined;
  }

  get mustPause(): boolean {
    return this.waiting >= this.#bufferMax;
  }

  /** The cursor of the last entry pushed, where that says better how far the listener was served than the feed's own place. */
  get ownCursor(): string | undefined {
    return this.waiting > 0 || this.#pushing ? this.#pushed : this.#cursorAtEnd;
  }

  deliver(entry: FeedEntry): void {
    if (this.#ended) return;
    if (this.#full || this.waiting > 0) this.#waiting.push(entry);
    else this.#push(entry);
  }

  /**
   * Delivers, or cuts the listener off where too much has been waiting since before this round of commits. What comes
   * in one round is never too much by itself: there was no chance to take it.
   */
  deliverLive(entry: FeedEntry, round: number): void {
    if (this.mustPause && this.#newestRound !== round) return this.end('slow');
    this.#newestRound = round;
    this.deliver(entry);
  }

  caughtUp(): void {
    if (!this.#ended) this.#listener.caughtUp?.();
  }

  resume(): void {
    this.#full = false;
    while (!this.#full && !this.#ended && this.waiting > 0) this.#push(this.#waiting[this.#waitingFrom++] as FeedEntry); // waiting says that there is one
    if (this.waiting === 0) this.#emptied();
    else if (this.#waitingFrom > this.#bufferMax) {
      this.#waiting = this.#waiting.slice(this.#waitingFrom);
      this.#waitingFrom = 0;
    }
  }

  /** Resolves when nothing waits any more, also because nobody listens any more. */
  drained(): Promise<void> {
    if (this.#ended || this.waiting === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onDrained = resolve;
    });
  }

  end(reason: EndReason, cause?: unknown): void {
    if (this.#ended) return;
    this.#close(reason);
    this.#listener.end(reason, cause);
  }

  close(): void {
    if (!this.#ended) this.#close(undefined);
  }

  #close(reason: EndReason | undefined): void {
    this.#cursorAtEnd = this.ownCursor;
    this.#ended = true;
    this.#emptied();
    this.#onEnd(reason);
  }

  #push(entry: FeedEntry): void {
    this.#pushed = entry.cursor;
    this.#pushing = true;
    if (!this.#listener.push(entry)) this.#full = true;
    this.#pushing = false;
  }

  #emptied(): void {
    this.#waiting = [];
    this.#waitingFrom = 0;
    this.#onDrained?.();
    this.#onDrained = undefined;
  }
}
