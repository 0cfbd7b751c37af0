/**
 * What is measured runs in a process of its own, so that one side's garbage is not the other's pause. A child takes one
 * question, answers it once and ends.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** How `npm start` and the package's command start Node.js; the peers get the same. */
export const FLAGS = ['--max-semi-space-size=32'];

/** Runs a module of this folder as a child, asks it, and resolves to its answer. */
export async function ask<Answer>(module: URL, question: object): Promise<Answer> {
  const child = fork(fileURLToPath(module), { execArgv: FLAGS, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const answered = once(child, 'message');
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${module.pathname} ended with ${String(code)} before it answered`);
  });
  child.send(question);
  try {
    // Each of our modules answers with what its caller names: both ends are in this folder.
    const [answer] = (await Promise.race([answered, ended])) as [Answer];
    return answer;
  } finally {
    ended.catch(() => undefined); // it ends after its answer, too
    child.disconnect();
    if (child.exitCode === null) await once(child, 'exit');
  }
}

/** The child's end of {@link ask}. */
export function answer<Question>(work: (question: Question) => Promise<object>): void {
  process.once('message', (question) => {
    work(question as Question).then(
      (result) => process.send?.(result),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}
