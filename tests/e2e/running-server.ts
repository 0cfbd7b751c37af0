import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HoldfastClient } from '../../src/client/client.ts';

export const ROOT = join(import.meta.dirname, '../..');
const MAIN = join(ROOT, 'src/main.ts');
const ADMIN_KEY = 'an-admin-key-for-tests';

/** A server in a process of its own, as users run it, with data of its own. Disposing of it stops it with SIGTERM. */
export interface RunningServer extends AsyncDisposable {
  readonly url: string;
  readonly key: string;
  readonly client: HoldfastClient;
  /** What it printed so far. */
  readonly output: () => string;
  /** Sends SIGTERM and gives the exit code. */
  readonly stop: () => Promise<number | null>;
}

export async function startServer(options: { args?: readonly string[]; env?: Readonly<Record<string, string>> } = {}): Promise<RunningServer> {
  const data = await mkdtemp(join(tmpdir(), 'holdfast-e2e-'));
  const env = { ...process.env, HOLDFAST_ADMIN_KEY: ADMIN_KEY, HOLDFAST_RATE_LIMIT: 'off', HOLDFAST_LOG_LEVEL: 'warn', ...options.env };
  const child = spawn(process.execPath, [MAIN, 'serve', '--port', '0', '--data', data, ...(options.args ?? [])], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const stop = async (): Promise<number | null> => {
    child.kill('SIGTERM');
    return ended;
  };
  const dispose = async (): Promise<void> => {
    await stop();
    await rm(data, { recursive: true, force: true });
  };
  try {
    const url = await listening(child, () => output);
    return { url, key: ADMIN_KEY, client: new HoldfastClient({ baseUrl: url, key: ADMIN_KEY }), output: () => output, stop, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

function listening(child: ChildProcess, output: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const url = /^listening on (http:\S+)$/m.exec(output())?.[1];
      if (url !== undefined) resolve(url);
    };
    child.stdout?.on('data', look);
    child.once('exit', (code) => reject(new Error(`the server ended with ${code} before it listened:\n${output()}`)));
  });
}

/** Runs the command line to its end. */
export async function runHoldfast(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', (ended) => resolve(ended)));
  return { code, out, err };
}
