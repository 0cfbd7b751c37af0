/** Libraries in C that are preloaded into a server under test, to stand between it and the system. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const compiled = new Map<string, string>();

/** Compiles a file beside this one, once; undefined where there is no compiler, or the system does not preload. */
export function preloaded(source: string): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const known = compiled.get(source);
  if (known !== undefined) return known;
  const library = join(mkdtempSync(join(tmpdir(), 'holdfast-preloaded-')), `${basename(source, '.c')}.so`);
  try {
    execFileSync('gcc', ['-Wall', '-shared', '-fPIC', '-O2', '-o', library, join(import.meta.dirname, source), '-ldl', '-lpthread'], { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  compiled.set(source, library);
  return library;
}

/** Whether such tests run here. Where they do not, the run says so; in CI they must. */
export function canPreload(what: string): boolean {
  if (preloaded('stepped-clock.c') !== undefined) return true;
  if (process.env['CI'] === 'true') throw new Error(`in CI ${what} must run: install gcc`);
  console.warn(`SKIPPED: ${what} needs gcc and Linux`);
  return false;
}
