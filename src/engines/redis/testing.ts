/** Where tests find a Redis server, and one of their own to kill. For tests only. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createClient } from 'redis';

const LOCAL_URL = 'redis://127.0.0.1:6379';

let found: Promise<string | undefined> | undefined;

/**
 * The URL of a server that tests may write to, each under a prefix of its own: that of HOLDFAST_TEST_REDIS_URL, else the
 * local one. Undefined, said loudly, where there is none; in CI a server that is missing is a failure.
 */
export function testRedisUrl(): Promise<string | undefined> {
  return (found ??= search());
}

async function search(): Promise<string | undefined> {
  const given = process.env['HOLDFAST_TEST_REDIS_URL'];
  if (given !== undefined && given !== '') {
    if (await answers(given)) return given;
    throw new Error('nothing answers at HOLDFAST_TEST_REDIS_URL; start that server or unset the variable');
  }
  if (await answers(LOCAL_URL)) return LOCAL_URL;
  if (process.env['CI'] === 'true') throw new Error('no Redis server for the tests; set HOLDFAST_TEST_REDIS_URL or start one on 127.0.0.1:6379');
  console.warn('\n*** SKIPPED: the tests that need Redis. Start a server on 127.0.0.1:6379 or set HOLDFAST_TEST_REDIS_URL. ***\n');
  return undefined;
}

async function answers(url: string): Promise<boolean> {
  const client = createClient({ url, socket: { connectTimeout: 3_000, reconnectStrategy: false } });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.ping()) === 'PONG';
  } catch {
    return false;
  } finally {
    client.destroy();
  }
}

/** A prefix that nobody else uses. */
export const freshPrefix = (): string => `holdfast-test:${randomBytes(6).toString('hex')}:`;

/** Removes what a test has written. */
export async function forget(url: string, prefix: string): Promise<void> {
  const client = createClient({ url });
  await client.connect();
  for await (const keys of client.scanIterator({ MATCH: `${prefix}*`, COUNT: 1_000 })) if (keys.length > 0) await client.unlink(keys);
  client.destroy();
}

/** Whether tests can start a server of their own to kill; likewise said loudly, and a failure in CI. */
export function hasRedisServer(): boolean {
  if (spawnSync('redis-server', ['--version']).status === 0) return true;
  if (process.env['CI'] === 'true') throw new Error('no redis-server to start and kill in tests; install it');
  console.warn('\n*** SKIPPED: the tests that kill a Redis server, because there is no redis-server to start. ***\n');
  return false;
}

/** A server on a port of its own that keeps nothing; it may be killed and started again there. */
export class OwnRedis implements AsyncDisposable {
  readonly port: number;
  #process: ChildProcess | undefined;

  private constructor(port: number) {
    this.port = port;
  }

  static async start(): Promise<OwnRedis> {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address() as AddressInfo; // a TCP server has one
    probe.close();
    const own = new OwnRedis(port);
    await own.start();
    return own;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.#process = spawn('redis-server', ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], { stdio: 'ignore' });
    for (let attempt = 0; attempt < 200 && !(await answers(this.url)); attempt++) await new Promise((resolve) => void setTimeout(resolve, 25));
  }

  /** Stops it between two instructions, or lets it go on. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(name);
  }

  async kill(): Promise<void> {
    const running = this.#process;
    if (running === undefined) return;
    this.#process = undefined;
    const ended = once(running, 'exit');
    running.kill('SIGKILL');
    await ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
