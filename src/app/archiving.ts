import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../base/clock.ts';
import { Fault } from '../base/errors.ts';
import { ownFile } from '../base/own-file.ts';
import { Archiver, type ArchiveFigures, type Packed, type PackRequest } from '../runtime/runtime.ts';
import type { FromArchive } from './archive-thread.ts';
import type { ArchivePolicy } from './config.ts';
import type { ArchivedStore, StorePlace } from './open-store.ts';

/** Looking for old commits costs a few reads, so the oldest may be later than asked for by a small part of their age. */
const LOOKS_PER_AGE = 24;
const INTERVAL_MIN_MS = 1_000;
const INTERVAL_MAX_MS = 3_600_000;
/** The first look: a process that is started anew every hour is to come to it as well. */
const FIRST_LOOK_MS = 30_000;

export interface Archiving extends AsyncDisposable {
  /** undefined where nothing is archived. */
  readonly figures: ArchiveFigures | undefined;
}

export interface ArchivingOptions {
  readonly place: StorePlace;
  readonly store: ArchivedStore;
  readonly policy: ArchivePolicy;
  readonly clock: Clock;
  readonly holder: string;
  readonly onTrouble?: ((message: string) => void) | undefined;
}

/** Moves old commits to the archive from time to time, for as long as it is open. */
export function startArchiving(options: ArchivingOptions): Archiving {
  const { place, store, policy, clock, holder, onTrouble = (): void => undefined } = options;
  if (policy === 'off' || !store.archive) return { figures: undefined, [Symbol.asyncDispose]: async () => undefined };
  const { afterMs, keepMs } = policy;
  const closing = new AbortController();
  const packer = new Packer(place);
  const archiver = new Archiver({ store, archive: store.archive, clock, holder, alone: place.engine === 'sqlite', afterMs, keepMs, consumers: ['states'], pack: (request) => packer.pack(request), signal: closing.signal });
  const intervalMs = Math.min(INTERVAL_MAX_MS, Math.max(INTERVAL_MIN_MS, afterMs / LOOKS_PER_AGE));
  let running: Promise<void> = Promise.resolve();
  let callOff = (): void => undefined;

  const look = async (): Promise<void> => {
    try {
      await archiver.run();
    } catch (error) {
      if (!closing.signal.aborted) onTrouble(`archiving: ${error instanceof Error ? error.message : String(error)}`);
    }
    await packer.rest('idle');
    if (!closing.signal.aborted) plan(intervalMs);
  };
  const plan = (delayMs: number): void => {
    callOff = clock.after(delayMs, () => {
      running = look();
    });
  };
  plan(Math.min(intervalMs, FIRST_LOOK_MS));
  return {
    get figures() {
      return archiver.figures;
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      callOff();
      await packer.rest('now');
      await running;
    },
  };
}

/** Packs in a thread of its own, which is there while there is something to pack: shoppers' decisions do not wait for it. */
class Packer {
  readonly #place: StorePlace;
  #worker: Worker | undefined;
  #waiting: { resolve: (packed: Packed) => void; reject: (error: unknown) => void } | undefined;

  constructor(place: StorePlace) {
    this.#place = place;
  }

  pack(request: PackRequest): Promise<Packed> {
    const worker = (this.#worker ??= this.#start());
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      worker.postMessage(request);
    });
  }

  /** Ends the thread: when it has nothing to do, or whatever it is doing, because an object is stored as a whole or not at all. */
  async rest(how: 'idle' | 'now'): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    if (!worker) return;
    const exited = once(worker, 'exit');
    if (how === 'idle') worker.postMessage('close');
    else await worker.terminate();
    await exited;
  }

  #start(): Worker {
    const worker = new Worker(ownFile(import.meta.url, 'archive-thread'), { workerData: { place: this.#place } });
    const settle = (message: FromArchive): void => {
      if ('packed' in message) this.#waiting?.resolve(message.packed);
      else this.#waiting?.reject('fault' in message ? new Fault(message.fault.code, message.fault.message, { retry: message.fault.retry }) : new Error(message.failed));
      this.#waiting = undefined;
    };
    worker.on('message', settle);
    worker.on('error', (error) => {
      settle({ failed: error instanceof Error ? error.message : String(error) });
      if (this.#worker === worker) this.#worker = undefined;
    });
    worker.on('exit', () => settle({ fault: { code: 'closed', message: 'the thread that packs was ended', retry: 'soon' } }));
    return worker;
  }
}
