/** What is looked at after a start while others ask already: tables against their indexes, and every saved state. */
import { isFault, type Fault } from '../../base/errors.ts';
import { Desk } from './desk.ts';
import { startScrub } from './scrub.ts';
import { openSide, type Checks, type Questions } from './sides.ts';
import { startThread } from './threads.ts';

/** How long questions about accepted work wait for its check: half a million messages on a slow machine, and who waits for an answer is still there. */
const QUEUE_PATIENCE_MS = 2_000;

export interface StartChecks {
  /** What was found, as soon as it is. */
  readonly found: Fault | undefined;
  /** Resolves when accepted work was looked at, or that takes too long. */
  readonly queue: Promise<void>;
  /** Resolves when everything was looked at, or there is nothing to look at any more. */
  readonly done: Promise<void>;
  /** Resolves when nothing is looked at any more: what was begun is ended. */
  stop(): Promise<void>;
}

export const NO_CHECKS: StartChecks = { found: undefined, queue: Promise.resolve(), done: Promise.resolve(), stop: () => Promise.resolve() };

export function startChecks(directory: string, { threads, reader }: { threads: 'workers' | 'inline'; reader: Desk<Questions> }): StartChecks {
  let found: Fault | undefined;
  const scrub = startScrub(reader);
  const desk = threads === 'workers' ? startThread<Checks>('soundness', directory) : Promise.resolve(Desk.inline<Checks>(openSide('soundness', directory)));
  const looking = async (look: (desk: Desk<Checks>) => Promise<unknown>): Promise<void> => {
    try {
      await look(await desk);
    } catch (error) {
      // A check that could not be made says nothing about the file.
      if (isFault(error, 'corrupt')) found ??= error;
    }
  };
  const queue = looking((checks) => checks.call('check', 'queue'));
  const views = queue.then(() =>
    looking(async (checks) => {
      for (const table of await checks.call('viewTables')) await checks.call('checkView', table);
    }),
  );
  const end = async (): Promise<void> => {
    await (await desk.catch(() => undefined))?.close();
  };
  const indexes = views.then(end);
  return {
    get found() {
      return found ?? scrub.found;
    },
    queue: Promise.race([queue, new Promise<void>((resolve) => void setTimeout(resolve, QUEUE_PATIENCE_MS).unref())]),
    done: Promise.all([indexes, scrub.done]).then(() => undefined),
    async stop() {
      scrub.stop();
      await end();
    },
  };
}
