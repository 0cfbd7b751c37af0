import { writeSync } from 'node:fs';
import type { LogId, Store } from '../store.ts';
import { fact } from './harness.ts';

/**
 * Writes without end and says of each write, once it is acknowledged, what it was, so that a parent can kill this
 * process at any moment and look whether all of it is there. One line each on standard output:
 * `log <log> <position> <token>`, `message <id>`, `step <position>` and `setting <value>`.
 * Standard output must be a pipe: what was written to it outlives the writer.
 */
export async function writeForever(store: Store): Promise<never> {
  const loops = [facts(store), carts(store), messages(store), settings(store)];
  await Promise.all(loops);
  throw new Error('a loop without an end has ended');
}

function say(line: string): void {
  writeSync(1, `${line}\n`); // at once: a buffered line would not survive this process
}

/** Each log has one loop that writes to it, so that no append ever conflicts and none starves. */
async function append(store: Store, logs: readonly LogId[], kind: string): Promise<number> {
  const heads = await store.log.heads();
  const commits = logs.map((log) => ({ log, expected: heads[log] ?? 0, events: [fact('a', { kind }), fact('b', { kind })] }));
  const token = `${kind}/${process.pid}/${commits.map(({ expected }) => expected + 1).join('/')}`;
  await store.log.append(commits, token);
  for (const { log, expected } of commits) say(`log ${log} ${expected + 1} ${token}`);
  return (commits[0]?.expected ?? 0) + 1;
}

/** Log 0, and a consumer of it whose states say nothing but the position that it has reached. */
async function facts(store: Store): Promise<never> {
  for (;;) {
    const upTo = await append(store, [0], 'fact');
    const expected = (await store.projections.checkpoints('states'))[0] ?? 0;
    const states = ['a', 'b', 'c'].map((key) => ({ key, log: 0, body: String(upTo), dueMs: null }));
    await store.projections.apply({ consumer: 'states', checkpoints: [{ log: 0, expected, upTo }], states, deletes: [], upserts: [] });
    say(`step ${upTo}`);
  }
}

/** Logs 1 and 2 in one append: after a crash both commits are there or neither. */
async function carts(store: Store): Promise<never> {
  for (;;) await append(store, [1, 2], 'cart');
}

async function messages(store: Store): Promise<never> {
  for (let n = 1; ; n++) {
    const ids = [1, 2, 3].map((line) => `${process.pid}/${n}/${line}`);
    await store.queue.put(ids.map((id) => ({ id, queue: 'q', lane: 'l', body: n, batch: `${process.pid}/${n}` })), n);
    for (const id of ids) say(`message ${id}`);
  }
}

async function settings(store: Store): Promise<never> {
  for (;;) {
    const present = await store.settings.get('count');
    const next = Number(present ?? 0) + 1;
    if (await store.settings.swap('count', present, next)) say(`setting ${next}`);
  }
}
