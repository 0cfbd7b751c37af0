/** The server as users run it, in a process of its own that a test may kill and start again on the same data. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { HoldfastClient, type ClientOptions } from '../../src/client/client.ts';
import type { Place } from './places.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const ADMIN_KEY = 'an-admin-key-for-proofs';

export class ServerProcess implements AsyncDisposable {
  readonly url: string;
  readonly key = ADMIN_KEY;
  readonly #child: ChildProcess;
  readonly #output: () => string;

  private constructor(child: ChildProcess, url: string, output: () => string) {
    this.#child = child;
    this.url = url;
    this.#output = output;
  }

  static async start(place: Place, env: Readonly<Record<string, string>> = {}): Promise<ServerProcess> {
    const launched = launch(place, env);
    const url = await launched.listening;
    return new ServerProcess(launched.child, url, launched.output);
  }

  /** One that is killed while it comes up, unless it was faster. */
  static async startAndKillAfter(place: Place, delayMs: number): Promise<void> {
    const { child, listening } = launch(place, {});
    listening.catch(() => undefined); // it is meant to die before
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    await killed(child);
  }

  /** Calls are made once unless the test asks for more, so that it sees every answer and every silence itself. */
  client(options: Partial<ClientOptions> = {}): HoldfastClient {
    return new HoldfastClient({ baseUrl: this.url, key: ADMIN_KEY, attemptsMax: 1, ...options });
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** What it printed so far. */
  get output(): string {
    return this.#output();
  }

  /** SIGSTOP: the process does nothing more and keeps everything, until it goes on as if no time had passed. */
  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  goOn(): void {
    this.#child.kill('SIGCONT');
  }

  /** SIGKILL: no handler runs, nothing is flushed. */
  kill(): Promise<void> {
    return killed(this.#child);
  }

  /** SIGTERM; gives the exit code. */
  async stop(): Promise<number | null> {
    if (this.alive) {
      const ended = once(this.#child, 'exit');
      this.#child.kill('SIGTERM');
      await ended;
    }
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

function launch(place: Place, env: Readonly<Record<string, string>>): { child: ChildProcess; listening: Promise<string>; output: () => string } {
  const settings = { HOLDFAST_ADMIN_KEY: ADMIN_KEY, HOLDFAST_RATE_LIMIT: 'off', HOLDFAST_LOG_LEVEL: 'warn', ...place.env, ...env };
  const child = spawn(process.execPath, [MAIN, 'serve', '--port', '0', ...place.flags], { env: { ...process.env, ...settings }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const listening = new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        const url = /^listening on (http:\S+)$/m.exec(output)?.[1];
        if (url !== undefined) resolve(url);
      });
    }
    child.once('exit', (code, signal) => reject(new Error(`the server ended with ${code ?? signal} before it listened:\n${output}`)));
  });
  return { child, listening, output: () => output };
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
