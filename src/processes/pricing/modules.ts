import { stat } from 'node:fs/promises';
import { isAbsolute, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../base/clock.ts';
import { ownFile } from '../../base/own-file.ts';
import type { Money } from '../../rooms/pricing/pricing.ts';
import { Breaker } from './breaker.ts';
import { MODULE_LOOK_MS, MODULE_TIMEOUT_MS } from './limits.ts';
import type { FromModule, ToModule } from './module-thread.ts';
import { answerIn, failure, type Answer, type Asked } from './outside.ts';

export interface ModulesOptions {
  readonly clock: Clock;
  /** The only folder that modules are loaded from, or `off`; anywhere where undefined. */
  readonly folder: string | undefined;
  /** The file of a module is another one than before. */
  readonly onChanged: (path: string) => void;
}

/**
 * Runs modules: TypeScript or JavaScript files whose default export takes `{ item, signals }` and gives `{ price }`, or a
 * promise of it. Each runs in a thread of its own, so that one that hangs is ended and nobody waits for it; when its file
 * changes a new thread takes the new one.
 */
export class Modules {
  readonly #options: ModulesOptions;
  readonly #running = new Map<string, Running>();
  #callOff: (() => void) | undefined;
  #closed = false;

  constructor(options: ModulesOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  async price(path: string, asked: Asked, base: Money): Promise<Answer> {
    const { folder, clock } = this.#options;
    if (folder === 'off') return failure('modules are switched off here');
    const file = resolve(folder ?? '.', path);
    const within = relative(folder ?? '.', file);
    if (folder !== undefined && (within.startsWith('..') || isAbsolute(within))) return failure('modules are loaded from their folder only');
    let running = this.#running.get(path);
    if (!running) this.#running.set(path, (running = new Running(file, clock)));
    this.#lookLater();
    return running.price(asked, base);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#callOff?.();
    await Promise.all([...this.#running.values()].map((running) => running.end('the service is stopping')));
  }

  #lookLater(): void {
    if (this.#closed) return;
    this.#callOff ??= this.#options.clock.after(MODULE_LOOK_MS, () => void this.#look());
  }

  async #look(): Promise<void> {
    for (const [path, running] of this.#running) if (await running.isOutdated()) this.#options.onChanged(path);
    this.#callOff = undefined;
    this.#lookLater();
  }
}

/** One module in its thread. */
class Running {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #breaker: Breaker;
  #worker: Worker | undefined;
  #stamp: string | undefined;
  #asked = 0;
  readonly #waiting = new Map<number, { readonly base: Money; readonly resolve: (answer: Answer) => void }>();
  #callOff: (() => void) | undefined;

  constructor(file: string, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
    this.#breaker = new Breaker(clock);
  }

  async price(asked: Asked, base: Money): Promise<Answer> {
    this.#stamp ??= await stampOf(this.#file);
    if (this.#stamp === NO_FILE) return failure('there is no such module');
    if (!this.#breaker.allows()) return failure('the module keeps failing and is not asked for a while');
    const answer = await new Promise<Answer>((resolve) => {
      const id = ++this.#asked;
      this.#waiting.set(id, { base, resolve });
      (this.#worker ??= this.#start()).postMessage({ id, asked } satisfies ToModule);
      this.#watch();
    });
    if (answer.ok) this.#breaker.succeeded();
    else this.#breaker.failed();
    return answer;
  }

  /** Whether its file changed; the next who asks gets the new one. */
  async isOutdated(): Promise<boolean> {
    const stamp = await stampOf(this.#file);
    if (stamp === this.#stamp) return false;
    this.#stamp = stamp;
    this.#breaker.succeeded();
    await this.end('the module was changed');
    return true;
  }

  async end(reason: string): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#callOff?.();
    this.#callOff = undefined;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { resolve } of waiting) resolve(failure(reason));
    await worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(ownFile(import.meta.url, 'module-thread'), { workerData: { url: pathToFileURL(this.#file).href } });
    worker.unref();
    worker.on('message', (message: FromModule) => this.#hear(message));
    worker.on('error', (error) => void (this.#worker === worker && this.end(`the module failed: ${error instanceof Error ? error.message : String(error)}`)));
    return worker;
  }

  #hear({ id, ...said }: FromModule): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    this.#callOff?.();
    this.#callOff = undefined;
    this.#watch();
    waiting.resolve('failed' in said ? failure(`the module failed: ${said.failed}`) : answerIn(typeof said.answer === 'number' ? { price: said.answer } : said.answer, waiting.base));
  }

  /** The thread has some time for each answer, and is ended where it takes more. */
  #watch(): void {
    if (this.#waiting.size === 0) return;
    this.#callOff ??= this.#clock.after(MODULE_TIMEOUT_MS, () => void this.end(`the module did not answer within ${MODULE_TIMEOUT_MS} ms`));
  }
}

const NO_FILE = 'none';

async function stampOf(file: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(file);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return NO_FILE;
  }
}
