import type { Decision } from '../base/decision.ts';
import type { Commit, EventRecord } from '../store/store.ts';
import type { Once, Outcome } from './answers.ts';
import type { Waiting } from './inbox.ts';
import type { Changes } from './memory.ts';
import type { Context, World } from './room.ts';

/** An outcome once everything that it rests on is durable. `cursor` covers all of that. */
export type Settled = Outcome & { readonly replayed: boolean; readonly cursor: string };

export interface CommandOptions {
  readonly once?: Once | undefined;
  /** Commands of one lane are decided in the order they are given. */
  readonly lane?: string | undefined;
  /** `last` for what nobody waits for: whatever else has come is decided and on its way before it. */
  readonly turn?: 'last' | undefined;
}

/** What somebody wants: a decision, or an answer to a question from durable states. */
export interface Asked extends Omit<Waiting, 'order'> {
  readonly run: (world: World, context: Context) => Decision<EventRecord, unknown>;
  readonly once: Once | undefined;
  readonly settle: (outcome: Outcome, replayed: boolean, cursor: string) => void;
}

/** Somebody waiting for it. */
export interface Pending extends Asked {
  readonly followed: unknown;
  order: number;
  attempts: number;
  /** At which reading of the store it was known, since it came, that the states are the newest. */
  verified: number;
  outcome: Outcome | undefined;
  replayed: boolean;
}

/** At no reading of the store. */
export const NEVER = -1;

/** What is decided together and made durable together. */
export interface Batch extends Changes {
  readonly waiting: Pending[];
}

export const emptyBatch = (): Batch => ({ events: new Map(), touched: [], waiting: [] });

/** One append that has become durable, said before those who waited for it are answered. */
export interface Appended {
  readonly token: string;
  readonly commits: readonly Commit[];
  /** By `performance.now()`: when it was handed to the store, and when the store said yes. */
  readonly beganMs: number;
  readonly endedMs: number;
  readonly waiting: readonly { readonly followed: unknown }[];
}
