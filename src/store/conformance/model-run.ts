import type { Claimed, Lease, MessageReport, Position, Store, Table } from '../store.ts';
import { outcome, PARTITIONS, readAll } from './harness.ts';
import { BATCH, IDS, KEYS, QUEUES, type Command } from './model-commands.ts';

export const MODEL_TABLE: Table = {
  name: 'model_shelf',
  columns: [{ name: 'place', type: 'text' }, { name: 'units', type: 'int', nullable: true }, { name: 'label', type: 'text', nullable: true }],
  primaryKey: ['place'],
  indexes: [{ name: 'model_shelf_by_units', columns: ['units'] }],
};

/** What the script has learned so far, from the reference's answers. */
export interface Context {
  now: number;
  appends: number;
  heads: Position[];
  checkpoints: Map<string, Position[]>;
  claims: Claimed[];
  leases: Lease[];
}

export interface Answer {
  readonly value: unknown;
  /** Enters what only the reference's answer may teach. */
  readonly learn?: (context: Context) => void;
}

export function start(): Context {
  const zeros = (): Position[] => new Array<Position>(PARTITIONS).fill(0);
  return { now: 1_000, appends: 0, heads: zeros(), checkpoints: new Map([['states', zeros()], ['views', zeros()]]), claims: [], leases: [] };
}

/** Gives one command to one store. The answer's `learn` is left out of comparisons, which look at data alone. */
export async function run(command: Command, store: Store, context: Context): Promise<Answer> {
  switch (command.type) {
    case 'append': case 'read': case 'trim': case 'heads': return runLog(command, store, context);
    case 'apply': case 'loadStates': case 'dueStates': case 'dropDueStates': case 'rows': return runProjections(command, store, context);
    case 'put': case 'claim': case 'finish': case 'retry': case 'bury': case 'revive': case 'reports': case 'purge': return runQueue(command, store, context);
    case 'acquire': case 'release': return runLeases(command, store, context);
    case 'swap': case 'settings': return runSettings(command, store);
    case 'wait': return answer(null, (known) => void (known.now += command.ms));
    default: return command satisfies never;
  }
}

function answer(value: unknown, learn?: (context: Context) => void): Answer {
  // Not enumerable: the two stores' functions are never equal, nor need they be.
  return learn === undefined ? { value } : Object.defineProperty({ value }, 'learn', { value: learn });
}

type Of<T extends Command['type']> = Extract<Command, { type: T }>;

async function runLog(command: Of<'append' | 'read' | 'trim' | 'heads'>, { log }: Store, context: Context): Promise<Answer> {
  switch (command.type) {
    case 'append': {
      const commits = command.commits.map(({ log: id, off, events }) => ({
        log: id,
        expected: (context.heads[id] ?? 0) + off,
        events: events.map(({ key, data }) => ({ type: 'Modelled', key, time: context.now, data })),
      }));
      const code = await outcome(log.append(commits, `t${context.appends + 1}`));
      return answer([code, await log.heads()], (known) => {
        known.appends++;
        if (code === 'ok') for (const { log: id, expected } of commits) known.heads[id] = expected + 1;
      });
    }
    case 'read': {
      const after = Math.max(0, (context.heads[command.log] ?? 0) - command.back);
      const commits = readAll(log, command.log, after);
      const code = await outcome(commits);
      return answer(code === 'ok' ? await commits : code);
    }
    case 'trim':
      await log.trim(command.log, Math.max(0, (context.heads[command.log] ?? 0) - command.back));
      return answer([await log.trimmedTo(command.log), await log.head(command.log)]);
    case 'heads':
      return answer([await log.heads(), await Promise.all([...new Array(PARTITIONS).keys()].map((id) => log.trimmedTo(id)))]);
    default:
      return command satisfies never;
  }
}

async function runProjections(command: Of<'apply' | 'loadStates' | 'dueStates' | 'dropDueStates' | 'rows'>, { projections }: Store, context: Context): Promise<Answer> {
  switch (command.type) {
    case 'apply': return apply(command, projections, context);
    case 'loadStates': {
      const { upTo, bodies } = await projections.loadStates(command.log, KEYS.filter((_, n) => logOf(n) === command.log));
      return answer([upTo, bodies]);
    }
    case 'dueStates':
      return answer(await projections.dueStates({ dueMs: command.after.dueMs, key: KEYS[command.after.key] ?? '' }, command.untilMs, command.limit));
    case 'dropDueStates':
      return answer(await projections.dropDueStates(command.prefix, command.beforeMs, 100));
    case 'rows': {
      const { sql } = projections;
      const all = await sql.selectFrom(MODEL_TABLE.name).selectAll().orderBy('place').execute();
      const some = await sql.selectFrom(MODEL_TABLE.name).select(['place']).where('units', '>=', command.atLeast).orderBy('place', 'desc').execute();
      return answer([all, some]);
    }
    default:
      return command satisfies never;
  }
}

async function apply(command: Of<'apply'>, projections: Store['projections'], context: Context): Promise<Answer> {
  const known = context.checkpoints.get(command.consumer) ?? [];
  const checkpoints = command.moves.map(({ log, off, by }) => {
    const expected = (known[log] ?? 0) + off;
    return { log, expected, upTo: expected + by };
  });
  const code = await outcome(
    projections.apply({
      consumer: command.consumer,
      checkpoints,
      states: command.states.map(({ key, body, dueMs }) => ({ key: KEYS[key] ?? '', log: logOf(key), body, dueMs })),
      deletes: command.deletes.map((rows) => ({ table: MODEL_TABLE.name, ...rows })),
      upserts: [{ table: MODEL_TABLE.name, columns: ['label', 'place', 'units'], rows: command.rows.map(({ label, place, units }) => [label, place, units]) }],
    }),
  );
  const positions = await projections.checkpoints(command.consumer);
  return answer([code, positions], (later) => void later.checkpoints.set(command.consumer, positions));
}

function logOf(key: number): number {
  return key % PARTITIONS;
}

async function runQueue(command: Of<'put' | 'claim' | 'finish' | 'retry' | 'bury' | 'revive' | 'reports' | 'purge'>, { queue }: Store, context: Context): Promise<Answer> {
  const { now } = context;
  switch (command.type) {
    case 'put': {
      const { claim } = command;
      const claimed = await queue.put(command.messages.map(({ batched, ...message }, n) => (batched ? { ...message, batch: BATCH, line: n + 1 } : message)), now, claim);
      // What an engine left to be claimed comes now.
      if (claim) claimed.push(...(await queue.claim(claim.queue, { ...claim, limit: claim.limit - claimed.length, nowMs: now })));
      return answer(claimed, (later) => void later.claims.push(...claimed));
    }
    case 'claim': {
      const claimed = await queue.claim(command.queue, { limit: command.limit, leaseMs: command.leaseMs, nowMs: now });
      return answer(claimed, (later) => void later.claims.push(...claimed));
    }
    case 'finish': {
      const results = command.claims.map(({ back, off, result }) => ({ ...claimFrom(context, back, off), result }));
      return answer((await queue.finish(results, now)).toSorted());
    }
    case 'retry': {
      const { id, attempt } = claimFrom(context, command.back, command.off);
      await lostIsFine(queue.retry(id, attempt, now + command.delayMs, 'busy'));
      return answer(await briefly(queue, id));
    }
    case 'bury': {
      const { id, attempt } = claimFrom(context, command.back, command.off);
      await lostIsFine(queue.bury(id, attempt, 'poison'));
      return answer(await briefly(queue, id));
    }
    case 'revive': return answer(await queue.revive(command.id, now));
    case 'reports': return reports(command, queue, now);
    case 'purge': return answer(await queue.purge(now - command.agoMs, 100));
    default: return command satisfies never;
  }
}

async function reports(command: Of<'reports'>, queue: Store['queue'], now: number): Promise<Answer> {
  const { refusals, ...counts } = await queue.batch(BATCH, 100);
  return answer({
    messages: await Promise.all(IDS.map((id) => briefly(queue, id))),
    dead: (await queue.deadLetters(command.queue, command.after, command.limit)).map(comparable),
    counts,
    // Messages of one line (two puts gave them the same number) may come in either order.
    refusals: refusals.map(comparable).toSorted((a, b) => (a?.line ?? 0) - (b?.line ?? 0) || (String(a?.id) < String(b?.id) ? -1 : 1)),
    depths: await Promise.all(QUEUES.map((name) => queue.depth(name, now))),
    queues: (await queue.queues()).toSorted(),
  });
}

async function briefly(queue: Store['queue'], id: string): Promise<unknown> {
  return comparable(await queue.find(id));
}

/** An error tells why a message is dead or waits; once it is claimed again, done or revived the port says nothing about it. */
function comparable(report: MessageReport | undefined): MessageReport | undefined {
  const tells = report?.status === 'dead' || (report?.status === 'ready' && report.attempts > 0);
  return report && { ...report, error: tells ? report.error : null };
}

/** A claim that was handed out, counted from the newest; without any, one that never was. */
function claimFrom({ claims }: Context, back: number, off: number): { id: string; attempt: number } {
  const claim = claims[claims.length - 1 - back];
  return claim ? { id: claim.id, attempt: claim.attempt + off } : { id: 'a', attempt: 1 };
}

async function lostIsFine(call: Promise<void>): Promise<void> {
  const code = await outcome(call);
  if (code !== 'ok' && code !== 'fenced') throw new Error(`a settlement was answered with ${code}`);
}

async function runLeases(command: Of<'acquire' | 'release'>, { leases }: Store, context: Context): Promise<Answer> {
  switch (command.type) {
    case 'acquire': {
      const lease = await leases.acquire(command.name, command.holder, { ttlMs: command.ttlMs, nowMs: context.now });
      return answer([lease, await current(leases, command.name, context.now)], (later) => void (lease && later.leases.push(lease)));
    }
    case 'release': {
      const lease = context.leases[context.leases.length - 1 - command.back] ?? { name: 'n/a', holder: 'x', epoch: 1, untilMs: 0 };
      await leases.release(lease);
      return answer(await current(leases, lease.name, context.now));
    }
    default:
      return command satisfies never;
  }
}

/** The port does not say whether a lease that is over is still found. */
async function current(leases: Store['leases'], name: string, nowMs: number): Promise<Lease | null> {
  const lease = await leases.find(name);
  return lease && lease.untilMs > nowMs ? lease : null;
}

async function runSettings(command: Of<'swap' | 'settings'>, { settings }: Store): Promise<Answer> {
  switch (command.type) {
    case 'swap': {
      const expected = command.expects === 'what is there' ? await settings.get(command.name) : command.expects.value;
      return answer([await settings.swap(command.name, expected, command.value), await settings.get(command.name)]);
    }
    case 'settings':
      return answer((await settings.list(command.prefix)).toSorted((a, b) => (a.name < b.name ? -1 : 1)));
    default:
      return command satisfies never;
  }
}
