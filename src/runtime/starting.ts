import { isFault } from '../base/errors.ts';
import type { Store } from '../store/store.ts';
import { START_ATTEMPTS_MAX, STORE_RETRY_MS, TAIL_WAIT_MS } from './limits.ts';
import { STATES, type Memory } from './memory.ts';

interface Starting {
  readonly store: Store;
  readonly memory: Pick<Memory<never>, 'durable' | 'sync'>;
  /** Facts of one log that are taken in at once. */
  readonly tailFactsMax: number;
  readonly isClosed: () => boolean;
  readonly pause: (ms: number) => Promise<void>;
}

/** Takes in the facts after the saved states; false where it was closed meanwhile. */
export async function bringUp(starting: Starting): Promise<boolean> {
  const { store, tailFactsMax, pause, isClosed } = starting;
  const checkpoints = (): Promise<readonly number[]> => insist(starting, () => store.projections.checkpoints(STATES));
  const first = await checkpoints();
  // All at once where that is no more than one of them may be alone: a question costs less than the way to the store.
  const short = Math.floor(tailFactsMax / store.partitions);
  const isIn = await Promise.all(Array.from({ length: store.partitions }, (_, log) => takeIn(starting, { log, saved: first[log] ?? 0, factsMax: short })));
  for (let log = 0; log < store.partitions; log++) {
    while (!isIn[log]) {
      isIn[log] = await takeIn(starting, { log, saved: (await checkpoints())[log] ?? 0, factsMax: tailFactsMax });
      if (isIn[log]) break;
      // The projector saves them meanwhile, with little in memory at a time.
      await pause(TAIL_WAIT_MS);
      if (isClosed()) return false;
    }
  }
  return true;
}

/** Takes in what follows the saved states of a log; false where that is more than `factsMax`. */
async function takeIn(starting: Starting, { log, saved, factsMax }: { log: number; saved: number; factsMax: number }): Promise<boolean> {
  const { store, memory } = starting;
  // One commit more than the states need: the instant of the newest decision, behind which time must not fall.
  memory.durable[log] = saved === 0 ? 0 : Math.min(saved, Math.max(saved - 1, await insist(starting, () => store.log.trimmedTo(log))));
  return (await insist(starting, () => memory.sync(log, factsMax))) !== undefined;
}

/** Asks the store again where nobody knows why it did not answer. */
async function insist<Answer>({ isClosed, pause }: Starting, ask: () => Promise<Answer>): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (!isFault(error, 'unavailable') || attempt === START_ATTEMPTS_MAX || isClosed()) throw error;
      await pause(attempt * STORE_RETRY_MS);
    }
  }
}
