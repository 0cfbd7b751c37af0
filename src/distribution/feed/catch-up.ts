import type { Clock } from '../../base/clock.ts';
import { Fault, isFault } from '../../base/errors.ts';
import { itemKey, logOfKey } from '../../rooms/inventory/inventory.ts';
import { logOfKey as logOfPricing, policyKey } from '../../rooms/pricing/pricing.ts';
import type { LogId, Position, Store } from '../../store/store.ts';
import type { Dispatcher } from './dispatcher.ts';
import { RETRY_AFTER_MS, type FeedBounds } from './limits.ts';
import { LiveCommit } from './live-commit.ts';
import { missed } from './missed.ts';
import { Place } from './place.ts';
import type { Subscription } from './subscription.ts';
import { Turns } from './turns.ts';

export interface CatchUpOptions {
  readonly store: Pick<Store, 'log' | 'partitions'>;
  readonly clock: Clock;
  readonly defer: (task: () => void) => void;
  readonly bounds: FeedBounds;
  readonly dispatcher: Dispatcher;
}

/**
 * What came of reading for a listener: it is live (or gone), it is full, it has everything but cannot go live because
 * its cursor knows more than this process does, or so much was committed meanwhile that it has to read again.
 */
type Outcome = 'live' | 'full' | 'ahead' | 'again';

/**
 * Brings listeners from their place to live. One round reads the store up to what had come in when the round began;
 * what comes in meanwhile is collected and handed over at its end, in the same turn of the event loop in which the
 * listener goes live, so that nothing can slip in between.
 */
export class CatchUp {
  readonly #store: Pick<Store, 'log' | 'partitions'>;
  readonly #clock: Clock;
  readonly #defer: (task: () => void) => void;
  readonly #bounds: FeedBounds;
  readonly #dispatcher: Dispatcher;
  readonly #turns: Turns;

  constructor(options: CatchUpOptions) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#defer = options.defer;
    this.#bounds = options.bounds;
    this.#dispatcher = options.dispatcher;
    this.#turns = new Turns(options.bounds.readersMax);
  }

  /** The oldest positions that may be read after; index = log. */
  earliest(): Promise<Position[]> {
    return Promise.all(Array.from({ length: this.#store.partitions }, (_, log) => this.#store.log.trimmedTo(log)));
  }

  /** Reads for a listener until it is live or gone. `earliest`: from the oldest kept, wherever that is by then. */
  async bringUp(subscription: Subscription, from: 'earliest' | 'here' = 'here'): Promise<void> {
    let placed = from === 'here';
    while (!subscription.ended) {
      try {
        if (!placed) subscription.place = new Place(await this.earliest());
        placed = true;
        const outcome = await this.#turns.take(() => this.#round(subscription));
        if (outcome === 'live') return;
        if (outcome === 'full') await subscription.drained();
        if (outcome === 'ahead') await this.#dispatcher.news();
      } catch (error) {
        // Whoever asked for the oldest kept and was given nothing yet has not lost it: it is somewhere else by now.
        if (isFault(error, 'history-lost') && from === 'earliest' && !subscription.wasGivenSome) placed = false;
        else await this.#troubled(subscription, error);
      }
    }
  }

  async #troubled(subscription: Subscription, error: unknown): Promise<void> {
    if (isFault(error, 'history-lost')) return subscription.end('history-lost', error);
    if (!isFault(error) || error.retry === 'never' || subscription.impatient) return subscription.end('closed', error);
    await new Promise<void>((resolve) => void this.#clock.after(RETRY_AFTER_MS, resolve));
  }

  async #round(subscription: Subscription): Promise<Outcome> {
    if (subscription.ended) return 'live';
    const target = [...this.#dispatcher.received];
    this.#dispatcher.startCollecting(subscription);
    try {
      const outcome = await this.#readUpTo(target, subscription);
      return outcome ?? this.#goLive(subscription);
    } finally {
      this.#dispatcher.stopCollecting(subscription);
    }
  }

  /** Delivers from the store; undefined when everything up to the target was delivered. */
  async #readUpTo(target: readonly Position[], subscription: Subscription): Promise<'live' | 'full' | undefined> {
    const { place } = subscription;
    const logs = this.#logsFor(subscription);
    let budget = this.#bounds.eventsPerStep;
    for await (const commit of missed(this.#store.log, place, target, logs)) {
      const live = new LiveCommit(commit, 0);
      while (place.position(commit.log) < commit.position) {
        budget -= deliverSome(live, subscription, budget);
        if (subscription.ended) return 'live';
        if (subscription.mustPause) return 'full';
        if (budget > 0) continue;
        await new Promise<void>((resolve) => this.#defer(resolve));
        if (subscription.ended) return 'live';
        budget = this.#bounds.eventsPerStep;
      }
    }
    if (logs.some((log) => place.position(log) < (target[log] ?? 0))) {
      throw new Fault('unavailable', 'the store does not give all that was committed; it is read again in a moment', { retry: 'soon' });
    }
    // Logs that cannot hold what this listener wants were not read, and count as read now that all the others were.
    for (const [log, position] of target.entries()) if (place.position(log) < position) place.set(log, position);
    return undefined;
  }

  /** Delivers what came in while the store was read and makes the listener live, without a pause in which more could come in. */
  #goLive(subscription: Subscription): Outcome {
    const { place } = subscription;
    const collected = this.#dispatcher.stopCollecting(subscription);
    if (!collected) return 'again';
    for (const live of collected) {
      const { log, position } = live.commit;
      if (place.position(log) >= position) continue; // its cursor came from a process that heard of it first
      deliverSome(live, subscription, Infinity);
      if (subscription.ended) return 'live';
      if (place.position(log) < position) return 'full';
    }
    if (subscription.waiting > 0) return 'full';
    subscription.caughtUp();
    return subscription.ended || this.#dispatcher.join(subscription) ? 'live' : 'ahead';
  }

  #logsFor({ key }: Subscription): LogId[] {
    const { partitions } = this.#store;
    if (key === undefined) return Array.from({ length: partitions }, (_, log) => log);
    // Every public fact is about an item, in its log, or about a policy, in the log of all of them.
    return [...new Set([logOfKey(itemKey(key), partitions), logOfPricing(policyKey(key), partitions)])];
  }
}

/** Delivers facts of the commit after a listener's place until it ends, the budget does or too much waits; says how many were looked at. */
function deliverSome(live: LiveCommit, subscription: Subscription, budget: number): number {
  const { place } = subscription;
  const { log, position, events } = live.commit;
  const cursorAt = place.cursorsWithin(log);
  const first = place.seen(log);
  let index = first;
  for (; index < events.length && index - first < budget && !subscription.ended && !subscription.mustPause; index++) {
    if (!live.concerns(index, subscription)) continue;
    const entry = live.entry(index, cursorAt);
    if (entry) subscription.deliver(entry);
  }
  if (index < events.length) place.set(log, position - 1, index);
  else place.set(log, position);
  return Math.max(1, index - first);
}
