/**
 * The feed: every public fact, in the order of its log, to whoever asks from wherever they stopped. A page is one
 * answer; a subscription goes on. Both are the same thing underneath: a listener who reads the store until he has
 * everything (`CatchUp`), and from then on is handed what the engine commits (`Dispatcher`), without a gap or a
 * repetition in between. A cursor says how far that is in each log, and outlives the process.
 */
import { assert } from '../../base/assert.ts';
import { systemClock, type Clock } from '../../base/clock.ts';
import type { Spread } from '../../base/distribution.ts';
import { Fault } from '../../base/errors.ts';
import { formatCursor, type Commit, type Cursor, type Position, type Store } from '../../store/store.ts';
import type { Interest } from './audience.ts';
import { CatchUp } from './catch-up.ts';
import { Dispatcher, type HandedOut } from './dispatcher.ts';
import { FEED_BOUNDS, type FeedBounds } from './limits.ts';
import { Place } from './place.ts';
import { Subscription, type FeedEntry, type FeedListener, type Listener } from './subscription.ts';

export type { HandedOut } from './dispatcher.ts';
export { leavesTheHouse, MEMBERS, toCloudEvent, type CloudEvent, type FactAddress, type PublicType } from './cloud-events.ts';
export type { EndReason, FeedEntry, FeedListener } from './subscription.ts';

/** Where commits come from: an engine that has started. */
export interface CommitSource {
  /** The durable heads of all logs; index = log. */
  readonly heads: readonly Position[];
  onCommitted(listener: (commits: readonly Commit[]) => void): () => void;
}

export interface FeedOptions {
  readonly store: Pick<Store, 'log' | 'partitions'>;
  readonly engine: CommitSource;
  readonly clock?: Clock;
  /** Runs a task after the input that is at hand has been taken in. */
  readonly defer?: (task: () => void) => void;
  readonly bounds?: Partial<FeedBounds>;
}

/** From where, and what: the subjects and types are matched exactly; no types means all. */
export interface FeedQuestion {
  readonly after: 'earliest' | 'now' | Cursor;
  readonly types?: readonly string[] | undefined;
  readonly key?: string | undefined;
}

export interface PageQuestion extends FeedQuestion {
  /** At least 1. */
  readonly limit: number;
  /** How long to wait for something new where there is nothing; 0 does not wait. */
  readonly waitMs: number;
  /** Ends the waiting with what there is. */
  readonly signal?: AbortSignal | undefined;
}

export interface Page {
  /** None: this is the end for now. */
  readonly entries: readonly FeedEntry[];
  /** Goes on after these entries, and past what did not match before them. */
  readonly cursor: string;
}

export interface FeedSubscription {
  /** Covers what was pushed, and what did not match: moves on also while nothing is pushed. */
  readonly cursor: string;
  close(): void;
  /** The listener can take more. */
  resume(): void;
}

/** The commits after a cursor were trimmed; `earliest` is the oldest cursor that can be read after. */
export class HistoryLost extends Fault {
  readonly earliest: string;

  constructor(earliest: string, cause: unknown) {
    super('history-lost', `what follows the cursor was trimmed; start again from ${earliest}`, { retry: 'never', cause });
    this.earliest = earliest;
  }
}

/** How the feed and its listeners are. */
export interface FeedFigures {
  /** Listeners who are given facts as they are committed, and those who still read the store. */
  readonly live: number;
  readonly reading: number;
  /** Facts that wait for listeners who are full, and how many commits the slowest of all listeners is behind. */
  readonly waitingFacts: number;
  readonly slowestCommits: number;
  /** Facts given to live listeners, once for each. */
  readonly deliveries: number;
  /** Listeners who were cut off because too much waited for them. */
  readonly cutOff: number;
  /** Seconds from a commit until every live listener was given its facts. */
  readonly handOutSeconds: Spread;
}

export class Feed {
  readonly #store: Pick<Store, 'log' | 'partitions'>;
  readonly #clock: Clock;
  readonly #bounds: FeedBounds;
  readonly #open = new Set<Subscription>();
  readonly #dispatcher: Dispatcher;
  readonly #catchUp: CatchUp;
  readonly #stop: () => void;
  readonly #onHandedOut = new Set<(handedOut: HandedOut) => void>();
  #cutOff = 0;
  #closed = false;

  constructor(options: FeedOptions) {
    const { store, engine, clock = systemClock(), defer = (task): void => void setImmediate(task) } = options;
    assert(engine.heads.length === store.partitions, 'the feed needs an engine that has started');
    this.#store = store;
    this.#clock = clock;
    this.#bounds = { ...FEED_BOUNDS, ...options.bounds };
    this.#dispatcher = new Dispatcher(engine.heads, { bounds: this.#bounds, defer, onBehind: (subscription) => void this.#catchUp.bringUp(subscription), onHandedOut: (handedOut) => this.#tellHandedOut(handedOut) });
    this.#catchUp = new CatchUp({ store, clock, defer, bounds: this.#bounds, dispatcher: this.#dispatcher });
    this.#stop = engine.onCommitted((commits) => this.#dispatcher.receive(commits));
  }

  /** How many listen or wait. */
  get listeners(): number {
    return this.#open.size;
  }

  /** How far commits were handed to those who are live; index = log. */
  get handedOut(): readonly Position[] {
    return this.#dispatcher.handedOut;
  }

  /** Asks every listener, so not for the hot path. */
  get figures(): FeedFigures {
    const { received, live, deliveries, handOutSeconds } = this.#dispatcher;
    let [waitingFacts, slowestCommits] = [0, 0];
    for (const subscription of this.#open) {
      waitingFacts += subscription.waiting;
      slowestCommits = Math.max(slowestCommits, this.#dispatcher.placeOf(subscription).behind(received));
    }
    return { live, reading: this.#open.size - live, waitingFacts, slowestCommits, deliveries, cutOff: this.#cutOff, handOutSeconds };
  }

  /** Calls back with every commit that was handed to live listeners. */
  onHandedOut(listener: (handedOut: HandedOut) => void): () => void {
    this.#onHandedOut.add(listener);
    return () => void this.#onHandedOut.delete(listener);
  }

  /**
   * At most `limit` matching entries after a cursor, from which `cursor` goes on. Rejects with {@link HistoryLost}, with
   * `overloaded` where too many listen, and with the store's fault where it cannot be read.
   */
  page(question: PageQuestion): Promise<Page> {
    const { limit, waitMs, signal } = question;
    assert(Number.isSafeInteger(limit) && limit >= 1, `a page of ${limit} entries`);
    return new Promise((resolve, reject) => {
      const entries: FeedEntry[] = [];
      let caughtUp = false;
      let waited = waitMs <= 0;
      let callOff = (): void => undefined;
      const finish = (cursor: string): void => {
        if (!subscription.ended) subscription.close();
        callOff();
        signal?.removeEventListener('abort', onAbort);
        resolve({ entries, cursor });
      };
      // Where the page has room left, everything pushed is on it, and what did not match is behind it as well.
      const finishHere = (): void => {
        if (!subscription.ended) finish(this.#cursorOf(subscription));
      };
      const onAbort = finishHere;
      const subscription = this.#subscription(question, {
        push: (entry) => {
          entries.push(entry);
          if (entries.length === limit) finish(entry.cursor);
          else if (caughtUp && entries.length === 1) queueMicrotask(finishHere); // with what else there is to be pushed at this moment
          return true;
        },
        impatient: true,
        caughtUp: () => {
          caughtUp = true;
          if (entries.length > 0 || waited || signal?.aborted === true) finishHere();
        },
        end: (reason, cause) => {
          callOff();
          signal?.removeEventListener('abort', onAbort);
          if (reason === 'history-lost') this.#historyLost(cause).then(reject, reject);
          else if (cause === undefined) resolve({ entries, cursor: this.#cursorOf(subscription) });
          else reject(cause instanceof Error ? cause : new Error('the page could not be read', { cause }));
        },
      });
      const onWaited = (): void => {
        waited = true;
        if (caughtUp) finishHere(); // an empty page says that this is the end, so it is not given before that is known
      };
      if (!waited) callOff = this.#clock.after(waitMs, onWaited);
      signal?.addEventListener('abort', onAbort);
      this.#start(subscription, question);
    });
  }

  /**
   * Pushes every matching entry after a cursor, first from the store and then live. Throws `overloaded` where too many
   * listen. A listener who is full is given nothing more until he resumes; of what waits for him there is a bound.
   */
  subscribe(question: FeedQuestion, listener: FeedListener): FeedSubscription {
    const subscription = this.#subscription(question, listener);
    const cursorOf = (): string => this.#cursorOf(subscription);
    this.#start(subscription, question);
    return {
      get cursor() {
        return cursorOf();
      },
      close: () => subscription.close(),
      resume: () => subscription.resume(),
    };
  }

  /** The oldest cursor that can be read after. */
  async earliest(): Promise<string> {
    return formatCursor(await this.#catchUp.earliest());
  }

  /** Ends every subscription, and every waiting page with what it has. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop();
    for (const subscription of this.#open) subscription.end('closed');
    this.#dispatcher.close();
  }

  #subscription(question: FeedQuestion, listener: Listener): Subscription {
    if (this.#closed) throw new Fault('closed', 'the feed was closed; ask another node, or again after the restart', { retry: 'soon' });
    const { listenersMax, bufferedEntriesMax } = this.#bounds;
    if (this.#open.size >= listenersMax) throw new Fault('overloaded', `${listenersMax} listen already`, { retry: 'later' });
    const subscription = new Subscription({
      interest: interestOf(question),
      place: this.#placeOf(question.after),
      listener,
      bufferMax: bufferedEntriesMax,
      onEnd: (reason) => {
        if (reason === 'slow') this.#cutOff++;
        this.#open.delete(subscription);
        this.#dispatcher.leave(subscription);
      },
    });
    this.#open.add(subscription);
    return subscription;
  }

  #start(subscription: Subscription, { after }: FeedQuestion): void {
    if (after !== 'earliest' && this.#dispatcher.join(subscription)) subscription.caughtUp();
    else void this.#catchUp.bringUp(subscription, after === 'earliest' ? 'earliest' : 'here');
  }

  #placeOf(after: FeedQuestion['after']): Place {
    if (after === 'earliest') return new Place(new Array<Position>(this.#store.partitions).fill(0));
    if (after === 'now') return new Place(this.#dispatcher.received);
    return Place.of(after);
  }

  #cursorOf(subscription: Subscription): string {
    return subscription.ownCursor ?? this.#dispatcher.placeOf(subscription).text;
  }

  #tellHandedOut(handedOut: HandedOut): void {
    for (const listener of this.#onHandedOut) listener(handedOut);
  }

  async #historyLost(cause: unknown): Promise<never> {
    throw new HistoryLost(await this.earliest(), cause);
  }
}

function interestOf({ types, key }: FeedQuestion): Interest {
  return { types: types === undefined || types.length === 0 ? undefined : new Set(types), key };
}
