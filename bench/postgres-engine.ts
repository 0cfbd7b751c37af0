/**
 * Durable appends on PostgreSQL next to plain INSERTs of the same bytes, and the queue, in one run.
 *
 *     node bench/postgres-engine.ts [seconds per figure] [url]
 *
 * A single caller waits for each append; 16 callers each own a log, as partitions do. The ratio is what the engine
 * keeps of the plain statement's rate. Figures depend on the machine: compare ratios.
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { openPostgres } from '../src/engines/postgres/postgres.ts';
import { asOperator, dropSchema, freshSchema } from '../src/engines/postgres/testing.ts';
import { encodeEvents, type EventRecord, type Store } from '../src/store/store.ts';

const SECONDS = Number(process.argv[2] ?? 2);
const URL = process.argv[3] ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const LOGS = 16;
const BATCH = 256;

function facts(count: number): EventRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    type: 'StockReserved',
    key: `i/SKU-${i % 97}`,
    time: 1_767_225_600_000 + i,
    data: { reservation: `res_${randomBytes(11).toString('hex')}`, location: 'main', quantity: 1 + (i % 3), untilMs: 1_767_226_500_000 + i },
  }));
}

/** Calls per second of `callers` loops, each waiting for its own call. */
async function rate(callers: number, call: (caller: number) => Promise<unknown>): Promise<number> {
  const end = performance.now() + SECONDS * 1000;
  const start = performance.now();
  let calls = 0;
  await Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      while (performance.now() < end) {
        await call(caller);
        calls++;
      }
    }),
  );
  return (calls * 1000) / (performance.now() - start);
}

async function benchAppends(store: Store, plain: pg.Pool, schema: string): Promise<void> {
  const heads = await store.log.heads();
  for (const size of [1, 64, 1000]) {
    const events = facts(size);
    const body = encodeEvents(events);
    for (const callers of [1, LOGS]) {
      const ours = await rate(callers, (log) => store.log.append([{ log, expected: heads[log]!++, events }], 'bench'));
      const theirs = await rate(callers, () => plain.query({ name: 'plain', text: `insert into "${schema}".plain (body) values ($1)`, values: [body] }));
      print(`${size} events, ${body.length} bytes, ${callers} callers`, ours, theirs, size);
    }
  }
}

function print(what: string, ours: number, theirs: number, size: number): void {
  const shown = (value: number): string => Math.round(value).toLocaleString('en').padStart(9);
  console.log(`${what.padEnd(40)} ${shown(ours)} appends/s ${shown(ours * size)} events/s   plain ${shown(theirs)}/s   ratio ${(ours / theirs).toFixed(2)}`);
}

async function benchQueue(store: Store): Promise<void> {
  let next = 0;
  let worked = 0;
  const nowMs = 1_767_225_600_000;
  const work = async (): Promise<void> => {
    const messages = Array.from({ length: BATCH }, () => ({ id: `m${next++}`, queue: 'adjustments', lane: `SKU-${next % 500}`, body: { quantity: 1, reason: 'receipt' } }));
    await store.queue.put(messages, nowMs);
    const claimed = await store.queue.claim('adjustments', { limit: BATCH, leaseMs: 60_000, nowMs });
    worked += (await store.queue.finish(claimed.map(({ id, attempt }) => ({ id, attempt, result: { ok: true } })), nowMs)).length;
  };
  const start = performance.now();
  await rate(2, work);
  const perSecond = (worked * 1000) / (performance.now() - start);
  console.log(`queue: put, claim, finish by ${BATCH}, 2 workers ${Math.round(perSecond).toLocaleString('en').padStart(9)} messages/s`);
}

const schema = freshSchema();
const plain = new pg.Pool({ connectionString: URL, max: LOGS });
try {
  await using store = await openPostgres({ url: URL, schema, partitions: LOGS, poolMax: LOGS });
  await asOperator(URL, `create table "${schema}".plain (id bigint generated always as identity primary key, body text)`);
  await benchAppends(store, plain, schema);
  await benchQueue(store);
} finally {
  await plain.end();
  await dropSchema(URL, schema);
}
