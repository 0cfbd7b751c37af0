import type { Clock } from '../base/clock.ts';
import { Fault, isFault } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import { below, type Random } from '../base/random.ts';
import type { Claimed, Message, Store } from '../store/store.ts';
import type { Outcome } from './answers.ts';
import type { Engine } from './engine.ts';
import { CLAIM_LEASE_MS, CLAIM_MAX, MESSAGE_ATTEMPTS_MAX, RETRY_BASE_MS, RETRY_MAX_MS } from './limits.ts';

/** What a queued command came to, as the queue keeps it. */
export type QueuedResult = { readonly ok: true; readonly answer: Json } | { readonly ok: false; readonly refusal: Json };

/**
 * Works off the durable command queue: what is claimed goes through the engine like everybody else's commands, a
 * bounded number at a time, so that it never holds up shoppers. A command has its effect once, however often it is
 * handed out, because the engine remembers answers by the message's id.
 */
export class QueueWorker<Command> {
  readonly queue: string;
  readonly #engine: Engine<Command>;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #toCommand: (body: Json) => Command;
  readonly #around: (id: string, work: () => Promise<Outcome>) => Promise<Outcome>;
  readonly #waiters = new Map<string, Set<(result: QueuedResult) => void>>();
  #running = false;
  /** What was claimed as it was put, while other work was under way. */
  readonly #beside = new Set<Promise<void>>();
  /** Messages claimed and not done, with those that a put under way may claim. */
  #underWay = 0;
  #again = false;
  #closed = false;
  #callOff: (() => void) | undefined;
  #stopped: (() => void)[] = [];

  constructor(options: { engine: Engine<Command>; store: Store; clock: Clock; random: Random; queue: string; toCommand: (body: Json) => Command; around?: ((id: string, work: () => Promise<Outcome>) => Promise<Outcome>) | undefined }) {
    this.#engine = options.engine;
    this.#store = options.store;
    this.#clock = options.clock;
    this.#random = options.random;
    this.queue = options.queue;
    this.#toCommand = options.toCommand;
    this.#around = options.around ?? ((_id, work) => work());
  }

  /** Begins to work, also on what an earlier process left. */
  start(): void {
    this.#wake();
  }

  /** Stores messages durably and sees to them soon: at once to what is claimed in the same write. */
  async put(messages: readonly Omit<Message, 'queue'>[]): Promise<void> {
    const limit = this.#closed ? 0 : Math.min(messages.length, Math.max(0, CLAIM_MAX - this.#underWay));
    const claim = limit > 0 ? { queue: this.queue, limit, leaseMs: CLAIM_LEASE_MS } : undefined;
    this.#underWay += limit;
    let claimed: readonly Claimed[] = [];
    try {
      claimed = await this.#store.queue.put(messages.map((message) => ({ ...message, queue: this.queue })), this.#clock.now(), claim);
    } finally {
      this.#underWay -= limit;
    }
    if (claimed.length > 0) this.#begin(claimed);
    if (claimed.length < messages.length) this.#wake();
  }

  /** The result of a message, as soon as it is there; undefined where it is not within `waitMs`. */
  async resultOf(id: string, waitMs: number): Promise<QueuedResult | undefined> {
    const waiting = Promise.withResolvers<QueuedResult | undefined>();
    const waiters = this.#waiters.get(id) ?? new Set();
    this.#waiters.set(id, waiters);
    waiters.add(waiting.resolve);
    const callOff = this.#clock.after(waitMs, () => waiting.resolve(undefined));
    // It may have been finished, here or by another node, before anybody waited.
    const report = await this.#store.queue.find(id);
    if (report?.status === 'done') waiting.resolve(report.result as QueuedResult); // written by `#finish`
    const result = await waiting.promise;
    callOff();
    waiters.delete(waiting.resolve);
    if (waiters.size === 0) this.#waiters.delete(id);
    return result;
  }

  /** Finishes what is claimed and stops. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#callOff?.();
    await Promise.all(this.#beside);
    if (this.#running) await new Promise<void>((resolve) => this.#stopped.push(resolve));
  }

  #begin(claimed: readonly Claimed[]): void {
    if (!this.#running) {
      this.#running = true;
      void this.#run(claimed);
      return;
    }
    const work = this.#workBeside(claimed).finally(() => this.#beside.delete(work));
    this.#beside.add(work);
  }

  async #workBeside(claimed: readonly Claimed[]): Promise<void> {
    const results = await this.#work(claimed);
    const settling = this.#settle(claimed, results);
    // What waits behind it is handed out in the same write.
    this.#wake();
    try {
      await settling;
    } catch (error) {
      // The store is away: nothing is lost, what was handed out comes again.
      if (!isFault(error)) throw error;
    }
  }

  #wake(): void {
    if (this.#closed) return;
    this.#again = true;
    if (this.#running) return;
    this.#running = true;
    void this.#run([]);
  }

  async #run(first: readonly Claimed[]): Promise<void> {
    let idleMs = RETRY_MAX_MS;
    let claimed = first;
    while (claimed.length > 0 || (this.#again && !this.#closed)) {
      try {
        const results = await this.#work(claimed);
        this.#again = claimed.length > 0;
        // What was done is recorded and the next is handed out together: on one disk that is one write.
        const settling = this.#settle(claimed, results);
        claimed = [];
        const [next] = await Promise.all([this.#closed ? [] : this.#claim(), settling]);
        claimed = next;
        if (next.length === 0 && !this.#again) idleMs = await this.#untilNext();
      } catch (error) {
        if (!isFault(error)) throw error;
        claimed = [];
        idleMs = RETRY_BASE_MS; // the store is away: nothing is lost, what was handed out comes again
      }
    }
    this.#running = false;
    for (const resolve of this.#stopped) resolve();
    if (this.#closed) return;
    this.#callOff?.();
    this.#callOff = this.#clock.after(idleMs, () => this.#wake());
  }

  #claim(): Promise<Claimed[]> {
    return this.#store.queue.claim(this.queue, { limit: CLAIM_MAX, leaseMs: CLAIM_LEASE_MS, nowMs: this.#clock.now() });
  }

  /** Messages that wait for a retry, or were claimed by somebody who is gone, are looked for again after a while. */
  async #untilNext(): Promise<number> {
    const { ready, scheduled, inFlight } = await this.#store.queue.depth(this.queue, this.#clock.now());
    return ready + scheduled + inFlight > 0 ? RETRY_BASE_MS : RETRY_MAX_MS;
  }

  async #work(claimed: readonly Claimed[]): Promise<PromiseSettledResult<QueuedResult>[]> {
    const sickLanes = new Set<string>();
    this.#underWay += claimed.length;
    const results = await Promise.allSettled(claimed.map((message) => this.#execute(message, sickLanes)));
    this.#underWay -= claimed.length;
    return results;
  }

  async #settle(claimed: readonly Claimed[], results: readonly PromiseSettledResult<QueuedResult>[]): Promise<void> {
    const done: { id: string; attempt: number; result: Json }[] = [];
    const failed: { message: Claimed; error: unknown }[] = [];
    results.forEach((result, index) => {
      const message = claimed[index] as Claimed; // one result a message
      if (result.status === 'fulfilled') done.push({ id: message.id, attempt: message.attempt, result: result.value });
      else failed.push({ message, error: result.reason });
    });
    if (done.length > 0) await this.#finish(done);
    for (const { message, error } of failed) await this.#giveBack(message, error);
  }

  /** Before anything is waited for it is known whether the message is a command at all: if not, its lane waits behind it. */
  async #execute(message: Claimed, sickLanes: Set<string>): Promise<QueuedResult> {
    if (sickLanes.has(message.lane)) throw new Fault('overloaded', 'an earlier message of the same lane failed', { retry: 'soon' });
    const command = this.#commandOf(message, sickLanes);
    // Looked up even at the first attempt: that of a revived message is not its first.
    const once = { key: `k/${message.id}`, fingerprint: message.id };
    const outcome = await this.#around(message.id, () => this.#engine.execute(command, { once, lane: message.lane }));
    return outcome.ok ? { ok: true, answer: outcome.answer } : { ok: false, refusal: outcome.refusal as unknown as Json }; // plain JSON
  }

  #commandOf({ body, lane }: Claimed, sickLanes: Set<string>): Command {
    try {
      return this.#toCommand(body);
    } catch (error) {
      sickLanes.add(lane);
      throw error;
    }
  }

  async #finish(done: { id: string; attempt: number; result: Json }[]): Promise<void> {
    await this.#store.queue.finish(done, this.#clock.now());
    for (const { id, result } of done) {
      for (const resolve of this.#waiters.get(id) ?? []) resolve(result as unknown as QueuedResult); // written just above
    }
  }

  /**
   * Again after a pause that doubles, with chance in it so that many do not come back together; at last, set aside.
   * Only what is itself at fault is set aside: a store that is away or full for an hour says nothing about a message.
   */
  async #giveBack(message: Claimed, error: unknown): Promise<void> {
    const reason = error instanceof Error ? error.message : String(error);
    const worldAtFault = isFault(error) && error.retry !== 'never';
    if (message.attempt >= MESSAGE_ATTEMPTS_MAX && !worldAtFault) return this.#store.queue.bury(message.id, message.attempt, reason);
    const backOffMs = Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** (message.attempt - 1));
    const notBefore = this.#clock.now() + backOffMs / 2 + below(this.#random, backOffMs / 2 + 1);
    await this.#store.queue.retry(message.id, message.attempt, Math.ceil(notBefore), reason);
  }
}
