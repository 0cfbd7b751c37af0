import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { must } from '../base/assert.ts';
import type { Rebuilding } from '../http/http.ts';
import { openStore, type StorePlace } from './open-store.ts';
import { startProjectionLoop, type Step } from './projection-loop.ts';

/** What goes from the projection's thread to the main one. */
export type FromProjection =
  | { readonly checkpoints: readonly number[]; readonly step: Step | undefined }
  | { readonly rebuilding: Rebuilding }
  | { readonly switched: true }
  | { readonly failed: string }
  | { readonly closed: true };
/** And back: there is something new, somebody waits for it, all is to be made again, or it is time to end. */
export type ToProjection = 'advance' | 'hurry' | 'rebuild' | 'close';

const port = must(parentPort, 'this file runs as a thread');
const { place, holder } = workerData as { place: StorePlace; holder: string }; // given by `startProjection`
const say = (message: FromProjection): void => port.postMessage(message);

/** Shoppers first, where there are not processors enough: this much is a third of their share. */
const NICENESS = 5;
// On Linux it is the thread's own; elsewhere it would be the whole process's.
if (process.platform === 'linux') setPriority(NICENESS);

const store = await openStore(place, { threads: 'inline' });
const loop = await startProjectionLoop(store, place.engine !== 'sqlite', holder, {
  progress: (checkpoints, step) => say({ checkpoints, step }),
  rebuilding: (rebuilding) => say({ rebuilding }),
  switched: () => say({ switched: true }),
  failed: (error) => say({ failed: error instanceof Error ? error.message : String(error) }),
});
port.on('message', (message: ToProjection) => {
  if (message === 'advance') loop.advance();
  else if (message === 'hurry') loop.hurry();
  else if (message === 'rebuild') loop.rebuild();
  else void close();
});

async function close(): Promise<void> {
  await loop.close();
  await store[Symbol.asyncDispose]();
  say({ closed: true });
  port.close();
}
