import type { Clock } from '../../base/clock.ts';
import type { FunctionStrategy, Money } from '../../rooms/pricing/pricing.ts';
import { Breaker } from './breaker.ts';
import { ANSWER_BYTES_MAX, CALLS_MAX } from './limits.ts';
import { answerIn, failure, type Answer, type Asked } from './outside.ts';

/** Calls functions over HTTP: some at a time, each within its time, and none for a while where one keeps failing. */
export class Functions {
  readonly #clock: Clock;
  readonly #lines = new Map<string, Line>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** POSTs `{ item, signals }` and reads `{ price }`. Never rejects. */
  async price({ url, timeoutMs }: FunctionStrategy, asked: Asked, base: Money): Promise<Answer> {
    let line = this.#lines.get(url);
    if (!line) this.#lines.set(url, (line = new Line(this.#clock)));
    await line.enter();
    try {
      if (!line.breaker.allows()) return failure('the function keeps failing and is not asked for a while');
      const answer = await call(url, timeoutMs, asked, base);
      if (answer.ok) line.breaker.succeeded();
      else line.breaker.failed();
      return answer;
    } finally {
      line.leave();
    }
  }
}

/** Those who wait for one function. */
class Line {
  readonly breaker: Breaker;
  #inside = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(clock: Clock) {
    this.breaker = new Breaker(clock);
  }

  async enter(): Promise<void> {
    if (this.#inside >= CALLS_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#inside++;
  }

  leave(): void {
    this.#inside--;
    this.#waiting.shift()?.();
  }
}

async function call(url: string, timeoutMs: number, asked: Asked, base: Money): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(asked),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await textOf(response);
    if (!response.ok) return failure(`the function answered ${response.status}`);
    return text === undefined ? failure('the answer is too long') : answerIn(JSON.parse(text), base);
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError') return failure(`the function did not answer within ${timeoutMs} ms`);
    return failure(error instanceof SyntaxError ? 'the answer is not JSON' : 'the function could not be reached');
  }
}

/** The body; undefined where it is longer than an answer may be. */
async function textOf(response: Response): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.byteLength;
    if (bytes > ANSWER_BYTES_MAX) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}
