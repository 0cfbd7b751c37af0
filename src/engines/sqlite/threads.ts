import { Worker as Thread } from 'node:worker_threads';
import { Fault } from '../../base/errors.ts';
import { ownFile } from '../../base/own-file.ts';
import { boundNewThreads } from '../../base/thread-heap.ts';
import { fromParts, type FaultParts } from './faults.ts';
import type { Answer, Operations } from './batches.ts';
import { Desk, type Carrier, type Recipient } from './desk.ts';
import type { Side } from './sides.ts';

/** What a thread is started with. */
export interface ThreadData {
  readonly side: Side;
  readonly directory: string;
  /** Not 0 once the store is closing: read between batches, because messages would only queue up behind the others. */
  readonly closing: Int32Array<SharedArrayBuffer>;
}

/** What a thread tells: that it is open, that it cannot open, or what came of a batch. */
export type ThreadReport =
  | { readonly type: 'open' }
  | { readonly type: 'failed'; readonly fault: FaultParts }
  | { readonly type: 'answers'; readonly answers: readonly Answer[]; readonly commitMs: number | undefined };

/** Of new objects: what a side makes lives only until it is answered or stored. */
const SEMI_SPACE_MB = 8;

/** Starts a thread for one side of the store and resolves when its files are open. */
export function startThread<O extends Operations>(side: Side, directory: string): Promise<Desk<O>> {
  return Desk.connected<O>((recipient) => connect(side, directory, recipient));
}

function connect(side: Side, directory: string, recipient: Recipient): { carrier: Carrier; ready: Promise<void> } {
  const closing = new Int32Array(new SharedArrayBuffer(4));
  const data: ThreadData = { side, directory, closing };
  boundNewThreads(SEMI_SPACE_MB);
  const thread = new Thread(ownFile(import.meta.url, 'thread'), { workerData: data, name: `sqlite-${side}` });
  const gone = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
  const ready = new Promise<void>((resolve, reject) => {
    const lose = (cause: unknown): void => {
      const fault = lostFault(side, cause);
      recipient.lost(fault);
      reject(fault);
    };
    thread.on('message', (report: ThreadReport) => {
      if (report.type === 'answers') recipient.answered(report.answers, report.commitMs);
      else if (report.type === 'open') resolve();
      else reject(fromParts(report.fault));
    });
    thread.on('error', lose);
    thread.on('exit', () => lose(undefined));
  });
  return {
    ready,
    carrier: {
      send: (calls) => thread.postMessage(calls),
      stop: () => void Atomics.store(closing, 0, 1),
      async close() {
        thread.postMessage('close');
        await gone;
      },
    },
  };
}

function lostFault(side: Side, cause: unknown): Fault {
  const message = `the thread that serves the ${side} side of the store ended; what it was doing may or may not be stored: open the store again and read`;
  return new Fault('unavailable', message, { retry: 'later', cause });
}
