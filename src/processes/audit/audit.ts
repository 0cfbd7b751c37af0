/**
 * The audit of a whole store: every log is folded from its first fact on, with books of the audit's own beside the
 * room's folding, and compared with what is saved and laid out. Logs are independent of each other but for sums between
 * items and the records about them, which are merged at the end; so they may be audited side by side.
 */
import type { LogId, LogStore, Position, Store } from '../../store/store.ts';
import { Balance, unbalanced } from './balance.ts';
import { FoldedLog } from './folded.ts';
import { compareSaved, type Counts } from './saved.ts';
import type { Tell, Violation } from './violation.ts';

export { comparedTables } from './saved.ts';
export type { Check, Tell, Violation } from './violation.ts';

/** What the audit of one log leaves for the end. */
export interface LogAudit {
  readonly log: number;
  readonly facts: number;
  /** Units that are promised or owned in this log and settled in another. */
  readonly open: readonly [string, number][];
  /** Rows that this log calls for, by table; undefined where it could not be read. */
  readonly counts: Counts | undefined;
}

/** A log to audit: its head at the moment `heads` was taken, which is one instant of all logs, and how far its states are saved. */
export interface AskedLog {
  readonly log: LogId;
  readonly head: Position;
  readonly checkpoint: Position;
}

interface AuditOptions {
  readonly nowMs: number;
  readonly tell: Tell;
  readonly onFacts: (count: number) => void;
}

/** Audits some logs, read together: what an append said of all of them is read and checked once. Their states are in memory side by side. */
export async function auditLogs(store: Store, asked: readonly AskedLog[], options: AuditOptions): Promise<LogAudit[]> {
  const { nowMs: _, ...heard } = options;
  const logs = asked.map((one) => ({ ...one, folded: new FoldedLog({ log: one.log, source: store.log, partitions: store.partitions, ...heard }) }));
  await foldTogether(store.log, logs);
  const audits: LogAudit[] = [];
  // One after another, each forgotten when it is done.
  for (let one = logs.shift(); one !== undefined; one = logs.shift()) audits.push(await auditFolded(store, one, options));
  return audits;
}

type Folding = AskedLog & { readonly folded: FoldedLog };

/** Where what is saved is compared and where the sums are: whichever of them comes first. */
const firstOf = ({ head, checkpoint }: AskedLog): Position => Math.min(head, checkpoint);

async function foldTogether(source: LogStore, logs: readonly Folding[]): Promise<void> {
  const behind = new Map(logs.flatMap((one) => (firstOf(one) > 0 ? [[one.log, one] as const] : [])));
  try {
    const after = new Map(behind.keys().map((log) => [log, 0]));
    for await (const page of source.readTogetherStored?.(after) ?? source.readTogether(after)) {
      for (const commit of page) {
        const one = behind.get(commit.log);
        if (one === undefined || one.folded.reached >= firstOf(one)) continue;
        one.folded.take(commit);
        if (one.folded.reached >= firstOf(one)) behind.delete(commit.log);
      }
      if (behind.size === 0) return;
    }
  } catch {
    // Each log is then read on by itself, and says what is wrong with it.
  }
}

async function auditFolded(store: Store, one: Folding, { nowMs, tell }: AuditOptions): Promise<LogAudit> {
  const { log, head, checkpoint, folded } = one;
  let open = await balanceAt(folded, head, firstOf(one));
  if (!(await folded.advance(checkpoint))) return { log, facts: folded.facts, open: [], counts: undefined };
  const { itemFacts } = folded;
  const counts = await compareSaved(folded, store, { tell, nowMs });
  open ??= (await folded.advance(head)) ? folded.balance().open : [];
  return { log, facts: folded.facts, open, counts: { ...counts, item_facts: itemFacts } };
}

/** The sums at the head where the log is to be folded no further than that now. */
async function balanceAt(folded: FoldedLog, head: Position, upTo: Position): Promise<[string, number][] | undefined> {
  return (await folded.advance(upTo)) && folded.reached === head ? folded.balance().open : undefined;
}

/** What only all logs together can tell. */
export function settle(audits: readonly LogAudit[], tell: Tell): void {
  const all = new Balance();
  for (const { open } of audits) all.merge(open);
  // Where a log could not be read, what is promised in it is not known.
  if (audits.some(({ counts }) => counts === undefined)) return;
  for (const [name, by] of all.open) tell({ check: 'records', log: -1, expected: '0', found: String(by), ...unbalanced(name, by) } satisfies Violation);
}

/**
 * Whether tables have rows that no state calls for. To be asked only of a store that nobody else works in. `states`
 * says whether the engine keeps states in a table of that name, beside those of the views.
 */
export async function compareCounts(store: Store, audits: readonly LogAudit[], tell: Tell, states: 'in a table' | 'elsewhere'): Promise<void> {
  const expected = new Map<string, number>();
  for (const { counts } of audits) {
    if (!counts) return;
    for (const [table, count] of Object.entries(counts)) expected.set(table, (expected.get(table) ?? 0) + count);
  }
  if (states === 'elsewhere') expected.delete('states');
  for (const [table, count] of expected) {
    const found = (await store.projections.count?.(table)) ?? (await countRows(store, table));
    if (found !== count) tell({ check: table === 'states' ? 'states' : 'views', log: -1, key: table, expected: String(count), found: String(found), message: `${table} has ${found} rows, and the facts call for ${count}` });
  }
}

async function countRows({ projections }: Store, table: string): Promise<number> {
  const [row] = (await projections.sql.selectFrom(table).select((eb) => eb.fn.countAll().as('count')).execute()) as { count: number | string }[]; // the column selected
  return Number(row?.count ?? 0);
}
