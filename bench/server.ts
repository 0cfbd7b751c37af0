/** The product as its users start it: a process of its own with keys, limits, metrics and logs on. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FLAGS } from './child.ts';

/** Plenty, so that no hold is refused, and below the most an item may have, so that more can be received. */
export const STOCK = 900_000_000;
/** Longer than any run takes: what was acknowledged is still held when the books are checked. */
const TTL_SECONDS = 7_200;
/** On, and above what any run asks for: what a limit costs is measured, not what it refuses. */
const RATE_LIMIT = '1000000/2000000';
const ADMIN_KEY = 'benchmark-admin-key';

const main = join(fileURLToPath(new URL('..', import.meta.url)), 'src', 'main.ts');

/** A child that listens on a port of 127.0.0.1 and says so in a line. Disposing of it waits for its end. */
export class Listening implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Listening> {
    const child = spawn(process.execPath, [...FLAGS, ...args], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
    let said = '';
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      said += String(chunk);
      const port = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1];
      if (port !== undefined) return new Listening(child, Number(port));
    }
    throw new Error(`${args.join(' ')} ended before it listened: ${said}`);
  }

  /** Resident memory now; Linux's own figure. */
  get residentMb(): number {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.#child.pid}/status`, 'utf8'))?.[1];
    return Number(kib) / 1024;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    this.#child.kill('SIGTERM');
    await once(this.#child, 'exit');
  }
}

/** Holdfast under load, with a key that may write and a count of what it acknowledged. */
export class Product implements AsyncDisposable {
  readonly port: number;
  /** Scope `write`. */
  readonly key: string;
  readonly #listening: Listening;
  readonly #directory: string;
  readonly #held = new Map<string, number>();

  private constructor(listening: Listening, directory: string, key: string) {
    this.#listening = listening;
    this.#directory = directory;
    this.port = listening.port;
    this.key = key;
  }

  /** On SQLite, or on the PostgreSQL database of the URL. `fill` is given the data directory before the server is. */
  static async start(databaseUrl?: string, fill?: (data: string) => Promise<void>): Promise<Product> {
    const directory = mkdtempSync(join(tmpdir(), 'holdfast-server-'));
    try {
      await fill?.(join(directory, 'data'));
      return await Product.#startIn(directory, databaseUrl);
    } catch (error) {
      rmSync(directory, { recursive: true });
      throw error;
    }
  }

  static async #startIn(directory: string, databaseUrl: string | undefined): Promise<Product> {
    const engine = databaseUrl === undefined ? ['--engine', 'sqlite'] : ['--engine', 'postgres'];
    const listening = await Listening.start([main, 'serve', '--port', '0', '--host', '127.0.0.1', '--data', join(directory, 'data'), ...engine], {
      HOLDFAST_ADMIN_KEY: ADMIN_KEY,
      HOLDFAST_RATE_LIMIT: RATE_LIMIT,
      HOLDFAST_LOG_FILE: join(directory, 'log'),
      ...(databaseUrl === undefined ? undefined : { HOLDFAST_DATABASE_URL: databaseUrl }),
    });
    return new Product(listening, directory, await makeKey(listening.port, ['read', 'write']));
  }

  get residentMb(): number {
    return this.#listening.residentMb;
  }

  /** Keys that may read, for a crowd that is too many for one. */
  moreKeys(count: number): Promise<string[]> {
    return Promise.all(Array.from({ length: count }, () => makeKey(this.port, ['read'])));
  }

  /** Asks as a client would; anything but a success is an error here. */
  call(method: string, path: string, body?: object): Promise<unknown> {
    return ask({ port: this.port, key: this.key, method, path, body });
  }

  async metrics(): Promise<string> {
    return (await request({ port: this.port, key: this.key, method: 'GET', path: '/metrics' })).text();
  }

  /** Describes items and receives plenty of each. */
  async stockUp(skus: readonly string[]): Promise<void> {
    for (const sku of skus) await this.call('PUT', `/v1/items/${sku}`, { name: sku, reservationTtlSeconds: TTL_SECONDS });
    for (let from = 0; from < skus.length; from += 1_000) {
      const received = skus.slice(from, from + 1_000).map((sku) => ({ sku, change: STOCK, reason: 'received' }));
      const { batchId } = (await this.call('POST', '/v1/adjustments', received)) as { batchId: string }; // as the contract says
      await this.batchDone(batchId);
    }
  }

  /** Resolves when nothing of a bulk request is pending; rejects where something was refused. */
  async batchDone(batchId: string): Promise<void> {
    for (const end = performance.now() + 60_000; performance.now() < end; ) {
      const { pending, refused } = (await this.call('GET', `/v1/batches/${batchId}`)) as { pending: number; refused: number }; // as the contract says
      if (refused > 0) throw new Error(`${refused} adjustments of batch ${batchId} were refused`);
      if (pending === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`batch ${batchId} was not done in a minute`);
  }

  /**
   * Waits until the views have what was acknowledged so far, and says how long that took. A read that names the cursor
   * of the last write waits for its view, at most two seconds each time.
   */
  async viewsCaughtUp(): Promise<number> {
    const start = performance.now();
    const written = await request({ port: this.port, key: this.key, method: 'PUT', path: '/v1/items/VIEWS', body: { name: 'Views' } });
    const cursor = written.headers.get('holdfast-cursor') ?? '';
    for (;;) {
      const read = await request({ port: this.port, key: this.key, method: 'GET', path: '/v1/reservations?limit=1', cursor });
      const text = await read.text();
      if (read.ok) break;
      if (read.status !== 503) throw new Error(`the views answered ${read.status} ${text}`);
    }
    const seconds = (performance.now() - start) / 1000;
    console.error(`  views had all of it after ${seconds.toFixed(1)} s`);
    return seconds;
  }

  /** Notes units that were acknowledged as held, spread evenly where a run asked for several items in turn. */
  acknowledge(skus: readonly string[], units: number): void {
    skus.forEach((sku, i) => this.#held.set(sku, (this.#held.get(sku) ?? 0) + Math.floor((units + skus.length - 1 - i) / skus.length)));
  }

  /** Fails unless each item has exactly the held units that were acknowledged and its facts add up to its levels. */
  async checkBooks(): Promise<void> {
    for (const [sku, held] of this.#held) {
      const { reserved, available, onHand } = (await this.call('GET', `/v1/items/${sku}/availability`)) as { reserved: number; available: number; onHand: number }; // as the contract says
      if (reserved !== held || available !== onHand - held) throw new Error(`${sku}: ${held} units were acknowledged, the books say ${reserved} reserved of ${onHand}, ${available} available`);
    }
    // The check reads every fact of an item, so that of a hot one stands for many.
    for (const sku of [...this.#held.keys()].slice(0, 3)) {
      const check = (await this.call('GET', `/v1/items/${sku}/check`)) as { ok: boolean }; // as the contract says
      if (!check.ok) throw new Error(`the facts of ${sku} do not add up: ${JSON.stringify(check)}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listening[Symbol.asyncDispose]();
    rmSync(this.#directory, { recursive: true });
  }
}

async function makeKey(port: number, scopes: readonly string[]): Promise<string> {
  const made = await ask({ port, key: ADMIN_KEY, method: 'POST', path: '/v1/keys', body: { name: 'benchmark', scopes } });
  return (made as { key: string }).key; // as the contract says
}

interface Request {
  readonly port: number;
  readonly key: string;
  readonly method: string;
  readonly path: string;
  readonly body?: object | undefined;
  readonly cursor?: string;
}

function request({ port, key, method, path, body, cursor }: Request): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body === undefined ? undefined : { 'content-type': 'application/json' }), ...(cursor === undefined ? undefined : { 'holdfast-cursor': cursor }) },
    ...(body === undefined ? undefined : { body: JSON.stringify(body) }),
  });
}

async function ask(wanted: Request): Promise<unknown> {
  const response = await request(wanted);
  const text = await response.text();
  if (!response.ok) throw new Error(`${wanted.method} ${wanted.path}: ${response.status} ${text}`);
  return text === '' ? undefined : (JSON.parse(text) as unknown);
}
