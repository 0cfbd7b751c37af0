import { passing } from '../../base/crash-points.ts';
import { isProblem } from '../../client/client.ts';
import { readImportLine, type ImportRules } from '../../http/http.ts';
import type { SheetLine } from '../sheet/sheet.ts';
import type { LineFault, Rejections } from './report.ts';
import type { GoodLine, Part, Taken, Target } from './target.ts';

/** A part that is being put together, with the text of its lines for those that are refused. */
interface Gathering {
  after: number;
  upTo: number;
  lines: GoodLine[];
  /** In the order of the lines. */
  texts: string[];
}

interface IntakeOptions {
  readonly target: Target;
  readonly importId: string;
  readonly mode: 'store' | 'rehearse';
  readonly rules: ImportRules;
  readonly rejections: Rejections;
  readonly before: Taken | undefined;
}

/** Turns lines into parts, sends a few of them at a time, in order, and counts what became of them. */
export class Intake {
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

  /** Takes a line; what is to be waited for before the next, if anything. */
  line(read: SheetLine, header: string | undefined): Promise<void> | undefined {
    this.#header = header;
    const { line, lastLine, text, value, faults } = read;
    const isNew = lastLine > this.#start;
    if (isNew) this.lines++;
    // Its form is looked at also where it was taken in before, because that is told of nowhere else.
    const commands = faults.length > 0 ? undefined : readImportLine(value, this.#options.rules);
    const isGood = commands !== undefined && !('faults' in commands);
    if (isNew && isGood) {
      this.#part.lines.push({ line, value: value as object, commands }); // it was read as a line
      this.#part.texts.push(text);
    }
    if (isNew) this.#part.upTo = lastLine;
    if (!isGood) return this.#refuse(read, commands?.faults ?? []);
    return isNew && this.#part.lines.length >= this.#options.target.linesPerPart ? this.#send() : undefined;
  }

  #refuse({ line, text, faults }: SheetLine, ofForm: readonly { pointer: string; detail: string }[]): Promise<void> {
    this.#unreadable++;
    const found: LineFault[] = faults.map(({ field, reason }) => ({ line, field, reason, code: 'unreadable' }));
    for (const { pointer, detail } of ofForm) found.push({ line, field: fieldOf(pointer), reason: detail, code: 'invalid-request' });
    return this.#options.rejections.tell(found, { header: this.#header, text });
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
    const taking = this.#take(part, this.#underWay.at(-1));
    taking.catch(() => undefined); // whoever waits for it hears of it
    this.#underWay.push(taking);
  }

  async #take({ after, upTo, lines, texts }: Gathering, before: Promise<void> | undefined): Promise<void> {
    const { mode, rejections } = this.#options;
    const done = await this.#takeInTurn({ after, upTo, lines }, before);
    passing('import.told');
    const faults = mode === 'rehearse' ? this.#unforgiven(done.faults, lines) : done.faults;
    const refused = mode === 'rehearse' ? new Set(faults.map(({ line }) => line)).size : done.refused;
    const { described, adjusted, unchanged } = this.#total;
    this.#total = { line: Math.max(this.#total.line, upTo), described: described + done.described, adjusted: adjusted + done.adjusted, unchanged: unchanged + done.unchanged, refused: this.#total.refused + refused };
    if (faults.length === 0) return;
    const indexes = new Map(lines.map(({ line }, index) => [line, index]));
    for (const [line, ofLine] of Map.groupBy(faults, (fault) => fault.line)) await rejections.tell(ofLine, { header: this.#header, text: texts[indexes.get(line) ?? -1] ?? '' });
  }

  /** A part that came before the one that it follows is given again once that is done. */
  async #takeInTurn(part: Part, before: Promise<void> | undefined): Promise<Taken> {
    const { target, importId, mode } = this.#options;
    try {
      return await target.take(importId, part, mode);
    } catch (error) {
      if (!before || !isProblem(error, 'import-elsewhere')) throw error;
      await before;
      return target.take(importId, part, mode);
    }
  }

  /** Without the faults that are none once the lines before them are stored. */
  #unforgiven(faults: readonly LineFault[], lines: readonly GoodLine[]): readonly LineFault[] {
    for (const { commands } of lines) for (const command of commands) if (command.type === 'DefineItem') this.#seen.add(command.sku);
    const skus = new Map(lines.map(({ line, value }) => [line, (value as { sku?: unknown }).sku]));
    return faults.filter(({ line, code }) => code !== 'unknown-item' || !this.#seen.has(String(skus.get(line))));
  }
}

function emptyPart(after: number): Gathering {
  return { after, upTo: after, lines: [], texts: [] };
}

/** `/attributes/colour` is the column `attribute.colour`; other members are called like their columns. */
function fieldOf(pointer: string): string {
  const [first = '', ...rest] = pointer.slice(1).split('/');
  if (first === 'attributes' && rest.length > 0) return `attribute.${rest.join('/')}`;
  if (first === 'channelBuffers' && rest.length > 0) return `channelBuffer.${rest.join('/')}`;
  if (first === 'price' && rest[0] === 'currency') return 'currency';
  return first === 'price' || first === 'cost' ? first : pointer.slice(1);
}
