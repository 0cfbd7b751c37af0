import { parentPort, workerData } from 'node:worker_threads';
import { must } from '../base/assert.ts';
import { auditLogs, type AskedLog, type LogAudit, type Violation } from '../processes/processes.ts';
import { openStore, type StorePlace } from './open-store.ts';

/** Logs to audit side by side. */
export type ToVerifier = readonly AskedLog[];
/** What a thread says: that it can take more logs, how many facts it has read, what is wrong, and that a log is done. */
export type FromVerifier = { readonly ready: true } | { readonly facts: number } | { readonly violation: Violation } | { readonly audit: LogAudit } | { readonly failed: string };

/** Facts between two words about progress: a message for each would cost more than the fact. */
const PROGRESS_FACTS = 20_000;

const port = must(parentPort, 'this file runs as a thread');
const { place } = workerData as { place: StorePlace }; // given by `verify`
const say = (message: FromVerifier): void => port.postMessage(message);

try {
  const store = await openStore(place, { threads: 'inline' });
  let untold = 0;
  const onFacts = (count: number): void => {
    untold += count;
    if (untold < PROGRESS_FACTS) return;
    say({ facts: untold });
    untold = 0;
  };
  const take = async (work: ToVerifier | 'end'): Promise<void> => {
    if (work === 'end') {
      await store[Symbol.asyncDispose]();
      port.close();
      return;
    }
    const options = { nowMs: Date.now(), tell: (violation: Violation) => say({ violation }), onFacts };
    for (const audit of await auditLogs(store, work, options)) say({ audit });
    say({ facts: untold });
    untold = 0;
    say({ ready: true });
  };
  port.on('message', (work: ToVerifier | 'end') => void take(work).catch(fail));
} catch (error) {
  fail(error);
}

function fail(error: unknown): void {
  say({ failed: error instanceof Error ? error.message : String(error) });
}
