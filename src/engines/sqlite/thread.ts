/** What runs on a thread of its own: everything that has arrived is one batch, and the next arrives meanwhile. */
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import { must } from '../../base/assert.ts';
import { failed, type Answer, type Call, type Worker } from './batches.ts';
import { closedFault, faultOf, toParts } from './faults.ts';
import { openSide } from './sides.ts';
import type { ThreadData, ThreadReport } from './threads.ts';

/** Enough to share an fsync among all callers there are, and a bound on what a transaction holds in memory. */
const BATCH_CALLS_MAX = 4_096;

type Message = readonly Call[] | 'close';

function serve(worker: Worker, port: MessagePort, closing: Int32Array): void {
  port.on('message', (first: Message) => {
    const { calls, last } = drain(port, first);
    if (calls.length > 0) tell(port, Atomics.load(closing, 0) === 0 ? answer(worker, calls) : { type: 'answers', answers: refuse(calls), commitMs: undefined });
    if (!last) return;
    worker.close();
    port.close();
  });
}

function answer(worker: Worker, calls: readonly Call[]): ThreadReport {
  return { type: 'answers', answers: worker.run(calls), commitMs: worker.commitMs };
}

function drain(port: MessagePort, first: Message): { calls: Call[]; last: boolean } {
  const calls: Call[] = [];
  for (let message: Message | undefined = first; message !== undefined; message = next(port)) {
    if (message === 'close') return { calls, last: true };
    for (const call of message) calls.push(call);
    if (calls.length >= BATCH_CALLS_MAX) break;
  }
  return { calls, last: false };
}

function next(port: MessagePort): Message | undefined {
  return receiveMessageOnPort(port)?.message as Message | undefined; // the desk sends nothing else
}

function refuse(calls: readonly Call[]): Answer[] {
  return calls.map((call) => failed(call, closedFault()));
}

function tell(port: MessagePort, report: ThreadReport): void {
  port.postMessage(report);
}

function start({ side, directory, closing }: ThreadData, port: MessagePort): void {
  try {
    serve(openSide(side, directory), port, closing);
    tell(port, { type: 'open' });
  } catch (error) {
    tell(port, { type: 'failed', fault: toParts(faultOf(error, `the ${side} side of ${directory}`)) });
  }
}

start(workerData as ThreadData, must(parentPort, 'this file runs on a thread of its own')); // `startThread` made the data
