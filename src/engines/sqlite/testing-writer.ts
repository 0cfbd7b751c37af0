/**
 * A child for tests: `node testing-writer.ts <directory> <what>`, one line of JSON on standard output per thing done.
 * `fill` appends commits of 64 KiB until one fails, then says what becomes of a small one and of a read; `lock` takes
 * the directory's lock and stays until it is killed.
 */
import { writeSync } from 'node:fs';
import { isFault } from '../../base/errors.ts';
import { lockDirectory, openSqlite } from './sqlite.ts';

const [directory = '', what = ''] = process.argv.slice(2);
const say = (line: unknown): void => void writeSync(1, `${JSON.stringify(line)}\n`);

const outcome = async (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => (isFault(error) ? error.code : String(error)));

async function fill(): Promise<void> {
  await using store = await openSqlite({ directory, partitions: 1 });
  const events = [{ type: 'Filled', key: 'k', time: 0, data: { text: 'x'.repeat(65_536) } }];
  for (let expected = 0; ; expected++) {
    const answer = await outcome(store.log.append([{ log: 0, expected, events }], 'fill'));
    if (answer === undefined) continue;
    const small = await outcome(store.settings.swap('small', undefined, 1));
    say({ acknowledged: expected, answer, small, ping: await outcome(store.ping()), head: await outcome(store.log.head(0)) });
    return;
  }
}

async function lock(): Promise<void> {
  const held = await lockDirectory(directory);
  say('locked');
  setInterval(() => held, 1_000);
}

await (what === 'fill' ? fill() : lock());
