/** Opens what a power cut left and holds it to what was promised. */
import { existsSync } from 'node:fs';
import { canonicalJson, type Json } from '../../../src/base/json.ts';
import { openMemory } from '../../../src/engines/memory/memory.ts';
import { openSqlite } from '../../../src/engines/sqlite/sqlite.ts';
import { rooms } from '../../../src/processes/processes.ts';
import { Projector } from '../../../src/runtime/runtime.ts';
import type { Commit, EventRecord, Store } from '../../../src/store/store.ts';
import type { Promises } from './promises.ts';

type Logs = readonly (readonly Commit[])[];

/** Everything that a store says, in a form that can be compared. */
async function readLogs(store: Store): Promise<Commit[][]> {
  const logs: Commit[][] = [];
  for (let log = 0; log < store.partitions; log++) {
    const commits: Commit[] = [];
    for await (const commit of store.log.read(log, 0)) commits.push(commit);
    logs.push(commits);
  }
  return logs;
}

const isAnswer = (event: EventRecord): boolean => event.key.startsWith('k/');

/** Which pasts of an item are saved depends on how many facts each step of the projector folds: any of them will do. */
const PASTS = 'item_pasts';

/** States and rows of a store whose projector has caught up, in a form that can be compared. */
async function derived(store: Store, logs: Logs): Promise<string[]> {
  const lines: string[] = [];
  for (const [log, commits] of logs.entries()) {
    const keys = new Set(commits.flatMap(({ events }) => events.flatMap((event) => (isAnswer(event) ? [event.key] : rooms.keysOf(event)))));
    const { upTo, bodies } = await store.projections.loadStates(log, [...keys]);
    // The members of a state that was saved and read again come in another order than those of one that never was.
    lines.push(`log ${log} up to ${upTo}`, ...[...bodies].map(([key, body]) => `${key} ${canonicalJson(JSON.parse(body) as Json)}`).sort());
  }
  for (const { name } of rooms.views.tables) {
    if (name === PASTS) continue;
    const rows = await store.projections.sql.selectFrom(name).selectAll().execute();
    lines.push(...rows.map((row) => `${name} ${JSON.stringify(row)}`).sort());
  }
  return lines;
}

/** Judges the disks of one run: what its server wrote is known, and what follows from it is made again once for each set of heads. */
export class Judge {
  readonly #truth: Logs;
  readonly #written: readonly (readonly string[])[];
  readonly #expected = new Map<string, readonly string[]>();

  private constructor(truth: Logs) {
    this.#truth = truth;
    this.#written = truth.map((commits) => commits.map((commit) => JSON.stringify(commit)));
  }

  /** `directory`: what the server left, with everything that it wrote. */
  static async of(directory: string): Promise<Judge> {
    await using store = await openSqlite({ directory, threads: 'inline' });
    return new Judge(await readLogs(store));
  }

  get facts(): number {
    return this.#truth.flat().reduce((sum, { events }) => sum + events.length, 0);
  }

  /** What is wrong with a store after a power cut; nothing where everything promised is there and everything there was written. */
  async faultsOf(directory: string, promised: Promises): Promise<string[]> {
    try {
      // What never came to be promised nothing.
      if (!existsSync(directory) && promised.answers === 0) return [];
      await using store = await openSqlite({ directory, threads: 'inline' });
      const logs = await readLogs(store);
      const faults = [...this.#logFaults(logs, promised), ...(await queueFaults(store, promised)), ...(await keyFaults(store, promised))];
      return faults.length > 0 ? faults : await this.#derivedFaults(store, logs);
    } catch (error) {
      return [`it does not open: ${error instanceof Error ? error.message : String(error)}`];
    }
  }

  #logFaults(logs: Logs, promised: Promises): string[] {
    const faults: string[] = [];
    for (const [log, commits] of logs.entries()) {
      const written = this.#written[log] ?? [];
      if (commits.length < (promised.heads[log] ?? 0)) faults.push(`log ${log} ends at ${commits.length}, and ${promised.heads[log]} was acknowledged`);
      const wrong = commits.findIndex((commit, index) => JSON.stringify(commit) !== written[index]);
      if (wrong >= 0) faults.push(`log ${log} has at ${wrong + 1} what was never written there`);
    }
    return faults;
  }

  async #derivedFaults(store: Store, logs: Logs): Promise<string[]> {
    const checkpoints = await store.projections.checkpoints('states');
    const ahead = checkpoints.findIndex((position, log) => position > (logs[log]?.length ?? 0));
    if (ahead >= 0) return [`the views are at ${checkpoints[ahead]} of log ${ahead}, which ends at ${logs[ahead]?.length}`];
    const projector = new Projector({ store, room: rooms as never }); // it folds and never decides
    await projector.start();
    await projector.catchUp();
    const seen = await derived(store, logs);
    const expected = await this.#expectedOf(logs);
    const differing = expected.findIndex((line, index) => line !== seen[index]);
    return differing < 0 && seen.length === expected.length ? [] : [`what follows from the facts differs: ${seen[differing]} instead of ${expected[differing]}`];
  }

  /** The same facts folded from the start, in memory. */
  async #expectedOf(logs: Logs): Promise<readonly string[]> {
    const name = logs.map((commits) => commits.length).join();
    const known = this.#expected.get(name);
    if (known) return known;
    await using store = openMemory({ partitions: logs.length });
    for (const commits of logs) for (const { log, position, token, events } of commits) await store.log.append([{ log, expected: position - 1, events }], token);
    const projector = new Projector({ store, room: rooms as never }); // as above
    await projector.start();
    await projector.catchUp();
    const lines = await derived(store, logs);
    this.#expected.set(name, lines);
    return lines;
  }
}

async function queueFaults(store: Store, promised: Promises): Promise<string[]> {
  const faults: string[] = [];
  for (const id of promised.accepted) if ((await store.queue.find(id)) === undefined) faults.push(`the accepted command ${id} is gone`);
  for (const id of promised.done) if ((await store.queue.find(id))?.status !== 'done') faults.push(`the command ${id} was said to be applied and is not`);
  return faults;
}

async function keyFaults(store: Store, promised: Promises): Promise<string[]> {
  const stored = new Map((await store.settings.list('http/key/')).map(({ name, value }) => [name.slice('http/key/'.length), value as { revoked?: boolean }] as const)); // as the keys' own file stores them
  const lost = [...promised.keys].filter((id) => !stored.has(id) && !promised.revokedKeys.has(id));
  const alive = [...promised.revokedKeys].filter((id) => stored.has(id) && stored.get(id)?.revoked !== true);
  return [...lost.map((id) => `the key ${id} is gone`), ...alive.map((id) => `the revoked key ${id} is valid`)];
}
