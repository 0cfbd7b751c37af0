import { parentPort, workerData } from 'node:worker_threads';
import { must } from '../base/assert.ts';
import { isFault, type FaultCode, type Retry } from '../base/errors.ts';
import { packSome, type Packed, type PackRequest } from '../runtime/runtime.ts';
import { openStore, type StorePlace } from './open-store.ts';

/** What goes from the thread that packs to the main one, for each request. */
export type FromArchive = { readonly packed: Packed } | { readonly fault: { readonly code: FaultCode; readonly message: string; readonly retry: Retry } } | { readonly failed: string };

const port = must(parentPort, 'this file runs as a thread');
const { place } = workerData as { place: StorePlace }; // given by `startArchiving`

// It reads, and puts objects: whatever is written to the store, leases and trims, the main thread writes.
const store = await openStore(place, { threads: 'inline' });

async function answer(request: PackRequest): Promise<FromArchive> {
  try {
    return { packed: await packSome(store.live, must(store.archive, 'nothing is packed where there is no archive'), request) };
  } catch (error) {
    if (isFault(error)) return { fault: { code: error.code, message: error.message, retry: error.retry } };
    return { failed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

port.on('message', (request: PackRequest | 'close') => {
  if (request === 'close') void store[Symbol.asyncDispose]().then(() => port.close());
  else void answer(request).then((message) => port.postMessage(message));
});
