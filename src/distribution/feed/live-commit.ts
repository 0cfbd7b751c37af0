import type { Commit } from '../../store/store.ts';
import { leavesTheHouse, subjectOf, toCloudEvent } from './cloud-events.ts';
import { interests, type Interest } from './audience.ts';
import type { Place } from './place.ts';
import type { FeedEntry } from './subscription.ts';

/** A commit on its way to listeners. A fact is written as text when the first of them asks, and once for all of them. */
export class LiveCommit {
  readonly commit: Commit;
  /** Commits that became durable together are of one round. */
  readonly round: number;
  /** By `performance.now()`, when it came in. */
  readonly arrivedMs: number;
  readonly #json: (string | undefined)[] = [];

  constructor(commit: Commit, round: number, arrivedMs = 0) {
    this.commit = commit;
    this.round = round;
    this.arrivedMs = arrivedMs;
  }

  /** Whether a fact, by its place in the commit, is for outsiders and of this interest. */
  concerns(index: number, interest: Interest): boolean {
    const record = this.commit.events[index];
    return record !== undefined && leavesTheHouse(record) && interests(interest, record.type, subjectOf(record));
  }

  /** The fact's entry for those whose place, but for this commit's log, is where the cursor writer stands. */
  entry(index: number, cursorAt: ReturnType<Place['cursorsWithin']>): FeedEntry | undefined {
    const { log, position, events } = this.commit;
    const record = events[index];
    if (!record) return undefined;
    const json = (this.#json[index] ??= JSON.stringify(toCloudEvent(record, { log, position, index })));
    const cursor = index + 1 < events.length ? cursorAt(position - 1, index + 1) : cursorAt(position, 0);
    return { json, type: record.type, subject: subjectOf(record), cursor };
  }
}
