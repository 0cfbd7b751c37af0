import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const thread = `
  import { parentPort } from 'node:worker_threads';
  import v8 from 'node:v8';
  let most = 0;
  for (let round = 0, kept = []; round < 40; round++) {
    if (round % 8 === 0) kept = [];
    for (let i = 0; i < 50_000; i++) kept.push({ i: [i] }, { i: [i] });
    most = Math.max(most, v8.getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size);
  }
  parentPort.postMessage(most);
`;

const program = (bound: string): string => `
  import { Worker } from 'node:worker_threads';
  import { boundNewThreads } from '${new URL('thread-heap.ts', import.meta.url).href}';
  ${bound}
  new Worker(${JSON.stringify(thread)}, { eval: true }).on('message', (most) => console.log(most));
`;

async function newSpaceMb(bound: string): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--max-semi-space-size=32', '--input-type=module', '-e', program(bound)]);
  return Number(stdout) / 2 ** 20;
}

test('a thread has no more room for new objects than it was given, whatever the process has', async () => {
  expect(await newSpaceMb('')).toBeGreaterThan(6);
  expect(await newSpaceMb('boundNewThreads(2);')).toBeLessThanOrEqual(6);
});
