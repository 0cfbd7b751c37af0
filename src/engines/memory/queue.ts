import { canonicalJson, type Json } from '../../base/json.ts';
import type { Claimed, Message, MessageReport, MessageStatus, QueueDepth, StoredMessage } from '../../store/store.ts';

/** A message at rest; body and result are JSON text, so that nothing is shared with a caller. */
interface Stored {
  readonly id: string;
  readonly queue: string;
  readonly lane: string;
  readonly body: string;
  readonly batch: string | null;
  readonly line: number | null;
  readonly order: number;
  readonly enqueuedMs: number;
  status: MessageStatus;
  attempts: number;
  /** Ready: the instant from which it may be handed out. Claimed: the instant at which the claim runs out. */
  fromMs: number;
  finishedMs: number;
  result: string | null;
  error: string | null;
}

export interface QueueImage {
  readonly messages: readonly Stored[];
  readonly names: readonly string[];
  readonly nextOrder: number;
}

export const EMPTY_QUEUE: QueueImage = { messages: [], names: [], nextOrder: 1 };

/** A message whose body is text already. */
export type EncodedMessage = Omit<Message, 'body'> & { readonly body: string };

export function encodeMessage(message: Message): EncodedMessage {
  return { ...message, body: canonicalJson(message.body) };
}

export class MemoryQueue {
  readonly #messages: Map<string, Stored>;
  readonly #names: Set<string>;
  #nextOrder: number;

  constructor(image: QueueImage) {
    this.#messages = new Map(image.messages.map((message) => [message.id, { ...message }]));
    this.#names = new Set(image.names);
    this.#nextOrder = image.nextOrder;
  }

  image(): QueueImage {
    return { messages: [...this.#messages.values()].map((message) => ({ ...message })), names: [...this.#names], nextOrder: this.#nextOrder };
  }

  put(messages: readonly EncodedMessage[], nowMs: number, claim?: { queue: string; limit: number; leaseMs: number }): Claimed[] {
    for (const { id, queue, lane, body, batch, line } of messages) {
      if (this.#messages.has(id)) continue;
      this.#names.add(queue);
      this.#messages.set(id, {
        id, queue, lane, body, batch: batch ?? null, line: line ?? null, order: this.#nextOrder++, enqueuedMs: nowMs,
        status: 'ready', attempts: 0, fromMs: 0, finishedMs: 0, result: null, error: null,
      });
    }
    return claim ? this.claim(claim.queue, { ...claim, nowMs }) : [];
  }

  stored(after: number, limit: number): { place: number; message: StoredMessage }[] {
    return [...this.#messages.values()].filter(({ order }) => order > after).slice(0, limit).map((message) => ({ place: message.order, message: told(message) }));
  }

  add(messages: readonly StoredMessage[]): void {
    for (const { body, result, batch, line, finishedMs, ...rest } of messages) {
      if (this.#messages.has(rest.id)) continue;
      this.#names.add(rest.queue);
      this.#messages.set(rest.id, {
        ...rest, body: canonicalJson(body), result: result === null ? null : canonicalJson(result),
        batch: batch ?? null, line: line ?? null, finishedMs: finishedMs ?? 0, order: this.#nextOrder++,
      });
    }
  }

  claim(queue: string, { limit, leaseMs, nowMs }: { limit: number; leaseMs: number; nowMs: number }): Claimed[] {
    const claimed: Claimed[] = [];
    const waitingLanes = new Set<string>();
    for (const message of this.#unfinished(queue)) {
      if (claimed.length === limit) break;
      if (waitingLanes.has(message.lane)) continue;
      if (message.fromMs > nowMs) {
        waitingLanes.add(message.lane);
        continue;
      }
      message.status = 'claimed';
      message.attempts++;
      message.fromMs = nowMs + leaseMs;
      claimed.push(handedOut(message));
    }
    return claimed;
  }

  finish(results: readonly { id: string; attempt: number; result: string }[], nowMs: number): string[] {
    return results.flatMap(({ id, attempt, result }) => {
      const message = this.#claimedAs(id, attempt);
      if (!message) return [];
      Object.assign(message, { status: 'done', result, finishedMs: nowMs });
      return [id];
    });
  }

  retry(id: string, attempt: number, notBeforeMs: number, error: string): void {
    const message = this.#claimedAs(id, attempt);
    if (message) Object.assign(message, { status: 'ready', fromMs: notBeforeMs, error });
  }

  bury(id: string, attempt: number, error: string): void {
    const message = this.#claimedAs(id, attempt);
    if (message) Object.assign(message, { status: 'dead', error });
  }

  revive(id: string, nowMs: number): boolean {
    const message = this.#messages.get(id);
    if (message?.status !== 'dead') return false;
    Object.assign(message, { status: 'ready', attempts: 0, fromMs: nowMs });
    return true;
  }

  find(id: string): MessageReport | undefined {
    const message = this.#messages.get(id);
    return message && report(message);
  }

  deadLetters(queue: string, after: string, limit: number): MessageReport[] {
    return [...this.#messages.values()]
      .filter((message) => message.queue === queue && message.status === 'dead' && message.id > after)
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, limit)
      .map(report);
  }

  batch(batch: string, limit: number): { done: number; refused: number; pending: number; dead: number; refusals: MessageReport[] } {
    const all = [...this.#messages.values()].filter((message) => message.batch === batch);
    const count = (...statuses: MessageStatus[]): number => all.filter(({ status }) => statuses.includes(status)).length;
    const refusals = all.filter(isRefused).sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
    return {
      done: count('done'), refused: refusals.length, pending: count('ready', 'claimed'), dead: count('dead'),
      refusals: refusals.slice(0, limit).map(report),
    };
  }

  depth(queue: string, nowMs: number): QueueDepth {
    const waiting = this.#unfinished(queue);
    const later = waiting.filter(({ fromMs }) => fromMs > nowMs);
    const inFlight = later.filter(({ status }) => status === 'claimed').length;
    const dead = [...this.#messages.values()].filter((message) => message.queue === queue && message.status === 'dead');
    return {
      ready: waiting.length - later.length,
      scheduled: later.length - inFlight,
      inFlight,
      deadLettered: dead.length,
      oldestMs: waiting.reduce<number | null>((oldest, { enqueuedMs }) => (oldest === null ? enqueuedMs : Math.min(oldest, enqueuedMs)), null),
    };
  }

  queues(): string[] {
    return [...this.#names].sort();
  }

  purge(beforeMs: number, limit: number): number {
    const old = [...this.#messages.values()].filter(({ status, finishedMs }) => status === 'done' && finishedMs < beforeMs).slice(0, limit);
    for (const { id } of old) this.#messages.delete(id);
    return old.length;
  }

  /** The map keeps the order in which ids were put, and a message never leaves its place in it. */
  #unfinished(queue: string): Stored[] {
    return [...this.#messages.values()].filter((message) => message.queue === queue && (message.status === 'ready' || message.status === 'claimed'));
  }

  #claimedAs(id: string, attempt: number): Stored | undefined {
    const message = this.#messages.get(id);
    return message?.status === 'claimed' && message.attempts === attempt ? message : undefined;
  }
}

function handedOut({ id, queue, lane, body, batch, line, attempts }: Stored): Claimed {
  const message = { id, queue, lane, body: JSON.parse(body) as Json, attempt: attempts }; // the text was made by encodeMessage
  return { ...message, ...(batch === null ? {} : { batch }), ...(line === null ? {} : { line }) };
}

function report({ id, queue, status, attempts, batch, line, result, error, enqueuedMs }: Stored): MessageReport {
  return { id, queue, status, attempts, batch, line, result: decoded(result), error, enqueuedMs };
}

function told({ id, queue, lane, status, attempts, fromMs, enqueuedMs, error, ...rest }: Stored): StoredMessage {
  return {
    id, queue, lane, body: decoded(rest.body), ...(rest.batch === null ? {} : { batch: rest.batch }), ...(rest.line === null ? {} : { line: rest.line }),
    status, attempts, fromMs, enqueuedMs, finishedMs: status === 'done' ? rest.finishedMs : null, result: decoded(rest.result), error,
  };
}

function isRefused({ status, result }: Stored): boolean {
  const value = status === 'done' ? decoded(result) : null;
  return typeof value === 'object' && value !== null && 'ok' in value && value.ok === false;
}

function decoded(text: string | null): Json {
  return text === null ? null : (JSON.parse(text) as Json); // the text was made by canonicalJson
}
