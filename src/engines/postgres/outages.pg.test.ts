import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { isFault } from '../../base/errors.ts';
import { below, seededRandom, systemRandom } from '../../base/random.ts';
import type { Commit, EventRecord, LogId, Store } from '../../store/store.ts';
import { openPostgres } from './postgres.ts';
import { asOperator, dropSchema, freshSchema, testDatabaseUrl } from './testing.ts';

const found = await testDatabaseUrl();
const url = found ?? '';
const FACT: EventRecord = { type: 'Counted', key: 'k', time: 1, data: {} };

async function onSchema(body: (schema: string) => Promise<void>): Promise<void> {
  const schema = freshSchema();
  try {
    await body(schema);
  } finally {
    await dropSchema(url, schema);
  }
}

async function readAll(store: Store, log: LogId): Promise<Commit[]> {
  const commits: Commit[] = [];
  for await (const commit of store.log.read(log, 0)) commits.push(commit);
  return commits;
}

async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'ok';
  } catch (error) {
    if (isFault(error)) return error.code;
    throw error;
  }
}

/** A way to the server that can be cut. */
interface CutWire extends AsyncDisposable {
  readonly url: string;
  /** Lets one more message through to the server, waits for its answer, keeps that back and hangs up. */
  loseNextAnswer(): void;
  /** Makes the connections of now look alive until something is said on them, as after a failover. */
  goStale(): void;
}

async function cutWire(to: string): Promise<CutWire> {
  const target = new URL(to);
  const sockets = new Set<Socket>();
  const stale = new WeakSet<Socket>();
  let losing = false;
  const server: Server = createServer((near) => {
    const far = connectTcp(Number(target.port || 5432), target.hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => {
        near.destroy();
        far.destroy();
      });
    }
    near.on('data', (bytes) => {
      if (stale.has(near)) near.destroy();
      else far.write(bytes);
    });
    far.on('data', (bytes) => {
      if (losing) near.destroy();
      else near.write(bytes);
      losing = false;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the wire has no port');
  const near = new URL(to);
  near.hostname = '127.0.0.1';
  near.port = String(address.port);
  return {
    url: near.href,
    loseNextAnswer: () => void (losing = true),
    goStale: () => sockets.forEach((socket) => stale.add(socket)),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe.skipIf(found === undefined)('when PostgreSQL goes away', () => {
  test('an append whose answer was lost says that its outcome is unknown, and its token is found in the log', () =>
    onSchema(async (schema) => {
      await using wire = await cutWire(url);
      await using store = await openPostgres({ url: wire.url, schema });
      const answers = new Set<string>();
      for (let position = 1; position <= 20; position++) {
        const append = store.log.append([{ log: 0, expected: position - 1, events: [FACT] }], `token ${position}`);
        wire.loseNextAnswer();
        const answer = await outcome(append);
        // The answer that got lost may have been that of the bell, on its own connection.
        expect(['ok', 'unavailable']).toContain(answer);
        answers.add(answer);
        const last = (await eventually(() => readAll(store, 0))).at(-1);
        if (last?.position === position) expect(last.token).toBe(`token ${position}`);
        else await eventually(() => store.log.append([{ log: 0, expected: position - 1, events: [FACT] }], `token ${position}`));
      }
      expect(answers).toContain('unavailable');
      expect((await readAll(store, 0)).map(({ token }) => token)).toEqual(Array.from({ length: 20 }, (_, i) => `token ${i + 1}`));
    }));

  const seed = systemRandom().u32();
  test(`backends killed during appends lose no acknowledged commit and store none twice (seed ${seed})`, () =>
    onSchema(async (schema) => {
      const chance = seededRandom(seed);
      await using store = await openPostgres({ url: `${url}?application_name=${schema}`, schema, partitions: 4 });
      const answers = new Map<string, string>();
      let killing = true;
      const writers = [0, 1, 2, 3].map((log) => appendUntil(() => !killing, { store, log, answers }));
      for (let kill = 1; kill <= 40; kill++) {
        await new Promise((resolve) => setTimeout(resolve, below(chance, 12)));
        const sql = 'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1 order by random() limit $2';
        await asOperator(url, sql, [schema, 1 + below(chance, 8)]);
      }
      killing = false;
      await Promise.all(writers);
      expect([...new Set(answers.values())]).toEqual(expect.arrayContaining(['ok', 'unavailable']));
      await checkLedger(store, answers);
    }));

  test('a failover costs the call that finds out, and none after it, however many connections are idle', () =>
    onSchema(async (schema) => {
      await using wire = await cutWire(url);
      await using store = await openPostgres({ url: wire.url, schema });
      const heads = (): Promise<string>[] => Array.from({ length: 30 }, (_, i) => outcome(store.log.head(i % store.partitions)));
      await Promise.all(heads());
      wire.goStale();
      expect(await outcome(store.log.head(0))).toBe('unavailable');
      expect(new Set(await Promise.all(heads()))).toEqual(new Set(['ok']));
      await store.ping();
    }));
});

describe.skipIf(found === undefined)('two stores on one database', () => {
  test('of two appends with the same expectation exactly one succeeds, 2,000 times, without a gap', () =>
    onSchema(async (schema) => {
      await using one = await openPostgres({ url, schema, partitions: 3 });
      await using two = await openPostgres({ url, schema, partitions: 3 });
      for (let round = 1; round <= 2_000; round++) {
        // Every other round spans two logs, named in opposite orders.
        const logs = round % 2 === 0 ? [0, 1] : [0];
        const heads = [round - 1, Math.floor((round - 1) / 2)];
        const append = (store: Store, order: readonly number[], who: string): Promise<string> =>
          outcome(store.log.append(order.map((log) => ({ log, expected: heads[log] ?? 0, events: [FACT] })), `${who} ${round}`));
        const answers = await Promise.all([append(one, logs, 'one'), append(two, logs.toReversed(), 'two')]);
        expect(answers.toSorted(), `round ${round}`).toEqual(['conflict', 'ok']);
      }
      expect(await two.log.heads()).toEqual([2_000, 1_000, 0]);
      expect((await readAll(one, 0)).map(({ token }) => Number(token.split(' ')[1]))).toEqual(Array.from({ length: 2_000 }, (_, i) => i + 1));
    }), 60_000);

  test('hand the messages of a lane out in order, whoever claims, retries and finishes', () =>
    onSchema(async (schema) => {
      await using one = await openPostgres({ url, schema });
      await using two = await openPostgres({ url, schema });
      const ids = Array.from({ length: 300 }, (_, i) => String(i).padStart(3, '0'));
      await one.queue.put(ids.map((id, i) => ({ id, queue: 'q', lane: `lane ${i % 7}`, body: i })), 1);
      const done: string[] = [];
      let nowMs = 1;
      const work = async ({ queue }: Store): Promise<void> => {
        while (done.length < ids.length) {
          const claimed = await queue.claim('q', { limit: 5, leaseMs: 1_000_000, nowMs: nowMs++ });
          for (const { id, attempt, lane } of claimed) {
            const again = attempt === 1 && Number(id) % 5 === 0;
            if (again) await queue.retry(id, attempt, nowMs, 'once more');
            // What was claimed behind it in its lane goes back as well: its turn is later.
            if (again) for (const later of claimed) if (later.lane === lane && later.id > id) await queue.retry(later.id, later.attempt, nowMs, 'its turn is later');
            if (again) break;
            if ((await queue.finish([{ id, attempt, result: true }], nowMs)).length === 1) done.push(id);
          }
          for (const { id, attempt } of claimed) await queue.retry(id, attempt, nowMs, 'not reached');
        }
      };
      await Promise.all([work(one), work(two)]);
      for (let lane = 0; lane < 7; lane++) {
        const inLane = done.filter((id) => Number(id) % 7 === lane);
        expect(inLane, `lane ${lane}`).toEqual(inLane.toSorted());
      }
      expect(done.toSorted()).toEqual(ids);
    }));
});

/** Appends to a log, one commit after another, and books what each token's append was answered. */
async function appendUntil(ended: () => boolean, { store, log, answers }: { store: Store; log: LogId; answers: Map<string, string> }): Promise<void> {
  let position = 0;
  for (let n = 1; !ended(); n++) {
    const token = `${log}/${n}`;
    const answer = await outcome(store.log.append([{ log, expected: position, events: [FACT] }], token));
    answers.set(token, answer);
    position = answer === 'ok' ? position + 1 : await eventually(() => store.log.head(log));
  }
}

async function checkLedger(store: Store, answers: ReadonlyMap<string, string>): Promise<void> {
  const stored = new Map<string, number>();
  for (let log = 0; log < store.partitions; log++) {
    const commits = await readAll(store, log);
    expect(commits.map(({ position }) => position)).toEqual(commits.map((_, i) => i + 1));
    for (const { token } of commits) stored.set(token, (stored.get(token) ?? 0) + 1);
  }
  for (const [token, answer] of answers) {
    const times = stored.get(token) ?? 0;
    if (answer === 'ok') expect(times, `${token} was acknowledged`).toBe(1);
    if (answer === 'conflict') expect(times, `${token} was refused`).toBe(0);
    if (answer === 'unavailable') expect(times, `${token} was left open`).toBeLessThanOrEqual(1);
  }
}

/** Makes a call again while the server is away. */
async function eventually<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!isFault(error, 'unavailable')) throw error;
    }
  }
}
