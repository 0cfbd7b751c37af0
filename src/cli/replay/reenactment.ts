import { basename } from 'node:path';
import progress from 'cli-progress';
import { HoldfastClient, isProblem } from '../../client/client.ts';
import { invoices, type Invoice } from './invoices.ts';
import { atMost, Pace } from './pacing.ts';
import { SalesFileError, salesLines } from './sales-file.ts';
import { survey, type Survey } from './survey.ts';
import { Till, type Takings } from './till.ts';

export interface ReplayOptions {
  readonly file: string;
  readonly url: string;
  /** An API key that may write. */
  readonly key: string | undefined;
  /** How many times as fast as it happened. */
  readonly speed: number | 'max';
  /** Requests under way at a time. */
  readonly concurrency: number;
  /** Opening stock as a share of what will be asked for: below 1 some of it is refused. */
  readonly scarcity: number;
  /** Of the file's prices. */
  readonly currency: string;
}

export interface ReplayReport extends Takings {
  readonly items: number;
  readonly lines: number;
  readonly faults: number;
  readonly invoices: number;
  readonly seconds: number;
  readonly holdMs: { readonly p50: number; readonly p99: number };
  readonly confirmMs: { readonly p50: number; readonly p99: number };
  /** Items whose facts do not add up to their levels, or that were oversold. */
  readonly bookErrors: readonly string[];
}

export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: NodeJS.WritableStream;
  readonly signal: AbortSignal;
}

const RECEIPTS_PER_REQUEST = 1_000;
/** A check reads all facts of an item. */
const CHECKS_AT_A_TIME = 8;

/** Replays a file and prints the report. Gives the exit code: 0 where the books balance, 1 where not, 2 where it could not be done. */
export async function replayCommand(options: ReplayOptions, terminal: Terminal): Promise<number> {
  try {
    const report = await replay(options, terminal);
    terminal.out(reportText(options, report));
    return report.bookErrors.length === 0 ? 0 : 1;
  } catch (error) {
    terminal.err.write(`holdfast: ${failureText(error, terminal.signal)}\n`);
    return 2;
  }
}

export async function replay(options: ReplayOptions, { err, signal }: Terminal): Promise<ReplayReport> {
  const client = new HoldfastClient({ baseUrl: options.url, ...(options.key === undefined ? undefined : { key: options.key }) });
  await client.operation.ready({ signal });
  const surveyed = await survey(options.file);
  if (surveyed.lines === 0) throw new SalesFileError(`${options.file} has no line that can be used`);
  for (const { line, fault } of surveyed.faultSamples) err.write(`${options.file}:${line}: ${fault}\n`);
  if (surveyed.faults > surveyed.faultSamples.length) err.write(`${options.file}: and ${surveyed.faults - surveyed.faultSamples.length} more lines that cannot be used\n`);
  const till = new Till({ client, prefix: `replay-${surveyed.fingerprint}`, orders: options.scarcity < 1 ? 'partial' : 'whole', signal });
  await stock({ client, till, surveyed, options, signal });
  const { seconds, count } = await sell({ till, surveyed, options, err, signal });
  await till.close();
  const bookErrors = await checkBooks({ client, surveyed, err, signal });
  const quantiles = (of: Till['holding']): { p50: number; p99: number } => ({ p50: of.quantile(0.5), p99: of.quantile(0.99) });
  return {
    ...till.takings,
    items: surveyed.items.size,
    lines: surveyed.lines,
    faults: surveyed.faults,
    invoices: count,
    seconds,
    holdMs: quantiles(till.holding),
    confirmMs: quantiles(till.confirming),
    bookErrors,
  };
}

interface Work {
  readonly client: HoldfastClient;
  readonly till: Till;
  readonly surveyed: Survey;
  readonly options: ReplayOptions;
  readonly err: NodeJS.WritableStream;
  readonly signal: AbortSignal;
}

/** Describes the items and receives what will be asked for, as far as scarcity allows. */
async function stock({ client, till, surveyed, options, signal }: Omit<Work, 'err'>): Promise<void> {
  const { currency, scarcity, concurrency } = options;
  await atMost(concurrency, surveyed.items, async ([sku, { name, price }]) => {
    const item = { ...(name === '' ? undefined : { name }), ...(price === undefined ? undefined : { price: { amount: price, currency } }) };
    await client.items.put(sku, item, { signal });
  });
  const receipts = [...surveyed.items]
    .map(([sku, { demand }]) => ({ sku, change: Math.floor(demand * scarcity), reason: 'received' as const, reference: 'replay' }))
    .filter(({ change }) => change > 0);
  for (let from = 0; from < receipts.length; from += RECEIPTS_PER_REQUEST) await till.book(receipts.slice(from, from + RECEIPTS_PER_REQUEST), `receipts-${from}`);
}

async function sell({ till, surveyed, options, err, signal }: Omit<Work, 'client'>): Promise<{ seconds: number; count: number }> {
  const bar = barOn(err, 'replay {bar} {percentage}% | {value}/{total} lines | {date} | {holds} holds/s | {refused} units refused');
  bar.start(surveyed.lines, 0, { date: '', holds: 0, refused: 0 });
  const began = performance.now();
  const pace = new Pace({ speed: options.speed, firstMs: surveyed.firstMs, signal });
  let [lines, count] = [0, 0];
  try {
    await atMost(options.concurrency, paced(invoices(salesLines(options.file)), pace), async (invoice) => {
      await till.ring(invoice);
      count++;
      lines += invoice.sold.length + invoice.returned.length + invoice.writtenOff.length;
      const { holds, refused } = till.takings;
      bar.update(lines, { date: new Date(invoice.atMs).toISOString().slice(0, 10), holds: Math.round((holds / (performance.now() - began)) * 1_000), refused });
    });
  } finally {
    bar.stop();
  }
  return { seconds: (performance.now() - began) / 1_000, count };
}

async function* paced(source: AsyncIterable<Invoice>, pace: Pace): AsyncGenerator<Invoice> {
  for await (const invoice of source) {
    await pace.until(invoice.atMs);
    yield invoice;
  }
}

async function checkBooks({ client, surveyed, err, signal }: Pick<Work, 'client' | 'surveyed' | 'err' | 'signal'>): Promise<string[]> {
  const wrong: string[] = [];
  let checked = 0;
  const bar = barOn(err, 'books  {bar} {percentage}% | {value}/{total} items | {wrong} book errors');
  bar.start(surveyed.items.size, 0, { wrong: 0 });
  try {
    await atMost(CHECKS_AT_A_TIME, surveyed.items.keys(), async (sku) => {
      const { ok, oversold = 0 } = await client.items.check(sku, { signal });
      if (!ok || oversold > 0) wrong.push(sku);
      bar.update(++checked, { wrong: wrong.length });
    });
  } finally {
    bar.stop();
  }
  return wrong;
}

function barOn(stream: NodeJS.WritableStream, format: string): InstanceType<typeof progress.SingleBar> {
  return new progress.SingleBar({ format, stream, hideCursor: true, fps: 5, noTTYOutput: true, notTTYSchedule: 10_000 }, progress.Presets.shades_classic);
}

function reportText({ file }: ReplayOptions, report: ReplayReport): string {
  const n = (value: number): string => value.toLocaleString('en');
  const ms = ({ p50, p99 }: { p50: number; p99: number }): string => `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`;
  const wrong = report.bookErrors;
  return [
    `replayed ${basename(file)}: ${n(report.invoices)} invoices, ${n(report.lines)} lines, ${n(report.items)} items in ${report.seconds.toFixed(1)} s`,
    `  sold         ${n(report.sold)} units in ${n(report.orders)} orders`,
    `  refused      ${n(report.refused)} units; ${n(report.ordersRefused)} orders in whole`,
    `  returned     ${n(report.returned)} units`,
    `  written off  ${n(report.writtenOff)} units${report.adjustmentsRefused > 0 ? `; ${n(report.adjustmentsRefused)} adjustments were refused` : ''}`,
    `  speed        ${n(Math.round(report.holds / report.seconds))} holds/s, ${n(Math.round(report.lines / report.seconds))} lines/s`,
    `  hold         ${ms(report.holdMs)}`,
    `  confirm      ${ms(report.confirmMs)}`,
    `  unusable     ${n(report.faults)} lines`,
    `  books        ${n(report.items)} items checked, ${n(wrong.length)} book errors${wrong.length > 0 ? `: ${wrong.slice(0, 10).join(', ')}` : ''}`,
    '',
  ].join('\n');
}

function failureText(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'replay stopped; the same command goes on where it stopped';
  if (isProblem(error, 'idempotency-key-reused')) return 'this file was replayed here with other options in the last 24 hours; use the same ones, or an empty store';
  if (isProblem(error) && (error.status === 401 || error.status === 403)) return `the service does not let this key write (${error.code}); give one by --key or HOLDFAST_KEY`;
  return error instanceof Error ? error.message : String(error);
}
