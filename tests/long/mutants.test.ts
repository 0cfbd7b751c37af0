import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { FINDERS, MUTANTS } from '../mutants/mutants.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const only = process.env['MUTANT'];
const names = Object.keys(MUTANTS).filter((name) => only === undefined || name === only) as (keyof typeof MUTANTS)[];

/** What vitest's report says, as far as it is read here. */
interface Report {
  readonly numPassedTests: number;
  readonly testResults: readonly { readonly name: string; readonly message: string; readonly assertionResults: readonly { readonly status: string; readonly title: string; readonly failureMessages: readonly string[] }[] }[];
}

/** Runs a test on the source with a bug, or without. */
async function run(file: string, mutant: string | undefined): Promise<Report> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:VITEST|HOLDFAST_|SIM_|MODEL_)/.test(name));
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-mutant-'));
  try {
    const report = join(directory, 'report.json');
    const child = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', '--config', 'tests/mutants/vitest.config.ts', '--reporter=json', `--outputFile.json=${report}`, file], {
      cwd: root,
      env: { ...Object.fromEntries(inherited), MODEL_RUNS: '300', ...(mutant === undefined ? undefined : { HOLDFAST_MUTANT: mutant, SIM_SEEDS: '500' }) }, // the rarest is found about once in a hundred seeds
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const [complained] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    const json = await readFile(report, 'utf8').catch(() => Promise.reject(new Error(`vitest left no report: ${complained}`)));
    return JSON.parse(json) as Report; // the form of vitest's own report
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Which tests failed, each with the first thing that it says. */
function findings({ testResults }: Report): string[] {
  return testResults.flatMap(({ name, message, assertionResults }) => {
    const failed = assertionResults.filter(({ status }) => status === 'failed');
    const file = name.slice(root.length);
    if (failed.length === 0 && message !== '') throw new Error(`${file} did not run: ${message}`);
    return failed.map(({ failureMessages }) => `${file}: ${firstLine(failureMessages[0] ?? '')}`);
  });
}

function firstLine(message: string): string {
  const line = message.replaceAll(/\s+/g, ' ');
  return line.length > 220 ? `${line.slice(0, 220)} …` : line;
}

const lines: string[] = [];
afterAll(() => console.log(lines.join('\n')));

describe('seeded bugs', { timeout: 600_000 }, () => {
  for (const file of Object.values(FINDERS)) {
    test(`without one, ${file} finds nothing`, async () => {
      const report = await run(file, undefined);
      expect(findings(report)).toEqual([]);
      expect(report.numPassedTests).toBeGreaterThan(0);
    });
  }

  for (const name of names) {
    const { bug, by } = MUTANTS[name];
    test(`the ${by} finds: ${bug} (${name})`, async () => {
      const began = performance.now();
      const found = findings(await run(FINDERS[by], name));
      lines.push(`${found.length === 0 ? 'NOT FOUND' : 'found'} in ${((performance.now() - began) / 1000).toFixed(1)} s, ${name}: ${bug}`, ...found.map((finding) => `    ${finding}`));
      expect(found, `the ${by} does not find it; again: HOLDFAST_LONG=1 MUTANT=${name} npx vitest run tests/long/mutants`).not.toEqual([]);
    });
  }
});
