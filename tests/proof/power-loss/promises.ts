/** What a server has promised, read from what it said on its connections: every answer is a promise from then on. */
import { parseCursor } from '../../../src/store/store.ts';
import type { Deed } from './trace.ts';

/** Everything that was promised up to a moment. */
export class Promises {
  /** How far each log must be. */
  readonly heads: number[];
  /** Accepted work, and that of it which was said to be done. */
  readonly accepted = new Set<string>();
  readonly done = new Set<string>();
  readonly keys = new Set<string>();
  readonly revokedKeys = new Set<string>();
  answers = 0;

  constructor(partitions: number) {
    this.heads = new Array<number>(partitions).fill(0);
  }

  take(answer: Answered): void {
    if (answer.status >= 500) return;
    this.answers++;
    const cursor = answer.headers.get('holdfast-cursor');
    const positions = cursor === undefined ? undefined : parseCursor(cursor, this.heads.length)?.positions;
    for (const [log, position] of positions?.entries() ?? []) this.heads[log] = Math.max(this.heads[log] ?? 0, position);
    const asked = answer.headers.get('x-request-id') ?? '';
    if (answer.status < 300 && asked.startsWith('revoke.')) this.revokedKeys.add(asked.slice('revoke.'.length));
    this.#takeBody(answer.body);
  }

  #takeBody(body: unknown): void {
    if (typeof body !== 'object' || body === null) return;
    const { commandId, status, id, scopes } = body as Readonly<Record<string, unknown>>; // looked at before use
    if (typeof commandId === 'string') (status === 'applied' ? this.done : this.accepted).add(commandId);
    if (typeof id === 'string' && scopes !== undefined) this.keys.add(id);
  }
}

export interface Answered {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: unknown;
}

/** Puts answers together from what was said on each connection, and gives each with the deed that completed it. */
export class Listening {
  readonly #connections = new Map<string, Buffer>();

  hear({ path, data }: Deed): Answered[] {
    let heard = Buffer.concat([this.#connections.get(path) ?? Buffer.alloc(0), data]);
    const answers: Answered[] = [];
    for (;;) {
      const next = firstAnswer(heard);
      if (next === undefined) break;
      answers.push(next.answer);
      heard = heard.subarray(next.bytes);
    }
    this.#connections.set(path, heard);
    return answers;
  }
}

function firstAnswer(heard: Buffer): { answer: Answered; bytes: number } | undefined {
  const end = heard.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first = '', ...lines] = heard.toString('latin1', 0, end).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1]);
  if (!Number.isInteger(status)) throw new Error(`not an answer: ${first}`);
  const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()] as const));
  const length = Number(headers.get('content-length') ?? 0);
  const bytes = end + 4 + length;
  if (heard.length < bytes) return undefined;
  const text = heard.toString('utf8', end + 4, bytes);
  const isJson = headers.get('content-type')?.includes('json') === true && length > 0;
  return { answer: { status, headers, body: isJson ? JSON.parse(text) : undefined }, bytes };
}
