/**
 * A crowd that listens to Server-Sent Events over plain sockets and notes how old each fact is when it arrives: its
 * `time` is the instant of its decision, so that the age has the fsync in it. It ends when everybody has heard all.
 */
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { answer, ask } from './child.ts';
import { Histogram, type Waits } from './histogram.ts';

export interface CrowdSpec {
  readonly port: number;
  readonly path: string;
  /** Shared out evenly: one key may have a hundred streams. */
  readonly keys: readonly string[];
  readonly listeners: number;
  /** How many facts each of them is to hear. */
  readonly facts: number;
}

export interface CrowdResult {
  /** Ages of facts, in milliseconds. */
  readonly waits: Waits;
  readonly deliveries: number;
}

export const crowd = (spec: CrowdSpec): Promise<CrowdResult> => ask(new URL(import.meta.url), spec);

const MARK = Buffer.from('"time":"');
const TIME_LENGTH = '2026-01-01T00:00:00.000Z'.length;
const PATIENCE_MS = 120_000;

/** One listener: looks for instants in what arrives, also where one is cut in two. */
class Ear {
  heard = 0;
  #rest: Buffer = Buffer.alloc(0);
  readonly #onFact: (timeText: string) => void;

  constructor(onFact: (timeText: string) => void) {
    this.#onFact = onFact;
  }

  take(chunk: Buffer): void {
    const text = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let from = 0;
    for (let at = text.indexOf(MARK); at >= 0 && at + MARK.length + TIME_LENGTH <= text.length; at = text.indexOf(MARK, from)) {
      from = at + MARK.length + TIME_LENGTH;
      this.heard++;
      this.#onFact(text.toString('latin1', at + MARK.length, from));
    }
    this.#rest = Buffer.from(text.subarray(Math.max(from, text.length - MARK.length - TIME_LENGTH)));
  }
}

async function listen({ port, path, keys, listeners, facts }: CrowdSpec): Promise<CrowdResult> {
  const waits = new Histogram();
  const done = Promise.withResolvers<void>();
  let [deliveries, lastText, lastMs] = [0, '', 0];
  const onFact = (timeText: string): void => {
    if (timeText !== lastText) [lastText, lastMs] = [timeText, Date.parse(timeText)];
    waits.add(Math.max(0, Date.now() - lastMs));
    if (++deliveries === listeners * facts) done.resolve();
  };
  const open = (_: unknown, i: number): Socket => {
    const ear = new Ear(onFact);
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${keys[i % keys.length]}\r\n\r\n`);
    socket.on('data', (chunk: Buffer) => ear.take(chunk));
    socket.on('error', done.reject);
    socket.on('close', () => done.reject(new Error(`a stream ended after ${ear.heard} facts`)));
    return socket;
  };
  const late = setTimeout(() => done.reject(new Error(`${deliveries} of ${listeners * facts} facts were heard within two minutes`)), PATIENCE_MS);
  const sockets = Array.from({ length: listeners }, open);
  try {
    await done.promise;
  } finally {
    clearTimeout(late);
    for (const socket of sockets) socket.removeAllListeners('close').destroy();
  }
  return { waits: waits.waits, deliveries };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) answer(listen);
