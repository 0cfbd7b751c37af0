import { HoldfastUnreachable, problemOf } from './problem.ts';

export interface ClientOptions {
  /** Where the service is, such as `http://127.0.0.1:7070`. */
  readonly baseUrl: string;
  /** An API key. Reads that are public work without one. */
  readonly key?: string;
  /** Attempts of one call, the first included; 6 unless given, 1 for none but the first. */
  readonly attemptsMax?: number;
  /** Longest wait for the answer to one attempt; 35 s unless given, which outlasts the longest wait the service allows. */
  readonly timeoutMs?: number;
  /** Another `fetch`, for platforms that bring their own. */
  readonly fetch?: typeof globalThis.fetch;
}

/** What every call takes. */
export interface CallOptions {
  /** Names this write, so that making it again changes nothing. Made for each POST, PUT and PATCH where absent. */
  readonly idempotencyKey?: string;
  /** The ETag that must still be current, else 412 `version-conflict`. */
  readonly ifMatch?: string;
  /** The `Holdfast-Cursor` of a write that this read must see; several are joined by commas. */
  readonly after?: string;
  /** Value of the `Prefer` header, such as `respond-async`. */
  readonly prefer?: string;
  readonly signal?: AbortSignal;
  /** Told about the answer besides its body. */
  readonly onAnswer?: (answer: AnswerHead) => void;
}

export interface AnswerHead {
  readonly status: number;
  readonly etag: string | undefined;
  /** Covers what was written. Give it to a read as `after` to read your own writes. */
  readonly cursor: string | undefined;
  /** The answer was given before, to the same Idempotency-Key. */
  readonly replayed: boolean;
  readonly location: string | undefined;
  /** How many attempts it took. */
  readonly attempts: number;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface Call extends CallOptions {
  readonly query?: Query;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, with its media type. */
  readonly raw?: { readonly type: string; readonly text: string };
}

const ATTEMPTS_MAX = 6;
const TIMEOUT_MS = 35_000;
/** Back-off before attempt n is a random time up to the first times 2^(n-2), bounded by the second. */
const BACK_OFF_MS = 100;
const BACK_OFF_MAX_MS = 5_000;
/** A service that asks for more patience than this is given up on: the caller knows better what to do meanwhile. */
const RETRY_AFTER_MAX_MS = 30_000;
/** Overloaded, or away behind a proxy: in none of these was anything decided that a repeat with the same key would repeat. */
const RETRIED: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Makes requests and, where that is safe, makes them again. */
export class Transport {
  readonly #options: ClientOptions;
  readonly #base: string;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#base = options.baseUrl.replace(/\/+$/, '');
  }

  /**
   * The body of a happy answer; rejects with `HoldfastProblem` or `HoldfastUnreachable`. Every attempt of a write
   * carries the same Idempotency-Key.
   */
  async call<T>(method: Method, path: string, call: Call = {}): Promise<T> {
    const url = this.#base + path + queryText(call.query);
    const init = this.#init(method, call);
    const attemptsMax = this.#options.attemptsMax ?? ATTEMPTS_MAX;
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#attempt(url, init, call.signal);
      const patience = patienceWith(answer, attempt);
      if (patience === undefined || attempt >= attemptsMax) {
        if ('error' in answer) throw new HoldfastUnreachable(`${method} ${path}`, answer.error);
        call.onAnswer?.(headOf(answer.response, attempt));
        // A repeated DELETE that finds nothing any more did its work the first time.
        const wasDone = method === 'DELETE' && answer.response.status === 404 && attempt > 1;
        if (!answer.response.ok && !wasDone) throw problemOf(answer.response.status, answer.body);
        return answer.body as T; // the contract says what this path answers
      }
      await sleep(patience, call.signal);
    }
  }

  #init(method: Method, call: Call): RequestInit {
    const headers: Record<string, string> = { accept: 'application/json' };
    const { key } = this.#options;
    if (key !== undefined) headers['authorization'] = `Bearer ${key}`;
    if (method !== 'GET' && method !== 'DELETE') headers['idempotency-key'] = call.idempotencyKey ?? randomKey();
    if (call.ifMatch !== undefined) headers['if-match'] = call.ifMatch;
    if (call.after !== undefined) headers['holdfast-cursor'] = call.after;
    if (call.prefer !== undefined) headers['prefer'] = call.prefer;
    if (call.raw !== undefined) return { method, headers: { ...headers, 'content-type': call.raw.type }, body: call.raw.text };
    if (call.body === undefined) return { method, headers };
    return { method, headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(call.body) };
  }

  async #attempt(url: string, init: RequestInit, signal: AbortSignal | undefined): Promise<Attempt> {
    const timeout = AbortSignal.timeout(this.#options.timeoutMs ?? TIMEOUT_MS);
    const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
    try {
      const response = await (this.#options.fetch ?? fetch)(url, { ...init, signal: either });
      return { response, body: await bodyOf(response) };
    } catch (error) {
      signal?.throwIfAborted();
      return { error };
    }
  }

  /** A long answer that is read bit by bit: one attempt, no time limit but the caller's. */
  async open(path: string, options: { query?: Query; headers?: Record<string, string>; signal: AbortSignal }): Promise<Response> {
    const { key } = this.#options;
    const headers = { accept: 'text/event-stream', ...(key === undefined ? undefined : { authorization: `Bearer ${key}` }), ...options.headers };
    const response = await (this.#options.fetch ?? fetch)(this.#base + path + queryText(options.query), { headers, signal: options.signal });
    if (!response.ok) throw problemOf(response.status, await bodyOf(response));
    return response;
  }
}

/** An answer, whole; or why there is none. */
type Attempt = { readonly response: Response; readonly body: unknown } | { readonly error: unknown };

async function bodyOf(response: Response): Promise<unknown> {
  const text = await response.text();
  if (!/[/+]json/.test(response.headers.get('content-type') ?? '')) return response.ok ? text : { detail: text.slice(0, 500) };
  return text === '' ? undefined : JSON.parse(text);
}

/** How long to wait before making the call again; undefined where that would not help. */
function patienceWith(attempt: Attempt, number: number): number | undefined {
  if ('error' in attempt) return waitAfter(number, null);
  return RETRIED.has(attempt.response.status) ? waitAfter(number, attempt.response.headers.get('retry-after')) : undefined;
}

function headOf(response: Response, attempts: number): AnswerHead {
  const header = (name: string): string | undefined => response.headers.get(name) ?? undefined;
  return { status: response.status, etag: header('etag'), cursor: header('holdfast-cursor'), replayed: header('idempotent-replayed') === 'true', location: header('location'), attempts };
}

/** How long to wait before the next attempt: what the service asked for, never less than the back-off; undefined: too long. */
export function waitAfter(attempt: number, retryAfter: string | null, now: number = Date.now(), chance: number = Math.random()): number | undefined {
  const asked = retryAfterMs(retryAfter, now);
  if (asked > RETRY_AFTER_MAX_MS) return undefined;
  // Full jitter: callers that failed together do not come back together.
  const backOff = chance * Math.min(BACK_OFF_MAX_MS, BACK_OFF_MS * 2 ** (attempt - 1));
  return asked + backOff;
}

function retryAfterMs(header: string | null, now: number): number {
  if (header === null) return 0;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? 0 : Math.max(0, at - now);
}

export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error); // whatever the caller aborted with, as `fetch` does
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    if (signal?.aborted === true) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
  });
}

function queryText(query: Query | undefined): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) search.append(name, String(one));
  }
  const text = search.toString();
  return text === '' ? '' : `?${text}`;
}

/** 128 bits of chance. `crypto.randomUUID` is missing on pages that were not loaded over TLS, this is not. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(36).padStart(7, '0')).join('');
}
