import { Distribution, SECONDS_OF_WAITS } from '../../base/distribution.ts';
import type { Commit, Position } from '../../store/store.ts';
import { Audience } from './audience.ts';
import { leavesTheHouse, subjectOf } from './cloud-events.ts';
import type { FeedBounds } from './limits.ts';
import { LiveCommit } from './live-commit.ts';
import { Place } from './place.ts';
import type { FeedEntry, Subscription } from './subscription.ts';

export interface DispatcherOptions {
  readonly bounds: FeedBounds;
  readonly defer: (task: () => void) => void;
  /** A live listener has to read the store again from its place. */
  readonly onBehind: (subscription: Subscription) => void;
  /** A commit was handed to everybody whom it concerns. */
  readonly onHandedOut?: (handedOut: HandedOut) => void;
}

/** What became of one commit that live listeners were there for. */
export interface HandedOut {
  readonly commit: Commit;
  /** By `performance.now()`: when it came in, and when the last listener had it. */
  readonly beganMs: number;
  readonly endedMs: number;
}

/**
 * Hands what is committed to everybody who is live, a slice at a time with turns of the event loop in between. It
 * trusts the engine's word only as far as it is gapless: after a gap, or when handing out cannot keep up, everybody
 * goes back to reading the store.
 */
export class Dispatcher {
  /** How far commits have come in; index = log. */
  readonly received: Position[];
  readonly #bounds: FeedBounds;
  readonly #defer: (task: () => void) => void;
  readonly #onBehind: (subscription: Subscription) => void;
  readonly #onHandedOut: ((handedOut: HandedOut) => void) | undefined;
  /** Seconds from a commit's arrival until every live listener was given its facts. */
  readonly handOutSeconds = new Distribution(SECONDS_OF_WAITS);
  /** Facts given to live listeners, once for each of them. */
  deliveries = 0;
  readonly #audience = new Audience<Subscription>();
  readonly #collecting = new Set<Subscription>();
  /** How far commits were handed out. */
  #place: Place;
  #queue: LiveCommit[] = [];
  /** Facts of the first commit in the queue that were handed out already. */
  #handedOut = 0;
  #queuedEvents = 0;
  #round = 0;
  #planned = false;
  #news = Promise.withResolvers<void>();

  constructor(heads: readonly Position[], { bounds, defer, onBehind, onHandedOut }: DispatcherOptions) {
    this.received = [...heads];
    this.#place = new Place(heads);
    this.#bounds = bounds;
    this.#defer = defer;
    this.#onBehind = onBehind;
    this.#onHandedOut = onHandedOut;
  }

  /** How far everything was handed out; index = log. */
  get handedOut(): Position[] {
    return this.received.map((_, log) => this.#place.position(log));
  }

  /** How many are live. */
  get live(): number {
    return this.#audience.size;
  }

  /** Takes in what was made durable. */
  receive(commits: readonly Commit[]): void {
    this.#round++;
    const now = performance.now();
    let gapless = true;
    const arrived: LiveCommit[] = [];
    for (const commit of commits) {
      const known = this.received[commit.log] ?? 0;
      if (commit.position <= known) continue;
      gapless &&= commit.position === known + 1;
      this.received[commit.log] = commit.position;
      arrived.push(new LiveCommit(commit, this.#round, now));
    }
    if (arrived.length === 0) return;
    this.#collect(gapless ? arrived : undefined);
    this.#enqueue(arrived);
    if (!gapless || this.#queuedEvents > this.#bounds.undeliveredEventsMax) this.#fallBehind();
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  /** Resolves with the next commits. */
  news(): Promise<void> {
    return this.#news.promise;
  }

  /** Makes a listener live, where its place is everything that has come in; false where it is not. */
  join(subscription: Subscription): boolean {
    if (!subscription.place.isAt(this.received)) return false;
    subscription.liveFrom = this.#round + 1;
    this.#audience.add(subscription);
    return true;
  }

  /** Lets a listener go; its place is where it was then. */
  leave(subscription: Subscription): void {
    subscription.place = this.placeOf(subscription).copy();
    subscription.liveFrom = undefined;
    this.#audience.delete(subscription);
    this.stopCollecting(subscription);
  }

  /** Keeps what comes in for a listener who is reading the store. */
  startCollecting(subscription: Subscription): void {
    subscription.collected = [];
    subscription.collectedEvents = 0;
    this.#collecting.add(subscription);
  }

  /** Gives what came in since, or undefined where it became too much. */
  stopCollecting(subscription: Subscription): readonly LiveCommit[] | undefined {
    const { collected } = subscription;
    subscription.collected = undefined;
    this.#collecting.delete(subscription);
    return collected;
  }

  /** How far a listener was served: with all that was handed out if it is live, else as far as it has read. */
  placeOf(subscription: Subscription): Place {
    const { liveFrom, place } = subscription;
    if (liveFrom === undefined) return place;
    const next = this.#queue[0]?.round ?? this.#round + 1;
    return liveFrom > next ? place : this.#place;
  }

  close(): void {
    this.#queue = [];
    this.#news.resolve();
  }

  #collect(arrived: readonly LiveCommit[] | undefined): void {
    const events = arrived?.reduce((sum, { commit }) => sum + commit.events.length, 0) ?? 0;
    for (const subscription of this.#collecting) {
      subscription.collectedEvents += events;
      if (arrived && subscription.collectedEvents <= this.#bounds.cutOverEventsMax) subscription.collected?.push(...arrived);
      else this.stopCollecting(subscription);
    }
  }

  #enqueue(arrived: readonly LiveCommit[]): void {
    if (this.#audience.size === 0) return this.#skipAhead();
    for (const live of arrived) {
      this.#queue.push(live);
      this.#queuedEvents += live.commit.events.length;
    }
    this.#plan();
  }

  /** Nobody listens live: what is queued is for nobody, and everything that came in counts as handed out. */
  #skipAhead(): void {
    this.#queue = [];
    this.#queuedEvents = 0;
    this.#handedOut = 0;
    for (const [log, position] of this.received.entries()) {
      if (this.#place.position(log) !== position || this.#place.seen(log) !== 0) this.#place.set(log, position);
    }
  }

  #fallBehind(): void {
    const places = new Map(this.#audience.empty().map((subscription) => [subscription, this.placeOf(subscription).copy()]));
    this.#skipAhead();
    for (const [subscription, place] of places) {
      subscription.place = place;
      subscription.liveFrom = undefined;
      this.#onBehind(subscription);
    }
  }

  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    this.#defer(this.#handOut);
  }

  readonly #handOut = (): void => {
    this.#planned = false;
    let budget = this.#bounds.pushesPerSlice;
    while (budget > 0) {
      const live = this.#queue[0];
      if (!live) return;
      budget = this.#handOutSome(live, budget);
    }
    this.#plan();
  };

  /** Hands out facts of one commit until it ends or the budget does, and says what is left of the budget. */
  #handOutSome(live: LiveCommit, budget: number): number {
    const { log, position, events } = live.commit;
    const cursorAt = this.#place.cursorsWithin(log);
    let index = this.#handedOut;
    let left = budget;
    while (index < events.length && left > 0) {
      left -= 1 + this.#handOutOne(live, index, cursorAt);
      if (this.#queue[0] !== live) return left; // a listener closed the feed
      index++;
      this.#place.set(log, position - 1, index);
    }
    this.#handedOut = index;
    if (index < events.length) return left;
    this.#queue.shift();
    this.#queuedEvents -= events.length;
    this.#handedOut = 0;
    this.#place.set(log, position);
    this.#noteHandedOut(live);
    return left;
  }

  #noteHandedOut({ commit, arrivedMs }: LiveCommit): void {
    const endedMs = performance.now();
    this.handOutSeconds.observe((endedMs - arrivedMs) / 1000);
    this.#onHandedOut?.({ commit, beganMs: arrivedMs, endedMs });
  }

  #handOutOne(live: LiveCommit, index: number, cursorAt: ReturnType<Place['cursorsWithin']>): number {
    const record = live.commit.events[index];
    if (!record || !leavesTheHouse(record)) return 0;
    let entry: FeedEntry | undefined;
    let pushes = 0;
    this.#audience.reach(record.type, subjectOf(record), (subscription) => {
      if ((subscription.liveFrom ?? Infinity) > live.round) return;
      entry ??= live.entry(index, cursorAt);
      if (!entry) return;
      subscription.deliverLive(entry, live.round);
      pushes++;
    });
    this.deliveries += pushes;
    return pushes;
  }
}
