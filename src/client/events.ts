import { HoldfastProblem, isProblem } from './problem.ts';
import type { EventsPage, Fact } from './resources.ts';
import { sleep, waitAfter, type Transport } from './transport.ts';

export interface EventsOptions {
  /** `now` unless given; `earliest` is the oldest that is kept. */
  readonly after?: string;
  /** Exact types; all unless given. */
  readonly types?: readonly string[];
  /** Facts about this subject only. */
  readonly key?: string;
  /** A stream, or one long poll after another where something on the way does not let streams through. */
  readonly via?: 'stream' | 'poll';
  readonly signal?: AbortSignal;
}

/** A fact and where to go on after it. */
export interface Delivered {
  readonly fact: Fact;
  readonly cursor: string;
}

/** Heartbeats come every 15 s or sooner: a stream that is silent for longer is dead, whatever the socket says. */
const SILENCE_MAX_MS = 45_000;
const POLL_WAIT_SECONDS = 25;

/**
 * Facts in order without a gap, across disconnects, until the signal aborts or the loop is left. Throws
 * `history-lost` where the facts after the cursor are no longer kept, and what the service refuses for good.
 */
export async function* events(transport: Transport, options: EventsOptions): AsyncGenerator<Delivered, void, undefined> {
  const leaving = new AbortController();
  const signal = options.signal === undefined ? leaving.signal : AbortSignal.any([options.signal, leaving.signal]);
  const source = options.via === 'poll' ? polled : streamed;
  let after = options.after ?? 'now';
  let failures = 0;
  try {
    while (!signal.aborted) {
      try {
        for await (const step of source(transport, { ...options, after, signal })) {
          failures = 0;
          after = step.cursor;
          if (step.fact !== undefined) yield { fact: step.fact, cursor: step.cursor };
        }
      } catch (error) {
        if (signal.aborted) return;
        if (isFinal(error)) throw error;
      }
      if (!signal.aborted) await sleep(waitAfter(++failures, null) ?? 0, signal).catch(() => undefined); // aborted: the loop ends
    }
  } finally {
    leaving.abort();
  }
}

/** Progress without a fact moves the cursor past what did not match. */
interface Step {
  readonly fact?: Fact;
  readonly cursor: string;
}

interface Asking extends EventsOptions {
  readonly after: string;
  readonly signal: AbortSignal;
}

function isFinal(error: unknown): boolean {
  return isProblem(error) && error.status < 500 && error.status !== 429;
}

async function* polled(transport: Transport, { after: start, types, key, signal }: Asking): AsyncGenerator<Step> {
  for (let after = start; ; ) {
    const query = { after, wait: POLL_WAIT_SECONDS, type: types, key };
    const page = await transport.call<EventsPage>('GET', '/v1/events', { query, signal });
    // The page's cursor covers all of it, so whoever leaves in the middle of a page reads the whole page again.
    for (const fact of page.events.slice(0, -1)) yield { fact, cursor: after };
    const last = page.events.at(-1);
    yield last === undefined ? { cursor: page.cursor } : { fact: last, cursor: page.cursor };
    after = page.cursor;
  }
}

async function* streamed(transport: Transport, { after, types, key, signal }: Asking): AsyncGenerator<Step> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MAX_MS);
  const either = AbortSignal.any([signal, silence.signal]);
  try {
    const response = await transport.open('/v1/events/stream', { query: { after, type: types, key }, signal: either });
    // From here on a disconnect loses nothing: the answer says where this stream begins.
    const begin = response.headers.get('holdfast-cursor');
    if (begin !== null) yield { cursor: begin };
    for await (const message of messages(response.body ?? new ReadableStream<Uint8Array>())) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MAX_MS);
      const step = stepOf(message, after);
      if (step) yield step;
    }
  } finally {
    clearTimeout(timer);
  }
}

function stepOf(message: ServerSentEvent, after: string): Step | undefined {
  if (message.event === 'reset') throw historyLost(message.data, after);
  if (message.id === '') return undefined;
  if (message.data === '' || message.event !== 'message') return { cursor: message.id };
  return { fact: JSON.parse(message.data) as Fact, cursor: message.id }; // the contract: data of an unnamed event is a fact
}

function historyLost(data: string, after: string): HoldfastProblem {
  let members: Record<string, unknown> = {};
  try {
    members = JSON.parse(data) as Record<string, unknown>; // spread below; anything but an object adds nothing
  } catch {
    // The event's name says it all.
  }
  return new HoldfastProblem({ detail: `The facts after ${after} are no longer kept.`, ...members, status: 410, code: 'history-lost' });
}

export interface ServerSentEvent {
  readonly event: string;
  readonly id: string;
  readonly data: string;
}

/** The messages of an event stream, a comment alone (a heartbeat) included as an empty one. */
export async function* messages(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = '';
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      rest += decoder.decode(chunk.value, { stream: true });
      // A CR at the end may be half of a line break.
      const whole = rest.endsWith('\r') ? rest.slice(0, -1) : rest;
      const blocks = whole.split(/\r\n\r\n|\n\n|\r\r/);
      rest = (blocks.pop() ?? '') + rest.slice(whole.length);
      for (const block of blocks) yield messageOf(block);
    }
  } finally {
    await reader.cancel().catch(() => undefined); // broken already: there is nothing left to cancel
  }
}

function messageOf(block: string): ServerSentEvent {
  let event = 'message';
  let id = '';
  const data: string[] = [];
  for (const line of block.split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') data.push(value);
    else if (field === 'id') id = value;
    else if (field === 'event') event = value;
  }
  return { event, id, data: data.join('\n') };
}
