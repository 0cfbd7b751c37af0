/** Runs tasks in the order they come, so many at a time. Rejects with the first failure, once those under way have ended. */
export async function atMost<T>(concurrency: number, source: AsyncIterable<T> | Iterable<T>, task: (one: T) => Promise<void>): Promise<void> {
  const running = new Set<Promise<void>>();
  let failure: { error: unknown } | undefined;
  for await (const one of source) {
    const run: Promise<void> = task(one)
      .catch((error: unknown) => void (failure ??= { error }))
      .finally(() => running.delete(run));
    running.add(run);
    if (running.size >= concurrency) await Promise.race(running);
    if (failure) break;
  }
  await Promise.all(running);
  if (failure) throw failure.error;
}

/** Lets moments of the past come by again, so many times as fast; `max` waits for nothing. */
export class Pace {
  readonly #speed: number | 'max';
  readonly #firstMs: number;
  readonly #signal: AbortSignal;
  readonly #began = performance.now();

  constructor(options: { speed: number | 'max'; firstMs: number; signal: AbortSignal }) {
    this.#speed = options.speed;
    this.#firstMs = options.firstMs;
    this.#signal = options.signal;
  }

  /** Resolves when this moment has come. */
  async until(atMs: number): Promise<void> {
    this.#signal.throwIfAborted();
    if (this.#speed === 'max') return;
    const waitMs = (atMs - this.#firstMs) / this.#speed - (performance.now() - this.#began);
    if (waitMs <= 0) return;
    await new Promise<void>((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        reject(this.#signal.reason as Error); // what the caller aborted with
      };
      const timer = setTimeout(() => {
        this.#signal.removeEventListener('abort', stop);
        resolve();
      }, waitMs);
      this.#signal.addEventListener('abort', stop, { once: true });
    });
  }
}
