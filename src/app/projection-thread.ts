import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { must } from '../base/assert.ts';
import type { Rebuilding } from '../http/http.ts';
import { garbageCollector } from './heap.ts';
import { openStore, type StorePlace } from './open-store.ts';
import { startProjectionLoop, type ProjectionLoop, type Step } from './projection-loop.ts';

/** What goes from the projection's thread to the main one. */
export type FromProjection =
  | { readonly checkpoints: readonly number[]; readonly step: Step | undefined }
  | { readonly rebuilding: Rebuilding }
  | { readonly switched: true }
  | { readonly failed: string }
  | { readonly closed: true };
/** First of all: what to open, and for whom. */
export interface StartProjection {
  readonly place: StorePlace;
  readonly holder: string;
}
/** Then: there is something new, somebody waits for it, all is to be made again, or it is time to end. */
export type ToProjection = 'advance' | 'hurry' | 'rebuild' | 'close';

const port = must(parentPort, 'this file runs as a thread');
const say = (message: FromProjection): void => port.postMessage(message);
const told = Promise.withResolvers<StartProjection>();
const opened = Promise.withResolvers<ProjectionLoop>();
port.on('message', (message: StartProjection | ToProjection) => {
  if (typeof message === 'object') told.resolve(message);
  else void opened.promise.then((loop) => heed(message, loop));
});

/** Shoppers first, where there are not processors enough: this much is a third of their share. */
const NICENESS = 5;

const { place, holder } = await told.promise;
// On Linux it is the thread's own; elsewhere it would be the whole process's.
if (process.platform === 'linux') setPriority(NICENESS);
const collectGarbage = garbageCollector();
const store = await openStore(place, { threads: 'inline' });
const loop = await startProjectionLoop(store, place.engine !== 'sqlite', holder, {
  progress(checkpoints, step) {
    say({ checkpoints, step });
    if (step) collectGarbage();
  },
  rebuilding: (rebuilding) => say({ rebuilding }),
  switched: () => say({ switched: true }),
  failed: (error) => say({ failed: error instanceof Error ? error.message : String(error) }),
});
opened.resolve(loop);

function heed(message: ToProjection, loop: ProjectionLoop): void {
  if (message === 'advance') loop.advance();
  else if (message === 'hurry') loop.hurry();
  else if (message === 'rebuild') loop.rebuild();
  else void close();
}

async function close(): Promise<void> {
  await loop.close();
  await store[Symbol.asyncDispose]();
  say({ closed: true });
  port.close();
}
