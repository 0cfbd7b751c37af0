import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Distribution, SECONDS_OF_WAITS } from '../base/distribution.ts';
import { ownFile } from '../base/own-file.ts';
import { boundNewThreads } from '../base/thread-heap.ts';
import type { Rebuilding, Views } from '../http/http.ts';
import type { StorePlace } from './open-store.ts';
import type { Step } from './projection-loop.ts';
import type { FromProjection, StartProjection, ToProjection } from './projection-thread.ts';

/** The views' thread as the main thread sees it. */
export interface Projection extends Views, AsyncDisposable {
  /** Calls back when the views have come further. */
  onProgress(listener: (checkpoints: readonly number[], step: Step | undefined) => void): void;
  /** There is something new to fold. Costs nothing while it is busy. */
  advance(): void;
  /** It is waited for: it does not rest for a while. */
  hurry(): void;
}

export interface ProjectionListeners {
  /** Other views than before answer now: whoever has the store open is to open them again. */
  readonly switched: () => void;
  readonly rebuilding: (status: Rebuilding) => void;
  /** They have stopped, for this reason. */
  readonly failed: (reason: string) => void;
}

/** Of new objects: a step's facts and rows become garbage together, so more would only be there longer. */
const SEMI_SPACE_MB = 16;

/** A thread that has loaded what it needs, or is about to. Disposing of it does nothing once it was started. */
export interface LoadedProjection extends Disposable {
  start(place: StorePlace, holder: string, on: ProjectionListeners): Promise<Projection>;
}

/** Begins to load the thread before there is a store that it could open: that takes it a quarter of a second. */
export function loadProjection(): LoadedProjection {
  boundNewThreads(SEMI_SPACE_MB);
  const worker = new Worker(ownFile(import.meta.url, 'projection-thread'));
  let started = false;
  return {
    start(place, holder, on) {
      started = true;
      return startProjection(worker, { place, holder }, on);
    },
    [Symbol.dispose]() {
      if (!started) void worker.terminate();
    },
  };
}

/** Folds the log into states and views in a thread of its own, so that it takes no time from decisions. */
async function startProjection(worker: Worker, start: StartProjection, on: ProjectionListeners): Promise<Projection> {
  const listeners = new Set<(checkpoints: readonly number[], step: Step | undefined) => void>();
  const stepSeconds = new Distribution(SECONDS_OF_WAITS);
  const waiting = new Waiting();
  let checkpoints: readonly number[] = [];
  let failure: string | undefined;
  let rebuilding: Rebuilding = { state: 'idle', done: 0, total: 0 };
  let told = false;
  let more = false;
  const started = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();

  const say = (message: ToProjection): void => worker.postMessage(message);
  const progress = (reached: readonly number[], step: Step | undefined): void => {
    if (step) stepSeconds.observe((step.endedMs - step.beganMs) / 1000);
    checkpoints = reached;
    told = more;
    if (more) say('advance');
    more = false;
    started.resolve();
    waiting.reached(reached);
    for (const listener of listeners) listener(reached, step);
  };
  const fail = (reason: string): void => {
    failure = reason;
    on.failed(reason);
    started.reject(new Error(reason));
    closed.resolve();
  };
  worker.on('message', (message: FromProjection) => {
    if ('checkpoints' in message) progress(message.checkpoints, message.step);
    else if ('rebuilding' in message) on.rebuilding((rebuilding = message.rebuilding));
    else if ('switched' in message) on.switched();
    else if ('failed' in message) fail(message.failed);
    else closed.resolve();
  });
  worker.on('error', (error) => fail(error instanceof Error ? error.message : String(error)));
  worker.on('exit', () => closed.resolve());
  worker.postMessage(start);
  await started.promise;
  return {
    get checkpoints() {
      return checkpoints;
    },
    get failure() {
      return failure;
    },
    stepSeconds,
    get rebuilding() {
      return rebuilding;
    },
    rebuild() {
      if (rebuilding.state === 'running') return;
      rebuilding = { state: 'running', done: 0, total: 0 };
      say('rebuild');
    },
    onProgress: (listener) => void listeners.add(listener),
    advance() {
      // One word is enough until the thread has answered it: a message a commit would cost more than the commit's answers.
      if (told) more = true;
      else say('advance');
      told = true;
    },
    hurry: () => say('hurry'),
    async covers(positions, waitMs) {
      if (covers(checkpoints, positions)) return true;
      say('hurry');
      return waiting.wait(positions, waitMs);
    },
    async [Symbol.asyncDispose]() {
      const exited = once(worker, 'exit');
      say('close');
      await closed.promise;
      await worker.terminate();
      await exited;
    },
  };
}

/** Those who wait until the views have come somewhere. */
class Waiting {
  readonly #waiters = new Set<{ positions: readonly number[]; resolve: (covered: boolean) => void }>();

  async wait(positions: readonly number[], waitMs: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter = { positions, resolve };
    this.#waiters.add(waiter);
    const timer = setTimeout(() => resolve(false), waitMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiters.delete(waiter);
    }
  }

  reached(checkpoints: readonly number[]): void {
    for (const { positions, resolve } of this.#waiters) if (covers(checkpoints, positions)) resolve(true);
  }
}

function covers(reached: readonly number[], positions: readonly number[]): boolean {
  return positions.every((position, log) => (reached[log] ?? 0) >= position);
}
