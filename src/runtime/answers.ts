import type { Refusal } from '../base/decision.ts';
import type { Json, JsonObject } from '../base/json.ts';
import { refused } from '../base/decision.ts';
import type { EventRecord } from '../store/store.ts';
import { ANSWER_RETENTION_MS } from './limits.ts';

/** What a command came to. */
export type Outcome = { readonly ok: true; readonly answer: Json } | { readonly ok: false; readonly refusal: Refusal };

/** Makes a command happen once: the name it is remembered under and what identifies the request. */
export interface Once {
  /** Begins with `k/`. */
  readonly key: string;
  readonly fingerprint: string;
}

/** A remembered answer; as a state under its key. */
export interface Remembered {
  readonly fingerprint: string;
  readonly outcome: Outcome;
  readonly at: number;
}

export const ANSWERED = 'runtime.command.answered';
export const isAnswerKey = (key: string): boolean => key.startsWith('k/');

/** The fact that a command was answered, made durable with the facts that follow from it. Bad input is not remembered. */
export function answered(once: Once, outcome: Outcome, now: number): EventRecord | undefined {
  if (!outcome.ok && outcome.refusal.kind === 'invalid') return undefined;
  return { type: ANSWERED, key: once.key, time: now, data: { fingerprint: once.fingerprint, outcome: outcome as unknown as JsonObject } }; // an outcome is plain JSON
}

export function remember(event: EventRecord): Remembered {
  const { fingerprint, outcome } = event.data as unknown as { fingerprint: string; outcome: Outcome }; // written by `answered`
  return { fingerprint, outcome, at: event.time };
}

/** The first answer, or that the key was used for something else; undefined where there is none, or none any more. */
export function recall(once: Once, remembered: Remembered | undefined, now: number): { outcome: Outcome; replayed: boolean } | undefined {
  if (!remembered || now >= remembered.at + ANSWER_RETENTION_MS) return undefined;
  if (remembered.fingerprint === once.fingerprint) return { outcome: remembered.outcome, replayed: true };
  return { outcome: refused('invalid', 'idempotency-key-reused', 'This Idempotency-Key was used for another request. Use a new key.'), replayed: false };
}
