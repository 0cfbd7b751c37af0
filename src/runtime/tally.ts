import { Distribution, FACTS_OF_APPENDS, SECONDS_OF_WRITES, type Spread } from '../base/distribution.ts';
import type { Commit } from '../store/store.ts';
import type { Outcome } from './answers.ts';

/** Codes of refusals that are counted by themselves; the room has fewer, and what is past this is `other`. */
const CODES_MAX = 100;

/** What an engine counts of itself, for whoever watches it. */
export interface Tallied {
  /** Commands that were answered with what they decided. */
  readonly decided: number;
  /** Commands that were refused, by the refusal's code. */
  readonly refused: ReadonlyMap<string, number>;
  /** Commands that were answered with what the same command had come to before. */
  readonly replayed: number;
  /** Seconds that each append took until it was durable. */
  readonly appendSeconds: Spread;
  /** Facts of each append. */
  readonly appendFacts: Spread;
  readonly commits: number;
  readonly facts: number;
}

/** Counts once a command and once an append, never once a fact. */
export class Tally implements Tallied {
  decided = 0;
  replayed = 0;
  commits = 0;
  facts = 0;
  readonly refused = new Map<string, number>();
  readonly appendSeconds = new Distribution(SECONDS_OF_WRITES);
  readonly appendFacts = new Distribution(FACTS_OF_APPENDS);

  answered(outcome: Outcome, replayed: boolean): void {
    if (replayed) this.replayed++;
    else if (outcome.ok) this.decided++;
    else this.#refuse(outcome.refusal.code);
  }

  appended(commits: readonly Commit[], seconds: number): void {
    let facts = 0;
    for (const commit of commits) facts += commit.events.length;
    this.commits += commits.length;
    this.facts += facts;
    this.appendSeconds.observe(seconds);
    this.appendFacts.observe(facts);
  }

  #refuse(code: string): void {
    const name = this.refused.has(code) || this.refused.size < CODES_MAX ? code : 'other';
    this.refused.set(name, (this.refused.get(name) ?? 0) + 1);
  }
}
