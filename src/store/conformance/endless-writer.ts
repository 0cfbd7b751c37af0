import { writeSync } from 'node:fs';
import type { Store } from '../store.ts';
import { fact } from './harness.ts';

/**
 * Writes without end and says of each write, once it is acknowledged, what it was, so that a parent can kill this
 * process at any moment and look whether all of it is there. One line each on standard output:
 * `log <log> <position> <token>`, `message <id>`, `step <position>` and `setting <value>`.
 * Standard output must be a pipe: what was written to it outlives the writer.
 */
export async function writeForever(store: Store): Promise<never> {
  await Promise.all([...new Array(store.partitions).keys()].map((log) => appendForever(store, log)).concat(carts(store), messages(store), settings(store)));
  throw new Error('a loop without an end has ended');
}

function say(line: string): void {
  writeSync(1, `${line}\n`); // at once: a buffered line would not survive this process
}

async function appendForever(store: Store, log: number): Promise<never> {
  for (;;) {
    const expected = await store.log.head(log);
    const token = `${process.pid}/${log}/${expected + 1}`;
    const wrote = await attempt(() => store.log.append([{ log, expected, events: [fact('k', { token }), fact('k', { token })] }], token));
    if (!wrote) continue;
    say(`log ${log} ${expected + 1} ${token}`);
    if (log === 0) await project(store, expected + 1);
  }
}

/** A consumer of log 0 whose only state is the position that it has reached. */
async function project(store: Store, upTo: number): Promise<void> {
  const expected = (await store.projections.checkpoints('states'))[0] ?? 0;
  const states = ['a', 'b', 'c'].map((key) => ({ key, log: 0, body: String(upTo), dueMs: null }));
  await store.projections.apply({ consumer: 'states', checkpoints: [{ log: 0, expected, upTo }], states, deletes: [], upserts: [] });
  say(`step ${upTo}`);
}

/** Commits over the first two logs at once: after a crash both are there or neither. */
async function carts(store: Store): Promise<never> {
  for (let n = 1; ; n++) {
    const heads = await store.log.heads();
    const token = `cart ${process.pid} ${n}`;
    const commits = [0, 1].map((log) => ({ log, expected: heads[log] ?? 0, events: [fact('cart')] }));
    if (await attempt(() => store.log.append(commits, token))) {
      for (const { log, expected } of commits) say(`log ${log} ${expected + 1} ${token}`);
    }
  }
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

/** False where another loop was first. */
async function attempt(write: () => Promise<void>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'conflict') return false;
    throw error;
  }
}
