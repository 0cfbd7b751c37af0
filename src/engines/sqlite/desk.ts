/**
 * Where calls for one side of the store are collected. All calls made in one turn of the event loop go over as one
 * batch and come back as one batch of answers: crossing to a thread costs the same for one call as for many, and a
 * transaction costs the same fsync.
 */
import { fromParts, closedFault } from './faults.ts';
import type { Answer, Call, Operations, Worker } from './batches.ts';
import type { Bug } from '../../base/assert.ts';
import type { Fault } from '../../base/errors.ts';

/** How a batch gets to the side, and what happens to its answers. */
export interface Carrier {
  send(calls: readonly Call[]): void;
  /** From now on lets only the batch in progress finish, and answers those behind it with `closed`. */
  stop(): void;
  /** Resolves when everything is answered and its files are closed. */
  close(): Promise<void>;
}

export interface Recipient {
  /** `commitMs`: how long it took to make the batch durable, where it was written. */
  answered(answers: readonly Answer[], commitMs: number | undefined): void;
  /** The side is gone: what was asked is not going to be answered. */
  lost(fault: Fault): void;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Fault | Bug): void;
}

export class Desk<O extends Operations> {
  /** Hears how long each batch took to become durable. */
  onCommitted: ((commitMs: number) => void) | undefined;
  readonly #carrier: Carrier;
  readonly #waiting = new Map<number, Waiting>();
  #outbox: Call[] = [];
  #nextId = 1;
  #gone: Fault | undefined;
  #closing: Promise<void> | undefined;

  private constructor(connect: (recipient: Recipient) => Carrier) {
    this.#carrier = connect({ answered: (answers, commitMs) => this.#settle(answers, commitMs), lost: (fault) => this.#lose(fault) });
  }

  /** A desk whose side is this very thread. */
  static inline<O extends Operations>(worker: Worker): Desk<O> {
    return new Desk((recipient) => ({
      send(calls) {
        const answers = worker.run(calls);
        recipient.answered(answers, worker.commitMs);
      },
      stop() {}, // no batch is ever waiting behind another: each is answered within its own `send`
      close: async () => worker.close(),
    }));
  }

  /** A desk whose side is elsewhere; resolves once the carrier is ready. */
  static async connected<O extends Operations>(connect: (recipient: Recipient) => { carrier: Carrier; ready: Promise<void> }): Promise<Desk<O>> {
    let ready: Promise<void> = Promise.resolve();
    const desk = new Desk<O>((recipient) => {
      const connection = connect(recipient);
      ready = connection.ready;
      return connection.carrier;
    });
    await ready;
    return desk;
  }

  call<K extends keyof O & string>(operation: K, ...args: Parameters<O[K]>): Promise<ReturnType<O[K]>> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve, reject });
      if (this.#outbox.length === 0) process.nextTick(() => this.#flush());
      this.#outbox.push([id, operation, args]);
    });
  }

  /** Takes no more calls. What has not been begun is not going to be done; what has been, is answered as it turns out. */
  stop(): void {
    if (this.#gone !== undefined) return;
    this.#gone = closedFault();
    for (const [id] of this.#outbox) this.#take(id)?.reject(this.#gone);
    this.#outbox = [];
    this.#carrier.stop();
  }

  async close(): Promise<void> {
    this.stop();
    this.#closing ??= this.#carrier.close();
    await this.#closing;
    this.#lose(closedFault());
  }

  #flush(): void {
    const calls = this.#outbox;
    if (calls.length === 0) return;
    this.#outbox = [];
    this.#carrier.send(calls);
  }

  #settle(answers: readonly Answer[], commitMs: number | undefined): void {
    if (commitMs !== undefined) this.onCommitted?.(commitMs);
    for (const [id, fault, value] of answers) {
      const waiting = this.#take(id);
      if (fault === null) waiting?.resolve(value);
      else waiting?.reject(fromParts(fault));
    }
  }

  #lose(fault: Fault): void {
    this.#gone ??= fault;
    for (const { reject } of this.#waiting.values()) reject(fault);
    this.#waiting.clear();
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}
