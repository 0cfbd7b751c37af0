/**
 * Durable appends on SQLite next to their ceiling, write + fdatasync of the same bytes on a plain file, in one run;
 * and the queue.
 *
 *     node bench/engine.ts [seconds per figure] [directory]
 *
 * The callers share 16 logs, as many as a store has unless told otherwise, and each waits for its own append; those of
 * one log follow each other without waiting, as a partition that decides ahead does. The ceiling syncs once for what
 * all callers wait for, which is the best that a group commit can do. Figures depend on the machine: compare ratios.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqlite } from '../src/engines/sqlite/sqlite.ts';
import { encodeEvents, type EventRecord, type Store } from '../src/store/store.ts';

const SECONDS = Number(process.argv[2] ?? 2);
const ROOT = mkdtempSync(join(process.argv[3] ?? tmpdir(), 'holdfast-bench-'));
const MESSAGES = 256;
const LOGS = 16;

const MODES = ['workers', 'inline'] as const;

function facts(count: number): EventRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    type: 'StockReserved',
    key: `i/SKU-${i % 97}`,
    time: 1_767_225_600_000 + i,
    data: { reservation: `res_1jd2k3m4p07abcdefghj${i % 1000}`, location: 'main', quantity: 1 + (i % 3), untilMs: 1_767_226_500_000 + i },
  }));
}

async function main(): Promise<void> {
  console.log('events per commit, callers: appends/s (events/s), milliseconds at p50/p99/most, ratio to the ceiling');
  for (const callers of [1, 64]) {
    for (const count of [1, 64, 1_000]) {
      const ceiling = measureCeiling(facts(count), callers);
      console.log(`${String(count).padStart(5)} × ${callers}  ceiling ${Math.round(ceiling)}/s`);
      for (const threads of MODES) await measureAppends({ threads, callers, count, ceiling });
    }
  }
  for (const threads of MODES) await onFreshStore(threads, (store) => measureQueue(store, threads));
  rmSync(ROOT, { recursive: true });
}

/** Appends per second when all that the callers wait for is one write and one fdatasync. Encoding is not in it. */
function measureCeiling(events: readonly EventRecord[], callers: number): number {
  const bytes = Buffer.from(encodeEvents(events).repeat(callers));
  const file = openSync(join(ROOT, 'ceiling'), 'w');
  const start = performance.now();
  let rounds = 0;
  for (; performance.now() - start < SECONDS * 1000; rounds++) {
    // As long as SQLite lets its log grow: a file that only grows is slower to sync.
    writeSync(file, bytes, 0, bytes.length, (rounds * bytes.length) % (4 * 1024 * 1024));
    fdatasyncSync(file);
  }
  const rate = (rounds * callers * 1000) / (performance.now() - start);
  closeSync(file);
  return rate;
}

async function measureAppends(options: { threads: (typeof MODES)[number]; callers: number; count: number; ceiling: number }): Promise<void> {
  const { threads, callers, count, ceiling } = options;
  const events = facts(count);
  await onFreshStore(threads, async (store) => {
    const waits: number[] = [];
    const end = performance.now() + SECONDS * 1000;
    const heads = new Array<number>(LOGS).fill(0);
    const caller = async (log: number): Promise<void> => {
      while (performance.now() < end) {
        const asked = performance.now();
        const expected = heads[log] ?? 0;
        heads[log] = expected + 1;
        await store.log.append([{ log, expected, events }], 'token');
        waits.push(performance.now() - asked);
      }
    };
    const start = performance.now();
    await Promise.all(Array.from({ length: callers }, (_, n) => caller(n % LOGS)));
    const rate = (waits.length * 1000) / (performance.now() - start);
    console.log(`    ${threads.padEnd(8)} ${Math.round(rate)}/s (${Math.round(rate * count)}), ${quantiles(waits)} ms, ${(rate / ceiling).toFixed(2)}`);
  });
}

function quantiles(waits: number[]): string {
  waits.sort((a, b) => a - b);
  return [0.5, 0.99, 1].map((part) => (waits[Math.min(waits.length - 1, Math.floor(waits.length * part))] ?? 0).toFixed(2)).join('/');
}

/** Puts, claims and finishes batches, each step after the other; half a million done messages do not slow it down. */
async function measureQueue(store: Store, threads: string): Promise<void> {
  const spent = { put: 0, claim: 0, finish: 0 };
  let messages = 0;
  const timed = async <T>(step: keyof typeof spent, call: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    const answer = await call();
    spent[step] += performance.now() - start;
    return answer;
  };
  const end = performance.now() + 2 * SECONDS * 1000;
  for (let batch = 0; performance.now() < end; batch++, messages += MESSAGES) {
    const fresh = Array.from({ length: MESSAGES }, (_, i) => ({ id: `m${batch}/${i}`, queue: 'adjust', lane: `SKU-${(batch * 7 + i) % 1000}`, body: { delta: i }, batch: `b${batch}`, line: i + 1 }));
    await timed('put', () => store.queue.put(fresh, batch));
    const claimed = await timed('claim', () => store.queue.claim('adjust', { limit: MESSAGES, leaseMs: 1_000, nowMs: batch }));
    await timed('finish', () => store.queue.finish(claimed.map(({ id, attempt }) => ({ id, attempt, result: { ok: true } })), batch));
  }
  const rate = (ms: number): number => Math.round((messages * 1000) / ms);
  const all = spent.put + spent.claim + spent.finish;
  console.log(`queue    ${threads.padEnd(8)} ${rate(all)} messages/s through all three; put ${rate(spent.put)}, claim ${rate(spent.claim)}, finish ${rate(spent.finish)}/s`);
}

async function onFreshStore(threads: (typeof MODES)[number], body: (store: Store) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(ROOT, 'store-'));
  {
    await using store = await openSqlite({ directory, threads, partitions: LOGS });
    await body(store);
  }
  rmSync(directory, { recursive: true });
}

await main();
