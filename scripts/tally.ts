/**
 * Counts what the steps of a run left in a directory, names what failed with the beginning of why, and prints a last
 * line, `N passed, N failed`. A step that ran tests counts as its tests; any other counts as one check. Exits with 1
 * where anything failed or nothing passed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  /** What failed, a line or a few for each. */
  failures: string[];
}

/** What is printed of a reason: the rest is where the test ran. */
const REASON_LENGTH = 600;

/** The part of vitest's JSON report that is counted here. */
interface Report {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

function failuresOf(report: Report): string[] {
  return report.testResults.flatMap((file) => {
    const failed = file.assertionResults.filter((test) => test.status === 'failed');
    if (failed.length === 0 && file.status === 'failed') return [`${file.name}: ${file.message.slice(0, REASON_LENGTH)}`];
    return failed.map((test) => `${file.name} > ${test.fullName}\n${test.failureMessages.join('\n').slice(0, REASON_LENGTH)}`);
  });
}

function tallyOf(step: { outcome: string; name: string }, directory: string): Tally {
  const stepFailed = step.outcome === 'failed';
  const file = join(directory, `${step.name}.json`);
  if (!existsSync(file)) {
    return { passed: stepFailed ? 0 : 1, failed: stepFailed ? 1 : 0, skipped: 0, failures: stepFailed ? [step.name] : [] };
  }
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report; // vitest wrote it a moment ago
  // A file that does not load, or an error outside every test, fails the step without failing a test.
  const failed = Math.max(report.numFailedTests, stepFailed ? 1 : 0);
  const failures = failuresOf(report);
  return {
    passed: report.numPassedTests,
    failed,
    skipped: report.numPendingTests + report.numTodoTests,
    failures: failed > 0 && failures.length === 0 ? [`${step.name}, outside of its tests`] : failures,
  };
}

function main(directory: string): number {
  const file = join(directory, 'steps');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  const total: Tally = { passed: 0, failed: 0, skipped: 0, failures: [] };
  for (const line of lines) {
    const [outcome = '', name = ''] = line.split(' ');
    const tally = tallyOf({ outcome, name }, directory);
    total.passed += tally.passed;
    total.failed += tally.failed;
    total.skipped += tally.skipped;
    total.failures.push(...tally.failures);
  }
  for (const failure of total.failures) console.log(`failed: ${failure}`);
  console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
}

process.exitCode = main(process.argv[2] ?? '.');
