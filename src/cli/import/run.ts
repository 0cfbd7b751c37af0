import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { isFault } from '../../base/errors.ts';
import { HoldfastUnreachable, isProblem } from '../../client/client.ts';
import { ConfigError } from '../../app/app.ts';
import { readImportLine, type ImportRules } from '../../http/http.ts';
import { progressBar } from '../progress-bar.ts';
import { readSheet, SheetError, type SheetLine, type SheetOptions } from '../sheet/sheet.ts';
import { Rejections, type LineFault } from './report.ts';
import { ImportStopped, openTarget, type GoodLine, type Taken, type Target, type TargetChoice } from './target.ts';

export interface ImportOptions {
  /** `-` is standard input. */
  readonly file: string;
  readonly target: TargetChoice;
  readonly format?: 'csv' | 'ndjson';
  readonly mode: 'merge' | 'replace';
  readonly createItems?: boolean;
  readonly currency?: string;
  /** `theirs=ours`. */
  readonly rename: readonly string[];
  readonly ignoreUnknown?: boolean;
  readonly dryRun?: boolean;
  readonly id?: string;
  readonly errors?: string;
  readonly rejects?: string;
}

export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: NodeJS.WritableStream;
  readonly signal: AbortSignal;
}

/** Imports a file and prints what became of it. Gives the exit code: 0 where every line was taken, 1 where some were refused, 2 where it could not be done. */
export async function importCommand(options: ImportOptions, terminal: Terminal): Promise<number> {
  const name = options.file === '-' ? 'standard input' : options.file;
  try {
    const report = await runImport(options, name, terminal);
    terminal.out(reportText(name, report, options.dryRun === true));
    return report.refused > 0 ? 1 : 0;
  } catch (error) {
    if (!isExpected(error)) throw error;
    terminal.err.write(`holdfast: ${error.message}\n`);
    return 2;
  }
}

function isExpected(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return isFault(error) || isProblem(error) || [SheetError, ImportStopped, ConfigError, HoldfastUnreachable].some((kind) => error instanceof kind) || 'syscall' in error;
}

interface Report extends Omit<Taken, 'faults'> {
  /** Lines that were taken in before this run. */
  readonly before: number;
  /** Lines that this run took in or refused. */
  readonly lines: number;
  readonly seconds: number;
}

async function runImport(options: ImportOptions, name: string, { err, signal }: Terminal): Promise<Report> {
  const rules: ImportRules = { items: options.mode, createItems: options.createItems === true };
  const mode = options.dryRun === true ? 'rehearse' : 'store';
  const importId = await identityOf(options);
  const bytes = options.file === '-' ? 0 : (await stat(options.file)).size;
  await using target = await openTarget(options.target, rules, mode);
  const before = mode === 'store' ? await target.find(importId) : undefined;
  await using rejections = new Rejections({ name, err, errors: options.errors, rejects: options.rejects });
  await rejections.tell(before?.faults ?? []);
  using bar = progressBar(err);
  let read = 0;
  const sheet = readSheet(inputOf(options.file), { ...sheetOptions(options), onBytes: (count) => bar.update(`importing ${name}`, (read += count), Math.max(bytes, read)) });
  const intake = new Intake({ target, importId, mode, rejections, before });
  const began = performance.now();
  try {
    for await (const { header, lines } of sheet) {
      for (const line of lines) await intake.line(line, header, rules);
      if (signal.aborted) break;
    }
    await intake.end();
  } catch (error) {
    throw new ImportStopped(`${error instanceof Error ? error.message : String(error)}${mode === 'store' ? `; stopped after line ${intake.reached}` : ''}`, { cause: error });
  } finally {
    await intake.settle();
  }
  if (signal.aborted) throw new ImportStopped(`import stopped after line ${intake.reached}; ${options.file === '-' && options.id === undefined ? 'without --id it cannot be gone on with' : 'the same command goes on where it stopped'}`);
  return { ...intake.total, before: before?.line ?? 0, lines: intake.lines, seconds: (performance.now() - began) / 1000 };
}

function inputOf(file: string): Readable {
  return file === '-' ? process.stdin : createReadStream(file, { highWaterMark: 262_144 });
}

/** An import is named after what is in the file and what is asked for: the same again is the same import. */
async function identityOf({ file, mode, createItems, currency, rename, id }: ImportOptions): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([mode, createItems === true, currency ?? '', rename, id ?? '']));
  if (file !== '-') for await (const chunk of createReadStream(file, { highWaterMark: 1_048_576 })) hash.update(chunk as Buffer); // a stream without encoding gives buffers
  else if (id === undefined) hash.update(randomBytes(16));
  return `imp_${hash.digest('hex').slice(0, 32)}`;
}

function sheetOptions({ format, rename, ignoreUnknown, currency, file }: ImportOptions): SheetOptions {
  if (format !== undefined && format !== 'csv' && format !== 'ndjson') throw new ConfigError('--format must be csv or ndjson');
  if (currency !== undefined && !/^[A-Z]{3}$/.test(currency)) throw new ConfigError('--currency must be a code of ISO 4217, such as EUR');
  const pairs = rename.map((pair): [string, string] => {
    const at = pair.lastIndexOf('=');
    if (at < 1) throw new ConfigError(`--rename must be <theirs>=<ours>, not ${pair}`);
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  const isJson = format === 'ndjson' || (format === undefined && /\.(?:nd)?jsonl?(?:\.gz)?$/i.test(file));
  return { form: isJson ? { delimiter: undefined } : 'guess', renamed: new Map(pairs), unknown: ignoreUnknown === true ? 'ignore' : 'refuse', currency };
}

/** A part that is being put together, with the text of its lines for those that are refused. */
interface Gathering {
  after: number;
  upTo: number;
  lines: GoodLine[];
  texts: Map<number, string>;
}

interface IntakeOptions {
  readonly target: Target;
  readonly importId: string;
  readonly mode: 'store' | 'rehearse';
  readonly rejections: Rejections;
  readonly before: Taken | undefined;
}

/** Turns lines into parts, sends a few of them at a time, in order, and counts what became of them. */
class Intake {
  readonly #options: IntakeOptions;
  #part: Gathering;
  #header: string | undefined;
  readonly #underWay: Promise<void>[] = [];
  readonly #start: number;
  /** In a rehearsal nothing is stored, so that later parts do not know what earlier ones described. */
  readonly #seen = new Set<string>();
  #unreadable = 0;
  #total: Omit<Taken, 'faults'>;
  lines = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
    const { line, described, adjusted, unchanged, refused } = options.before ?? { line: 0, described: 0, adjusted: 0, unchanged: 0, refused: 0 };
    this.#start = line;
    this.#total = { line, described, adjusted, unchanged, refused };
    this.#part = emptyPart(line);
  }

  /** The last line that was taken in. */
  get reached(): number {
    return this.#total.line;
  }

  get total(): Omit<Taken, 'faults'> {
    return { ...this.#total, refused: this.#total.refused + this.#unreadable };
  }

  async line({ line, lastLine, text, value, faults }: SheetLine, header: string | undefined, rules: ImportRules): Promise<void> {
    this.#header = header;
    const isNew = lastLine > this.#start;
    if (isNew) this.lines++;
    // Its form is looked at also where it was taken in before, because that is told of nowhere else.
    const commands = faults.length > 0 ? undefined : readImportLine(value, rules);
    if (!commands || 'faults' in commands) {
      this.#unreadable++;
      const found: LineFault[] = faults.map(({ field, reason }) => ({ line, field, reason, code: 'unreadable' }));
      for (const { pointer, detail } of commands?.faults ?? []) found.push({ line, field: fieldOf(pointer), reason: detail, code: 'invalid-request' });
      await this.#options.rejections.tell(found, { header, text });
    } else if (isNew) {
      this.#part.lines.push({ line, value: value as object, commands }); // it was read as a line
      this.#part.texts.set(line, text);
    }
    if (!isNew) return;
    this.#part.upTo = lastLine;
    if (this.#part.lines.length >= this.#options.target.linesPerPart) await this.#send();
  }

  async end(): Promise<void> {
    if (this.#part.upTo > this.#part.after) await this.#send();
    while (this.#underWay.length > 0) await this.#underWay.shift();
  }

  /** Waits for what is under way, whatever becomes of it. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  async #send(): Promise<void> {
    const part = this.#part;
    this.#part = emptyPart(part.upTo);
    while (this.#underWay.length >= this.#options.target.parts) await this.#underWay.shift();
    const taking = this.#take(part);
    taking.catch(() => undefined); // whoever waits for it hears of it
    this.#underWay.push(taking);
  }

  async #take({ after, upTo, lines, texts }: Gathering): Promise<void> {
    const { target, importId, mode, rejections } = this.#options;
    const done = await target.take(importId, { after, upTo, lines }, mode);
    const faults = mode === 'rehearse' ? this.#unforgiven(done.faults, lines) : done.faults;
    const refused = mode === 'rehearse' ? new Set(faults.map(({ line }) => line)).size : done.refused;
    const { described, adjusted, unchanged } = this.#total;
    this.#total = { line: Math.max(this.#total.line, upTo), described: described + done.described, adjusted: adjusted + done.adjusted, unchanged: unchanged + done.unchanged, refused: this.#total.refused + refused };
    for (const [line, ofLine] of Map.groupBy(faults, (fault) => fault.line)) await rejections.tell(ofLine, { header: this.#header, text: texts.get(line) ?? '' });
  }

  /** Without the faults that are none once the lines before them are stored. */
  #unforgiven(faults: readonly LineFault[], lines: readonly GoodLine[]): readonly LineFault[] {
    for (const { commands } of lines) for (const command of commands) if (command.type === 'DefineItem') this.#seen.add(command.sku);
    const skus = new Map(lines.map(({ line, value }) => [line, (value as { sku?: unknown }).sku]));
    return faults.filter(({ line, code }) => code !== 'unknown-item' || !this.#seen.has(String(skus.get(line))));
  }
}

function emptyPart(after: number): Gathering {
  return { after, upTo: after, lines: [], texts: new Map() };
}

/** `/attributes/colour` is the column `attribute.colour`; other members are called like their columns. */
function fieldOf(pointer: string): string {
  const [first = '', ...rest] = pointer.slice(1).split('/');
  if (first === 'attributes' && rest.length > 0) return `attribute.${rest.join('/')}`;
  if (first === 'channelBuffers' && rest.length > 0) return `channelBuffer.${rest.join('/')}`;
  if (first === 'price' && rest[0] === 'currency') return 'currency';
  return first === 'price' || first === 'cost' ? first : pointer.slice(1);
}

function reportText(name: string, { described, adjusted, unchanged, refused, before, lines, seconds }: Report, rehearsed: boolean): string {
  const n = (value: number): string => value.toLocaleString('en');
  if (lines === 0 && before > 0) return `${name} was imported before, up to line ${n(before)}: nothing to do. Another --id imports it once more.\n`;
  const counted = [`described ${n(described)}`, `stock changed ${n(adjusted)}`, `as it was ${n(unchanged)}`, `refused ${n(refused)}`].join(', ');
  const speed = `${n(lines)} lines in ${seconds.toFixed(1)} s, ${n(Math.round(lines / Math.max(seconds, 0.001)))} lines/s`;
  const resumed = before > 0 ? `, after line ${n(before)} where it had stopped` : '';
  return rehearsed ? `tried ${name}, stored nothing: ${speed}\n  would be: ${counted}\n` : `imported ${name}: ${speed}${resumed}\n  lines in all: ${counted}\n`;
}
