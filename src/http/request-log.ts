import type { RouteTimes } from './metrics.ts';

/** Lines are handed on in parcels of about this many characters: each costs a system call and the waking of a thread, 0.1 ms on a busy machine. */
const PARCEL_CHARACTERS = 65_536;
/** A line waits at most this long for others. */
const PARCEL_WAIT_MS = 200;

/** Takes text that ends in line breaks. */
export interface LogSink {
  write(lines: string): unknown;
}

/**
 * One short line of JSON a request, in the shape of the other log lines. It is put together by hand because that takes
 * a fifth of the time of a logger's call, and every hold pays for it.
 */
export class RequestLog {
  readonly #sink: LogSink | undefined;
  #lines = '';
  #waits = false;

  constructor(sink: LogSink | undefined) {
    this.#sink = sink;
  }

  get isOn(): boolean {
    return this.#sink !== undefined;
  }

  add(line: string): void {
    this.#lines += line;
    if (this.#lines.length >= PARCEL_CHARACTERS) this.flush();
    else if (!this.#waits) {
      this.#waits = true;
      setTimeout(this.#onWaited, PARCEL_WAIT_MS).unref();
    }
  }

  /** Hands on what waits. */
  flush(): void {
    if (this.#lines === '') return;
    const lines = this.#lines;
    this.#lines = '';
    this.#sink?.write(lines);
  }

  readonly #onWaited = (): void => {
    this.#waits = false;
    this.flush();
  };
}

/** What is written down about the requests of one route: how long they took, and a line each. */
export class Account {
  readonly #times: RouteTimes;
  readonly #log: RequestLog;
  readonly #middle: string;

  constructor(times: RouteTimes, log: RequestLog) {
    this.#times = times;
    this.#log = log;
    this.#middle = `","method":"${times.method}","route":"${times.route}","status":`;
  }

  /** The request's id has only characters that JSON takes as they are. */
  enter(id: string, status: number, ms: number, keyId: string | undefined): void {
    this.#times.observe(status, ms / 1000);
    if (!this.#log.isOn) return;
    const key = keyId === undefined ? '' : `,"key":"${keyId}"`;
    this.#log.add(`{"level":30,"time":${Date.now()},"id":"${id}${this.#middle}${status},"ms":${Math.round(ms * 1000) / 1000}${key}}\n`);
  }
}
