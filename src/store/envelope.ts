import { Fault } from '../base/errors.ts';
import type { JsonObject } from '../base/json.ts';

/** Which log: the number of a partition, from 0. */
export type LogId = number;

/** The number of a commit within its log: the first is 1, each next is one more. 0 means before the first. */
export type Position = number;

/** One fact. `key` is what it is about (`i/<sku>`), `time` the instant of its decision in milliseconds. */
export interface EventRecord {
  readonly type: string;
  readonly key: string;
  readonly time: number;
  readonly data: JsonObject;
}

/** Facts of one log that were made durable together. */
export interface Commit {
  readonly log: LogId;
  readonly position: Position;
  /** Who wrote it: how a writer finds out, after an answer went missing, whether its own append arrived. */
  readonly token: string;
  readonly events: readonly EventRecord[];
}

/** A commit as it is stored. */
export interface StoredCommit {
  readonly log: LogId;
  readonly position: Position;
  /** See {@link encodeEvents}. */
  readonly body: string;
}

/** The stored form of a commit's events: a JSON array of `[type, key, time, data]`. */
export function encodeEvents(events: readonly EventRecord[]): string {
  // In one piece: putting texts of single facts together takes half as long again.
  return JSON.stringify(events.map(({ type, key, time, data }) => [type, key, time, data]));
}

/** The opposite of {@link encodeEvents}; throws a `corrupt` fault that names the commit where the text is not one. */
export function decodeEvents(text: string, at: { log: LogId; position: Position }): EventRecord[] {
  try {
    const rows = JSON.parse(text) as [string, string, number, JsonObject][];
    return rows.map(([type, key, time, data]) => ({ type, key, time, data }));
  } catch (cause) {
    throw new Fault('corrupt', `commit ${at.position} of log ${at.log} is not readable; restore it from a backup`, { retry: 'never', cause });
  }
}
