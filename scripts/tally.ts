/**
 * Counts what the steps of a run left in a directory and prints it as one line, `N passed, N failed`. A step that ran
 * tests counts as its tests; any other counts as one check. Exits with 1 where anything failed or nothing passed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/** The part of vitest's JSON report that is counted here. */
interface Report {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
}

function tallyOf(step: { outcome: string; name: string }, directory: string): Tally {
  const stepFailed = step.outcome === 'failed';
  const file = join(directory, `${step.name}.json`);
  if (!existsSync(file)) return { passed: stepFailed ? 0 : 1, failed: stepFailed ? 1 : 0, skipped: 0 };
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report; // vitest wrote it a moment ago
  // A file that does not load, or an error outside every test, fails the step without failing a test.
  const failed = Math.max(report.numFailedTests, stepFailed ? 1 : 0);
  return { passed: report.numPassedTests, failed, skipped: report.numPendingTests + report.numTodoTests };
}

function main(directory: string): number {
  const file = join(directory, 'steps');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  const total: Tally = { passed: 0, failed: 0, skipped: 0 };
  for (const line of lines) {
    const [outcome = '', name = ''] = line.split(' ');
    const tally = tallyOf({ outcome, name }, directory);
    total.passed += tally.passed;
    total.failed += tally.failed;
    total.skipped += tally.skipped;
  }
  console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
}

process.exitCode = main(process.argv[2] ?? '.');
