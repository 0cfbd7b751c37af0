import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT, startServer, type RunningServer } from './running-server.ts';

/** One fenced block of the README. */
interface Block {
  readonly language: string;
  readonly text: string;
}

const WRITTEN_URL = 'http://127.0.0.1:7070';
/** How the package is found where it is not installed: by the files that its `exports` lead to once it is built. */
const DOORS = { "'holdfast'": 'src/app/app.ts', "'holdfast/client'": 'src/client/client.ts' };

const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
const [start, ...minute] = blocksBelow('A minute with curl');
const programs = blocksBelow('From a program').filter(({ language }) => language === 'ts');
const key = /HOLDFAST_ADMIN_KEY=(\S+)/.exec(start?.text ?? '')?.[1] ?? '';

function blocksBelow(heading: string): Block[] {
  const section = readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...section.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(([, language = '', text = '']) => ({ language, text }));
}

/** Runs a program to its end and gives what it printed; whatever it complained about is thrown. */
async function outputOf(program: string, args: readonly string[], options: { cwd: string; input?: string }): Promise<string> {
  const child = spawn(program, args, { cwd: options.cwd, env: { ...process.env, HOLDFAST_ADMIN_KEY: key } });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  child.stdin.end(options.input ?? '');
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${err}${out}`);
  return out;
}

describe('the README', { timeout: 60_000 }, () => {
  let server: RunningServer;
  let directory: string;
  const here = (text: string): string => text.replaceAll(WRITTEN_URL, server.url);

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'holdfast-readme-'));
    server = await startServer({ env: { HOLDFAST_ADMIN_KEY: key } });
  }, 60_000);
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  async function run(program: Block | undefined, name: string): Promise<string> {
    let text = here(program?.text ?? '');
    for (const [door, file] of Object.entries(DOORS)) text = text.replaceAll(`from ${door}`, `from '${pathToFileURL(join(ROOT, file)).href}'`);
    await writeFile(join(directory, name), text);
    return outputOf(process.execPath, [name], { cwd: directory });
  }

  test('its minute with curl gives the answers that it shows, pasted one block after another', async () => {
    const mark = '--- next block ---';
    const commands = minute.filter(({ language }) => language === 'sh');
    const shown = minute.filter(({ language }) => language === 'json').map(({ text }) => JSON.parse(text) as unknown);
    expect(shown.length).toBeGreaterThan(6);
    const script = commands.map(({ text }) => `${here(text)}\necho '${mark}'\n`).join('');
    const printed = (await outputOf('sh', ['-eu', '-s'], { cwd: directory, input: script })).split(`${mark}\n`);
    // The first block only says where the shop is.
    const answers = printed.slice(1, -1).map((text) => JSON.parse(text) as unknown);
    expect(answers).toHaveLength(shown.length);
    for (const [index, answer] of answers.entries()) expect(answer).toMatchObject(shown[index] as object);
  });

  test('its program with the client holds stock and hears of it', async () => {
    expect(await run(programs[0], 'client.ts')).toMatch(/^held until \d{4}-[^]*inventory\.reservation\.held[^]*inventory\.reservation\.confirmed/);
  });

  test('its program without HTTP holds stock', async () => {
    expect(await run(programs[1], 'embedded.ts')).toMatch(/status: 'held'/);
  });
});
