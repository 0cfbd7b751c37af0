/** The command line, killed at named points and given again until it comes to its end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { CrashPoint } from '../../src/base/crash-points.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

export interface Ended {
  /** null: it was killed. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a command; `at` kills it when it passes a point for the n-th time. */
export async function holdfast(args: readonly string[], at?: readonly [CrashPoint, number]): Promise<Ended> {
  const env = at === undefined ? process.env : { ...process.env, HOLDFAST_CRASH_AT: at.join(':') };
  const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}
