/**
 * Reads all saved states and all rows of views once after a start and checks them. A state whose key was damaged is not
 * found by anybody who looks for it, and would be taken for one that never was; here it is found.
 */
import { isFault, type Fault } from '../../base/errors.ts';
import type { Desk } from './desk.ts';
import type { Questions } from './sides.ts';

/** States or rows looked at in one go: about a millisecond between the questions of others. */
const STEP = 500;
/** A million states take a minute, and the reader has time for others nine tenths of it. */
const REST_MS = 20;

export interface Scrub {
  /** What was found, as soon as it is. */
  readonly found: Fault | undefined;
  /** Resolves when everything was looked at, or there is nothing to look at any more. */
  readonly done: Promise<void>;
  stop(): void;
}

export function startScrub(reader: Desk<Questions>): Scrub {
  let found: Fault | undefined;
  let stopped = false;
  const rest = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, REST_MS).unref());
  const run = async (): Promise<void> => {
    try {
      for (let after: string | undefined = ''; after !== undefined && !stopped; await rest()) after = await reader.call('scrubStates', after, STEP);
      for (let place = await reader.call('scrubRows', undefined, STEP); place !== undefined && !stopped; await rest()) place = await reader.call('scrubRows', place, STEP);
    } catch (error) {
      // A reader that is away or closed says nothing about the states.
      if (isFault(error, 'corrupt')) found = error;
    }
  };
  return {
    get found() {
      return found;
    },
    done: run(),
    stop() {
      stopped = true;
    },
  };
}
