import type { Clock } from '../base/clock.ts';
import type { Commit, Position } from '../store/store.ts';
import { LAG_MARK_MS, LAG_MARKS_MAX } from './limits.ts';

/** How far somebody is behind the log. */
export interface Behind {
  readonly commits: number;
  /** Of those committed since this process began, to within one mark. */
  readonly facts: number;
  /** Age of the oldest commit that is missing, to within one mark; 0 where none is. */
  readonly seconds: number;
}

/** Commits that came close together. */
interface Mark {
  /** When the first of them came. */
  readonly beganMs: number;
  /** Heads after the last of them, and all facts up to there. */
  heads: Position[];
  facts: number;
}

/**
 * Says of any consumer how old the oldest fact is that it lacks. The times of commits are in no column of the store, so
 * they are remembered here: a mark for each 50 ms in which something was committed. When there are too many marks each
 * two become one, so that the past is remembered ever more roughly and for ever.
 */
export class Lag {
  readonly #clock: Clock;
  readonly #heads: Position[];
  readonly #stop: () => void;
  #marks: Mark[];

  constructor(engine: { readonly heads: readonly Position[]; onCommitted(listener: (commits: readonly Commit[]) => void): () => void }, clock: Clock) {
    this.#clock = clock;
    this.#heads = [...engine.heads];
    this.#marks = [{ beganMs: clock.now(), heads: [...engine.heads], facts: 0 }];
    this.#stop = engine.onCommitted((commits) => this.#note(commits));
  }

  close(): void {
    this.#stop();
  }

  /** How far whoever has come to these positions is behind; index = log. */
  of(positions: readonly Position[]): Behind {
    const commits = this.#heads.reduce((sum, head, log) => sum + Math.max(0, head - (positions[log] ?? 0)), 0);
    if (commits === 0) return { commits: 0, facts: 0, seconds: 0 };
    const covered = this.#marks.findLastIndex(({ heads }) => heads.every((head, log) => (positions[log] ?? 0) >= head));
    const oldest = this.#marks[covered + 1] ?? this.#newest;
    return { commits, facts: this.#newest.facts - (this.#marks[covered]?.facts ?? 0), seconds: Math.max(0, this.#clock.now() - oldest.beganMs) / 1000 };
  }

  get #newest(): Mark {
    return this.#marks.at(-1) as Mark; // there is one from the beginning
  }

  #note(commits: readonly Commit[]): void {
    const now = this.#clock.now();
    const { facts, beganMs } = this.#newest;
    let more = 0;
    for (const { log, position, events } of commits) {
      more += events.length;
      this.#heads[log] = Math.max(this.#heads[log] ?? 0, position);
    }
    // What was there before this process began is a mark of its own.
    if (this.#marks.length > 1 && now - beganMs < LAG_MARK_MS) Object.assign(this.#newest, { heads: [...this.#heads], facts: facts + more });
    else this.#marks.push({ beganMs: now, heads: [...this.#heads], facts: facts + more });
    if (this.#marks.length > LAG_MARKS_MAX) this.#thin();
  }

  #thin(): void {
    const thinned: Mark[] = [];
    for (let i = 0; i < this.#marks.length; i += 2) {
      const [first, second] = [this.#marks[i], this.#marks[i + 1]];
      if (first) thinned.push(second ? { ...second, beganMs: first.beganMs } : first);
    }
    this.#marks = thinned;
  }
}
