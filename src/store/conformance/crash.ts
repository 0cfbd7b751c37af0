import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { expect } from 'vitest';
import { below, type Random } from '../../base/random.ts';
import type { Store } from '../store.ts';
import { fact, LONG, onFreshPlace, PARTITIONS, random, readAll, SEED, type Harness } from './harness.ts';
import { onlyIf } from './lifecycle.ts';

const ROUNDS = LONG ? 50 : 5;

/** What the killed writers had been told, over all rounds. */
interface Ledger {
  readonly tokens: Map<string, string>;
  readonly messages: Set<string>;
  step: number;
  setting: number;
}

export function crashPromises(harness: Harness): void {
  onlyIf(harness.durable && harness.appendInChildProcess !== undefined, 'the engine does not outlive its process')(
    `whatever was acknowledged is there after the writer was killed, ${ROUNDS} times over (seed ${SEED})`,
    () =>
      onFreshPlace(harness, async (place) => {
        const chance = random();
        const ledger: Ledger = { tokens: new Map(), messages: new Set(), step: 0, setting: 0 };
        for (let round = 1; round <= ROUNDS; round++) {
          await killAfterSomeLines(harness.appendInChildProcess?.(place) ?? [], chance, ledger);
          await using store = await harness.open(place);
          await checkLogs(store, ledger);
          await checkSteps(store);
          await checkQueueAndSettings(store, ledger);
        }
        expect(ledger.tokens.size).toBeGreaterThan(ROUNDS);
        expect(ledger.messages.size).toBeGreaterThan(0);
        expect(ledger.step).toBeGreaterThan(0);
      }),
    ROUNDS * 20_000,
  );
}

/** Starts a writer, kills it with SIGKILL after a number of lines that chance picks, and books all it had said. */
async function killAfterSomeLines(command: readonly string[], chance: Random, ledger: Ledger): Promise<void> {
  const [program, ...args] = command;
  const child = spawn(program ?? expect.fail('no command'), args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const complaints: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => complaints.push(text));
  const ended = new Promise<NodeJS.Signals | null>((resolve) => child.once('close', (_, signal) => resolve(signal)));
  const enough = 1 + below(chance, 600);
  let lines = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    book(line, ledger);
    if (++lines === enough) child.kill('SIGKILL');
  }
  expect(await ended, `the writer ended by itself after ${lines} lines: ${complaints.join('')}`).toBe('SIGKILL');
}

function book(line: string, ledger: Ledger): void {
  const [kind, ...rest] = line.split(' ');
  const [first = '', second = '', third = ''] = rest;
  switch (kind) {
    case 'log': return void ledger.tokens.set(`${first} ${second}`, third);
    case 'message': return void ledger.messages.add(first);
    case 'step': return void (ledger.step = Math.max(ledger.step, Number(first)));
    case 'setting': return void (ledger.setting = Math.max(ledger.setting, Number(first)));
    default: return expect.fail(`the writer said something unknown: ${line}`);
  }
}

async function checkLogs(store: Store, ledger: Ledger): Promise<void> {
  const carts: string[][] = [];
  const missing = new Map(ledger.tokens);
  for (let log = 0; log < PARTITIONS; log++) {
    const commits = await readAll(store.log, log);
    expect(commits.map(({ position }) => position)).toEqual(commits.map((_, n) => n + 1));
    for (const { position, token } of commits) {
      const acknowledged = missing.get(`${log} ${position}`);
      if (acknowledged !== undefined) expect(token).toBe(acknowledged);
      missing.delete(`${log} ${position}`);
    }
    carts.push(commits.map(({ token }) => token).filter((token) => token.startsWith('cart/')));
    // The store takes writes where it left off.
    await store.log.append([{ log, expected: commits.length, events: [fact('after the crash')] }], 'after the crash');
  }
  expect([...missing]).toEqual([]);
  expect(carts[2]).toEqual(carts[1]);
}

/** A step need not be durable when it is acknowledged, but it is never torn, nor ahead of the log. */
async function checkSteps(store: Store): Promise<void> {
  const { upTo, bodies } = await store.projections.loadStates(0, ['a', 'b', 'c']);
  expect([...bodies.values()]).toEqual(upTo === 0 ? [] : [upTo, upTo, upTo].map(String));
  expect(upTo).toBeLessThanOrEqual(await store.log.head(0));
}

async function checkQueueAndSettings(store: Store, ledger: Ledger): Promise<void> {
  const found = await Promise.all([...ledger.messages].map(async (id) => (await store.queue.find(id))?.status));
  expect(found.filter((status) => status !== 'ready')).toEqual([]);
  // A put is all or none: three messages at a time.
  expect((await store.queue.depth('q', Number.MAX_SAFE_INTEGER)).ready % 3).toBe(0);
  expect(Number((await store.settings.get('count')) ?? 0)).toBeGreaterThanOrEqual(ledger.setting);
}
