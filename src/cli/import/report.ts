import { createWriteStream, type WriteStream } from 'node:fs';
import { once } from 'node:events';

/** One thing that is wrong with one line. */
export interface LineFault {
  readonly line: number;
  /** The column, or the member as a JSON pointer without its first slash; empty where the line as a whole is meant. */
  readonly field: string;
  readonly reason: string;
  /** A code of the interface; `unreadable` where it never came so far. */
  readonly code: string;
}

/** Faults told to people on the way; all of them go to the file of errors. */
const TOLD_MAX = 20;

/** Tells of lines that were refused: to the terminal the first, and to files all of them. */
export class Rejections implements AsyncDisposable {
  readonly #name: string;
  readonly #err: NodeJS.WritableStream;
  readonly #errors: WriteStream | undefined;
  readonly #rejects: WriteStream | undefined;
  #headed = false;
  #told = 0;
  #untold = 0;
  #failure: Error | undefined;

  constructor(options: { name: string; err: NodeJS.WritableStream; errors: string | undefined; rejects: string | undefined }) {
    this.#name = options.name;
    this.#err = options.err;
    const open = (file: string | undefined): WriteStream | undefined => (file === undefined ? undefined : createWriteStream(file).on('error', (error) => void (this.#failure = error)));
    this.#errors = open(options.errors);
    this.#rejects = open(options.rejects);
  }

  /** Says what is wrong with a line. `source` is the line as it stands in the file, below its header. */
  async tell(faults: readonly LineFault[], source?: { readonly header: string | undefined; readonly text: string }): Promise<void> {
    for (const fault of faults) {
      await this.#write(this.#errors, `${JSON.stringify(fault)}\n`);
      if (this.#told >= TOLD_MAX) this.#untold++;
      else {
        this.#told++;
        this.#err.write(`${this.#name}:${fault.line}: ${fault.field === '' ? '' : `${fault.field}: `}${fault.reason}\n`);
      }
    }
    if (!source || faults.length === 0) return;
    if (!this.#headed && source.header !== undefined) await this.#write(this.#rejects, `${source.header}\n`);
    this.#headed = true;
    await this.#write(this.#rejects, `${source.text}\n`);
  }

  async #write(file: WriteStream | undefined, text: string): Promise<void> {
    if (this.#failure) throw this.#failure;
    if (file && !file.write(text)) await Promise.race([once(file, 'drain'), once(file, 'close')]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#untold > 0) this.#err.write(`${this.#name}: and ${this.#untold.toLocaleString('en')} more${this.#errors ? '' : '; --errors <file> names them all'}\n`);
    for (const file of [this.#errors, this.#rejects]) {
      if (!file) continue;
      file.end();
      if (!file.closed) await once(file, 'close').catch(() => undefined); // a failure to write was told when it came
    }
    if (this.#failure) throw this.#failure;
  }
}
